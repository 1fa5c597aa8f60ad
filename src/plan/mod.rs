//! What is to be done: the pure function from desired, observed, status and now to an answer for every image.
//!
//! It decides everything and does nothing: no call, no clock, no file. Who carries a plan out makes no choices.

mod answer;
mod approved;
mod attempt;
mod checksum;
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
pub use planned::{Plan, PlannedImage, Totals};

/// Answers for every desired image; the first rule that matches wins (docs/plan.md has the table).
///
/// `status` must have taken in the same listing ([`Status::observe`]); `settle` is the settle window. Whatever is waited for
/// must have ended before the listing was begun, and nothing in `status` was written later than `now.after()`.
pub fn plan<'a>(
    desired: &'a Desired,
    observed: &Observed,
    status: &Status,
    settle: SignedDuration,
    now: impl Into<Now>,
) -> Plan<'a> {
    rules::planned(desired, observed, status, settle, now.into())
}
