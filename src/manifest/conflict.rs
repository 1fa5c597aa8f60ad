//! Conflicts between manifests that are each valid, as problems with places.

use std::collections::BTreeMap;

use super::decode::Origin;
use super::excerpt::Lines;
use super::place::{Position, Spot};
use super::problem::{Drafts, Problem};
use super::read;
use super::yaml::Map;
use crate::model::image::Conflict;
use crate::model::value::{ImageName, ManifestName};
use crate::sys::escape::Escaped;

/// What a manifest claims for itself alone, and where it says so.
pub(super) struct Claim {
    pub(crate) name: ManifestName,
    pub(crate) image_name: ImageName,
    /// Index of its file.
    pub(crate) file: usize,
    /// From 1.
    pub(crate) document: usize,
    pub(crate) origin: Origin,
}

/// Most manifests of a circle that its problem lists.
const MAX_CIRCLE_SHOWN: usize = 10;

/// Turns conflicts between manifests into problems with places.
pub(super) struct Conflicts<'a> {
    claims: &'a [Claim],
    files: &'a [read::Found],
    /// Positions in the files that take part and their texts, by file. Texts are not kept while reading, so those few files are read
    /// again; if one has changed meanwhile, its places may be off, and the next pass tells them right.
    maps: BTreeMap<usize, Option<(Map, String)>>,
    buffer: Vec<u8>,
}

impl<'a> Conflicts<'a> {
    pub(super) fn new(claims: &'a [Claim], files: &'a [read::Found]) -> Self {
        Self {
            claims,
            files,
            maps: BTreeMap::new(),
            buffer: Vec::new(),
        }
    }

    pub(super) fn problems(&mut self, conflicts: &[Conflict]) -> Vec<Problem> {
        let mut same_name = Vec::new();
        let mut problems = Vec::new();
        let mut told: BTreeMap<usize, usize> = BTreeMap::new();
        for conflict in conflicts {
            let told = told.entry(self.file(conflict)).or_default();
            *told += 1;
            if *told > Drafts::MAX {
                continue;
            }
            match conflict {
                Conflict::SameName { first, second } => {
                    same_name.push((*first, *second));
                    let found = format!(
                        "found \"{}\", which {} declares too",
                        self.claims[*second].name,
                        self.place(*first, |origin| origin.name)
                    );
                    problems.push(self.problem(
                        *second,
                        |origin| origin.name,
                        "metadata.name",
                        found,
                        "a name that no other manifest bears",
                    ));
                }
                Conflict::SameImageName { first, second } => {
                    let claim = &self.claims[*second];
                    let is_default = claim.origin.image_name == claim.origin.name;
                    if is_default && same_name.last() == Some(&(*first, *second)) {
                        continue; // one wrong word, told above
                    }
                    let found = format!(
                        "found the image name \"{}\", which {} declares too",
                        claim.image_name,
                        self.place(*first, |origin| origin.image_name)
                    );
                    let path = if is_default {
                        "metadata.name"
                    } else {
                        "spec.imageName"
                    };
                    problems.push(self.problem(
                        *second,
                        |origin| origin.image_name,
                        path,
                        found,
                        "an image name that no other manifest declares",
                    ));
                }
                Conflict::SourceCycle(circle) => problems.extend(self.circle(circle)),
            }
        }
        for (file, told) in told {
            if let Some(more) = told.checked_sub(Drafts::MAX).filter(|more| *more > 0) {
                let shown = self.files[file].shown.clone();
                let found = format!("{more} more conflicts with other manifests in this file");
                problems.push(Problem::of_file(shown, found, ""));
            }
        }
        problems
    }

    /// The file of the manifest that a conflict is told at.
    fn file(&self, conflict: &Conflict) -> usize {
        let index = match conflict {
            Conflict::SameName { second, .. } | Conflict::SameImageName { second, .. } => *second,
            Conflict::SourceCycle(circle) => circle.iter().copied().max().unwrap_or(0),
        };
        self.claims.get(index).map_or(0, |claim| claim.file)
    }

    /// Tells a circle at its last manifest, beginning the chain there.
    fn circle(&mut self, circle: &[usize]) -> Option<Problem> {
        let (at, last) = circle.iter().enumerate().max_by_key(|(_, index)| **index)?;
        let chain: Vec<String> = circle
            .iter()
            .cycle()
            .skip(at)
            .take((circle.len() + 1).min(MAX_CIRCLE_SHOWN))
            .map(|&index| {
                let place = self.place(index, |origin| origin.source);
                format!("{} ({place})", self.claims[index].image_name)
            })
            .collect();
        let mut found = format!(
            "found a circle of sources, each made from the next: {}",
            chain.join(", ")
        );
        if circle.len() >= MAX_CIRCLE_SHOWN {
            let count = circle.len();
            found = format!("{found}, … and so on through {count} manifests back to the first");
        }
        Some(self.problem(
            *last,
            |origin| origin.source,
            "spec.source.imageName",
            found,
            "a chain of sources that begins with an image no manifest declares",
        ))
    }

    fn problem(
        &mut self,
        index: usize,
        node: fn(&Origin) -> u32,
        path: &str,
        found: String,
        allowed: &str,
    ) -> Problem {
        let spot = self.spot(index, node);
        let claim = &self.claims[index];
        let problem = Problem {
            document: Some(claim.document),
            path: path.to_owned(),
            ..Problem::of_file(self.files[claim.file].shown.clone(), found, allowed)
        };
        let text = self.maps.get(&claim.file).and_then(Option::as_ref);
        let lines = text.map(|(_, text)| Lines::new(text));
        problem.at(spot, lines.as_ref())
    }

    /// The place as `file:line:column`, ready to print.
    fn place(&mut self, index: usize, node: fn(&Origin) -> u32) -> String {
        let spot = self.spot(index, node);
        let claim = &self.claims[index];
        let file = Escaped(&self.files[claim.file].shown);
        match spot.map(|spot| spot.start) {
            Some(Position { line, column }) => format!("{file}:{line}:{column}"),
            None => format!("{file}#{}", claim.document),
        }
    }

    fn spot(&mut self, index: usize, node: fn(&Origin) -> u32) -> Option<Spot> {
        let claim = &self.claims[index];
        let path = &self.files[claim.file].path;
        let buffer = &mut self.buffer;
        let map = self.maps.entry(claim.file).or_insert_with(|| {
            let text = read::text(path, buffer).ok()?;
            let text = text.strip_prefix('\u{feff}').unwrap_or(text);
            Some((Map::new(text), text.to_owned()))
        });
        let (map, _) = map.as_ref()?;
        map.spot(claim.document, node(&claim.origin), None)
    }
}
