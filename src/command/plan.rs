//! `repave plan`: shows what a pass would do. It changes nothing, the status file included.

use super::connect::connect;
use super::failure::{cancelled, store_failed, unlisted};
use super::screen::Screen;
use super::validate::load;
use crate::cli::Plan;
use crate::cloud::ImageApi as _;
use crate::model::outcome::{ExitCode, Outcome};
use crate::model::target::Target;
use crate::plan::plan;
use crate::show::{self, PlanBody};
use crate::state::file;
use crate::sys::clock::{Clock, Now};
use crate::sys::escape::escaped;
use crate::sys::stop::Stop;

pub(super) async fn run(
    arguments: &Plan,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: &Stop,
) -> Result<Outcome, Outcome> {
    screen.copy_into(&arguments.copies)?;
    let loaded = match load(&arguments.manifests, screen) {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let work = async {
        let connected =
            Box::pin(connect(&arguments.service, &loaded.desired, false, clock)).await?;
        let before = clock.now();
        let observed = connected
            .api
            .list_images()
            .await
            .map_err(|error| unlisted(&error))?;
        Ok::<_, Outcome>((connected.api.region().to_owned(), observed, before))
    };
    let (region, observed, before) = stop
        .unless(Box::pin(work))
        .await
        .map_err(|_| cancelled("nothing was changed"))??;
    let target = Target {
        region,
        account_id: observed.owner().map(str::to_owned),
        simulated: arguments.service.simulated.is_some(),
    };
    let file::Read {
        mut status,
        unusable,
    } = file::read(&arguments.memory.status_file, &target).map_err(|error| store_failed(&error))?;
    if let Some(why) = unusable {
        let said = format!(
            "{} is not used: {why}",
            arguments.memory.status_file.display()
        );
        tracing::warn!("{}", escaped(&said, 800));
    }
    // After the status was read: another process may have marked a create since the listing.
    let now = Now::new(before, clock.now());
    status.observe(&loaded.desired, &observed, now);
    let plan = plan(
        &loaded.desired,
        &observed,
        &status,
        arguments.memory.settle,
        now,
    );
    let totals = plan.totals();
    let code = if arguments.detailed_exitcode && totals.create > 0 {
        ExitCode::ChangesPending
    } else {
        ExitCode::Done
    };
    let outcome = Outcome::new(code, format!("planned: {}", show::totals_text(totals)));
    let checksum = plan.checksum(&target.region, target.simulated);
    screen.text(&show::plan_text(&plan, now.after()));
    screen.text(&format!("Checksum: {checksum}\n"));
    let body = PlanBody::new(&target, &plan)
        .with_warnings(&loaded.warnings)
        .with_checksum(&checksum);
    screen.json("Plan", &outcome, &body);
    screen.markdown(|| {
        show::plan_markdown("repave plan", &outcome, &plan, Some(&checksum), now.after())
    });
    Ok(outcome)
}
