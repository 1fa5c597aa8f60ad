//! The plan: a pure function from desired, observed, status and now to an answer for every image.
//!
//! It makes every decision and has no effect: no call, no clock, no file. The code that carries out a plan decides nothing.

mod answer;
mod approved;
mod attempt;
mod checksum;
mod drift;
pub mod guards;
mod planned;
mod rules;
#[cfg(test)]
pub(crate) mod samples;
mod source;

use jiff::SignedDuration;

use crate::model::image::{Desired, Observed};
use crate::state::status::Status;
use crate::sys::clock::Now;

pub use answer::{Answer, Awaits, Blocked, Ready, Wait};
pub(crate) use approved::Approved;
pub(crate) use attempt::Attempt;
pub use checksum::{checksum, checksum_before};
pub use drift::Drift;
pub use planned::{Plan, PlannedImage, Source, Totals};

/// Returns an answer for every desired image; the first matching rule wins (table in docs/plan.md).
///
/// The same listing must have been applied to `status` ([`Status::observe`]); `settle` is the settle window. A wait is over only
/// if it ended before the listing began. Nothing in `status` was written after `now.after()`.
pub fn plan<'a>(
    desired: &'a Desired,
    observed: &Observed,
    status: &Status,
    settle: SignedDuration,
    now: impl Into<Now>,
) -> Plan<'a> {
    rules::planned(desired, observed, status, settle, now.into())
}
