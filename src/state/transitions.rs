//! How the status changes: after a listing, before a step, after a step. These functions are pure and decide nothing.

use jiff::{SignedDuration, Timestamp};

use super::status::{CreatedWith, ImageStatus, LastError, ListingError, Status};
use crate::cloud::{ALREADY_EXISTS, ApiError, FailureKind, Receipt, Step, retry};
use crate::model::group::Group;
use crate::model::image::{Desired, DesiredImage, Observed, ObservedImage};
use crate::model::value::ImageName;
use crate::sys::clock::Now;

/// How long to remember an image after its manifest is gone, or after it was listed last: longer than any request can take, and
/// longer than a listing can be late. A manifest that comes back before this time is over finds its image.
const MAX_UNRESOLVED: SignedDuration = SignedDuration::from_hours(24);

/// After this many creates in a row with an unknown result, action is required.
const MAX_UNKNOWN_RESULTS: u32 = 3;

/// How much the clock of AWS and this clock may differ before an image counts as older than a create.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

impl Status {
    /// Records that the account could not be listed. The images stay unchanged. A repeated failure keeps its first record.
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

    /// Applies a complete listing: one entry for each desired image, with what the listing says about the image.
    ///
    /// Every create in the status was marked before `now.after()`.
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
            entry.apply_listing(
                listed
                    .get(image.image_name.as_str())
                    .map_or(&[][..], Vec::as_slice),
                now,
            );
            self.images.push(entry);
        }
        // The memory outlives the manifest, which may come back or move to another file in a second commit.
        for (name, mut entry) in known {
            let images = listed.get(name.as_str()).map_or(&[][..], Vec::as_slice);
            entry.apply_listing(images, now);
            entry.withdraw(now);
            let since = entry.missing_since.or(entry.withdrawn_at);
            let is_over =
                since.is_some_and(|since| now.before().duration_since(since) > MAX_UNRESOLVED);
            if entry.may_exist() && !is_over {
                self.images.push(entry);
            }
        }
        self.images
            .sort_by(|a, b| (&a.name, &a.image_name).cmp(&(&b.name, &b.image_name)));
    }

    /// Records that the step is about to be sent. This must be on disk before the call.
    pub fn mark(&mut self, step: &Step, now: Timestamp) {
        let Step::CreateImage(create) = step;
        if let Some(entry) = self.image_mut(&create.name) {
            let subject = entry.subject();
            entry.attempts = entry.attempts.saturating_add(1);
            let is_open = entry.create_requested_at.is_some();
            let earlier = entry
                .created_with
                .take()
                .filter(|record| is_open && record.image_id.is_none());
            let differs = |earlier: CreatedWith| {
                earlier.after_other
                    || earlier.digest != entry.observed_digest
                    || earlier.source_image_id != create.source_id
            };
            let after_other = earlier.is_some_and(differs);
            entry.create_requested_at = Some(now);
            let tags = create.tags.iter();
            entry.created_with = Some(CreatedWith {
                image_id: None,
                after_other,
                at: now,
                digest: entry.observed_digest.clone(),
                source_image_id: create.source_id.clone(),
                description: create.description.to_string(),
                tags: tags
                    .map(|(key, value)| (key.to_string(), value.to_string()))
                    .collect(),
            });
            entry.image_id = None;
            entry.first_seen_at = None;
            entry.missing_since = None;
            entry.next_retry_at = None;
            let revision = self.manifests.revision.clone();
            let run = self.run.as_ref().map(|run| run.id.clone());
            self.history.marked(subject, step, now, (revision, run));
        }
    }

    /// Records the result of the marked step.
    pub fn record(&mut self, step: &Step, result: &Result<Receipt, ApiError>, now: Timestamp) {
        let Step::CreateImage(create) = step;
        self.history.recorded(step, result);
        let Some(entry) = self.image_mut(&create.name) else {
            return;
        };
        match result {
            Ok(receipt) => {
                entry.image_id = Some(receipt.image_id.clone());
                if let Some(record) = &mut entry.created_with {
                    record.image_id = Some(receipt.image_id.clone());
                }
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
            withdrawn_at: None,
            observed_digest: image.digest.clone(),
            image_id: None,
            created_with: None,
            drift: Vec::new(),
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

    /// Updates the entry to this manifest. A changed manifest clears the failures; what is known about the image stays.
    fn adopt(&mut self, image: &DesiredImage) {
        self.kind = image.subject.kind;
        self.name = image.subject.name.clone();
        self.manifest = Some(image.place.to_string());
        self.withdrawn_at = None;
        if self.observed_digest != image.digest {
            self.observed_digest.clone_from(&image.digest);
            self.attempts = 0;
            self.next_retry_at = None;
            self.last_error = None;
        }
    }

    /// Records that the image has no manifest.
    fn withdraw(&mut self, now: Now) {
        let latest = now.after_rounded_up();
        let since = self.withdrawn_at.unwrap_or(latest);
        self.withdrawn_at = Some(since.min(latest));
        self.manifest = None;
    }

    /// Applies the images with the entry's name from a complete listing.
    fn apply_listing(&mut self, images: &[&ObservedImage], now: Now) {
        // A time in the future was written under another clock; waiting for it could take forever.
        let latest = now.after_rounded_up();
        self.create_requested_at = self.create_requested_at.map(|mark| mark.min(latest));
        let Some(first) = images.first() else {
            // Not since the listing began: a process that was paused may have sent the request much later.
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
        self.attribute(images);
        self.first_seen_at.get_or_insert(now.after());
        self.missing_since = None;
        self.next_retry_at = None;
        self.last_error = None;
    }

    /// Attributes the only listed image to the last create if the create's result is unknown, unless the image is older than
    /// the create, the name was taken before, or an earlier create with other values can have made the image.
    fn attribute(&mut self, images: &[&ObservedImage]) {
        let code = self
            .last_error
            .as_ref()
            .and_then(|error| error.code.as_deref());
        let is_new = self.create_requested_at.is_some() && self.first_seen_at.is_none();
        let is_open = is_new && code != Some(ALREADY_EXISTS);
        let (Some(record), [image], true) = (&mut self.created_with, images, is_open) else {
            return;
        };
        let earliest = record
            .at
            .saturating_sub(CLOCKS_DIFFER)
            .unwrap_or(Timestamp::MIN);
        if record.image_id.is_none()
            && !record.after_other
            && image.created.is_none_or(|at| at >= earliest)
        {
            record.image_id = Some(image.id.clone());
        }
    }

    fn fail(&mut self, error: &ApiError, now: Timestamp) {
        let repeated = self
            .last_error
            .as_ref()
            .filter(|last| last.kind == error.kind);
        let count = repeated.map_or(1, |last| last.count.saturating_add(1));
        let delay = match error.kind {
            FailureKind::OutcomeUnknown => {
                // The image exists and is never listed, or its result stays unknown: after the settle window, send at
                // most one create per hour.
                let taken = error.code.as_deref() == Some(ALREADY_EXISTS);
                (taken || count >= MAX_UNKNOWN_RESULTS).then_some(retry::LONGEST)
            }
            FailureKind::Transient
            | FailureKind::SourceBusy
            | FailureKind::Blocked
            | FailureKind::Rejected => {
                // The create was refused, so no image is being built.
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
}
