//! The one door to the wall clock. Everything below the loop takes `now` as an argument.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// Tells the time of day.
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

    /// A clock that shows `epoch` now and follows the tokio runtime's time from here, paused time included.
    pub fn following_runtime(epoch: Timestamp) -> Self {
        Self(Source::Runtime {
            epoch,
            start: Instant::now(),
            shift: None,
        })
    }

    /// The same clock, of the runtime's kind, set by hand: it shows so many seconds more at any time.
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

    /// The time, to the nanosecond.
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
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

/// The two ends of what a plan is made from. One time is not enough: a process can be stopped, by the system or by a slow
/// network, between any two of its steps, and then the same listing proves less at one end than at the other.
///
/// A time of the wall clock stands for it where nothing lies in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    before: Timestamp,
    after: Timestamp,
}

impl Now {
    /// `before` was read before the listing's first request was sent, `after` when its last page was there and what is
    /// remembered was written.
    pub fn new(before: Timestamp, after: Timestamp) -> Self {
        Self {
            // A clock that was set back meanwhile ends no window.
            before: before.min(after),
            after,
        }
    }

    /// What has ended by this time had ended when the listing was begun. In whole seconds, rounded down.
    pub(crate) fn before(self) -> Timestamp {
        whole_seconds(self.before)
    }

    /// When the listing was there. In whole seconds, rounded down.
    pub fn after(self) -> Timestamp {
        whole_seconds(self.after)
    }

    /// What begins at this time begins no earlier than the listing ended. In whole seconds, rounded up: a window that runs
    /// from here to [`Now::before`] of a later listing is never cut short, not even by a part of a second. A time that lies
    /// beyond was written under another clock.
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

/// Cuts a time to whole seconds.
pub(crate) fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_between_two_listings_is_never_cut_short() {
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
