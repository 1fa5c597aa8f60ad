//! What is remembered between passes: records, conditions and history, and where they are kept. It decides nothing.

mod document;
pub mod file;
mod history;
pub mod status;
pub mod store;
mod transitions;

pub use history::{Entry, History};
