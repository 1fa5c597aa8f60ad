//! What can be explained, by name: the texts of reasons, error codes and exit codes in one form.

use std::fmt;

use serde::Serialize;

use crate::cloud;
use crate::model::outcome::ExitCode;
use crate::model::reason::Reason;
use crate::sys::similar::similar;

use super::text::Text;
use super::{details, exits, reasons, service};

/// What a topic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Group {
    /// A reason of repave's own.
    Reason,
    /// An error code of an answer to a request.
    ErrorCode,
    /// An error code of an image in state ERROR.
    ImageErrorCode,
    /// An exit code.
    ExitCode,
}

impl Group {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Self; 4] = [
        Self::Reason,
        Self::ErrorCode,
        Self::ImageErrorCode,
        Self::ExitCode,
    ];

    /// What the topics of the group are, as a heading.
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Self::Reason => "Reasons",
            Self::ErrorCode => "Error codes of requests",
            Self::ImageErrorCode => "Error codes of images",
            Self::ExitCode => "Exit codes",
        }
    }

    /// What is true of all topics of the group.
    pub(crate) fn note(self) -> &'static str {
        match self {
            Self::Reason => {
                "Why an image is as it is, or why a call failed. They stand in the plan, in the status file and in JSON."
            }
            Self::ErrorCode => {
                "What the service, or AWS in front of it, answers to a request that it refuses. They stand in lastError.code \
                 and at the beginning of messages."
            }
            Self::ImageErrorCode => {
                "What the service says of an image in state ERROR. They stand in the message of BuildFailed and \
                 SourceImageFailed. The API model lists the codes and gives none of them a meaning: what is said here comes \
                 from what AWS's guides say of the check with that name, or from the name. They are about the Windows system \
                 that was to become the image, so for an updated image look into what its source was made from: mend it \
                 there, make a new image of it, and declare that one as the source."
            }
            Self::ExitCode => "How a command ended, as a number.",
        }
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
    /// What it is.
    pub kind: Group,
    /// What it is called.
    pub name: String,
    /// What else it is called: an exit code's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// What it means.
    pub means: &'static str,
    /// What makes it go away.
    pub clears: &'static str,
    /// Which IAM action, page or term to look for at AWS; empty where there is none.
    pub look_for: &'static str,
}

impl Topic {
    fn new(kind: Group, name: impl fmt::Display, text: Text) -> Self {
        let Text {
            means,
            clears,
            look_for,
        } = text;
        Self {
            kind,
            name: name.to_string(),
            alias: None,
            means,
            clears,
            look_for,
        }
    }

    /// The topic of a reason.
    pub(crate) fn of(reason: Reason) -> Self {
        Self::new(Group::Reason, reason, reasons::text(reason))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.name.as_str()).chain(self.alias.as_deref())
    }
}

/// Every topic, by group.
pub fn topics() -> Vec<Topic> {
    let reasons = Reason::ALL.into_iter().map(Topic::of);
    let errors = service_codes().into_iter().filter_map(|code| {
        let text = service::text(code)?;
        Some(Topic::new(Group::ErrorCode, code, text))
    });
    let details = details::all().map(|(code, text)| Topic::new(Group::ImageErrorCode, code, text));
    let exits = ExitCode::ALL.into_iter().map(|code| {
        let alias = Some(format!("{code:?}"));
        let topic = Topic::new(Group::ExitCode, code.number(), exits::text(code));
        Topic { alias, ..topic }
    });
    reasons.chain(errors).chain(details).chain(exits).collect()
}

/// The codes of requests: those of the service's model first, then AWS's, each in the order of the alphabet.
fn service_codes() -> Vec<&'static str> {
    let mut codes: Vec<&'static str> = cloud::known_codes().collect();
    codes.sort_unstable_by_key(|code| (!service::MODELLED.contains(code), *code));
    codes
}

/// The topics that are called so, in any case of letters: a word may be a reason and an error code and an exit code.
pub fn find(word: &str) -> Vec<Topic> {
    let mut found = topics();
    found.retain(|topic| topic.names().any(|name| name.eq_ignore_ascii_case(word)));
    found
}

/// The image error codes that stand in a text, as in the message of an image whose build failed.
pub fn image_errors_in(text: &str) -> Vec<Topic> {
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    details::all()
        .filter(|(code, _)| words.contains(code))
        .map(|(code, text)| Topic::new(Group::ImageErrorCode, code, text))
        .collect()
}

/// Names like this one, the likest first: of topics, and of `others`.
pub fn like(word: &str, others: &[&str]) -> Vec<String> {
    let topics = topics();
    let names: Vec<&str> = topics
        .iter()
        // Numbers are like each other without meaning anything by it.
        .flat_map(Topic::names)
        .filter(|name| name.parse::<u8>().is_err())
        .chain(others.iter().copied())
        .collect();
    similar(word, &names)
        .into_iter()
        .map(str::to_owned)
        .collect()
}
