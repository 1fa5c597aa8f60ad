//! Text in lines of a width.

use textwrap::{Options, WordSeparator, WordSplitter};

/// Breaks text between words so that its lines fit a terminal of so many columns, each after the indent. Without a
/// terminal it is one line. Words are never broken: people copy ids, flags and paths.
pub(super) fn wrapped(text: &str, indent: &str, columns: Option<usize>) -> String {
    match columns {
        Some(columns) => fill(text, indent, columns.max(20)),
        None => format!("{indent}{text}\n"),
    }
}

fn fill(text: &str, indent: &str, width: usize) -> String {
    let options = Options::new(width)
        .initial_indent(indent)
        .subsequent_indent(indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    let mut lines = textwrap::fill(text, options);
    lines.push('\n');
    lines
}

/// How many lines of a terminal of so many columns the text takes.
pub fn lines_taken(text: &str, columns: usize) -> usize {
    text.lines()
        .map(|line| {
            textwrap::core::display_width(line)
                .div_ceil(columns.max(1))
                .max(1)
        })
        .sum()
}
