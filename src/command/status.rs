//! `repave status`: shows the status file, once or whenever it changes. It reads nothing else.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::failure::store_failed;
use super::screen::Screen;
use super::select::{Names, meant, select};
use crate::cli::{self, StatusOutput};
use crate::model::outcome::{ExitCode, Outcome};
use crate::model::reason::Reason;
use crate::plan::Totals;
use crate::show::{self, StatusBody, View};
use crate::state::file;
use crate::state::status::{ConditionStatus, ConditionType, ImageStatus, Status};
use crate::state::store::StoreError;
use crate::sys::clock::Clock;
use crate::sys::stamp::Stamp;
use crate::sys::stop::Stop;
use crate::sys::terminal::Terminal;
use crate::sys::words::counted;

/// How often a watched file is checked, and the terminal updated.
const CHECK: Duration = Duration::from_secs(1);

pub(super) async fn run(
    arguments: &cli::Status,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: &Stop,
) -> Result<Outcome, Outcome> {
    if arguments.watch {
        return watch(arguments, screen, clock, stop).await;
    }
    let path = arguments.file.path();
    let status = read(&path, arguments.region.as_deref())?.ok_or_else(|| {
        let why = "there is no status file yet. repave reconcile writes it; with --simulate, repave reconcile writes another file, which status --simulate shows";
        unshown(&path, why)
    })?;
    let chosen = choose(arguments, status, Absent::Refused)?;
    let now = clock.now_in_seconds();
    screen.text(&show::status_text(
        &chosen.status,
        now,
        view(arguments, screen),
    ));
    show_json(arguments, screen, &chosen);
    Ok(chosen.outcome)
}

fn show_json(arguments: &cli::Status, screen: &mut Screen<'_>, chosen: &Chosen) {
    let Chosen {
        status,
        totals,
        outcome,
    } = chosen;
    let rows = show::status_rows(status);
    let body = StatusBody::new(status, outcome, &rows, *totals, &arguments.names);
    screen.json(show::DocumentKind::StatusReport, outcome, &body);
}

/// Returns the status, or none if there is no file. `region` is the Region that it must be about.
fn read(path: &Path, region: Option<&str>) -> Result<Option<Status>, Outcome> {
    match file::read_any(path) {
        Ok(Ok(status)) => match region {
            Some(region) if status.target.region != region => Err(Outcome::new(
                ExitCode::Usage,
                format!(
                    "{} is about {}, not about {region}. Use --status-file with the status file of that Region",
                    path.display(),
                    show::target_line(&status.target)
                ),
            )),
            Some(_) | None => Ok(Some(status)),
        },
        Ok(Err(why)) => Err(unshown(path, &why)),
        Err(StoreError::File(error)) if error.is_not_found() => Ok(None),
        Err(error) => Err(store_failed(&error)),
    }
}

fn unshown(path: &Path, why: &str) -> Outcome {
    Outcome::new(
        ExitCode::Failed,
        format!("cannot show {}: {why}", path.display()),
    )
}

fn view(arguments: &cli::Status, screen: &Screen<'_>) -> View {
    View {
        wide: arguments.format.output == StatusOutput::Wide,
        columns: screen.columns(),
    }
}

/// What is shown of a status.
struct Chosen {
    /// The status with the images that are shown.
    status: Status,
    /// The totals of all images.
    totals: Totals,
    outcome: Outcome,
}

/// What a NAME that matches nothing does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    Refused,
    /// An image that was shown before can be gone.
    Hidden,
}

/// Chooses the images that the names mean, of these the images with one of the reasons.
fn choose(arguments: &cli::Status, mut status: Status, absent: Absent) -> Result<Chosen, Outcome> {
    let path = arguments.file.path();
    let path = path.display();
    status.images.retain(|image| !image.is_memory_only());
    let totals = show::totals(&show::status_rows(&status));
    let all = status.images.len();
    let mut words = format!("{} in {path}", counted(all, "image"));
    if !arguments.names.is_empty() {
        let images: Vec<Names<'_>> = status.images.iter().map(Names::from).collect();
        let selected = match absent {
            Absent::Refused => select(&arguments.names, &images, &path.to_string())?,
            Absent::Hidden => {
                let names = arguments.names.iter();
                names.flat_map(|name| meant(name, &images)).collect()
            }
        };
        let mut index = 0..;
        status
            .images
            .retain(|_| index.next().is_some_and(|index| selected.contains(&index)));
    }
    if !arguments.reasons.is_empty() {
        status
            .images
            .retain(|image| has_reason(image, &arguments.reasons));
    }
    if !arguments.names.is_empty() || !arguments.reasons.is_empty() {
        words = format!("{} of {words}", status.images.len());
    }
    let is_ready = |image: &ImageStatus| {
        let ready = image.condition(ConditionType::Ready);
        ready.is_some_and(|ready| ready.status == ConditionStatus::True)
    };
    let unready = status
        .images
        .iter()
        .filter(|image| !is_ready(image))
        .count();
    if unready > 0 {
        let simulated = if arguments.file.is_simulated() {
            " --simulate"
        } else {
            ""
        };
        words = format!("{words}, {unready} not ready: repave explain{simulated} NAME");
    }
    Ok(Chosen {
        status,
        totals,
        outcome: Outcome::new(ExitCode::Done, words),
    })
}

/// Returns whether the image has one of the reasons, for any of its conditions or its last error.
fn has_reason(image: &ImageStatus, reasons: &[Reason]) -> bool {
    let conditions = image.conditions.iter().map(|condition| condition.reason);
    let error = image.last_error.as_ref().map(|error| error.reason);
    conditions
        .chain(error)
        .any(|reason| reasons.contains(&reason))
}

/// Shows the status and then each change of it, until a signal, which is the normal end.
async fn watch(
    arguments: &cli::Status,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: &Stop,
) -> Result<Outcome, Outcome> {
    let path = arguments.file.path();
    let lines = screen.lines().filter(|_| screen.is_text());
    let mut file = Watched::default();
    let mut shown: Option<Chosen> = None;
    loop {
        let now = clock.now_in_seconds();
        if let Some(status) = file.changed(arguments, shown.is_some())? {
            // A NAME must match at the first time, as without --watch.
            let absent = match shown {
                None => Absent::Refused,
                Some(_) => Absent::Hidden,
            };
            let chosen = choose(arguments, status, absent)?;
            let before = shown.as_ref();
            let is_same = before.is_some_and(|before| {
                (&before.status, before.totals) == (&chosen.status, chosen.totals)
            });
            if lines.is_none() && !is_same {
                show_change(arguments, screen, before, &chosen, now);
            }
            shown = Some(chosen);
        }
        if let (Some(chosen), Some(lines)) = (&shown, &lines) {
            let text = show::status_text(&chosen.status, now, view(arguments, screen));
            lines.show(&fitting(&text, screen.terminal()));
        }
        let end = if screen.is_broken() {
            "its reader is gone"
        } else if stop.unless(tokio::time::sleep(CHECK)).await.is_err() {
            "stopped by a signal"
        } else {
            continue;
        };
        if let Some(lines) = lines {
            lines.keep();
        }
        let words = format!("watched {}; {end}", path.display());
        return Ok(Outcome::new(ExitCode::Done, words));
    }
}

/// Shows a change where nothing can be written over: in text the rows that changed, in JSON a whole document.
fn show_change(
    arguments: &cli::Status,
    screen: &mut Screen<'_>,
    before: Option<&Chosen>,
    chosen: &Chosen,
    now: Timestamp,
) {
    let status = &chosen.status;
    if screen.is_text() {
        let view = view(arguments, screen);
        screen.text(&match before {
            Some(before) => show::status_changes(&before.status, status, now, view),
            None => show::status_text(status, now, view),
        });
        return;
    }
    show_json(arguments, screen, chosen);
}

/// The status file, checked again and again.
#[derive(Default)]
struct Watched {
    stamp: Option<Stamp>,
    logged_missing: bool,
}

impl Watched {
    /// Returns the status, if the file changed.
    fn changed(
        &mut self,
        arguments: &cli::Status,
        has_shown: bool,
    ) -> Result<Option<Status>, Outcome> {
        let path = &arguments.file.path();
        let stamp = std::fs::metadata(path).map(|file| Stamp::of(&file)).ok();
        if stamp.is_none() && !self.logged_missing {
            tracing::info!(file = %path.display(), "waiting for the status file");
        }
        self.logged_missing = stamp.is_none();
        if stamp.is_none() || stamp == self.stamp {
            self.stamp = stamp;
            return Ok(None);
        }
        self.stamp = stamp;
        match read(path, arguments.region.as_deref()) {
            // The first one ends the command if it cannot be shown, as without --watch.
            Err(outcome) if has_shown => {
                tracing::warn!("{outcome}");
                Ok(None)
            }
            read => read,
        }
    }
}

/// The lines of a text that fit a terminal, without colors where they are not wanted.
fn fitting(text: &str, terminal: Terminal) -> Vec<String> {
    let rows = terminal.size().map_or(usize::MAX, |size| size.rows);
    let room = rows.saturating_sub(1).max(1);
    let all = text.lines().count();
    let kept = if all <= room { all } else { room - 1 };
    let lines = text.lines().take(kept).map(|line| {
        if terminal.has_colors() {
            line.to_owned()
        } else {
            anstream::adapter::strip_str(line).to_string()
        }
    });
    let mut lines: Vec<String> = lines.collect();
    if kept < all {
        let left = all - kept;
        lines.push(format!(
            "({left} more lines: a name or --reason shows fewer images)"
        ));
    }
    lines
}
