//! What things are: values with their limits, images, reasons, outcomes. It does no input or output.

pub mod defaults;
pub mod group;
pub mod image;
pub mod limits;
pub mod outcome;
pub mod reason;
pub mod subject;
pub mod target;
pub mod value;
