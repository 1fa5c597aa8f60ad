//! What is to be done: the pure function from desired, observed, status and now to an answer for every image.
//!
//! It decides and nothing else: no call, no clock, no file. Whoever carries a plan out makes no choices.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::model::image::{Desired, DesiredImage, Observed};
use crate::model::reason::Reason;
use crate::state::status::{ConditionStatus, ConditionType, Status};
use crate::sys::clock::Now;

mod attempt;
mod checksum;
mod rules;

pub use attempt::Attempt;

/// An answer for every desired image, in the order of the manifests' names.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan<'a> {
    /// The answers.
    pub images: Vec<PlannedImage<'a>>,
}

/// The answer for one image.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedImage<'a> {
    /// The image.
    pub desired: &'a DesiredImage,
    /// What is to be done for it.
    pub answer: Answer,
}

/// What is to be done for an image: a step, nothing any more, or waiting with a reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Ask the service for the image.
    Create {
        /// The id of the source to make it from.
        source_id: String,
    },
    /// It is there and AVAILABLE.
    Ready {
        /// Its id.
        image_id: String,
    },
    /// Not now.
    Wait(Wait),
}

/// Why nothing is done for an image now, and what ends that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// Why.
    pub reason: Reason,
    /// Why, in words that stay the same while nothing changes. Texts of the service's are not escaped in it.
    pub message: String,
    /// What must happen for it to go on.
    pub needs: Needs,
    /// Set when a person is needed: the reason why.
    pub stalled: Option<Reason>,
    /// Since when it has been so, if known.
    pub since: Option<Timestamp>,
    /// When repave acts by itself, if that is known.
    pub until: Option<Timestamp>,
}

/// What must happen for a wait to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Needs {
    /// Time: a create is owed and comes by itself.
    Time,
    /// The service finishes building the image.
    Build,
    /// Someone changes something: the manifest, the account, permissions.
    Person,
    /// Nothing is owed: it was declared so.
    Nothing,
}

/// How many images have which answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// To be created.
    pub create: usize,
    /// Being built.
    pub building: usize,
    /// Waiting for time, or for nothing.
    pub waiting: usize,
    /// Waiting for a person.
    pub blocked: usize,
    /// Ready.
    pub ready: usize,
}

impl Plan<'_> {
    /// The checksum of what the plan would do there: the same steps give the same one, whatever else waits.
    pub fn checksum(&self, region: &str, simulated: bool) -> String {
        checksum::of(self, region, simulated, &BTreeMap::new())
    }

    /// The checksum that the plan would have, had not an earlier run made these images already, each from its source.
    pub fn checksum_before(
        &self,
        region: &str,
        simulated: bool,
        made: &BTreeMap<String, String>,
    ) -> String {
        checksum::of(self, region, simulated, made)
    }

    /// Counts the answers.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for image in &self.images {
            *match &image.answer {
                Answer::Create { .. } => &mut totals.create,
                Answer::Ready { .. } => &mut totals.ready,
                Answer::Wait(wait) if wait.stalled.is_some() => &mut totals.blocked,
                Answer::Wait(wait) => match wait.needs {
                    Needs::Build => &mut totals.building,
                    Needs::Person => &mut totals.blocked,
                    Needs::Time | Needs::Nothing => &mut totals.waiting,
                },
            } += 1;
        }
        totals
    }

    /// Writes the conditions that the answers amount to into the status.
    pub fn describe(&self, status: &mut Status, now: Timestamp) {
        let answers: BTreeMap<_, _> = self
            .images
            .iter()
            .map(|image| (&image.desired.image_name, &image.answer))
            .collect();
        for entry in &mut status.images {
            match answers.get(&entry.image_name) {
                Some(answer) => entry.set_conditions(answer.conditions(), now),
                None => entry.set_conditions(gone_with_a_create_in_flight(), now),
            }
        }
    }
}

/// The conditions of an entry whose manifest is gone while its create has not settled.
fn gone_with_a_create_in_flight() -> Vec<(ConditionType, ConditionStatus, Reason, String)> {
    let message =
        "its manifest is gone; the create that was sent has not been seen to end".to_owned();
    vec![(
        ConditionType::Ready,
        ConditionStatus::Unknown,
        Reason::Settling,
        message,
    )]
}

impl Answer {
    fn conditions(&self) -> Vec<(ConditionType, ConditionStatus, Reason, String)> {
        use ConditionStatus::{False, True, Unknown};
        use ConditionType::{Ready, Reconciling, Stalled};
        match self {
            Self::Ready { image_id } => {
                vec![(
                    Ready,
                    True,
                    Reason::Available,
                    format!("{image_id} is AVAILABLE"),
                )]
            }
            Self::Create { source_id } => {
                let message = format!("missing; to be created from {source_id}");
                vec![
                    (Ready, False, Reason::Missing, message.clone()),
                    (Reconciling, True, Reason::Missing, message),
                ]
            }
            Self::Wait(wait) => {
                let ready = if wait.reason == Reason::Suspended {
                    Unknown
                } else {
                    False
                };
                let mut conditions = vec![(Ready, ready, wait.reason, wait.message.clone())];
                if let Some(reason) = wait.stalled {
                    conditions.push((Stalled, True, reason, wait.message.clone()));
                } else if matches!(wait.needs, Needs::Time | Needs::Build) {
                    conditions.push((Reconciling, True, wait.reason, wait.message.clone()));
                }
                conditions
            }
        }
    }

    fn wait(reason: Reason, needs: Needs, message: impl Into<String>) -> Self {
        Self::Wait(Wait {
            reason,
            message: message.into(),
            needs,
            stalled: (needs == Needs::Person).then_some(reason),
            since: None,
            until: None,
        })
    }

    fn blocked(reason: Reason, message: impl Into<String>) -> Self {
        Self::wait(reason, Needs::Person, message)
    }
}

/// Answers for every desired image; the first rule that matches wins (docs/plan.md has the table).
///
/// `status` must have taken in the same listing ([`Status::observe`]); `settle` is the settle window. Whatever is waited for
/// must have ended before the listing was begun, and nothing in `status` was written later than `now.after()`.
pub fn plan<'a>(
    desired: &'a Desired,
    observed: &Observed,
    status: &Status,
    settle: SignedDuration,
    now: impl Into<Now>,
) -> Plan<'a> {
    let answers = rules::answers(desired, observed, status, settle, now.into());
    let images = desired.iter().zip(answers);
    Plan {
        images: images
            .map(|(desired, answer)| PlannedImage { desired, answer })
            .collect(),
    }
}

#[cfg(test)]
pub(crate) mod samples {
    //! Plans in a few words, for tests of what reads plans.

    use super::{Answer, Needs, Plan, PlannedImage, Wait};
    use crate::model::image::{CreateWhen, Desired, DesiredImage, Place, Source};
    use crate::model::reason::Reason;
    use crate::model::value::{Description, ImageId, ImageName, ManifestName, Tags};

    /// Manifests of these names, for images of the same names.
    pub(crate) fn desired(names: &[&str]) -> Desired {
        let images = names.iter().map(|name| DesiredImage {
            name: ManifestName::parse(*name).unwrap(),
            image_name: ImageName::parse(*name).unwrap(),
            source: Source::ImageId(ImageId::parse("wsi-gold00000").unwrap()),
            description: Description::parse("d").unwrap(),
            tags: Tags::default(),
            create_when: CreateWhen::Always,
            suspend: false,
            place: Place {
                file: "a.yaml".into(),
                document: 1,
            },
            digest: "sha256:1".into(),
        });
        Desired::new(images.collect()).unwrap()
    }

    /// A plan with these answers, in the order of the names.
    pub(crate) fn plan(desired: &Desired, answers: impl IntoIterator<Item = Answer>) -> Plan<'_> {
        let mut answers = answers.into_iter();
        let images: Vec<_> = desired
            .iter()
            .zip(&mut answers)
            .map(|(desired, answer)| PlannedImage { desired, answer })
            .collect();
        assert_eq!(images.len(), desired.len());
        assert_eq!(answers.next(), None);
        Plan { images }
    }

    pub(crate) fn create(source: &str) -> Answer {
        Answer::Create {
            source_id: source.into(),
        }
    }

    pub(crate) fn ready() -> Answer {
        Answer::Ready {
            image_id: "wsi-1".into(),
        }
    }

    /// A wait for this, with no one needed unless it is for a person.
    pub(crate) fn wait(reason: Reason, needs: Needs) -> Wait {
        match Answer::wait(reason, needs, "so it is") {
            Answer::Wait(wait) => wait,
            Answer::Create { .. } | Answer::Ready { .. } => unreachable!(),
        }
    }

    pub(crate) fn building() -> Answer {
        Answer::Wait(wait(Reason::Building, Needs::Build))
    }

    pub(crate) fn overdue() -> Answer {
        Answer::Wait(Wait {
            stalled: Some(Reason::BuildOverdue),
            ..wait(Reason::Building, Needs::Build)
        })
    }

    /// Waits for someone to end this.
    pub(crate) fn blocked(reason: Reason) -> Answer {
        Answer::Wait(wait(reason, Needs::Person))
    }

    /// Waits until then to try again.
    pub(crate) fn retry_at(until: jiff::Timestamp) -> Answer {
        Answer::Wait(Wait {
            until: Some(until),
            ..wait(Reason::RetryScheduled, Needs::Time)
        })
    }
}
