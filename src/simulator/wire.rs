//! Requests and answers in the service model's words: what a client sends and gets. It decides nothing.
//!
//! Every member of a request is optional here: a missing one is the account's to refuse, as the service does.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize, Serializer};

use super::stock::{System, Tenancy};

/// An operation that the simulator knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operation {
    /// Lists images.
    DescribeWorkspaceImages,
    /// Makes an updated image of another.
    CreateUpdatedWorkspaceImage,
    /// Deletes an image.
    DeleteWorkspaceImage,
    /// Puts tags on an image.
    CreateTags,
    /// Lists an image's tags.
    DescribeTags,
}

impl Operation {
    pub(crate) const ALL: [Self; 5] = [
        Self::DescribeWorkspaceImages,
        Self::CreateUpdatedWorkspaceImage,
        Self::DeleteWorkspaceImage,
        Self::CreateTags,
        Self::DescribeTags,
    ];

    /// The operation of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.to_string() == name)
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
    /// `DescribeWorkspaceImages`.
    DescribeImages(DescribeImages),
    /// `CreateUpdatedWorkspaceImage`.
    CreateUpdatedImage(CreateUpdatedImage),
    /// `DeleteWorkspaceImage`.
    DeleteImage(DeleteImage),
    /// `CreateTags`.
    CreateTags(CreateTags),
    /// `DescribeTags`.
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
    /// What the page before said to go on with.
    pub next_token: Option<String>,
    /// The most images on the page: 1-25.
    pub(crate) max_results: Option<i64>,
}

/// The input of `CreateUpdatedWorkspaceImage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateUpdatedImage {
    /// The new image's name; required.
    pub name: Option<String>,
    /// Its description; required.
    pub(crate) description: Option<String>,
    /// The image it is made from; required.
    pub source_image_id: Option<String>,
    pub(crate) tags: Option<Vec<Tag>>,
}

/// The input of `DeleteWorkspaceImage`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteImage {
    /// The image; required.
    pub(crate) image_id: Option<String>,
}

/// The input of `CreateTags`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateTags {
    /// The image; required.
    pub(crate) resource_id: Option<String>,
    /// The tags to put on it; required.
    pub(crate) tags: Option<Vec<Tag>>,
}

/// The input of `DescribeTags`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeTags {
    /// The image; required.
    pub(crate) resource_id: Option<String>,
}

/// A tag as it is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Tag {
    /// Its key; required.
    pub(crate) key: Option<String>,
    /// Its value; empty if missing.
    pub(crate) value: Option<String>,
}

impl Call {
    /// Reads the JSON body of a request. The error says where the body is no such request.
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

    /// The operation that is called.
    pub fn operation(&self) -> Operation {
        match self {
            Self::DescribeImages(_) => Operation::DescribeWorkspaceImages,
            Self::CreateUpdatedImage(_) => Operation::CreateUpdatedWorkspaceImage,
            Self::DeleteImage(_) => Operation::DeleteWorkspaceImage,
            Self::CreateTags(_) => Operation::CreateTags,
            Self::DescribeTags(_) => Operation::DescribeTags,
        }
    }

    /// Tells whether it carries tags, which need a permission of their own.
    pub(crate) fn has_tags(&self) -> bool {
        let tags = match self {
            Self::CreateUpdatedImage(input) => &input.tags,
            Self::CreateTags(input) => &input.tags,
            Self::DescribeImages(_) | Self::DeleteImage(_) | Self::DescribeTags(_) => &None,
        };
        tags.as_ref().is_some_and(|tags| !tags.is_empty())
    }
}

/// What comes back from a call, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// How long the answer takes after the effect.
    pub delay: Duration,
    /// The request's id: unique and predictable.
    pub request_id: String,
    /// What comes back.
    pub answer: Answer,
}

/// What comes back from a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The operation's result.
    Ok(Output),
    /// The service's refusal or failure.
    Error(ServiceError),
    /// An answer that is none of the service's: what a load balancer says, or what arrives broken.
    RawHttp {
        /// HTTP status.
        status: u16,
        /// The `content-type` header.
        content_type: &'static str,
        /// The whole body.
        body: String,
    },
    /// None: the connection is cut.
    DropConnection,
}

/// An error as the service answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// HTTP status.
    pub status: u16,
    /// The error code, bare.
    pub code: String,
    /// The message.
    pub message: String,
    /// Further members of the error, such as `ResourceId` or `reason`.
    pub members: BTreeMap<&'static str, String>,
    /// Where the code stands in the answer.
    pub placement: CodePlacement,
}

/// Where an error's code stands in an answer; clients must read them all.
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
    /// An error with status 400, as all of the model's are.
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.into(),
            message: message.into(),
            members: BTreeMap::new(),
            placement: CodePlacement::Body,
        }
    }

    /// The same error with one member more.
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
        /// The page's images.
        images: Vec<ListedImage>,
        /// What to ask the next page with.
        #[serde(skip_serializing_if = "Option::is_none")]
        next_token: Option<String>,
    },
    /// Of `CreateUpdatedWorkspaceImage`.
    #[serde(rename_all = "PascalCase")]
    Created {
        /// The new image's id.
        image_id: String,
    },
    /// Of `DescribeTags`.
    #[serde(rename_all = "PascalCase")]
    Tags {
        /// The tags by key.
        tag_list: Vec<Tag>,
    },
    /// Of `DeleteWorkspaceImage` and `CreateTags`: nothing.
    Empty {},
}

/// An image on a page. Every member is optional, as the model has it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListedImage {
    /// `ImageId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<String>,
    /// `Name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) operating_system: Option<OperatingSystem>,
    /// `State`.
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

/// `OperatingSystem` of a listed image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct OperatingSystem {
    pub(crate) r#type: System,
}

/// `Updates` of a listed image.
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
