//! The checksum of a plan's steps: repave carries out the plan that was approved, or nothing.

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

/// The fields are in the order of their names, so the JSON is canonical.
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
/// Waits are not part of the checksum: a build that ends after the approval does not change it.
pub fn checksum(plan: &Plan<'_>, region: &str, simulated: bool) -> String {
    checksum_before(plan, region, simulated, &BTreeMap::new())
}

/// Returns the checksum that the plan had before an earlier run created the images in `made` (image name to source id). An
/// image in `made` counts as a create if it exists, or if its wait ends by itself.
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
            answer @ (Answer::Wait(_) | Answer::Blocked(_)) => made
                .get(name)
                .filter(|_| answer.temporary_wait(true).is_some())?,
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
    // Serializing strings cannot fail, and the digest of an empty text would not match any plan.
    sha256(&serde_json::to_vec(&steps).unwrap_or_default())
}
