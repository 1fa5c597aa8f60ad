//! `repave status`: shows the status file, once or whenever it changes. It asks nobody else.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use super::failure::store_failed;
use super::screen::Screen;
use crate::cli::{self, Output};
use crate::model::outcome::{ExitCode, Outcome};
use crate::model::reason::Reason;
use crate::show::{self, StatusBody, View, counted};
use crate::state::file;
use crate::state::status::{ConditionStatus, ConditionType, ImageStatus, Status};
use crate::state::store::StoreError;
use crate::sys::clock::Clock;
use crate::sys::stamp::Stamp;
use crate::sys::stop::Stop;
use crate::sys::terminal::Terminal;

/// How often a watched file is looked at, and how often a terminal is written anew.
const LOOK: Duration = Duration::from_secs(1);

pub(super) async fn run(
    arguments: &cli::Status,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: &Stop,
) -> Result<Outcome, Outcome> {
    if arguments.watch {
        return watch(arguments, screen, clock, stop).await;
    }
    let status = read(&arguments.status_file)?.ok_or_else(|| {
        let why = "there is none yet; repave reconcile writes it (with --simulate, one of its own)";
        unshown(&arguments.status_file, why)
    })?;
    let (shown, outcome) = choose(arguments, status);
    let text = show::status_text(&shown, clock.now_in_seconds(), view(screen));
    screen.text(&text);
    let rows = show::remembered(&shown);
    let body = StatusBody::new(&shown, &outcome, &rows);
    screen.json(show::DocumentKind::StatusReport, &outcome, &body);
    Ok(outcome)
}

/// The status, or nothing if there is no file.
fn read(path: &Path) -> Result<Option<Status>, Outcome> {
    match file::read_any(path) {
        Ok(Ok(status)) => Ok(Some(status)),
        Ok(Err(why)) => Err(unshown(path, &why)),
        Err(StoreError::File(error)) if error.is_not_found() => Ok(None),
        Err(error) => Err(store_failed(&error)),
    }
}

fn unshown(path: &Path, why: &str) -> Outcome {
    Outcome::new(
        ExitCode::Failed,
        format!("{} cannot be shown: {why}", path.display()),
    )
}

fn view(screen: &Screen<'_>) -> View {
    View {
        wide: screen.output() == Output::Wide,
        columns: screen.columns(),
    }
}

/// The images that were asked for, and how to say so.
fn choose(arguments: &cli::Status, mut status: Status) -> (Status, Outcome) {
    let path = arguments.status_file.display();
    let all = status.images.len();
    let mut words = format!("{} in {path}", counted(all, "image"));
    if !arguments.reasons.is_empty() {
        status
            .images
            .retain(|image| has_reason(image, &arguments.reasons));
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
        let simulated = if arguments.simulated {
            " --simulate"
        } else {
            ""
        };
        words = format!("{words}, {unready} not ready: repave explain{simulated} NAME");
    }
    (status, Outcome::new(ExitCode::Done, words))
}

/// Tells whether the image has one of the reasons, for any of its conditions or its last error.
fn has_reason(image: &ImageStatus, reasons: &[Reason]) -> bool {
    let conditions = image.conditions.iter().map(|condition| condition.reason);
    let error = image.last_error.as_ref().map(|error| error.reason);
    conditions
        .chain(error)
        .any(|reason| reasons.contains(&reason))
}

/// Shows the status and then each change of it, until a signal: nothing else ends it, so that is its normal end.
async fn watch(
    arguments: &cli::Status,
    screen: &mut Screen<'_>,
    clock: Clock,
    stop: &Stop,
) -> Result<Outcome, Outcome> {
    let lines = screen.lines().filter(|_| is_text(screen.output()));
    let mut file = Watched::default();
    let mut shown: Option<Status> = None;
    loop {
        let now = clock.now_in_seconds();
        if let Some(status) = file.changed(&arguments.status_file, shown.is_some())? {
            let (status, outcome) = choose(arguments, status);
            if lines.is_none() && shown.as_ref() != Some(&status) {
                tell(screen, shown.as_ref(), &status, &outcome, now);
            }
            shown = Some(status);
        }
        if let (Some(status), Some(lines)) = (&shown, &lines) {
            let text = show::status_text(status, now, view(screen));
            lines.show(&fitting(&text, screen.terminal()));
        }
        let end = if screen.is_broken() {
            "whoever read it has gone"
        } else if stop.unless(tokio::time::sleep(LOOK)).await.is_err() {
            "ended by a signal"
        } else {
            continue;
        };
        if let Some(lines) = lines {
            lines.leave();
        }
        let words = format!("watched {}; {end}", arguments.status_file.display());
        return Ok(Outcome::new(ExitCode::Done, words));
    }
}

fn is_text(output: Output) -> bool {
    matches!(output, Output::Text | Output::Wide)
}

/// Shows what is new where nothing can be written over: a document for each state, and of the table what changed.
fn tell(
    screen: &mut Screen<'_>,
    before: Option<&Status>,
    status: &Status,
    outcome: &Outcome,
    now: Timestamp,
) {
    if is_text(screen.output()) {
        let view = view(screen);
        screen.text(&match before {
            Some(before) => show::status_changes(before, status, now, view),
            None => show::status_text(status, now, view),
        });
        return;
    }
    if before.is_some() && screen.output() == Output::Yaml {
        screen.write(b"---\n");
    }
    let rows = show::remembered(status);
    let body = StatusBody::new(status, outcome, &rows);
    screen.json(show::DocumentKind::StatusReport, outcome, &body);
}

/// The status file, looked at again and again.
#[derive(Default)]
struct Watched {
    stamp: Option<Stamp>,
    told_missing: bool,
}

impl Watched {
    /// What it says, if it may say something new.
    fn changed(&mut self, path: &Path, has_shown: bool) -> Result<Option<Status>, Outcome> {
        let stamp = std::fs::metadata(path).map(|file| Stamp::of(&file)).ok();
        if stamp.is_none() && !self.told_missing {
            tracing::info!(file = %path.display(), "there is no status file; waiting for one");
        }
        self.told_missing = stamp.is_none();
        if stamp.is_none() || stamp == self.stamp {
            self.stamp = stamp;
            return Ok(None);
        }
        self.stamp = stamp;
        match read(path) {
            // One that can't be shown at all ends the command, as it does without --watch.
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
        lines.push(format!("({left} more lines: --reason shows fewer images)"));
    }
    lines
}
