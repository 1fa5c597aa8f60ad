//! `repave reconcile`: wires the daemon, and says how it ended.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;

use super::connect::Connected;
use super::{Empty, Screen, connect, store_failed};
use crate::checkout::Checkout;
use crate::cli::{self, Config};
use crate::clock::Clock;
use crate::daemon::{Daemon, Settings, Watch};
use crate::escape::with_causes;
use crate::health::{self, Health, Measured};
use crate::image::Desired;
use crate::manifest::Options;
use crate::outcome::{ExitCode, Outcome};
use crate::reconcile::Reconciler;
use crate::status::Target;
use crate::stop::Stop;
use crate::store::{self, Store};

/// The time between two passes, unless set otherwise.
const INTERVAL: Duration = Duration::from_mins(10);

fn given(duration: Option<SignedDuration>) -> Option<Duration> {
    Duration::try_from(duration?).ok()
}

/// Runs the daemon until a signal ends it.
pub(super) async fn run(
    config: &Config,
    arguments: &cli::Reconcile,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: Stop,
) -> Result<Outcome, Outcome> {
    let holder = store::holder("reconcile", clock.now_in_seconds());
    let store = Store::lock(&config.status_file, &holder).map_err(|error| store_failed(&error))?;
    let nothing = Desired::default();
    let connected = stop
        .unless(Box::pin(connect(config, &nothing, true, clock)))
        .await
        .map_err(|_| Outcome::new(ExitCode::Done, "ended by a signal before the first pass"))??;
    let target = Target {
        region: connected.api.region().to_owned(),
        account_id: None,
        simulated: config.simulated.is_some(),
    };
    let (api, account, _server) = connected.into_parts();
    let interval = given(arguments.interval).unwrap_or(INTERVAL);
    let health = Arc::new(Health::new(interval));
    let _health_server = match arguments.health_addr {
        Some(address) => Some(
            health::serve(address, Arc::clone(&health))
                .await
                .map_err(|error| Outcome::new(ExitCode::Failed, with_causes(&error)))?,
        ),
        None => None,
    };
    let api = Measured::new(api, Arc::clone(&health));
    let reconciler = Reconciler::new(api, store, &target, config.settle, clock, stop)
        .map_err(|error| store_failed(&error))?;
    let options = Options {
        allow_empty: config.allow_empty,
    };
    let poll = given(arguments.watch_poll);
    let watch = match poll {
        Some(_) => Watch::given().0,
        None => Watch::system(&config.manifests),
    };
    let settings = Settings {
        interval,
        poll,
        max_creates: arguments.max_creates,
        seed: fastrand::u64(..),
    };
    let prepare = move |desired: &Desired| Connected::prepare(account.as_ref(), desired, clock);
    let checkout = Checkout::new(&config.manifests, options);
    let prepare = Box::new(prepare);
    let daemon = Daemon::new(reconciler, checkout, watch, settings, prepare, health);
    let passes = daemon.run().await;
    let words = format!("ended by a signal; passes: {passes}; what was in flight is recorded");
    let outcome = Outcome::new(ExitCode::Done, words);
    screen.json("Reconciliation", &outcome, &Empty {});
    Ok(outcome)
}
