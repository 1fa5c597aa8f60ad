//! Characters that YAML takes for line breaks or passes over and most editors do not show so: refused wherever they stand.
//!
//! A reviewer must see what a manifest says. What looks like one comment line could hold a field behind such a break.

use crate::manifest::place::Position;

/// NEL, the line and paragraph separators, and the byte order mark within a file.
const HIDDEN: [char; 4] = ['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}'];

/// The first such character, and its place.
pub(crate) fn hidden(text: &str) -> Option<(char, Position)> {
    // Their encodings begin with one of three bytes, which most texts do not have.
    if !text.bytes().any(|byte| matches!(byte, 0xc2 | 0xe2 | 0xef)) {
        return None;
    }
    let (at, found) = text.char_indices().find(|(_, c)| HIDDEN.contains(c))?;
    let before = &text[..at];
    let line_start = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
    let breaks = before.matches('\n').count() + before.replace("\r\n", "\n").matches('\r').count();
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let position = Position {
        line: count(breaks + 1),
        column: count(before[line_start..].chars().count() + 1),
    };
    Some((found, position))
}
