//! The view model: a row for each image, made once from a plan or from the status. Text, JSON, Markdown, progress and
//! summary are written from it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use crate::cloud::{Step, Verb};
use crate::model::group::Group;
use crate::model::reason::Reason;
use crate::model::subject::Subject;
use crate::plan::{Answer, Plan, PlannedImage, Totals};
use crate::state::status::{Condition, ConditionType, Difference, ImageStatus, LastError, Status};
use crate::sys::words::counted;

/// The status of one image. In JSON it is an element of `items`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row<'a> {
    #[serde(flatten)]
    pub subject: Cow<'a, Subject>,
    pub group: Group,
    /// The step that is due.
    pub step: Option<ShownStep<'a>>,
    pub reason: Reason,
    /// The reason in words, not escaped.
    pub message: Cow<'a, str>,
    pub since: Option<Timestamp>,
    /// When repave tries again, if known.
    pub until: Option<Timestamp>,
    pub image_name: &'a str,
    pub image_id: Option<&'a str>,
    /// The source of the image: the id if it is known, else the declared source.
    pub source: Option<Cow<'a, str>>,
    /// The version of the image in a lineage.
    pub version: Option<u32>,
    /// File and document, or `None` if the image is not declared any more.
    pub manifest: Option<Cow<'a, str>>,
    /// How the image differs from its manifest.
    pub drift: &'a [Difference],
    pub conditions: &'a [Condition],
    /// How many steps were sent for this manifest.
    pub attempts: u32,
    pub last_error: Option<&'a LastError>,
    #[serde(skip)]
    pub(crate) shown: Shown,
}

/// Whether a row is shown. Totals count every row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Shown {
    /// No names narrow what is shown.
    #[default]
    WithAll,
    /// A name means this row.
    ByName,
    /// Names mean only other rows.
    Hidden,
}

/// A step that is due, or that was attempted.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownStep<'a> {
    pub verb: Verb,
    /// The source, if known.
    pub from: Option<&'a str>,
    /// The name of the source, if known.
    pub from_name: Option<&'a str>,
    /// What the update of the source brings, if AWS reports it.
    pub update: Option<&'a str>,
    pub to: &'a str,
    pub reason: Reason,
}

impl<'a> ShownStep<'a> {
    pub(super) fn of(step: &'a Step) -> Self {
        Self {
            verb: step.verb(),
            from: Some(step.from()),
            from_name: None,
            update: None,
            to: step.to(),
            reason: Reason::Missing,
        }
    }
}

impl<'a> Row<'a> {
    /// Makes the row of a planned image and its entry in the status.
    pub(super) fn planned(image: &'a PlannedImage<'_>, entry: Option<&'a ImageStatus>) -> Self {
        let (answer, desired) = (&image.answer, image.desired);
        let (since, until) = match answer {
            Answer::Do(_) | Answer::Ready(_) => (None, None),
            Answer::Wait(wait) => (wait.since, wait.until),
            Answer::Blocked(blocked) => (blocked.since, blocked.until),
        };
        let image_id = match answer {
            Answer::Ready(ready) => Some(ready.image_id.as_str()),
            Answer::Do(_) => None,
            Answer::Wait(_) | Answer::Blocked(_) => {
                entry.and_then(|entry| entry.image_id.as_deref())
            }
        };
        let made_from = entry.and_then(ImageStatus::made_from);
        let source = image.step().map(Step::from).or(made_from);
        Self {
            subject: Cow::Borrowed(&desired.subject),
            group: answer.group(),
            step: image.step().map(|step| ShownStep {
                from_name: image
                    .source
                    .as_ref()
                    .and_then(|source| source.name.as_deref()),
                update: image
                    .source
                    .as_ref()
                    .and_then(|source| source.update.as_deref()),
                ..ShownStep::of(step)
            }),
            reason: answer.reason(),
            message: answer.message(),
            since,
            until,
            image_name: desired.image_name.as_str(),
            image_id,
            source: Some(source.map_or_else(|| desired.source.to_string().into(), Cow::Borrowed)),
            version: None,
            manifest: Some(desired.place.to_string().into()),
            drift: entry.map_or(&[], |entry| &entry.drift),
            conditions: entry.map_or(&[], |entry| &entry.conditions),
            attempts: entry.map_or(0, |entry| entry.attempts),
            last_error: entry.and_then(|entry| entry.last_error.as_ref()),
            shown: Shown::default(),
        }
    }

    /// Makes the row of an entry in the status.
    pub(super) fn of_entry(entry: &'a ImageStatus) -> Self {
        let ready = entry.condition(ConditionType::Ready);
        let step = entry.due.map(|verb| ShownStep {
            verb,
            from: None,
            from_name: None,
            update: None,
            to: entry.image_name.as_str(),
            reason: Reason::Missing,
        });
        Self {
            subject: Cow::Owned(entry.subject()),
            group: entry.group,
            step,
            reason: ready.map_or(Reason::Missing, |ready| ready.reason),
            message: ready.map_or("", |ready| &ready.message).into(),
            since: ready.map(|ready| ready.last_transition_time),
            until: entry.next_retry_at,
            image_name: entry.image_name.as_str(),
            image_id: entry.image_id.as_deref(),
            source: entry.made_from().map(Cow::Borrowed),
            version: None,
            manifest: entry.manifest.as_deref().map(Cow::Borrowed),
            drift: &entry.drift,
            conditions: &entry.conditions,
            attempts: entry.attempts,
            last_error: entry.last_error.as_ref(),
            shown: Shown::default(),
        }
    }

    pub(super) fn is_shown(&self) -> bool {
        self.shown != Shown::Hidden
    }

    pub(super) fn condition(&self, condition_type: ConditionType) -> Option<&'a Condition> {
        self.conditions
            .iter()
            .find(|condition| condition.condition_type == condition_type)
    }
}

/// Makes the rows of a plan and the status after it.
pub fn plan_rows<'a>(plan: &'a Plan<'_>, status: &'a Status) -> Vec<Row<'a>> {
    let entries: std::collections::BTreeMap<_, _> = status
        .images
        .iter()
        .map(|entry| (&entry.image_name, entry))
        .collect();
    let row = |image: &'a PlannedImage<'_>| {
        let entry = entries.get(&image.desired.image_name).copied();
        Row::planned(image, entry)
    };
    plan.images.iter().map(row).collect()
}

/// Makes the rows of a status.
pub fn status_rows(status: &Status) -> Vec<Row<'_>> {
    status.images.iter().map(Row::of_entry).collect()
}

/// Shows only the rows with these indexes.
pub(crate) fn show_only(rows: &mut [Row<'_>], selected: &BTreeSet<usize>) {
    for (index, row) in rows.iter_mut().enumerate() {
        row.shown = if selected.contains(&index) {
            Shown::ByName
        } else {
            Shown::Hidden
        };
    }
}

/// Returns "Shown: 1 of 9 images", or nothing if every row is shown.
pub(super) fn shown_text(rows: &[Row<'_>]) -> Option<String> {
    let shown = rows.iter().filter(|row| row.is_shown()).count();
    let all = counted(rows.len(), "image");
    (shown < rows.len()).then(|| format!("Shown: {shown} of {all}"))
}

/// Counts the rows by group and verb, also those that are not shown.
pub(crate) fn totals(rows: &[Row<'_>]) -> Totals {
    let mut totals = Totals::default();
    for row in rows {
        let verb = row.step.as_ref().map(|step| step.verb);
        totals.add(row.group, verb, !row.drift.is_empty());
    }
    totals
}
