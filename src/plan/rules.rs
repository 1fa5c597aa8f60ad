//! The rules of the plan, in order: the first matching rule gives the image's answer.

use std::collections::{BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::answer::{Answer, Awaits, Blocked, Ready, Wait};
use super::drift::Drift;
use super::planned::{self, Plan, PlannedImage};
use super::source::{create_from, errors, ids, not_found, waits_for_declared};
use crate::cloud::retry;
use crate::cloud::{ALREADY_EXISTS, FailureKind};
use crate::model::image::{
    Desired, DesiredImage, ImageState, Observed, ObservedImage, Question, Source,
};
use crate::model::reason::Reason;
use crate::model::value::{ImageId, ImageName, is_account_id};
use crate::state::status::{ImageStatus, Status};
use crate::sys::clock::Now;

/// The longest that a build should take. AWS documents 45 minutes for a similar call. After about five times that, action is
/// required.
const BUILD_OVERDUE: SignedDuration = SignedDuration::from_hours(4);

/// How far the clock may be set back before a scheduled retry is ignored.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(5);

/// The most questions in one round: one call can name this many images.
const MAX_QUESTIONS: usize = 25;

/// Returns an answer for every desired image, in the order of `desired`.
pub(super) fn planned<'a>(
    desired: &'a Desired,
    observed: &Observed,
    status: &Status,
    settle: SignedDuration,
    now: Now,
) -> Plan<'a> {
    let images: Vec<&DesiredImage> = desired.iter().collect();
    let mut rules = Rules {
        desired,
        observed,
        listed: observed.by_name(),
        entries: status
            .images
            .iter()
            .map(|entry| (&entry.image_name, entry))
            .collect(),
        settle,
        now,
        answers: vec![None; images.len()],
    };
    // Declared sources come first: an image's answer depends on its source's answer.
    for &position in desired.sources_first() {
        let answer = images.get(position).map(|image| rules.answer(image));
        if let Some(slot) = rules.answers.get_mut(position) {
            *slot = answer;
        }
    }
    let answers = std::mem::take(&mut rules.answers).into_iter().flatten();
    let images: Vec<_> = desired
        .iter()
        .zip(answers)
        .map(|(desired, answer)| PlannedImage {
            desired,
            drift: rules.drift(desired),
            source: rules.source_of(&answer),
            answer,
        })
        .collect();
    let questions: BTreeSet<_> = images.iter().filter_map(question).collect();
    let is_open = |question: &Question| observed.answer(question).is_none();
    let questions = questions.into_iter().filter(is_open).take(MAX_QUESTIONS);
    Plan {
        questions: questions.collect(),
        images,
        listed: observed.len(),
    }
}

/// Returns a question that would improve the answer.
fn question(image: &PlannedImage<'_>) -> Option<Question> {
    let Source::ImageId(id) = &image.desired.source else {
        return None;
    };
    let is_unlisted = image.answer.reason() == Reason::SourceImageNotFound;
    // The service itself refused the create for this reason, so there is no need to ask.
    let is_refused = matches!(&image.answer, Answer::Blocked(blocked) if blocked.until.is_some());
    (is_unlisted && !is_refused).then(|| Question::IsShared(id.clone()))
}

struct Rules<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    listed: HashMap<&'a str, Vec<&'a ObservedImage>>,
    entries: HashMap<&'a ImageName, &'a ImageStatus>,
    settle: SignedDuration,
    now: Now,
    /// By position in `desired`. A declared source is answered before the image created from it.
    answers: Vec<Option<Answer>>,
}

impl<'a> Rules<'a> {
    fn answer(&self, image: &DesiredImage) -> Answer {
        if image.suspend {
            return Answer::wait(
                Reason::Suspended,
                Awaits::Change,
                "suspended in its manifest",
            );
        }
        let entry = self.entries.get(&image.image_name).copied();
        match self.images_named(image.image_name.as_str()) {
            [found] => self.listed(found, entry),
            [] => self.missing(image, entry),
            several => Answer::blocked(
                Reason::NameConflict,
                format!(
                    "{} images are named {}: {}. Delete or rename all but one",
                    several.len(),
                    image.image_name,
                    ids(several)
                ),
            ),
        }
    }

    /// Returns the images with this name.
    fn images_named(&self, name: &str) -> &[&'a ObservedImage] {
        self.listed.get(name).map_or(&[], Vec::as_slice)
    }

    /// Rows 3 to 6: one image has the name.
    fn listed(&self, found: &ObservedImage, entry: Option<&ImageStatus>) -> Answer {
        let id = &found.id;
        match &found.state {
            ImageState::Available => Answer::Ready(Ready {
                image_id: id.clone(),
            }),
            ImageState::Pending => {
                let since = found.created.or_else(|| entry.and_then(build_began));
                let overdue = since
                    .is_some_and(|since| self.now.before().duration_since(since) > BUILD_OVERDUE);
                if overdue {
                    return Answer::Blocked(Blocked {
                        reason: Reason::BuildOverdue,
                        message: format!(
                            "{id} has been PENDING for more than 4 h. Check the image in the console, or contact AWS Support"
                        ),
                        since,
                        until: None,
                    });
                }
                Answer::Wait(Wait {
                    reason: Reason::Building,
                    message: format!("{id} is PENDING"),
                    awaits: Awaits::Build,
                    since,
                    until: None,
                })
            }
            ImageState::Error => {
                let why = match errors(found) {
                    Some(errors) => format!("{id} is in state ERROR: {errors}"),
                    None => format!("{id} is in state ERROR"),
                };
                Answer::blocked(
                    Reason::BuildFailed,
                    format!(
                        "{why}. repave does not replace it. Delete the image, or declare another imageName"
                    ),
                )
            }
            ImageState::Unknown(state) => Answer::wait(
                Reason::UnknownImageState,
                Awaits::Build,
                if state.is_empty() {
                    format!("{id} is listed without a state")
                } else {
                    format!("{id} is in state {state}, which this version does not know")
                },
            ),
        }
    }

    /// Rows 7 to 14: no image has the name.
    fn missing(&self, image: &DesiredImage, entry: Option<&ImageStatus>) -> Answer {
        if let Some(wait) = entry.and_then(|entry| self.awaiting_listing(entry)) {
            return Answer::Wait(wait);
        }
        if let Some(answer) = entry.and_then(|entry| self.retry_scheduled(image, entry)) {
            return answer;
        }
        match self.source(&image.source) {
            Ok(source) => create_from(image, source),
            Err(wait) => wait,
        }
    }

    /// Row 7: the image may exist although this listing does not show it.
    fn awaiting_listing(&self, entry: &ImageStatus) -> Option<Wait> {
        if !entry.may_exist() {
            return None;
        }
        // A create that was marked after the listing cannot be in it: its window begins with the mark at the earliest. A
        // time in the future was written under another clock.
        let latest = self.now.after_rounded_up();
        let since = entry
            .missing_since
            .or(entry.create_requested_at)
            .filter(|since| *since <= latest)
            .unwrap_or(latest);
        let until = since.saturating_add(self.settle).unwrap_or(Timestamp::MAX);
        if until <= self.now.before() {
            return None;
        }
        let (message, awaits) = match (&entry.image_id, entry.is_accepted()) {
            (Some(id), true) => (format!("accepted as {id}, not listed yet"), Awaits::Build),
            (Some(id), false) => (
                format!("{id} was listed before and is missing now"),
                Awaits::Time,
            ),
            (None, _) => {
                let why = entry
                    .last_error
                    .as_ref()
                    .map(|error| format!(" ({})", error.message));
                let why = why.unwrap_or_default();
                (
                    format!("a create was sent, and its result is unknown{why}; not listed yet"),
                    Awaits::Time,
                )
            }
        };
        Some(Wait {
            reason: Reason::AwaitingListing,
            message,
            awaits,
            since: Some(since),
            until: Some(until),
        })
    }

    /// Row 8: the last create of this manifest failed, and the retry is not due yet.
    fn retry_scheduled(&self, image: &DesiredImage, entry: &ImageStatus) -> Option<Answer> {
        let until = entry
            .next_retry_at
            .filter(|until| *until > self.now.before())?;
        // A time beyond the longest delay was written under another clock. A clock that was set back a little is accepted.
        let longest = SignedDuration::try_from(retry::LONGEST).unwrap_or(SignedDuration::MAX);
        if until.duration_since(self.now.after()) > longest.saturating_add(CLOCK_SLACK) {
            return None;
        }
        let error = entry.last_error.as_ref()?;
        if entry.observed_digest != image.digest {
            return None;
        }
        let blocked = |reason, message| {
            Some(Answer::Blocked(Blocked {
                reason,
                message,
                since: Some(error.at),
                until: Some(until),
            }))
        };
        match error.kind {
            FailureKind::OutcomeUnknown if error.code.as_deref() == Some(ALREADY_EXISTS) => {
                blocked(
                    Reason::NameConflict,
                    "AWS says that the name is taken, but lists no image with this name. \
                 Declare another imageName"
                        .to_owned(),
                )
            }
            FailureKind::OutcomeUnknown => blocked(
                error.reason,
                format!(
                    "{} creates in a row had an unknown result, and no image is listed: {}",
                    error.count, error.message
                ),
            ),
            FailureKind::Blocked | FailureKind::Rejected => {
                blocked(error.reason, error.message.clone())
            }
            FailureKind::Transient | FailureKind::SourceBusy => Some(Answer::Wait(Wait {
                reason: Reason::RetryScheduled,
                message: format!("{}: {}", error.reason, error.message),
                awaits: Awaits::Time,
                since: Some(error.at),
                until: Some(until),
            })),
        }
    }

    /// Compares the image with its manifest: an image that is listed under its name alone, or that is not listed yet.
    fn drift(&self, image: &DesiredImage) -> Drift {
        let entry = self.entries.get(&image.image_name).copied();
        let source = match &image.source {
            Source::ImageId(id) => Some(id.as_str()),
            Source::ImageName(name) => match self.images_named(name.as_str()) {
                [source] => Some(source.id.as_str()),
                [] | [_, ..] => None,
            },
        };
        match (self.images_named(image.image_name.as_str()), entry) {
            ([listed], entry) => Drift::of_listed(image, listed, entry, source),
            ([], Some(entry)) if self.awaiting_listing(entry).is_some() => {
                Drift::of_unlisted(image, entry, source)
            }
            ([] | [_, ..], _) => Drift::default(),
        }
    }

    /// Returns the source of a due create.
    fn source_of(&self, answer: &Answer) -> Option<planned::Source> {
        let source = self.observed.by_id(answer.step()?.from())?;
        Some(planned::Source {
            name: source.name.clone(),
            update: source.update.clone(),
        })
    }

    /// Row 9: the source image is not among the account's images.
    fn source_not_listed(&self, id: &ImageId) -> Answer {
        let message = match self.observed.answer(&Question::IsShared(id.clone())) {
            None => return not_found(&format!("source {id}")),
            Some([]) => format!(
                "source {id} is not an image in this Region that the account owns or that is shared with it"
            ),
            Some([image, ..]) => {
                let owner = match &image.owner {
                    Some(owner) if is_account_id(owner) => format!("account {owner}"),
                    Some(_) | None => "another account".to_owned(),
                };
                format!(
                    "source {id} is a shared image of {owner}. Copy the image into this account and use the copy as the source"
                )
            }
        };
        Answer::blocked(Reason::SourceImageNotFound, message)
    }

    /// Returns the source image, or the answer without it: rows 9 and the second half of 11.
    fn source(&self, source: &Source) -> Result<&ObservedImage, Answer> {
        let name = match source {
            Source::ImageId(id) => {
                return self
                    .observed
                    .by_id(id.as_str())
                    .ok_or_else(|| self.source_not_listed(id));
            }
            Source::ImageName(name) => name,
        };
        let declared = self
            .desired
            .position(name)
            .and_then(|at| self.answers.get(at)?.as_ref());
        match (self.images_named(name.as_str()), declared) {
            // A build that requires action also blocks the images created from it.
            ([_], Some(answer @ Answer::Blocked(blocked)))
                if blocked.reason == Reason::BuildOverdue =>
            {
                Err(waits_for_declared(name.as_str(), answer))
            }
            ([found], _) => Ok(found),
            ([], Some(answer)) => Err(waits_for_declared(name.as_str(), answer)),
            ([], None) => Err(not_found(&format!("source {name}"))),
            (several, _) => Err(Answer::blocked(
                Reason::SourceImageAmbiguous,
                format!(
                    "{} images are named {name}, like the source: {}. Set the source's imageId instead",
                    several.len(),
                    ids(several)
                ),
            )),
        }
    }
}

/// Returns when the build of a listed image began, if the status has it.
fn build_began(entry: &ImageStatus) -> Option<Timestamp> {
    entry.create_requested_at.or(entry.first_seen_at)
}
