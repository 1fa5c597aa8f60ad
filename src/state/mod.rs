//! The status: what repave remembers between passes, and where it is stored. This room decides nothing.

mod document;
pub mod file;
mod history;
pub mod status;
pub mod store;
mod transitions;

pub use history::{Entry, History};
