//! Describes this run in the status that it writes, so that people can find the run.

use crate::state::status::Run;
use crate::sys::{environment, lock, random};

/// Returns the run of this process. Each start has a new ID.
pub(super) fn this_run() -> Run {
    Run {
        id: random::id(),
        url: environment::pipeline_url(),
        host: lock::host(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
