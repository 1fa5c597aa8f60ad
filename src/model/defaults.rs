//! Defaults that other rooms need. All other defaults stand at their flags in `cli`.

use std::time::Duration;

use jiff::SignedDuration;

/// The settle window: how long a name must be missing from complete listings before its image counts as gone. Listings of
/// the service are eventually consistent, without a documented limit; seconds are usual.
pub const SETTLE: SignedDuration = SignedDuration::from_mins(10);

/// The time between two looks at the manifests where the file system reports no changes.
pub(crate) const POLL: Duration = Duration::from_secs(5);
