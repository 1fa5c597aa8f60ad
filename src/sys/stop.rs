//! The word to stop: a signal, or the end of the time that was given; and the word to look again at once. It starts and
//! ends nothing by itself.

use std::sync::Arc;

use tokio::sync::{Notify, watch};
use tokio::time::{Duration, Instant};

/// How long a call that is in flight may take to end after the word to stop: a person who pressed Ctrl-C waits for it.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// SIGINT or SIGTERM.
    Signal,
    /// `--timeout`.
    Timeout,
}

/// The listening side: cheap to clone, never missed.
#[derive(Debug, Clone)]
pub struct Stop {
    signal: watch::Receiver<bool>,
    hangup: Arc<Notify>,
    deadline: Option<Instant>,
}

#[derive(Debug)]
pub struct Stopper {
    signal: watch::Sender<bool>,
    hangup: Arc<Notify>,
}

impl Stopper {
    pub fn new() -> (Self, Stop) {
        let (sender, receiver) = watch::channel(false);
        let hangup = Arc::new(Notify::new());
        let stop = Stop {
            signal: receiver,
            hangup: Arc::clone(&hangup),
            deadline: None,
        };
        let stopper = Self {
            signal: sender,
            hangup,
        };
        (stopper, stop)
    }

    /// Says that a signal came.
    pub fn stop(&self) {
        self.signal.send_replace(true);
    }

    /// Says that SIGHUP came; several before anyone listens are one.
    pub fn hang_up(&self) {
        self.hangup.notify_one();
    }
}

impl Stop {
    /// One that is never said.
    pub fn never() -> Self {
        Stopper::new().1
    }

    /// The same, and also at `deadline`.
    #[must_use]
    pub fn or_at(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Why to stop, if it was said.
    pub(crate) fn said(&self) -> Option<StopReason> {
        if *self.signal.borrow() {
            return Some(StopReason::Signal);
        }
        self.deadline
            .filter(|deadline| *deadline <= Instant::now())
            .map(|_| StopReason::Timeout)
    }

    /// Waits until it is said.
    pub(crate) async fn wait(&self) -> StopReason {
        let mut signal = self.signal.clone();
        let signalled = async {
            // Without a speaker no signal can come any more.
            if signal.wait_for(|said| *said).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let late = async {
            match self.deadline {
                Some(deadline) => tokio::time::sleep_until(deadline).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = signalled => StopReason::Signal,
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

    /// Runs to the end, but no longer than [`GRACE`] after the word to stop: for what must not be dropped lightly.
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
    async fn it_is_said_from_the_deadline_on_and_a_signal_counts_before_it() {
        let (stopper, stop) = Stopper::new();
        let stop = stop.or_at(Instant::now() + 2 * SECOND);
        tokio::time::advance(Duration::from_millis(1999)).await;
        assert_eq!(stop.said(), None);
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(stop.said(), Some(StopReason::Timeout));
        assert_eq!(stop.wait().await, StopReason::Timeout);
        stopper.stop();
        assert_eq!(stop.said(), Some(StopReason::Signal));
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
