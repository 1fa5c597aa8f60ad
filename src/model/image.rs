//! Desired images and observed images. It does no I/O.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::subject::Subject;
use crate::model::value::{Description, ImageId, ImageName, Tags};

/// The source of a desired image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// The image with this id.
    ImageId(ImageId),
    /// The only image with this name, declared or not.
    ImageName(ImageName),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ImageId(id) => id.fmt(f),
            Self::ImageName(name) => name.fmt(f),
        }
    }
}

/// When a missing image is created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum CreateWhen {
    /// Whenever it is missing.
    Always,
    /// Only once the service reports an update for the source.
    UpdateAvailable,
}

impl CreateWhen {
    pub const ALL: [Self; 2] = [Self::Always, Self::UpdateAvailable];

    /// Returns the value in a manifest.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Always => "Always",
            Self::UpdateAvailable => "UpdateAvailable",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The path of the file, relative as the user gave the directory.
    pub file: String,
    /// The number of the document in the file, from 1.
    pub document: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}#{}",
            crate::sys::escape::Escaped(&self.file),
            self.document
        )
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredImage {
    /// The subject. Its name is `metadata.name`.
    pub subject: Subject,
    /// The name of the image in the account.
    pub image_name: ImageName,
    pub source: Source,
    pub description: Description,
    pub tags: Tags,
    pub create_when: CreateWhen,
    /// Whether repave takes no step for the image.
    pub suspend: bool,
    pub place: Place,
    /// The generation of the manifest: the SHA-256 digest of all fields except `suspend` and `place`.
    pub digest: String,
}

/// A valid set of manifests: unique names, unique image names, no cycle of sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    images: Vec<DesiredImage>,
    by_image_name: BTreeMap<ImageName, usize>,
    sources_first: Vec<usize>,
}

/// Why a list of valid manifests is not a valid set. Indexes refer to the list given to [`Desired::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conflict {
    /// Two manifests have the same `metadata.name`.
    SameName { first: usize, second: usize },
    /// Two manifests declare the same image name.
    SameImageName { first: usize, second: usize },
    /// Each image is made from the next, and the last from the first.
    SourceCycle(Vec<usize>),
}

impl Desired {
    /// Makes a set of the manifests, or returns all conflicts.
    pub fn new(images: Vec<DesiredImage>) -> Result<Self, Vec<Conflict>> {
        let mut conflicts = Vec::new();
        let mut by_name = BTreeMap::new();
        let mut by_image_name = BTreeMap::new();
        for (second, image) in images.iter().enumerate() {
            if let Some(&first) = by_name.get(&image.subject) {
                conflicts.push(Conflict::SameName { first, second });
            } else {
                by_name.insert(image.subject.clone(), second);
            }
            if let Some(&first) = by_image_name.get(&image.image_name) {
                conflicts.push(Conflict::SameImageName { first, second });
            } else {
                by_image_name.insert(image.image_name.clone(), second);
            }
        }
        let sources_first = match sources_first(&images, &by_image_name) {
            Ok(order) => order,
            Err(cycles) => {
                conflicts.extend(cycles.into_iter().map(Conflict::SourceCycle));
                Vec::new()
            }
        };
        if !conflicts.is_empty() {
            return Err(conflicts);
        }
        // Order the images by the names of their manifests.
        let order: Vec<usize> = by_name.into_values().collect();
        let mut position = vec![0; order.len()];
        for (new, &old) in order.iter().enumerate() {
            position[old] = new;
        }
        let mut slots: Vec<Option<DesiredImage>> = images.into_iter().map(Some).collect();
        Ok(Self {
            images: order.iter().filter_map(|&old| slots[old].take()).collect(),
            by_image_name: by_image_name
                .into_iter()
                .map(|(n, old)| (n, position[old]))
                .collect(),
            sources_first: sources_first.into_iter().map(|old| position[old]).collect(),
        })
    }

    /// Returns the images, ordered by the names of their manifests.
    pub fn iter(&self) -> std::slice::Iter<'_, DesiredImage> {
        self.images.iter()
    }

    pub fn len(&self) -> usize {
        self.images.len()
    }

    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// Returns the position in [`iter`](Self::iter) of the image that is declared with this image name.
    pub fn position(&self, name: &ImageName) -> Option<usize> {
        self.by_image_name.get(name).copied()
    }

    /// Returns positions in [`iter`](Self::iter), each source before the images made from it.
    pub(crate) fn sources_first(&self) -> &[usize] {
        &self.sources_first
    }
}

impl<'a> IntoIterator for &'a Desired {
    type Item = &'a DesiredImage;
    type IntoIter = std::slice::Iter<'a, DesiredImage>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Orders the images so that each source comes before the images made from it, or returns every cycle.
fn sources_first(
    images: &[DesiredImage],
    by_image_name: &BTreeMap<ImageName, usize>,
) -> Result<Vec<usize>, Vec<Vec<usize>>> {
    // Every image has at most one source, so a walk along sources ends in itself or in an earlier walk. `walked_in` has the
    // number of that walk.
    let mut walked_in: Vec<Option<usize>> = vec![None; images.len()];
    let mut order = Vec::with_capacity(images.len());
    let mut cycles = Vec::new();
    for start in 0..images.len() {
        let mut line = Vec::new();
        let mut next = Some(start);
        while let Some(at) = next {
            match walked_in[at] {
                Some(walk) if walk == start => {
                    cycles.push(line.iter().copied().skip_while(|&i| i != at).collect());
                    break;
                }
                Some(_) => break,
                None => {}
            }
            walked_in[at] = Some(start);
            line.push(at);
            next = match &images[at].source {
                Source::ImageName(name) => by_image_name.get(name).copied(),
                Source::ImageId(_) => None,
            };
        }
        order.extend(line.into_iter().rev());
    }
    if cycles.is_empty() {
        Ok(order)
    } else {
        Err(cycles)
    }
}

/// The state of an image, as the service reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageState {
    Pending,
    Available,
    Error,
    /// A state that this version does not know, or an empty text if none was reported.
    Unknown(String),
}

/// The operating system of an image, as the service reports it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatingSystem {
    Windows,
    /// `LINUX`: the service does not update these.
    Linux,
    /// Another operating system, or none reported.
    Unknown,
}

/// One image as `DescribeWorkspaceImages` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservedImage {
    /// The id from the service, not checked against the limits.
    pub id: String,
    /// The name, if it was reported.
    pub name: Option<String>,
    /// The description, if it was reported.
    pub description: Option<String>,
    pub state: ImageState,
    pub operating_system: OperatingSystem,
    /// Whether the service has an update for the image, if it was reported.
    pub update_available: Option<bool>,
    /// What the update brings, as reported.
    pub update: Option<String>,
    /// The time of creation, in whole seconds.
    pub created: Option<Timestamp>,
    /// The errors of a failed image: code and message, as reported.
    pub errors: Vec<(String, String)>,
    /// The account that owns it.
    pub owner: Option<String>,
}

/// Every image that the account owns in the Region. A listing is complete, never partial.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// The images, ordered by id, each id once.
    images: Vec<ObservedImage>,
    answers: BTreeMap<Question, Vec<ObservedImage>>,
}

/// What a plan must know besides the images of the account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Whether another account shares the image with this id.
    IsShared(ImageId),
}

impl Observed {
    /// Orders the images by id. If an id is listed twice, because the listing changed between pages, the last one counts.
    /// Images without an id are all kept, because their names are in use.
    pub fn new(mut images: Vec<ObservedImage>) -> Self {
        images.sort_by(|a, b| a.id.cmp(&b.id));
        images.dedup_by(|later, kept| {
            let same = !kept.id.is_empty() && kept.id == later.id;
            if same {
                std::mem::swap(later, kept);
            }
            same
        });
        Self {
            images,
            answers: BTreeMap::new(),
        }
    }

    /// Returns these images as the answers to the questions.
    #[must_use]
    pub(crate) fn into_answers(self, questions: &BTreeSet<Question>) -> Self {
        let mut answers = Self::default();
        for question in questions {
            let Question::IsShared(id) = question;
            let found = self.by_id(id.as_str()).cloned();
            let found = found.into_iter().collect();
            answers.answers.insert(question.clone(), found);
        }
        answers
    }

    /// Adds the answers of another observation.
    pub(crate) fn add_answers(&mut self, other: Self) {
        self.answers.extend(other.answers);
    }

    /// Returns the images that answer the question, or `None` if the question was not asked or not answered.
    pub fn answer(&self, question: &Question) -> Option<&[ObservedImage]> {
        self.answers.get(question).map(Vec::as_slice)
    }

    /// Returns the images, ordered by id.
    pub fn iter(&self) -> std::slice::Iter<'_, ObservedImage> {
        self.images.iter()
    }

    pub fn len(&self) -> usize {
        self.images.len()
    }

    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    pub(crate) fn by_id(&self, id: &str) -> Option<&ObservedImage> {
        let at = self
            .images
            .binary_search_by(|image| image.id.as_str().cmp(id))
            .ok()?;
        self.images.get(at).filter(|image| !image.id.is_empty())
    }

    /// Returns the images by name. Only for lookups: the order of a walk differs from run to run.
    pub fn by_name(&self) -> HashMap<&str, Vec<&ObservedImage>> {
        let mut names: HashMap<&str, Vec<&ObservedImage>> =
            HashMap::with_capacity(self.images.len());
        for image in &self.images {
            if let Some(name) = &image.name {
                names.entry(name).or_default().push(image);
            }
        }
        names
    }

    /// Returns the account that owns the images, if any image reports it.
    pub fn owner(&self) -> Option<&str> {
        self.images.iter().find_map(|image| image.owner.as_deref())
    }
}

impl<'a> IntoIterator for &'a Observed {
    type Item = &'a ObservedImage;
    type IntoIter = std::slice::Iter<'a, ObservedImage>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::subject::Kind;
    use crate::model::value::ManifestName;
    use proptest::prelude::*;

    /// Returns an image named `name` that is made from the image named `source`.
    fn image(name: usize, source: usize) -> DesiredImage {
        let text = |n: usize| format!("i{n}");
        DesiredImage {
            subject: Subject::new(Kind::UpdatedImage, ManifestName::parse(text(name)).unwrap()),
            image_name: ImageName::parse(text(name)).unwrap(),
            source: Source::ImageName(ImageName::parse(text(source)).unwrap()),
            description: Description::parse("d").unwrap(),
            tags: Tags::default(),
            create_when: CreateWhen::Always,
            suspend: false,
            place: Place {
                file: "a.yaml".into(),
                document: 1,
            },
            digest: String::new(),
        }
    }

    #[test]
    fn every_cycle_and_every_repeated_name_is_found() {
        // 0 <- 1 <- 0 is a cycle, 2 is made from it, 3 is its own source, 4 is fine.
        let images = vec![
            image(0, 1),
            image(1, 0),
            image(2, 0),
            image(3, 3),
            image(4, 9),
        ];
        assert_eq!(
            Desired::new(images).unwrap_err(),
            [
                Conflict::SourceCycle(vec![0, 1]),
                Conflict::SourceCycle(vec![3])
            ]
        );
        assert_eq!(
            Desired::new(vec![image(0, 9), image(0, 9)]).unwrap_err(),
            [
                Conflict::SameName {
                    first: 0,
                    second: 1
                },
                Conflict::SameImageName {
                    first: 0,
                    second: 1
                }
            ]
        );
    }

    fn observed(id: &str, owner: Option<&str>) -> ObservedImage {
        ObservedImage {
            id: id.into(),
            name: Some("one".into()),
            description: None,
            state: ImageState::Available,
            operating_system: OperatingSystem::Windows,
            update_available: None,
            update: None,
            created: None,
            errors: Vec::new(),
            owner: owner.map(Into::into),
        }
    }

    #[test]
    fn an_image_that_is_listed_twice_is_one_image_as_it_was_listed_last() {
        let later = ObservedImage {
            state: ImageState::Pending,
            ..observed("wsi-1", None)
        };
        let images = vec![
            observed("wsi-2", None),
            observed("wsi-1", None),
            observed("", None),
            later.clone(),
            observed("", None),
        ];
        let listed = Observed::new(images);
        assert_eq!(listed.len(), 4);
        assert_eq!(listed.by_id("wsi-1"), Some(&later));
        assert_eq!(
            listed.by_id("wsi-2").map(|image| image.id.as_str()),
            Some("wsi-2")
        );
        assert_eq!(listed.by_id("wsi-3"), None);
        assert_eq!(listed.by_name()["one"].len(), 4);
    }

    #[test]
    fn the_owner_is_that_of_any_image_that_reports_it() {
        let owner = |owners: &[Option<&str>]| {
            let images = owners.iter().zip(["wsi-1", "wsi-2"]);
            let images = images.map(|(owner, id)| observed(id, *owner)).collect();
            Observed::new(images).owner().map(str::to_owned)
        };
        let account = || Some("111122223333".to_owned());
        assert_eq!(owner(&[]), None);
        assert_eq!(owner(&[None, None]), None);
        assert_eq!(owner(&[Some("111122223333"), None]), account());
        assert_eq!(owner(&[None, Some("111122223333")]), account());
    }

    proptest! {
        #[test]
        fn sources_come_before_the_images_made_from_them(sources in prop::collection::vec(0usize..40, 1..20)) {
            let images = sources.iter().enumerate().map(|(n, &source)| image(n, source)).collect();
            if let Ok(desired) = Desired::new(images) {
                let all: Vec<_> = desired.iter().collect();
                let order = desired.sources_first();
                let at = |position: usize| order.iter().position(|&p| p == position);
                prop_assert_eq!(order.len(), all.len());
                for (position, image) in all.iter().enumerate() {
                    let Source::ImageName(source) = &image.source else { continue };
                    if let Some(source) = desired.position(source) {
                        prop_assert!(at(source) < at(position));
                    }
                }
            }
        }
    }
}
