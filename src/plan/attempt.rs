//! How a step of a plan ended.

use crate::cloud::{ApiError, Receipt, Step};
use crate::model::image::DesiredImage;

/// A step that was taken, and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt<'a> {
    pub desired: &'a DesiredImage,
    pub step: Step,
    /// What the service gave for it, or what went wrong.
    pub result: Result<Receipt, ApiError>,
}
