//! Makes text from outside safe to print; it knows nothing about where the text goes.
//!
//! Manifests and API answers can carry terminal escapes, line breaks that forge log lines, and marks that reorder
//! text. [`Escaped`] shows such characters as `\u{..}`; [`to_json`] and [`to_yaml`] do the same inside strings, where the
//! data stays exact.

use std::fmt::{self, Write as _};
use std::io;

use serde::Serialize;

mod yaml;

pub use yaml::to_yaml;

/// Shows text with every control, format and otherwise unprintable character escaped; the rest stays as it is.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(pub &'a str);

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

/// Returns the text escaped as [`Escaped`] does, cut after `limit` characters with an ellipsis.
pub fn escaped(text: &str, limit: usize) -> String {
    let mut shown: String = text.chars().take(limit).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Escaped(&shown).to_string()
}

/// Tells whether a terminal or a log may receive the character as it is.
fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    // `escape_debug` knows Unicode's unprintable characters, but escapes quotes and the backslash too.
    c.escape_debug().len() == 1
}

/// Prints a value as indented JSON, ending in a newline; characters that [`Escaped`] escapes become `\uXXXX`.
pub fn to_json<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::new();
    let formatter = SafeJson(serde_json::ser::PrettyFormatter::new());
    value.serialize(&mut serde_json::Serializer::with_formatter(
        &mut bytes, formatter,
    ))?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// `serde_json`'s indenting formatter, with unprintable characters inside strings as `\uXXXX`.
struct SafeJson(serde_json::ser::PrettyFormatter<'static>);

impl serde_json::ser::Formatter for SafeJson {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(|c| !is_printable(c)) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut chars = tail.chars();
            if let Some(c) = chars.next() {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
            rest = chars.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_array(w)
    }
    fn end_array<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array(w)
    }
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_array_value(w, first)
    }
    fn end_array_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_array_value(w)
    }
    fn begin_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object(w)
    }
    fn end_object<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object(w)
    }
    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        w: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.0.begin_object_key(w, first)
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.begin_object_value(w)
    }
    fn end_object_value<W: ?Sized + io::Write>(&mut self, w: &mut W) -> io::Result<()> {
        self.0.end_object_value(w)
    }
}

/// An error and everything it comes from, in one line. Texts from outside in it are not escaped.
pub fn with_causes(error: &dyn std::error::Error) -> String {
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

    #[test]
    fn json_holds_the_exact_text_in_printable_characters() {
        let text = "a\u{1b}\u{202e}\u{9b}\n\u{e0041}é\"\\";
        let json = String::from_utf8(to_json(&text).unwrap()).unwrap();
        assert_eq!(
            json.trim_end()
                .chars()
                .filter(|c| !is_printable(*c))
                .count(),
            0,
            "{json}"
        );
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
