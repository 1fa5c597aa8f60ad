//! Escapes text for display: which characters are printable, and how the others are written.

use std::fmt::{self, Write as _};

/// Shows text with every unprintable character escaped. Printable characters stay unchanged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if is_printable(c) {
                f.write_char(c)?;
            } else {
                write!(f, "{}", c.escape_debug())?;
            }
        }
        Ok(())
    }
}

/// Returns the first `limit` characters of the text, escaped by [`Escaped`]. An ellipsis marks a cut.
pub(crate) fn escaped(text: &str, limit: usize) -> String {
    let mut shown: String = text.chars().take(limit).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Escaped(&shown).to_string()
}

/// Returns whether the character is safe to print unescaped.
pub(super) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // `escape_debug` knows the unprintable characters of Unicode, but also escapes quotes and the backslash.
    c.escape_debug().len() == 1
}

/// Returns an error and its causes in one line. The text is not escaped.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unprintable_characters_are_escaped_and_the_rest_is_not() {
        for (text, shown) in [
            (
                "Finance_2026 (gold) \"x\" 'y' a\\b é 漢 ✓",
                "Finance_2026 (gold) \"x\" 'y' a\\b é 漢 ✓",
            ),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree"),
            ("\u{202e}evil\u{2066}", "\\u{202e}evil\\u{2066}"),
            ("\u{9b}31m\u{7f}", "\\u{9b}31m\\u{7f}"),
            ("zero\u{200b}width\u{feff}", "zero\\u{200b}width\\u{feff}"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(Escaped(text).to_string(), shown);
        }
        assert_eq!(escaped("abcdef", 3), "abc…");
    }
}
