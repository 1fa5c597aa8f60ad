//! The daemon: decides *when* a pass runs, not what a pass does.
//!
//! A pass runs at the start, when manifests change, at an interval, when a retry is due, every minute while an image is being
//! built, and on SIGHUP. Simultaneous triggers start one pass. Each pass reads all manifests and lists the whole account, so a
//! lost or needless event only costs time. Failures are logged and retried; only a signal ends the daemon.

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
use crate::run::checkout::{Check, Checkout};
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
pub use watch::{Watch, WatchHandle};

/// How long to collect more events after the first one.
const DEBOUNCE: Duration = Duration::from_millis(10);

/// How long a pass waits for manifests that are being written; then it uses the last valid set.
const MAX_FILE_WAIT: Duration = Duration::from_secs(10);

/// The longest sleep. After it, repave notices that the wall clock jumped.
const MAX_SLEEP: Duration = Duration::from_mins(1);

/// The most failure causes of one outage that are remembered, so each is logged once.
const MAX_CAUSES: usize = 16;

/// After this many failures in a row (some minutes), the log says that the listing is still failing.
const PERSISTENT: u32 = 6;

#[derive(Debug, Clone)]
pub struct Settings {
    /// The time between two passes if nothing else triggers one, without jitter.
    pub interval: Duration,
    /// How often to check the manifests, besides file system events.
    pub poll: Option<Duration>,
    /// The most images that one pass may create.
    pub max_creates: Option<usize>,
    /// The seed of the jitter.
    pub seed: u64,
}

pub struct Daemon<C, S = FileStore> {
    reconciler: Reconciler<C, S>,
    checkout: Checkout,
    watch: Watch,
    settings: Settings,
    /// Called with the manifests before each pass.
    prepare: Box<dyn FnMut(&Desired)>,
    health: Arc<Health>,
    systemd: Rc<RefCell<Systemd>>,
    /// SIGHUP arrived; systemd is already notified.
    hung_up: Rc<Notify>,
    random: fastrand::Rng,
    timers: Timers,
    /// When to check the files again.
    check_at: Option<Instant>,
    /// Why a pass is due.
    due: BTreeSet<Trigger>,
    /// Since when a due pass waits for files that are being written.
    waiting_since: Option<Instant>,
    outage: Option<Outage>,
    passes: u64,
}

/// A series of failed passes.
#[derive(Debug, Default)]
struct Outage {
    failures: u32,
    /// How often each cause occurred; each is logged once.
    causes: Vec<(FailureCause, u32)>,
    /// Whether "listing is still failing" was logged.
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

/// Why a pass failed.
#[derive(Debug, Clone, PartialEq, Eq)]
enum FailureCause {
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
    /// Returns a daemon that has not started.
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
            check_at: None,
            due: BTreeSet::from([Trigger::Start]),
            waiting_since: None,
            outage: None,
            passes: 0,
        }
    }

    /// Runs until the stop signal; returns the number of passes.
    pub async fn run(mut self) -> u64 {
        let stop = self.reconciler.stop().clone();
        let interval = self.settings.interval;
        let target = &self.reconciler.status().target;
        let shown = |text: &Option<String>| text.as_deref().map(|text| escaped(text, 500));
        let (account, credentials) = (shown(&target.account_id), shown(&target.credentials));
        let account = account.unwrap_or_else(|| "not known yet".to_owned());
        let region = escaped(&target.region, 100);
        tracing::info!(account, region, credentials, ?interval, "started");
        self.health.metrics().images(self.reconciler.status());
        let systemd = Rc::clone(&self.systemd);
        systemd.borrow_mut().ready();
        let health = Arc::clone(&self.health);
        let is_alive = || health.is_alive(Instant::now()).is_ok();
        let hung_up = Rc::clone(&self.hung_up);
        // The watchdog and SIGHUP do not wait for a pass to end.
        tokio::select! {
            biased;
            () = self.run_until(&stop) => {}
            never = systemd::watchdog(&systemd, is_alive) => match never {},
            never = hangups(&stop, &systemd, &hung_up) => match never {},
        }
        systemd.borrow_mut().stopping();
        let passes = self.passes;
        self.reconciler.release().await;
        passes
    }

    async fn run_until(&mut self, stop: &Stop) {
        while stop.reason().is_none() {
            self.health.record_progress();
            self.run_if_due().await;
            let wake = self.next_wake();
            self.health.record_idle_until(wake);
            tokio::select! {
                biased;
                _ = stop.wait() => {}
                () = self.hung_up.notified() => {
                    self.due.insert(Trigger::Hangup);
                }
                () = self.watch.changed() => self.check_files_by(Instant::now() + DEBOUNCE),
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// Checks the files and runs a pass, each if it is due.
    async fn run_if_due(&mut self) {
        let now = Instant::now();
        let wall = self.reconciler.clock().now();
        self.due.append(&mut self.timers.due(now, wall));
        let check_is_due = self.check_at.take_if(|at| *at <= now).is_some();
        if !check_is_due && self.due.is_empty() {
            return;
        }
        let stop = self.reconciler.stop().clone();
        let Ok(check) = stop.unless(self.check_files(now)).await else {
            return;
        };
        match check {
            Check::Unchanged => {}
            // The first read is not a change.
            Check::Changed if self.due.contains(&Trigger::Start) => {}
            Check::Changed => {
                self.due.insert(Trigger::Files);
            }
            Check::NotYet(delay) => {
                self.check_files_by(now + delay);
                self.report_held_back().await;
                let since = *self.waiting_since.get_or_insert(now);
                if now.duration_since(since) < MAX_FILE_WAIT {
                    return;
                }
            }
        }
        self.waiting_since = None;
        if !self.due.is_empty() {
            self.pass().await;
        }
    }

    async fn check_files(&mut self, now: Instant) -> Check {
        let check = self.checkout.check(!self.due.is_empty(), now).await;
        let unready = self.checkout.is_unready();
        self.health.record_held_back(unready);
        let sees_all = self.watch.watch(&self.checkout.folders());
        match (self.settings.poll, sees_all) {
            (Some(poll), _) => self.check_files_by(now + poll),
            (None, false) => self.check_files_by(now + POLL),
            (None, true) => {}
        }
        check
    }

    /// Saves at once that the manifests are held back: the next pass may be minutes away.
    async fn report_held_back(&mut self) {
        if !self.checkout.take_news() {
            return;
        }
        let manifests = self.checkout.manifests();
        let metrics = self.health.metrics();
        metrics.held_back(self.checkout.is_held_back());
        if let Err(error) = self.reconciler.record_unused(manifests).await {
            // The next pass logs it.
            let why = escaped(&with_causes(&error), 800);
            tracing::debug!("cannot save why the manifests are held back: {why}");
        }
    }

    fn check_files_by(&mut self, at: Instant) {
        self.check_at = Some(self.check_at.map_or(at, |earlier| earlier.min(at)));
    }

    /// Returns when something is due next.
    fn next_wake(&self) -> Instant {
        let now = Instant::now();
        let timers = self.timers.next(now, self.reconciler.clock().now());
        [timers, self.check_at]
            .into_iter()
            .flatten()
            .fold(now + MAX_SLEEP, Instant::min)
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
        metrics.held_back(self.checkout.is_held_back());
        self.checkout.take_news();
        let Some(set) = self.checkout.set() else {
            // No valid set yet: there is nothing to reconcile, but there are problems to report.
            let recorded = self.reconciler.record_unused(manifests).await;
            self.timers = Timers::after(interval, Instant::now());
            let text = if self.checkout.is_held_back() {
                "the manifests are held back; repave status shows why"
            } else {
                "waiting for valid manifests; none since the start"
            };
            self.systemd.borrow_mut().status(text);
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
        let review = |plan: &Plan<'_>, _: &Status| guards::check_budget("pass", plan, &[], most);
        let began = Instant::now();
        let passed = self.reconciler.pass(&set.desired, &manifests, review).await;
        let result = match &passed {
            // Stopped before its end, even if every step that began also ended.
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
                self.timers = Timers::after(interval, now).with_plan(&pass.left, now, wall);
                if result == PassResult::Success {
                    metrics.succeeded(wall);
                    self.health.record_complete_pass();
                }
                let totals = totals_text(pass.left.totals());
                self.systemd.borrow_mut().status(&totals);
                if let Some(Outage { failures, .. }) = self.outage.take() {
                    let noun = if failures == 1 { "pass" } else { "passes" };
                    tracing::info!(
                        failures,
                        "reconciliation recovered after {failures} failed {noun}"
                    );
                }
            }
            Err(error) => self.failed(&error, interval),
        }
    }

    /// Logs why the pass failed, once per cause, and schedules the retry.
    fn failed(&mut self, error: &PassError, interval: Duration) {
        let (cause, kind) = match error {
            PassError::Observe(error) => {
                (FailureCause::Listing(error.kind, error.reason), error.kind)
            }
            PassError::Store(error) => (
                FailureCause::Store(with_causes(error)),
                FailureKind::Transient,
            ),
            PassError::Refused(why) => (FailureCause::Refused(why.clone()), FailureKind::Rejected),
            PassError::Stopped(_) => return,
        };
        let outage = self.outage.get_or_insert_default();
        let count = outage.count(&cause);
        outage.log(&cause, count, error);
        let delay = retry::delay(kind, count).unwrap_or(retry::LONGEST);
        self.systemd.borrow_mut().status(&with_causes(error));
        let now = Instant::now();
        self.timers = Timers::after(interval, now).retry_pass_after(delay, now);
    }
}

impl Outage {
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

/// Notifies systemd at once on every SIGHUP that a reload begins, even if a pass must end first.
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
