//! The error for an invalid AWS configuration.

use crate::sys::environment::VariableError;

/// The configuration is invalid. The text has the problem, the place, and the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct ConfigError(String);

impl ConfigError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<VariableError> for ConfigError {
    fn from(error: VariableError) -> Self {
        Self(error.to_string())
    }
}
