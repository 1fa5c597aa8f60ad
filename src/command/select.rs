//! Which images a NAME on the command line means, in `plan`, `status` and `explain`.

use std::collections::BTreeSet;

use crate::model::image::{DesiredImage, Source};
use crate::model::outcome::{ExitCode, Outcome};
use crate::model::value::ImageId;
use crate::show::Row;
use crate::state::status::ImageStatus;
use crate::sys::similar::{did_you_mean, similar};
use crate::sys::words::first;

/// The most names that an error repeats.
const MAX_NAMED: usize = 5;

/// What a NAME is compared with: the names and IDs of one image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names<'a> {
    manifest: &'a str,
    image: &'a str,
    id: Option<&'a str>,
    source_id: Option<&'a str>,
}

impl<'a> From<&'a Row<'_>> for Names<'a> {
    fn from(row: &'a Row<'_>) -> Self {
        let source = row.source.as_deref();
        Self {
            manifest: row.subject.name.as_str(),
            image: row.image_name,
            id: row.image_id,
            // The source of a row can also be a name.
            source_id: source.filter(|source| source.starts_with("wsi-")),
        }
    }
}

impl<'a> From<&'a ImageStatus> for Names<'a> {
    fn from(entry: &'a ImageStatus) -> Self {
        Self {
            manifest: entry.name.as_str(),
            image: entry.image_name.as_str(),
            id: entry.image_id.as_deref(),
            source_id: entry.made_from(),
        }
    }
}

impl<'a> From<&'a DesiredImage> for Names<'a> {
    fn from(image: &'a DesiredImage) -> Self {
        Self {
            manifest: image.subject.name.as_str(),
            image: image.image_name.as_str(),
            id: None,
            source_id: match &image.source {
                Source::ImageId(id) => Some(ImageId::as_str(id)),
                Source::ImageName(_) => None,
            },
        }
    }
}

impl<'a> Names<'a> {
    /// Returns the words that an error can suggest.
    pub(super) fn all(self) -> impl Iterator<Item = &'a str> {
        [Some(self.manifest), Some(self.image), self.id]
            .into_iter()
            .flatten()
    }

    /// Returns whether the image itself has this name or ID.
    pub(super) fn is_own(self, name: &str) -> bool {
        self.all().any(|word| word == name)
    }
}

/// Returns the indexes of the images that `name` means: every image with this manifest name, image name or ID. Only if
/// there is none, the images whose source has this ID.
pub(super) fn meant(name: &str, images: &[Names<'_>]) -> Vec<usize> {
    let found = |is_meant: &dyn Fn(&Names<'_>) -> bool| -> Vec<usize> {
        let images = images.iter().enumerate();
        let meant = images.filter(|(_, image)| is_meant(image));
        meant.map(|(index, _)| index).collect()
    };
    let own = found(&|image| image.is_own(name));
    if own.is_empty() {
        return found(&|image| image.source_id == Some(name));
    }
    own
}

/// Returns the indexes of the images that the names mean, or the outcome if a name means none. `place` is where the images
/// are from.
pub(super) fn select(
    names: &[String],
    images: &[Names<'_>],
    place: &str,
) -> Result<BTreeSet<usize>, Outcome> {
    let mut selected = BTreeSet::new();
    let mut unknown = Vec::new();
    let mut near: Vec<&str> = Vec::new();
    for name in names {
        let meant = meant(name, images);
        if meant.is_empty() {
            let words: Vec<&str> = images.iter().flat_map(|image| image.all()).collect();
            unknown.push(format!("{name:?}"));
            near.extend(similar(name, &words));
        }
        selected.extend(meant);
    }
    if unknown.is_empty() {
        return Ok(selected);
    }
    let mut seen = BTreeSet::new();
    near.retain(|word| seen.insert(*word));
    let hint = match near.as_slice() {
        [] => "; without NAME, the command shows all images".to_owned(),
        near => did_you_mean(near),
    };
    let unknown = first(MAX_NAMED, unknown.into_iter()).join(", ");
    let words = format!("no image in {place} has the name or ID {unknown}{hint}");
    Err(Outcome::new(ExitCode::Usage, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGES: [Names<'static>; 4] = [
        of(
            "finance",
            "Finance_1",
            Some("wsi-finance00"),
            "wsi-gold00000",
        ),
        of("labs", "Labs_1", None, "wsi-gold00000"),
        // Made from the first one.
        of("sales", "Sales_1", Some("wsi-sales0000"), "wsi-finance00"),
        // Its image is named like the manifest of another one.
        of("labs-2", "labs", None, "wsi-other0000"),
    ];

    const fn of(
        manifest: &'static str,
        image: &'static str,
        id: Option<&'static str>,
        source_id: &'static str,
    ) -> Names<'static> {
        let source_id = Some(source_id);
        Names {
            manifest,
            image,
            id,
            source_id,
        }
    }

    #[test]
    fn a_name_means_exactly_the_images_with_this_name_or_id() {
        for (name, images) in [
            ("finance", &[0][..]),
            ("Finance_1", &[0]),
            // Its own ID comes before the images that are made from it.
            ("wsi-finance00", &[0]),
            ("wsi-gold00000", &[0, 1]),
            ("labs", &[1, 3]),
            ("labs-2", &[3]),
            ("wsi-other0000", &[3]),
            ("Finance", &[]),
            ("finance ", &[]),
            ("financ", &[]),
            ("wsi-", &[]),
            ("", &[]),
        ] {
            assert_eq!(meant(name, &IMAGES), images, "{name}");
        }
        // A manifest and an image with the same name are one image.
        let same = [of("a", "a", Some("a"), "a")];
        assert_eq!(meant("a", &same), [0]);
    }

    #[test]
    fn each_name_must_mean_an_image() {
        let select = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            select(&names, &IMAGES, "the plan").map_err(|outcome| {
                assert_eq!(outcome.code, ExitCode::Usage);
                outcome.message
            })
        };
        assert_eq!(select(&["sales", "labs", "Sales_1"]), Ok([1, 2, 3].into()));
        assert_eq!(select(&[]), Ok([].into()));
        for (names, words) in [
            (
                &["sales", "finanse"][..],
                "no image in the plan has the name or ID \"finanse\"; did you mean finance",
            ),
            (
                &["zzz", "financ", "finance"],
                "has the name or ID \"zzz\", \"financ\"; did you mean finance",
            ),
            (
                &["\u{1b}[31m"],
                "\"\\u{1b}[31m\"; without NAME, the command shows all images",
            ),
        ] {
            let message = select(names).unwrap_err();
            assert!(message.contains(words), "{message}");
        }
    }
}
