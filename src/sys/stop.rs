//! The stop signal: SIGINT, SIGTERM or the end of `--timeout`; and SIGHUP, which asks for a pass at once. It starts and
//! ends nothing by itself.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a call that is in flight may take to end after the stop signal: whoever pressed Ctrl-C waits for it.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// SIGINT or SIGTERM.
    Signal,
    /// `--timeout`.
    Timeout,
}

/// The listening side: cheap to clone, never missed.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    signal: CancellationToken,
    hangup: Arc<Notify>,
    deadline: Option<Instant>,
}

/// The side that sends.
#[derive(Debug, Default)]
pub struct Stopper(Stop);

impl Stopper {
    pub fn new() -> (Self, Stop) {
        let stop = Stop::default();
        (Self(stop.clone()), stop)
    }

    /// Reports that a signal came.
    pub fn stop(&self) {
        self.0.signal.cancel();
    }

    /// Reports that SIGHUP came; several before anyone listens are one.
    pub fn hang_up(&self) {
        self.0.hangup.notify_one();
    }
}

impl Stop {
    /// Returns a stop signal that never comes.
    pub fn never() -> Self {
        Self::default()
    }

    /// Returns the same, that also comes at `deadline`.
    #[must_use]
    pub fn or_at(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Returns why to stop, if the signal came.
    pub(crate) fn reason(&self) -> Option<StopReason> {
        if self.signal.is_cancelled() {
            return Some(StopReason::Signal);
        }
        self.deadline
            .filter(|deadline| *deadline <= Instant::now())
            .map(|_| StopReason::Timeout)
    }

    /// Waits until it comes.
    pub(crate) async fn wait(&self) -> StopReason {
        let late = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = self.signal.cancelled() => StopReason::Signal,
            () = late => StopReason::Timeout,
        }
    }

    /// Waits until SIGHUP came, once for each.
    pub(crate) async fn hangup(&self) {
        self.hangup.notified().await;
    }

    /// Runs to the end, or stops in between: for what may be dropped at any moment.
    pub(crate) async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, StopReason> {
        tokio::select! {
            biased;
            reason = self.wait() => Err(reason),
            done = work => Ok(done),
        }
    }

    /// Runs to the end, but no longer than [`GRACE`] after the stop signal: for what must not be dropped lightly.
    pub(crate) async fn unless_overdue<T>(
        &self,
        work: impl Future<Output = T>,
    ) -> Result<T, StopReason> {
        let overdue = async {
            let reason = self.wait().await;
            tokio::time::sleep(GRACE).await;
            reason
        };
        tokio::select! {
            biased;
            done = work => Ok(done),
            reason = overdue => Err(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_comes_at_the_deadline_and_a_signal_counts_before_it() {
        let (stopper, stop) = Stopper::new();
        let stop = stop.or_at(Instant::now() + 2 * SECOND);
        tokio::time::advance(Duration::from_millis(1999)).await;
        assert_eq!(stop.reason(), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(stop.reason(), Some(StopReason::Timeout));
        assert_eq!(stop.wait().await, StopReason::Timeout);
        stopper.stop();
        assert_eq!(stop.reason(), Some(StopReason::Signal));
        assert_eq!(stop.wait().await, StopReason::Signal);
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_in_flight_has_its_grace_and_no_more() {
        for (milliseconds, done) in [(0, true), (6999, true), (7001, false)] {
            let stop = Stop::never().or_at(Instant::now() + 2 * SECOND);
            let work = tokio::time::sleep(Duration::from_millis(milliseconds));
            let ended = stop.unless_overdue(work).await;
            assert_eq!(ended.is_ok(), done, "{milliseconds}");
        }
    }
}
