//! Refuses texts that no parser should get, for single characters of theirs.

use super::limits::MAX_MARKS;
use crate::manifest::problem::Problem;
use crate::manifest::span::Span;

/// Returns why a text is refused, if it is.
///
/// A reviewer must see what a manifest declares: YAML takes some characters for line breaks that editors do not show, so
/// that one comment line could hide a field. `serde_yaml` compares each `%TAG` directive with all others.
pub(super) fn refusal(text: &str) -> Option<Problem> {
    // Nearly every manifest.
    let is_plain = |b: u8| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~') && b != b'%';
    if text.len() <= MAX_MARKS && text.bytes().all(is_plain) {
        return None;
    }
    let mut marks = 0;
    let mut previous = '\n';
    for (at, c) in text.char_indices() {
        let is_mark = matches!(
            c,
            '[' | ']' | '{' | '}' | ',' | ':' | '?' | '"' | '\'' | '&' | '*' | '!'
        );
        marks += usize::from(is_mark);
        let code = u32::from(c);
        let (found, allowed) = match c {
            '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}' => (
                format!(
                    "found the character U+{code:04X}, which can hide what a manifest declares"
                ),
                "a file without this character",
            ),
            '%' if matches!(previous, '\n' | '\r') && !text[at..].starts_with("%YAML ") => (
                "found a line that begins with '%', a YAML directive".to_owned(),
                "no directive except %YAML",
            ),
            _ if marks > MAX_MARKS => (
                format!("found more than {MAX_MARKS} structural characters"),
                "fewer commas, colons, quotes and brackets: split the file",
            ),
            // YAML 1.1, section 4.1, as serde_yaml reads it.
            '\t'
            | '\n'
            | '\r'
            | ' '..='~'
            | '\u{a0}'..='\u{d7ff}'
            | '\u{e000}'..='\u{fffd}'
            | '\u{10000}'.. => {
                previous = c;
                continue;
            }
            _ => (
                format!("found the character U+{code:04X}, which YAML does not allow"),
                "printable characters, tabs and line breaks",
            ),
        };
        return Some(Problem {
            span: Some(Span::after(&text[..at])),
            found,
            allowed: format!("{allowed}; nothing of this file was read"),
            ..Problem::default()
        });
    }
    None
}
