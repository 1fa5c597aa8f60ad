//! A plan: an answer for every desired image, and questions that would improve the answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::Serialize;

use super::answer::Answer;
use super::drift::Drift;
use crate::cloud::{Step, Verb};
use crate::model::group::Group;
use crate::model::image::{DesiredImage, Question};
use crate::model::reason::Reason;
use crate::state::status::{ConditionStatus, ConditionType, Status};

/// An answer for every desired image, in the order of the manifests' names.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan<'a> {
    pub images: Vec<PlannedImage<'a>>,
    /// Questions to the service before the plan is carried out. A missing answer does not change the steps.
    pub questions: BTreeSet<Question>,
    /// The number of images that the account has in the Region.
    pub listed: usize,
}

/// The answer for one image.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedImage<'a> {
    pub desired: &'a DesiredImage,
    pub answer: Answer,
    /// The source of a due create, as listed.
    pub source: Option<ListedSource>,
    /// How the image differs from its manifest. It changes neither the answer nor the plan's checksum.
    pub drift: Drift,
}

/// What users recognize a source by, besides its id. AWS reports both texts, so they are not escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSource {
    pub name: Option<String>,
    /// What the update of the source brings.
    pub update: Option<String>,
}

impl PlannedImage<'_> {
    /// Returns the step to take, if one is due.
    pub fn step(&self) -> Option<&Step> {
        self.answer.step()
    }
}

/// The number of images in each group, and of due steps of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    pub due: usize,
    pub building: usize,
    pub waiting: usize,
    pub blocked: usize,
    pub ready: usize,
    /// The number of due creates.
    pub create: usize,
    /// The number of images, of any group, that differ from their manifests.
    pub drifted: usize,
}

impl Totals {
    pub fn add(&mut self, group: Group, verb: Option<Verb>, is_drifted: bool) {
        self.drifted += usize::from(is_drifted);
        *match group {
            Group::Due => &mut self.due,
            Group::Building => &mut self.building,
            Group::Waiting => &mut self.waiting,
            Group::Blocked => &mut self.blocked,
            Group::Ready => &mut self.ready,
        } += 1;
        match verb {
            Some(Verb::Create) => self.create += 1,
            None => {}
        }
    }
}

impl Plan<'_> {
    /// Counts the answers by group and verb.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for image in &self.images {
            let is_drifted = !image.drift.differences.is_empty();
            totals.add(
                image.answer.group(),
                image.step().map(Step::verb),
                is_drifted,
            );
        }
        totals
    }

    /// Returns whether two plans have the same answers and differences.
    pub(crate) fn is_same_as(&self, other: &Plan<'_>) -> bool {
        let answers = self
            .images
            .iter()
            .map(|image| (&image.answer, &image.drift));
        answers.eq(other
            .images
            .iter()
            .map(|image| (&image.answer, &image.drift)))
    }

    /// Writes the answers' groups and conditions into the status.
    pub fn write_conditions(&self, status: &mut Status, now: Timestamp) {
        let images: BTreeMap<_, _> = self
            .images
            .iter()
            .map(|image| (&image.desired.image_name, image))
            .collect();
        for entry in &mut status.images {
            if let Some(PlannedImage {
                desired: _,
                answer,
                source: _,
                drift,
            }) = images.get(&entry.image_name)
            {
                entry.group = answer.group();
                entry.due = answer.step().map(Step::verb);
                entry.drift.clone_from(&drift.differences);
                let conditions = answer.conditions().into_iter().chain(drift.conditions());
                entry.set_conditions(conditions, now);
            } else {
                entry.drift.clear();
                entry.group = Group::Waiting;
                entry.due = None;
                // Of an image that was listed there is nothing to report: it stays as it is.
                let in_flight = !entry.is_memory_only();
                entry.set_conditions(in_flight.then(gone_with_a_create_in_flight), now);
            }
        }
    }
}

/// Returns the condition of an entry whose manifest is gone while its create is unresolved.
fn gone_with_a_create_in_flight() -> (ConditionType, ConditionStatus, Reason, String) {
    (
        ConditionType::Ready,
        ConditionStatus::Unknown,
        Reason::AwaitingListing,
        "the manifest is gone, and the result of its create is not known yet".to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use crate::plan::samples::{building, desired, plan, ready};

    #[test]
    fn plans_are_the_same_only_if_every_answer_is() {
        let desired = desired(&["a", "b"]);
        let of = |one, other| plan(&desired, [one, other]);
        assert!(of(ready(), building()).is_same_as(&of(ready(), building())));
        assert!(!of(ready(), building()).is_same_as(&of(ready(), ready())));
        assert!(!of(building(), ready()).is_same_as(&of(ready(), ready())));
        assert!(!of(building(), ready()).is_same_as(&of(ready(), building())));
    }
}
