//! What an answer, a mark or a line of output is about.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::value::ManifestName;

/// One declared thing of one target: the key in the desired set, the plan, the output, the log and the history.
///
/// What is remembered of an image is kept by the *image's* name: a renamed manifest must find it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    pub target: TargetName,
    pub kind: Kind,
    pub name: ManifestName,
}

impl Subject {
    /// Returns the subject of a manifest where no target is declared.
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
    /// Returns the word for it in a manifest's `kind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UpdatedImage => "UpdatedImage",
        }
    }
}

/// A target's name; `default` where none is declared.
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
