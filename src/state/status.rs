//! The status document: what repave remembers and reports.
//!
//! The status never says what exists in the account. Only a listing does.

use std::collections::BTreeMap;

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

/// The version of the document's format. New fields do not change it, because repave keeps fields that it does not know. A
/// change that an older repave would misread does.
pub(crate) const FORMAT_VERSION: u32 = 1;

pub const KIND: &str = "ReconcileStatus";

/// What was read from the manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ManifestsStatus {
    /// The checkout's branch and commit, like `main@sha1:<commit>`, if the folder is in a Git checkout. It ends with `+dirty`
    /// if the manifests differ from the commit.
    pub revision: Option<String>,
    /// Whether the manifests differ from the commit; null if it is not known.
    pub dirty: Option<bool>,
    /// The digest of the whole valid set.
    pub digest: Option<String>,
    /// Why the current manifests are not used, while an earlier set stays in use.
    pub held_back: Option<String>,
    /// The problems of the current manifests, while an earlier set stays in use.
    pub problems: Vec<String>,
}

/// Why the account could not be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ListingError {
    pub reason: Reason,
    /// The service's code, if it gave one.
    pub code: Option<String>,
    /// What happened and what to do, from the first failure with this reason.
    pub message: String,
    /// When it first failed with this reason.
    pub since: Timestamp,
}

/// Everything that repave remembers of one target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The version of the file and of every JSON output.
    pub api_version: String,
    pub kind: String,
    /// The version of the format.
    pub format_version: u32,
    /// The run that wrote it last.
    pub run: Option<Run>,
    /// The account and Region.
    pub target: Target,
    /// The manifests that the status belongs to.
    pub manifests: ManifestsStatus,
    /// Why the account can't be listed; null once a listing has succeeded.
    pub listing_error: Option<ListingError>,
    /// One entry for each image, in the order of the manifests' names.
    pub images: Vec<ImageStatus>,
    /// What was done, the oldest first.
    pub history: History,
}

/// One process that reconciles. Users can find the process that wrote a status by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// 128 random bits, new with each start, as hexadecimal digits.
    pub id: String,
    /// The URL of the pipeline run, if the pipeline sets one.
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
    /// The image's name. It identifies the entry, so the entry stays when the manifest is renamed.
    pub image_name: ImageName,
    /// The manifest's file and document; null once the manifest is gone.
    pub manifest: Option<String>,
    /// Since when the manifest is gone.
    pub withdrawn_at: Option<Timestamp>,
    /// The digest of the manifest that the entry belongs to.
    pub observed_digest: String,
    /// The image's id, from the accepted create or the last listing.
    pub image_id: Option<String>,
    /// What the last create was sent with.
    pub created_with: Option<CreatedWith>,
    /// How the image differs from its manifest, in the last plan.
    #[serde(default)]
    pub drift: Vec<Difference>,
    /// The image's group in the last plan.
    pub group: Group,
    /// The step that was due in the last plan.
    pub due: Option<Verb>,
    /// `Ready` always; the others only while they are true.
    pub conditions: Vec<Condition>,
    /// When the last create was sent, unless it was refused.
    pub create_requested_at: Option<Timestamp>,
    /// When the image was first listed after that.
    pub first_seen_at: Option<Timestamp>,
    /// Since when complete listings do not show an image that should or may exist.
    pub missing_since: Option<Timestamp>,
    /// The number of creates sent for this digest.
    pub attempts: u32,
    /// When the next retry is due, after a failure.
    pub next_retry_at: Option<Timestamp>,
    /// The last failure, until the image is listed or the manifest changes.
    pub last_error: Option<LastError>,
}

/// What an image was created with. Images cannot change, so a later manifest is compared with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CreatedWith {
    /// The image that the create made, if it is known.
    pub image_id: Option<String>,
    /// Whether the result of an earlier create with other values was unknown when this create was marked.
    #[serde(default)]
    pub after_other: bool,
    /// When the create was marked.
    pub at: Timestamp,
    /// The digest of the manifest.
    pub digest: String,
    pub source_image_id: String,
    pub description: String,
    pub tags: BTreeMap<String, String>,
}

/// A value of an image that differs from its manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// The field of the manifest's `spec`: `description`, `source` or `tags.KEY`.
    pub field: String,
    /// The value of the image; null if the image has none.
    pub image: Option<String>,
    /// The value in the manifest; null if the manifest has none.
    pub manifest: Option<String>,
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
    /// The request id, if AWS answered.
    pub request_id: Option<String>,
    pub at: Timestamp,
    /// The number of failures of this kind in a row.
    pub count: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConditionType {
    /// The image was listed as AVAILABLE.
    Ready,
    /// repave or AWS is working on it.
    Reconciling,
    Stalled,
    /// The image differs from its manifest.
    Drifted,
    /// repave has no record of creating the image.
    Adopted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    True,
    False,
    /// repave did not check.
    Unknown,
}

/// A condition as in Kubernetes' kstatus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    #[serde(rename = "type")]
    pub condition_type: ConditionType,
    pub status: ConditionStatus,
    pub reason: Reason,
    /// Why, in words that change only when the situation changes.
    pub message: String,
    /// When `status` last changed.
    pub last_transition_time: Timestamp,
}

impl Status {
    /// Returns an empty status.
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

    /// Returns whether both have the same content, apart from `run`.
    pub(super) fn has_same_content(&self, other: &Self) -> bool {
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

    /// Returns whether the status is about another account or Region.
    pub fn is_foreign_to(&self, target: &Target) -> bool {
        let differ =
            |a: &Option<String>, b: &Option<String>| matches!((a, b), (Some(a), Some(b)) if a != b);
        self.target.region != target.region || differ(&self.target.account_id, &target.account_id)
    }

    /// Returns the entry of the image with this name.
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
    pub fn subject(&self) -> Subject {
        Subject::new(self.kind, self.name.clone())
    }

    /// Returns whether the image may exist even if a listing does not show it: a create was sent and not refused, or the
    /// image was listed before.
    pub(crate) fn may_exist(&self) -> bool {
        self.create_requested_at.is_some() || self.first_seen_at.is_some()
    }

    /// Returns the id of the source image of the last create.
    pub(crate) fn made_from(&self) -> Option<&str> {
        let record = self.created_with.as_ref();
        record.map(|record| record.source_image_id.as_str())
    }

    /// Returns whether AWS accepted the last create and no listing has shown the image yet.
    pub(crate) fn is_accepted(&self) -> bool {
        self.create_requested_at.is_some()
            && self.image_id.is_some()
            && self.first_seen_at.is_none()
    }

    /// Returns whether the entry only remembers a listed image, in case its manifest comes back.
    pub(crate) fn is_memory_only(&self) -> bool {
        self.manifest.is_none() && self.first_seen_at.is_some()
    }

    /// Returns the condition of this type, if present.
    pub fn condition(&self, condition_type: ConditionType) -> Option<&Condition> {
        self.conditions
            .iter()
            .find(|c| c.condition_type == condition_type)
    }

    /// Replaces the conditions. A condition whose status stays the same keeps its transition time.
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
