//! The rules of the plan, in order: the first that matches answers for the image.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::answer::{Answer, Awaits, Blocked, Ready, Wait};
use super::planned::{Plan, PlannedImage};
use super::source::{errors, ids, made_from, not_found, waits_for_declared};
use crate::cloud::retry;
use crate::cloud::{ALREADY_EXISTS, FailureKind};
use crate::model::image::{
    Desired, DesiredImage, ImageState, Observed, ObservedImage, Question, Source,
};
use crate::model::reason::Reason;
use crate::model::value::{ImageId, ImageName, is_account_id};
use crate::state::status::{ImageStatus, Status};
use crate::sys::clock::Now;

/// The longest that a build is expected to take. AWS names 45 minutes for the sibling call; five times that is a case
/// for a person.
const BUILD_OVERDUE: SignedDuration = SignedDuration::from_hours(4);

/// How far a clock may be set back without a retry losing its time.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_mins(5);

/// The most images that one round of questions asks about: as many as one call names.
const MAX_QUESTIONS: usize = 25;

/// Answers for every desired image, in the order of `desired`.
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
    // Declared sources come first: what waits for one must know how that one fares.
    for &position in desired.sources_first() {
        let answer = images.get(position).map(|image| rules.answer(image));
        if let Some(slot) = rules.answers.get_mut(position) {
            *slot = answer;
        }
    }
    let answers = rules.answers.into_iter().flatten();
    let images: Vec<_> = desired
        .iter()
        .zip(answers)
        .map(|(desired, answer)| PlannedImage { desired, answer })
        .collect();
    let questions: BTreeSet<_> = images.iter().filter_map(question).collect();
    let is_open = |question: &Question| observed.answer(question).is_none();
    let questions = questions.into_iter().filter(is_open).take(MAX_QUESTIONS);
    Plan {
        questions: questions.collect(),
        images,
    }
}

/// What would make the answer say more.
fn question(image: &PlannedImage<'_>) -> Option<Question> {
    let Source::ImageId(id) = &image.desired.source else {
        return None;
    };
    let is_unlisted = image.answer.reason() == Reason::SourceImageNotFound;
    // A create that the service refused so waits for its next try.
    let is_refused = matches!(&image.answer, Answer::Blocked(blocked) if blocked.until.is_some());
    (is_unlisted && !is_refused).then(|| Question::IsShared(id.clone()))
}

struct Rules<'a> {
    desired: &'a Desired,
    observed: &'a Observed,
    listed: BTreeMap<&'a str, Vec<&'a ObservedImage>>,
    entries: BTreeMap<&'a ImageName, &'a ImageStatus>,
    settle: SignedDuration,
    now: Now,
    /// By position in `desired`; an image's declared source is answered before it.
    answers: Vec<Option<Answer>>,
}

impl<'a> Rules<'a> {
    fn answer(&self, image: &DesiredImage) -> Answer {
        if image.suspend {
            return Answer::wait(Reason::Suspended, Awaits::News, "suspended in its manifest");
        }
        let entry = self.entries.get(&image.image_name).copied();
        match self.bearing(image.image_name.as_str()) {
            [found] => self.listed(found, entry),
            [] => self.missing(image, entry),
            several => Answer::blocked(
                Reason::NameConflict,
                format!(
                    "{} images bear the name: {}; delete or rename all but one",
                    several.len(),
                    ids(several)
                ),
            ),
        }
    }

    /// The images that bear the name.
    fn bearing(&self, name: &str) -> &[&'a ObservedImage] {
        self.listed.get(name).map_or(&[], Vec::as_slice)
    }

    /// Rows 3 to 6: one image bears the name.
    fn listed(&self, found: &ObservedImage, entry: Option<&ImageStatus>) -> Answer {
        let id = &found.id;
        match &found.state {
            ImageState::Available => Answer::Ready(Ready {
                image_id: id.clone(),
            }),
            ImageState::Pending => {
                let since = found.created.or_else(|| entry.and_then(began));
                let overdue = since
                    .is_some_and(|since| self.now.before().duration_since(since) > BUILD_OVERDUE);
                if overdue {
                    return Answer::Blocked(Blocked {
                        reason: Reason::BuildOverdue,
                        message: format!(
                            "{id} has been PENDING for more than 4 h; look at it in the console or ask AWS Support"
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
                        "{why}. It is never replaced by itself: delete it, or declare another imageName"
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

    /// Rows 7 to 14: no image bears the name.
    fn missing(&self, image: &DesiredImage, entry: Option<&ImageStatus>) -> Answer {
        if let Some(wait) = entry.and_then(|entry| self.settling(entry)) {
            return Answer::Wait(wait);
        }
        if let Some(answer) = entry.and_then(|entry| self.retry_scheduled(image, entry)) {
            return answer;
        }
        match self.source(&image.source) {
            Ok(source) => made_from(image, source),
            Err(wait) => wait,
        }
    }

    /// Row 7: an image may exist that this listing does not show.
    fn settling(&self, entry: &ImageStatus) -> Option<Wait> {
        if !entry.may_exist() {
            return None;
        }
        // A create that was marked after the listing has not been looked for yet: its window begins with the mark at the
        // earliest. A time to come was written under another clock.
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
                    format!("a create was sent and its result is not known{why}; not listed yet"),
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

    /// Row 8: the last try failed, for this very manifest, and the next one is not due.
    fn retry_scheduled(&self, image: &DesiredImage, entry: &ImageStatus) -> Option<Answer> {
        let until = entry
            .next_retry_at
            .filter(|until| *until > self.now.before())?;
        // A time farther away than any schedule reaches was written under another clock; one that was set a little back
        // is none.
        let reach = SignedDuration::try_from(retry::LONGEST).unwrap_or(SignedDuration::MAX);
        if until.duration_since(self.now.after()) > reach.saturating_add(CLOCK_SLACK) {
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
            FailureKind::OutcomeUnknown if error.code.as_deref() == Some(ALREADY_EXISTS) => blocked(
                Reason::NameConflict,
                "the service says that the name is taken, but never lists an image that bears it; \
                 declare another imageName"
                    .to_owned(),
            ),
            FailureKind::OutcomeUnknown => blocked(
                error.reason,
                format!(
                    "{} creates in a row ended so, and no image is listed: {}",
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

    /// Row 9, by what is known of an image that the account does not own.
    fn unlisted(&self, id: &ImageId) -> Answer {
        let message = match self.observed.answer(&Question::IsShared(id.clone())) {
            None => return not_found(&format!("source {id}")),
            Some([]) => format!(
                "source {id} is not among the images in this Region that the account owns or that are shared with it"
            ),
            Some([image, ..]) => {
                let owner = match &image.owner {
                    Some(owner) if is_account_id(owner) => format!("account {owner}"),
                    Some(_) | None => "another account".to_owned(),
                };
                format!(
                    "source {id} is an image of {owner}, which shares it; copy it into this account and name the copy"
                )
            }
        };
        Answer::blocked(Reason::SourceImageNotFound, message)
    }

    /// The source's image, or why there is none to use: rows 9 and the second half of 11.
    fn source(&self, source: &Source) -> Result<&ObservedImage, Answer> {
        let name = match source {
            Source::ImageId(id) => {
                return self
                    .observed
                    .by_id(id.as_str())
                    .ok_or_else(|| self.unlisted(id));
            }
            Source::ImageName(name) => name,
        };
        let declared = self
            .desired
            .position(name)
            .and_then(|at| self.answers.get(at)?.as_ref());
        match (self.bearing(name.as_str()), declared) {
            // A build that needs action blocks what is made from it too.
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
                    "{} images bear the source's name {name}: {}; name the source by imageId",
                    several.len(),
                    ids(several)
                ),
            )),
        }
    }
}

/// When the build of a listed image began, as far as status knows.
fn began(entry: &ImageStatus) -> Option<Timestamp> {
    entry.create_requested_at.or(entry.first_seen_at)
}
