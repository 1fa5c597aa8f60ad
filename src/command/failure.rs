//! The outcomes of failures that several commands share.

use crate::cloud::ApiError;
use crate::cloud::aws::ConnectError;
use crate::model::outcome::{ExitCode, Outcome};
use crate::model::reason::Reason;
use crate::simulator::embedded::EmbeddedError;
use crate::state::store::StoreError;
use crate::sys::escape::with_causes;
use crate::sys::lock::LockError;

pub(super) fn cancelled(then: &str) -> Outcome {
    Outcome::new(
        ExitCode::Cancelled,
        format!("cancelled by a signal; {then}"),
    )
}

pub(super) fn unlisted(error: &ApiError) -> Outcome {
    let code = match error.reason {
        Reason::AccessDenied | Reason::WrongAccount => ExitCode::AccessDenied,
        _ => ExitCode::Failed,
    };
    Outcome::new(code, format!("cannot list the account: {error}"))
}

pub(super) fn store_failed(error: &StoreError) -> Outcome {
    let code = match error {
        StoreError::Lock(error) => return lock_failed(error),
        StoreError::SimulatedMismatch { .. } => ExitCode::Usage,
        StoreError::Document { .. } | StoreError::File(_) | StoreError::Print(_) => {
            ExitCode::Failed
        }
    };
    Outcome::new(code, with_causes(error))
}

pub(super) fn lock_failed(error: &LockError) -> Outcome {
    let code = match error {
        LockError::Held { .. } => ExitCode::Locked,
        LockError::IsDirectory { .. } => ExitCode::Usage,
        LockError::File(_) => ExitCode::Failed,
    };
    Outcome::new(code, with_causes(error))
}

pub(super) fn not_connected(error: &ConnectError) -> Outcome {
    let code = match error {
        ConnectError::Config(_) | ConnectError::NoRegion(_) => ExitCode::Usage,
        ConnectError::Unavailable(_) | ConnectError::Panicked(_) => ExitCode::Failed,
    };
    Outcome::new(code, error.to_string())
}

pub(super) fn embedded_failed(error: &EmbeddedError) -> Outcome {
    let code = match error {
        EmbeddedError::OtherSeed { .. } => ExitCode::Usage,
        EmbeddedError::Read { .. }
        | EmbeddedError::Seed { .. }
        | EmbeddedError::Account { .. }
        | EmbeddedError::Store(_)
        | EmbeddedError::Listen { .. } => ExitCode::Failed,
    };
    Outcome::new(code, with_causes(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Operation;
    use crate::sys::files::FileError;

    #[test]
    fn a_listing_that_failed_is_a_case_of_access_or_any_other_error() {
        let code = |code: &str| {
            let error = ApiError::answered(Operation::DescribeWorkspaceImages, Some(code));
            unlisted(&error).code
        };
        assert_eq!(code("AccessDeniedException"), ExitCode::AccessDenied);
        assert_eq!(code("ExpiredTokenException"), ExitCode::AccessDenied);
        assert_eq!(code("ThrottlingException"), ExitCode::Failed);
        assert_eq!(code("ResourceLimitExceededException"), ExitCode::Failed);
    }

    #[test]
    fn each_trouble_with_a_file_has_its_exit_code() {
        let path = || "status.json".to_owned();
        for (error, code) in [
            (
                StoreError::Lock(LockError::Held {
                    path: path(),
                    holder: String::new(),
                }),
                ExitCode::Locked,
            ),
            (
                StoreError::Lock(LockError::IsDirectory { path: path() }),
                ExitCode::Usage,
            ),
            (
                StoreError::SimulatedMismatch {
                    path: path(),
                    found: "a",
                    wanted: "b",
                },
                ExitCode::Usage,
            ),
            (
                StoreError::File(FileError {
                    action: "read",
                    path: path(),
                    source: std::io::ErrorKind::PermissionDenied.into(),
                }),
                ExitCode::Failed,
            ),
        ] {
            assert_eq!(store_failed(&error).code, code, "{error}");
        }
    }
}
