//! The process that stays: decides *when* a pass runs, and nothing of what it does.
//!
//! Passes run at the start, when manifests change, at an interval, when something that was put off is due, every minute
//! while something is being built, and on SIGHUP. What comes at once makes one pass; each reads all manifests and lists the
//! whole account, so that an event that is lost or means nothing costs time at most. Whatever fails is told, and tried again
//! later; only a signal ends it.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::Instrument as _;

use crate::checkout::{Checkout, Look};
use crate::cloud::{FailureKind, ImageApi};
use crate::escape::{escaped, with_causes};
use crate::health::Health;
use crate::image::Desired;
use crate::metrics::PassResult;
use crate::plan::Plan;
use crate::reason::Reason;
use crate::reconcile::{PassError, Reconciler};
use crate::report::totals_text;
use crate::retry;
use crate::systemd::Systemd;

mod timers;
mod watch;

use timers::{Timers, Trigger, jittered};
pub use watch::{Poke, Watch};

/// What comes within this time of an event is looked at together with it.
const GATHER: Duration = Duration::from_millis(10);

/// How often changed manifests are looked for where the file system tells of none.
pub const POLL: Duration = Duration::from_secs(5);

/// How long a pass waits for manifests that are being written; then it runs over the last valid set.
const HOLD: Duration = Duration::from_secs(10);

/// The longest sleep: so soon a wall clock that jumped is noticed.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// From this failure of a listing in a row on, some minutes after the first, time alone has not helped.
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

/// The daemon.
pub struct Daemon<A> {
    reconciler: Reconciler<A>,
    checkout: Checkout,
    watch: Watch,
    settings: Settings,
    /// Sees every set that is about to come into force.
    prepare: Box<dyn FnMut(&Desired)>,
    health: Arc<Health>,
    systemd: Systemd,
    random: fastrand::Rng,
    timers: Timers,
    /// When to look at the files again.
    look: Option<Instant>,
    /// Why a pass is due.
    due: BTreeSet<Trigger>,
    /// Since when a pass that is due waits for files that are being written.
    held: Option<Instant>,
    /// What keeps passes from coming to their end, and how often in a row it did.
    trouble: Option<(Trouble, u32)>,
    passes: u64,
}

/// What keeps a pass from coming to its end; the same is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Trouble {
    Listing(FailureKind, Reason),
    Store(String),
    Refused(String),
}

impl<A> fmt::Debug for Daemon<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Daemon").finish_non_exhaustive()
    }
}

impl<A: ImageApi> Daemon<A> {
    /// A daemon that has not started.
    pub fn new(
        reconciler: Reconciler<A>,
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
            systemd: Systemd::new(),
            random: fastrand::Rng::with_seed(settings.seed),
            timers: Timers::after(settings.interval, Instant::now()),
            settings,
            look: None,
            due: BTreeSet::from([Trigger::Start]),
            held: None,
            trouble: None,
            passes: 0,
        }
    }

    /// Runs until the word to stop; gives the number of passes.
    pub async fn run(mut self) -> u64 {
        let stop = self.reconciler.stop().clone();
        let interval = self.settings.interval;
        tracing::info!(?interval, "started");
        self.systemd.ready();
        while stop.said().is_none() {
            self.health.moved();
            self.systemd.moved();
            self.turn().await;
            let wake = self.wake();
            self.health.rests(wake);
            tokio::select! {
                biased;
                _ = stop.wait() => {}
                () = stop.hangup() => {
                    self.systemd.reloading();
                    self.due.insert(Trigger::Hangup);
                }
                () = self.watch.heard() => self.look_by(Instant::now() + GATHER),
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        self.systemd.stopping();
        self.passes
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
        let longest = self.systemd.longest_rest().unwrap_or(LONGEST_SLEEP);
        let longest = longest.min(LONGEST_SLEEP);
        let timers = self.timers.next(now, self.reconciler.clock().now());
        [timers, self.look]
            .into_iter()
            .flatten()
            .fold(now + longest, Instant::min)
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
            self.systemd.ready();
        }
    }

    async fn pass_once(&mut self) {
        if let Some((Trouble::Listing(_, Reason::AccessDenied), _)) = self.trouble {
            self.reconciler.renew().await;
        }
        let manifests = self.checkout.manifests();
        let interval = jittered(self.settings.interval, self.random.f64());
        let metrics = self.health.metrics();
        metrics.manifests(
            self.checkout.is_valid(),
            self.checkout.set().map_or(0, |set| set.desired.len()),
        );
        let Some(set) = self.checkout.set() else {
            // Without a set that was ever valid there is nothing to reconcile, but something to report.
            let recorded = self.reconciler.record_problems(manifests.problems);
            self.timers = Timers::after(interval, Instant::now());
            self.systemd
                .status("waits for manifests: none were valid since the start");
            if let Err(error) = recorded {
                self.failed(&PassError::Store(error), interval);
            }
            return;
        };
        (self.prepare)(&set.desired);
        let most = self.settings.max_creates;
        let review = |plan: &Plan<'_>| within_budget(plan, most);
        let began = Instant::now();
        let passed = self.reconciler.pass(&set.desired, &manifests, review).await;
        let result = match &passed {
            // Ended in between, even if what it had begun came to its end.
            _ if self.reconciler.stop().said().is_some() => PassResult::Stopped,
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
                let now = Instant::now();
                let wall = self.reconciler.clock().now();
                self.timers = Timers::after(interval, now).with(&pass.left, now, wall);
                if result == PassResult::Success {
                    metrics.succeeded(wall);
                    self.health.complete();
                }
                self.systemd.status(&totals_text(pass.left.totals()));
                if let Some((_, failures)) = self.trouble.take() {
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
        let failures = match self.trouble.take() {
            Some((before, failures)) if before == trouble => failures.saturating_add(1),
            Some(_) | None => 1,
        };
        let delay = retry::delay(kind, failures).unwrap_or(retry::LONGEST);
        trouble.tell(error, failures);
        self.systemd.status(&with_causes(error));
        self.trouble = Some((trouble, failures));
        let now = Instant::now();
        self.timers = Timers::after(interval, now).again_after(delay, now);
    }
}

impl Trouble {
    /// Tells of it: once when it begins, and once more if time does not mend what time should mend.
    fn tell(&self, error: &PassError, failures: u32) {
        let why = escaped(&with_causes(error), 800);
        match (self, failures) {
            (Self::Listing(FailureKind::Transient, reason), 1) => {
                tracing::info!(%reason, "listing failed, and is tried again: {why}");
            }
            (Self::Listing(FailureKind::Transient, reason), PERSISTENT) => {
                tracing::warn!(%reason, "listing goes on failing: {why}");
            }
            (Self::Listing(kind, reason), 1) if *kind != FailureKind::Transient => {
                tracing::warn!(%reason, "a person is needed: {why}");
            }
            (Self::Store(_), 1) => tracing::warn!("nothing is done without a status file: {why}"),
            (Self::Refused(_), 1) => tracing::warn!("a person is needed: {why}"),
            (Self::Listing(..) | Self::Store(_) | Self::Refused(_), _) => {
                tracing::debug!(failures, "the pass failed again: {why}");
            }
        }
    }
}

/// Refuses a plan that asks for more images than one pass may.
fn within_budget(plan: &Plan<'_>, most: Option<usize>) -> Result<(), String> {
    let creates = plan.totals().create;
    match most {
        Some(most) if creates > most => Err(format!(
            "this pass would ask for {creates} images, and --max-creates allows {most}; nothing is created. To allow them: --max-creates {creates}"
        )),
        Some(_) | None => Ok(()),
    }
}
