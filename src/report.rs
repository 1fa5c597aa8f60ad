//! The text and JSON forms of plans, runs, manifests' problems and the status. It prints nothing by itself.
//!
//! Texts from manifests and from the service are escaped here, on their way out; in JSON they stay exact.

use std::fmt::{self, Write as _};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::apply::Attempt;
use crate::escape::Escaped;
use crate::outcome::{ExitCode, Outcome};
use crate::plan::{Answer, Needs, Plan, PlannedImage, Totals};
use crate::reason::Reason;
use crate::status::{API_VERSION, Target};

mod explain;
mod status;
mod wrap;

pub use explain::{Explanation, explained_text, image_text, topics_text};
pub use status::{View, status_changes, status_text};
pub use wrap::lines_taken;

/// Colours for text output; each is the empty style where colours are off.
#[derive(Debug, Clone, Copy)]
enum Colour {
    Create,
    Building,
    Waiting,
    Blocked,
}

impl Colour {
    fn paint(self, text: &str) -> String {
        use anstyle::{AnsiColor, Style};
        let colour = match self {
            Self::Create => AnsiColor::Green,
            Self::Building => AnsiColor::Cyan,
            Self::Waiting => AnsiColor::Yellow,
            Self::Blocked => AnsiColor::Red,
        };
        let style = Style::new().fg_color(Some(colour.into()));
        format!("{style}{text}{style:#}")
    }
}

/// A plan in text: a line for each image that is not ready, then the totals.
pub fn plan_text(plan: &Plan<'_>, now: Timestamp) -> String {
    let mut text = String::new();
    let width = plan
        .images
        .iter()
        .filter(|i| !is_ready(i))
        .map(|i| i.desired.name.as_str().len())
        .max();
    for image in plan.images.iter().filter(|image| !is_ready(image)) {
        let _ = writeln!(text, "  {}", line(image, width.unwrap_or(0), now));
    }
    let totals = plan.totals();
    if totals.ready == plan.images.len() {
        let _ = writeln!(
            text,
            "Nothing to do: {}, ready.",
            counted(totals.ready, "image")
        );
    } else if totals.create == 0 {
        let Totals {
            building,
            waiting,
            blocked,
            ready,
            ..
        } = totals;
        let _ = writeln!(
            text,
            "Nothing to create: {building} building, {waiting} waiting, {blocked} blocked, {ready} ready."
        );
    } else {
        let _ = writeln!(text, "Plan: {}.", totals_text(totals));
    }
    text
}

fn is_ready(image: &PlannedImage<'_>) -> bool {
    matches!(image.answer, Answer::Ready { .. })
}

/// "3 to create, 1 building, 0 waiting, 0 blocked, 2 ready".
pub fn totals_text(totals: Totals) -> String {
    let Totals {
        create,
        building,
        waiting,
        blocked,
        ready,
    } = totals;
    format!(
        "{create} to create, {building} building, {waiting} waiting, {blocked} blocked, {ready} ready"
    )
}

fn line(image: &PlannedImage<'_>, width: usize, now: Timestamp) -> String {
    let name = format!("{:width$}", image.desired.name.as_str());
    let image_name = &image.desired.image_name;
    match &image.answer {
        Answer::Create { source_id } => {
            let source_id = Escaped(source_id);
            format!(
                "{} {name}  create {image_name} from {source_id}",
                Colour::Create.paint("+")
            )
        }
        Answer::Ready { image_id } => {
            format!("= {name}  {image_name} is ready as {}", Escaped(image_id))
        }
        Answer::Wait(wait) => {
            let symbol = match (wait.stalled, wait.needs) {
                (Some(_), _) | (None, Needs::Person) => Colour::Blocked.paint("!"),
                (None, Needs::Build) => Colour::Building.paint("~"),
                (None, Needs::Time | Needs::Nothing) => Colour::Waiting.paint("."),
            };
            let mut text = format!(
                "{symbol} {name}  {}: {}",
                wait.reason,
                Escaped(&wait.message)
            );
            if let (Reason::Building, Some(since)) = (wait.reason, wait.since) {
                let _ = write!(text, ", for {}", duration(now.duration_since(since)));
            }
            if let (Some(until), false) = (wait.until, wait.needs == Needs::Build) {
                let what = if wait.reason == Reason::Settling {
                    "settled"
                } else {
                    "next try"
                };
                let _ = write!(
                    text,
                    "; {what} in {} ({until})",
                    duration(until.duration_since(now))
                );
            }
            text
        }
    }
}

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

/// A plan's JSON form, and that of a run: what was attempted, and what is left.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanBody<'a> {
    target: &'a Target,
    totals: Totals,
    images: Vec<Row<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptRow<'a>>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    name: &'a str,
    image_name: &'a str,
    manifest: String,
    action: &'static str,
    reason: Reason,
    message: Option<&'a str>,
    image_id: Option<&'a str>,
    source_image_id: Option<&'a str>,
    needs: Option<Needs>,
    stalled: Option<Reason>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptRow<'a> {
    name: &'a str,
    image_name: &'a str,
    accepted: bool,
    image_id: Option<&'a str>,
    reason: Option<Reason>,
    code: Option<&'a str>,
    message: Option<&'a str>,
    request_id: Option<&'a str>,
}

impl<'a> PlanBody<'a> {
    /// The form of a plan alone.
    pub fn new(target: &'a Target, plan: &'a Plan<'_>) -> Self {
        Self {
            target,
            totals: plan.totals(),
            images: plan.images.iter().map(row).collect(),
            attempts: None,
        }
    }

    /// The form of a run that ended with this plan.
    #[must_use]
    pub fn with_attempts(mut self, attempts: &'a [Attempt<'_>]) -> Self {
        self.attempts = Some(attempts.iter().map(attempt_row).collect());
        self
    }
}

fn row<'a>(image: &'a PlannedImage<'_>) -> Row<'a> {
    let mut row = Row {
        name: image.desired.name.as_str(),
        image_name: image.desired.image_name.as_str(),
        manifest: image.desired.place.to_string(),
        action: "wait",
        reason: Reason::Missing,
        message: None,
        image_id: None,
        source_image_id: None,
        needs: None,
        stalled: None,
        since: None,
        until: None,
    };
    match &image.answer {
        Answer::Create { source_id } => {
            row.action = "create";
            row.source_image_id = Some(source_id);
        }
        Answer::Ready { image_id } => {
            row.action = "none";
            row.reason = Reason::Available;
            row.image_id = Some(image_id);
        }
        Answer::Wait(wait) => {
            row.reason = wait.reason;
            row.message = Some(&wait.message);
            row.needs = Some(wait.needs);
            row.stalled = wait.stalled;
            row.since = wait.since;
            row.until = wait.until;
        }
    }
    row
}

fn attempt_row<'a>(attempt: &'a Attempt<'_>) -> AttemptRow<'a> {
    let error = attempt.result.as_ref().err();
    AttemptRow {
        name: attempt.desired.name.as_str(),
        image_name: attempt.desired.image_name.as_str(),
        accepted: error.is_none(),
        image_id: attempt.result.as_deref().ok(),
        reason: error.map(|error| error.reason),
        code: error.and_then(|error| error.code.as_deref()),
        message: error.map(|error| error.message.as_str()),
        request_id: error.and_then(|error| error.request_id.as_deref()),
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.words).fmt(f)
    }
}
