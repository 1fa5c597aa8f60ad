//! Guards: reasons not to carry a plan out at all.

use std::collections::BTreeSet;

use super::attempt::Attempt;
use super::planned::{Plan, PlannedImage};
use crate::cloud::Step;

/// Refuses a plan that would make the run or pass ask for more images than it may; `attempts` are those that it made before.
pub(crate) fn within_budget(
    scope: &str,
    plan: &Plan<'_>,
    attempts: &[Attempt<'_>],
    most: Option<usize>,
) -> Result<(), String> {
    let Some(most) = most else {
        return Ok(());
    };
    let creates_image = |step: &&Step| step.operation().creates_image();
    let asked: BTreeSet<_> = attempts
        .iter()
        .map(|attempt| &attempt.step)
        .filter(creates_image)
        .map(Step::to)
        .collect();
    let steps = plan.images.iter().filter_map(PlannedImage::step);
    let mut all = asked.clone();
    all.extend(steps.filter(creates_image).map(Step::to));
    if all.len() <= most {
        return Ok(());
    }
    let images = |count: usize| match count {
        1 => "1 image".to_owned(),
        count => format!("{count} images"),
    };
    let before = match asked.len() {
        0 => "nothing was created".to_owned(),
        asked => format!("{} asked for before stay as they are", images(asked)),
    };
    Err(format!(
        "this {scope} would ask for {}, and --max-creates allows {most}; {before}. To allow them: --max-creates {}",
        images(all.len()),
        all.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{ApiError, Operation};
    use crate::plan::samples::{building, create, desired, plan, ready, receipt};

    fn refusal() -> ApiError {
        ApiError::answered(
            Operation::CreateUpdatedWorkspaceImage,
            Some("ThrottlingException"),
        )
    }

    #[test]
    fn a_run_may_ask_for_as_many_images_as_are_allowed_over_all_its_passes() {
        let images = desired(&["a", "b", "c"]);
        let make = || create("wsi-1");
        let attempt = |index: usize, is_accepted: bool| {
            let every = plan(&images, [make(), make(), make()]);
            Attempt {
                desired: every.images[index].desired,
                step: every.images[index].step().cloned().unwrap(),
                result: if is_accepted {
                    Ok(receipt("wsi-1"))
                } else {
                    Err(refusal())
                },
            }
        };
        for (attempts, answers, all) in [
            (vec![], [make(), make(), building()], 2),
            (vec![attempt(0, true)], [building(), make(), ready()], 2),
            (vec![attempt(0, true)], [building(), make(), make()], 3),
            (
                vec![attempt(0, true), attempt(1, true)],
                [ready(), building(), make()],
                3,
            ),
            // Asked for again, it is still one image.
            (
                vec![attempt(0, false), attempt(0, false)],
                [make(), make(), ready()],
                2,
            ),
            (
                vec![attempt(0, true), attempt(1, true)],
                [ready(), building(), ready()],
                2,
            ),
        ] {
            let plan = plan(&images, answers);
            for (most, passes) in [
                (None, true),
                (Some(all + 1), true),
                (Some(all), true),
                (Some(all - 1), false),
                (Some(0), false),
            ] {
                let within = within_budget("run", &plan, &attempts, most);
                assert_eq!(within.is_ok(), passes, "{within:?} {plan:?}");
            }
        }
    }
}
