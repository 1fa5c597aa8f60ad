//! `repave reconcile`: wires the daemon, and returns the outcome.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::connect::{Connected, connect};
use super::failure::store_failed;
use super::revision;
use super::screen::Screen;
use super::this_run::this_run;
use crate::cli;
use crate::cloud::FailureKind;
use crate::cloud::retry;
use crate::manifest::Options;
use crate::model::image::Desired;
use crate::model::outcome::{ExitCode, Outcome};
use crate::model::target::Target;
use crate::probe::health::{self, Health};
use crate::probe::measured::{Measured, measured_gate};
use crate::run::checkout::Checkout;
use crate::run::daemon::{Daemon, Settings, Watch};
use crate::run::reconcile::Reconciler;
use crate::show::DocumentKind;
use crate::state::file::{self, FileStore};
use crate::state::store::{Store as _, StoreError};
use crate::sys::clock::Clock;
use crate::sys::escape::{escaped, with_causes};
use crate::sys::lock::{self, LockError};
#[cfg(target_os = "linux")]
use crate::sys::mounts;
use crate::sys::stop::Stop;

/// The body of the daemon's document.
#[derive(Serialize)]
struct Ended {
    passes: u64,
}

/// Waits while the status file cannot be used: a full disk, or a volume that is not mounted yet, must not end the daemon.
struct Patience<'a> {
    stop: &'a Stop,
    failures: u32,
}

impl Patience<'_> {
    /// Waits after an error that time or the user can fix. Returns false at a stop signal, and any other error.
    async fn after(&mut self, error: StoreError) -> Result<bool, StoreError> {
        match error {
            StoreError::File(_) | StoreError::Lock(LockError::File(_)) => {}
            error @ (StoreError::Lock(_)
            | StoreError::SimulatedMismatch { .. }
            | StoreError::Document { .. }
            | StoreError::Print(_)) => return Err(error),
        }
        self.failures += 1;
        if self.failures == 1 {
            let why = escaped(&with_causes(&error), 800);
            tracing::warn!("cannot use the status file, so repave makes no changes: {why}");
        }
        let delay = retry::delay(FailureKind::Transient, self.failures).unwrap_or(retry::LONGEST);
        Ok(self.stop.unless(tokio::time::sleep(delay)).await.is_ok())
    }

    fn is_over(&mut self) {
        if std::mem::take(&mut self.failures) > 0 {
            tracing::info!("the status file can be used again");
        }
    }
}

/// Locks the status file. Returns none at a stop signal.
async fn open(path: &Path, holder: &str, stop: &Stop) -> Result<Option<FileStore>, StoreError> {
    let mut patience = Patience { stop, failures: 0 };
    loop {
        let opened = FileStore::lock(path, holder).and_then(|store| match file::read_any(path) {
            Err(StoreError::File(error)) if error.is_not_found() => Ok(store),
            Err(error) => Err(error),
            Ok(_) => Ok(store),
        });
        match opened {
            Ok(store) => {
                patience.is_over();
                return Ok(Some(store));
            }
            Err(error) => {
                if !patience.after(error).await? {
                    return Ok(None);
                }
            }
        }
    }
}

/// Reads the status, and sets an unusable file aside. Returns false at a stop signal.
async fn can_load(store: &mut FileStore, target: &Target, stop: &Stop) -> Result<bool, StoreError> {
    let mut patience = Patience { stop, failures: 0 };
    loop {
        match store.load(target).await {
            Ok(loaded) => {
                if let Some(warning) = loaded.warning {
                    tracing::warn!("{warning}");
                }
                patience.is_over();
                return Ok(true);
            }
            Err(error) => {
                if !patience.after(error).await? {
                    return Ok(false);
                }
            }
        }
    }
}

/// Runs the daemon until a signal stops it.
pub(super) async fn run(
    arguments: &cli::Reconcile,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: Stop,
) -> Result<Outcome, Outcome> {
    let cli::Reconcile {
        manifests, service, ..
    } = arguments;
    let holder = lock::holder("reconcile", clock.now_in_seconds());
    let store = open(&service.status.path(), &holder, &stop)
        .await
        .map_err(|error| store_failed(&error))?;
    let Some(mut store) = store else {
        return Ok(ended(screen, 0));
    };
    let nothing = Desired::default();
    let connecting = stop.unless(Box::pin(connect(service, &nothing, true, clock)));
    let Ok(connected) = connecting.await else {
        return Ok(ended(screen, 0));
    };
    let connected = connected?;
    let target = connected.api.target(service.status.is_simulated());
    let (api, account, _server) = connected.into_parts();
    let interval = arguments.interval.unsigned_abs();
    let health = Arc::new(Health::new(interval));
    let _health_server = match arguments.health_addr {
        Some(address) => Some(
            health::serve(address, Arc::clone(&health))
                .await
                .inspect(|server| tracing::info!(address = %server.address(), "serving health"))
                .map_err(|error| Outcome::new(ExitCode::Failed, with_causes(&error)))?,
        ),
        None => None,
    };
    let cloud = (
        Measured::new(api.clone(), Arc::clone(&health)),
        measured_gate(api.gate(), Arc::clone(&health)),
    );
    let can_load = can_load(&mut store, &target, &stop).await;
    if !can_load.map_err(|error| store_failed(&error))? {
        return Ok(ended(screen, 0));
    }
    let about = (&target, this_run());
    let reconciler = Reconciler::new(cloud, store, about, service.settle_time, clock, stop)
        .await
        .map_err(|error| store_failed(&error))?;
    let options = Options {
        allow_empty: manifests.allow_empty,
    };
    let watch = match arguments.watch_poll {
        Some(_) => Watch::manual().0,
        None => Watch::system(&manifests.path),
    };
    let settings = Settings {
        interval,
        poll: poll(arguments),
        max_creates: arguments.max_creates,
        seed: fastrand::u64(..),
    };
    let prepare = move |desired: &Desired| Connected::prepare(account.as_ref(), desired, clock);
    let rule = revision::rule(arguments);
    let checkout = Checkout::new(&manifests.path, options).requiring(rule);
    let prepare = Box::new(prepare);
    let daemon = Daemon::new(reconciler, checkout, watch, settings, prepare, health);
    let passes = daemon.run().await;
    Ok(ended(screen, passes))
}

/// How often the manifests are checked on a file system that does not report every change.
const SHARED_POLL: Duration = Duration::from_secs(5);

/// Returns how often the manifests are checked besides the events of the operating system.
fn poll(arguments: &cli::Reconcile) -> Option<Duration> {
    if let Some(poll) = arguments.watch_poll {
        return Some(poll.unsigned_abs());
    }
    #[cfg(target_os = "linux")]
    if let Some(file_system) = mounts::without_events(&arguments.manifests.path) {
        let file_system = escaped(&file_system, 100);
        tracing::info!(
            file_system,
            "the file system does not report the changes of other machines, so repave checks the manifests every {SHARED_POLL:?}"
        );
        return Some(SHARED_POLL);
    }
    None
}

/// Shows that a signal ended it.
fn ended(screen: &mut Screen<'_>, passes: u64) -> Outcome {
    let words = match passes {
        0 => "stopped by a signal before the first pass".to_owned(),
        _ => format!("stopped by a signal; passes: {passes}; calls in flight are recorded"),
    };
    let outcome = Outcome::new(ExitCode::Done, words);
    screen.json(DocumentKind::Daemon, &outcome, &Ended { passes });
    outcome
}
