//! Makes untrusted text safe to print. It does not know where the text is printed.
//!
//! Manifests and API responses can contain terminal escapes, line breaks that forge log lines, and characters that reorder
//! text. `Escaped` shows these characters as `\u{..}`. [`to_json`] does the same in JSON strings, and the data stays exact.

mod json;
mod text;

pub use json::to_json;
pub(crate) use text::{Escaped, escaped, with_causes};
