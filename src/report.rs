//! The text and JSON forms of plans, runs, manifests' problems and the status. It prints nothing by itself.
//!
//! Texts from manifests and from the service are escaped here, on their way out; in JSON they stay exact.

use std::fmt::{self, Write as _};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::escape::Escaped;
use crate::outcome::{ExitCode, Outcome};
use crate::status::{API_VERSION, ConditionType, ImageStatus, Status};

mod body;
mod markdown;
mod plan;

pub use body::PlanBody;
pub use markdown::{outcome_markdown, plan_markdown, problems_markdown};
pub use plan::{plan_text, totals_text};

/// A duration in its two largest units, whole seconds, never negative: `1h 5m`, `25s`.
pub fn duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// "1 image", "3 images".
pub fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// What every JSON output begins with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document<T> {
    api_version: &'static str,
    kind: &'static str,
    exit_code: ExitCode,
    reason: String,
    message: String,
    #[serde(flatten)]
    body: T,
}

impl<T: Serialize> Document<T> {
    /// A document about an outcome.
    pub fn new(kind: &'static str, outcome: &Outcome, body: T) -> Self {
        Self {
            api_version: API_VERSION,
            kind,
            exit_code: outcome.code,
            reason: outcome.reason(),
            message: outcome.words.clone(),
            body,
        }
    }
}

/// The status for people: a line for each image, the widest columns last.
pub fn status_text(status: &Status, now: Timestamp) -> String {
    let mut text = String::new();
    let account = status
        .target
        .account_id
        .as_deref()
        .unwrap_or("not known yet");
    let _ = writeln!(
        text,
        "Account {}, Region {}",
        Escaped(account),
        Escaped(&status.target.region)
    );
    if let Some(revision) = &status.manifests.revision {
        let _ = writeln!(text, "Manifests {}", Escaped(revision));
    }
    for problem in &status.manifests.problems {
        let _ = writeln!(text, "Problem: {}", Escaped(problem));
    }
    if let Some(error) = &status.listing_error {
        let age = duration(now.duration_since(error.since));
        let why = Escaped(&error.message);
        let _ = writeln!(text, "Not listed for {age} ({}): {why}", error.reason);
    }
    let mut rows = vec![[
        "NAME".to_owned(),
        "IMAGE".into(),
        "READY".into(),
        "REASON".into(),
        "AGE".into(),
        "MESSAGE".into(),
    ]];
    rows.extend(status.images.iter().map(|image| status_row(image, now)));
    let widths: Vec<usize> = (0..5)
        .map(|column| {
            rows.iter()
                .map(|row| row[column].chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for row in &rows {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{}", row[5]);
    }
    text
}

fn status_row(image: &ImageStatus, now: Timestamp) -> [String; 6] {
    let ready = image.condition(ConditionType::Ready);
    let next = image
        .next_retry_at
        .map(|at| format!("; next try in {} ({at})", duration(at.duration_since(now))))
        .unwrap_or_default();
    [
        image.name.to_string(),
        image.image_name.to_string(),
        ready.map_or("Unknown".into(), |c| format!("{:?}", c.status)),
        ready.map_or(String::new(), |c| c.reason.to_string()),
        ready.map_or(String::new(), |c| {
            duration(now.duration_since(c.last_transition_time))
        }),
        ready.map_or(String::new(), |c| format!("{}{next}", Escaped(&c.message))),
    ]
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.words).fmt(f)
    }
}
