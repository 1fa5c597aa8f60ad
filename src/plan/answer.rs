//! The answer for one image: a step, ready, wait or blocked. Only this module maps answers to groups.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::cloud::Step;
use crate::model::group::Group;
use crate::model::reason::Reason;
use crate::state::status::{ConditionStatus, ConditionType};

/// What to do for an image, or why there is nothing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Do(Step),
    /// Nothing: the image exists and is AVAILABLE.
    Ready(Ready),
    /// Nothing now; no action is required.
    Wait(Wait),
    /// Nothing until the user changes the manifest, the account or its permissions.
    Blocked(Blocked),
}

/// An image that exists and is AVAILABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    pub image_id: String,
}

/// Why repave does nothing for an image now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    pub reason: Reason,
    /// The reason in words. It stays the same while nothing changes. Text from the service is not escaped.
    pub message: String,
    pub awaits: Awaits,
    /// When the wait began, if known.
    pub since: Option<Timestamp>,
    /// When repave acts by itself, if known.
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaits {
    /// A step is left, and becomes due without a change by the user.
    Time,
    /// AWS builds the image.
    Build,
    /// Nothing is left to do until the manifest changes or AWS has an update.
    Change,
}

/// Why repave does nothing for an image until the user acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    pub reason: Reason,
    /// The reason in words. It stays the same while nothing changes. Text from the service is not escaped.
    pub message: String,
    /// When the block began, if known.
    pub since: Option<Timestamp>,
    /// When repave retries by itself, if it does.
    pub until: Option<Timestamp>,
}

impl Answer {
    /// Returns the image's group.
    pub fn group(&self) -> Group {
        match self {
            Self::Do(_) => Group::Due,
            Self::Ready(_) => Group::Ready,
            Self::Wait(wait) => match wait.awaits {
                Awaits::Build => Group::Building,
                Awaits::Time | Awaits::Change => Group::Waiting,
            },
            Self::Blocked(_) => Group::Blocked,
        }
    }

    /// Returns the step to take, if one is due.
    pub fn step(&self) -> Option<&Step> {
        match self {
            Self::Do(step) => Some(step),
            Self::Ready(_) | Self::Wait(_) | Self::Blocked(_) => None,
        }
    }

    /// Returns the wait if it ends by itself. Builds count only with `builds`.
    pub(crate) fn temporary_wait(&self, builds: bool) -> Option<&Wait> {
        match self {
            Self::Wait(wait) => match wait.awaits {
                Awaits::Time => Some(wait),
                Awaits::Build => builds.then_some(wait),
                Awaits::Change => None,
            },
            Self::Do(_) | Self::Ready(_) | Self::Blocked(_) => None,
        }
    }

    pub(super) fn wait(reason: Reason, awaits: Awaits, message: impl Into<String>) -> Self {
        Self::Wait(Wait {
            reason,
            message: message.into(),
            awaits,
            since: None,
            until: None,
        })
    }

    pub(super) fn blocked(reason: Reason, message: impl Into<String>) -> Self {
        Self::Blocked(Blocked {
            reason,
            message: message.into(),
            since: None,
            until: None,
        })
    }

    /// Returns the reason for output and conditions.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Do(_) => Reason::Missing,
            Self::Ready(_) => Reason::Available,
            Self::Wait(wait) => wait.reason,
            Self::Blocked(blocked) => blocked.reason,
        }
    }

    /// Returns the reason in words, not escaped. It stays the same while nothing changes.
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Self::Do(step) => format!("missing; to be created from {}", step.from()).into(),
            Self::Ready(ready) => format!("{} is AVAILABLE", ready.image_id).into(),
            Self::Wait(wait) => wait.message.as_str().into(),
            Self::Blocked(blocked) => blocked.message.as_str().into(),
        }
    }

    /// Returns the conditions for the status.
    pub(super) fn conditions(&self) -> Vec<(ConditionType, ConditionStatus, Reason, String)> {
        let ready = match self {
            Self::Ready(_) => ConditionStatus::True,
            Self::Wait(wait) if wait.reason == Reason::Suspended => ConditionStatus::Unknown,
            Self::Do(_) | Self::Wait(_) | Self::Blocked(_) => ConditionStatus::False,
        };
        let beside = match self {
            Self::Do(_) => Some(ConditionType::Reconciling),
            Self::Wait(wait) => match wait.awaits {
                Awaits::Time | Awaits::Build => Some(ConditionType::Reconciling),
                Awaits::Change => None,
            },
            Self::Blocked(_) => Some(ConditionType::Stalled),
            Self::Ready(_) => None,
        };
        let beside = beside.map(|condition| (condition, ConditionStatus::True));
        [(ConditionType::Ready, ready)]
            .into_iter()
            .chain(beside)
            .map(|(condition, status)| {
                (
                    condition,
                    status,
                    self.reason(),
                    self.message().into_owned(),
                )
            })
            .collect()
    }
}
