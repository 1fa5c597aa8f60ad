//! `repave reconcile`: wires the daemon, and says how it ended.

use std::path::Path;
use std::sync::Arc;

use super::connect::{Connected, connect};
use super::failure::store_failed;
use super::screen::{Empty, Screen};
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
use crate::state::file::{self, FileStore};
use crate::state::store::StoreError;
use crate::sys::clock::Clock;
use crate::sys::escape::{escaped, with_causes};
use crate::sys::lock::{self, LockError};
use crate::sys::stop::Stop;

/// Takes the status file, and waits for it while it can't be used: a full disk or a volume that is not mounted yet must
/// not end what is meant to stay. None at the word to stop.
async fn open(path: &Path, holder: &str, stop: &Stop) -> Result<Option<FileStore>, StoreError> {
    let mut failures = 0;
    loop {
        let opened = FileStore::lock(path, holder).and_then(|store| match file::read_any(path) {
            Err(StoreError::File(error)) if error.is_not_found() => Ok(store),
            Err(error) => Err(error),
            Ok(_) => Ok(store),
        });
        let error = match opened {
            Ok(store) => {
                if failures > 0 {
                    tracing::info!(failures, "the status file can be used");
                }
                return Ok(Some(store));
            }
            Err(error @ (StoreError::File(_) | StoreError::Lock(LockError::File(_)))) => error,
            Err(error) => return Err(error),
        };
        failures += 1;
        if failures == 1 {
            let why = escaped(&with_causes(&error), 800);
            tracing::warn!("cannot use the status file, so repave makes no changes: {why}");
        }
        let delay = retry::delay(FailureKind::Transient, failures).unwrap_or(retry::LONGEST);
        if stop.unless(tokio::time::sleep(delay)).await.is_err() {
            return Ok(None);
        }
    }
}

/// Runs the daemon until a signal ends it.
pub(super) async fn run(
    arguments: &cli::Daemon,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: Stop,
) -> Result<Outcome, Outcome> {
    let cli::Daemon {
        manifests,
        memory,
        service,
        ..
    } = arguments;
    let holder = lock::holder("reconcile", clock.now_in_seconds());
    let ended_early = || Outcome::new(ExitCode::Done, "ended by a signal before the first pass");
    let store = open(&memory.status_file, &holder, &stop)
        .await
        .map_err(|error| store_failed(&error))?
        .ok_or_else(ended_early)?;
    let nothing = Desired::default();
    let connected = stop
        .unless(Box::pin(connect(service, &nothing, true, clock)))
        .await
        .map_err(|_| ended_early())??;
    let target = Target {
        region: connected.api.region().to_owned(),
        account_id: None,
        simulated: service.simulated.is_some(),
    };
    let (api, account, _server) = connected.into_parts();
    let health = Arc::new(Health::new(arguments.interval));
    let _health_server = match arguments.health_addr {
        Some(address) => Some(
            health::serve(address, Arc::clone(&health))
                .await
                .inspect(|server| tracing::info!(address = %server.address(), "health is served"))
                .map_err(|error| Outcome::new(ExitCode::Failed, with_causes(&error)))?,
        ),
        None => None,
    };
    let cloud = (
        Measured::new(api.clone(), Arc::clone(&health)),
        measured_gate(api.gate(), Arc::clone(&health)),
    );
    let about = (&target, this_run());
    let reconciler = Reconciler::new(cloud, store, about, memory.settle, clock, stop)
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
        interval: arguments.interval,
        poll: arguments.watch_poll,
        max_creates: arguments.max_creates,
        seed: fastrand::u64(..),
    };
    let prepare = move |desired: &Desired| Connected::prepare(account.as_ref(), desired, clock);
    let checkout = Checkout::new(&manifests.path, options);
    let prepare = Box::new(prepare);
    let daemon = Daemon::new(reconciler, checkout, watch, settings, prepare, health);
    let passes = daemon.run().await;
    let words = format!("ended by a signal; passes: {passes}; what was in flight is recorded");
    let outcome = Outcome::new(ExitCode::Done, words);
    screen.json("Reconciliation", &outcome, &Empty {});
    Ok(outcome)
}
