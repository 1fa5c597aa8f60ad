//! `repave reconcile --once`: wires one run, and says how it ended in order of what a person should know first.

use tokio::time::Instant;

use super::{Screen, cancelled, connect, load, store_failed, unlisted};
use crate::cli::{self, Config};
use crate::clock::Clock;
use crate::once::{self, End, Ended};
use crate::outcome::{ExitCode, Outcome};
use crate::plan::{Answer, Plan, Totals};
use crate::reason::Reason;
use crate::reconcile::Reconciler;
use crate::report::{self, PlanBody, counted};
use crate::revision;
use crate::status::{ManifestsStatus, Target};
use crate::stop::{Stop, StopReason};
use crate::store::{self, Store};

/// Runs `reconcile --once`.
pub(super) async fn once(
    config: &Config,
    arguments: &cli::Reconcile,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: Stop,
) -> Result<Outcome, Outcome> {
    if !arguments.once {
        return Err(Outcome::new(
            ExitCode::Usage,
            "reconcile without --once would run for ever, which this version cannot do yet: add --once",
        ));
    }
    let timeout = std::time::Duration::try_from(arguments.timeout).unwrap_or_default();
    let stop = stop.or_at(Instant::now() + timeout);
    let loaded = match load(config, screen) {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let holder = store::holder("reconcile --once", clock.now_in_seconds());
    let store = Store::lock(&config.status_file, &holder).map_err(|error| store_failed(&error))?;
    let connected = stop
        .unless(Box::pin(connect(config, &loaded.desired, true, clock)))
        .await
        .map_err(|reason| stopped(reason, None, arguments))??;
    let target = Target {
        region: connected.api.region().to_owned(),
        account_id: None,
    };
    let manifests = ManifestsStatus {
        revision: revision::of(&config.manifests),
        digest: Some(loaded.digest),
        problems: Vec::new(),
    };
    let mut reconciler = Reconciler::new(connected.api, store, &target, config.settle, clock, stop)
        .map_err(|error| store_failed(&error))?;
    let ended = once::run(
        &mut reconciler,
        &loaded.desired,
        &manifests,
        arguments.wait,
        |plan| {
            screen.text(&report::plan_text(plan, clock.now_in_seconds()));
            within_budget(plan, arguments.max_creates)
        },
    )
    .await
    .map_err(|error| store_failed(&error))?;

    let outcome = outcome_of(&ended, arguments);
    if let (Some(left), false) = (&ended.left, ended.attempts.is_empty()) {
        screen.text(&format!(
            "After {}:\n",
            counted(ended.attempts.len(), "attempt")
        ));
        screen.text(&report::plan_text(left, clock.now_in_seconds()));
    }
    let none = Plan { images: Vec::new() };
    let body = PlanBody::new(
        &reconciler.status().target,
        ended.left.as_ref().unwrap_or(&none),
    )
    .with_attempts(&ended.attempts);
    screen.json("Reconciliation", &outcome, &body);
    Ok(outcome)
}

/// Refuses a plan with more creates than the run may make.
fn within_budget(plan: &Plan<'_>, most: Option<usize>) -> Result<(), String> {
    let creates = plan.totals().create;
    match most {
        Some(most) if creates > most => Err(format!(
            "{} planned, and --max-creates allows {most}; nothing was created. To allow them: --max-creates {creates}",
            counted(creates, "create")
        )),
        Some(_) | None => Ok(()),
    }
}

/// How the run ended.
fn outcome_of(ended: &Ended<'_>, arguments: &cli::Reconcile) -> Outcome {
    match &ended.end {
        End::Unlisted(error) => return unlisted(error),
        End::Refused(why) => return Outcome::new(ExitCode::Refused, why),
        End::Stopped(StopReason::Signal, _) => {
            return stopped(StopReason::Signal, ended.left.as_ref(), arguments);
        }
        End::Stopped(StopReason::Timeout, _) | End::Still => {}
    }
    let left = ended.left.as_ref();
    let stalled: Vec<(&str, Reason)> = left
        .into_iter()
        .flat_map(|plan| &plan.images)
        .filter_map(|image| match &image.answer {
            Answer::Wait(wait) => Some((image.desired.name.as_str(), wait.stalled?)),
            Answer::Create { .. } | Answer::Ready { .. } => None,
        })
        .collect();
    if !stalled.is_empty() {
        let denied = stalled
            .iter()
            .any(|(_, reason)| *reason == Reason::AccessDenied);
        let code = if denied {
            ExitCode::AccessDenied
        } else {
            ExitCode::Blocked
        };
        let names: Vec<String> = stalled
            .iter()
            .map(|(name, reason)| format!("{name} ({reason})"))
            .collect();
        let what = counted(stalled.len(), "image");
        return Outcome::new(
            code,
            format!("a person is needed for {what}: {}", names.join(", ")),
        );
    }
    match &ended.end {
        End::Stopped(reason, error) => match (left, error) {
            (None, Some(error)) => Outcome::new(
                ExitCode::TimedOut,
                format!(
                    "timed out after {} before the account could be listed: {error}",
                    arguments.timeout
                ),
            ),
            _ => stopped(*reason, left, arguments),
        },
        End::Still | End::Unlisted(_) | End::Refused(_) => {
            let totals = left.map(Plan::totals).unwrap_or_default();
            let created = ended
                .attempts
                .iter()
                .filter(|attempt| attempt.result.is_ok())
                .count();
            Outcome::new(
                ExitCode::Done,
                format!(
                    "done: {} accepted in this run; {}",
                    counted(created, "create"),
                    still_text(totals)
                ),
            )
        }
    }
}

fn still_text(totals: Totals) -> String {
    format!(
        "{} building, {} waiting, {} ready",
        totals.building, totals.waiting, totals.ready
    )
}

fn stopped(reason: StopReason, left: Option<&Plan<'_>>, arguments: &cli::Reconcile) -> Outcome {
    let waits: Vec<String> = left
        .into_iter()
        .flat_map(|plan| &plan.images)
        .filter_map(|image| match &image.answer {
            Answer::Create { .. } => Some(format!("{} (not started)", image.desired.name)),
            Answer::Ready { .. } => None,
            Answer::Wait(wait) => Some(format!(
                "{} ({}: {})",
                image.desired.name, wait.reason, wait.message
            )),
        })
        .collect();
    match reason {
        StopReason::Signal => cancelled("what was in flight is recorded; run it again to go on"),
        StopReason::Timeout if waits.is_empty() => Outcome::new(
            ExitCode::TimedOut,
            format!("timed out after {:#}", arguments.timeout),
        ),
        StopReason::Timeout => Outcome::new(
            ExitCode::TimedOut,
            format!(
                "timed out after {:#} with work left: {}",
                arguments.timeout,
                waits.join("; ")
            ),
        ),
    }
}
