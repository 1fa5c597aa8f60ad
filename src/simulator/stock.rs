//! The images that an account holds, and each one's state at a time. It knows no calls.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::image::{ImageState, OperatingSystem};
use crate::model::value::{Description, ImageId, ImageName};

/// A time, which may be counted from the account's start: its first call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Moment {
    /// So long after the account's start.
    AfterStart(SignedDuration),
    At(Timestamp),
}

impl Moment {
    /// The account's start itself.
    pub(crate) const START: Self = Self::AfterStart(SignedDuration::ZERO);

    /// Turns a time counted from the start into a time of day.
    pub(super) fn fix(&mut self, start: Timestamp) {
        if let Self::AfterStart(passed) = *self {
            *self = Self::At(start.saturating_add(passed).unwrap_or(Timestamp::MAX));
        }
    }

    /// Tells whether it has come. In an account that has not started, only what has no time to wait has.
    pub(crate) fn has_come(&self, now: Timestamp) -> bool {
        match self {
            Self::AfterStart(passed) => *passed <= SignedDuration::ZERO,
            Self::At(time) => *time <= now,
        }
    }

    /// The time, once the account has started.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        match self {
            Self::AfterStart(_) => None,
            Self::At(time) => Some(*time),
        }
    }
}

/// The time so long after another, and never before it.
pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by.max(SignedDuration::ZERO))
        .unwrap_or(Timestamp::MAX)
}

/// Whether an image runs on shared hardware.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Tenancy {
    #[default]
    Default,
    /// The account's own, as brought licences need it.
    Dedicated,
}

/// What the service says about an update for an image.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Update {
    pub(crate) available: bool,
    /// What it brings: 1-255 characters (model).
    pub(crate) description: Option<String>,
}

/// Why a build fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BuildError {
    /// The image's `ErrorCode`; an open set of texts (model).
    pub(crate) code: String,
    pub(crate) message: String,
    /// The image's `ErrorDetails`: code and message of each.
    #[serde(default)]
    pub(crate) details: Vec<(String, String)>,
}

/// One image that the account owns or that is shared with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// Its name.
    pub name: ImageName,
    /// Its description.
    pub description: Option<Description>,
    /// Whether it is a Linux image; else Windows.
    pub(crate) linux: bool,
    pub(crate) tenancy: Tenancy,
    /// The account that owns it, if not this one: then it is shared with this one.
    pub(crate) shared_by: Option<String>,
    /// When it was created.
    pub(crate) created: Moment,
    /// When its build ends; until then it is PENDING.
    pub(crate) build_ends: Moment,
    /// Why its build fails: then it ends in ERROR, else AVAILABLE.
    pub(crate) build_error: Option<BuildError>,
    /// Until when no update can be made from it.
    pub(crate) busy_until: Option<Moment>,
    /// What the service says about an update for it, if anything.
    pub(crate) update: Option<Update>,
    pub(crate) tags: BTreeMap<String, String>,
    /// The first listing that shows it, counted from 1 over the account's life; an earlier one lacks it.
    pub(crate) listed_from: u64,
    /// The image it was made from, which no call tells.
    pub(crate) source: Option<ImageId>,
}

impl Image {
    /// An AVAILABLE Windows image of the account's own, created at its start.
    pub fn new(name: ImageName) -> Self {
        Self {
            name,
            description: None,
            linux: false,
            tenancy: Tenancy::Default,
            shared_by: None,
            created: Moment::START,
            build_ends: Moment::START,
            build_error: None,
            busy_until: None,
            update: None,
            tags: BTreeMap::new(),
            listed_from: 0,
            source: None,
        }
    }

    pub(crate) fn state(&self, now: Timestamp) -> ImageState {
        if !self.build_ends.has_come(now) {
            ImageState::Pending
        } else if self.build_error.is_some() {
            ImageState::Error
        } else {
            ImageState::Available
        }
    }

    pub(crate) fn operating_system(&self) -> OperatingSystem {
        if self.linux {
            OperatingSystem::Linux
        } else {
            OperatingSystem::Windows
        }
    }

    /// Fixes every time that is counted from the account's start.
    pub(super) fn start(&mut self, start: Timestamp) {
        self.created.fix(start);
        self.build_ends.fix(start);
        if let Some(until) = &mut self.busy_until {
            until.fix(start);
        }
    }
}
