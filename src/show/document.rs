//! What every JSON output begins with.

use serde::Serialize;

use crate::model::outcome::{ExitCode, Outcome};
use crate::state::status::API_VERSION;

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
