//! The operations of the service, one function each. Each request is sent once. Only listings are retried by the SDK.

use aws_config::retry::RetryConfig;
use aws_sdk_workspaces::Client;
use aws_sdk_workspaces::operation::RequestId as _;
use aws_sdk_workspaces::operation::create_updated_workspace_image::CreateUpdatedWorkspaceImageError;
use aws_sdk_workspaces::types::{self, Tag};

use super::{failure, listed};
use crate::cloud::{ApiError, CreateImage, Delivery, Failure, Operation, Page, Receipt, cut};

/// The maximum number of images in a page (service model).
const PAGE_SIZE: i32 = 25;

/// Which images to list.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wanted<'a> {
    Owned,
    /// The images of other accounts with these ids.
    Shared(&'a [String]),
}

/// Reads one page of a listing.
pub(super) async fn page(
    client: &Client,
    wanted: Wanted<'_>,
    token: Option<String>,
) -> Result<Page, ApiError> {
    let request = client.describe_workspace_images().set_next_token(token);
    let request = match wanted {
        Wanted::Owned => request
            .image_type(types::ImageType::Owned)
            .max_results(PAGE_SIZE),
        Wanted::Shared(ids) => request
            .image_type(types::ImageType::Shared)
            .set_image_ids(Some(ids.to_vec())),
    };
    let answer = request.send().await.map_err(|error| {
        let failure = failure::failure(&error, None);
        ApiError::new(Operation::DescribeWorkspaceImages, failure)
    })?;
    Ok(Page {
        images: answer
            .images
            .unwrap_or_default()
            .into_iter()
            .map(listed::observed)
            .collect(),
        next_token: answer.next_token,
    })
}

pub(super) async fn create(client: &Client, request: &CreateImage) -> Result<Receipt, ApiError> {
    let tags: Vec<Tag> = request
        .tags
        .iter()
        .filter_map(|(key, value)| {
            Tag::builder()
                .key(key.as_str())
                .value(value.as_str())
                .build()
                .ok()
        })
        .collect();
    let answer = client
        .create_updated_workspace_image()
        .name(request.name.as_str())
        .description(request.description.as_str())
        .source_image_id(&request.source_id)
        .set_tags((!tags.is_empty()).then_some(tags))
        .customize()
        // After a 5xx the SDK would send the create again, and the caller would only see "already exists".
        .config_override(
            aws_sdk_workspaces::Config::builder().retry_config(RetryConfig::disabled()),
        )
        .send()
        .await;
    match answer {
        Ok(answer) => {
            let request_id = answer.request_id().map(|id| cut(id.to_owned()));
            answer
                .image_id
                .filter(|id| !id.is_empty())
                .map(|image_id| Receipt {
                    image_id,
                    request_id,
                })
                .ok_or_else(|| {
                    let failure = Failure {
                        delivery: Delivery::Unanswered,
                        code: None,
                        message: "the service returned no image id".into(),
                        service_reason: None,
                        request_id: None,
                    };
                    ApiError::new(Operation::CreateUpdatedWorkspaceImage, failure)
                })
        }
        Err(error) => {
            let reason = match error.as_service_error() {
                Some(CreateUpdatedWorkspaceImageError::OperationNotSupportedException(error)) => {
                    error.reason.as_deref()
                }
                _ => None,
            };
            let failure = failure::failure(&error, reason);
            Err(ApiError::new(
                Operation::CreateUpdatedWorkspaceImage,
                failure,
            ))
        }
    }
}
