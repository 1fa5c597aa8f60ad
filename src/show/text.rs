//! A plan as text.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::group::{painted, word};
use super::row::{Row, Shown, shown_text, totals};
use crate::model::group::Group;
use crate::model::reason::Reason;
use crate::plan::Totals;
use crate::state::status::ConditionType;
use crate::sys::escape::Escaped;
use crate::sys::words::{counted, duration};

/// Returns a plan: a line for each shown image that is not ready or was named, a legend of the symbols, and the totals of
/// all images.
pub fn plan_text(rows: &[Row<'_>], now: Timestamp) -> String {
    let mut text = String::new();
    let shown = || {
        let rows = rows.iter().filter(|row| row.is_shown());
        rows.filter(|row| {
            row.group != Group::Ready || !row.drift.is_empty() || row.shown == Shown::ByName
        })
    };
    let widths = shown().map(|row| row.subject.name.as_str().len());
    let width = widths.max().unwrap_or(0);
    for row in shown() {
        let name = row.subject.name.as_str();
        let what = what(row, now);
        let _ = writeln!(text, "  {} {name:width$}  {what}", painted(row.group));
        if let Some(drifted) = row.condition(ConditionType::Drifted) {
            let (reason, message) = (drifted.reason, Escaped(&drifted.message));
            let _ = writeln!(text, "    {:width$}  {reason}: {message}", "");
        }
    }
    let totals = totals(rows);
    let legend: Vec<String> = Group::ALL
        .into_iter()
        .filter(|group| *group != Group::Ready && shown().any(|row| row.group == *group))
        .map(|group| format!("{} {}", painted(group), word(group)))
        .collect();
    if !legend.is_empty() {
        let _ = writeln!(text, "({})", legend.join(", "));
    }
    if let Some(count) = shown_text(rows) {
        let _ = writeln!(text, "{count}. The totals are of all images.");
    }
    let Totals {
        due,
        building,
        waiting,
        blocked,
        ready,
        create: _,
        drifted,
    } = totals;
    let drifted = drifted_text(drifted);
    let _ = if ready == rows.len() {
        let images = counted(ready, "image");
        writeln!(text, "Nothing to do: {images}, ready{drifted}.")
    } else if due == 0 {
        writeln!(
            text,
            "Nothing to create: {building} building, {waiting} waiting, {blocked} blocked, {ready} ready{drifted}."
        )
    } else {
        writeln!(text, "Plan: {}.", totals_text(totals))
    };
    text
}

/// Returns "3 to create, 1 building, 0 waiting, 0 blocked, 2 ready".
pub(crate) fn totals_text(totals: Totals) -> String {
    let Totals {
        due: _,
        building,
        waiting,
        blocked,
        ready,
        create,
        drifted,
    } = totals;
    let drifted = drifted_text(drifted);
    format!(
        "{create} to create, {building} building, {waiting} waiting, {blocked} blocked, {ready} ready{drifted}"
    )
}

/// Returns ", 2 drifted", or nothing if no image differs from its manifest.
pub(crate) fn drifted_text(drifted: usize) -> String {
    match drifted {
        0 => String::new(),
        count => format!(", {count} drifted"),
    }
}

/// Returns the step for the image, or the reason for no step.
fn what(row: &Row<'_>, now: Timestamp) -> String {
    if let Some(step) = &row.step {
        let (verb, from) = (step.verb.as_str(), step.from.unwrap_or("its source"));
        return format!("{verb} {} from {}", row.image_name, Escaped(from));
    }
    let mut text = format!("{}: {}", row.reason, Escaped(&row.message));
    if let (Reason::Building | Reason::BuildOverdue, Some(since)) = (row.reason, row.since) {
        let _ = write!(text, ", for {}", duration(now.duration_since(since)));
    }
    if let (Some(until), false) = (row.until, row.group == Group::Building) {
        let what = if row.reason == Reason::AwaitingListing {
            "wait ends"
        } else {
            "next try"
        };
        let left = duration(until.duration_since(now));
        let _ = write!(text, "; {what} in {left} ({until})");
    }
    text
}
