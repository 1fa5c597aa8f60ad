//! Places in a text, in lines and columns as editors show them.

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// From 1.
    pub(crate) line: u32,
    /// In characters, from 1.
    pub(crate) column: u32,
}

impl Position {
    /// The place of the byte at this index; lines end as editors show them, in `\n`, `\r` or both.
    pub(super) fn of(text: &[u8], index: usize) -> Self {
        let before = &text[..index.min(text.len())];
        let mut start = 0;
        let mut line = 1;
        for (at, byte) in before.iter().enumerate() {
            if *byte == b'\n' || (*byte == b'\r' && text.get(at + 1) != Some(&b'\n')) {
                line += 1;
                start = at + 1;
            }
        }
        let is_start = |byte: &&u8| **byte & 0xc0 != 0x80;
        let column = before[start..].iter().filter(is_start).count() + 1;
        Self {
            line,
            column: u32::try_from(column).unwrap_or(u32::MAX),
        }
    }
}

/// What a problem is about: from here to a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spot {
    pub(crate) start: Position,
    /// The column behind it, where it ends in the same line.
    pub(crate) end: Option<u32>,
}

impl From<Position> for Spot {
    fn from(start: Position) -> Self {
        Self { start, end: None }
    }
}
