//! What holds unless it is set otherwise: every default that a person may change, in one place.

use std::time::Duration;

use jiff::SignedDuration;

/// The time between two passes of the daemon.
pub const INTERVAL: Duration = Duration::from_mins(10);

/// The longest that a one-shot run may take.
pub(crate) const TIMEOUT: SignedDuration = SignedDuration::from_mins(15);

/// The settle window: how long a name must be missing from complete listings before its image counts as gone. Listings of
/// the service are eventually consistent, without a documented limit; seconds are usual.
pub const SETTLE: SignedDuration = SignedDuration::from_mins(10);

/// The time between two looks at the manifests where the file system reports no changes.
pub(crate) const POLL: Duration = Duration::from_secs(5);
