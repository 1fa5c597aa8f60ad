//! The line that a problem stands in, kept with it: a file may have changed by the time somebody reads what is wrong.

/// Most characters kept on either side of the place: wider than terminals are, and a line may be a whole file.
const MOST: usize = 200;

/// A piece of one line, and what of it is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The line as it stands in the file, or the part of it around the place; not made safe to print.
    pub text: String,
    /// What is meant, in bytes of `text`; empty at the line's end.
    pub meant: std::ops::Range<usize>,
    /// How many characters of the line stand before `text`.
    pub(crate) left_out: usize,
}

/// A text's lines, each found at once.
pub(super) struct Lines<'a> {
    text: &'a str,
    /// Where each line begins, in bytes.
    begins: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Lines end as editors show them: in `\n`, `\r` or both.
    pub(super) fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| {
            **byte == b'\n' || (**byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'))
        });
        let begins = std::iter::once(0).chain(ends.map(|(at, _)| at + 1));
        Self {
            text,
            begins: begins.collect(),
        }
    }

    /// The line's piece around the column, both from 1. Where `end`, the column behind what is meant, is not known or in
    /// another line, a word is meant.
    pub(super) fn excerpt(&self, line: u32, column: u32, end: Option<u32>) -> Option<Excerpt> {
        let at = (line as usize).checked_sub(1)?;
        let begin = *self.begins.get(at)?;
        let behind = self.begins.get(at + 1).copied().unwrap_or(self.text.len());
        let line = self.text.get(begin..behind)?.trim_end_matches(['\n', '\r']);
        let column = (column as usize).checked_sub(1)?;
        let byte = |character: usize| {
            let mut places = line.char_indices().map(|(at, _)| at);
            places.nth(character).unwrap_or(line.len())
        };
        let start = byte(column);
        let stop = match end {
            Some(end) if end as usize > column + 1 => byte(end as usize - 1),
            Some(_) | None => start + word(&line[start..]),
        };
        let left_out = column.saturating_sub(MOST);
        let (from, to) = (byte(left_out), byte(column + MOST));
        Some(Excerpt {
            text: line[from..to].to_owned(),
            meant: start - from..stop.min(to) - from,
            left_out,
        })
    }
}

/// How many bytes the word takes that the text begins with; at least one character.
fn word(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, ':' | ',' | '[' | ']' | '{' | '}' | '#');
    let mut characters = text.char_indices();
    let first = characters.next().map_or(0, |(_, c)| c.len_utf8());
    let rest = &text[first..];
    if text.starts_with(ends) {
        first
    } else {
        first + rest.find(ends).unwrap_or(rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_or_what_is_known_is_meant() {
        let lines = Lines::new("a: 1\r\n  spéc: [x, y]\rlast\n");
        for (line, column, end, meant) in [
            (1, 1, None, "a"),
            (1, 4, Some(5), "1"),
            (2, 3, None, "spéc"),
            (2, 9, None, "["),
            (2, 9, Some(15), "[x, y]"),
            (3, 1, Some(1), "last"),
            (3, 5, None, ""),
            (4, 1, None, ""),
        ] {
            let excerpt = lines.excerpt(line, column, end).unwrap();
            assert_eq!(&excerpt.text[excerpt.meant.clone()], meant, "{excerpt:?}");
        }
        assert_eq!(lines.excerpt(5, 1, None), None);
    }

    #[test]
    fn of_a_long_line_the_place_is_kept() {
        let text = format!("{}here{}", "é".repeat(1000), "x".repeat(1000));
        let excerpt = Lines::new(&text).excerpt(1, 1001, Some(1005)).unwrap();
        assert_eq!(&excerpt.text[excerpt.meant], "here");
        assert_eq!((excerpt.left_out, excerpt.text.chars().count()), (800, 400));
    }
}
