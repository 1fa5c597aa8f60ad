//! All reasons. Their names are stable API: scripts and alerts match on them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The reason for the status of an image, or for a failed call. Written in PascalCase, as in Kubernetes conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Reason {
    /// The image is AVAILABLE.
    Available,
    /// The image is PENDING.
    Building,
    /// The image has been PENDING for longer than a build should take.
    BuildOverdue,
    /// The image is in state ERROR.
    BuildFailed,
    /// The image is missing and its create is due.
    Missing,
    /// `suspend: true`.
    Suspended,
    /// Two or more images have the name, or the service reports that the name is in use by an image that it never lists.
    NameConflict,
    /// The image is in a state that this version does not know.
    UnknownImageState,
    /// repave waits for AWS to list the image: a create may have succeeded, or the image existed before.
    AwaitingListing,
    /// The last attempt failed. The next attempt is not due yet.
    RetryScheduled,
    /// The source is not in the account.
    SourceImageNotFound,
    /// The source is not AVAILABLE yet, or is busy.
    SourceImageNotAvailable,
    /// The source is in state ERROR.
    SourceImageFailed,
    /// Two or more images have the name of the source.
    SourceImageAmbiguous,
    /// The service does not update images of this kind.
    UpdateNotSupported,
    /// `createWhen: UpdateAvailable`, and the service reports no update for the source.
    NoUpdateAvailable,
    /// The service throttled the call.
    Throttled,
    /// The service could not be reached, or failed.
    ServiceUnavailable,
    /// A create was sent, and its result is unknown.
    CreateResultUnknown,
    /// The account's image quota is used up.
    QuotaExceeded,
    /// Credentials are missing, expired or not allowed to do this.
    AccessDenied,
    /// The credentials belong to a different account than expected.
    WrongAccount,
    /// The service does not accept the manifest's values.
    InvalidSpec,
    /// The image differs from its manifest.
    Drifted,
    /// repave has no record of creating the image.
    Adopted,
}

impl Reason {
    pub const ALL: [Self; 25] = [
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
        Self::Drifted,
        Self::Adopted,
    ];
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name of the variant is stable. A test compares it with the serialized name.
        f.pad(&format!("{self:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_the_same_name_everywhere() {
        for reason in Reason::ALL {
            assert_eq!(
                serde_json::to_string(&reason).unwrap(),
                format!("\"{reason}\"")
            );
        }
    }
}
