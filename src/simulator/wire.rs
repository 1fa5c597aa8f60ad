//! Requests and answers in the service model's words: what a client sends and gets. It decides nothing.
//!
//! Every member of a request is optional here: a missing one is the account's to refuse, as the service does.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::de::IntoDeserializer as _;
use serde::de::value::StrDeserializer;
use serde::{Deserialize, Serialize, Serializer};

use super::stock::{System, Tenancy};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operation {
    DescribeWorkspaceImages,
    CreateUpdatedWorkspaceImage,
    DeleteWorkspaceImage,
    CreateTags,
    DescribeTags,
}

impl Operation {
    pub fn named(name: &str) -> Option<Self> {
        let name: StrDeserializer<'_, serde::de::value::Error> = name.into_deserializer();
        Self::deserialize(name).ok()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The variants are spelled as the model spells the operations.
        fmt::Debug::fmt(self, f)
    }
}

/// One request, before it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    DescribeImages(DescribeImages),
    CreateUpdatedImage(CreateUpdatedImage),
    DeleteImage(DeleteImage),
    CreateTags(CreateTags),
    DescribeTags(DescribeTags),
}

/// The input of `DescribeWorkspaceImages`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeImages {
    /// Only these images: 1-25 ids.
    pub(crate) image_ids: Option<Vec<String>>,
    /// `OWNED` or `SHARED`.
    pub(crate) image_type: Option<String>,
    /// The token of the page before.
    pub next_token: Option<String>,
    /// The most images on the page: 1-25.
    pub(crate) max_results: Option<i64>,
}

/// The input of `CreateUpdatedWorkspaceImage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateUpdatedImage {
    pub name: Option<String>,
    pub(crate) description: Option<String>,
    pub source_image_id: Option<String>,
    pub(crate) tags: Option<Vec<Tag>>,
}

/// The input of `DeleteWorkspaceImage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteImage {
    pub(crate) image_id: Option<String>,
}

/// The input of `CreateTags`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateTags {
    pub(crate) resource_id: Option<String>,
    pub(crate) tags: Option<Vec<Tag>>,
}

/// The input of `DescribeTags`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeTags {
    pub(crate) resource_id: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    pub(crate) key: Option<String>,
    /// Its value; empty if missing.
    pub(crate) value: Option<String>,
}

impl Call {
    /// Reads the JSON body of a request.
    pub fn parse(operation: Operation, body: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(match operation {
            Operation::DescribeWorkspaceImages => {
                Self::DescribeImages(serde_json::from_slice(body)?)
            }
            Operation::CreateUpdatedWorkspaceImage => {
                Self::CreateUpdatedImage(serde_json::from_slice(body)?)
            }
            Operation::DeleteWorkspaceImage => Self::DeleteImage(serde_json::from_slice(body)?),
            Operation::CreateTags => Self::CreateTags(serde_json::from_slice(body)?),
            Operation::DescribeTags => Self::DescribeTags(serde_json::from_slice(body)?),
        })
    }

    pub fn operation(&self) -> Operation {
        match self {
            Self::DescribeImages(_) => Operation::DescribeWorkspaceImages,
            Self::CreateUpdatedImage(_) => Operation::CreateUpdatedWorkspaceImage,
            Self::DeleteImage(_) => Operation::DeleteWorkspaceImage,
            Self::CreateTags(_) => Operation::CreateTags,
            Self::DescribeTags(_) => Operation::DescribeTags,
        }
    }

    /// Returns whether it carries tags, which need a separate permission.
    pub(crate) fn has_tags(&self) -> bool {
        let tags = match self {
            Self::CreateUpdatedImage(input) => &input.tags,
            Self::CreateTags(input) => &input.tags,
            Self::DescribeImages(_) | Self::DeleteImage(_) | Self::DescribeTags(_) => &None,
        };
        tags.as_ref().is_some_and(|tags| !tags.is_empty())
    }
}

/// The answer to a call, and when it comes.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// How long the answer takes after the effect.
    pub delay: Duration,
    pub request_id: String,
    pub answer: Answer,
}

/// The answer to a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Ok(Output),
    /// The service's refusal or failure.
    Error(ServiceError),
    /// An answer that is not the service's: a load balancer's, or one that arrives broken.
    RawHttp {
        status: u16,
        content_type: &'static str,
        body: String,
    },
    /// No answer: the connection is cut.
    DropConnection,
}

/// An error of the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    pub status: u16,
    /// The error code, without a namespace.
    pub code: String,
    pub message: String,
    /// Further members of the error, such as `ResourceId` or `reason`.
    pub members: BTreeMap<&'static str, String>,
    pub placement: CodePlacement,
}

/// Where an error's code stands in an answer; clients must read each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CodePlacement {
    /// `"__type": "Code"`.
    #[default]
    Body,
    /// `"__type": "com.amazonaws.workspaces#Code:http://internal.amazon.com/coral/"`.
    Namespaced,
    /// The header `x-amzn-errortype`, and nothing in the body.
    Header,
}

impl ServiceError {
    /// Returns an error with status 400, the status of all errors of the model.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.into(),
            message: message.into(),
            members: BTreeMap::new(),
            placement: CodePlacement::Body,
        }
    }

    /// Adds a member to the error.
    #[must_use]
    pub(crate) fn with(mut self, member: &'static str, value: impl Into<String>) -> Self {
        self.members.insert(member, value.into());
        self
    }
}

/// The result of an operation.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Output {
    /// Of `DescribeWorkspaceImages`.
    #[serde(rename_all = "PascalCase")]
    Images {
        images: Vec<ListedImage>,
        /// The token of the next page.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_token: Option<String>,
    },
    /// Of `CreateUpdatedWorkspaceImage`.
    #[serde(rename_all = "PascalCase")]
    Created { image_id: String },
    /// Of `DescribeTags`.
    #[serde(rename_all = "PascalCase")]
    Tags { tag_list: Vec<Tag> },
    /// Of `DeleteWorkspaceImage` and `CreateTags`.
    Empty {},
}

/// An image on a page. Every member is optional, as the model has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedImage {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operating_system: Option<OperatingSystem>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) required_tenancy: Option<Tenancy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_message: Option<String>,
    /// `Created`, sent as seconds since 1970 with milliseconds as a fraction.
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "epoch_seconds"
    )]
    pub created: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) owner_account_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) updates: Option<Updates>,
    /// `ErrorDetails`; left out if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) error_details: Vec<ErrorDetail>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OperatingSystem {
    pub(crate) r#type: System,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Updates {
    pub(crate) update_available: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
}

/// One of `ErrorDetails` of a listed image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ErrorDetail {
    /// One of the model's 48 codes.
    pub(crate) error_code: String,
    pub(crate) error_message: String,
}

#[expect(
    clippy::ref_option,
    reason = "the shape that serde's serialize_with asks for"
)]
fn epoch_seconds<S: Serializer>(
    time: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let Some(time) = time else {
        return serializer.serialize_none();
    };
    let seconds = SignedDuration::from_millis(time.as_millisecond()).as_secs_f64();
    serializer.serialize_f64(seconds)
}
