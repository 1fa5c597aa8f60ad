//! What is wrong and where, first as a draft that knows the node, then as a [`Problem`] that knows line and column.

use std::fmt;

use serde::{Serialize, Serializer};

use super::excerpt::{Excerpt, Lines};
use super::place::{Position, Spot};
use crate::sys::escape::Escaped;

/// Longest piece of a manifest that a problem repeats, in characters.
pub(super) const MAX_SHOWN: usize = 64;

/// One thing that is wrong with the manifests, in words for the person who wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Whether it keeps the manifests from being used.
    pub(crate) severity: Severity,
    /// The file or folder, as the person named the folder; not made safe to print.
    pub file: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// The column behind what is meant, in the same line, from 1.
    pub end_column: Option<usize>,
    /// The document within the file, from 1.
    pub document: Option<usize>,
    /// The field, as `spec.source.imageId`; empty for a whole document or file.
    pub(crate) path: String,
    /// What is wrong, or what was found.
    pub found: String,
    /// What is allowed, or what to do; may be empty.
    pub(crate) allowed: String,
    /// What somebody may have meant; may be empty.
    pub(crate) help: String,
    /// The line, where there is one.
    pub excerpt: Option<Excerpt>,
}

/// How much a problem weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// The manifests are no valid set.
    Error,
    /// It is allowed, but likely unwanted.
    Warning,
}

impl Problem {
    /// Makes a problem of a whole file or folder.
    pub(super) fn of_file(file: String, found: impl Into<String>, allowed: &str) -> Self {
        Self {
            severity: Severity::Error,
            file,
            line: None,
            column: None,
            end_column: None,
            document: None,
            path: String::new(),
            found: found.into(),
            allowed: allowed.to_owned(),
            help: String::new(),
            excerpt: None,
        }
    }

    /// The problem with its place, and the line there.
    pub(super) fn at(self, spot: Option<Spot>, lines: Option<&Lines<'_>>) -> Self {
        let Some(Spot { start, end }) = spot else {
            return self;
        };
        let excerpt = lines.and_then(|lines| lines.excerpt(start.line, start.column, end));
        let meant = excerpt.as_ref().map(|excerpt| {
            let meant = &excerpt.text[excerpt.meant.clone()];
            start.column as usize + meant.chars().count()
        });
        Self {
            line: Some(start.line as usize),
            column: Some(start.column as usize),
            end_column: meant,
            excerpt,
            ..self
        }
    }

    /// What is wrong, and in which field.
    pub(crate) fn summary(&self) -> String {
        if self.path.is_empty() {
            self.found.clone()
        } else {
            format!("{}: {}", self.path, self.found)
        }
    }

    /// What is allowed, and what somebody may have meant; may be empty.
    pub(crate) fn detail(&self) -> String {
        let allowed = match self.allowed.as_str() {
            "" => String::new(),
            allowed => format!("allowed: {allowed}"),
        };
        match (allowed.as_str(), self.help.as_str()) {
            (_, "") => allowed,
            ("", help) => help.to_owned(),
            (allowed, help) => format!("{allowed}; {help}"),
        }
    }
}

/// The form in JSON.
#[derive(Serialize)]
struct Diagnostic<'a> {
    severity: Severity,
    summary: String,
    detail: String,
    file: &'a str,
    range: Option<Range>,
    document: Option<usize>,
    path: &'a str,
}

#[derive(Serialize)]
struct Range {
    start: Place,
    end: Place,
}

#[derive(Serialize)]
struct Place {
    line: usize,
    column: usize,
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let range = self.line.zip(self.column).map(|(line, column)| Range {
            start: Place { line, column },
            end: Place {
                line,
                column: self.end_column.unwrap_or(column),
            },
        });
        let form = Diagnostic {
            severity: self.severity,
            summary: self.summary(),
            detail: self.detail(),
            file: &self.file,
            range,
            document: self.document,
            path: &self.path,
        };
        form.serialize(serializer)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(&self.file))?;
        match (self.line, self.column, self.document) {
            (Some(line), Some(column), _) => write!(f, ":{line}:{column}")?,
            (Some(line), None, _) => write!(f, ":{line}")?,
            (None, _, Some(document)) => write!(f, "#{document}")?,
            (None, _, None) => {}
        }
        write!(f, ": {}", Escaped(&self.summary()))?;
        match self.detail().as_str() {
            "" => Ok(()),
            detail => write!(f, "; {}", Escaped(detail)),
        }
    }
}

/// Orders problems by file, line, column and path; those without a line come last in their file.
pub(super) fn sort(problems: &mut [Problem]) {
    let last = |n: Option<usize>| n.unwrap_or(usize::MAX);
    problems.sort_by(|a, b| {
        (&a.file, last(a.line), last(a.column), &a.path).cmp(&(
            &b.file,
            last(b.line),
            last(b.column),
            &b.path,
        ))
    });
}

/// A problem whose place is still a node's number, or already known.
#[derive(Debug, Clone, Default)]
pub(super) struct Draft {
    /// From 1.
    pub(crate) document: Option<usize>,
    /// The node's number within its document, from 0.
    pub(crate) node: u32,
    pub(crate) position: Option<Position>,
    pub(crate) path: String,
    pub(crate) found: String,
    pub(crate) allowed: String,
    pub(crate) help: String,
}

impl Draft {
    /// Makes the problem of a character that hides something.
    pub(super) fn hidden(found: char, position: Position) -> Self {
        Self {
            position: Some(position),
            found: format!(
                "found the character U+{:04X}, which can hide what a manifest says",
                u32::from(found)
            ),
            allowed: "this character in no place; nothing of this file was read".to_owned(),
            ..Self::default()
        }
    }

    /// Makes the problem of a last line that does not end: a value on it may have lost its end, and more may be missing.
    pub(super) fn unended(document: usize, end: Position) -> Self {
        Self {
            document: Some(document),
            position: Some(end),
            found: "found the end of the file within a line, as if it were cut short".to_owned(),
            allowed: "a line break at the end of the last line".to_owned(),
            ..Self::default()
        }
    }

    fn into_problem(
        self,
        severity: Severity,
        file: &str,
        spot: Option<Spot>,
        lines: &Lines<'_>,
    ) -> Problem {
        let problem = Problem {
            severity,
            document: self.document,
            path: self.path,
            help: self.help,
            ..Problem::of_file(file.to_owned(), self.found, &self.allowed)
        };
        problem.at(spot, Some(lines))
    }
}

/// The drafts of one file, so many that a person can use them and no more.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(crate) problems: Drafts,
    pub(crate) warnings: Drafts,
}

/// Drafts up to [`MAX`](Self::MAX), and the number of those beyond.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    pub(crate) kept: Vec<Draft>,
    /// How many more there were.
    pub(crate) more: usize,
}

impl Drafts {
    /// Most problems told of one file: the first ones explain the rest, and a hostile file could hold 30,000.
    pub(super) const MAX: usize = 100;

    /// Keeps one more draft, or only counts it and spares the cost of its words.
    pub(super) fn push(&mut self, draft: impl FnOnce() -> Draft) {
        if self.kept.len() < Self::MAX {
            self.kept.push(draft());
        } else {
            self.more += 1;
        }
    }

    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.kept.len() + self.more
    }

    /// Gives each draft its place, in their order.
    pub(super) fn into_problems(
        self,
        severity: Severity,
        file: &str,
        lines: &Lines<'_>,
        mut spot: impl FnMut(&Draft) -> Option<Spot>,
    ) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self
            .kept
            .into_iter()
            .map(|draft| {
                let known = draft.position.map(Spot::from);
                let spot = known.or_else(|| spot(&draft));
                draft.into_problem(severity, file, spot, lines)
            })
            .collect();
        sort(&mut problems);
        if self.more > 0 {
            let found = format!("at least {} more in this file", self.more);
            problems.push(Problem {
                severity,
                ..Problem::of_file(file.to_owned(), found, "")
            });
        }
        problems
    }
}
