//! When the daemon's next pass is due: pure, from what the last one left. It waits for nothing itself.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::reason::Reason;
use crate::plan::{Answer, Plan};

/// How often the account is looked at while something is being built in it.
pub(super) const BUILD: Duration = Duration::from_mins(1);

/// The shortest time between two passes that timers ask for, whatever times they read.
const LEAST: Duration = Duration::from_secs(1);

/// How much longer or shorter an interval may be than it was set to: many daemons that were started at once spread.
pub(super) const JITTER: f64 = 0.05;

/// Why a pass runs. It is logged, and changes nothing about the pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trigger {
    /// The daemon has just started.
    Start,
    Files,
    /// SIGHUP.
    Hangup,
    Interval,
    /// Something that was put off is due: a failed call, the end of a settle window.
    Retry,
    Build,
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Start => "start",
            Self::Files => "files",
            Self::Hangup => "hangup",
            Self::Interval => "interval",
            Self::Retry => "retry",
            Self::Build => "build",
        })
    }
}

/// The times at which passes are due.
#[derive(Debug)]
pub(super) struct Timers {
    interval: Option<Instant>,
    build: Option<Instant>,
    /// A failed pass is tried again.
    again: Option<Instant>,
    /// By the wall clock, as the status file has it: a clock that jumps moves it, and no sleep is taken for granted.
    retry: Option<Timestamp>,
}

impl Timers {
    /// Only the interval, from `now`.
    pub(super) fn after(interval: Duration, now: Instant) -> Self {
        Self {
            interval: Some(now + interval),
            build: None,
            again: None,
            retry: None,
        }
    }

    /// And a failed pass once more after `delay`.
    pub(super) fn again_after(mut self, delay: Duration, now: Instant) -> Self {
        self.again = Some(now + delay);
        self
    }

    /// And whatever a pass has left.
    pub(super) fn with(mut self, left: &Plan<'_>, now: Instant, wall: Timestamp) -> Self {
        let soonest = wall.saturating_add(LEAST).unwrap_or(Timestamp::MAX);
        for image in &left.images {
            let looks = image.answer.passing(true);
            let looks = looks.is_some_and(|wait| wait.reason != Reason::RetryScheduled);
            let until = match &image.answer {
                // Left undone, or due since: the next pass decides.
                Answer::Do(_) => Some(soonest),
                Answer::Ready(_) => None,
                Answer::Wait(wait) => wait.until,
                Answer::Blocked(blocked) => blocked.until,
            };
            if looks {
                self.build = Some(now + BUILD);
            }
            if let Some(until) = until.map(|until| until.max(soonest)) {
                self.retry = Some(self.retry.map_or(until, |retry| retry.min(until)));
            }
        }
        self
    }

    /// Takes out what is due.
    pub(super) fn due(&mut self, now: Instant, wall: Timestamp) -> BTreeSet<Trigger> {
        let mut due = BTreeSet::new();
        if self.interval.take_if(|at| *at <= now).is_some() {
            due.insert(Trigger::Interval);
        }
        if self.build.take_if(|at| *at <= now).is_some() {
            due.insert(Trigger::Build);
        }
        let again = self.again.take_if(|at| *at <= now).is_some();
        if self.retry.take_if(|at| *at <= wall).is_some() || again {
            due.insert(Trigger::Retry);
        }
        due
    }

    /// When the next of them is due, if the wall clock does not jump.
    pub(super) fn next(&self, now: Instant, wall: Timestamp) -> Option<Instant> {
        let retry = self.retry.map(|at| {
            let left = at.duration_since(wall);
            now + Duration::try_from(left).unwrap_or(Duration::ZERO)
        });
        let timers = [self.interval, self.build, self.again, retry];
        timers.into_iter().flatten().min()
    }
}

/// The interval with jitter: `chance` is from 0 to 1.
pub(super) fn jittered(interval: Duration, chance: f64) -> Duration {
    interval.mul_f64(1.0 - JITTER + 2.0 * JITTER * chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::samples::{
        blocked, building, create, desired, overdue, plan, ready, retry_at, wait,
    };
    use crate::plan::{Awaits, Blocked, Wait};

    const INTERVAL: Duration = Duration::from_mins(10);

    /// So many seconds from the pass.
    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn left(answers: [Answer; 2], now: Instant) -> Timers {
        let desired = desired(&["a", "b"]);
        Timers::after(INTERVAL, now).with(&plan(&desired, answers), now, at(0))
    }

    #[test]
    fn the_next_pass_is_due_when_the_first_of_all_images_needs_it() {
        let quota = |seconds| match blocked(Reason::QuotaExceeded) {
            Answer::Blocked(blocked) => Answer::Blocked(Blocked {
                until: Some(at(seconds)),
                ..blocked
            }),
            other => other,
        };
        let settles = |seconds| {
            Answer::Wait(Wait {
                until: Some(at(seconds)),
                ..wait(Reason::AwaitingListing, Awaits::Time)
            })
        };
        let idle = || Answer::Wait(wait(Reason::NoUpdateAvailable, Awaits::News));
        let now = Instant::now();
        for (one, other, seconds) in [
            (ready(), ready(), 600),
            (ready(), idle(), 600),
            (ready(), overdue(), 600),
            (ready(), building(), 60),
            (overdue(), building(), 60),
            (building(), retry_at(at(59)), 59),
            (building(), retry_at(at(61)), 60),
            (retry_at(at(5)), retry_at(at(3600)), 5),
            (quota(61), retry_at(at(300)), 61),
            (quota(601), ready(), 600),
            (settles(5), settles(500), 5),
            (settles(500), ready(), 60),
            (create("wsi-1"), retry_at(at(5)), 1),
            (create("wsi-1"), building(), 1),
            (retry_at(at(2)), ready(), 2),
            (retry_at(at(0)), retry_at(at(2)), 1),
            (retry_at(at(-9)), building(), 1),
        ] {
            for answers in [[one.clone(), other.clone()], [other, one]] {
                let timers = left(answers.clone(), now);
                let next = timers.next(now, at(0)).unwrap().duration_since(now);
                assert_eq!(next.as_secs(), seconds, "{answers:?}");
            }
        }
    }

    #[test]
    fn each_timer_is_due_once_from_its_time_on() {
        let now = Instant::now();
        let mut timers = left([building(), retry_at(at(90))], now);
        timers = timers.again_after(Duration::from_secs(30), now);
        let mut due = Vec::new();
        for second in [0, 29, 30, 31, 59, 60, 61, 89, 90, 91, 599, 600, 601] {
            let passed = Duration::from_secs(second);
            for trigger in timers.due(now + passed, at(0) + passed) {
                due.push((second, trigger));
            }
        }
        let expected = [
            (30, Trigger::Retry),
            (60, Trigger::Build),
            (90, Trigger::Retry),
            (600, Trigger::Interval),
        ];
        assert_eq!(due, expected);
        assert_eq!(timers.next(now, at(0)), None);
        // What comes at once is due at once.
        let mut timers = left([building(), retry_at(at(90))], now);
        let all = timers.due(now + INTERVAL, at(600));
        assert_eq!(all.len(), 3, "{all:?}");
    }

    #[test]
    fn jitter_keeps_its_bounds() {
        let interval = Duration::from_mins(10);
        let seconds = |chance| jittered(interval, chance).as_secs_f64();
        assert!((seconds(0.0) - 570.0).abs() < 1e-6, "{}", seconds(0.0));
        assert!((seconds(0.5) - 600.0).abs() < 1e-6);
        assert!((seconds(1.0) - 630.0).abs() < 1e-6);
        assert!(seconds(7.0) <= 630.0);
    }
}
