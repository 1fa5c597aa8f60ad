//! How a step of a plan ended.

use crate::cloud::ApiError;
use crate::model::image::DesiredImage;

/// How one step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt<'a> {
    /// The image that was asked for.
    pub desired: &'a DesiredImage,
    /// The id that the service accepted it under, or what went wrong.
    pub result: Result<String, ApiError>,
}
