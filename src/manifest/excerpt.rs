//! The line that a problem is in, kept with it: the file may change before anybody reads the problem.

use super::span::Span;

/// Most characters kept on either side of the position: wider than terminals are, and a line may be a whole file.
const MOST: usize = 200;

/// A part of one line, and the part of it that a problem is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The line, or the part of it around the position; not made safe to print.
    pub text: String,
    /// What the problem is about, in bytes of `text`; empty at the line's end.
    pub meant: std::ops::Range<usize>,
    /// How many characters of the line are before `text`.
    pub(crate) left_out: usize,
}

impl Excerpt {
    /// Cuts the excerpt out of the span's line, and completes the span: where its end is not known, it is that of a word.
    pub(super) fn of(line: &str, span: &mut Span) -> Self {
        let column = span.column - 1;
        let byte = |character: usize| {
            let mut characters = line.char_indices();
            characters.nth(character).map_or(line.len(), |(at, _)| at)
        };
        let start = byte(column);
        let stop = if span.end_column > span.column + 1 {
            byte(span.end_column - 1)
        } else {
            start + word(&line[start..])
        };
        span.end_column = span.column + line[start..stop].chars().count();
        let left_out = column.saturating_sub(MOST);
        let (from, to) = (byte(left_out), byte(column + MOST));
        Self {
            text: line[from..to].to_owned(),
            meant: start - from..stop.min(to) - from,
            left_out,
        }
    }
}

/// Returns how many bytes the first word of the text takes: at least one character.
fn word(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, ':' | ',' | '[' | ']' | '{' | '}' | '#');
    let first = text.chars().next().map_or(0, char::len_utf8);
    if text.starts_with(ends) {
        return first;
    }
    let rest = &text[first..];
    first + rest.find(ends).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::super::span::lines;
    use super::*;

    #[test]
    fn a_word_or_what_is_known_is_meant() {
        let lines = lines("a: 1\r\n  spéc: [x, y]\rlast\n");
        assert_eq!(lines.len(), 4);
        for (line, column, end_column, meant) in [
            (1, 1, 1, "a"),
            (1, 4, 5, "1"),
            (2, 3, 3, "spéc"),
            (2, 9, 9, "["),
            (2, 9, 15, "[x, y]"),
            (3, 1, 1, "last"),
            (3, 5, 5, ""),
            (4, 1, 1, ""),
        ] {
            let mut span = Span {
                line,
                column,
                end_column,
            };
            let excerpt = Excerpt::of(lines[line - 1], &mut span);
            assert_eq!(&excerpt.text[excerpt.meant.clone()], meant, "{excerpt:?}");
            assert_eq!(span.end_column - column, meant.chars().count());
        }
    }

    #[test]
    fn of_a_long_line_the_place_is_kept() {
        let text = format!("{}here{}", "é".repeat(1000), "x".repeat(1000));
        let mut span = Span {
            line: 1,
            column: 1001,
            end_column: 1005,
        };
        let excerpt = Excerpt::of(&text, &mut span);
        assert_eq!(&excerpt.text[excerpt.meant], "here");
        assert_eq!((excerpt.left_out, excerpt.text.chars().count()), (800, 400));
    }
}
