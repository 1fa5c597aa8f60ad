//! The groups that answers are counted, shown and stored in.

use serde::{Deserialize, Serialize};

/// How it stands with what is declared. `Answer::group` is the one place that decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Group {
    /// A step is due.
    Due,
    /// The service builds it.
    Building,
    /// It waits, and nobody need do anything.
    Waiting,
    /// Action is required.
    Blocked,
    /// It is as declared.
    Ready,
}

impl Group {
    /// All of them, in the order in which totals name them.
    pub const ALL: [Self; 5] = [
        Self::Due,
        Self::Building,
        Self::Waiting,
        Self::Blocked,
        Self::Ready,
    ];
}
