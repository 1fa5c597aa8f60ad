//! YAML to numbered nodes with places, whatever they mean. It knows nothing of manifests, and reads no file.
//!
//! `serde_yaml` alone decides what a text means. It reports the place of its first error only, and it resolves aliases
//! silently. So a second parser, whose events have positions, reads every text first: it finds the places, refuses anchors,
//! aliases and tags, and holds the text to the limits.

mod characters;
pub(super) mod limits;
mod locate;
mod tree;

pub(super) use characters::hidden;
pub(super) use locate::Map;
pub(super) use tree::{Node, Value, draft, read};
