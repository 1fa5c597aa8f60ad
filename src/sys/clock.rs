//! The only module that reads the wall clock. All other code takes `now` as an argument.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

#[derive(Debug, Clone, Copy)]
pub struct Clock(Source);

#[derive(Debug, Clone, Copy)]
enum Source {
    Wall,
    Runtime {
        epoch: Timestamp,
        start: Instant,
        shift: Option<&'static AtomicI64>,
    },
}

impl Clock {
    pub fn wall() -> Self {
        Self(Source::Wall)
    }

    /// Returns a clock that shows `epoch` now and then follows the time of the tokio runtime, including paused time.
    pub fn following_runtime(epoch: Timestamp) -> Self {
        Self(Source::Runtime {
            epoch,
            start: Instant::now(),
            shift: None,
        })
    }

    /// Returns a runtime clock that adds `seconds` to the time, so that a test can set the clock.
    #[must_use]
    pub fn shifted(self, seconds: &'static AtomicI64) -> Self {
        match self.0 {
            Source::Wall => self,
            Source::Runtime { epoch, start, .. } => Self(Source::Runtime {
                epoch,
                start,
                shift: Some(seconds),
            }),
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the only reader of the wall clock"
    )]
    pub fn now(&self) -> Timestamp {
        match self.0 {
            Source::Wall => Timestamp::now(),
            Source::Runtime {
                epoch,
                start,
                shift,
            } => {
                let passed =
                    SignedDuration::try_from(start.elapsed()).unwrap_or(SignedDuration::MAX);
                let shift = shift.map_or(0, |shift| shift.load(Ordering::Relaxed));
                epoch
                    .saturating_add(passed)
                    .and_then(|time| time.saturating_add(SignedDuration::from_secs(shift)))
                    .unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// The time in whole seconds, as status records it.
    pub(crate) fn now_in_seconds(&self) -> Timestamp {
        whole_seconds(self.now())
    }
}

/// The start and the end of the listing that a plan is made from. A plan needs both times: the system or a slow network can
/// stop the process during a listing, and then the listing proves less about the end than about the start.
///
/// A single timestamp converts to a `Now` with equal ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    before: Timestamp,
    after: Timestamp,
}

impl Now {
    /// Read `before` before the first request of the listing is sent. Read `after` when the last page is received and the
    /// status is written.
    pub fn new(before: Timestamp, after: Timestamp) -> Self {
        Self {
            // If the clock was set back in between, no wait ends early.
            before: before.min(after),
            after,
        }
    }

    /// Returns the start of the listing, in whole seconds, rounded down. A wait that ended by this time ended before the listing.
    pub(crate) fn before(self) -> Timestamp {
        whole_seconds(self.before)
    }

    /// Returns the end of the listing, in whole seconds, rounded down.
    pub fn after(self) -> Timestamp {
        whole_seconds(self.after)
    }

    /// Returns the end of the listing, in whole seconds, rounded up. A wait from here to [`Now::before`] of a later listing is
    /// never short by a fraction of a second. A recorded time after this one was written under another clock.
    pub(crate) fn after_rounded_up(self) -> Timestamp {
        let whole = whole_seconds(self.after);
        if whole < self.after {
            whole
                .checked_add(SignedDuration::from_secs(1))
                .unwrap_or(whole)
        } else {
            whole
        }
    }
}

impl From<Timestamp> for Now {
    fn from(now: Timestamp) -> Self {
        Self::new(now, now)
    }
}

/// Rounds a time down to whole seconds.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_between_two_listings_is_never_too_short() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = Now::new(at("2026-11-22T12:00:00.9Z"), at("2026-11-22T12:00:03.1Z"));
        assert_eq!(now.before(), at("2026-11-22T12:00:00Z"));
        assert_eq!(now.after(), at("2026-11-22T12:00:03Z"));
        assert_eq!(now.after_rounded_up(), at("2026-11-22T12:00:04Z"));

        let whole = Now::from(at("2026-11-22T12:00:00Z"));
        assert_eq!(whole.before(), whole.after_rounded_up());

        let set_back = Now::new(at("2026-11-22T12:00:00Z"), at("2026-11-22T11:00:00Z"));
        assert_eq!(set_back.before(), at("2026-11-22T11:00:00Z"));
    }
}
