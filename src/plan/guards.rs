//! Guards: reasons not to carry out a plan at all.

use std::collections::BTreeSet;

use super::attempt::Attempt;
use super::planned::{Plan, PlannedImage};
use crate::cloud::Step;
use crate::sys::words::counted;

/// Refuses a plan with which the run or pass would create more than `most` images; `attempts` are its earlier attempts.
pub(crate) fn check_budget(
    scope: &str,
    plan: &Plan<'_>,
    attempts: &[Attempt<'_>],
    most: Option<usize>,
) -> Result<(), String> {
    let Some(most) = most else {
        return Ok(());
    };
    let creates_image = |step: &&Step| step.operation().creates_image();
    let requested: BTreeSet<_> = attempts
        .iter()
        .map(|attempt| &attempt.step)
        .filter(creates_image)
        .map(Step::to)
        .collect();
    let steps = plan.images.iter().filter_map(PlannedImage::step);
    let mut all = requested.clone();
    all.extend(steps.filter(creates_image).map(Step::to));
    if all.len() <= most {
        return Ok(());
    }
    let images = |count| counted(count, "image");
    let before = match requested.len() {
        0 => "nothing was created".to_owned(),
        count => format!("{} that were requested earlier stay", images(count)),
    };
    Err(format!(
        "this {scope} would create {}, but --max-creates allows {most}; {before}. To allow them, use --max-creates {}",
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
    fn the_budget_counts_the_images_of_all_passes_of_a_run() {
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
            // An image that is requested twice counts once.
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
                let result = check_budget("run", &plan, &attempts, most);
                assert_eq!(result.is_ok(), passes, "{result:?} {plan:?}");
            }
        }
    }
}
