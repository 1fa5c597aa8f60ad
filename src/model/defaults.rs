//! Defaults that several rooms use. All other defaults are at the flags in `cli`.

use std::time::Duration;

use jiff::SignedDuration;

/// How long an image must be missing from complete listings before it counts as deleted. The listings of the service are
/// eventually consistent: AWS documents no limit, and a few seconds are usual.
pub const SETTLE: SignedDuration = SignedDuration::from_mins(10);

/// The time between two checks of the manifests if the file system reports no changes.
pub(crate) const POLL: Duration = Duration::from_secs(5);
