//! What each command does: wires the parts and says how it ended. It decides nothing about images.

use std::io::Write;

use serde::Serialize;

use crate::cli::{self, Command, Config, Copies, Output};
use crate::cloud::{ApiError, ImageApi};
use crate::model::outcome::{ExitCode, Outcome};
use crate::model::reason::Reason;
use crate::model::target::Target;
use crate::plan::plan;
use crate::show::{self, PlanBody};
use crate::simulator::embedded::{self, Kept};
use crate::state::file::{self, StoreError};
use crate::sys::clock::{Clock, Now};
use crate::sys::escape::{escaped, with_causes};
use crate::sys::lock::{self, Lock, LockError};
use crate::sys::stop::Stop;

mod connect;
mod daemon;
mod documents;
mod expected;
mod explain;
mod reconcile;
mod screen;
mod status;
mod validate;

use connect::{connect, embedded_failed};
use screen::Screen;
use validate::{load, validate};

/// Runs the command: data goes to `out`, and the outcome says the rest.
pub async fn run(config: &Config, out: &mut dyn Write, clock: Clock, stop: Stop) -> Outcome {
    let copies = match &config.command {
        Command::Plan(arguments) => arguments.copies.clone(),
        Command::Reconcile(arguments) => arguments.copies.clone(),
        Command::Validate
        | Command::Status(_)
        | Command::Explain(_)
        | Command::Simulate(_)
        | Command::IamPolicy(_)
        | Command::Schema
        | Command::Completions(_)
        | Command::Man(_) => Copies::default(),
    };
    let mut screen = Screen::new(out, config.output, copies);
    if let Err(why) = screen.check() {
        let outcome = Outcome::new(ExitCode::Usage, why);
        screen.refuse(&outcome);
        return outcome;
    }
    let outcome = match &config.command {
        Command::Validate => Ok(validate(config, &mut screen)),
        Command::Plan(arguments) => show_plan(config, arguments, &mut screen, clock, &stop).await,
        Command::Reconcile(arguments) if arguments.once => {
            reconcile::once(config, arguments, &mut screen, clock, stop).await
        }
        Command::Reconcile(arguments) => {
            Box::pin(daemon::run(config, arguments, &mut screen, clock, stop)).await
        }
        Command::Status(arguments) => {
            status::show(config, arguments, &mut screen, clock, &stop).await
        }
        Command::Explain(arguments) => explain::explain(config, arguments, &mut screen, clock),
        Command::Simulate(arguments) => simulate(arguments, &mut screen, clock, &stop).await,
        Command::IamPolicy(arguments) => documents::iam_policy(config, arguments, &mut screen),
        Command::Schema => documents::schema(&mut screen),
        Command::Completions(arguments) => documents::completions(arguments, &mut screen),
        Command::Man(arguments) => documents::man(arguments, &mut screen),
    };
    let outcome = outcome.unwrap_or_else(|outcome| {
        screen.json("Error", &outcome, &Empty {});
        screen.markdown(|| show::outcome_markdown(&outcome));
        outcome
    });
    screen.end(outcome)
}

/// Shows an error from before any command began, where JSON is wanted.
pub fn show_error(out: &mut dyn Write, output: Output, outcome: &Outcome) {
    Screen::new(out, output, Copies::default()).refuse(outcome);
}

#[derive(Serialize)]
struct Empty {}

async fn show_plan(
    config: &Config,
    arguments: &cli::Plan,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: &Stop,
) -> Result<Outcome, Outcome> {
    let loaded = match load(config, screen) {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let work = async {
        let connected = Box::pin(connect(config, &loaded.desired, false, clock)).await?;
        let before = clock.now();
        let observed = connected
            .api
            .list_images()
            .await
            .map_err(|error| unlisted(&error))?;
        Ok::<_, Outcome>((connected.api.region().to_owned(), observed, before))
    };
    let (region, observed, before) = stop
        .unless(Box::pin(work))
        .await
        .map_err(|_| cancelled("nothing was changed"))??;
    let target = Target {
        region,
        account_id: observed.owner().map(str::to_owned),
        simulated: config.simulated.is_some(),
    };
    let file::Read {
        mut status,
        unusable,
    } = file::read(&config.status_file, &target).map_err(|error| store_failed(&error))?;
    if let Some(why) = unusable {
        let said = format!("{} is not used: {why}", config.status_file.display());
        tracing::warn!("{}", escaped(&said, 800));
    }
    // After the status was read: another process may have marked a create since the listing.
    let now = Now::new(before, clock.now());
    status.observe(&loaded.desired, &observed, now);
    let plan = plan(&loaded.desired, &observed, &status, config.settle, now);
    let totals = plan.totals();
    let code = if arguments.detailed_exitcode && totals.create > 0 {
        ExitCode::ChangesPending
    } else {
        ExitCode::Done
    };
    let outcome = Outcome::new(code, format!("planned: {}", show::totals_text(totals)));
    let checksum = plan.checksum(&target.region, target.simulated);
    screen.text(&show::plan_text(&plan, now.after()));
    screen.text(&format!("Checksum: {checksum}\n"));
    let body = PlanBody::new(&target, &plan)
        .with_warnings(&loaded.warnings)
        .with_checksum(&checksum);
    screen.json("Plan", &outcome, &body);
    screen.markdown(|| {
        show::plan_markdown("repave plan", &outcome, &plan, Some(&checksum), now.after())
    });
    Ok(outcome)
}

fn cancelled(then: &str) -> Outcome {
    Outcome::new(
        ExitCode::Cancelled,
        format!("cancelled by a signal; {then}"),
    )
}

fn unlisted(error: &ApiError) -> Outcome {
    let code = match error.reason {
        Reason::AccessDenied | Reason::WrongAccount => ExitCode::AccessDenied,
        _ => ExitCode::Failed,
    };
    Outcome::new(code, format!("the account could not be listed: {error}"))
}

fn store_failed(error: &StoreError) -> Outcome {
    let code = match error {
        StoreError::Lock(error) => return lock_failed(error),
        StoreError::OtherWorld { .. } => ExitCode::Usage,
        StoreError::File(_) | StoreError::Print(_) => ExitCode::Failed,
    };
    Outcome::new(code, with_causes(error))
}

fn lock_failed(error: &LockError) -> Outcome {
    let code = match error {
        LockError::Held { .. } => ExitCode::Locked,
        LockError::NoFile { .. } => ExitCode::Usage,
        LockError::File(_) => ExitCode::Failed,
    };
    Outcome::new(code, with_causes(error))
}

/// Where the simulator listens, for `-o json`; printed when it does, not at its end.
#[derive(Serialize)]
struct Listening {
    url: String,
}

async fn simulate(
    arguments: &cli::Simulate,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: &Stop,
) -> Result<Outcome, Outcome> {
    if !arguments.listen.ip().is_loopback() && !arguments.public {
        return Err(Outcome::new(
            ExitCode::Usage,
            format!(
                "{} can be reached from other machines, and the simulator checks no credentials; add --public to allow that",
                arguments.listen
            ),
        ));
    }
    let file = arguments.account_file.as_deref();
    // Two servers must not keep one account.
    let _lock = match file {
        Some(file) => {
            let holder = lock::holder("simulate", clock.now_in_seconds());
            Some(Lock::beside(file, &holder).map_err(|error| lock_failed(&error))?)
        }
        None => None,
    };
    let (kept, _) = Kept::find(file, arguments.seed.as_deref(), None)
        .map_err(|error| embedded_failed(&error))?;
    let (server, _) = embedded::serve(kept, file, arguments.listen, clock)
        .await
        .map_err(|error| embedded_failed(&error))?;
    let url = format!("http://{}", server.address());
    let listening = Outcome::new(ExitCode::Done, format!("listening on {url}"));
    screen.text(&format!("{listening}\n"));
    screen.json("Simulator", &listening, &Listening { url });
    stop.wait().await;
    drop(server);
    Ok(Outcome::new(ExitCode::Done, "simulator ended"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Delivery, Failure, Operation};
    use crate::sys::files::FileError;

    #[test]
    fn a_listing_that_failed_is_a_case_of_access_or_any_other_error() {
        let code = |code: &str| {
            let failure = Failure {
                delivery: Delivery::Answered(400),
                code: Some(code.into()),
                message: "no".into(),
                service_reason: None,
                request_id: None,
            };
            unlisted(&ApiError::new(Operation::DescribeWorkspaceImages, failure)).code
        };
        assert_eq!(code("AccessDeniedException"), ExitCode::AccessDenied);
        assert_eq!(code("ExpiredTokenException"), ExitCode::AccessDenied);
        assert_eq!(code("ThrottlingException"), ExitCode::Failed);
        assert_eq!(code("ResourceLimitExceededException"), ExitCode::Failed);
    }

    #[test]
    fn each_trouble_with_a_file_has_its_exit_code() {
        let path = || "status.json".to_owned();
        for (error, code) in [
            (
                StoreError::Lock(LockError::Held {
                    path: path(),
                    holder: String::new(),
                }),
                ExitCode::Locked,
            ),
            (
                StoreError::Lock(LockError::NoFile { path: path() }),
                ExitCode::Usage,
            ),
            (
                StoreError::OtherWorld {
                    path: path(),
                    found: "a",
                    wanted: "b",
                },
                ExitCode::Usage,
            ),
            (
                StoreError::File(FileError {
                    action: "read",
                    path: path(),
                    source: std::io::ErrorKind::PermissionDenied.into(),
                }),
                ExitCode::Failed,
            ),
        ] {
            assert_eq!(store_failed(&error).code, code, "{error}");
        }
    }
}
