//! When the daemon's next pass is due, computed from the last plan. It waits for nothing itself.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::model::reason::Reason;
use crate::plan::{Answer, Plan};

/// The time between two passes while an image is being built.
pub(super) const BUILD_POLL: Duration = Duration::from_mins(1);

/// The shortest time from a pass to the retry that it schedules.
const MIN_DELAY: Duration = Duration::from_secs(1);

/// The largest random change of an interval. It spreads the passes of daemons that started at the same time.
pub(super) const JITTER: f64 = 0.05;

/// Why a pass runs, for the log. It does not change the pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trigger {
    /// The daemon has just started.
    Start,
    Files,
    /// SIGHUP.
    Hangup,
    Interval,
    /// A retry or the end of a settle window is due.
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
    /// When to retry a failed pass.
    failed_pass: Option<Instant>,
    /// By the wall clock, like the times in the status file: it moves when the clock jumps.
    retry: Option<Timestamp>,
}

impl Timers {
    /// Starts with the interval only, from `now`.
    pub(super) fn after(interval: Duration, now: Instant) -> Self {
        Self {
            interval: Some(now + interval),
            build: None,
            failed_pass: None,
            retry: None,
        }
    }

    /// Adds the retry of a failed pass after `delay`.
    pub(super) fn retry_pass_after(mut self, delay: Duration, now: Instant) -> Self {
        self.failed_pass = Some(now + delay);
        self
    }

    /// Adds what the plan waits for.
    pub(super) fn with_plan(mut self, left: &Plan<'_>, now: Instant, wall: Timestamp) -> Self {
        let soonest = wall.saturating_add(MIN_DELAY).unwrap_or(Timestamp::MAX);
        for image in &left.images {
            let wait = image.answer.temporary_wait(true);
            let polls = wait.is_some_and(|wait| wait.reason != Reason::RetryScheduled);
            let until = match &image.answer {
                // Not done, or due since then: the next pass decides.
                Answer::Do(_) => Some(soonest),
                Answer::Ready(_) => None,
                Answer::Wait(wait) => wait.until,
                Answer::Blocked(blocked) => blocked.until,
            };
            if polls {
                self.build = Some(now + BUILD_POLL);
            }
            if let Some(until) = until.map(|until| until.max(soonest)) {
                self.retry = Some(self.retry.map_or(until, |retry| retry.min(until)));
            }
        }
        self
    }

    /// Removes and returns what is due.
    pub(super) fn due(&mut self, now: Instant, wall: Timestamp) -> BTreeSet<Trigger> {
        let mut due = BTreeSet::new();
        if self.interval.take_if(|at| *at <= now).is_some() {
            due.insert(Trigger::Interval);
        }
        if self.build.take_if(|at| *at <= now).is_some() {
            due.insert(Trigger::Build);
        }
        let pass_retry = self.failed_pass.take_if(|at| *at <= now).is_some();
        if self.retry.take_if(|at| *at <= wall).is_some() || pass_retry {
            due.insert(Trigger::Retry);
        }
        due
    }

    /// Returns when the next timer is due, if the wall clock does not jump.
    pub(super) fn next(&self, now: Instant, wall: Timestamp) -> Option<Instant> {
        let retry = self.retry.map(|at| {
            let left = at.duration_since(wall);
            now + Duration::try_from(left).unwrap_or(Duration::ZERO)
        });
        let timers = [self.interval, self.build, self.failed_pass, retry];
        timers.into_iter().flatten().min()
    }
}

/// Returns the interval with jitter; `chance` is from 0 to 1.
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

    /// The time this many seconds after the pass.
    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn left(answers: [Answer; 2], now: Instant) -> Timers {
        let desired = desired(&["a", "b"]);
        Timers::after(INTERVAL, now).with_plan(&plan(&desired, answers), now, at(0))
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
        let idle = || Answer::Wait(wait(Reason::NoUpdateAvailable, Awaits::Change));
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
    fn each_timer_is_due_once() {
        let now = Instant::now();
        let mut timers = left([building(), retry_at(at(90))], now);
        timers = timers.retry_pass_after(Duration::from_secs(30), now);
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
        // Timers that end at the same time are due together.
        let mut timers = left([building(), retry_at(at(90))], now);
        let all = timers.due(now + INTERVAL, at(600));
        assert_eq!(all.len(), 3, "{all:?}");
    }

    #[test]
    fn jitter_stays_in_bounds() {
        let interval = Duration::from_mins(10);
        let seconds = |chance| jittered(interval, chance).as_secs_f64();
        assert!((seconds(0.0) - 570.0).abs() < 1e-6, "{}", seconds(0.0));
        assert!((seconds(0.5) - 600.0).abs() < 1e-6);
        assert!((seconds(1.0) - 630.0).abs() < 1e-6);
        assert!(seconds(7.0) <= 630.0);
    }
}
