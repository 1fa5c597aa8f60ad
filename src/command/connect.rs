//! Connects to AWS, or to the embedded API in its place.

use super::failure::{embedded_failed, not_connected};
use crate::cli::{Service, Simulation};
use crate::cloud::aws::AwsCloud;
use crate::model::image::Desired;
use crate::model::outcome::Outcome;
use crate::simulator::embedded::{self, SavedAccount};
use crate::simulator::{self, SharedAccount};
use crate::sys::clock::Clock;
use crate::sys::environment::Environment;
use crate::sys::escape::escaped;
use crate::sys::http::Server;

/// The client, and the embedded server if it is the service.
pub(super) struct Connected {
    pub(super) api: AwsCloud,
    /// The account of the embedded server, if it gets the sources that the manifests name.
    account: Option<SharedAccount>,
    server: Option<Server>,
}

impl Connected {
    /// Gives a simulated account the sources that these manifests name.
    pub(super) fn prepare(account: Option<&SharedAccount>, desired: &Desired, clock: Clock) {
        if let Some(account) = account {
            embedded::add_sources(&mut simulator::lock(account), desired, clock);
        }
    }

    /// Returns the client, the account to prepare, and the server, which must live as long as the client.
    pub(super) fn into_parts(self) -> (AwsCloud, Option<SharedAccount>, Option<Server>) {
        (self.api, self.account, self.server)
    }
}

/// Connects to AWS, or to the embedded API. Only a run that `keeps` changes the file of a simulated account.
pub(super) async fn connect(
    service: &Service,
    desired: &Desired,
    keeps: bool,
    clock: Clock,
) -> Result<Connected, Outcome> {
    let connection = service.connection();
    let seed = match &service.status.simulate {
        Simulation::Off => {
            let api = AwsCloud::connect(&connection, Environment::of_process())
                .await
                .map_err(|error| not_connected(&error))?;
            return Ok(Connected {
                api,
                account: None,
                server: None,
            });
        }
        Simulation::Derived => None,
        Simulation::Seeded(seed) => Some(seed.as_path()),
    };
    let account_file = service.status.account_file();
    let region = connection.region.as_deref();
    let (saved, new) = SavedAccount::find(Some(&account_file), seed, region)
        .map_err(|error| embedded_failed(&error))?;
    let file = escaped(&account_file.display().to_string(), 512);
    if new && seed.is_none() {
        tracing::info!(
            file,
            "new simulated account; it has the source images that the manifests name"
        );
    } else if new {
        tracing::info!(file, "new simulated account");
    } else {
        tracing::info!(
            file,
            "simulated account of an earlier run; to start with a new account, remove this file and the status file"
        );
    }
    let region = region.unwrap_or(saved.contents.region()).to_owned();
    let file = keeps.then_some(account_file.as_path());
    let (server, account) = embedded::serve(saved, file, embedded::ANY_PORT, clock)
        .await
        .map_err(|error| embedded_failed(&error))?;
    let url = format!("http://{}", server.address());
    let expected = connection.expected_account.as_deref();
    let api = AwsCloud::embedded_in(&url, &region, connection.api_rate, expected);
    let account = account.filter(|_| seed.is_none());
    Connected::prepare(account.as_ref(), desired, clock);
    Ok(Connected {
        api,
        account,
        server: Some(server),
    })
}
