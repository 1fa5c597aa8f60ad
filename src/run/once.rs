//! The one-shot run: runs passes until nothing is left to create. Each pass runs when something may have changed.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::cloud::retry;
use crate::cloud::{ApiError, Cloud, FailureKind};
use crate::model::image::Desired;
use crate::model::reason::Reason;
use crate::plan::Attempt;
use crate::plan::Plan;
use crate::run::reconcile::{PassError, Reconciler};
use crate::show::live::Progress;
use crate::state::status::{ManifestsStatus, Status};
use crate::state::store::{Store, StoreError};
use crate::sys::escape::escaped;
use crate::sys::stop::StopReason;

/// How a one-shot run ended.
#[derive(Debug)]
pub struct Ended<'a> {
    pub end: End,
    /// The last plan, if the account was listed at least once.
    pub left: Option<Plan<'a>>,
    /// Every attempt of the run.
    pub attempts: Vec<Attempt<'a>>,
}

/// Why a one-shot run ended.
#[derive(Debug)]
pub enum End {
    /// Nothing is left that repave can do by itself.
    Finished,
    /// The run was stopped, with the last listing error if it waited to list the account again.
    Stopped(StopReason, Option<ApiError>),
    /// A plan was refused, for this reason.
    Refused(String),
    /// The account cannot be listed, and a retry would not help.
    ListingFailed(ApiError),
}

/// Runs passes until nothing is left to create, and with `wait` until builds have ended too.
///
/// `progress` shows what the run waits for. `review` is called with each new plan and the attempts made so far, and may refuse
/// the plan.
pub async fn run<'a, C: Cloud, S: Store>(
    reconciler: &mut Reconciler<C, S>,
    desired: &'a Desired,
    manifests: &ManifestsStatus,
    wait: bool,
    progress: &mut Progress,
    mut review: impl FnMut(&Plan<'a>, &Status, &[Attempt<'a>]) -> Result<(), String>,
) -> Result<Ended<'a>, StoreError> {
    let mut left: Option<Plan<'a>> = None;
    let mut attempts = Vec::new();
    let mut polls = 0;
    let mut failures = 0;
    // The last plan passed to `review`. It is not `left`: a retry in `left` may be due since then.
    let mut reviewed: Option<Plan<'a>> = None;
    let mut listing_error: Option<ApiError> = None;
    let end = loop {
        let before = left.as_ref();
        let mut refused: Option<Plan<'a>> = None;
        let pass = reconciler
            .pass(desired, manifests, |plan, status| {
                if reviewed.as_ref().is_some_and(|seen| seen.is_same_as(plan)) {
                    return Ok(());
                }
                reviewed = Some(plan.clone());
                review(plan, status, &attempts).inspect_err(|_| refused = Some(plan.clone()))
            })
            .await;
        let delay = match pass {
            Ok(pass) => {
                failures = 0;
                let unchanged = before.is_some_and(|before| before.is_same_as(&pass.left));
                polls = if unchanged { polls + 1 } else { 1 };
                attempts.extend(pass.attempts);
                let now = reconciler.clock().now();
                let delay = next_pass(&pass.left, wait, polls, now);
                progress.update(&pass.left, wait, now);
                left = Some(pass.left);
                listing_error = None;
                match (delay, reconciler.stop().reason()) {
                    // A signal is reported even if nothing is left to do.
                    (_, Some(reason @ StopReason::Signal)) | (Some(_), Some(reason)) => {
                        break End::Stopped(reason, None);
                    }
                    (None, Some(StopReason::Timeout) | None) => break End::Finished,
                    (Some(delay), None) => delay,
                }
            }
            Err(PassError::Observe(error)) => {
                failures += 1;
                match error.kind {
                    FailureKind::Transient => {
                        let delay = retry::delay(error.kind, failures).unwrap_or(retry::LONGEST);
                        let why = escaped(&error.message, 500);
                        tracing::warn!(reason = %error.reason, "listing failed; repave will retry in {delay:?}: {why}");
                        listing_error = Some(error);
                        delay
                    }
                    FailureKind::SourceBusy
                    | FailureKind::OutcomeUnknown
                    | FailureKind::Blocked
                    | FailureKind::Rejected => break End::ListingFailed(error),
                }
            }
            Err(PassError::Refused(why)) => {
                left = refused;
                break End::Refused(why);
            }
            Err(PassError::Stopped(reason)) => break End::Stopped(reason, listing_error),
            Err(PassError::Store(error)) => return Err(error),
        };
        let waiting = progress.wait(reconciler.clock(), delay);
        if let Err(reason) = reconciler.stop().unless(waiting).await {
            break End::Stopped(reason, listing_error);
        }
    };
    Ok(Ended {
        end,
        left,
        attempts,
    })
}

/// Returns how long to wait before the next pass, or `None` if the run has nothing to wait for.
fn next_pass(left: &Plan<'_>, wait: bool, polls: u32, now: Timestamp) -> Option<Duration> {
    let poll = retry::poll_delay(polls);
    left.images
        .iter()
        .filter_map(|image| {
            // A step is left if the run was stopped, or if the step became due during the pass.
            if image.step().is_some() {
                return Some(Duration::ZERO);
            }
            let waiting = image.answer.temporary_wait(wait)?;
            Some(match (waiting.reason, waiting.until) {
                (Reason::RetryScheduled, Some(until)) => time_until(until, now),
                (_, Some(until)) => poll.min(time_until(until, now)),
                (_, None) => poll,
            })
        })
        .min()
}

fn time_until(then: Timestamp, now: Timestamp) -> Duration {
    let left: SignedDuration = then.duration_since(now);
    Duration::try_from(left).unwrap_or(Duration::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::samples::{
        blocked, building, create, desired, overdue, plan, ready, retry_at, wait,
    };
    use crate::plan::{Answer, Awaits, Blocked, Wait};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn the_next_pass_waits_for_the_first_of_all_images() {
        let source = || Answer::Wait(wait(Reason::SourceImageNotAvailable, Awaits::Time));
        let settles = |seconds| {
            Answer::Wait(Wait {
                until: Some(at(seconds)),
                ..wait(Reason::AwaitingListing, Awaits::Time)
            })
        };
        let idle = || Answer::Wait(wait(Reason::NoUpdateAvailable, Awaits::Change));
        let quota = || match blocked(Reason::QuotaExceeded) {
            Answer::Blocked(blocked) => Answer::Blocked(Blocked {
                until: Some(at(3)),
                ..blocked
            }),
            other => other,
        };
        // Seconds without and with --wait, after three passes without a change.
        for (one, other, without, with) in [
            (ready(), ready(), None, None),
            (ready(), idle(), None, None),
            (ready(), blocked(Reason::BuildFailed), None, None),
            (quota(), quota(), None, None),
            (ready(), building(), None, Some(20)),
            (ready(), overdue(), None, None),
            (overdue(), building(), None, Some(20)),
            (overdue(), source(), Some(20), Some(20)),
            (quota(), source(), Some(20), Some(20)),
            (building(), source(), Some(20), Some(20)),
            (building(), retry_at(at(5)), Some(5), Some(5)),
            (building(), retry_at(at(30)), Some(30), Some(20)),
            (retry_at(at(5)), retry_at(at(3600)), Some(5), Some(5)),
            (retry_at(at(300)), retry_at(at(200)), Some(200), Some(200)),
            (retry_at(at(-5)), source(), Some(0), Some(0)),
            (settles(19), ready(), Some(19), Some(19)),
            (settles(21), ready(), Some(20), Some(20)),
            (create("wsi-1"), retry_at(at(5)), Some(0), Some(0)),
            (create("wsi-1"), building(), Some(0), Some(0)),
        ] {
            for answers in [[one.clone(), other.clone()], [other, one]] {
                let desired = desired(&["a", "b"]);
                let left = plan(&desired, answers.clone());
                let seconds = |wait| next_pass(&left, wait, 3, at(0)).map(|delay| delay.as_secs());
                assert_eq!(
                    (seconds(false), seconds(true)),
                    (without, with),
                    "{answers:?}"
                );
            }
        }
    }
}
