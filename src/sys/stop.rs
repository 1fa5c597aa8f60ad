//! The stop signal: SIGINT, SIGTERM or the end of `--timeout`. Also SIGHUP, which starts a pass at once. It only delivers
//! the signals.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// How long a call in flight may take after the stop signal: the user who pressed Ctrl-C waits for it.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// SIGINT or SIGTERM.
    Signal,
    /// `--timeout`.
    Timeout,
}

/// The receiving side. It is cheap to clone, and no signal is missed.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    signal: CancellationToken,
    hangup: Arc<Notify>,
    deadline: Option<Instant>,
}

/// The sending side.
#[derive(Debug, Default)]
pub struct Stopper(Stop);

impl Stopper {
    pub fn new() -> (Self, Stop) {
        let stop = Stop::default();
        (Self(stop.clone()), stop)
    }

    pub fn stop(&self) {
        self.0.signal.cancel();
    }

    /// Reports SIGHUP. Several before a receiver waits count as one.
    pub fn hang_up(&self) {
        self.0.hangup.notify_one();
    }
}

impl Stop {
    /// Returns a receiver without a stop signal.
    pub fn never() -> Self {
        Self::default()
    }

    /// Adds a stop signal at `deadline`.
    #[must_use]
    pub fn or_at(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Returns the reason to stop, if the stop signal was received.
    pub(crate) fn reason(&self) -> Option<StopReason> {
        if self.signal.is_cancelled() {
            return Some(StopReason::Signal);
        }
        self.deadline
            .filter(|deadline| *deadline <= Instant::now())
            .map(|_| StopReason::Timeout)
    }

    /// Waits for the stop signal.
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

    /// Waits for the next SIGHUP.
    pub(crate) async fn hangup(&self) {
        self.hangup.notified().await;
    }

    /// Runs the work until it is done or the stop signal is received. For work that may be dropped at any time.
    pub(crate) async fn unless<T>(&self, work: impl Future<Output = T>) -> Result<T, StopReason> {
        tokio::select! {
            biased;
            reason = self.wait() => Err(reason),
            done = work => Ok(done),
        }
    }

    /// Runs the work until it is done, but no longer than [`GRACE`] after the stop signal. For calls in flight.
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
    async fn the_deadline_stops_and_a_signal_takes_precedence() {
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
    async fn a_call_in_flight_is_dropped_after_the_grace_period() {
        for (milliseconds, done) in [(0, true), (6999, true), (7001, false)] {
            let stop = Stop::never().or_at(Instant::now() + 2 * SECOND);
            let work = tokio::time::sleep(Duration::from_millis(milliseconds));
            let ended = stop.unless_overdue(work).await;
            assert_eq!(ended.is_ok(), done, "{milliseconds}");
        }
    }
}
