//! Prints values as YAML. It is a form of `serde_json`'s output, because the YAML libraries' own writers pass marks that
//! reorder text on to the terminal.

use std::fmt::Write as _;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

use super::text::is_printable;

/// Prints a value as YAML in block style, ending in a newline; characters that `Escaped` escapes become
/// `\uXXXX`. Keys must be plain words, as the names of fields are.
pub(crate) fn to_yaml<T: Serialize>(value: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Yaml::default()))?;
    bytes.push(b'\n');
    // A key whose value begins on the next line has a space after its colon. No string holds a line's end.
    let mut text = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_suffix(b": \n") {
            Some(key) => text.extend_from_slice(&[key, b":\n"].concat()),
            None => text.extend_from_slice(line),
        }
    }
    Ok(text)
}

/// Where in the document the writer is.
#[derive(Default)]
struct Yaml {
    /// The collections that are open, the outermost first.
    open: Vec<Collection>,
    /// The string that is open, as it stands between quotes.
    text: String,
    /// Whether anything in that string was escaped.
    is_escaped: bool,
    /// Whether that string is a key.
    is_key: bool,
}

struct Collection {
    is_list: bool,
    is_empty: bool,
}

impl Yaml {
    fn begin(&mut self, is_list: bool) {
        self.open.push(Collection {
            is_list,
            is_empty: true,
        });
    }

    fn end<W: ?Sized + Write>(&mut self, writer: &mut W, empty: &str) -> io::Result<()> {
        match self.open.pop() {
            Some(ended) if ended.is_empty => writer.write_all(empty.as_bytes()),
            Some(_) | None => Ok(()),
        }
    }

    /// Begins the line of an entry. The first one of a collection in a list stands on the line of its dash.
    fn begin_line<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let depth = self.open.len().saturating_sub(1);
        let on_a_line = match depth.checked_sub(1) {
            Some(outer) => self.open.get(outer).is_some_and(|outer| outer.is_list),
            None => true,
        };
        let is_first = self
            .open
            .last_mut()
            .is_some_and(|inside| std::mem::replace(&mut inside.is_empty, false));
        if is_first && on_a_line {
            return Ok(());
        }
        write!(writer, "\n{:1$}", "", 2 * depth)
    }
}

/// Tells whether the text is a string in every version of YAML, without quotes.
fn is_plain(text: &str) -> bool {
    const OTHERWISE: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(belongs)
        && !OTHERWISE.contains(&text.to_ascii_lowercase().as_str())
}

impl Formatter for Yaml {
    fn begin_array<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.begin(true);
        Ok(())
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, "[]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, _: bool) -> io::Result<()> {
        self.begin_line(writer)?;
        writer.write_all(b"- ")
    }

    fn begin_object<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.begin(false);
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.end(writer, "{}")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, _: bool) -> io::Result<()> {
        self.is_key = true;
        self.begin_line(writer)
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.is_key = false;
        Ok(())
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn begin_string<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.text.clear();
        self.is_escaped = false;
        Ok(())
    }

    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        _: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        for c in fragment.chars() {
            let written = match u32::from(c) {
                _ if is_printable(c) => {
                    self.text.push(c);
                    continue;
                }
                code @ ..=0xffff => write!(self.text, "\\u{code:04x}"),
                code => write!(self.text, "\\U{code:08x}"),
            };
            written.map_err(io::Error::other)?;
            self.is_escaped = true;
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(
        &mut self,
        _: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        self.is_escaped = true;
        match escape {
            CharEscape::Quote => self.text.push_str("\\\""),
            CharEscape::ReverseSolidus => self.text.push_str("\\\\"),
            CharEscape::Solidus => self.text.push('/'),
            CharEscape::Backspace => self.text.push_str("\\b"),
            CharEscape::FormFeed => self.text.push_str("\\f"),
            CharEscape::LineFeed => self.text.push_str("\\n"),
            CharEscape::CarriageReturn => self.text.push_str("\\r"),
            CharEscape::Tab => self.text.push_str("\\t"),
            CharEscape::AsciiControl(byte) => {
                write!(self.text, "\\u{byte:04x}").map_err(io::Error::other)?;
            }
        }
        Ok(())
    }

    fn end_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.is_key || (!self.is_escaped && is_plain(&self.text)) {
            writer.write_all(self.text.as_bytes())
        } else {
            write!(writer, "\"{}\"", self.text)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn yaml<T: Serialize>(value: &T) -> String {
        String::from_utf8(to_yaml(value).unwrap()).unwrap()
    }

    #[test]
    fn yaml_is_what_people_write() {
        let value = serde_json::json!({
            "a": {"empty": [], "list": [{"x": 1, "y": null}, {"x": "wsi-0"}], "none": {}},
            "b": ["one", "no", "12", "", "two words", "2026-11-22T17:25:04Z"],
            "c": "a\u{1b}\u{202e}\n\u{e0041}é",
        });
        insta::assert_snapshot!(yaml(&value), @r#"
        a:
          empty: []
          list:
            - x: 1
              y: null
            - x: wsi-0
          none: {}
        b:
          - one
          - "no"
          - "12"
          - ""
          - "two words"
          - "2026-11-22T17:25:04Z"
        c: "a\u001b\u202e\n\U000e0041é"
        "#);
    }

    proptest! {
        /// Read by a library that had no part in it.
        #[test]
        fn yaml_is_read_back_as_it_was(texts in prop::collection::vec(".*", 0..4), number in any::<i64>()) {
            let value: BTreeMap<&str, (Vec<String>, i64)> = [("a", (texts.clone(), number)), ("b", (texts, 0))].into();
            let text = yaml(&value);
            prop_assert!(text.chars().all(|c| c == '\n' || is_printable(c)), "{text}");
            prop_assert_eq!(serde_yaml::from_str::<BTreeMap<&str, (Vec<String>, i64)>>(&text).unwrap(), value);
        }
    }
}
