//! Asks the service what a plan must know besides the listing, and plans again. It decides nothing.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::timeout;

use crate::cloud::{Ask, Cloud};
use crate::model::image::{Desired, Observed};
use crate::plan::{Plan, plan};
use crate::state::status::Status;
use crate::sys::clock::Now;
use crate::sys::escape::escaped;
use crate::sys::stop::Stop;

/// The most rounds of questions in one pass: an answer may lead to one more question.
const MAX_ROUNDS: usize = 2;

/// How long a pass waits for an answer. Answers only add details, so due creates must not wait for them.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// Plans, and asks the plan's questions. A question without an answer does not change the plan.
pub(crate) async fn plan_with_answers<'a, C: Cloud>(
    cloud: &C,
    desired: &'a Desired,
    observed: &mut Observed,
    status: &Status,
    (settle, now): (SignedDuration, Now),
    stop: &Stop,
) -> Plan<'a> {
    let mut planned = plan(desired, observed, status, settle, now);
    for _ in 0..MAX_ROUNDS {
        if planned.questions.is_empty() {
            break;
        }
        let ask = Ask::Questions(std::mem::take(&mut planned.questions));
        let answered = stop.unless(timeout(MAX_WAIT, cloud.observe(&ask))).await;
        let why = match answered {
            Ok(Ok(Ok(answers))) => {
                observed.add_answers(answers);
                None
            }
            Ok(Ok(Err(error))) => Some(escaped(&error.to_string(), 500)),
            Ok(Err(_)) => Some(format!("no answer in {MAX_WAIT:?}")),
            Err(_) => Some("stopped".to_owned()),
        };
        if let Some(why) = why {
            tracing::debug!("a question to the service was not answered: {why}");
            break;
        }
        planned = plan(desired, observed, status, settle, now);
    }
    planned
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::time::Instant;

    use super::*;
    use crate::cloud::{ApiError, Receipt, Step};
    use crate::model::reason::Reason;
    use crate::model::target::Target;
    use crate::plan::samples::desired;
    use crate::sys::stop::Stopper;

    struct Silent;

    impl Cloud for Silent {
        async fn observe(&self, _: &Ask) -> Result<Observed, ApiError> {
            std::future::pending().await
        }

        async fn perform(&self, _: &Step) -> Result<Receipt, ApiError> {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_question_without_an_answer_costs_seconds_and_no_plan() {
        let (stopper, stop) = Stopper::new();
        let (desired, status) = (desired(&["a"]), Status::new(Target::default()));
        let now = Now::from(Timestamp::UNIX_EPOCH);
        for (is_stopped, seconds) in [(false, 10), (true, 0)] {
            if is_stopped {
                stopper.stop();
            }
            let (start, mut observed) = (Instant::now(), Observed::new(Vec::new()));
            let times = (SignedDuration::ZERO, now);
            let plan =
                plan_with_answers(&Silent, &desired, &mut observed, &status, times, &stop).await;
            let reasons: Vec<_> = plan.images.iter().map(|i| i.answer.reason()).collect();
            assert_eq!(reasons, [Reason::SourceImageNotFound]);
            assert_eq!(start.elapsed(), Duration::from_secs(seconds));
        }
    }
}
