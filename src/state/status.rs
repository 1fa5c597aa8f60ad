//! What repave remembers: records, conditions, and the pure transitions between them. No input or output happens here.
//!
//! Status is a report and a memory, never the truth about the account; that is what a listing says.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::history::History;
use crate::cloud::{FailureKind, Verb};
use crate::model::group::Group;
use crate::model::reason::Reason;
use crate::model::subject::{Kind, Subject};
use crate::model::target::Target;
use crate::model::value::{ImageName, ManifestName};

/// The version of the status file and of every JSON output.
pub(crate) const API_VERSION: &str = "repave.dev/v1alpha1";

/// The version of the document's form. Fields may be added within it, and a program keeps those that it does not know; what
/// an older program would get wrong is a new version.
pub(crate) const FORMAT_VERSION: u32 = 1;

pub const KIND: &str = "ReconcileStatus";

/// What was read from the manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestsStatus {
    /// The checkout's branch and commit, as `main@sha1:<commit>`, where there is one.
    pub revision: Option<String>,
    /// The digest of the whole valid set.
    pub digest: Option<String>,
    /// What is wrong with the manifests now, while an earlier set stays in force.
    pub problems: Vec<String>,
}

/// Why the account could not be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListingError {
    pub reason: Reason,
    /// The service's code, if it gave one.
    pub code: Option<String>,
    /// What happened and what to do, the first time that it failed for this reason.
    pub message: String,
    /// Since when it fails for this reason.
    pub since: Timestamp,
}

/// Everything that repave remembers of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The version of the file and of every JSON output.
    pub api_version: String,
    pub kind: String,
    /// The version of the form.
    pub format_version: u32,
    /// The run that wrote it last.
    pub run: Option<Run>,
    /// The account and Region it is about.
    pub target: Target,
    /// The manifests it is about.
    pub manifests: ManifestsStatus,
    /// Why the account can't be listed; null once a listing has succeeded.
    pub listing_error: Option<ListingError>,
    /// One entry for each image, in the order of the manifests' names.
    pub images: Vec<ImageStatus>,
    /// What was done, the oldest first.
    pub history: History,
}

/// One process that reconciles: who wrote a status, for people to find it by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// 128 random bits, new with each start, as hexadecimal digits.
    pub id: String,
    /// The page of the pipeline that it runs in, if it runs in one that says so.
    pub url: Option<String>,
    pub host: Option<String>,
    pub pid: u32,
    pub version: String,
}

/// What repave remembers of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageStatus {
    pub kind: Kind,
    pub name: ManifestName,
    /// The image's name: what an entry is found by, so that it outlives a renamed manifest.
    pub image_name: ImageName,
    /// Where the manifest stands; null once it is gone.
    pub manifest: Option<String>,
    /// Since when the manifest is gone.
    pub withdrawn_at: Option<Timestamp>,
    /// The digest of the manifest that all of this is about.
    pub observed_digest: String,
    /// The image's id, as accepted or last listed.
    pub image_id: Option<String>,
    /// The source that the last create was asked with.
    pub source_image_id: Option<String>,
    /// The answer's group in the last plan.
    pub group: Group,
    /// The step that was due in it.
    pub due: Option<Verb>,
    /// `Ready` always; `Reconciling` and `Stalled` only while they are true.
    pub conditions: Vec<Condition>,
    /// When the last create was marked that was not refused.
    pub create_requested_at: Option<Timestamp>,
    /// When the image was first listed after that.
    pub first_seen_at: Option<Timestamp>,
    /// Since when complete listings lack an image that should or may be there.
    pub missing_since: Option<Timestamp>,
    /// How many creates were sent for this digest.
    pub attempts: u32,
    /// When the next try is due, after a failure.
    pub next_retry_at: Option<Timestamp>,
    /// The last failure, until the image is seen or the manifest changes.
    pub last_error: Option<LastError>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastError {
    /// What must happen before the next try.
    pub kind: FailureKind,
    pub reason: Reason,
    /// The service's code, if it gave one.
    pub code: Option<String>,
    /// What happened and what to do.
    pub message: String,
    /// The request's id, if there was an answer.
    pub request_id: Option<String>,
    pub at: Timestamp,
    /// How many failures of this kind came in a row.
    pub count: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConditionType {
    /// The image was seen AVAILABLE.
    Ready,
    /// repave or the service is at work on it.
    Reconciling,
    Stalled,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    True,
    False,
    /// Nobody looked.
    Unknown,
}

/// A condition as Kubernetes' kstatus has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub condition_type: ConditionType,
    pub status: ConditionStatus,
    pub reason: Reason,
    /// Why, in words that change only when something did.
    pub message: String,
    /// When `status` last changed.
    pub last_transition_time: Timestamp,
}

impl Status {
    /// A memory with nothing in it.
    pub fn new(target: Target) -> Self {
        Self {
            api_version: API_VERSION.into(),
            kind: KIND.into(),
            format_version: FORMAT_VERSION,
            run: None,
            target,
            manifests: ManifestsStatus::default(),
            listing_error: None,
            images: Vec::new(),
            history: History::default(),
        }
    }

    /// Tells whether two say the same, whoever wrote them.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        let Self {
            api_version,
            kind,
            format_version,
            run: _,
            target,
            manifests,
            listing_error,
            images,
            history,
        } = self;
        (api_version, kind, format_version, target)
            == (
                &other.api_version,
                &other.kind,
                &other.format_version,
                &other.target,
            )
            && (manifests, listing_error) == (&other.manifests, &other.listing_error)
            && (images, history) == (&other.images, &other.history)
    }

    /// Tells whether this is about another account or Region.
    pub fn is_foreign_to(&self, target: &Target) -> bool {
        let differ =
            |a: &Option<String>, b: &Option<String>| matches!((a, b), (Some(a), Some(b)) if a != b);
        self.target.region != target.region || differ(&self.target.account_id, &target.account_id)
    }

    /// The entry of the image with this name.
    pub fn image(&self, name: &ImageName) -> Option<&ImageStatus> {
        self.images.iter().find(|image| image.image_name == *name)
    }

    pub(super) fn image_mut(&mut self, name: &ImageName) -> Option<&mut ImageStatus> {
        self.images
            .iter_mut()
            .find(|image| image.image_name == *name)
    }
}

impl ImageStatus {
    /// Returns what it is about.
    pub fn subject(&self) -> Subject {
        Subject::new(self.kind, self.name.clone())
    }

    /// Tells whether an image of this name may exist although a listing lacks it: a create was sent that was not
    /// refused, or the image was listed before.
    pub(crate) fn may_exist(&self) -> bool {
        self.create_requested_at.is_some() || self.first_seen_at.is_some()
    }

    /// Tells whether the service accepted the last create and no listing has shown the image yet.
    pub(crate) fn is_accepted(&self) -> bool {
        self.create_requested_at.is_some()
            && self.image_id.is_some()
            && self.first_seen_at.is_none()
    }

    /// Returns whether this is only a memory, in case the manifest comes back: of an image that was listed.
    pub(crate) fn is_memory_only(&self) -> bool {
        self.manifest.is_none() && self.first_seen_at.is_some()
    }

    /// The condition of this type, if present.
    pub fn condition(&self, condition_type: ConditionType) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|c| c.condition_type == condition_type)
    }

    /// Replaces the conditions; a condition whose status stays keeps the time of its last change.
    pub(crate) fn set_conditions(
        &mut self,
        conditions: impl IntoIterator<Item = (ConditionType, ConditionStatus, Reason, String)>,
        now: Timestamp,
    ) {
        let conditions = conditions
            .into_iter()
            .map(|(condition_type, status, reason, message)| Condition {
                condition_type,
                status,
                reason,
                message,
                last_transition_time: self
                    .condition(condition_type)
                    .filter(|old| old.status == status)
                    .map_or(now, |old| old.last_transition_time),
            })
            .collect();
        self.conditions = conditions;
    }
}
