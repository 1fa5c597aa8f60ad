//! The integration tests, one binary: linking the SDK once is enough.

#![expect(
    clippy::unwrap_used,
    reason = "a test that panics has failed; clippy sees tests only where #[test] stands"
)]
#![expect(clippy::too_many_lines, reason = "a table is as long as its rows")]
#![expect(
    unreachable_pub,
    reason = "one binary; its modules are each other's only users"
)]

mod accounts;
mod aws;
mod binary;
mod crash;
mod daemon;
mod documents;
mod doors;
mod drift;
mod explain;
mod files;
mod health;
mod heard;
mod hostile;
mod identity;
mod map;
mod mistakes;
mod model;
mod output_schema;
mod pages;
mod pipeline;
mod plan;
mod revision;
mod runs;
mod schema;
mod select;
mod simulation;
mod status;
mod status_shown;
mod stopped;
mod unit_file;
mod wire;
mod words;
mod world;
