//! Who writes a status: this run, in words that lead people to it.

use crate::state::status::Run;
use crate::sys::{environment, lock, random};

/// Describes this process. Its id is new with each start.
pub(super) fn this_run() -> Run {
    Run {
        id: random::id(),
        url: environment::pipeline_url(),
        host: lock::host(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
