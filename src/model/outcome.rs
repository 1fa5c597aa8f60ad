//! The outcome of a command: exit code, reason and message. The only list of exit codes.

use std::fmt;

use crate::sys::escape::Escaped;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

/// An exit code. The numbers are stable API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitCode {
    /// Done: every declared image exists, or is being built.
    Done,
    /// Any other error.
    Failed,
    /// `plan --detailed-exitcode`: creates are pending.
    ChangesPending,
    /// Invalid AWS credentials, or a missing permission.
    AccessDenied,
    /// Action required for at least one image.
    Blocked,
    /// A guard refused the plan.
    Refused,
    /// Another process holds the lock.
    Locked,
    /// A signal stopped a one-shot command.
    Cancelled,
    /// `--timeout` was reached and work remains.
    TimedOut,
    /// The command line is wrong.
    Usage,
    /// The manifests are invalid, or there are none.
    InvalidManifests,
}

impl ExitCode {
    /// All exit codes, by number.
    pub const ALL: [Self; 11] = [
        Self::Done,
        Self::Failed,
        Self::ChangesPending,
        Self::AccessDenied,
        Self::Blocked,
        Self::Refused,
        Self::Locked,
        Self::Cancelled,
        Self::TimedOut,
        Self::Usage,
        Self::InvalidManifests,
    ];

    /// Returns the meaning in one line.
    pub(crate) fn meaning(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "any other error",
            Self::ChangesPending => "plan --detailed-exitcode: creates are pending",
            Self::AccessDenied => "AWS credentials or permission",
            Self::Blocked => "action required for at least one image",
            Self::Refused => "a limit or the approved plan refused the plan",
            Self::Locked => "another process holds the status file",
            Self::Cancelled => "a signal stopped the command",
            Self::TimedOut => "--timeout was reached and work remains",
            Self::Usage => "the command line is wrong",
            Self::InvalidManifests => "the manifests are invalid, or there are none",
        }
    }

    pub fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::ChangesPending => 2,
            Self::AccessDenied => 3,
            Self::Blocked => 4,
            Self::Refused => 5,
            Self::Locked => 7,
            Self::Cancelled => 8,
            Self::TimedOut => 9,
            Self::Usage => 64,
            Self::InvalidManifests => 65,
        }
    }
}

impl Serialize for ExitCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogLine {
    timestamp: Timestamp,
    level: &'static str,
    message: String,
    exit_code: ExitCode,
    reason: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub code: ExitCode,
    /// The last line on stderr, not escaped.
    pub message: String,
}

impl Outcome {
    pub fn new(code: ExitCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    /// Returns the outcome as a line of the JSON log.
    pub fn log_line(&self, now: Timestamp) -> String {
        let line = LogLine {
            timestamp: now,
            level: if self.code == ExitCode::Done {
                "INFO"
            } else {
                "ERROR"
            },
            message: Escaped(&self.message).to_string(),
            exit_code: self.code,
            reason: self.reason(),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// Returns the name of the exit code in PascalCase, as in the `reason` of the JSON output.
    pub fn reason(&self) -> String {
        format!("{:?}", self.code)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped(&self.message).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_exit_code_has_a_different_meaning() {
        let meanings: std::collections::BTreeSet<_> =
            ExitCode::ALL.into_iter().map(ExitCode::meaning).collect();
        assert_eq!(meanings.len(), ExitCode::ALL.len());
    }

    #[test]
    fn the_last_line_of_the_json_log_is_the_outcome() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        for (code, level, number) in [(ExitCode::Done, "INFO", 0), (ExitCode::Locked, "ERROR", 7)] {
            let line = Outcome::new(code, "all done\n").log_line(now);
            let expected = format!(
                r#"{{"timestamp":"2026-11-22T12:00:00Z","level":"{level}","message":"all done\\n","exitCode":{number},"reason":"{code:?}"}}"#
            );
            assert_eq!(line, expected);
        }
    }
}
