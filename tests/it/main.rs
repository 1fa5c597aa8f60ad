//! The integration tests, one binary: linking the SDK once is enough.

#![expect(
    unreachable_pub,
    reason = "one binary; its modules are each other's only users"
)]

mod aws;
mod binary;
mod doors;
mod plan;
mod runs;
mod status;
mod wire;
mod world;
