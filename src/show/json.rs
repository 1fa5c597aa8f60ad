//! A plan's JSON form, and that of a run.

use jiff::Timestamp;
use serde::Serialize;

use crate::manifest::Problem;
use crate::model::reason::Reason;
use crate::model::target::Target;
use crate::plan::Attempt;
use crate::plan::{Answer, Needs, Plan, PlannedImage, Totals};

/// A plan's JSON form, and that of a run: what was attempted, and what is left.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanBody<'a> {
    target: &'a Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<&'a str>,
    totals: Totals,
    images: Vec<Row<'a>>,
    warnings: &'a [Problem],
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
            checksum: None,
            totals: plan.totals(),
            images: plan.images.iter().map(row).collect(),
            warnings: &[],
            attempts: None,
        }
    }

    /// The form with what the manifests are warned of.
    #[must_use]
    pub fn with_warnings(mut self, warnings: &'a [Problem]) -> Self {
        self.warnings = warnings;
        self
    }

    /// The form of a plan with this checksum.
    #[must_use]
    pub fn with_checksum(mut self, checksum: &'a str) -> Self {
        self.checksum = Some(checksum);
        self
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
