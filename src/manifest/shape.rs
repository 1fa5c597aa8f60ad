//! What a manifest's header says, and the names of its fields: what decoding looks for, and what the schema tells editors.

use crate::model::subject::Kind;

/// The `apiVersion` of a manifest.
pub(crate) const API_VERSION: &str = "repave.dev/v1alpha1";
/// The `kind` of a manifest.
pub const KIND: &str = Kind::UpdatedImage.as_str();

/// The fields of the document.
pub(crate) const MANIFEST: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
/// The fields of `metadata`.
pub(crate) const METADATA: [&str; 1] = ["name"];
/// The fields of `spec`.
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
