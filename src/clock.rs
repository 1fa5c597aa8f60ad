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
    /// The machine's wall clock.
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
    pub fn now_in_seconds(&self) -> Timestamp {
        whole_seconds(self.now())
    }
}

/// Cuts a time to whole seconds.
pub fn whole_seconds(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}
