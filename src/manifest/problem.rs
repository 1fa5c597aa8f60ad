//! What is wrong with manifests, and where.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::json;

use super::excerpt::Excerpt;
use super::span::Span;
use crate::sys::escape::Escaped;

/// Longest part of a manifest that a problem repeats, in characters.
pub(super) const MAX_SHOWN: usize = 64;

/// One thing that is wrong with the manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problem {
    pub(crate) severity: Severity,
    /// The file or folder, below the folder as it was named; not made safe to print.
    pub file: String,
    /// What the problem is about, where that is a part of the file.
    pub span: Option<Span>,
    /// The number of the document in the file, from 1.
    pub document: Option<usize>,
    /// The field, as `spec.source.imageId`; empty for a whole document or file.
    pub(crate) path: String,
    /// What is wrong, or what was found.
    pub found: String,
    /// What is allowed, or what to do; may be empty.
    pub(crate) allowed: String,
    /// What may have been meant; may be empty.
    pub(crate) help: String,
    /// The line of the span.
    pub excerpt: Option<Excerpt>,
    /// The other files that take part, for a conflict between manifests.
    pub(super) also_in: Vec<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Severity {
    /// The manifests cannot be used.
    #[default]
    Error,
    /// It is allowed, but likely unwanted.
    Warning,
}

impl Problem {
    /// Makes a problem of a whole file or folder.
    pub(super) fn of_file(
        file: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<String>,
    ) -> Self {
        Self {
            file: file.into(),
            found: found.into(),
            allowed: allowed.into(),
            ..Self::default()
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

    /// What is allowed, and what may have been meant; may be empty.
    pub(crate) fn detail(&self) -> String {
        match (self.allowed.as_str(), self.help.as_str()) {
            ("", help) => help.to_owned(),
            (allowed, "") => format!("allowed: {allowed}"),
            (allowed, help) => format!("allowed: {allowed}; {help}"),
        }
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let form = json!({
            "severity": self.severity,
            "summary": self.summary(),
            "detail": self.detail(),
            "file": self.file,
            "range": self.span.map(|span| json!({
                "start": { "line": span.line, "column": span.column },
                "end": { "line": span.line, "column": span.end_column },
            })),
            "document": self.document,
            "path": self.path,
        });
        form.serialize(serializer)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(&self.file))?;
        match (self.span, self.document) {
            (Some(span), _) => write!(f, ":{}:{}", span.line, span.column)?,
            (None, Some(document)) => write!(f, "#{document}")?,
            (None, None) => {}
        }
        write!(f, ": {}", Escaped(&self.summary()))?;
        match self.detail().as_str() {
            "" => Ok(()),
            detail => write!(f, "; {}", Escaped(detail)),
        }
    }
}

/// Orders problems by file, position and path; those without a position come last in their file.
pub(super) fn sort(problems: &mut [Problem]) {
    let key = |problem: &Problem| {
        let start = problem.span.map(|span| (span.line, span.column));
        (start.is_none(), start)
    };
    problems.sort_by(|a, b| (&a.file, key(a), &a.path).cmp(&(&b.file, key(b), &b.path)));
}

/// The problems and warnings of one file.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(crate) problems: Problems,
    pub(crate) warnings: Problems,
}

/// Problems up to [`MAX`](Self::MAX), and the number of those beyond.
#[derive(Debug, Default)]
pub(super) struct Problems {
    kept: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// Most problems reported of one file: the first ones explain the rest, and a hostile file could hold 30,000.
    pub(super) const MAX: usize = 100;

    /// Keeps one more problem, or only counts it and saves the cost of its text.
    pub(super) fn push(&mut self, problem: impl FnOnce() -> Problem) {
        if self.kept.len() < Self::MAX {
            self.kept.push(problem());
        } else {
            self.more += 1;
        }
    }

    pub(super) fn count(&self) -> usize {
        self.kept.len() + self.more
    }

    /// Returns the problems in their order, each with its file and its line's excerpt.
    pub(super) fn finish(self, severity: Severity, file: &str, lines: &[&str]) -> Vec<Problem> {
        let mut problems = self.kept;
        for problem in &mut problems {
            problem.severity = severity;
            file.clone_into(&mut problem.file);
            problem.excerpt = problem.span.as_mut().and_then(|span| {
                let line = lines.get(span.line - 1)?;
                Some(Excerpt::of(line, span))
            });
        }
        sort(&mut problems);
        if self.more > 0 {
            let found = format!("at least {} more problems in this file", self.more);
            problems.push(Problem {
                severity,
                ..Problem::of_file(file, found, "")
            });
        }
        problems
    }
}
