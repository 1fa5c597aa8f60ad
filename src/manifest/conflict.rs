//! Conflicts between manifests that are each valid, as problems.

use std::collections::BTreeMap;

use super::decode::Origin;
use super::problem::{Problem, Problems, Severity};
use super::read;
use super::span::{Span, lines};
use crate::model::image::Conflict;
use crate::model::value::{ImageName, ManifestName};
use crate::sys::escape::Escaped;

/// The names that only one manifest may have, and where it declares them.
pub(super) struct Claim {
    pub(super) name: ManifestName,
    pub(super) image_name: ImageName,
    /// The index of its file.
    pub(super) file: usize,
    /// From 1.
    pub(super) document: usize,
    pub(super) origin: Origin,
}

/// Most manifests of a circle that its problem lists.
const MAX_CIRCLE_SHOWN: usize = 10;

/// Returns a problem for each conflict, whose indexes are those of the claims.
pub(super) fn problems(
    conflicts: &[Conflict],
    claims: &[Claim],
    files: &[read::Found],
) -> Vec<Problem> {
    let mut by_file: BTreeMap<usize, Problems> = BTreeMap::new();
    let mut same_name = None;
    for conflict in conflicts {
        // A problem is reported at the last of its manifests.
        let last = match conflict {
            Conflict::SameName { second, .. } | Conflict::SameImageName { second, .. } => *second,
            Conflict::SourceCycle(circle) => circle.iter().copied().max().unwrap_or_default(),
        };
        let claim = &claims[last];
        match conflict {
            Conflict::SameName { first, .. } => same_name = Some((*first, last)),
            Conflict::SameImageName { first, .. }
                if claim.is_default() && same_name == Some((*first, last)) =>
            {
                continue; // both names are one word, which is already reported
            }
            Conflict::SameImageName { .. } | Conflict::SourceCycle(_) => {}
        }
        let taking_part = match conflict {
            Conflict::SameName { first, .. } | Conflict::SameImageName { first, .. } => {
                std::slice::from_ref(first)
            }
            Conflict::SourceCycle(circle) => circle,
        };
        let also_in = || {
            let taking_part = taking_part.iter().map(|index| claims[*index].file);
            let others = taking_part.filter(|file| *file != claim.file);
            others.map(|file| files[file].shown.clone()).collect()
        };
        let problems = by_file.entry(claim.file).or_default();
        problems.push(|| Problem {
            also_in: also_in(),
            ..problem(conflict, claim, claims, files)
        });
    }
    let mut buffer = Vec::new();
    let mut finished = Vec::new();
    for (file, problems) in by_file {
        // Texts are not kept while reading. If the file has changed, only the excerpts differ.
        let file = &files[file];
        let lines = read::text(file, &mut buffer).map_or_else(|_| Vec::new(), lines);
        finished.extend(problems.finish(Severity::Error, &file.shown, &lines));
    }
    finished
}

impl Claim {
    /// Returns whether the image name is the manifest's.
    fn is_default(&self) -> bool {
        self.origin.image_name == self.origin.name
    }
}

fn problem(conflict: &Conflict, claim: &Claim, claims: &[Claim], files: &[read::Found]) -> Problem {
    let place = |claim: &Claim, span: Span| {
        let file = Escaped(&files[claim.file].shown);
        format!("{file}:{}:{}", span.line, span.column)
    };
    let (span, path, found, allowed) = match conflict {
        Conflict::SameName { first, .. } => {
            let first = &claims[*first];
            let declared = place(first, first.origin.name);
            (
                claim.origin.name,
                "metadata.name",
                format!("found \"{}\", which {declared} declares too", claim.name),
                "a name that no other manifest has",
            )
        }
        Conflict::SameImageName { first, .. } => {
            let first = &claims[*first];
            let declared = place(first, first.origin.image_name);
            (
                claim.origin.image_name,
                if claim.is_default() {
                    "metadata.name"
                } else {
                    "spec.imageName"
                },
                format!(
                    "found the image name \"{}\", which {declared} declares too",
                    claim.image_name
                ),
                "an image name that no other manifest declares",
            )
        }
        Conflict::SourceCycle(circle) if circle.len() == 1 => (
            claim.origin.source,
            "spec.source.imageName",
            format!(
                "found \"{}\", the image of this manifest itself",
                claim.image_name
            ),
            "another image to start from, by its name or with imageId",
        ),
        Conflict::SourceCycle(circle) => {
            // The chain begins at the last manifest.
            let begin = circle.iter().enumerate().max_by_key(|(_, index)| **index);
            let chain = circle.iter().cycle().skip(begin.map_or(0, |(at, _)| at));
            let shown: Vec<String> = chain
                .take((circle.len() + 1).min(MAX_CIRCLE_SHOWN))
                .map(|index| &claims[*index])
                .map(|claim| {
                    format!(
                        "{} ({})",
                        claim.image_name,
                        place(claim, claim.origin.source)
                    )
                })
                .collect();
            let rest = if circle.len() >= MAX_CIRCLE_SHOWN {
                format!(
                    ", … and so on through {} manifests back to the first",
                    circle.len()
                )
            } else {
                String::new()
            };
            (
                claim.origin.source,
                "spec.source.imageName",
                format!(
                    "found a circle of sources, each made from the next: {}{rest}",
                    shown.join(", ")
                ),
                "a chain of sources that begins with an image that no manifest declares",
            )
        }
    };
    Problem {
        document: Some(claim.document),
        span: Some(span),
        path: path.to_owned(),
        found,
        allowed: allowed.to_owned(),
        ..Problem::default()
    }
}
