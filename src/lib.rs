//! repave keeps Amazon WorkSpaces images as Git says they should be.
//!
//! ```text
//!  *.yaml ------ manifest ----> Desired  --+
//!  service ----- cloud -------> Observed --+--> plan(&desired, &observed, &status, now) --> Plan --> apply --> show
//!  status ------ state -------> Status   --+          pure, sync                            |     (cloud)
//!                                  ^                                                        |
//!                                  +---- save <---- transitions: observe, mark, record <----+
//! ```
//!
//! A manifest and the cloud meet in [`mod@plan`], and nowhere else. `plan` decides everything and does nothing; `apply` in
//! [`run`] does it and decides nothing. A call is marked on disk before it is sent, is sent once, and its result is
//! recorded. A listing is whole or an error. Nothing is deleted or renamed.
//!
//! `main.rs` parses [`cli`], and [`command`] wires the rooms for it. [`probe`] watches a process that stays, [`show`] writes
//! what people and programs read, and [`simulator`] stands in for AWS. [`model`] says what things are, and [`sys`] holds the
//! doors to the machine.
//!
//! A room uses only rooms to its left: `sys <- model <- manifest, cloud <- state, simulator <- plan <- show, cli <- probe <-
//! run <- command`.

pub mod cli;
pub mod cloud;
pub mod command;
pub mod manifest;
pub mod model;
pub mod plan;
pub mod probe;
pub mod run;
pub mod show;
pub mod simulator;
pub mod state;
pub mod sys;
