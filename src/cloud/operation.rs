//! The operations of the service that repave calls.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    DescribeWorkspaceImages,
    CreateUpdatedWorkspaceImage,
}

impl Operation {
    /// Returns whether the operation creates an image. After an unknown result, a create must not be sent again before the
    /// image list is checked.
    pub(crate) fn creates_image(self) -> bool {
        match self {
            Self::CreateUpdatedWorkspaceImage => true,
            Self::DescribeWorkspaceImages => false,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
