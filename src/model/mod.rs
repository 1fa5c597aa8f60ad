//! What things are: values with their limits, images, reasons, outcomes. It does no input or output.

pub mod defaults;
pub mod image;
pub mod limits;
pub mod outcome;
pub mod reason;
pub mod target;
pub mod value;
