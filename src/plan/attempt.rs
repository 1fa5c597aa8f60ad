//! An attempt: a step of a plan and its result.

use crate::cloud::{ApiError, Receipt, Step};
use crate::model::image::DesiredImage;

/// A step that was sent, and its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt<'a> {
    pub desired: &'a DesiredImage,
    pub step: Step,
    pub result: Result<Receipt, ApiError>,
}
