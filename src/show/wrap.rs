//! Wraps text to a width.

use textwrap::{Options, WordSeparator, WordSplitter};

/// The maximum width of paragraphs.
const PARAGRAPH: usize = 80;

/// Wraps text to the width of the terminal, with an indent. Without a terminal it is one line. Words are never broken,
/// because users copy ids, flags and paths.
pub(super) fn wrapped(text: &str, indent: &str, columns: Option<usize>) -> String {
    match columns {
        Some(columns) => fill(text, indent, columns.max(20)),
        None => format!("{indent}{text}\n"),
    }
}

/// Wraps text to [`PARAGRAPH`] columns, or fewer on a narrow terminal.
pub(super) fn paragraph(text: &str, indent: &str, columns: Option<usize>) -> String {
    fill(
        text,
        indent,
        columns.unwrap_or(PARAGRAPH).clamp(20, PARAGRAPH),
    )
}

/// Wraps text to the width of the terminal; the first line begins with `first` and the others with `next`. Without a terminal
/// it is one line.
pub(super) fn hanging(text: &str, first: &str, next: &str, columns: Option<usize>) -> String {
    match columns {
        Some(columns) => filled(text, (first, next), columns.max(next.len() + 20)),
        None => format!("{first}{text}\n"),
    }
}

fn fill(text: &str, indent: &str, width: usize) -> String {
    filled(text, (indent, indent), width)
}

fn filled(text: &str, (first, next): (&str, &str), width: usize) -> String {
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(next)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation);
    let mut lines = textwrap::fill(text, options);
    lines.push('\n');
    lines
}

/// Returns the text, cut with three dots if it is too long.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if textwrap::core::display_width(text) <= columns {
        return text.to_owned();
    }
    let mut left = columns.saturating_sub(3);
    let mut kept = String::new();
    for c in text.chars() {
        let width = textwrap::core::display_width(c.encode_utf8(&mut [0; 4]));
        if width > left {
            break;
        }
        left -= width;
        kept.push(c);
    }
    kept + "..."
}
