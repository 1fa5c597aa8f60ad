//! A plan for people at a terminal: a line for each image that is not ready, what the symbols mean, the totals.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;

use super::{counted, duration};
use crate::model::reason::Reason;
use crate::plan::{Answer, Needs, Plan, PlannedImage, Totals};
use crate::sys::escape::Escaped;

/// What stands for an answer: the same groups as the totals count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Create,
    Building,
    Waiting,
    Blocked,
    Ready,
}

impl Mark {
    /// In the order of the totals.
    pub(super) const ALL: [Self; 5] = [
        Self::Create,
        Self::Building,
        Self::Waiting,
        Self::Blocked,
        Self::Ready,
    ];

    pub(super) fn of(answer: &Answer) -> Self {
        match answer {
            Answer::Create { .. } => Self::Create,
            Answer::Ready { .. } => Self::Ready,
            Answer::Wait(wait) => match (wait.stalled, wait.needs) {
                (Some(_), _) => Self::Blocked,
                (None, needs) => Self::of_needs(needs),
            },
        }
    }

    /// What stands for a wait that needs no person.
    pub(super) fn of_needs(needs: Needs) -> Self {
        match needs {
            Needs::Build => Self::Building,
            Needs::Time | Needs::Nothing => Self::Waiting,
            Needs::Person => Self::Blocked,
        }
    }

    pub(super) fn symbol(self) -> char {
        match self {
            Self::Create => '+',
            Self::Building => '~',
            Self::Waiting => '.',
            Self::Blocked => '!',
            Self::Ready => '=',
        }
    }

    /// What the legend calls it; the totals use the same words.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Create => "to create",
            Self::Building => "building",
            Self::Waiting => "waiting",
            Self::Blocked => "blocked: a person is needed",
            Self::Ready => "ready",
        }
    }

    pub(super) fn count(self, totals: Totals) -> usize {
        match self {
            Self::Create => totals.create,
            Self::Building => totals.building,
            Self::Waiting => totals.waiting,
            Self::Blocked => totals.blocked,
            Self::Ready => totals.ready,
        }
    }

    /// The symbol in its colour; colours are taken out again where they are off.
    fn painted(self) -> String {
        let colour = match self {
            Self::Create | Self::Ready => AnsiColor::Green,
            Self::Building => AnsiColor::Cyan,
            Self::Waiting => AnsiColor::Yellow,
            Self::Blocked => AnsiColor::Red,
        };
        let style = Style::new().fg_color(Some(colour.into()));
        format!("{style}{}{style:#}", self.symbol())
    }
}

/// A plan in text: a line for each image that is not ready, a legend of the symbols that occur, and the totals.
pub fn plan_text(plan: &Plan<'_>, now: Timestamp) -> String {
    let mut text = String::new();
    let shown: Vec<(Mark, &PlannedImage<'_>)> = plan
        .images
        .iter()
        .map(|image| (Mark::of(&image.answer), image))
        .filter(|(mark, _)| *mark != Mark::Ready)
        .collect();
    let widths = shown.iter().map(|(_, i)| i.desired.name.as_str().len());
    let width = widths.max().unwrap_or(0);
    for (mark, image) in &shown {
        let name = image.desired.name.as_str();
        let what = what(image, now);
        let _ = writeln!(text, "  {} {name:width$}  {what}", mark.painted());
    }
    let totals = plan.totals();
    let legend: Vec<String> = Mark::ALL
        .into_iter()
        .filter(|mark| *mark != Mark::Ready && mark.count(totals) > 0)
        .map(|mark| format!("{} {}", mark.painted(), mark.word()))
        .collect();
    if !legend.is_empty() {
        let _ = writeln!(text, "({})", legend.join(", "));
    }
    let Totals {
        create,
        building,
        waiting,
        blocked,
        ready,
    } = totals;
    let _ = if ready == plan.images.len() {
        writeln!(text, "Nothing to do: {}, ready.", counted(ready, "image"))
    } else if create == 0 {
        writeln!(
            text,
            "Nothing to create: {building} building, {waiting} waiting, {blocked} blocked, {ready} ready."
        )
    } else {
        writeln!(text, "Plan: {}.", totals_text(totals))
    };
    text
}

/// "3 to create, 1 building, 0 waiting, 0 blocked, 2 ready".
pub fn totals_text(totals: Totals) -> String {
    let Totals {
        create,
        building,
        waiting,
        blocked,
        ready,
    } = totals;
    format!(
        "{create} to create, {building} building, {waiting} waiting, {blocked} blocked, {ready} ready"
    )
}

/// What is to be done for the image, or why nothing is.
fn what(image: &PlannedImage<'_>, now: Timestamp) -> String {
    let image_name = &image.desired.image_name;
    match &image.answer {
        Answer::Create { source_id } => {
            format!("create {image_name} from {}", Escaped(source_id))
        }
        Answer::Ready { image_id } => format!("{image_name} is ready as {}", Escaped(image_id)),
        Answer::Wait(wait) => {
            let mut text = format!("{}: {}", wait.reason, Escaped(&wait.message));
            if let (Reason::Building, Some(since)) = (wait.reason, wait.since) {
                let _ = write!(text, ", for {}", duration(now.duration_since(since)));
            }
            if let (Some(until), false) = (wait.until, wait.needs == Needs::Build) {
                let what = if wait.reason == Reason::Settling {
                    "settled"
                } else {
                    "next try"
                };
                let left = duration(until.duration_since(now));
                let _ = write!(text, "; {what} in {left} ({until})");
            }
            text
        }
    }
}
