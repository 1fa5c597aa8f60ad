//! `repave reconcile --once`: wires one run, and returns the outcome.

use jiff::SignedDuration;
use tokio::time::Instant;

use super::connect::connect;
use super::expected::approved;
use super::failure::{cancelled, store_failed, unlisted};
use super::revision;
use super::screen::Screen;
use super::this_run::this_run;
use crate::cli::{Reconcile, StatusFile};
use crate::model::group::Group;
use crate::model::image::Desired;
use crate::model::outcome::{ExitCode, Outcome};
use crate::model::reason::Reason;
use crate::model::value::ManifestName;
use crate::plan::{Plan, Totals, guards};
use crate::run::once::{self, End, Ended};
use crate::run::reconcile::Reconciler;
use crate::show::live::Progress;
use crate::show::{self, PlanBody, PlanText};
use crate::state::file::FileStore;
use crate::sys::clock::Clock;
use crate::sys::lock;
use crate::sys::stop::{Stop, StopReason};
use crate::sys::terminal::Size;
use crate::sys::words::{counted, first};

pub(super) async fn run(
    arguments: &Reconcile,
    screen: &mut Screen<'_>,
    stderr_size: Option<fn() -> Size>,
    clock: Clock,
    stop: Stop,
) -> Result<Outcome, Outcome> {
    let Reconcile {
        manifests: folder,
        service,
        ..
    } = arguments;
    screen.copy_into(&arguments.copies)?;
    let timeout = arguments.timeout();
    let stop = stop.or_at(Instant::now() + timeout.unsigned_abs());
    let loaded = stop.unless(revision::load(folder, screen, true)).await;
    let loaded = loaded.map_err(|reason| not_reached(reason, timeout))?;
    let (loaded, found) = match loaded {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    if let Some(rule) = revision::rule(arguments)
        && let Some(why) = found.objection(&rule)
    {
        let why = format!("--require-clean refused the manifests: {why}");
        return Err(Outcome::new(ExitCode::Refused, why));
    }
    let holder = lock::holder("reconcile --once", clock.now_in_seconds());
    let store =
        FileStore::lock(&service.status.path(), &holder).map_err(|error| store_failed(&error))?;
    let connected = stop
        .unless(Box::pin(connect(service, &loaded.desired, true, clock)))
        .await
        .map_err(|reason| not_reached(reason, timeout))??;
    let target = connected.api.target(service.status.is_simulated());
    let mut expected = arguments
        .expect_plan
        .as_ref()
        .map(|given| approved(given, &target.region, target.simulated))
        .transpose()
        .map_err(|why| Outcome::new(ExitCode::Usage, why))?;
    let manifests = revision::status(&loaded, &found);
    let gate = connected.api.gate();
    let cloud = (connected.api, gate);
    let about = (&target, this_run());
    let mut reconciler = Reconciler::new(cloud, store, about, service.settle_time, clock, stop)
        .await
        .map_err(|error| store_failed(&error))?;
    let mut text = PlanText::new(screen.columns());
    let mut passes = 0;
    let mut progress = match stderr_size {
        Some(size) => Progress::on_stderr(size),
        None => Progress::in_log(),
    };
    let ended = once::run(
        &mut reconciler,
        &loaded.desired,
        &manifests,
        arguments.wait,
        &mut progress,
        |plan, status, attempts| {
            passes += 1;
            if passes == 1 {
                screen.text(&show::head(&status.target, &manifests));
            }
            let rows = show::plan_rows(plan, status);
            screen.text(&text.of(&rows, plan.listed, clock.now_in_seconds()));
            if let Some(expected) = &mut expected {
                expected.review(plan)?;
            }
            guards::check_budget("run", plan, attempts, arguments.max_creates)
        },
    )
    .await
    .map_err(|error| store_failed(&error))?;

    let outcome = outcome_of(&ended, &loaded.desired, timeout);
    let outcome = with_next_command(outcome, &ended, &service.status);
    let rows = match &ended.left {
        Some(left) => show::plan_rows(left, reconciler.status()),
        None => Vec::new(),
    };
    let now = clock.now_in_seconds();
    if !ended.attempts.is_empty() {
        let listed = ended.left.as_ref().map_or(0, |left| left.listed);
        let text = text.of(&rows, listed, now);
        if !text.is_empty() {
            screen.text(&format!("{}:\n{text}", attempts_in_words(&ended)));
        }
    }
    let body = PlanBody::new(&reconciler.status().target, &outcome, &rows)
        .with_manifests(&manifests)
        .with_warnings(&loaded.warnings)
        .with_attempts(&ended.attempts);
    screen.json(show::DocumentKind::Reconciliation, &outcome, &body);
    screen.markdown(|| match &ended.left {
        Some(_) => {
            let target = &reconciler.status().target;
            let about = (target, &manifests);
            show::plan_markdown("repave reconcile", about, &outcome, &rows, None, now)
        }
        None => show::outcome_markdown(&outcome),
    });
    drop(rows);
    reconciler.release().await;
    Ok(outcome)
}

/// Returns the outcome of a run that ended before its first call.
fn not_reached(reason: StopReason, timeout: SignedDuration) -> Outcome {
    match reason {
        StopReason::Signal => cancelled_run(),
        StopReason::Timeout => Outcome::new(
            ExitCode::TimedOut,
            format!("timed out after {timeout:#} before repave reached the service"),
        ),
    }
}

/// Adds the next command to the outcome of a run that created something.
fn with_next_command(mut outcome: Outcome, ended: &Ended<'_>, status: &StatusFile) -> Outcome {
    if outcome.code == ExitCode::Done && accepted(ended) > 0 {
        outcome.message += "; next: repave status";
        outcome.message += &status.flags();
    }
    outcome
}

/// Returns the outcome: the most important fact first.
fn outcome_of(ended: &Ended<'_>, desired: &Desired, timeout: SignedDuration) -> Outcome {
    match &ended.end {
        End::ListingFailed(error) => unlisted(error),
        End::Refused(why) => Outcome::new(ExitCode::Refused, why),
        End::Stopped(StopReason::Signal, _) => cancelled_run(),
        End::Finished => action_required(ended, "").unwrap_or_else(|| done(ended)),
        End::Stopped(StopReason::Timeout, error) => {
            let waits = still_waiting(ended, desired);
            action_required(ended, &waits).unwrap_or_else(|| {
                let unlisted = error
                    .as_ref()
                    .map(|error| format!("; cannot list the account: {error}"));
                let unlisted = unlisted.unwrap_or_default();
                Outcome::new(
                    ExitCode::TimedOut,
                    format!("timed out after {timeout:#} with work left: {waits}{unlisted}"),
                )
            })
        }
    }
}

/// The most images that the outcome names; the output contains all.
const MAX_NAMED: usize = 20;

fn named(names: Vec<String>) -> String {
    first(MAX_NAMED, names.into_iter()).join("; ")
}

/// Returns the outcome if action is required for any image; `waits` names the others that are left.
fn action_required(ended: &Ended<'_>, waits: &str) -> Option<Outcome> {
    let images = ended.left.iter().flat_map(|plan| &plan.images);
    let blocked: Vec<(&ManifestName, Reason)> = images
        .filter(|image| image.answer.group() == Group::Blocked)
        .map(|image| (&image.desired.subject.name, image.answer.reason()))
        .collect();
    if blocked.is_empty() {
        return None;
    }
    let denied = blocked
        .iter()
        .any(|(_, reason)| matches!(reason, Reason::AccessDenied | Reason::WrongAccount));
    let code = if denied {
        ExitCode::AccessDenied
    } else {
        ExitCode::Blocked
    };
    let what = counted(blocked.len(), "image");
    let names = blocked
        .iter()
        .map(|(name, reason)| format!("{name} ({reason})"));
    let names = named(names.collect());
    let waits = if waits.is_empty() {
        String::new()
    } else {
        format!("; timed out waiting for: {waits}")
    };
    Some(Outcome::new(
        code,
        format!("action required for {what}: {names}{waits}"),
    ))
}

/// Names each image that is left, and what it waits for.
fn still_waiting(ended: &Ended<'_>, desired: &Desired) -> String {
    let Some(left) = &ended.left else {
        return named(
            desired
                .iter()
                .map(|image| format!("{} (not checked yet)", image.subject.name))
                .collect(),
        );
    };
    let waits = left.images.iter().filter_map(|image| {
        let name = &image.desired.subject.name;
        if image.step().is_some() {
            return Some(format!("{name} (not started)"));
        }
        let wait = image.answer.temporary_wait(true)?;
        Some(format!("{name} ({}: {})", wait.reason, wait.message))
    });
    named(waits.collect())
}

fn done(ended: &Ended<'_>) -> Outcome {
    let Totals {
        building,
        waiting,
        ready,
        drifted,
        ..
    } = ended.left.as_ref().map(Plan::totals).unwrap_or_default();
    Outcome::new(
        ExitCode::Done,
        format!(
            "done: {} accepted in this run; {building} building, {waiting} waiting, {ready} ready{}",
            counted(accepted(ended), "create"),
            show::drifted_text(drifted)
        ),
    )
}

/// "3 creates accepted", "1 create accepted of 3 attempts".
fn attempts_in_words(ended: &Ended<'_>) -> String {
    let (accepted, all) = (accepted(ended), ended.attempts.len());
    let creates = counted(accepted, "create");
    if accepted == all {
        return format!("{creates} accepted");
    }
    format!("{creates} accepted of {}", counted(all, "attempt"))
}

fn accepted(ended: &Ended<'_>) -> usize {
    let attempts = ended.attempts.iter();
    attempts.filter(|attempt| attempt.result.is_ok()).count()
}

fn cancelled_run() -> Outcome {
    cancelled("calls in flight are recorded; run repave again to continue")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{ApiError, Operation};
    use crate::plan::samples::{
        blocked, building, create, desired, overdue, plan, ready, receipt, wait,
    };
    use crate::plan::{Answer, Attempt, Awaits};

    const TIMEOUT: SignedDuration = SignedDuration::from_mins(15);

    fn error(code: &str) -> ApiError {
        ApiError::answered(Operation::DescribeWorkspaceImages, Some(code))
    }

    fn code_of(end: End, answers: [Answer; 2]) -> ExitCode {
        let desired = desired(&["a", "b"]);
        let ended = Ended {
            end,
            left: Some(plan(&desired, answers)),
            attempts: Vec::new(),
        };
        outcome_of(&ended, &desired, TIMEOUT).code
    }

    #[test]
    fn one_image_decides_the_exit_code_whatever_the_other_is() {
        let denied = || blocked(Reason::AccessDenied);
        let quota = || blocked(Reason::QuotaExceeded);
        let waits = || Answer::Wait(wait(Reason::SourceImageNotAvailable, Awaits::Time));
        let timeout = || End::Stopped(StopReason::Timeout, None);
        for (one, other, still, timed_out) in [
            (
                denied(),
                denied(),
                ExitCode::AccessDenied,
                ExitCode::AccessDenied,
            ),
            (
                denied(),
                quota(),
                ExitCode::AccessDenied,
                ExitCode::AccessDenied,
            ),
            (
                denied(),
                ready(),
                ExitCode::AccessDenied,
                ExitCode::AccessDenied,
            ),
            (
                denied(),
                overdue(),
                ExitCode::AccessDenied,
                ExitCode::AccessDenied,
            ),
            (
                denied(),
                waits(),
                ExitCode::AccessDenied,
                ExitCode::AccessDenied,
            ),
            (quota(), quota(), ExitCode::Blocked, ExitCode::Blocked),
            (quota(), ready(), ExitCode::Blocked, ExitCode::Blocked),
            (quota(), waits(), ExitCode::Blocked, ExitCode::Blocked),
            (overdue(), ready(), ExitCode::Blocked, ExitCode::Blocked),
            (overdue(), building(), ExitCode::Blocked, ExitCode::Blocked),
            (building(), ready(), ExitCode::Done, ExitCode::TimedOut),
            (create("wsi-1"), ready(), ExitCode::Done, ExitCode::TimedOut),
        ] {
            for answers in [[one.clone(), other.clone()], [other, one]] {
                let codes = [
                    code_of(End::Finished, answers.clone()),
                    code_of(timeout(), answers.clone()),
                    code_of(End::Stopped(StopReason::Signal, None), answers.clone()),
                    code_of(End::Refused("no".into()), answers.clone()),
                    code_of(
                        End::ListingFailed(error("AccessDeniedException")),
                        answers.clone(),
                    ),
                    code_of(
                        End::ListingFailed(error("ValidationException")),
                        answers.clone(),
                    ),
                ];
                let expected = [
                    still,
                    timed_out,
                    ExitCode::Cancelled,
                    ExitCode::Refused,
                    ExitCode::AccessDenied,
                    ExitCode::Failed,
                ];
                assert_eq!(codes, expected, "{answers:?}");
            }
        }
    }

    #[test]
    fn a_run_that_timed_out_names_each_image_where_it_belongs() {
        let images = desired(&["a", "b", "c", "d", "e", "f"]);
        let waits = Answer::Wait(wait(Reason::SourceImageNotAvailable, Awaits::Time));
        let idle = Answer::Wait(wait(Reason::Suspended, Awaits::Change));
        let quota = blocked(Reason::QuotaExceeded);
        let answers = [quota, waits, idle, create("wsi-1"), ready(), overdue()];
        let ended = Ended {
            end: End::Stopped(StopReason::Timeout, None),
            left: Some(plan(&images, answers)),
            attempts: Vec::new(),
        };
        assert_eq!(
            still_waiting(&ended, &images),
            "b (SourceImageNotAvailable: a message); d (not started)"
        );
        let words = outcome_of(&ended, &images, TIMEOUT).message;
        let blocked = "a (QuotaExceeded); f (BuildOverdue); ";
        assert!(words.contains(blocked), "{words}");
        assert!(words.ends_with(&still_waiting(&ended, &images)), "{words}");
    }

    #[test]
    fn every_create_that_was_accepted_in_the_run_is_counted() {
        let images = desired(&["a", "b", "c"]);
        let results = [Ok(receipt("wsi-1")), Err(error("no")), Ok(receipt("wsi-2"))];
        let attempts = images.iter().zip(results);
        let ended = Ended {
            end: End::Finished,
            left: Some(plan(&images, [ready(), building(), building()])),
            attempts: attempts
                .map(|(desired, result)| Attempt {
                    desired,
                    step: create("wsi-1").step().cloned().unwrap(),
                    result,
                })
                .collect(),
        };
        assert_eq!(
            outcome_of(&ended, &images, TIMEOUT).message,
            "done: 2 creates accepted in this run; 2 building, 0 waiting, 1 ready"
        );
    }

    #[test]
    fn an_outcome_names_so_many_images_and_counts_the_rest() {
        let names = |count: usize| named((0..count).map(|n| n.to_string()).collect());
        assert_eq!(names(MAX_NAMED).split("; ").count(), MAX_NAMED);
        assert!(names(MAX_NAMED).ends_with("18; 19"));
        assert!(names(MAX_NAMED + 1).ends_with("; 19; and 1 more"));
        assert!(names(MAX_NAMED + 2).ends_with("; 19; and 2 more"));
    }
}
