//! The process that stays: decides *when* a pass runs, and nothing of what it does.
//!
//! Passes run at the start, when manifests change, at an interval, when something that was put off is due, every minute
//! while something is being built, and on SIGHUP. What comes at once makes one pass; each reads all manifests and lists the
//! whole account, so that an event that is lost or means nothing costs time at most. Whatever fails is told, and tried again
//! later; only a signal ends it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::Instrument as _;

use crate::cloud::retry;
use crate::cloud::{Cloud, FailureKind};
use crate::model::image::Desired;
use crate::model::reason::Reason;
use crate::plan::{Attempt, Plan, guards};
use crate::probe::health::Health;
use crate::probe::metrics::PassResult;
use crate::probe::systemd::{self, Systemd};
use crate::run::checkout::{Checkout, Look};
use crate::run::reconcile::{PassError, Reconciler};
use crate::show::totals_text;
use crate::state::file::FileStore;
use crate::state::status::Status;
use crate::state::store::Store;
use crate::sys::escape::{escaped, with_causes};
use crate::sys::stop::Stop;

mod timers;
mod watch;

use crate::model::defaults::POLL;
use timers::{Timers, Trigger, jittered};
pub use watch::{Poke, Watch};

/// What comes within this time of an event is looked at together with it.
const GATHER: Duration = Duration::from_millis(10);

/// How long a pass waits for manifests that are being written; then it runs over the last valid set.
const HOLD: Duration = Duration::from_secs(10);

/// The longest sleep: so soon a wall clock that jumped is noticed.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// The most troubles of one outage that are remembered, to tell none of them twice.
const MAX_TROUBLES: usize = 16;

/// From this failure in a row on, some minutes after the first, time alone has not helped.
const PERSISTENT: u32 = 6;

/// How the daemon is to run.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The time between two passes if nothing else asks for one, but for its jitter.
    pub interval: Duration,
    /// How often changed manifests are looked for, whatever the file system tells.
    pub poll: Option<Duration>,
    /// The most images that one pass may ask for.
    pub max_creates: Option<usize>,
    /// The seed of the jitter.
    pub seed: u64,
}

pub struct Daemon<C, S = FileStore> {
    reconciler: Reconciler<C, S>,
    checkout: Checkout,
    watch: Watch,
    settings: Settings,
    /// Sees every set that is about to come into force.
    prepare: Box<dyn FnMut(&Desired)>,
    health: Arc<Health>,
    systemd: Rc<RefCell<Systemd>>,
    /// SIGHUP came; systemd has been told already.
    hung_up: Rc<Notify>,
    random: fastrand::Rng,
    timers: Timers,
    /// When to look at the files again.
    look: Option<Instant>,
    /// Why a pass is due.
    due: BTreeSet<Trigger>,
    /// Since when a pass that is due waits for files that are being written.
    held: Option<Instant>,
    /// What keeps passes from coming to their end.
    outage: Option<Outage>,
    passes: u64,
}

/// Passes that did not come to their end, one after the other.
#[derive(Debug, Default)]
struct Outage {
    failures: u32,
    /// How often each trouble came; each is told once.
    troubles: Vec<(Trouble, u32)>,
    /// Whether it was told that time has not helped.
    is_persistent: bool,
}

fn log_accepted(attempt: &Attempt<'_>) {
    let Ok(receipt) = &attempt.result else {
        return; // logged with the changes of its image
    };
    let (step, name) = (&attempt.step, attempt.desired.subject.name.as_str());
    let source = escaped(step.from(), 80);
    let id = escaped(&receipt.image_id, 80);
    let verb = step.verb().as_str();
    tracing::info!(name, image = step.to(), source, id, "{verb} accepted");
}

/// What keeps a pass from coming to its end; the same is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    Listing(FailureKind, Reason),
    Store(String),
    Refused(String),
}

impl<C, S> fmt::Debug for Daemon<C, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daemon").finish_non_exhaustive()
    }
}

impl<C: Cloud, S: Store> Daemon<C, S> {
    /// A daemon that has not started.
    pub fn new(
        reconciler: Reconciler<C, S>,
        checkout: Checkout,
        watch: Watch,
        settings: Settings,
        prepare: Box<dyn FnMut(&Desired)>,
        health: Arc<Health>,
    ) -> Self {
        Self {
            reconciler,
            checkout,
            watch,
            prepare,
            health,
            systemd: Rc::new(RefCell::new(Systemd::new())),
            hung_up: Rc::default(),
            random: fastrand::Rng::with_seed(settings.seed),
            timers: Timers::after(settings.interval, Instant::now()),
            settings,
            look: None,
            due: BTreeSet::from([Trigger::Start]),
            held: None,
            outage: None,
            passes: 0,
        }
    }

    /// Runs until the word to stop; gives the number of passes.
    pub async fn run(mut self) -> u64 {
        let stop = self.reconciler.stop().clone();
        let interval = self.settings.interval;
        tracing::info!(?interval, "started");
        self.health.metrics().images(self.reconciler.status());
        let systemd = Rc::clone(&self.systemd);
        systemd.borrow_mut().ready();
        let health = Arc::clone(&self.health);
        let is_alive = || health.is_alive(Instant::now()).is_ok();
        let hung_up = Rc::clone(&self.hung_up);
        // What must not wait for a pass to end.
        tokio::select! {
            biased;
            () = self.live(&stop) => {}
            never = systemd::watchdog(&systemd, is_alive) => match never {},
            never = hangups(&stop, &systemd, &hung_up) => match never {},
        }
        systemd.borrow_mut().stopping();
        let passes = self.passes;
        self.reconciler.release().await;
        passes
    }

    async fn live(&mut self, stop: &Stop) {
        while stop.reason().is_none() {
            self.health.moved();
            self.turn().await;
            let wake = self.wake();
            self.health.rests(wake);
            tokio::select! {
                biased;
                _ = stop.wait() => {}
                () = self.hung_up.notified() => {
                    self.due.insert(Trigger::Hangup);
                }
                () = self.watch.heard() => self.look_by(Instant::now() + GATHER),
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// Looks at the files and runs a pass, each if it is due.
    async fn turn(&mut self) {
        let now = Instant::now();
        let wall = self.reconciler.clock().now();
        self.due.append(&mut self.timers.due(now, wall));
        let looks = self.look.take_if(|at| *at <= now).is_some();
        if !looks && self.due.is_empty() {
            return;
        }
        match self.look_at_files(now) {
            Look::Same => {}
            // The first reading is no change.
            Look::Changed if self.due.contains(&Trigger::Start) => {}
            Look::Changed => {
                self.due.insert(Trigger::Files);
            }
            Look::NotYet(rest) => {
                self.look_by(now + rest);
                let held = *self.held.get_or_insert(now);
                if now.duration_since(held) < HOLD {
                    return;
                }
            }
        }
        self.held = None;
        if !self.due.is_empty() {
            self.pass().await;
        }
    }

    fn look_at_files(&mut self, now: Instant) -> Look {
        let look = self.checkout.look(!self.due.is_empty(), now);
        let all_heard = self.watch.follow(self.checkout.folders());
        match (self.settings.poll, all_heard) {
            (Some(poll), _) => self.look_by(now + poll),
            (None, false) => self.look_by(now + POLL),
            (None, true) => {}
        }
        look
    }

    fn look_by(&mut self, at: Instant) {
        self.look = Some(self.look.map_or(at, |look| look.min(at)));
    }

    /// When something is due next.
    fn wake(&self) -> Instant {
        let now = Instant::now();
        let timers = self.timers.next(now, self.reconciler.clock().now());
        [timers, self.look]
            .into_iter()
            .flatten()
            .fold(now + LONGEST_SLEEP, Instant::min)
    }

    async fn pass(&mut self) {
        let triggers: Vec<String> = self.due.iter().map(ToString::to_string).collect();
        let reloads = self.due.contains(&Trigger::Hangup);
        self.due.clear();
        self.passes += 1;
        let span = tracing::info_span!(
            "reconcile",
            pass = self.passes,
            trigger = triggers.join("+")
        );
        self.pass_once().instrument(span).await;
        if reloads {
            self.systemd.borrow_mut().ready();
        }
    }

    async fn pass_once(&mut self) {
        let manifests = self.checkout.manifests();
        let interval = jittered(self.settings.interval, self.random.f64());
        let metrics = self.health.metrics();
        metrics.manifests(
            self.checkout.is_valid(),
            self.checkout.set().map_or(0, |set| set.desired.len()),
        );
        let Some(set) = self.checkout.set() else {
            // Without a set that was ever valid there is nothing to reconcile, but something to report.
            let recorded = self.reconciler.record_problems(manifests.problems).await;
            self.timers = Timers::after(interval, Instant::now());
            let waits = "waits for manifests: none were valid since the start";
            self.systemd.borrow_mut().status(waits);
            metrics.pass(
                match recorded {
                    Ok(()) => PassResult::InvalidManifests,
                    Err(_) => PassResult::StatusNotSaved,
                },
                Duration::ZERO,
            );
            metrics.images(self.reconciler.status());
            if let Err(error) = recorded {
                self.failed(&PassError::Store(error), interval);
            }
            return;
        };
        (self.prepare)(&set.desired);
        let most = self.settings.max_creates;
        let review = |plan: &Plan<'_>, _: &Status| guards::within_budget("pass", plan, &[], most);
        let began = Instant::now();
        let passed = self.reconciler.pass(&set.desired, &manifests, review).await;
        let result = match &passed {
            // Ended in between, even if what it had begun came to its end.
            _ if self.reconciler.stop().reason().is_some() => PassResult::Stopped,
            Ok(_) => PassResult::Success,
            Err(PassError::Observe(_)) => PassResult::ListingFailed,
            Err(PassError::Store(_)) => PassResult::StatusNotSaved,
            Err(PassError::Refused(_)) => PassResult::Refused,
            Err(PassError::Stopped(_)) => PassResult::Stopped,
        };
        metrics.pass(result, began.elapsed());
        metrics.images(self.reconciler.status());
        match passed {
            Ok(pass) => {
                for attempt in &pass.attempts {
                    log_accepted(attempt);
                }
                let now = Instant::now();
                let wall = self.reconciler.clock().now();
                self.timers = Timers::after(interval, now).with(&pass.left, now, wall);
                if result == PassResult::Success {
                    metrics.succeeded(wall);
                    self.health.complete();
                }
                let totals = totals_text(pass.left.totals());
                self.systemd.borrow_mut().status(&totals);
                if let Some(Outage { failures, .. }) = self.outage.take() {
                    tracing::info!(failures, "passes come to their end again");
                }
            }
            Err(error) => self.failed(&error, interval),
        }
    }

    /// Tells what keeps passes from coming to their end, once, and puts the next one off.
    fn failed(&mut self, error: &PassError, interval: Duration) {
        let (trouble, kind) = match error {
            PassError::Observe(error) => (Trouble::Listing(error.kind, error.reason), error.kind),
            PassError::Store(error) => (Trouble::Store(with_causes(error)), FailureKind::Transient),
            PassError::Refused(why) => (Trouble::Refused(why.clone()), FailureKind::Rejected),
            PassError::Stopped(_) => return,
        };
        let outage = self.outage.get_or_insert_default();
        let count = outage.count(&trouble);
        outage.tell(&trouble, count, error);
        let delay = retry::delay(kind, count).unwrap_or(retry::LONGEST);
        self.systemd.borrow_mut().status(&with_causes(error));
        let now = Instant::now();
        self.timers = Timers::after(interval, now).again_after(delay, now);
    }
}

impl Outage {
    /// Counts one more failed pass; gives how often this trouble came since passes came to their end.
    fn count(&mut self, trouble: &Trouble) -> u32 {
        self.failures = self.failures.saturating_add(1);
        if let Some((_, count)) = self.troubles.iter_mut().find(|(seen, _)| seen == trouble) {
            *count = count.saturating_add(1);
            return *count;
        }
        if self.troubles.len() == MAX_TROUBLES {
            self.troubles.remove(0);
        }
        self.troubles.push((trouble.clone(), 1));
        1
    }

    /// Tells of a trouble once, and once in an outage that time does not mend what time should mend.
    fn tell(&mut self, trouble: &Trouble, count: u32, error: &PassError) {
        let failures = self.failures;
        let why = escaped(&with_causes(error), 800);
        match (trouble, count) {
            (Trouble::Listing(FailureKind::Transient, reason), _)
                if failures >= PERSISTENT && !self.is_persistent =>
            {
                self.is_persistent = true;
                tracing::warn!(%reason, "listing goes on failing: {why}");
            }
            (Trouble::Listing(FailureKind::Transient, reason), 1) => {
                tracing::info!(%reason, "listing failed, and is tried again: {why}");
            }
            (Trouble::Listing(_, reason), 1) => {
                tracing::warn!(%reason, "a person is needed: {why}");
            }
            (Trouble::Store(_), 1) => {
                tracing::warn!("nothing is done without a status file: {why}");
            }
            (Trouble::Refused(_), 1) => tracing::warn!("a person is needed: {why}"),
            (Trouble::Listing(..) | Trouble::Store(_) | Trouble::Refused(_), _) => {
                tracing::debug!(failures, "the pass failed again: {why}");
            }
        }
    }
}

/// Takes every SIGHUP as it comes: systemd is told at once that a reload begins, even if a pass must end first.
async fn hangups(stop: &Stop, systemd: &RefCell<Systemd>, hung_up: &Notify) -> Infallible {
    loop {
        stop.hangup().await;
        systemd.borrow_mut().reloading();
        hung_up.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_is_counted_for_itself_and_all_make_one_outage() {
        let mut outage = Outage::default();
        let trouble = |n: usize| Trouble::Refused(n.to_string());
        let counts = [0, 0, 1, 0, 1].map(|n| outage.count(&trouble(n)));
        assert_eq!((counts, outage.failures), ([1, 2, 1, 3, 2], 5));
        // The first of so many is forgotten for one more.
        for n in 2..MAX_TROUBLES {
            assert_eq!(outage.count(&trouble(n)), 1);
        }
        assert_eq!(outage.count(&trouble(0)), 4);
        assert_eq!(outage.count(&trouble(MAX_TROUBLES)), 1);
        assert_eq!(outage.count(&trouble(1)), 3);
        assert_eq!(outage.count(&trouble(0)), 1);
    }
}
