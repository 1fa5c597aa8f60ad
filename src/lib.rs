//! repave
pub mod apply;
pub mod aws;
pub mod clock;
pub mod cloud;
pub mod escape;
pub mod image;
pub mod name;
pub mod once;
pub mod plan;
pub mod reason;
pub mod reconcile;
pub mod retry;
pub mod status;
pub mod stop;
pub mod store;
