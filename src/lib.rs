//! repave
pub mod clock;
pub mod cloud;
pub mod escape;
pub mod image;
pub mod manifest;
pub mod name;
pub mod reason;
