//! The text output of `repave explain`: topics, and the status of one image.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::Serialize;

use super::status::{drift, why};
use super::wrap::paragraph;
use crate::show::explain::{Group, Topic};
use crate::state::status::{ConditionStatus, ConditionType, ImageStatus};
use crate::sys::escape::Escaped;
use crate::sys::words::duration;

/// The JSON output of `repave explain`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Explanation<'a> {
    /// The topics, each with its text.
    pub topics: &'a [Topic],
    /// The images in the status file.
    pub images: &'a [&'a ImageStatus],
    /// The manifests of the images that are not in the status file.
    pub manifests: Vec<&'a String>,
}

pub(crate) fn topics_text(topics: &[Topic], columns: Option<usize>) -> String {
    let mut text = String::new();
    for group in Group::ALL {
        let _ = writeln!(text, "{}", group.heading());
        let names: Vec<String> = topics
            .iter()
            .filter(|topic| topic.kind == group)
            .map(|topic| match &topic.alias {
                Some(alias) => format!("{}={alias}", topic.name),
                None => topic.name.clone(),
            })
            .collect();
        text += &paragraph(&names.join(", "), "  ", columns);
        text.push('\n');
    }
    text += &paragraph(
        "repave explain TOPIC explains one of them. repave explain NAME explains the state of an image. NAME is a manifest name, an image name or an image ID.",
        "",
        columns,
    );
    text
}

pub fn explained_text(topics: &[Topic], columns: Option<usize>) -> String {
    let mut texts: Vec<String> = topics
        .iter()
        .map(|topic| topic_text(topic, columns))
        .collect();
    // The note is printed once, however many codes there are.
    let group = Group::ImageErrorCode;
    if topics.iter().any(|topic| topic.kind == group) {
        let note = paragraph(group.note(), "  ", columns);
        texts.push(format!("about error codes of images\n\n{note}"));
    }
    texts.join("\n")
}

fn topic_text(topic: &Topic, columns: Option<usize>) -> String {
    let mut text = match &topic.alias {
        Some(alias) => format!("{} {}: {alias}\n", topic.kind, topic.name),
        None => format!("{} {}\n", topic.kind, topic.name),
    };
    let mut part = |heading: &str, words: &str| {
        let _ = write!(text, "\n  {heading}\n{}", paragraph(words, "    ", columns));
    };
    part("What it means", &topic.means);
    part("How to fix it", &topic.clears);
    if !topic.look_for.is_empty() {
        let _ = write!(text, "\n  What to search for at AWS\n");
        for term in topic.look_for.split("; ") {
            text += &paragraph(term, "    ", columns);
        }
    }
    text
}

/// Returns the status of an image as text: the status, the reason and the history.
pub fn image_text(image: &ImageStatus, now: Timestamp, columns: Option<usize>) -> String {
    let mut text = format!("image {}, ", image.image_name);
    let _ = match &image.manifest {
        Some(manifest) => writeln!(text, "declared as {} in {}", image.name, Escaped(manifest)),
        None => writeln!(text, "no longer declared"),
    };
    let ago = |at: Timestamp| format!("{at} ({} ago)", duration(now.duration_since(at)));
    if let Some(ready) = image.condition(ConditionType::Ready) {
        let since = ago(ready.last_transition_time);
        let words = match ready.status {
            ConditionStatus::True => "ready",
            ConditionStatus::False => "not ready",
            ConditionStatus::Unknown => "not checked",
        };
        let _ = write!(
            text,
            "\n  Status\n    {words}, {}, since {since}\n",
            ready.reason
        );
    }
    if let Some(why) = why(image, now) {
        let _ = write!(text, "\n  Why\n{}", paragraph(&why, "    ", columns));
    }
    if let Some(drift) = drift(image, true) {
        let _ = write!(
            text,
            "\n  Differences\n{}",
            paragraph(&drift, "    ", columns)
        );
    }
    if let Some(at) = image.next_retry_at {
        let when = if at > now {
            format!("{at}, in {}", duration(at.duration_since(now)))
        } else {
            format!("was due at {}", ago(at))
        };
        let _ = write!(text, "\n  Next try\n    {when}\n");
    }
    if let Some(error) = &image.last_error {
        let code = error
            .code
            .as_ref()
            .map(|code| format!(", {}", Escaped(code)));
        let request = error.request_id.as_ref();
        let request = request.map(|id| format!(", request {}", Escaped(id)));
        let times = match error.count {
            0 | 1 => String::new(),
            count => format!(", {count} in a row"),
        };
        let words = format!(
            "{}{} at {}{times}{}",
            error.reason,
            code.unwrap_or_default(),
            ago(error.at),
            request.unwrap_or_default()
        );
        let _ = write!(
            text,
            "\n  Last error\n{}",
            paragraph(&words, "    ", columns)
        );
        text += &paragraph(&Escaped(&error.message).to_string(), "    ", columns);
    }
    let history = history(image);
    if !history.is_empty() {
        let _ = write!(text, "\n  History\n");
        for (at, what) in history {
            text += &paragraph(&format!("{at}  {what}"), "    ", columns);
        }
    }
    text
}

/// Returns the events in the status of the image, in the order of time.
fn history(image: &ImageStatus) -> Vec<(Timestamp, String)> {
    let source = image.made_from();
    let from = source
        .map(|id| format!(" from {}", Escaped(id)))
        .unwrap_or_default();
    let id = image.image_id.as_deref();
    let id = id
        .map(|id| format!(" as {}", Escaped(id)))
        .unwrap_or_default();
    let tries = match image.attempts {
        0 => String::new(),
        tries => format!(", attempt {tries} for this manifest"),
    };
    let mut history = Vec::new();
    history.extend(
        image
            .create_requested_at
            .map(|at| (at, format!("create sent{from}{tries}"))),
    );
    history.extend(
        image
            .first_seen_at
            .map(|at| (at, format!("listed for the first time{id}"))),
    );
    history.extend(
        image
            .missing_since
            .map(|at| (at, "missing from the image list".to_owned())),
    );
    if let Some(error) = &image.last_error {
        history.push((error.at, format!("create failed: {}", error.reason)));
    }
    let conditions = image.conditions.iter();
    history.extend(conditions.map(|c| {
        let what = format!("{:?} became {:?}", c.condition_type, c.status);
        (c.last_transition_time, what)
    }));
    history.sort_by_key(|(at, _)| *at);
    history
}
