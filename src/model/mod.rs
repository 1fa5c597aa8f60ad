//! The types of values, images, targets, reasons and outcomes. It does no I/O.

pub mod defaults;
pub mod group;
pub mod image;
pub mod limits;
pub mod outcome;
pub mod reason;
pub mod subject;
pub mod target;
pub mod value;
