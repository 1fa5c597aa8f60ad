//! The operations of the service that repave calls.

use std::fmt;

/// An operation of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    DescribeWorkspaceImages,
    CreateUpdatedWorkspaceImage,
}

impl Operation {
    /// Tells whether it makes an image. Only such a call has a result that may be unknown: it must not be sent again before
    /// its image has been looked for.
    pub(crate) fn makes_an_image(self) -> bool {
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
