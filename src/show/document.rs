//! What every JSON output begins with.

use serde::Serialize;

use crate::model::outcome::{ExitCode, Outcome};
use crate::state::status::API_VERSION;

/// What a document is.
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
    /// All of them.
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

/// What every JSON output begins with.
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
    /// A document about an outcome.
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
