//! `repave simulate`: serves the embedded API until a signal stops it.

use serde::Serialize;

use super::failure::{embedded_failed, lock_failed};
use super::screen::Screen;
use crate::cli;
use crate::model::outcome::{ExitCode, Outcome};
use crate::show::DocumentKind;
use crate::simulator::embedded::{self, SavedAccount};
use crate::sys::clock::Clock;
use crate::sys::escape::escaped;
use crate::sys::lock::{self, Lock};
use crate::sys::stop::Stop;

/// The address, for `-o json`; printed at the start.
#[derive(Serialize)]
struct Listening {
    url: String,
}

pub(super) async fn run(
    arguments: &cli::Simulate,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: &Stop,
) -> Result<Outcome, Outcome> {
    if !arguments.listen.ip().is_loopback() && !arguments.public {
        return Err(Outcome::new(
            ExitCode::Usage,
            format!(
                "other machines can reach {}, and the simulator checks no credentials; add --public to allow this",
                arguments.listen
            ),
        ));
    }
    let file = arguments.account_file.as_deref();
    // Two servers must not use the same file.
    let _lock = match file {
        Some(file) => {
            let holder = lock::holder("simulate", clock.now_in_seconds());
            Some(Lock::beside(file, &holder).map_err(|error| lock_failed(&error))?)
        }
        None => None,
    };
    let (saved, _) = SavedAccount::find(file, arguments.seed.as_deref(), None)
        .map_err(|error| embedded_failed(&error))?;
    let region = saved.contents.region().to_owned();
    let (server, _) = embedded::serve(saved, file, arguments.listen, clock)
        .await
        .map_err(|error| embedded_failed(&error))?;
    let url = format!("http://{}", server.address());
    let listening = Outcome::new(ExitCode::Done, format!("listening on {url}"));
    screen.text(&format!("{listening}\n{}", exports(&url, &region)));
    screen.json(DocumentKind::Simulator, &listening, &Listening { url });
    stop.wait().await;
    drop(server);
    Ok(Outcome::new(ExitCode::Done, "simulator stopped"))
}

/// Returns the commands that lead repave, the AWS CLI and the SDKs of a shell to the simulator.
fn exports(url: &str, region: &str) -> String {
    let region = escaped(region, 64);
    [
        ("AWS_ACCESS_KEY_ID", "simulated"),
        ("AWS_SECRET_ACCESS_KEY", "simulated"),
        ("AWS_DEFAULT_REGION", &region),
        ("AWS_ENDPOINT_URL", url),
    ]
    .map(|(name, value)| format!("export {name}={value}\n"))
    .concat()
}
