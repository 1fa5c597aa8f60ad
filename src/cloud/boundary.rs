//! The boundary: two verbs, observe and perform, and what goes through them.
//!
//! It knows no client and no protocol. The rate limiter and the renewal of credentials stand before it, in [`Gate`].

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

/// One account and Region of the service.
pub trait Cloud {
    /// Observes what is asked for, whole, or fails; never a part.
    fn observe(&self, ask: &Ask) -> impl Future<Output = Result<Observed, ApiError>> + Send;

    /// Sends the step once.
    fn perform(&self, step: &Step) -> impl Future<Output = Result<Receipt, ApiError>> + Send;
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// Every image that the account owns.
    Images,
    /// What a plan must know beside that.
    Questions(BTreeSet<Question>),
}

/// A step that changes the account: complete, so that who takes it needs nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    CreateImage(CreateImage),
}

/// What `CreateUpdatedWorkspaceImage` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateImage {
    pub name: ImageName,
    pub description: Description,
    /// The id of the image it is made from, as listed.
    pub source_id: String,
    pub tags: Tags,
}

impl Step {
    /// Returns what it does, in one word.
    pub fn verb(&self) -> Verb {
        match self {
            Self::CreateImage(_) => Verb::Create,
        }
    }

    /// Returns the operation that it is sent as.
    pub fn operation(&self) -> Operation {
        match self {
            Self::CreateImage(_) => Operation::CreateUpdatedWorkspaceImage,
        }
    }

    /// Returns what it works from: the image's source.
    pub fn from(&self) -> &str {
        match self {
            Self::CreateImage(create) => &create.source_id,
        }
    }

    /// Returns the name of what it makes.
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
    /// Returns the word for it in output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
        }
    }
}

/// What the service gave for a step that it accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub image_id: String,
    /// The request's id, if the answer carried one.
    pub request_id: Option<String>,
}

type Opening = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What stands before a step: the rate limiter, and credentials that last. A step is marked after the gate, so that a mark
/// is never old when its call leaves.
#[derive(Clone, Default)]
pub struct Gate(Option<Arc<dyn Fn() -> Opening + Send + Sync>>);

impl Gate {
    /// Makes a gate that opens when this ends.
    pub fn new<F, Fut>(opens: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        Self(Some(Arc::new(move || Box::pin(opens()))))
    }

    /// Waits until a call can be sent at once.
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
