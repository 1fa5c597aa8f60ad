//! The status as text: a table, and a line below each image that is not ready with what it waits for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::Style;
use jiff::{SignedDuration, Timestamp};

use super::group::style;
use super::row::Row;
use super::target::target_line;
use super::wrap::wrapped;
use crate::model::group::Group;
use crate::model::reason::Reason;
use crate::model::value::ImageName;
use crate::state::status::{ConditionStatus, ConditionType, ImageStatus, Status};
use crate::sys::escape::Escaped;
use crate::sys::words::duration;

/// Options of the table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct View {
    /// Whether to show ids and the last error.
    pub wide: bool,
    /// The width of the terminal, if there is one. The table fits it unless `wide` is set.
    pub columns: Option<usize>,
}

/// How long after a due retry repave counts as not running. The passes of the daemon are at most 10 minutes apart.
const OVERDUE: SignedDuration = SignedDuration::from_mins(15);

/// The minimum width of a shortened name.
const SHORTEST_NAME: usize = 10;

/// A line of the table, and the line below it.
struct Line {
    cells: Vec<String>,
    style: Style,
    why: Option<String>,
}

/// Returns the status: the target, then the table.
pub fn status_text(status: &Status, now: Timestamp, view: View) -> String {
    let mut text = head(status, now, view);
    let lines = lines(status, now, view);
    let widths = widths(&lines, view);
    write_cells(&mut text, &headings(view), &widths, Style::new());
    for line in &lines {
        write_line(&mut text, line, &widths, view);
    }
    text
}

/// Returns the changes since `before`: the head if it has changed, and the images that have changed.
pub fn status_changes(before: &Status, status: &Status, now: Timestamp, view: View) -> String {
    let mut text = String::new();
    let head_now = head(status, now, view);
    if head_now != head(before, now, view) {
        text.push_str(&head_now);
    }
    let lines = lines(status, now, view);
    let widths = widths(&lines, view);
    let (old, new) = (by_name(before), by_name(status));
    for (image, line) in status.images.iter().zip(&lines) {
        if old.get(&image.image_name) != Some(&image) {
            write_line(&mut text, line, &widths, view);
        }
    }
    for image in &before.images {
        if !new.contains_key(&image.image_name) {
            let _ = writeln!(text, "{} was removed from the status", image.name);
        }
    }
    text
}

fn by_name(status: &Status) -> BTreeMap<&ImageName, &ImageStatus> {
    let images = status.images.iter();
    images.map(|image| (&image.image_name, image)).collect()
}

fn head(status: &Status, now: Timestamp, view: View) -> String {
    let mut text = wrapped(&target_line(&status.target), "", view.columns);
    if let Some(revision) = &status.manifests.revision {
        let _ = writeln!(text, "Manifests {}", Escaped(revision));
    }
    if let Some(why) = &status.manifests.held_back {
        text += &wrapped(&format!("Held back: {}", Escaped(why)), "", view.columns);
    }
    for problem in &status.manifests.problems {
        text += &wrapped(&format!("Problem: {}", Escaped(problem)), "", view.columns);
    }
    if let Some(error) = &status.listing_error {
        let age = duration(now.duration_since(error.since));
        let why = format!(
            "Listing the images has failed for {age} ({}): {}. The table shows the last known status.",
            error.reason,
            Escaped(error.message.trim_end_matches('.'))
        );
        text += &wrapped(&why, "", view.columns);
    }
    text
}

fn headings(view: View) -> Vec<String> {
    let mut headings = vec!["NAME", "IMAGE", "READY", "REASON", "AGE", "NEXT TRY"];
    if view.wide {
        headings.extend(["ID", "SOURCE", "TRIES", "LAST ERROR"]);
    }
    headings.into_iter().map(str::to_owned).collect()
}

fn lines(status: &Status, now: Timestamp, view: View) -> Vec<Line> {
    let line = |entry| {
        let row = Row::of_entry(entry);
        Line {
            cells: cells(&row, now, view),
            style: style(row.group),
            why: below(entry, now, view),
        }
    };
    status.images.iter().map(line).collect()
}

fn cells(row: &Row<'_>, now: Timestamp, view: View) -> Vec<String> {
    let ready = row.condition(ConditionType::Ready);
    let next = match row.until {
        None => "-".to_owned(),
        Some(at) if at <= now => "due".to_owned(),
        Some(at) => format!("in {}", short(at.duration_since(now))),
    };
    let mut cells = vec![
        row.subject.name.to_string(),
        row.image_name.to_owned(),
        ready.map_or("Unknown".into(), |c| format!("{:?}", c.status)),
        ready.map_or("-".into(), |c| cause(c.reason, row).to_string()),
        row.since
            .map_or("-".into(), |since| short(now.duration_since(since))),
        next,
    ];
    if view.wide {
        let text = |text: Option<&str>| Escaped(text.unwrap_or("-")).to_string();
        let error = row.last_error.map(|error| {
            let code = error
                .code
                .clone()
                .unwrap_or_else(|| error.reason.to_string());
            let times = match error.count {
                0 | 1 => String::new(),
                count => format!(", {count} in a row"),
            };
            let request = error.request_id.as_ref();
            let request = request
                .map(|id| format!(", request {id}"))
                .unwrap_or_default();
            let age = short(now.duration_since(error.at));
            format!("{code} {age} ago{times}{request}")
        });
        cells.extend([
            text(row.image_id),
            text(row.source.as_deref()),
            row.attempts.to_string(),
            text(error.as_deref()),
        ]);
    }
    cells
}

/// Returns the reason of an image. A scheduled retry is shown in its own column, so here stands why the last create failed.
fn cause(reason: Reason, row: &Row<'_>) -> Reason {
    match (reason, row.last_error) {
        (Reason::RetryScheduled, Some(error)) => error.reason,
        (reason, _) => reason,
    }
}

/// Returns a duration for a column: `1h5m`.
fn short(length: SignedDuration) -> String {
    duration(length).replace(' ', "")
}

/// Returns the line below an image: what it waits for, and how it differs from its manifest.
fn below(image: &ImageStatus, now: Timestamp, view: View) -> Option<String> {
    let drift = drift(image, view.wide);
    let parts: Vec<String> = why(image, now).into_iter().chain(drift).collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Returns how an image differs from its manifest; with `adopted` also that repave has no record of creating it.
pub(super) fn drift(image: &ImageStatus, adopted: bool) -> Option<String> {
    let of = |kind| image.condition(kind);
    let adopted = adopted.then(|| of(ConditionType::Adopted)).flatten();
    let both = of(ConditionType::Drifted).into_iter().chain(adopted);
    let both =
        both.map(|condition| format!("{}: {}", condition.reason, Escaped(&condition.message)));
    let both: Vec<String> = both.collect();
    (!both.is_empty()).then(|| both.join("; "))
}

/// Returns what an image waits for, or `None` if it is ready.
pub(super) fn why(image: &ImageStatus, now: Timestamp) -> Option<String> {
    let Some(ready) = image.condition(ConditionType::Ready) else {
        return Some("not checked yet: the next pass checks it".into());
    };
    if ready.status == ConditionStatus::True {
        return None;
    }
    let is_reconciling = image.condition(ConditionType::Reconciling).is_some();
    let waits_for = match ready.reason {
        _ if image.group == Group::Blocked => "action required",
        _ if image.manifest.is_none() => "no longer declared",
        _ if !is_reconciling => "nothing to create",
        Reason::Building | Reason::BuildOverdue | Reason::UnknownImageState => "waiting for AWS",
        Reason::Missing => "due at the next pass",
        Reason::AwaitingListing => "waiting for AWS to list the image",
        Reason::RetryScheduled => "waiting for the next try",
        Reason::SourceImageNotAvailable => "waiting for its source",
        Reason::Available
        | Reason::BuildFailed
        | Reason::Suspended
        | Reason::NameConflict
        | Reason::SourceImageNotFound
        | Reason::SourceImageFailed
        | Reason::SourceImageAmbiguous
        | Reason::UpdateNotSupported
        | Reason::NoUpdateAvailable
        | Reason::Throttled
        | Reason::ServiceUnavailable
        | Reason::CreateResultUnknown
        | Reason::QuotaExceeded
        | Reason::AccessDenied
        | Reason::WrongAccount
        | Reason::InvalidSpec
        | Reason::Drifted
        | Reason::Adopted => "waiting",
    };
    let mut why = format!("{waits_for}: {}", Escaped(&ready.message));
    if let (Reason::Building | Reason::BuildOverdue | Reason::AwaitingListing, Some(at)) =
        (ready.reason, image.create_requested_at)
    {
        let _ = write!(why, "; requested {} ago", duration(now.duration_since(at)));
    }
    if let Some(at) = image.next_retry_at {
        let due = now.duration_since(at);
        if due > OVERDUE {
            let due = duration(due);
            let _ = write!(
                why,
                "; the next try was due {due} ago. Check that repave is running"
            );
        }
    }
    Some(why)
}

/// Returns the widths of the columns. On a terminal, only names are shortened to make the table fit.
fn widths(lines: &[Line], view: View) -> Vec<usize> {
    let headings = headings(view);
    let mut widths: Vec<usize> = headings.iter().map(String::len).collect();
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(&line.cells) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let (Some(columns), false) = (view.columns, view.wide) else {
        return widths;
    };
    let gaps = 2 * widths.len().saturating_sub(1);
    let mut over = (widths.iter().sum::<usize>() + gaps).saturating_sub(columns);
    while let ([name, image, ..], true) = (widths.as_mut_slice(), over > 0) {
        let longer = if *name > *image { name } else { image };
        if *longer <= SHORTEST_NAME {
            break;
        }
        *longer -= 1;
        over -= 1;
    }
    widths
}

/// Shortens a name in the middle, because names differ at the start and at the end.
fn cut(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(2);
    let end = kept / 2;
    let head: String = text.chars().take(kept - end).collect();
    let tail: String = text.chars().skip(length - end).collect();
    format!("{head}..{tail}")
}

fn write_cells(text: &mut String, cells: &[String], widths: &[usize], style: Style) {
    let mut line = String::new();
    for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
        let padded = format!("{:width$}  ", cut(cell, *width));
        let _ = match column {
            // Ready and its reason.
            2 | 3 => write!(line, "{style}{padded}{style:#}"),
            _ => write!(line, "{padded}"),
        };
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

fn write_line(text: &mut String, line: &Line, widths: &[usize], view: View) {
    write_cells(text, &line.cells, widths, line.style);
    if let Some(why) = &line.why {
        text.push_str(&wrapped(why, "    ", view.columns));
    }
}
