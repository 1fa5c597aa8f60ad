//! [`Cloud`] on a simulated account without a socket, so that thousands of runs take no time.
//!
//! It returns what the SDK client would: the same listing, the same [`Failure`]s, classified by the same table.
//! It retries nothing and does not limit the rate. How long a client waits before it gives up is not known here either:
//! a slow answer comes late, and the caller may stop waiting.

use crate::cloud::{
    ApiError, Ask, Cloud, Delivery, Failure, Operation, Page, Receipt, Step, all_pages,
};
use crate::model::image::{ImageState, Observed, ObservedImage, OperatingSystem, Question};
use crate::sys::clock::{Clock, whole_seconds};

use super::shared::{SharedAccount, lock};
use super::stock::System;
use super::wire::{
    Answer, Call, CreateUpdatedImage, DescribeImages, ListedImage, Output, Reply, ServiceError, Tag,
};

/// A client of a simulated account.
#[derive(Debug, Clone)]
pub struct DirectApi {
    account: SharedAccount,
    clock: Clock,
}

impl DirectApi {
    /// Returns a client of this account on this clock.
    pub fn new(account: SharedAccount, clock: Clock) -> Self {
        Self { account, clock }
    }

    async fn call(&self, operation: Operation, call: Call) -> Result<(Output, String), ApiError> {
        let Reply {
            delay,
            request_id,
            answer,
        } = lock(&self.account).call(self.clock.now(), &call);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let failure = match answer {
            Answer::Ok(output) => return Ok((output, request_id)),
            Answer::Error(error) => refused(error, request_id),
            Answer::RawHttp { status, .. } if status >= 400 => Failure {
                message: format!("HTTP status {status}, and no error that can be read"),
                ..unanswered(Delivery::Answered(status))
            },
            Answer::RawHttp { .. } => Failure {
                message: "the answer cannot be read".into(),
                ..unanswered(Delivery::Unanswered)
            },
            Answer::DropConnection => Failure {
                message: "the connection was closed before an answer came".into(),
                ..unanswered(Delivery::Unanswered)
            },
        };
        Err(ApiError::new(operation, failure))
    }
}

impl Cloud for DirectApi {
    async fn observe(&self, ask: &Ask) -> Result<Observed, ApiError> {
        match ask {
            Ask::Images => self.list("OWNED", &[]).await,
            Ask::Questions(questions) => {
                let ids = questions
                    .iter()
                    .map(|Question::IsShared(id)| id.to_string());
                let ids: Vec<String> = ids.collect();
                Ok(self.list("SHARED", &ids).await?.into_answers(questions))
            }
        }
    }

    async fn perform(&self, step: &Step) -> Result<Receipt, ApiError> {
        let Step::CreateImage(create) = step;
        let operation = step.operation();
        let tags: Vec<_> = create
            .tags
            .iter()
            .map(|(key, value)| Tag {
                key: Some(key.to_string()),
                value: Some(value.to_string()),
            })
            .collect();
        let call = Call::CreateUpdatedImage(CreateUpdatedImage {
            name: Some(create.name.to_string()),
            description: Some(create.description.to_string()),
            source_image_id: Some(create.source_id.clone()),
            tags: Some(tags).filter(|tags| !tags.is_empty()),
        });
        match self.call(operation, call).await? {
            (Output::Created { image_id }, request_id) => Ok(Receipt {
                image_id,
                request_id: Some(request_id),
            }),
            (Output::Images { .. } | Output::Tags { .. } | Output::Empty {}, _) => {
                Err(unreadable(operation, "the answer is another operation's"))
            }
        }
    }
}

impl DirectApi {
    async fn list(&self, image_type: &str, ids: &[String]) -> Result<Observed, ApiError> {
        let operation = Operation::DescribeWorkspaceImages;
        all_pages(async |next_token| {
            let call = Call::DescribeImages(DescribeImages {
                image_type: Some(image_type.into()),
                image_ids: Some(ids.to_vec()).filter(|ids| !ids.is_empty()),
                next_token,
                ..DescribeImages::default()
            });
            match self.call(operation, call).await? {
                (Output::Images { images, next_token }, _) => {
                    let images = images.into_iter().map(observed).collect();
                    Ok(Page { images, next_token })
                }
                (Output::Created { .. } | Output::Tags { .. } | Output::Empty {}, _) => {
                    Err(unreadable(operation, "the answer is another operation's"))
                }
            }
        })
        .await
    }
}

fn refused(error: ServiceError, request_id: String) -> Failure {
    let ServiceError {
        status,
        code,
        message,
        mut members,
        placement: _,
    } = error;
    Failure {
        delivery: Delivery::Answered(status),
        code: Some(code),
        message,
        service_reason: members.remove("reason"),
        request_id: Some(request_id),
    }
}

fn unanswered(delivery: Delivery) -> Failure {
    Failure {
        delivery,
        code: None,
        message: String::new(),
        service_reason: None,
        request_id: None,
    }
}

fn unreadable(operation: Operation, message: &str) -> ApiError {
    let failure = Failure {
        message: message.into(),
        ..unanswered(Delivery::Unanswered)
    };
    ApiError::new(operation, failure)
}

/// Returns a listed image in repave's words, as cloud/aws does; a missing id is empty.
fn observed(image: ListedImage) -> ObservedImage {
    let state = match image.state.as_deref() {
        Some("PENDING") => ImageState::Pending,
        Some("AVAILABLE") => ImageState::Available,
        Some("ERROR") => ImageState::Error,
        Some(other) => ImageState::Unknown(other.to_owned()),
        None => ImageState::Unknown(String::new()),
    };
    let operating_system = match image.operating_system.map(|system| system.r#type) {
        Some(System::Windows) => OperatingSystem::Windows,
        Some(System::Linux) => OperatingSystem::Linux,
        None => OperatingSystem::Unknown,
    };
    let mut errors = Vec::new();
    if image.error_code.is_some() || image.error_message.is_some() {
        errors.push((
            image.error_code.unwrap_or_default(),
            image.error_message.unwrap_or_default(),
        ));
    }
    let details = image.error_details.into_iter();
    errors.extend(details.map(|detail| (detail.error_code, detail.error_message)));
    let updates = image
        .updates
        .map(|updates| (updates.update_available, updates.description));
    let (update_available, update) = match updates {
        Some((is_available, text)) => (Some(is_available), text),
        None => (None, None),
    };
    ObservedImage {
        id: image.image_id.unwrap_or_default(),
        name: image.name,
        description: image.description,
        state,
        operating_system,
        update_available,
        update,
        created: image.created.map(whole_seconds),
        errors,
        owner: image.owner_account_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::CreateImage;
    use crate::cloud::FailureKind;
    use crate::model::reason::Reason;
    use crate::model::value::{Description, ImageName, TagKey, TagValue, Tags};
    use crate::simulator::seed;
    use jiff::Timestamp;
    use std::collections::BTreeMap;
    use std::sync::{Arc, Mutex};
    use tokio::time::Instant;

    fn api(seed: &str) -> DirectApi {
        let account = seed::parse(seed).unwrap();
        let epoch = Timestamp::from_second(1_790_000_000).unwrap();
        DirectApi::new(
            Arc::new(Mutex::new(account)),
            Clock::following_runtime(epoch),
        )
    }

    fn request(name: &str) -> Step {
        let tags = BTreeMap::from([(
            TagKey::parse("team").unwrap(),
            TagValue::parse("x").unwrap(),
        )]);
        Step::CreateImage(CreateImage {
            name: ImageName::parse(name).unwrap(),
            description: Description::parse("An update").unwrap(),
            source_id: "wsi-000000001".into(),
            tags: Tags::new(tags).unwrap(),
        })
    }

    const GOLD: &str = "apiRate: {perSecond: 0}\npageSize: 1\nbuildTime: 1h\n\
                        images: [{id: wsi-000000001, name: Gold, updateAvailable: true}]\n";

    #[tokio::test(start_paused = true)]
    async fn an_image_is_created_listed_and_finished() {
        let api = api(GOLD);
        let id = api.perform(&request("New")).await.unwrap().image_id;
        let state = async || {
            api.observe(&Ask::Images)
                .await
                .unwrap()
                .by_id(&id)
                .unwrap()
                .state
                .clone()
        };
        assert_eq!(state().await, ImageState::Pending);
        tokio::time::advance(std::time::Duration::from_hours(1)).await;
        assert_eq!(state().await, ImageState::Available);
        let observed = api.observe(&Ask::Images).await.unwrap();
        let gold = observed.by_id("wsi-000000001").unwrap();
        assert_eq!(gold.name.as_deref(), Some("Gold"));
        assert_eq!(gold.update_available, Some(true));
        assert_eq!(gold.operating_system, OperatingSystem::Windows);
        assert_eq!(observed.owner(), Some("111122223333"));
        let tags = lock(&api.account)
            .images()
            .find(|(it, _)| it.as_str() == id)
            .unwrap()
            .1
            .tags
            .clone();
        assert_eq!(tags["team"], "x");
    }

    #[tokio::test(start_paused = true)]
    async fn failures_are_classified_as_the_clients_are() {
        use FailureKind::{Blocked, OutcomeUnknown, Rejected, SourceBusy, Transient};
        let create = "operation: CreateUpdatedWorkspaceImage, fault: ";
        for (fault, kind, reason) in [
            ("Throttle", Transient, Reason::Throttled),
            ("DropAfter", OutcomeUnknown, Reason::CreateResultUnknown),
            ("DropBefore", OutcomeUnknown, Reason::CreateResultUnknown),
            ("MalformedBody", OutcomeUnknown, Reason::CreateResultUnknown),
            (
                "InternalErrorBefore, body: html",
                OutcomeUnknown,
                Reason::CreateResultUnknown,
            ),
            (
                "InternalErrorAfter",
                OutcomeUnknown,
                Reason::CreateResultUnknown,
            ),
            (
                "Error, code: ExpiredTokenException",
                Blocked,
                Reason::AccessDenied,
            ),
            (
                "Error, code: ResourceLimitExceededException",
                Blocked,
                Reason::QuotaExceeded,
            ),
            (
                "Error, code: ValidationException",
                Rejected,
                Reason::InvalidSpec,
            ),
            (
                "Error, code: InvalidResourceStateException",
                SourceBusy,
                Reason::SourceImageNotAvailable,
            ),
            ("DenyTags", Blocked, Reason::AccessDenied),
        ] {
            let api = api(&format!("{GOLD}faults: [{{{create}{fault}}}]"));
            let error = api.perform(&request("New")).await.unwrap_err();
            assert_eq!((error.kind, error.reason), (kind, reason), "{fault}");
        }
        let linux = api("images: [{id: wsi-000000001, name: L, operatingSystem: LINUX}]");
        let error = linux.perform(&request("New")).await.unwrap_err();
        assert_eq!(error.kind, Rejected);
        assert!(
            error
                .message
                .contains("(reason: UNSUPPORTED_OPERATING_SYSTEM)"),
            "{}",
            error.message
        );
        assert!(error.request_id.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_listing_is_whole_or_an_error() {
        let list = async |seed: &str| api(seed).observe(&Ask::Images).await.map_err(|e| e.message);
        let fault = |fault: &str| format!("{GOLD}faults: [{{fault: {fault}}}]");
        assert_eq!(list(&fault("EmptyPageWithToken")).await.unwrap().len(), 1);
        assert!(
            list(&fault("RepeatedToken"))
                .await
                .unwrap_err()
                .contains("twice")
        );
        assert!(
            list(&fault("DropAfter"))
                .await
                .unwrap_err()
                .contains("closed")
        );
        let idless = list(&fault("MissingMembers, members: [ImageId]"))
            .await
            .unwrap();
        assert!(
            idless
                .iter()
                .all(|image| image.id.is_empty() && image.name.is_some())
        );
        let bare = list(&fault("MissingMembers")).await.unwrap();
        let image = bare.by_id("wsi-000000001").unwrap();
        assert_eq!(
            (image.name.clone(), &image.state),
            (None, &ImageState::Unknown(String::new()))
        );
        let odd = list(&fault("UnknownEnumValue")).await.unwrap();
        assert_eq!(
            odd.iter().next().unwrap().state,
            ImageState::Unknown("COPYING".into())
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_answer_comes_late_and_its_effect_at_once() {
        let api = api(&format!("{GOLD}faults: [{{fault: Slow, by: 90s}}]"));
        let start = Instant::now();
        let request = request("New");
        let slow = api.perform(&request);
        assert!(
            tokio::time::timeout(std::time::Duration::from_mins(1), slow)
                .await
                .is_err()
        );
        assert_eq!(start.elapsed().as_secs(), 60);
        assert_eq!(lock(&api.account).created().len(), 1);
    }
}
