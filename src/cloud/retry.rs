//! The delay before a retry: a pure function of the kind of failure and the number of failures in a row.
//!
//! The `backoff` crate computes the schedule. It does not sleep and uses no random numbers: the delay becomes the next retry
//! time in the status file.

use std::time::Duration;

use backoff::backoff::Backoff as _;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};

use crate::cloud::FailureKind;

/// The longest delay of all schedules. A retry time farther in the future was written under another clock.
pub(crate) const LONGEST: Duration = Duration::from_hours(1);

/// Returns the delay after `failures` failures of one kind in a row (at least 1).
///
/// | kind | delay |
/// |---|---|
/// | `Transient` | 5 s, doubling to 5 min |
/// | `SourceBusy` | 15 s, doubling to 5 min, without end |
/// | `Blocked` | 1 min, doubling to 1 h |
/// | `Rejected` | 1 h |
/// | `OutcomeUnknown` | none: the image list decides, after the wait for AWS to list the image |
pub fn delay(kind: FailureKind, failures: u32) -> Option<Duration> {
    let (first, longest) = match kind {
        FailureKind::Transient => (5, 300),
        FailureKind::SourceBusy => (15, 300),
        FailureKind::Blocked => (60, 3600),
        FailureKind::Rejected => (3600, 3600),
        FailureKind::OutcomeUnknown => return None,
    };
    Some(exponential(first, longest, failures))
}

/// Returns the delay of a one-shot run before the next check: 5 s, doubling to 1 min, after `checks` checks without a
/// change.
pub(crate) fn poll_delay(checks: u32) -> Duration {
    exponential(5, 60, checks)
}

/// Returns the `n`th delay (from 1) of a schedule that doubles from `first` to `longest` seconds.
fn exponential(first: u64, longest: u64, n: u32) -> Duration {
    let longest = Duration::from_secs(longest);
    let mut schedule: ExponentialBackoff = ExponentialBackoffBuilder::new()
        .with_initial_interval(Duration::from_secs(first))
        .with_max_interval(longest)
        .with_multiplier(2.0)
        .with_randomization_factor(0.0)
        // The default stops after 15 minutes.
        .with_max_elapsed_time(None)
        .build();
    let mut delay = longest;
    // Every schedule reaches its longest delay in 12 steps.
    for _ in 0..n.clamp(1, 12) {
        delay = schedule.next_backoff().unwrap_or(longest);
    }
    delay
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_schedule() {
        let seconds = |kind| {
            [1, 2, 3, 4, 5, 6, 7, 8, 900, u32::MAX].map(|n| delay(kind, n).map(|d| d.as_secs()))
        };
        assert_eq!(
            seconds(FailureKind::Transient),
            [5, 10, 20, 40, 80, 160, 300, 300, 300, 300].map(Some)
        );
        assert_eq!(
            seconds(FailureKind::SourceBusy),
            [15, 30, 60, 120, 240, 300, 300, 300, 300, 300].map(Some)
        );
        assert_eq!(
            seconds(FailureKind::Blocked),
            [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600].map(Some)
        );
        assert_eq!(seconds(FailureKind::Rejected), [Some(3600); 10]);
        assert_eq!(seconds(FailureKind::OutcomeUnknown), [None; 10]);
        assert_eq!(
            [1, 2, 3, 4, 5, 6].map(|n| poll_delay(n).as_secs()),
            [5, 10, 20, 40, 60, 60]
        );
        assert_eq!(
            delay(FailureKind::Transient, 0),
            delay(FailureKind::Transient, 1)
        );
    }
}
