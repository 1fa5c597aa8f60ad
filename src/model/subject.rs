//! What an answer, a mark or a line of output refers to.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::value::ManifestName;

/// A declared resource of a target: the key in the desired set, the plan, the output, the log and the history.
///
/// The status of an image is kept under the name of the *image*, so that it survives a renamed manifest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    pub target: TargetName,
    pub kind: Kind,
    pub name: ManifestName,
}

impl Subject {
    /// Returns a subject of the default target.
    pub fn new(kind: Kind, name: ManifestName) -> Self {
        Self {
            target: TargetName::default(),
            kind,
            name,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    UpdatedImage,
}

impl Kind {
    /// Returns the value of `kind` in a manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UpdatedImage => "UpdatedImage",
        }
    }
}

/// The name of a target. Without a declared target it is `default`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TargetName(Cow<'static, str>);

impl Default for TargetName {
    fn default() -> Self {
        Self(Cow::Borrowed("default"))
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
