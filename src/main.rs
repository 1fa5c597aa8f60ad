//! The repave command.
fn main() {}
