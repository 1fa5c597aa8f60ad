//! What is wrong and where, first as a draft that knows the node, then as a [`Problem`] that knows line and column.

use std::fmt;

use serde::Serialize;

use super::locate::Position;
use crate::escape::Escaped;

/// One thing that is wrong with the manifests, in words for the person who wrote them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The file or folder, as the person named the folder; not made safe to print.
    pub file: String,
    /// The line, from 1.
    pub line: Option<usize>,
    /// The column in characters, from 1.
    pub column: Option<usize>,
    /// The document within the file, from 1.
    pub document: Option<usize>,
    /// The field, as `spec.source.imageId`; empty for a whole document or file.
    pub path: String,
    /// What is wrong, or what was found.
    pub found: String,
    /// What is allowed, or what to do; may be empty.
    pub allowed: String,
}

impl Problem {
    /// Makes a problem of a whole file or folder.
    pub(super) fn of_file(file: String, found: impl Into<String>, allowed: &str) -> Self {
        Self {
            file,
            line: None,
            column: None,
            document: None,
            path: String::new(),
            found: found.into(),
            allowed: allowed.to_owned(),
        }
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
        if !self.path.is_empty() {
            write!(f, ": {}", Escaped(&self.path))?;
        }
        write!(f, ": {}", Escaped(&self.found))?;
        if !self.allowed.is_empty() {
            write!(f, "; allowed: {}", Escaped(&self.allowed))?;
        }
        Ok(())
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
#[derive(Debug, Clone)]
pub(super) struct Draft {
    /// From 1.
    pub document: Option<usize>,
    /// The node's number within its document, from 0.
    pub node: u32,
    pub position: Option<Position>,
    pub path: String,
    pub found: String,
    pub allowed: String,
}

impl Draft {
    /// Makes the problem of a character that hides something.
    pub(super) fn hidden(found: char, position: Position) -> Self {
        Self {
            document: None,
            node: 0,
            position: Some(position),
            path: String::new(),
            found: format!(
                "found the character U+{:04X}, which can hide what a manifest says",
                u32::from(found)
            ),
            allowed: "this character in no place; nothing of this file was read".to_owned(),
        }
    }

    /// Makes the problem of a last line that does not end: a value on it may have lost its end, and more may be missing.
    pub(super) fn unended(document: usize, end: Position) -> Self {
        Self {
            document: Some(document),
            node: 0,
            position: Some(end),
            path: String::new(),
            found: "found the end of the file within a line, as if it were cut short".to_owned(),
            allowed: "a line break at the end of the last line".to_owned(),
        }
    }

    fn into_problem(self, file: &str, position: Option<Position>) -> Problem {
        Problem {
            file: file.to_owned(),
            line: position.map(|p| p.line as usize),
            column: position.map(|p| p.column as usize),
            document: self.document,
            path: self.path,
            found: self.found,
            allowed: self.allowed,
        }
    }
}

/// The drafts of one file, so many that a person can use them and no more.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub problems: Drafts,
    pub warnings: Drafts,
}

/// Drafts up to [`MAX`](Self::MAX), and the number of those beyond.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    pub kept: Vec<Draft>,
    /// How many more there were.
    pub more: usize,
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
        file: &str,
        mut position: impl FnMut(&Draft) -> Option<Position>,
    ) -> Vec<Problem> {
        let mut problems: Vec<Problem> = self
            .kept
            .into_iter()
            .map(|draft| {
                let position = draft.position.or_else(|| position(&draft));
                draft.into_problem(file, position)
            })
            .collect();
        sort(&mut problems);
        if self.more > 0 {
            let found = format!("at least {} more in this file", self.more);
            problems.push(Problem::of_file(file.to_owned(), found, ""));
        }
        problems
    }
}
