//! Digests of a manifest and of a set of manifests, stable across versions: status files and plans contain them.

use serde::Serialize;

use crate::model::image::{CreateWhen, Desired, DesiredImage, Source};
use crate::model::value::{Description, ImageName, ManifestName, Tags};
use crate::sys::digest::sha256;

/// A manifest's values as they are digested: fields in the order of their names, so that the text is canonical.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Canonical<'a> {
    create_when: CreateWhen,
    description: &'a Description,
    image_name: &'a ImageName,
    name: &'a ManifestName,
    source: &'a Source,
    tags: &'a Tags,
}

/// Digests what the image is to be; not `suspend`, nor the file.
pub(super) fn of_image(image: &DesiredImage) -> String {
    let canonical = Canonical {
        create_when: image.create_when,
        description: &image.description,
        image_name: &image.image_name,
        name: &image.subject.name,
        source: &image.source,
        tags: &image.tags,
    };
    let mut json = Vec::with_capacity(512);
    // Texts and maps with text keys cannot fail to serialize.
    if serde_json::to_writer(&mut json, &canonical).is_err() {
        return String::new();
    }
    sha256(&json)
}

/// Digests everything that the manifests say; not which files they are in.
pub(super) fn of_set(desired: &Desired) -> String {
    let mut text = Vec::new();
    for image in desired {
        for part in [
            image.subject.name.as_str(),
            &image.digest,
            if image.suspend { "suspend" } else { "" },
        ] {
            text.extend_from_slice(part.as_bytes());
            text.push(b'\n');
        }
    }
    sha256(&text)
}
