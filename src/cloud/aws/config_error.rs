//! Why a configuration cannot be used, in words for the person who wrote it.

use crate::sys::environment::VariableError;

/// The configuration cannot be used. The text says what is wrong, where, and what to do.
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
