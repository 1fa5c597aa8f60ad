//! Why manifests are not used as they are now, and how long repave waits for Git. It reads no manifests.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::sys::git::{self, GitOperation};

/// How long to wait for Git's index lock. Git holds the lock for seconds; a Git process that died leaves it behind.
const INDEX_LOCK: Duration = Duration::from_mins(1);

/// How long to wait for an unfinished rebase or merge. The user is resolving conflicts, or has forgotten it.
const SEQUENCE: Duration = Duration::from_mins(15);

/// How long repave waits for a rebase or merge before it reports it. Without a conflict they take milliseconds.
const SEQUENCE_REPORT: Duration = Duration::from_secs(2);

/// How long repave waits for Git's index lock before it reports it.
const INDEX_LOCK_REPORT: Duration = Duration::from_secs(10);

/// Why repave does not use the manifests as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum HeldBack {
    /// The files keep changing.
    Changing,
    /// Git is changing the files, or has not finished.
    Git(GitOperation),
    /// `--require-clean`.
    NotClean(String),
}

impl fmt::Display for HeldBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changing => f.write_str("the files keep changing, so repave does not read them"),
            Self::Git(work @ GitOperation::IndexLock) => {
                write!(f, "Git {work}. Remove it if no Git process runs")
            }
            Self::Git(work @ GitOperation::Unfinished(what)) => {
                write!(f, "Git {work}. Finish it, or run git {what} --abort")
            }
            Self::NotClean(why) => f.write_str(why),
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    since: Instant,
    pub(super) logged: bool,
}

impl Waiting {
    pub(super) fn since(now: Instant) -> Self {
        Self {
            since: now,
            logged: false,
        }
    }

    /// Returns whether to log that this takes longer than `limit`: true once.
    pub(super) fn should_log(&mut self, limit: Duration, now: Instant) -> bool {
        let should_log = !self.logged && now.duration_since(self.since) >= limit;
        self.logged |= should_log;
        should_log
    }
}

/// What Git is doing in the checkout, and since when.
#[derive(Debug, Default)]
pub(super) struct GitWait(Option<(GitOperation, Waiting)>);

impl GitWait {
    /// Returns when to check Git again, if repave waits for Git, and that Git holds the manifests back, after some time.
    pub(super) fn check(
        &mut self,
        folder: &Path,
        now: Instant,
    ) -> Option<(Duration, Option<HeldBack>)> {
        let work = git::operation_in_progress(folder);
        let waiting = match (work, self.0) {
            (None, _) => {
                self.0 = None;
                return None;
            }
            (Some(work), Some((before, waiting))) if before == work => waiting,
            (Some(_), _) => Waiting::since(now),
        };
        let work = work?;
        let (_, waiting) = self.0.insert((work, waiting));
        let (report, limit, pause) = match work {
            GitOperation::IndexLock => (INDEX_LOCK_REPORT, INDEX_LOCK, Duration::from_millis(50)),
            GitOperation::Unfinished(_) => (SEQUENCE_REPORT, SEQUENCE, Duration::from_secs(1)),
        };
        if waiting.should_log(limit, now) {
            tracing::warn!(
                "Git {work} for more than {limit:?}; repave now reads the manifests anyway"
            );
        }
        let waiting = *waiting;
        if waiting.logged {
            return None;
        }
        let is_long = now.duration_since(waiting.since) >= report;
        Some((pause, is_long.then_some(HeldBack::Git(work))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[test]
    fn a_long_wait_is_logged_once() {
        let start = Instant::now();
        let mut waiting = Waiting::since(start);
        let logged_at: Vec<u64> = (0..40)
            .filter(|second| waiting.should_log(LIMIT, start + Duration::from_secs(*second)))
            .collect();
        assert_eq!(logged_at, [10]);
        let mut late = Waiting::since(start);
        assert!(!late.should_log(LIMIT, start + LIMIT - Duration::from_nanos(1)));
        assert!(late.should_log(LIMIT, start + 2 * LIMIT));
    }
}
