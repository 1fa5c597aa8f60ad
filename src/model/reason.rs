//! Every reason that repave gives, in one place. Their spelling is stable API: scripts and alerts match on it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why an image is as it is, or why a call failed. Written in PascalCase, as Kubernetes conditions do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The image was seen AVAILABLE.
    Available,
    /// The image is PENDING.
    Building,
    /// The image has been PENDING for longer than any build should take.
    BuildOverdue,
    /// The image is in state ERROR.
    BuildFailed,
    /// The image is missing and its create is due.
    Missing,
    /// `suspend: true`.
    Suspended,
    /// Two or more images bear the name, or the service says that it is taken by one that is never listed.
    NameConflict,
    /// The image is in a state that this version does not know.
    UnknownImageState,
    /// A create may have had effect, or the image was there before: wait until listings agree.
    AwaitingListing,
    /// The last try failed and the next one is not due.
    RetryScheduled,
    /// The source is not in the account.
    SourceImageNotFound,
    /// The source is not AVAILABLE yet, or is busy.
    SourceImageNotAvailable,
    /// The source is in state ERROR.
    SourceImageFailed,
    /// Two or more images bear the source's name.
    SourceImageAmbiguous,
    /// The service does not update such an image.
    UpdateNotSupported,
    /// `createWhen: UpdateAvailable`, and the service reports no update for the source.
    NoUpdateAvailable,
    /// The service refused the call for its rate.
    Throttled,
    /// The service could not be reached or answered with a failure of its own.
    ServiceUnavailable,
    /// A create was sent and nobody can say whether it had effect.
    CreateResultUnknown,
    /// The account's image quota is used up.
    QuotaExceeded,
    /// Credentials are missing, expired or not allowed to do this.
    AccessDenied,
    /// The credentials belong to another account than the expected one.
    WrongAccount,
    /// The service does not accept the manifest's values.
    InvalidSpec,
}

impl Reason {
    pub const ALL: [Self; 23] = [
        Self::Available,
        Self::Building,
        Self::BuildOverdue,
        Self::BuildFailed,
        Self::Missing,
        Self::Suspended,
        Self::NameConflict,
        Self::UnknownImageState,
        Self::AwaitingListing,
        Self::RetryScheduled,
        Self::SourceImageNotFound,
        Self::SourceImageNotAvailable,
        Self::SourceImageFailed,
        Self::SourceImageAmbiguous,
        Self::UpdateNotSupported,
        Self::NoUpdateAvailable,
        Self::Throttled,
        Self::ServiceUnavailable,
        Self::CreateResultUnknown,
        Self::QuotaExceeded,
        Self::AccessDenied,
        Self::WrongAccount,
        Self::InvalidSpec,
    ];
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The derived name is the stable spelling; a test holds it to what is serialised.
        f.pad(&format!("{self:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_spelled_alike_everywhere() {
        for reason in Reason::ALL {
            assert_eq!(
                serde_json::to_string(&reason).unwrap(),
                format!("\"{reason}\"")
            );
        }
    }
}
