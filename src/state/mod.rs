//! What is remembered between passes. It decides nothing.

pub mod file;
pub mod status;
