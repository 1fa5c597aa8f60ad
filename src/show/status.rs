//! The status for people: a table, and for each image that is not ready one line that says what it waits for.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::Style;
use jiff::{SignedDuration, Timestamp};

use super::group::style;
use super::row::Row;
use super::words::duration;
use super::wrap::wrapped;
use crate::model::group::Group;
use crate::model::reason::Reason;
use crate::model::value::ImageName;
use crate::state::status::{ConditionStatus, ConditionType, ImageStatus, Status};
use crate::sys::escape::Escaped;

/// How the table is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct View {
    /// With ids and the last error.
    pub wide: bool,
    /// The columns of the terminal, if there is one; the table is made to fit them unless it is wide.
    pub columns: Option<usize>,
}

/// So long after a retry was due, whatever runs repave does not: the daemon's passes are 10 minutes apart at most.
const OVERDUE: SignedDuration = SignedDuration::from_mins(15);

/// The least that a name is cut to.
const SHORTEST_NAME: usize = 10;

/// A line of the table and what stands below it.
struct Line {
    cells: Vec<String>,
    style: Style,
    why: Option<String>,
}

/// The whole of it: what the status is about, then the table.
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

/// What is new since `before`: the head if it says anything else, and the images that do.
pub fn status_changes(before: &Status, status: &Status, now: Timestamp, view: View) -> String {
    let mut text = String::new();
    let told = head(status, now, view);
    if told != head(before, now, view) {
        text.push_str(&told);
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
            let _ = writeln!(text, "{} is no longer among them", image.name);
        }
    }
    text
}

fn by_name(status: &Status) -> BTreeMap<&ImageName, &ImageStatus> {
    let images = status.images.iter();
    images.map(|image| (&image.image_name, image)).collect()
}

fn head(status: &Status, now: Timestamp, view: View) -> String {
    let account = status.target.account_id.as_deref();
    let simulated = if status.target.simulated {
        ", simulated"
    } else {
        ""
    };
    let mut text = format!(
        "Account {}, Region {}{simulated}\n",
        Escaped(account.unwrap_or("not known yet")),
        Escaped(&status.target.region)
    );
    if let Some(revision) = &status.manifests.revision {
        let _ = writeln!(text, "Manifests {}", Escaped(revision));
    }
    for problem in &status.manifests.problems {
        text += &wrapped(&format!("Problem: {}", Escaped(problem)), "", view.columns);
    }
    if let Some(error) = &status.listing_error {
        let age = duration(now.duration_since(error.since));
        let why = format!(
            "Not listed for {age} ({}): {}. What follows is what was seen before.",
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
        let row = Row::remembered(entry);
        Line {
            cells: cells(&row, now, view),
            style: style(row.group),
            why: why(entry, now),
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
        ready.map_or("-".into(), |c| c.reason.to_string()),
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

/// A duration for a column: `1h5m`.
fn short(length: SignedDuration) -> String {
    duration(length).replace(' ', "")
}

/// Why nothing happens to an image, or what does; nothing if it is ready.
pub(super) fn why(image: &ImageStatus, now: Timestamp) -> Option<String> {
    let Some(ready) = image.condition(ConditionType::Ready) else {
        return Some("nobody has looked yet: the next pass does".into());
    };
    if ready.status == ConditionStatus::True {
        return None;
    }
    let goes_on = image.condition(ConditionType::Reconciling).is_some();
    let waits_for = match ready.reason {
        _ if image.group == Group::Blocked => "a person is needed",
        _ if image.manifest.is_none() => "kept for a while",
        _ if !goes_on => "nothing is owed",
        Reason::Building | Reason::BuildOverdue | Reason::UnknownImageState => {
            "waits for the service"
        }
        Reason::Missing => "due at the next pass",
        Reason::AwaitingListing => "waits for listings that agree",
        Reason::RetryScheduled => "waits for the next try",
        Reason::SourceImageNotAvailable => "waits for its source",
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
        | Reason::InvalidSpec => "waits",
    };
    let mut why = format!("{waits_for}: {}", Escaped(&ready.message));
    if let (Reason::Building | Reason::BuildOverdue | Reason::AwaitingListing, Some(at)) =
        (ready.reason, image.create_requested_at)
    {
        let _ = write!(why, "; asked for {} ago", duration(now.duration_since(at)));
    }
    if let Some(at) = image.next_retry_at {
        let due = now.duration_since(at);
        if due > OVERDUE {
            let due = duration(due);
            let _ = write!(
                why,
                "; the next try was due {due} ago: is a reconcile running?"
            );
        }
    }
    Some(why)
}

/// How wide the columns are. On a terminal, names are cut where the table would not fit; nothing else is.
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

/// Names are told apart by their beginnings and by their ends.
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
