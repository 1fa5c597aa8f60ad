//! Digests of a manifest and of a set of them, stable across versions: status files and plans remember them.

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

/// The manifest's generation: what it says, without what only says where or whether.
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
    // Texts in maps with text keys: there is nothing that could fail, and no digest would equal any other.
    if serde_json::to_writer(&mut json, &canonical).is_err() {
        return String::new();
    }
    sha256(&json)
}

/// The set's digest: whatever a manifest says changes it; in which file it stands does not.
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
