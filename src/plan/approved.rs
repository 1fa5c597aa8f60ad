//! Compares a plan with the plan that was approved.

use std::collections::BTreeSet;

use super::answer::{Answer, Awaits};
use super::checksum::{checksum, checksum_before};
use super::planned::Plan;
use crate::cloud::Step;
use crate::sys::words::first;

/// The most steps that an error names.
const MAX_NAMED: usize = 20;

/// The approved plan, and what it allows.
#[derive(Debug)]
pub(crate) struct Approved {
    checksum: String,
    /// The approved creates with their sources, if known.
    creates: Option<BTreeSet<(String, String)>>,
    region: String,
    simulated: bool,
    /// The images that later passes of the run may create. Set by the first pass.
    allowed: Option<BTreeSet<String>>,
}

impl Approved {
    /// Takes the approved plan's checksum, and its creates with their sources, if known.
    pub(crate) fn new(
        checksum: String,
        creates: Option<BTreeSet<(String, String)>>,
        region: &str,
        simulated: bool,
    ) -> Self {
        Self {
            checksum,
            creates,
            region: region.to_owned(),
            simulated,
            allowed: None,
        }
    }

    /// Accepts the first plan if it is the approved plan, or the part of the approved plan that an earlier run left. Accepts
    /// later plans if they create only images that the approved plan left to create. Otherwise returns what differs.
    pub(crate) fn review(&mut self, plan: &Plan<'_>) -> Result<(), String> {
        let steps = creates(plan);
        let Some(allowed) = &self.allowed else {
            let found = checksum(plan, &self.region, self.simulated);
            if found != self.checksum && !self.is_remainder(plan, &steps) {
                return Err(self.differs(&steps, &found));
            }
            self.allowed = Some(left_to_create(plan));
            return Ok(());
        };
        let foreign: Vec<String> = steps
            .iter()
            .filter(|step| !allowed.contains(&step.0) || self.has_another_source(step))
            .map(|(name, source)| format!("create {name} from {source}"))
            .collect();
        if foreign.is_empty() {
            return Ok(());
        }
        Err(format!(
            "there are new changes that are not part of the approved plan: {}. Run repave plan again",
            list(foreign)
        ))
    }

    /// Returns whether the approved plan creates this image from another source. A source name can move to another image.
    fn has_another_source(&self, (name, source): &(String, String)) -> bool {
        let mut creates = self.creates.iter().flatten();
        creates.any(|(other, from)| other == name && from != source)
    }

    /// Returns whether the plan is the part of the approved plan that an earlier run left.
    fn is_remainder(&self, plan: &Plan<'_>, now: &BTreeSet<(String, String)>) -> bool {
        let Some(creates) = &self.creates else {
            return false;
        };
        let made = creates.difference(now).cloned().collect();
        checksum_before(plan, &self.region, self.simulated, &made) == self.checksum
    }

    fn differs(&self, now: &BTreeSet<(String, String)>, checksum: &str) -> String {
        let what = match &self.creates {
            Some(before) => {
                let words = |verb: &str, steps: &mut dyn Iterator<Item = &(String, String)>| {
                    steps
                        .map(|(name, source)| format!("{verb} {name} from {source}"))
                        .collect::<Vec<_>>()
                };
                let mut changes = words("it no longer creates", &mut before.difference(now));
                changes.extend(words("it now creates", &mut now.difference(before)));
                if changes.is_empty() {
                    "the images and sources are the same, but a manifest, the Region, or the use of a simulated account differs".to_owned()
                } else {
                    list(changes)
                }
            }
            None if now.is_empty() => "the plan now creates nothing".to_owned(),
            None => {
                let steps = now
                    .iter()
                    .map(|(name, source)| format!("{name} from {source}"));
                format!("the plan now creates {}", list(steps.collect()))
            }
        };
        format!(
            "the plan differs from the approved plan, so nothing was created: {what}. Expected checksum {}, found {checksum}. Run repave plan again and have the new plan approved",
            self.checksum
        )
    }
}

fn creates(plan: &Plan<'_>) -> BTreeSet<(String, String)> {
    let steps = plan.images.iter().filter_map(|image| image.step());
    steps
        .map(|Step::CreateImage(create)| (create.name.to_string(), create.source_id.clone()))
        .collect()
}

/// Returns the images that the plan creates now or later.
fn left_to_create(plan: &Plan<'_>) -> BTreeSet<String> {
    let is_left = |answer: &Answer| {
        let awaits = answer.temporary_wait(false).map(|wait| wait.awaits);
        answer.step().is_some() || awaits == Some(Awaits::Time)
    };
    plan.images
        .iter()
        .filter(|image| is_left(&image.answer))
        .map(|image| image.desired.image_name.to_string())
        .collect()
}

fn list(steps: Vec<String>) -> String {
    first(MAX_NAMED, steps.into_iter()).join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reason::Reason;
    use crate::plan::samples::{blocked, building, create, desired, plan, ready, wait};

    fn waits_for_a_retry() -> Answer {
        Answer::Wait(wait(Reason::RetryScheduled, Awaits::Time))
    }

    fn approving(approved: &Plan<'_>) -> Approved {
        Approved {
            checksum: checksum(approved, "eu-west-1", false),
            creates: Some(creates(approved)),
            region: "eu-west-1".into(),
            simulated: false,
            allowed: None,
        }
    }

    #[test]
    fn a_later_pass_creates_only_what_the_approved_plan_left_to_create() {
        let desired = desired(&["a", "b", "c", "d"]);
        let make = || create("wsi-gold00001");
        let quota = || blocked(Reason::QuotaExceeded);
        let first = plan(&desired, [make(), waits_for_a_retry(), building(), quota()]);
        for (later, foreign) in [
            ([ready(), ready(), ready(), quota()], vec![]),
            ([make(), make(), ready(), quota()], vec![]),
            ([ready(), make(), make(), quota()], vec!["c"]),
            ([make(), ready(), ready(), make()], vec!["d"]),
            ([make(), make(), make(), make()], vec!["c", "d"]),
        ] {
            let mut expected = approving(&first);
            expected.review(&first).unwrap();
            let reviewed = expected.review(&plan(&desired, later));
            let words: Vec<String> = foreign
                .iter()
                .map(|name| format!("create {name} from wsi-gold00001"))
                .collect();
            let error = reviewed.err().unwrap_or_default();
            assert_eq!(error.is_empty(), words.is_empty(), "{error}");
            assert!(error.contains(&words.join("; ")), "{error}");
            assert_eq!(error.matches("create ").count(), words.len(), "{error}");
        }
    }

    #[test]
    fn one_of_two_creates_from_another_source_is_refused() {
        let desired = desired(&["a", "b"]);
        let of = |a, b| plan(&desired, [create(a), create(b)]);
        let first = of("wsi-gold00001", "wsi-gold00002");
        for (a, b, foreign) in [
            ("wsi-gold00001", "wsi-gold00002", 0),
            ("wsi-gold00002", "wsi-gold00002", 1),
            ("wsi-gold00001", "wsi-gold00001", 1),
            ("wsi-gold00002", "wsi-gold00001", 2),
        ] {
            let mut expected = approving(&first);
            expected.review(&first).unwrap();
            let error = expected.review(&of(a, b)).err().unwrap_or_default();
            assert_eq!(error.matches("create ").count(), foreign, "{error}");
        }
    }

    #[test]
    fn an_error_names_a_limited_number_of_steps_and_counts_the_rest() {
        let steps = |count: usize| list((0..count).map(|n| n.to_string()).collect());
        assert!(steps(MAX_NAMED).ends_with("; 19"));
        assert!(steps(MAX_NAMED + 1).ends_with("; 19; and 1 more"));
        assert!(steps(MAX_NAMED + 2).ends_with("; 19; and 2 more"));
    }

    #[test]
    fn a_retry_is_part_of_the_plan_only_from_the_approved_source() {
        let desired = desired(&["a"]);
        let plan = |answer: Answer| plan(&desired, [answer]);
        let approved = plan(create("wsi-gold00001"));
        for (first, source, passes) in [
            (create("wsi-gold00001"), "wsi-gold00001", true),
            (create("wsi-gold00001"), "wsi-gold00002", false),
            // Started again after an earlier run's create was refused.
            (waits_for_a_retry(), "wsi-gold00001", true),
            (waits_for_a_retry(), "wsi-gold00002", false),
        ] {
            let mut expected = approving(&approved);
            expected.review(&plan(first)).unwrap();
            let later = expected.review(&plan(create(source)));
            assert_eq!(later.is_ok(), passes, "{later:?}");
        }
    }

    #[test]
    fn the_first_plan_is_the_approved_plan_or_its_remainder() {
        let desired = desired(&["a", "b"]);
        let of = |a, b| plan(&desired, [a, b]);
        let (one, two) = (|| create("wsi-gold00001"), || create("wsi-gold00002"));
        let whole = of(one(), one());
        let expecting = |is_known: bool| Approved {
            creates: is_known.then(|| creates(&whole)),
            ..approving(&whole)
        };
        // The first plan; the error if the approved creates are known, and if only their checksum is.
        for (first, known, unknown) in [
            (of(one(), one()), "", ""),
            (
                of(ready(), one()),
                "",
                "the plan now creates b from wsi-gold00001",
            ),
            (of(ready(), ready()), "", "the plan now creates nothing"),
            (
                of(two(), one()),
                "it no longer creates a from wsi-gold00001; it now creates a from wsi-gold00002",
                "the plan now creates a from wsi-gold00002; b from wsi-gold00001",
            ),
            (
                of(blocked(Reason::QuotaExceeded), one()),
                "it no longer creates a from wsi-gold00001",
                "the plan now creates b from wsi-gold00001",
            ),
        ] {
            for (is_known, says) in [(true, known), (false, unknown)] {
                let error = expecting(is_known).review(&first).err().unwrap_or_default();
                assert_eq!(error.is_empty(), says.is_empty(), "{error}");
                assert!(error.contains(says), "{error}");
            }
        }
    }
}
