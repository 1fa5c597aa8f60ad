//! A plan as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;

use super::group::{painted, word};
use super::row::{Row, Shown, shown_text, totals};
use super::wrap::hanging;
use crate::model::group::Group;
use crate::model::reason::Reason;
use crate::model::subject::Subject;
use crate::plan::Totals;
use crate::state::status::ConditionType;
use crate::sys::escape::Escaped;
use crate::sys::words::{counted, duration};

/// The default of the AWS quota "WorkSpaces images" for an account in a Region.
const DEFAULT_QUOTA: usize = 40;

/// Writes the plans of a run: the first one whole, and of each later one what changed.
#[derive(Debug, Default)]
pub struct PlanText {
    /// The width of the terminal, if there is one.
    columns: Option<usize>,
    written: BTreeMap<Subject, Written>,
}

/// What was written of an image. A row whose times alone change is not written again.
type Written = (Group, Reason, String, Option<String>);

fn written(row: &Row<'_>) -> Written {
    let drifted = row.condition(ConditionType::Drifted);
    let drifted = drifted.map(|drifted| drifted.message.clone());
    (row.group, row.reason, row.message.to_string(), drifted)
}

impl PlanText {
    pub fn new(columns: Option<usize>) -> Self {
        Self {
            columns,
            written: BTreeMap::new(),
        }
    }

    /// Returns a plan: a line for each image that is not ready, a legend of the symbols, and the totals. Returns an empty text
    /// if nothing changed since the plan before.
    pub fn of(&mut self, rows: &[Row<'_>], listed: usize, now: Timestamp) -> String {
        let is_first = self.written.is_empty();
        let now_written: BTreeMap<Subject, Written> = rows
            .iter()
            .map(|row| (row.subject.as_ref().clone(), written(row)))
            .collect();
        if !is_first && now_written == self.written {
            return String::new();
        }
        let before = std::mem::replace(&mut self.written, now_written);
        let has_line = |row: &&Row<'_>| match before.get(&row.subject) {
            Some(before) => *before != written(row),
            None => {
                row.group != Group::Ready || !row.drift.is_empty() || row.shown == Shown::ByName
            }
        };
        let shown = rows.iter().filter(|row| row.is_shown());
        let shown: Vec<&Row<'_>> = shown.filter(has_line).collect();
        let mut text = lines(&shown, self.columns, now);
        if let Some(count) = shown_text(rows) {
            let _ = writeln!(text, "{count}. The totals are of all images.");
        }
        text += &totals_line(rows);
        let create = totals(rows).create;
        if create > 0 {
            let _ = writeln!(
                text,
                "Images in the account: {listed}, and {} after this plan. The default quota is {DEFAULT_QUOTA}.",
                listed + create
            );
        }
        text
    }
}

/// Returns a line for each image, and a legend of the symbols.
fn lines(rows: &[&Row<'_>], columns: Option<usize>, now: Timestamp) -> String {
    let mut text = String::new();
    let widths = rows.iter().map(|row| row.subject.name.as_str().len());
    let width = widths.max().unwrap_or(0);
    let next = " ".repeat(width + 6);
    for row in rows {
        let name = row.subject.name.as_str();
        let first = format!("  {} {name:width$}  ", painted(row.group));
        text += &hanging(&what(row, now), &first, &next, columns);
        if let Some(drifted) = row.condition(ConditionType::Drifted) {
            let drifted = format!("{}: {}", drifted.reason, Escaped(&drifted.message));
            text += &hanging(&drifted, &next, &next, columns);
        }
    }
    let legend: Vec<String> = Group::ALL
        .into_iter()
        .filter(|group| *group != Group::Ready && rows.iter().any(|row| row.group == *group))
        .map(|group| format!("{} {}", painted(group), word(group)))
        .collect();
    if !legend.is_empty() {
        let _ = writeln!(text, "({})", legend.join(", "));
    }
    text
}

/// Returns the totals, as the last line of a plan.
fn totals_line(rows: &[Row<'_>]) -> String {
    let totals = totals(rows);
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
    if ready == rows.len() {
        let images = counted(ready, "image");
        let are = if ready == 1 { "is" } else { "are" };
        format!("Nothing to do: {images} {are} ready{drifted}.\n")
    } else if due == 0 {
        format!(
            "Nothing to create: {building} building, {waiting} waiting, {blocked} blocked, {ready} ready{drifted}.\n"
        )
    } else {
        format!("Plan: {}.\n", totals_text(totals))
    }
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
        let from = match step.from_name {
            Some(name) => format!("{} ({})", Escaped(name), Escaped(from)),
            None => Escaped(from).to_string(),
        };
        let update = step
            .update
            .map(|text| format!("; update: {}", Escaped(text)));
        let update = update.unwrap_or_default();
        return format!("{verb} {} from {from}{update}", row.image_name);
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
