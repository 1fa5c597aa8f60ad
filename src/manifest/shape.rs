//! The names of a manifest's fields: what decoding looks for, and what the schema tells editors.

/// The fields of the document.
pub const MANIFEST: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
/// The fields of `metadata`.
pub const METADATA: [&str; 1] = ["name"];
/// The fields of `spec`.
pub const SPEC: [&str; 6] = [
    "imageName",
    "source",
    "description",
    "tags",
    "createWhen",
    "suspend",
];
/// The fields of `spec.source`, of which a manifest has one.
pub const SOURCE: [&str; 2] = ["imageId", "imageName"];
