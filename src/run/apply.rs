//! Carries out a plan: for each step mark, call, record; one attempt each. It makes no choices.
//!
//! The mark is on disk before the call, so that a process that dies in between finds after its restart that a create
//! may have had effect.

use crate::cloud::{ApiError, CreateRequest, Delivery, Failure, ImageApi, Operation};
use crate::model::image::DesiredImage;
use crate::plan::{Answer, Attempt, Plan};
use crate::state::file::{Store, StoreError};
use crate::state::status::Status;
use crate::sys::clock::Clock;
use crate::sys::escape::escaped;
use crate::sys::stop::Stop;

/// Carries out the plan's steps in order, until the word to stop; tells how each attempt ended.
pub async fn apply<'a, A: ImageApi>(
    plan: &Plan<'a>,
    api: &A,
    status: &mut Status,
    store: &mut Store,
    clock: Clock,
    stop: &Stop,
) -> Result<Vec<Attempt<'a>>, StoreError> {
    let mut attempts = Vec::new();
    for image in &plan.images {
        let Answer::Create { source_id } = &image.answer else {
            continue;
        };
        let desired = image.desired;
        if stop.said().is_some() || stop.unless(api.ready()).await.is_err() {
            break;
        }
        status.mark(&desired.image_name, source_id, clock.now_in_seconds());
        store.save(status)?;

        let request = CreateRequest {
            name: desired.image_name.clone(),
            description: desired.description.clone(),
            source_id: source_id.clone(),
            tags: desired.tags.clone(),
        };
        let answer = stop
            .unless_overdue(api.create_updated_image(&request))
            .await;
        let result = answer.unwrap_or_else(|_| Err(unanswered_at_the_end()));
        report(desired, source_id, &result);

        status.record(&desired.image_name, &result, clock.now_in_seconds());
        store.save(status)?;
        attempts.push(Attempt { desired, result });
    }
    Ok(attempts)
}

fn unanswered_at_the_end() -> ApiError {
    let failure = Failure {
        delivery: Delivery::Unanswered,
        code: None,
        message: "repave was told to stop before the answer came".into(),
        service_reason: None,
        request_id: None,
    };
    ApiError::new(Operation::CreateUpdatedWorkspaceImage, failure)
}

fn report(desired: &DesiredImage, source: &str, result: &Result<String, ApiError>) {
    let image = desired.image_name.as_str();
    let name = desired.name.as_str();
    let source = escaped(source, 80);
    match result {
        Ok(id) => {
            let id = escaped(id, 80);
            tracing::info!(name, image, source, id, "create accepted");
        }
        Err(error) => {
            let (reason, why) = (error.reason, escaped(&error.message, 500));
            // What becomes of it is told with the pass's other changes.
            tracing::debug!(name, image, source, %reason, "create failed: {why}");
        }
    }
}
