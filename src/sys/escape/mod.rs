//! Makes text from outside safe to print; it knows nothing about where the text goes.
//!
//! Manifests and API answers can carry terminal escapes, line breaks that forge log lines, and marks that reorder
//! text. `Escaped` shows such characters as `\u{..}`; [`to_json`] does the same inside strings, where the data stays
//! exact.

mod json;
mod text;

pub use json::to_json;
pub(crate) use text::{Escaped, escaped, with_causes};
