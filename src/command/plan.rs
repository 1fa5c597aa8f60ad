//! `repave plan`: shows what a pass would do. It changes nothing, not even the status file.

use super::connect::connect;
use super::failure::{cancelled, store_failed, unlisted};
use super::revision;
use super::screen::Screen;
use super::select::{Names, select};
use crate::cli::{FailOn, Plan};
use crate::cloud::{Ask, Cloud as _};
use crate::model::outcome::{ExitCode, Outcome};
use crate::model::target::Target;
use crate::plan::checksum;
use crate::run::questions::plan_with_answers;
use crate::show::{self, PlanBody, PlanText};
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
    let loaded = stop.unless(revision::load(&arguments.manifests, screen, false));
    let loaded = loaded.await.map_err(|_| cancelled("nothing was changed"))?;
    let (loaded, found) = match loaded {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let work = async {
        let connected =
            Box::pin(connect(&arguments.service, &loaded.desired, false, clock)).await?;
        let before = clock.now();
        let observed = connected.api.observe(&Ask::Images).await;
        let observed = observed.map_err(|error| unlisted(&error))?;
        Ok::<_, Outcome>((connected, observed, before))
    };
    let (connected, mut observed, before) = stop
        .unless(Box::pin(work))
        .await
        .map_err(|_| cancelled("nothing was changed"))??;
    let target = Target {
        account_id: observed.owner().map(str::to_owned),
        ..connected
            .api
            .target(arguments.service.status.is_simulated())
    };
    let path = arguments.service.status.path();
    let file::Read {
        mut status,
        unusable,
    } = file::read(&path, &target).map_err(|error| store_failed(&error))?;
    if let Some(why) = unusable {
        let why = format!("ignored {}: {why}", path.display());
        tracing::warn!("{}", escaped(&why, 800));
    }
    // After the status was read: another process can have marked a create since the listing.
    let now = Now::new(before, clock.now());
    status.observe(&loaded.desired, &observed, now);
    let (cloud, desired) = (&connected.api, &loaded.desired);
    let times = (arguments.service.settle_time, now);
    let planned = plan_with_answers(cloud, desired, &mut observed, &status, times, stop);
    let plan = Box::pin(planned).await;
    if stop.reason().is_some() {
        return Err(cancelled("nothing was changed"));
    }
    plan.write_conditions(&mut status, now.after());
    let totals = plan.totals();
    let fails = arguments.fail_on.iter().any(|what| match what {
        FailOn::Blocked => totals.blocked > 0,
        FailOn::Drift => totals.drifted > 0,
    });
    let code = match fails {
        true => ExitCode::Blocked,
        false if arguments.detailed_exitcode && totals.due > 0 => ExitCode::ChangesPending,
        false => ExitCode::Done,
    };
    let outcome = Outcome::new(code, format!("planned: {}", show::totals_text(totals)));
    let names = &arguments.names;
    let checksum = checksum(&plan, &target.region, target.simulated);
    let mut rows = show::plan_rows(&plan, &status);
    if !names.is_empty() {
        let images: Vec<Names<'_>> = rows.iter().map(Names::from).collect();
        let selected = select(names, &images, "the plan")?;
        show::show_only(&mut rows, &selected);
    }
    let manifests = revision::status(&loaded, &found);
    screen.text(&show::head(&target, &manifests));
    let mut text = PlanText::new(screen.columns());
    screen.text(&text.of(&rows, plan.listed, now.after()));
    screen.text(&format!("Checksum: {checksum}\n"));
    let body = PlanBody::new(&target, &outcome, &rows)
        .with_manifests(&manifests)
        .with_warnings(&loaded.warnings)
        .with_names(names)
        .with_checksum(&checksum);
    screen.json(show::DocumentKind::Plan, &outcome, &body);
    screen.markdown(|| {
        show::plan_markdown(
            "repave plan",
            (&target, &manifests),
            &outcome,
            &rows,
            Some(&checksum),
            now.after(),
        )
    });
    Ok(outcome)
}
