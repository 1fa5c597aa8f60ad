//! One simulated account in one Region: which call has which effect. Time is passed in; nothing is read or waited for.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::value::{ImageId, ImageName};

use super::fault::{ErrorBody, Fault, Rule, Rules};
use super::settings::{Bucket, Settings};
use super::stock::{Image, Update, later};
use super::wire::{Answer, Call, CreateUpdatedImage, Output, Reply, ServiceError};

/// A simulated account. Serialised, it is one JSON object that holds everything, the rate limit's state included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Account {
    format: Format,
    pub(super) settings: Settings,
    /// The time of the first call.
    started: Option<Timestamp>,
    pub(super) images: BTreeMap<ImageId, Image>,
    rules: Rules,
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

/// The version of the serialised form; another one is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
struct Format;

/// The version that this code writes and reads.
const FORMAT: u32 = 1;

impl TryFrom<u32> for Format {
    type Error = String;

    fn try_from(version: u32) -> Result<Self, String> {
        if version == FORMAT {
            return Ok(Self);
        }
        Err(format!(
            "a simulated account of format {version}; this version of repave reads format {FORMAT}"
        ))
    }
}

impl From<Format> for u32 {
    fn from(Format: Format) -> Self {
        FORMAT
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct LateCreate {
    at: Timestamp,
    input: CreateUpdatedImage,
}

/// A create that took effect, whatever its caller was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateRecord {
    pub(crate) at: Timestamp,
    /// The new image's name.
    pub name: ImageName,
    /// Its id.
    pub image_id: ImageId,
    /// The image it was made from.
    pub(crate) source_image_id: ImageId,
}

pub(super) type Outcome = Result<Output, ServiceError>;

impl Account {
    /// An account without images, where nothing goes wrong.
    pub fn new(settings: Settings) -> Self {
        Self {
            format: Format,
            settings,
            started: None,
            images: BTreeMap::new(),
            rules: Rules::default(),
            late: Vec::new(),
            created: Vec::new(),
            ids: 0,
            listings: 0,
            calls: 0,
            bucket: Bucket::default(),
            revision: 0,
        }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its images by id, those that no listing shows yet included.
    pub fn images(&self) -> impl Iterator<Item = (&ImageId, &Image)> {
        self.images.iter()
    }

    /// The images that bear this name, by id.
    pub fn named(&self, name: &ImageName) -> impl Iterator<Item = (&ImageId, &Image)> {
        self.images
            .iter()
            .filter(move |(_, image)| image.name == *name)
    }

    /// Every create that took effect, in order.
    pub fn created(&self) -> &[CreateRecord] {
        &self.created
    }

    /// The rules that have not done all their work yet.
    pub fn faults(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// A number that grows whenever something changes that must outlive the process: not the rate limit's state.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Adds an image, or puts it in the place of the one with this id. Neither name nor quota is checked.
    pub fn add_image(&mut self, id: ImageId, mut image: Image) {
        if let Some(start) = self.started {
            image.start(start);
        }
        self.images.insert(id, image);
        self.revision += 1;
    }

    /// Adds a rule after all others.
    pub fn add_fault(&mut self, rule: Rule) {
        self.rules.add(rule);
        self.revision += 1;
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
            let id = self.id_for(name);
            self.add_source(id, name.clone(), now);
        }
    }

    fn add_source(&mut self, id: ImageId, name: ImageName, now: Timestamp) {
        let mut image = Image::new(name);
        image.update = Some(Update {
            available: true,
            description: None,
        });
        image.start(now);
        self.add_image(id, image);
    }

    /// A free id that depends on the name alone, as long as it is free.
    pub(super) fn id_for(&self, name: &ImageName) -> ImageId {
        self.free_id(|n| format!("name {n} {name}"))
    }

    /// Deletes an image without a call, and tells whether there was one.
    pub fn delete_by_hand(&mut self, id: &ImageId) -> bool {
        let deleted = self.images.remove(id).is_some();
        self.revision += u64::from(deleted);
        deleted
    }

    /// Answers a call. Time must not go backwards by much; where it does, waits last longer.
    pub fn call(&mut self, now: Timestamp, call: &Call) -> Reply {
        self.start(now);
        self.apply_late_creates(now);
        self.calls += 1;
        let mut reply = Reply {
            delay: Duration::ZERO,
            // The form of the service's own ids.
            request_id: format!("00000000-0000-4000-8000-{:012x}", self.calls),
            answer: Answer::Error(throttled()),
        };
        if let Some(rate) = self.settings.api_rate
            && !self.bucket.take(rate, now)
        {
            return reply;
        }
        let about = self.about(call);
        let (rule, counted) = self.rules.take(call, about.as_deref());
        self.revision += u64::from(counted);
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
            Fault::Throttle => Answer::Error(throttled()),
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
                // Whatever the outcome: nobody hears of it.
                let _ = self.perform(now, call, None);
                internal_error(*body)
            }
            Fault::LateEffect { by } => {
                if let Call::CreateUpdatedImage(input) = call {
                    let at = later(now, *by);
                    self.late.push(LateCreate {
                        at,
                        input: input.clone(),
                    });
                    self.revision += 1;
                }
                internal_error(ErrorBody::Json)
            }
            Fault::DropBefore => Answer::DropConnection,
            Fault::DropAfter => {
                let _ = self.perform(now, call, None);
                Answer::DropConnection
            }
            Fault::MalformedBody => match self.perform(now, call, None) {
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
            Fault::DenyTags => Answer::Error(self.tags_denied()),
            Fault::Slow { .. }
            | Fault::FailedBuild(_)
            | Fault::LongBuild { .. }
            | Fault::EmptyPageWithToken
            | Fault::RepeatedToken
            | Fault::MissingMembers { .. }
            | Fault::UnknownEnumValue { .. }
            | Fault::HiddenImages => answer(self.perform(now, call, Some(rule))),
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

    /// Times that are counted from the start become times of day at the first call.
    fn start(&mut self, now: Timestamp) {
        if self.started.is_none() {
            self.started = Some(now);
            self.images.values_mut().for_each(|image| image.start(now));
            self.revision += 1;
        }
    }

    fn apply_late_creates(&mut self, now: Timestamp) {
        let (mut due, waiting) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|l| l.at <= now);
        self.late = waiting;
        let due: &mut Vec<LateCreate> = &mut due;
        due.sort_by_key(|late| late.at);
        for late in due {
            // What is refused by now has no effect, and nobody is left to hear why.
            let _ = self.create_updated_image(late.at, &late.input, None);
            self.revision += 1;
        }
    }

    /// The name of the image that a call is about.
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
        let Settings { account_id, .. } = &self.settings;
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
