//! The text and JSON forms of plans, runs, manifests' problems and the status. It prints nothing by itself.
//!
//! Texts from manifests and from the service are escaped here, on their way out; in JSON they stay exact.

use std::fmt;

use jiff::SignedDuration;
use serde::Serialize;

use crate::model::outcome::{ExitCode, Outcome};
use crate::state::status::API_VERSION;
use crate::sys::escape::Escaped;

mod diagnostics;
pub mod explain;
mod explanation;
mod github;
mod json;
pub mod live;
mod markdown;
mod sarif;
mod status;
mod text;
mod waiting;
mod wrap;

pub use diagnostics::diagnostic_text;
pub use explanation::{Explanation, explained_text, image_text, topics_text};
pub use github::annotations;
pub use json::PlanBody;
pub use markdown::{outcome_markdown, plan_markdown, problems_markdown};
pub use sarif::sarif;
pub use status::{View, status_changes, status_text};
pub use text::{plan_text, totals_text};
pub use waiting::{Waiting, waiting_lines, waiting_text};
pub use wrap::lines_taken;

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

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.words).fmt(f)
    }
}
