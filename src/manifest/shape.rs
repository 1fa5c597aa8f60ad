//! The header of a manifest and the names of its fields: what decoding and the schema have in common.

use crate::model::subject::Kind;

pub(crate) const API_VERSION: &str = "repave.dev/v1alpha1";
/// The `kind` of a manifest.
pub const KIND: &str = Kind::UpdatedImage.as_str();

pub(crate) const MANIFEST: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
pub(crate) const METADATA: [&str; 1] = ["name"];
pub(crate) const SPEC: [&str; 6] = [
    "imageName",
    "source",
    "description",
    "tags",
    "createWhen",
    "suspend",
];
/// The fields of `spec.source`, of which a manifest has one.
pub(crate) const SOURCE: [&str; 2] = ["imageId", "imageName"];
