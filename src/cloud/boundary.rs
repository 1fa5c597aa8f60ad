//! The `Cloud` trait, observe and perform, and its types.
//!
//! It knows no client and no protocol. The rate limiter and the renewal of credentials are in [`Gate`], not in the trait.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::operation::Operation;
use crate::model::image::{Observed, Question};
use crate::model::value::{Description, ImageName, Tags};

/// The service in one account and Region.
pub trait Cloud {
    /// Returns the complete observation, or an error. The result is never partial.
    fn observe(&self, ask: &Ask) -> impl Future<Output = Result<Observed, ApiError>> + Send;

    /// Sends the step once.
    fn perform(&self, step: &Step) -> impl Future<Output = Result<Receipt, ApiError>> + Send;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Every image that the account owns.
    Images,
    /// Questions that a plan needs answers to.
    Questions(BTreeSet<Question>),
}

/// A change of the account, with everything that is needed to make it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    CreateImage(CreateImage),
}

/// The parameters of `CreateUpdatedWorkspaceImage`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateImage {
    pub name: ImageName,
    pub description: Description,
    /// The id of the source image, as listed.
    pub source_id: String,
    pub tags: Tags,
}

impl Step {
    pub fn verb(&self) -> Verb {
        match self {
            Self::CreateImage(_) => Verb::Create,
        }
    }

    pub fn operation(&self) -> Operation {
        match self {
            Self::CreateImage(_) => Operation::CreateUpdatedWorkspaceImage,
        }
    }

    /// Returns the id of the source image.
    pub fn from(&self) -> &str {
        match self {
            Self::CreateImage(create) => &create.source_id,
        }
    }

    /// Returns the name of the new image.
    pub fn to(&self) -> &str {
        match self {
            Self::CreateImage(create) => create.name.as_str(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Verb {
    Create,
}

impl Verb {
    /// Returns the verb in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
        }
    }
}

/// The answer of the service to an accepted step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub image_id: String,
    /// The request id, if the response has one.
    pub request_id: Option<String>,
}

type Opening = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Waits for the rate limiter and for valid credentials before a step. The mark is written after the gate, so the call
/// follows its mark at once.
#[derive(Clone, Default)]
pub struct Gate(Option<Arc<dyn Fn() -> Opening + Send + Sync>>);

impl Gate {
    /// Returns a gate that opens when the future is done.
    pub fn new<F, Fut>(opens: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self(Some(Arc::new(move || Box::pin(opens()))))
    }

    /// Waits until a call can be sent without delay.
    pub async fn open(&self) {
        if let Some(opens) = &self.0 {
            opens().await;
        }
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}
