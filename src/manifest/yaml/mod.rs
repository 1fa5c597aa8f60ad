//! YAML to numbered nodes with places, whatever they mean. It knows nothing of manifests, and reads no file.
//!
//! `serde_yaml` alone decides what a text means. It tells the place of its first error only, and it resolves aliases
//! without a word; a second parser, which gives events with positions, fills both gaps. A plain valid file never meets
//! the second parser.

mod characters;
pub(super) mod limits;
mod locate;
mod tree;

pub(super) use characters::hidden;
pub(super) use locate::{Map, is_suspect};
pub(super) use tree::{Node, Value, read};
