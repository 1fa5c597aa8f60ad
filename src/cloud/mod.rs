//! The boundary to the image service, in repave's own words: two verbs, and what a failed call means.
//!
//! It knows no client and no protocol; `aws.rs` and the simulator both answer in these types.

pub mod aws;
mod error;
mod page;
pub mod policy;
pub mod retry;

use std::fmt;
use std::future::Future;

use crate::model::image::Observed;
use crate::model::value::{Description, ImageName, Tags};

pub use error::{
    ALREADY_EXISTS, ApiError, CREDENTIALS_UNAVAILABLE, Delivery, Failure, FailureKind,
    NO_CREDENTIALS, WRONG_ACCOUNT, cut, is_throttling, known_code, known_codes,
};
pub use page::{Page, all_pages};

/// What repave needs of an account's images in one Region.
pub trait ImageApi {
    /// Lists every image that the account owns: all pages, or an error; never a part.
    fn list_images(&self) -> impl Future<Output = Result<Observed, ApiError>> + Send;

    /// Waits until a call could be sent at once, without sending one.
    fn ready(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Asks once for an updated image, and gives the id that the service gave it.
    fn create_updated_image(
        &self,
        request: &CreateRequest,
    ) -> impl Future<Output = Result<String, ApiError>> + Send;
}

/// What `CreateUpdatedWorkspaceImage` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateRequest {
    /// The new image's name.
    pub name: ImageName,
    /// Its description.
    pub description: Description,
    /// The id of the image it is made from, as listed.
    pub source_id: String,
    /// Its tags.
    pub tags: Tags,
}

/// An operation of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Lists images.
    DescribeWorkspaceImages,
    /// Creates an updated image.
    CreateUpdatedWorkspaceImage,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
