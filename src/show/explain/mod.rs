//! What reasons, error codes and exit codes mean, and how to fix them. The texts are docs/reasons.md; a test holds its
//! headings to the reasons, the exit codes, the codes that `cloud` knows, and the SDK's list of image error codes.

use std::fmt;

use serde::Serialize;

use crate::model::reason::Reason;
use crate::sys::similar::similar;

/// A heading of the second level for each group, with a note below it; one of the third for each topic.
const PAGE: &str = include_str!("../../../docs/reasons.md");

/// What a topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Group {
    Reason,
    /// An error code in the answer to a request.
    ErrorCode,
    /// An error code of an image in state ERROR.
    ImageErrorCode,
    ExitCode,
}

impl Group {
    /// All of them, in the order of the page.
    pub(crate) const ALL: [Self; 4] = [
        Self::Reason,
        Self::ErrorCode,
        Self::ImageErrorCode,
        Self::ExitCode,
    ];

    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Reason => "Reasons",
            Self::ErrorCode => "Error codes of requests",
            Self::ImageErrorCode => "Error codes of images",
            Self::ExitCode => "Exit codes",
        }
    }

    /// Returns what is true of all topics of the group.
    pub(crate) fn note(self) -> &'static str {
        self.section().split("\n### ").next().map_or("", str::trim)
    }

    fn section(self) -> &'static str {
        let sections = PAGE.split("\n## ").skip(1);
        let mut named = sections.filter_map(|section| section.strip_prefix(self.heading()));
        named.next().unwrap_or_default()
    }

    fn topics(self) -> impl Iterator<Item = Topic> {
        let entries = self.section().split("\n### ").skip(1);
        entries.flat_map(move |entry| {
            let (names, text) = entry.split_once('\n').unwrap_or((entry, ""));
            let names = names
                .split(", ")
                .map(move |name| Topic::new(self, name, text));
            names.collect::<Vec<_>>()
        })
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reason => "reason",
            Self::ErrorCode => "error code",
            Self::ImageErrorCode => "image error code",
            Self::ExitCode => "exit code",
        })
    }
}

/// Something that can be explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    pub kind: Group,
    pub name: String,
    /// The name of an exit code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    pub means: String,
    /// How to fix it.
    pub clears: String,
    /// Which IAM action, page or term to search for at AWS; empty where there is none.
    pub look_for: String,
}

impl Topic {
    fn new(kind: Group, name: &str, text: &str) -> Self {
        let (name, alias) = match name.split_once(": ") {
            Some((name, alias)) => (name, Some(alias.to_owned())),
            None => (name, None),
        };
        let part = |label: &str| {
            let mut paragraphs = text.split("\n\n").map(str::trim);
            let text = paragraphs.find_map(|paragraph| paragraph.strip_prefix(label));
            text.unwrap_or_default().replace('`', "")
        };
        Self {
            kind,
            name: name.to_owned(),
            alias,
            means: part(""),
            clears: part("**How to fix it:** "),
            look_for: part("**Search AWS for:** "),
        }
    }

    pub(crate) fn of(reason: Reason) -> Option<Self> {
        let mut topics = Group::Reason.topics();
        topics.find(|topic| topic.name == reason.to_string())
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.alias.as_deref())
    }
}

/// Returns every topic, by group.
pub fn topics() -> Vec<Topic> {
    Group::ALL.into_iter().flat_map(Group::topics).collect()
}

/// Returns the topics of that name, in any case of letters: a word may be a reason, an error code and an exit code.
pub fn find(word: &str) -> Vec<Topic> {
    let mut found = topics();
    found.retain(|topic| topic.names().any(|name| name.eq_ignore_ascii_case(word)));
    found
}

/// Returns the image error codes in a text, such as the message of an image whose build failed.
pub fn image_errors_in(text: &str) -> Vec<Topic> {
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let topics = Group::ImageErrorCode.topics();
    topics
        .filter(|topic| words.contains(&topic.name.as_str()))
        .collect()
}

/// Returns names that are similar, the most similar first: of topics, and of `others`.
pub fn like(word: &str, others: &[&str]) -> Vec<String> {
    let topics = topics();
    let names: Vec<&str> = topics
        .iter()
        .flat_map(Topic::names)
        // Numbers are similar without a meaning.
        .filter(|name| name.parse::<u8>().is_err())
        .chain(others.iter().copied())
        .collect();
    let similar = similar(word, &names).into_iter();
    similar.map(str::to_owned).collect()
}
