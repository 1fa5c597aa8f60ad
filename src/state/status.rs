//! What repave remembers: records, conditions, and the pure transitions between them. No input or output happens here.
//!
//! Status is a report and a memory, never the truth about the account; that is what a listing says.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::history::History;
use crate::cloud::retry;
use crate::cloud::{ALREADY_EXISTS, ApiError, FailureKind, Receipt, Step, Verb};
use crate::model::group::Group;
use crate::model::image::{Desired, DesiredImage, Observed, ObservedImage};
use crate::model::reason::Reason;
use crate::model::subject::{Kind, Subject};
use crate::model::target::Target;
use crate::model::value::{ImageName, ManifestName};
use crate::sys::clock::Now;

/// The version of the status file and of every JSON output.
pub(crate) const API_VERSION: &str = "repave.dev/v1alpha1";

/// The version of the document's form. Fields may be added within it, and a program keeps those that it does not know; what
/// an older program would get wrong is a new version.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// The status file's `kind`.
pub const KIND: &str = "ReconcileStatus";

/// How long a create is remembered whose manifest is gone and whose image is never listed: longer than any request
/// can be on its way.
const GONE: SignedDuration = SignedDuration::from_hours(24);

/// After how many creates in a row whose result is unknown a person is asked to look.
const UNKNOWN_TOO_OFTEN: u32 = 3;

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
    /// Why.
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
    /// `ReconcileStatus`.
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
#[expect(missing_docs, reason = "the names say it")]
pub struct Run {
    /// 128 random bits, new with each start, as hexadecimal digits.
    pub id: String,
    /// The page of the pipeline that it runs in, if it runs in one that says so.
    pub url: Option<String>,
    pub host: Option<String>,
    pub pid: u32,
    /// The version of repave.
    pub version: String,
}

/// What repave remembers of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageStatus {
    /// The manifest's kind.
    pub kind: Kind,
    /// The manifest's name.
    pub name: ManifestName,
    /// The image's name: what an entry is found by, so that it outlives a renamed manifest.
    pub image_name: ImageName,
    /// Where the manifest stands; null while a create of a manifest that is gone has not settled.
    pub manifest: Option<String>,
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

/// A failed create.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastError {
    /// What must happen before the next try.
    pub kind: FailureKind,
    /// Why it failed.
    pub reason: Reason,
    /// The service's code, if it gave one.
    pub code: Option<String>,
    /// What happened and what to do.
    pub message: String,
    /// The request's id, if there was an answer.
    pub request_id: Option<String>,
    /// When.
    pub at: Timestamp,
    /// How many failures of this kind came in a row.
    pub count: u32,
}

/// A condition's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ConditionType {
    /// The image was seen AVAILABLE.
    Ready,
    /// repave or the service is at work on it.
    Reconciling,
    /// A person is needed.
    Stalled,
}

/// A condition's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody looked.
    Unknown,
}

/// A condition as Kubernetes' kstatus has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// Which one.
    #[serde(rename = "type")]
    pub condition_type: ConditionType,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// Why.
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

    fn image_mut(&mut self, name: &ImageName) -> Option<&mut ImageStatus> {
        self.images
            .iter_mut()
            .find(|image| image.image_name == *name)
    }

    /// Notes that the account could not be listed. What is known of the images stays, and so does the record of a
    /// failure that is the same again.
    pub fn listing_failed(&mut self, error: &ApiError, now: Timestamp) {
        let same = self
            .listing_error
            .as_ref()
            .is_some_and(|last| last.reason == error.reason && last.code == error.code);
        if !same {
            self.listing_error = Some(ListingError {
                reason: error.reason,
                code: error.code.clone(),
                message: error.message.clone(),
                since: now,
            });
        }
    }

    /// Takes in a complete listing: one entry for each desired image, and what the listing says of it.
    ///
    /// Every create that is remembered was marked before `now.after()`.
    pub fn observe(&mut self, desired: &Desired, observed: &Observed, now: impl Into<Now>) {
        let now = now.into();
        self.listing_error = None;
        let listed = observed.by_name();
        let mut known: std::collections::BTreeMap<ImageName, ImageStatus> = self
            .images
            .drain(..)
            .map(|entry| (entry.image_name.clone(), entry))
            .collect();
        for image in desired {
            let mut entry = known
                .remove(&image.image_name)
                .unwrap_or_else(|| ImageStatus::new(image));
            entry.adopt(image);
            entry.look(
                listed
                    .get(image.image_name.as_str())
                    .map_or(&[][..], Vec::as_slice),
                now,
            );
            self.images.push(entry);
        }
        // A create outlives its manifest: until it has settled, a manifest that comes back must find it.
        for (name, mut entry) in known {
            entry.manifest = None;
            entry.look(
                listed.get(name.as_str()).map_or(&[][..], Vec::as_slice),
                now,
            );
            let settled = entry
                .missing_since
                .is_some_and(|since| now.before().duration_since(since) > GONE);
            if entry.create_requested_at.is_some() && entry.first_seen_at.is_none() && !settled {
                self.images.push(entry);
            }
        }
        self.images
            .sort_by(|a, b| (&a.name, &a.image_name).cmp(&(&b.name, &b.image_name)));
    }

    /// Notes that the step is about to be sent. This must be on disk before the call.
    pub fn mark(&mut self, step: &Step, now: Timestamp) {
        let Step::CreateImage(create) = step;
        if let Some(entry) = self.image_mut(&create.name) {
            let subject = entry.subject();
            entry.attempts = entry.attempts.saturating_add(1);
            entry.create_requested_at = Some(now);
            entry.source_image_id = Some(create.source_id.clone());
            entry.image_id = None;
            entry.first_seen_at = None;
            entry.missing_since = None;
            entry.next_retry_at = None;
            let revision = self.manifests.revision.clone();
            let run = self.run.as_ref().map(|run| run.id.clone());
            self.history.marked(subject, step, now, (revision, run));
        }
    }

    /// Notes how the marked step ended.
    pub fn record(&mut self, step: &Step, result: &Result<Receipt, ApiError>, now: Timestamp) {
        let Step::CreateImage(create) = step;
        self.history.recorded(step, result);
        let Some(entry) = self.image_mut(&create.name) else {
            return;
        };
        match result {
            Ok(receipt) => {
                entry.image_id = Some(receipt.image_id.clone());
                entry.last_error = None;
            }
            Err(error) => entry.fail(error, now),
        }
    }
}

impl ImageStatus {
    fn new(image: &DesiredImage) -> Self {
        Self {
            kind: image.subject.kind,
            name: image.subject.name.clone(),
            image_name: image.image_name.clone(),
            manifest: None,
            observed_digest: image.digest.clone(),
            image_id: None,
            source_image_id: None,
            group: Group::Waiting,
            due: None,
            conditions: Vec::new(),
            create_requested_at: None,
            first_seen_at: None,
            missing_since: None,
            attempts: 0,
            next_retry_at: None,
            last_error: None,
        }
    }

    /// Returns what it is about.
    pub fn subject(&self) -> Subject {
        Subject::new(self.kind, self.name.clone())
    }

    /// Makes the entry be about this manifest. A changed manifest starts with a clean record of failures; what is
    /// known of the image stays.
    fn adopt(&mut self, image: &DesiredImage) {
        self.kind = image.subject.kind;
        self.name = image.subject.name.clone();
        self.manifest = Some(image.place.to_string());
        if self.observed_digest != image.digest {
            self.observed_digest.clone_from(&image.digest);
            self.attempts = 0;
            self.next_retry_at = None;
            self.last_error = None;
        }
    }

    /// Takes in the images that a complete listing has under the name.
    fn look(&mut self, images: &[&ObservedImage], now: Now) {
        // A time to come was written under another clock; waiting for it could take forever.
        let latest = now.after_rounded_up();
        self.create_requested_at = self.create_requested_at.map(|mark| mark.min(latest));
        let Some(first) = images.first() else {
            // Not since the listing was begun: a process that was stopped in between may have asked much later.
            let since = self.missing_since.filter(|since| *since <= latest);
            self.missing_since = self.may_exist().then_some(since.unwrap_or(latest));
            return;
        };
        if !images
            .iter()
            .any(|image| Some(&image.id) == self.image_id.as_ref())
        {
            self.image_id = Some(first.id.clone());
        }
        self.first_seen_at.get_or_insert(now.after());
        self.missing_since = None;
        self.next_retry_at = None;
        self.last_error = None;
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

    fn fail(&mut self, error: &ApiError, now: Timestamp) {
        let repeated = self
            .last_error
            .as_ref()
            .filter(|last| last.kind == error.kind);
        let count = repeated.map_or(1, |last| last.count.saturating_add(1));
        let delay = match error.kind {
            FailureKind::OutcomeUnknown => {
                // The image exists and is never listed, or nobody ever learns what becomes of it: after the settle
                // window, ask no more than once an hour.
                let taken = error.code.as_deref() == Some(ALREADY_EXISTS);
                (taken || count >= UNKNOWN_TOO_OFTEN).then_some(retry::LONGEST)
            }
            FailureKind::Transient
            | FailureKind::SourceBusy
            | FailureKind::Blocked
            | FailureKind::Rejected => {
                // Refused before it had effect: nothing is on its way.
                self.create_requested_at = None;
                retry::delay(error.kind, count)
            }
        };
        self.next_retry_at = delay.and_then(|delay| now.checked_add(delay).ok());
        self.last_error = Some(LastError {
            kind: error.kind,
            reason: error.reason,
            code: error.code.clone(),
            message: error.message.clone(),
            request_id: error.request_id.clone(),
            at: now,
            count,
        });
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
