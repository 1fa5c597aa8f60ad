//! The images that a run waits for, as a line for each image or one line for all. It does not wait or print.

use jiff::Timestamp;

use super::group::symbol;
use super::wrap::cut;
use crate::model::group::Group;
use crate::model::reason::Reason;
use crate::model::subject::Subject;
use crate::model::value::ImageName;
use crate::plan::Plan;
use crate::sys::escape::Escaped;
use crate::sys::terminal::Size;
use crate::sys::words::{counted, duration, first};

/// An image that a run waits for.
#[derive(Debug, Clone)]
pub struct Waiting {
    pub subject: Subject,
    pub image_name: ImageName,
    pub group: Group,
    pub reason: Reason,
    /// The reason in words, not escaped.
    pub message: String,
    pub since: Timestamp,
    /// When repave tries again.
    pub until: Option<Timestamp>,
}

/// The maximum number of images in one line.
const MAX_NAMED: usize = 5;

impl Waiting {
    /// Returns the images of the plan that a run waits for. Builds count only with `builds`.
    pub fn of(plan: &Plan<'_>, builds: bool, now: Timestamp) -> Vec<Self> {
        let waited = plan.images.iter().filter_map(|image| {
            let wait = image.answer.temporary_wait(builds)?;
            Some(Self {
                subject: image.desired.subject.clone(),
                image_name: image.desired.image_name.clone(),
                group: image.answer.group(),
                reason: wait.reason,
                message: wait.message.clone(),
                since: wait.since.unwrap_or(now),
                until: wait.until,
            })
        });
        waited.collect()
    }

    /// Returns "Building for 3m 12s" or "RetryScheduled for 20s, next try in 40s".
    fn state(&self, now: Timestamp) -> String {
        let mut text = format!(
            "{} for {}",
            self.reason,
            duration(now.duration_since(self.since))
        );
        if let (Some(until), false) = (self.until, self.group == Group::Building) {
            let left = duration(until.duration_since(now));
            text = match self.reason {
                Reason::AwaitingListing => format!("{text}, wait ends in {left}"),
                _ => format!("{text}, next try in {left}"),
            };
        }
        text
    }
}

/// Space at the end of a line for the `^C` that a terminal shows after Ctrl-C.
const MARGIN: usize = 4;

const INDENT: &str = "  ";

/// Returns a line for each image: state, duration, time of the last check, and message. The lines take at most half of the
/// terminal, so that earlier output stays visible.
pub(crate) fn waiting_lines(
    waiting: &[Waiting],
    checked_at: Timestamp,
    now: Timestamp,
    size: Size,
) -> Vec<String> {
    let most = (size.rows / 2).max(2);
    let shown = if waiting.len() > most {
        most - 1
    } else {
        waiting.len()
    };
    let width = waiting[..shown]
        .iter()
        .map(|waiting| waiting.subject.name.as_str().len())
        .max();
    let width = width.unwrap_or(0);
    let ago = duration(now.duration_since(checked_at));
    let lines = waiting.iter().map(|waiting| {
        let line = format!(
            "{} {:width$}  {}; checked {ago} ago: {}",
            symbol(waiting.group),
            waiting.subject.name,
            waiting.state(now),
            Escaped(&waiting.message)
        );
        cut(&line, size.columns.saturating_sub(MARGIN + INDENT.len()))
    });
    let lines = first(shown, lines);
    lines.iter().map(|line| format!("{INDENT}{line}")).collect()
}

pub(crate) fn waiting_text(waiting: &[Waiting], checked_at: Timestamp, now: Timestamp) -> String {
    let names = waiting
        .iter()
        .map(|waiting| format!("{} ({})", waiting.subject.name, waiting.state(now)));
    format!(
        "waiting for {}: {}; checked {} ago",
        counted(waiting.len(), "image"),
        first(MAX_NAMED, names).join(", "),
        duration(now.duration_since(checked_at))
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::samples::{building, desired, plan};

    #[test]
    fn a_line_names_some_images_and_counts_the_rest() {
        let names = ["a", "b", "c", "d", "e", "f", "g"];
        let now = Timestamp::UNIX_EPOCH;
        for (count, end) in [
            (5, "e (Building for 0s)"),
            (6, "and 1 more"),
            (7, "and 2 more"),
        ] {
            let desired = desired(&names[..count]);
            let left = plan(&desired, vec![building(); count]);
            let text = waiting_text(&Waiting::of(&left, true, now), now, now);
            let line = text.split("; ").next().unwrap_or_default();
            assert!(line.ends_with(end), "{text}");
        }
    }
}
