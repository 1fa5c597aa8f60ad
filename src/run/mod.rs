//! Runs passes: when a pass runs, and what it does. This room formats no output.

pub mod apply;
pub mod changes;
pub mod checkout;
pub mod daemon;
pub mod once;
pub(crate) mod questions;
pub mod reconcile;
pub mod revision;
