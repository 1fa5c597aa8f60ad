//! The JSON output of a plan, a run and the status: rows, totals and target.

use serde::Serialize;

use super::row::{Row, ShownStep, totals};
use crate::manifest::Problem;
use crate::model::outcome::{ExitCode, Outcome};
use crate::model::reason::Reason;
use crate::model::subject::{Subject, TargetName};
use crate::model::target::Target;
use crate::plan::{Attempt, Totals};
use crate::state::status::{ListingError, ManifestsStatus, Status};

/// A plan, or a run with its attempts and the remaining plan.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<&'a str>,
    totals: Totals,
    targets: [TargetRow<'a>; 1],
    #[serde(skip_serializing_if = "Option::is_none")]
    names: Option<&'a [String]>,
    items: Vec<&'a Row<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifests: Option<&'a ManifestsStatus>,
    warnings: &'a [Problem],
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<Vec<AttemptRow<'a>>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StatusBody<'a> {
    totals: Totals,
    targets: [TargetRow<'a>; 1],
    names: &'a [String],
    items: &'a [Row<'a>],
    manifests: &'a ManifestsStatus,
    listing_error: Option<&'a ListingError>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TargetRow<'a> {
    name: TargetName,
    account_id: Option<&'a str>,
    region: &'a str,
    simulated: bool,
    credentials: Option<&'a str>,
    exit_code: ExitCode,
    reason: String,
    totals: Totals,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptRow<'a> {
    #[serde(flatten)]
    subject: &'a Subject,
    step: ShownStep<'a>,
    accepted: bool,
    image_id: Option<&'a str>,
    reason: Option<Reason>,
    code: Option<&'a str>,
    message: Option<&'a str>,
    request_id: Option<&'a str>,
}

impl<'a> PlanBody<'a> {
    /// Returns the output of a plan.
    pub fn new(target: &'a Target, outcome: &Outcome, rows: &'a [Row<'a>]) -> Self {
        let totals = totals(rows);
        Self {
            checksum: None,
            totals,
            targets: [target_row(target, outcome, totals)],
            names: None,
            items: rows.iter().filter(|row| row.is_shown()).collect(),
            manifests: None,
            warnings: &[],
            attempts: None,
        }
    }

    /// Adds the revision of the manifests.
    #[must_use]
    pub(crate) fn with_manifests(mut self, manifests: &'a ManifestsStatus) -> Self {
        self.manifests = Some(manifests);
        self
    }

    /// Adds the warnings of the manifests.
    #[must_use]
    pub(crate) fn with_warnings(mut self, warnings: &'a [Problem]) -> Self {
        self.warnings = warnings;
        self
    }

    /// Adds the names that narrow the items; none of them means all items.
    #[must_use]
    pub(crate) fn with_names(mut self, names: &'a [String]) -> Self {
        self.names = Some(names);
        self
    }

    #[must_use]
    pub(crate) fn with_checksum(mut self, checksum: &'a str) -> Self {
        self.checksum = Some(checksum);
        self
    }

    /// Adds the attempts of a run that ended with this plan.
    #[must_use]
    pub(crate) fn with_attempts(mut self, attempts: &'a [Attempt<'_>]) -> Self {
        self.attempts = Some(attempts.iter().map(attempt_row).collect());
        self
    }
}

impl<'a> StatusBody<'a> {
    /// Returns the output of a status. The rows can be fewer than the images that the totals count.
    pub(crate) fn new(
        status: &'a Status,
        outcome: &Outcome,
        rows: &'a [Row<'a>],
        totals: Totals,
        names: &'a [String],
    ) -> Self {
        Self {
            totals,
            targets: [target_row(&status.target, outcome, totals)],
            names,
            items: rows,
            manifests: &status.manifests,
            listing_error: status.listing_error.as_ref(),
        }
    }
}

fn target_row<'a>(target: &'a Target, outcome: &Outcome, totals: Totals) -> TargetRow<'a> {
    TargetRow {
        name: TargetName::default(),
        account_id: target.account_id.as_deref(),
        region: &target.region,
        simulated: target.simulated,
        credentials: target.credentials.as_deref(),
        exit_code: outcome.code,
        reason: outcome.reason(),
        totals,
    }
}

fn attempt_row<'a>(attempt: &'a Attempt<'_>) -> AttemptRow<'a> {
    let (receipt, error) = (attempt.result.as_ref().ok(), attempt.result.as_ref().err());
    let request_id = match &attempt.result {
        Ok(receipt) => &receipt.request_id,
        Err(error) => &error.request_id,
    };
    AttemptRow {
        subject: &attempt.desired.subject,
        step: ShownStep::of(&attempt.step),
        accepted: error.is_none(),
        image_id: receipt.map(|receipt| receipt.image_id.as_str()),
        reason: error.map(|error| error.reason),
        code: error.and_then(|error| error.code.as_deref()),
        message: error.map(|error| error.message.as_str()),
        request_id: request_id.as_deref(),
    }
}
