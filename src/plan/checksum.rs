//! The checksum of what a plan would do, so that what a person approved is what is carried out, or nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::answer::Answer;
use super::planned::Plan;
use crate::cloud::Step;
use crate::sys::digest::sha256;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Steps<'a> {
    region: &'a str,
    simulated: bool,
    creates: Vec<Create<'a>>,
}

/// Fields in the order of their names, so that the text is canonical.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Create<'a> {
    digest: &'a str,
    image_name: &'a str,
    name: &'a str,
    source_image_id: &'a str,
}

/// Returns the checksum of the plan's creates: their manifests' content, the images' names, the sources' ids, the Region. An
/// image id belongs to one account, so the sources name the account too.
///
/// What waits, and for what, is no part of it: a build that ended since changes nothing of what was approved.
pub fn checksum(plan: &Plan<'_>, region: &str, simulated: bool) -> String {
    checksum_before(plan, region, simulated, &BTreeMap::new())
}

/// Returns the checksum that the plan would have, had not an earlier run made these images already, each from its source:
/// they count as creates, if they are there, come by themselves, or wait for another try.
pub fn checksum_before(
    plan: &Plan<'_>,
    region: &str,
    simulated: bool,
    made: &BTreeMap<String, String>,
) -> String {
    let creates = plan.images.iter().filter_map(|image| {
        let name = image.desired.image_name.as_str();
        let source_image_id = match &image.answer {
            Answer::Do(Step::CreateImage(create)) => &create.source_id,
            Answer::Ready(_) => made.get(name)?,
            answer @ (Answer::Wait(_) | Answer::Blocked(_)) => {
                made.get(name).filter(|_| answer.passing(true).is_some())?
            }
        };
        Some(Create {
            digest: &image.desired.digest,
            image_name: name,
            name: image.desired.subject.name.as_str(),
            source_image_id,
        })
    });
    let steps = Steps {
        region,
        simulated,
        creates: creates.collect(),
    };
    // Texts in structs: there is nothing that could fail, and an empty text's digest would equal no plan's.
    sha256(&serde_json::to_vec(&steps).unwrap_or_default())
}
