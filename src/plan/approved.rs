//! A plan that somebody approved, and what of another plan is not it.

use std::collections::BTreeSet;

use super::answer::{Answer, Awaits};
use super::checksum::{checksum, checksum_before};
use super::planned::Plan;
use crate::cloud::Step;

/// The most steps that a refusal names.
const MAX_NAMED: usize = 20;

/// The plan that was approved, and once it came, what it allows.
#[derive(Debug)]
pub(crate) struct Approved {
    checksum: String,
    /// What the expected plan creates from which source, if it was given whole.
    creates: Option<BTreeSet<(String, String)>>,
    region: String,
    simulated: bool,
    /// The images that a later pass of the same run may create.
    allowed: Option<BTreeSet<String>>,
}

impl Approved {
    /// Takes the approved plan's checksum, and what it creates from which source, if that is known.
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

    /// Lets the first plan pass if it is the expected one or what an earlier run left of it, and later ones if they create nothing that it did not show as
    /// owed; else says what differs.
    pub(crate) fn review(&mut self, plan: &Plan<'_>) -> Result<(), String> {
        let steps = creates(plan);
        let Some(allowed) = &self.allowed else {
            let found = checksum(plan, &self.region, self.simulated);
            if found != self.checksum && !self.is_rest(plan, &steps) {
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
            "the expected plan was carried out, and since then there is more to do, which is no part of it: {}; plan again",
            named(foreign)
        ))
    }

    /// Tells whether the expected plan shows this create, and from another source: names of sources can change hands.
    fn has_another_source(&self, (name, source): &(String, String)) -> bool {
        let mut creates = self.creates.iter().flatten();
        creates.any(|(other, from)| other == name && from != source)
    }

    /// Tells whether the plan is what an earlier run left of the expected one.
    fn is_rest(&self, plan: &Plan<'_>, now: &BTreeSet<(String, String)>) -> bool {
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
                let mut changes = words("no longer create", &mut before.difference(now));
                changes.extend(words("now create", &mut now.difference(before)));
                if changes.is_empty() {
                    "the same images from the same sources, but a manifest, the Region or the account's kind differs".to_owned()
                } else {
                    named(changes)
                }
            }
            None if now.is_empty() => "now there is nothing to create".to_owned(),
            None => {
                let steps = now
                    .iter()
                    .map(|(name, source)| format!("{name} from {source}"));
                format!("now it is to create {}", named(steps.collect()))
            }
        };
        format!(
            "the plan is not the expected one, so nothing was created: {what}. Expected {}, now {checksum}; plan again and have it approved",
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

/// What the plan creates, or shows as coming by itself.
fn left_to_create(plan: &Plan<'_>) -> BTreeSet<String> {
    let is_left = |answer: &Answer| {
        let awaits = answer.passing(false).map(|wait| wait.awaits);
        answer.step().is_some() || awaits == Some(Awaits::Time)
    };
    plan.images
        .iter()
        .filter(|image| is_left(&image.answer))
        .map(|image| image.desired.image_name.to_string())
        .collect()
}

fn named(mut steps: Vec<String>) -> String {
    let more = steps.len().saturating_sub(MAX_NAMED);
    steps.truncate(MAX_NAMED);
    match more {
        0 => {}
        1 => steps.push("and 1 image more".into()),
        more => steps.push(format!("and {more} images more")),
    }
    steps.join("; ")
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
    fn a_later_pass_creates_only_what_was_approved_or_shown_as_coming() {
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
            let said = reviewed.err().unwrap_or_default();
            assert_eq!(said.is_empty(), words.is_empty(), "{said}");
            assert!(said.contains(&words.join("; ")), "{said}");
            assert_eq!(said.matches("create ").count(), words.len(), "{said}");
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
            let said = expected.review(&of(a, b)).err().unwrap_or_default();
            assert_eq!(said.matches("create ").count(), foreign, "{said}");
        }
    }

    #[test]
    fn a_refusal_names_so_many_steps_and_counts_the_rest() {
        let steps = |count: usize| named((0..count).map(|n| n.to_string()).collect());
        assert!(steps(MAX_NAMED).ends_with("; 19"));
        assert!(steps(MAX_NAMED + 1).ends_with("; 19; and 1 image more"));
        assert!(steps(MAX_NAMED + 2).ends_with("; 19; and 2 images more"));
    }

    #[test]
    fn a_later_try_is_part_of_the_plan_only_from_the_source_that_was_approved() {
        let desired = desired(&["a"]);
        let plan = |answer: Answer| plan(&desired, [answer]);
        let approved = plan(create("wsi-gold00001"));
        for (first, source, passes) in [
            (create("wsi-gold00001"), "wsi-gold00001", true),
            (create("wsi-gold00001"), "wsi-gold00002", false),
            // Started again after an earlier run was refused.
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
    fn only_the_approved_plan_or_its_rest_comes_first() {
        let desired = desired(&["a", "b"]);
        let of = |a, b| plan(&desired, [a, b]);
        let (one, two) = (|| create("wsi-gold00001"), || create("wsi-gold00002"));
        let whole = of(one(), one());
        let expecting = |is_known: bool| Approved {
            creates: is_known.then(|| creates(&whole)),
            ..approving(&whole)
        };
        // What comes first; what is said if the approved creates are known, and if only their checksum is.
        for (first, known, unknown) in [
            (of(one(), one()), "", ""),
            (
                of(ready(), one()),
                "",
                "now it is to create b from wsi-gold00001",
            ),
            (of(ready(), ready()), "", "now there is nothing to create"),
            (
                of(two(), one()),
                "no longer create a from wsi-gold00001; now create a from wsi-gold00002",
                "now it is to create a from wsi-gold00002; b from wsi-gold00001",
            ),
            (
                of(blocked(Reason::QuotaExceeded), one()),
                "no longer create a from wsi-gold00001",
                "now it is to create b from wsi-gold00001",
            ),
        ] {
            for (is_known, says) in [(true, known), (false, unknown)] {
                let said = expecting(is_known).review(&first).err().unwrap_or_default();
                assert_eq!(said.is_empty(), says.is_empty(), "{said}");
                assert!(said.contains(says), "{said}");
            }
        }
    }
}
