//! One simulated account in one Region: which call has which effect. Time is passed in; nothing is read or waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::value::{ImageId, ImageName};

use super::fault::{self, ErrorBody, Fault, Rule};
use super::rate::{ApiRate, Bucket};
use super::stock::{self, Image, later};
use super::wire::{Answer, Call, CreateUpdatedImage, Output, Reply, ServiceError};

/// A simulated account, in memory and in a file: docs/simulator.md lists the fields that a user writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Account {
    /// The Region that ARNs in messages name.
    pub region: String,
    /// The default is the id that AWS uses in documentation.
    pub account_id: String,
    /// How many images the account may own, building and failed ones included. Default 40 (docs).
    pub image_limit: u32,
    /// The rate limit that all calls share. Default 2 a second, burst 5 (docs).
    pub api_rate: ApiRate,
    /// How long an update builds; the service takes tens of minutes.
    pub build_time: SignedDuration,
    /// The most images on one page. Default 25 (model).
    pub page_size: u8,
    /// How many listings begun after a create still lack the new image; that there are any is assumed.
    pub listing_lag: u64,
    /// Whether a second image of one name is refused (assumed; the model has the exception).
    pub unique_names: bool,
    /// Whether an image is busy while another is made from it (unknown).
    pub busy_while_updating: bool,
    /// Only in the seed of a world, in place of `region`: the Regions that each have such an account.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) regions: Vec<String>,
    #[serde(
        serialize_with = "stock::to_list",
        deserialize_with = "stock::from_list"
    )]
    pub(super) images: BTreeMap<ImageId, Image>,
    /// The rules that have not done all their work yet, in the order in which they are asked.
    pub(super) faults: Vec<Rule>,
    pub(super) memory: Memory,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            region: "eu-west-1".into(),
            account_id: "111122223333".into(),
            image_limit: 40,
            api_rate: ApiRate::default(),
            build_time: SignedDuration::from_secs(30),
            page_size: 25,
            listing_lag: 0,
            unique_names: true,
            busy_while_updating: false,
            regions: Vec::new(),
            images: BTreeMap::new(),
            faults: Vec::new(),
            memory: Memory::default(),
        }
    }
}

/// What the calls so far have left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Memory {
    /// The time of the first call.
    started: Option<Timestamp>,
    /// Creates that have been answered and have yet to take effect.
    late: Vec<LateCreate>,
    pub(super) created: Vec<CreateRecord>,
    /// How many ids were given.
    pub(super) ids: u64,
    pub(super) listings: u64,
    calls: u64,
    bucket: Bucket,
    pub(super) revision: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LateCreate {
    at: Timestamp,
    input: CreateUpdatedImage,
}

/// A create that took effect, whatever the answer was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateRecord {
    pub(crate) at: Timestamp,
    pub name: ImageName,
    pub image_id: ImageId,
    pub(crate) source_image_id: ImageId,
}

pub(super) type Outcome = Result<Output, ServiceError>;

impl Account {
    /// Returns all images by id, also those that no listing shows yet.
    pub fn images(&self) -> impl Iterator<Item = (&ImageId, &Image)> {
        self.images.iter()
    }

    /// Returns the images of this name, by id.
    pub fn named(&self, name: &ImageName) -> impl Iterator<Item = (&ImageId, &Image)> {
        self.images
            .iter()
            .filter(move |(_, image)| image.name == *name)
    }

    /// Returns every create that took effect, in order.
    pub fn created(&self) -> &[CreateRecord] {
        &self.memory.created
    }

    pub fn faults(&self) -> impl Iterator<Item = &Rule> {
        self.faults.iter()
    }

    /// Returns a number that grows with every change that must outlive the process: not with the rate limit's state.
    pub(crate) fn revision(&self) -> u64 {
        self.memory.revision
    }

    /// Adds an image, or puts it in the place of the one with this id. Neither name nor quota is checked.
    pub fn add_image(&mut self, id: ImageId, mut image: Image) {
        if let Some(start) = self.memory.started {
            image.start(start, self.build_time);
        }
        image.id = Some(id.clone());
        self.images.insert(id, image);
        self.memory.revision += 1;
    }

    pub fn add_fault(&mut self, rule: Rule) {
        self.faults.push(rule);
        self.memory.revision += 1;
    }

    /// Adds an AVAILABLE Windows image with this id, unless there is one.
    pub fn ensure_source_id(&mut self, id: &ImageId, now: Timestamp) {
        // 57: the name's 64 characters without the prefix.
        let rest = id.as_str().trim_start_matches("wsi-").chars().take(57);
        if let Ok(name) = ImageName::parse(format!("Source_{}", rest.collect::<String>()))
            && !self.images.contains_key(id)
        {
            self.add_source(id.clone(), name, now);
        }
    }

    /// Adds an AVAILABLE Windows image of this name, unless there is one. Its id depends on the name.
    pub(crate) fn ensure_source_name(&mut self, name: &ImageName, now: Timestamp) {
        if self.named(name).next().is_none() {
            let id = stock::id_of_name(&self.images, name);
            self.add_source(id, name.clone(), now);
        }
    }

    fn add_source(&mut self, id: ImageId, name: ImageName, now: Timestamp) {
        let mut image = Image::new(name);
        image.update_available = Some(true);
        image.start(now, self.build_time);
        self.add_image(id, image);
    }

    /// Deletes an image without a call. Returns whether the image existed.
    pub fn delete_by_hand(&mut self, id: &ImageId) -> bool {
        let deleted = self.images.remove(id).is_some();
        self.memory.revision += u64::from(deleted);
        deleted
    }

    /// Answers a call. Time must not go backwards by much; where it does, waits last longer.
    pub fn call(&mut self, now: Timestamp, call: &Call) -> Reply {
        self.start(now);
        self.apply_late_creates(now);
        self.memory.calls += 1;
        let mut reply = Reply {
            delay: Duration::ZERO,
            // The form of the service's own ids.
            request_id: format!("00000000-0000-4000-8000-{:012x}", self.memory.calls),
            answer: Answer::Error(throttled()),
        };
        if !self.memory.bucket.take(self.api_rate, now) {
            return reply;
        }
        let about = self.about(call);
        let (rule, counted) = fault::take(&mut self.faults, call, about.as_deref());
        self.memory.revision += u64::from(counted);
        if let Some(Rule {
            fault: Fault::Slow { by },
            ..
        }) = rule
        {
            reply.delay = Duration::try_from(by).unwrap_or_default();
        }
        reply.answer = match rule {
            Some(rule) => self.call_gone_wrong(now, call, &rule),
            None => answer(self.perform(now, call, None)),
        };
        reply
    }

    fn call_gone_wrong(&mut self, now: Timestamp, call: &Call, rule: &Rule) -> Answer {
        match &rule.fault {
            Fault::Throttle {} => Answer::Error(throttled()),
            Fault::Error {
                code,
                message,
                status,
                placement,
            } => Answer::Error(ServiceError {
                status: *status,
                placement: *placement,
                ..ServiceError::new(code, message)
            }),
            Fault::InternalErrorBefore { body } => internal_error(*body),
            Fault::InternalErrorAfter { body } => {
                // The outcome is lost.
                let _ = self.perform(now, call, None);
                internal_error(*body)
            }
            Fault::LateEffect { by } => {
                if let Call::CreateUpdatedImage(input) = call {
                    let at = later(now, *by);
                    self.memory.late.push(LateCreate {
                        at,
                        input: input.clone(),
                    });
                    self.memory.revision += 1;
                }
                internal_error(ErrorBody::Json)
            }
            Fault::DropBefore {} => Answer::DropConnection,
            Fault::DropAfter {} => {
                let _ = self.perform(now, call, None);
                Answer::DropConnection
            }
            Fault::MalformedBody {} => match self.perform(now, call, None) {
                Ok(output) => {
                    let body = serde_json::to_string(&output).unwrap_or_default();
                    let half = body.chars().count().div_ceil(2);
                    Answer::RawHttp {
                        status: 200,
                        content_type: "application/x-amz-json-1.1",
                        body: body.chars().take(half).collect(),
                    }
                }
                Err(error) => Answer::Error(error),
            },
            Fault::DenyTags {} => Answer::Error(self.tags_denied()),
            Fault::Slow { .. }
            | Fault::FailedBuild(_)
            | Fault::LongBuild { .. }
            | Fault::EmptyPageWithToken {}
            | Fault::RepeatedToken {}
            | Fault::MissingMembers { .. }
            | Fault::UnknownEnumValue { .. }
            | Fault::HiddenImages {} => answer(self.perform(now, call, Some(rule))),
        }
    }

    /// Does what the call asks for. The rule is of those that change what is done, not whether.
    fn perform(&mut self, now: Timestamp, call: &Call, rule: Option<&Rule>) -> Outcome {
        match call {
            Call::DescribeImages(input) => self.describe_images(now, input, rule),
            Call::CreateUpdatedImage(input) => {
                self.create_updated_image(now, input, rule.map(|rule| &rule.fault))
            }
            Call::DeleteImage(input) => self.delete_image(now, input),
            Call::CreateTags(input) => self.create_tags(input),
            Call::DescribeTags(input) => self.describe_tags(input),
        }
    }

    fn start(&mut self, now: Timestamp) {
        if self.memory.started.is_none() {
            self.memory.started = Some(now);
            for image in self.images.values_mut() {
                image.start(now, self.build_time);
            }
            self.memory.revision += 1;
        }
    }

    /// Returns how long ago the first call was.
    pub(super) fn age(&self, now: Timestamp) -> SignedDuration {
        let started = self.memory.started.unwrap_or(now);
        now.duration_since(started)
    }

    fn apply_late_creates(&mut self, now: Timestamp) {
        let (mut due, waiting) = std::mem::take(&mut self.memory.late)
            .into_iter()
            .partition(|l| l.at <= now);
        self.memory.late = waiting;
        let due: &mut Vec<LateCreate> = &mut due;
        due.sort_by_key(|late| late.at);
        for late in due {
            // A create that is refused by now has no effect.
            let _ = self.create_updated_image(late.at, &late.input, None);
            self.memory.revision += 1;
        }
    }

    /// Returns the name of the image that a call is about.
    fn about(&self, call: &Call) -> Option<String> {
        let id = match call {
            Call::DescribeImages(_) => return None,
            Call::CreateUpdatedImage(input) => return input.name.clone(),
            Call::DeleteImage(input) => &input.image_id,
            Call::CreateTags(input) => &input.resource_id,
            Call::DescribeTags(input) => &input.resource_id,
        };
        let image = self.own_image(id.as_deref()?)?;
        Some(image.name.to_string())
    }

    fn tags_denied(&self) -> ServiceError {
        let account_id = &self.account_id;
        ServiceError::new(
            "AccessDeniedException",
            format!(
                "User: arn:aws:sts::{account_id}:assumed-role/simulated/session is not authorized to perform: \
                 workspaces:CreateTags on resource: * because no identity-based policy allows the \
                 workspaces:CreateTags action"
            ),
        )
    }
}

fn answer(outcome: Outcome) -> Answer {
    match outcome {
        Ok(output) => Answer::Ok(output),
        Err(error) => Answer::Error(error),
    }
}

fn throttled() -> ServiceError {
    ServiceError::new("ThrottlingException", "Rate exceeded")
}

fn internal_error(body: ErrorBody) -> Answer {
    match body {
        ErrorBody::Json => Answer::Error(ServiceError {
            status: 500,
            ..ServiceError::new("InternalFailure", "The request processing has failed")
        }),
        ErrorBody::Html => Answer::RawHttp {
            status: 500,
            content_type: "text/html",
            body: "<html><body><h1>500 Internal Server Error</h1></body></html>\n".into(),
        },
        ErrorBody::Empty => Answer::RawHttp {
            status: 500,
            content_type: "application/x-amz-json-1.1",
            body: String::new(),
        },
    }
}

#[cfg(test)]
#[path = "account_tests.rs"]
mod tests;
