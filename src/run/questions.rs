//! Asks what a plan must know beside the listing, and plans again. It decides nothing.

use jiff::SignedDuration;

use crate::cloud::{Ask, Cloud};
use crate::model::image::{Desired, Observed};
use crate::plan::{Plan, plan};
use crate::state::status::Status;
use crate::sys::clock::Now;
use crate::sys::escape::escaped;

/// The most rounds of questions of one pass: an answer may lead to another question, and no rule needs more.
const ROUNDS: usize = 2;

/// Plans, and asks the plan's questions. A question that gets no answer is let be: doubt decides as if it had not been asked.
pub(crate) async fn plan_with_answers<'a, C: Cloud>(
    cloud: &C,
    desired: &'a Desired,
    observed: &mut Observed,
    status: &Status,
    settle: SignedDuration,
    now: Now,
) -> Plan<'a> {
    let mut planned = plan(desired, observed, status, settle, now);
    for _ in 0..ROUNDS {
        if planned.questions.is_empty() {
            break;
        }
        let ask = Ask::Questions(std::mem::take(&mut planned.questions));
        match cloud.observe(&ask).await {
            Ok(answers) => observed.add_answers(answers),
            Err(error) => {
                let why = escaped(&error.to_string(), 500);
                tracing::debug!("a question was not answered: {why}");
                break;
            }
        }
        planned = plan(desired, observed, status, settle, now);
    }
    planned
}
