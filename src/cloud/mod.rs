//! The interface to the image service: observe, perform, and the classification of failed calls.
//!
//! It knows no manifests. `aws/` and the simulator use these types.

pub mod aws;
mod boundary;
mod error;
mod operation;
mod page;
pub mod policy;
pub mod retry;

pub use boundary::{Ask, Cloud, CreateImage, Gate, Receipt, Step, Verb};
pub use error::{
    ALREADY_EXISTS, ApiError, Delivery, Failure, FailureKind, cut, known_code, known_codes,
};
pub(crate) use error::{CREDENTIALS_UNAVAILABLE, NO_CREDENTIALS, WRONG_ACCOUNT, is_throttling};
pub use operation::Operation;
pub(crate) use page::{Page, all_pages};
