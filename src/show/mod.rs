//! All output formats. Each format is written from one view model, which is made from a plan or from the status. It prints
//! nothing and decides nothing.
//!
//! Texts from manifests and from the service are escaped here. In JSON the data stays exact.

mod diagnostics;
mod document;
pub mod explain;
mod explanation;
mod github;
mod group;
mod json;
pub mod live;
mod markdown;
mod row;
mod sarif;
mod status;
mod target;
mod text;
mod waiting;
mod wrap;

pub use diagnostics::diagnostic_text;
pub use document::{Document, DocumentKind};
pub(crate) use explanation::{Explanation, topics_text};
pub use explanation::{explained_text, image_text};
pub use github::annotations;
pub use json::PlanBody;
pub(crate) use json::StatusBody;
pub use markdown::plan_markdown;
pub(crate) use markdown::{outcome_markdown, problems_markdown};
pub use row::{Row, plan_rows, status_rows};
pub(crate) use row::{show_only, totals};
pub use sarif::sarif;
pub use status::{View, status_changes, status_text};
pub(crate) use target::target_line;
pub use target::target_text;
pub use text::PlanText;
pub(crate) use text::{drifted_text, totals_text};
pub use waiting::Waiting;
