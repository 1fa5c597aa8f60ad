//! What is known of a topic, before it has a name.

/// What is known of a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) means: &'static str,
    /// What makes it go away.
    pub(crate) clears: &'static str,
    /// Which IAM action, page or term to look for at AWS; empty where there is none.
    pub(crate) look_for: &'static str,
}

/// A code, what it means, and what to do about it.
pub(super) type Detail = (&'static str, &'static str, &'static str);
