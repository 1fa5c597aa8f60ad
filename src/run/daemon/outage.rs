//! A series of failed passes: how often each cause occurred, and what the log says about it. It schedules nothing.

use crate::cloud::FailureKind;
use crate::model::reason::Reason;
use crate::run::reconcile::PassError;
use crate::sys::escape::{escaped, with_causes};

/// The most failure causes of one outage that are remembered, so each is logged once.
const MAX_CAUSES: usize = 16;

/// After this many failures in a row (some minutes), the log says that the listing is still failing.
const PERSISTENT: u32 = 6;

/// A series of failed passes.
#[derive(Debug, Default)]
pub(super) struct Outage {
    failures: u32,
    /// How often each cause occurred; each is logged once.
    causes: Vec<(FailureCause, u32)>,
    /// Whether "listing is still failing" was logged.
    is_persistent: bool,
}

/// Why a pass failed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum FailureCause {
    Listing(FailureKind, Reason),
    Store(String),
    Refused(String),
}

impl Outage {
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Adds a failed pass, and logs it once for each cause. Returns what must happen before the next try, and how often this
    /// cause occurred; `None` if the process was only asked to stop.
    pub(super) fn add(&mut self, error: &PassError) -> Option<(FailureKind, u32)> {
        let (cause, kind) = match error {
            PassError::Observe(error) => {
                (FailureCause::Listing(error.kind, error.reason), error.kind)
            }
            PassError::Store(error) => (
                FailureCause::Store(with_causes(error)),
                FailureKind::Transient,
            ),
            PassError::Refused(why) => (FailureCause::Refused(why.clone()), FailureKind::Rejected),
            PassError::Stopped(_) => return None,
        };
        let count = self.count(&cause);
        self.log(&cause, count, error);
        Some((kind, count))
    }

    /// Counts one more failed pass; returns how often this cause occurred in this outage.
    fn count(&mut self, cause: &FailureCause) -> u32 {
        self.failures = self.failures.saturating_add(1);
        if let Some((_, count)) = self.causes.iter_mut().find(|(seen, _)| seen == cause) {
            *count = count.saturating_add(1);
            return *count;
        }
        if self.causes.len() == MAX_CAUSES {
            self.causes.remove(0);
        }
        self.causes.push((cause.clone(), 1));
        1
    }

    /// Logs each cause once, and once per outage that a transient failure lasts.
    fn log(&mut self, cause: &FailureCause, count: u32, error: &PassError) {
        let failures = self.failures;
        let why = escaped(&with_causes(error), 800);
        match (cause, count) {
            (FailureCause::Listing(FailureKind::Transient, reason), _)
                if failures >= PERSISTENT && !self.is_persistent =>
            {
                self.is_persistent = true;
                tracing::warn!(%reason, "listing is still failing: {why}");
            }
            (FailureCause::Listing(FailureKind::Transient, reason), 1) => {
                tracing::info!(%reason, "listing failed; repave will retry: {why}");
            }
            (FailureCause::Listing(_, reason), 1) => {
                tracing::warn!(%reason, "action required: {why}");
            }
            (FailureCause::Store(_), 1) => {
                tracing::warn!("cannot use the status file, so repave makes no changes: {why}");
            }
            (FailureCause::Refused(_), 1) => tracing::warn!("action required: {why}"),
            (FailureCause::Listing(..) | FailureCause::Store(_) | FailureCause::Refused(_), _) => {
                tracing::debug!(failures, "pass failed again: {why}");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_counted_separately_in_one_outage() {
        let mut outage = Outage::default();
        let cause = |n: usize| FailureCause::Refused(n.to_string());
        let counts = [0, 0, 1, 0, 1].map(|n| outage.count(&cause(n)));
        assert_eq!((counts, outage.failures), ([1, 2, 1, 3, 2], 5));
        // Above the limit, the oldest cause is forgotten.
        for n in 2..MAX_CAUSES {
            assert_eq!(outage.count(&cause(n)), 1);
        }
        assert_eq!(outage.count(&cause(0)), 4);
        assert_eq!(outage.count(&cause(MAX_CAUSES)), 1);
        assert_eq!(outage.count(&cause(1)), 3);
        assert_eq!(outage.count(&cause(0)), 1);
    }
}
