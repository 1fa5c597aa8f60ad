//! The fields that every JSON output begins with.

use serde::Serialize;

use crate::model::outcome::{ExitCode, Outcome};
use crate::state::status::API_VERSION;

/// The kind of a JSON output.
#[derive(Debug, Clone, Copy, Serialize)]
pub enum DocumentKind {
    Plan,
    Reconciliation,
    Daemon,
    StatusReport,
    Validation,
    Explanation,
    Simulator,
    Error,
}

impl DocumentKind {
    pub const ALL: [Self; 8] = [
        Self::Plan,
        Self::Reconciliation,
        Self::Daemon,
        Self::StatusReport,
        Self::Validation,
        Self::Explanation,
        Self::Simulator,
        Self::Error,
    ];
}

/// A JSON output: the common fields and a body.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Document<T> {
    api_version: &'static str,
    kind: DocumentKind,
    exit_code: ExitCode,
    reason: String,
    message: String,
    #[serde(flatten)]
    body: T,
}

impl<T: Serialize> Document<T> {
    pub fn new(kind: DocumentKind, outcome: &Outcome, body: T) -> Self {
        Self {
            api_version: API_VERSION,
            kind,
            exit_code: outcome.code,
            reason: outcome.reason(),
            message: outcome.message.clone(),
            body,
        }
    }
}
