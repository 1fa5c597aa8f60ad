//! Where something is in a file.

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
