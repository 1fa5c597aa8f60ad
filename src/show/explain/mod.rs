//! What reasons, error codes and exit codes mean, what clears them, and what to look for at AWS. It asks nobody: every
//! text is part of the program.
//!
//! A test holds the topics to the reasons, the exit codes, the codes that `cloud` knows, and the SDK's list of image error
//! codes, so that nothing that repave shows lacks a text. docs/reasons.md is made from them.

mod details;
mod details_byol;
mod exits;
mod page;
mod reasons;
mod service;
mod text;
mod topic;

pub use page::markdown;
pub(crate) use topic::Topic;
pub use topic::{Group, find, image_errors_in, like, topics};
