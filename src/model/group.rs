//! The groups that answers are counted, shown and stored in.

use serde::{Deserialize, Serialize};

/// The status of a declared image in one word. Only `Answer::group` decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Group {
    /// A step is due.
    Due,
    /// The service is building the image.
    Building,
    /// repave waits. No action is required.
    Waiting,
    /// Action is required.
    Blocked,
    /// The image is as declared.
    Ready,
}

impl Group {
    /// All groups, in the order of the totals.
    pub const ALL: [Self; 5] = [
        Self::Due,
        Self::Building,
        Self::Waiting,
        Self::Blocked,
        Self::Ready,
    ];
}
