//! Where something is in a file.

use std::cell::OnceCell;

/// A part of one line. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The line.
    pub line: usize,
    /// The first column.
    pub column: usize,
    /// The column after the last one; equal to `column` where the end is not known.
    pub end_column: usize,
}

impl Span {
    pub(super) fn at(line: usize, column: usize) -> Self {
        Self {
            line,
            column,
            end_column: column,
        }
    }

    /// Returns the position after this text.
    pub(super) fn after(text: &str) -> Self {
        let lines = lines(text);
        let last = lines.last().map_or(0, |line| line.chars().count());
        Self::at(lines.len(), last + 1)
    }
}

/// A text whose lines are found once they are needed: only problems need them.
#[derive(Debug)]
pub(super) struct Source<'a> {
    text: &'a str,
    lines: OnceCell<Vec<&'a str>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            lines: OnceCell::new(),
        }
    }

    pub(super) fn lines(&self) -> &[&'a str] {
        self.lines.get_or_init(|| lines(self.text))
    }

    /// Returns the rest of the line from the beginning of a span.
    pub(super) fn from(&self, span: Span) -> &'a str {
        let line = self.lines().get(span.line - 1).copied().unwrap_or_default();
        let mut characters = line.char_indices();
        let start = characters
            .nth(span.column - 1)
            .map_or(line.len(), |(at, _)| at);
        line.get(start..).unwrap_or_default()
    }

    /// Returns the text of a span; empty where the end of the span is not known.
    pub(super) fn of(&self, span: Span) -> &'a str {
        let rest = self.from(span);
        let mut characters = rest.char_indices();
        let end = characters.nth(span.end_column - span.column);
        rest[..end.map_or(rest.len(), |(at, _)| at)].trim()
    }
}

/// Splits a text into lines as editors show them: a line ends in `\n`, `\r` or both.
pub(super) fn lines(text: &str) -> Vec<&str> {
    let last = (text.is_empty() || text.ends_with('\n')).then_some("");
    text.split_inclusive('\n')
        .map(|line| {
            line.strip_suffix('\n')
                .map_or(line, |line| line.strip_suffix('\r').unwrap_or(line))
        })
        .chain(last)
        .flat_map(|line| line.split('\r'))
        .collect()
}
