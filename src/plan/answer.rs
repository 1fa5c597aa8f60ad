//! The answer for one image: a step, ready, a wait or a block. Which group that is, is asked here and nowhere else.

use std::borrow::Cow;

use jiff::Timestamp;

use crate::cloud::Step;
use crate::model::group::Group;
use crate::model::reason::Reason;
use crate::state::status::{ConditionStatus, ConditionType};

/// What is to be done for an image, or why nothing is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Do(Step),
    /// Nothing: the image is there and AVAILABLE.
    Ready(Ready),
    /// Nothing now; no action is required.
    Wait(Wait),
    /// Nothing until somebody acts: in the manifest, in the account, in its permissions.
    Blocked(Blocked),
}

/// An image that is there and AVAILABLE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    pub image_id: String,
}

/// Why nothing is done for an image now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    pub reason: Reason,
    /// The reason in words that stay the same while nothing changes. Texts of the service's are not escaped in it.
    pub message: String,
    pub awaits: Awaits,
    /// Since when it waits, if known.
    pub since: Option<Timestamp>,
    /// When repave acts by itself, if that is known.
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaits {
    /// Time: a step is left to take, and becomes due by itself.
    Time,
    /// The service, which builds.
    Build,
    /// Another manifest, or an update at AWS: nothing is left to do.
    News,
}

/// Why nothing is done for an image until somebody acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    pub reason: Reason,
    /// The reason in words that stay the same while nothing changes. Texts of the service's are not escaped in it.
    pub message: String,
    /// Since when it is blocked, if known.
    pub since: Option<Timestamp>,
    /// When repave tries again by itself, if it does.
    pub until: Option<Timestamp>,
}

impl Answer {
    /// Returns the group: the one place that decides it.
    pub fn group(&self) -> Group {
        match self {
            Self::Do(_) => Group::Due,
            Self::Ready(_) => Group::Ready,
            Self::Wait(wait) => match wait.awaits {
                Awaits::Build => Group::Building,
                Awaits::Time | Awaits::News => Group::Waiting,
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

    /// Returns the wait that ends without anybody's doing: time, or with `builds` a build too.
    pub(crate) fn passing(&self, builds: bool) -> Option<&Wait> {
        match self {
            Self::Wait(wait) => match wait.awaits {
                Awaits::Time => Some(wait),
                Awaits::Build => builds.then_some(wait),
                Awaits::News => None,
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

    /// Returns the reason that output and conditions name.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Do(_) => Reason::Missing,
            Self::Ready(_) => Reason::Available,
            Self::Wait(wait) => wait.reason,
            Self::Blocked(blocked) => blocked.reason,
        }
    }

    /// Returns the reason in words that stay the same while nothing changes, not escaped.
    pub fn message(&self) -> Cow<'_, str> {
        match self {
            Self::Do(step) => format!("missing; to be created from {}", step.from()).into(),
            Self::Ready(ready) => format!("{} is AVAILABLE", ready.image_id).into(),
            Self::Wait(wait) => wait.message.as_str().into(),
            Self::Blocked(blocked) => blocked.message.as_str().into(),
        }
    }

    /// Returns the conditions that it amounts to.
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
                Awaits::News => None,
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
