//! Carries out a plan: for each step mark, call, record; one attempt per step. It makes no decisions.
//!
//! The mark is on disk before the call. If the process dies in between, the next process knows that the call may have had
//! an effect.

use crate::cloud::{ApiError, Cloud, Delivery, Failure, Gate, Receipt, Step};
use crate::model::subject::Subject;
use crate::plan::{Attempt, Plan};
use crate::state::status::Status;
use crate::state::store::{Store, StoreError};
use crate::sys::clock::Clock;
use crate::sys::escape::escaped;
use crate::sys::stop::Stop;

/// Takes the plan's steps in order until the stop signal; returns the result of each step.
pub(super) async fn apply<'a, C: Cloud, S: Store>(
    plan: &Plan<'a>,
    (cloud, gate): (&C, &Gate),
    status: &mut Status,
    store: &mut S,
    clock: Clock,
    signal: &Stop,
) -> Result<Vec<Attempt<'a>>, StoreError> {
    let mut attempts = Vec::new();
    for image in &plan.images {
        let Some(step) = image.step() else {
            continue;
        };
        if signal.reason().is_some() || signal.unless(gate.open()).await.is_err() {
            break;
        }
        status.mark(step, clock.now_in_seconds());
        store.save(status).await?;

        let answer = signal.unless_overdue(cloud.perform(step)).await;
        let result = answer.unwrap_or_else(|_| Err(unanswered_at_stop(step)));
        log(&image.desired.subject, step, &result);

        status.record(step, &result, clock.now_in_seconds());
        store.save(status).await?;
        attempts.push(Attempt {
            desired: image.desired,
            step: step.clone(),
            result,
        });
    }
    Ok(attempts)
}

fn unanswered_at_stop(step: &Step) -> ApiError {
    let failure = Failure {
        delivery: Delivery::Unanswered,
        code: None,
        message: "repave was stopped before AWS answered".into(),
        service_reason: None,
        request_id: None,
    };
    ApiError::new(step.operation(), failure)
}

fn log(subject: &Subject, step: &Step, result: &Result<Receipt, ApiError>) {
    let (name, image) = (subject.name.as_str(), step.to());
    let source = escaped(step.from(), 80);
    let verb = step.verb().as_str();
    match result {
        Ok(receipt) => {
            let id = escaped(&receipt.image_id, 80);
            tracing::debug!(name, image, source, id, "{verb} accepted");
        }
        Err(error) => {
            let (reason, why) = (error.reason, escaped(&error.message, 500));
            // The change log reports the image's new state at the end of the pass.
            tracing::debug!(name, image, source, %reason, "{verb} failed: {why}");
        }
    }
}
