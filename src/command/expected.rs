//! `--expect-plan`: reads the approved plan.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;

use crate::cli::ExpectPlan;
use crate::cloud::Verb;
use crate::plan::Approved;
use crate::sys::files::read_limited;

/// The largest file that is read: about 100,000 images.
const MAX_PLAN: u64 = 64 * 1024 * 1024;

/// The fields of `plan -o json` that are read here.
#[derive(Deserialize)]
struct Document {
    kind: String,
    checksum: Option<String>,
    /// What narrows the items.
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    items: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    step: Option<Step>,
}

#[derive(Deserialize)]
struct Step {
    verb: Verb,
    from: String,
    to: String,
}

/// Returns the plan of the checksum, or of the file.
pub(super) fn approved(
    given: &ExpectPlan,
    region: &str,
    simulated: bool,
) -> Result<Approved, String> {
    let (checksum, creates) = match given {
        ExpectPlan::Checksum(checksum) => (checksum.clone(), None),
        ExpectPlan::File(path) => {
            let (checksum, creates) =
                read(path).map_err(|why| format!("--expect-plan: {}: {why}", path.display()))?;
            (checksum, Some(creates))
        }
    };
    Ok(Approved::new(checksum, creates, region, simulated))
}

fn read(path: &Path) -> Result<(String, BTreeSet<(String, String)>), String> {
    let bytes = read_limited(path, MAX_PLAN).map_err(|error| {
        format!("{error}. Use a checksum of 64 hexadecimal digits, or the file of plan --json-into")
    })?;
    let document: Document = serde_json::from_slice(&bytes)
        .map_err(|error| format!("not the JSON of a plan: {error}"))?;
    let checksum = match (document.kind.as_str(), document.checksum) {
        ("Plan", Some(checksum)) => crate::sys::digest::parse(&checksum),
        _ => None,
    };
    let checksum =
        checksum.ok_or("not a file of plan --json-into: it has no checksum of a plan")?;
    if !document.names.is_empty() {
        return Err(
            "the file has only the images of a NAME. Run repave plan --json-into without NAME"
                .into(),
        );
    }
    let steps = document.items.into_iter().filter_map(|row| row.step);
    let creates = steps
        .filter(|step| step.verb == Verb::Create)
        .map(|step| (step.to, step.from))
        .collect();
    Ok((checksum, creates))
}
