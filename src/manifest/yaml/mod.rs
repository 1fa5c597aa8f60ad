//! YAML text to trees whose nodes have spans. It does not know manifests and does not read files.
//!
//! `serde_yaml` alone decides what a text means. It reports the position of its first error only, and it resolves
//! aliases silently. So a second parser, which keeps positions, walks every text first: it refuses what `serde_yaml`
//! must not read, and both must find the same nodes.

mod characters;
pub(super) mod limits;
mod tree;
mod walk;

use tree::Read;
pub(super) use tree::{Node, Value};

use super::problem::Problems;

/// Reads all documents of a text.
pub(super) fn read<'a>(text: &'a str, problems: &mut Problems) -> Read<'a> {
    if let Some(problem) = characters::refusal(text) {
        problems.push(|| problem);
        return Read::default();
    }
    let walked = walk::walk(text, problems);
    tree::read(&text[..walked.readable], &walked, problems)
}
