//! Places of nodes, and what only places can tell: anchors, aliases, tags, and texts too costly for `serde_yaml`.
//!
//! This second parser never decides what a text means. It counts nodes as `tree` numbers them; where the two disagree
//! about a document, that document's beginning is the best place known.

use std::cell::Cell;

use saphyr_parser::{Event, Marker, Parser, Span};

use super::limits::{MAX_DEPTH, MAX_FILE_BYTES, MAX_NODES};
use crate::manifest::place::{Position, Spot};
use crate::manifest::problem::{Draft, Drafts};

/// Most marks of structure of a text that `serde_yaml` may read at once; it makes at most twice as many events of them,
/// of about 100 bytes each. 256 KiB of manifests have 26,000.
const MAX_PLAIN_MARKS: u64 = 32 * 1024;
/// The parser under `serde_yaml` visits every open bracket at every token: this many visits take about 10 ms.
const MAX_PLAIN_VISITS: u64 = 4 * 1024 * 1024;
/// Most marks between two events. The parser below keeps a whole flow list or map as tokens, of about 100 bytes each,
/// before it tells the first event; two tokens a mark stay below 12 MiB. Only texts that hold other texts, as a large
/// JSON document, come near.
const MAX_HELD_MARKS: u32 = 32 * 1024;

impl Position {
    fn at(marker: Marker) -> Self {
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            line: number(marker.line()),
            column: number(marker.col()).saturating_add(1),
        }
    }
}

impl From<Span> for Spot {
    fn from(span: Span) -> Self {
        let (start, end) = (Position::at(span.start), Position::at(span.end));
        let end = (start.line == end.line).then_some(end.column);
        Self { start, end }
    }
}

/// What each byte adds to the counts of [`is_suspect`], one in each third of a number, so that a loop without
/// branches adds them all up: marks, brackets, and signs that need a second look.
const COUNTS: [u64; 256] = {
    let mut counts = [0; 256];
    let mut byte = 0;
    while byte < counts.len() {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let count = match byte as u8 {
            b'&' | b'*' | b'!' | b'%' => SIGN,
            b'[' | b'{' => MARK + BRACKET,
            b']' | b'}' | b',' | b'?' | b':' | b'\n' | b'\r' => MARK,
            _ => 0,
        };
        counts[byte] = count;
        byte += 1;
    }
    counts
};
const MARK: u64 = 1;
const BRACKET: u64 = 1 << COUNT_BITS;
const SIGN: u64 = 1 << (2 * COUNT_BITS);
/// Enough for the bytes of any file; a longer text, whose counts would overflow, is suspect by its length.
const COUNT_BITS: u32 = 21;

/// Tells whether a text must be looked over before `serde_yaml` may read it. Costs one look at each byte.
pub(crate) fn is_suspect(text: &str) -> bool {
    if text.len() > MAX_FILE_BYTES {
        return true;
    }
    let bytes = text.as_bytes();
    let mut counts = 0;
    let mut after_dash = 0;
    for &byte in bytes {
        let is_item = after_dash & u64::from(matches!(byte, b' ' | b'\t'));
        counts += COUNTS[usize::from(byte)] + is_item;
        after_dash = u64::from(byte == b'-');
    }
    let count = |unit: u64| (counts / unit) & ((1 << COUNT_BITS) - 1);
    let (marks, brackets) = (count(MARK), count(BRACKET));
    let is_sign = |(at, byte): (usize, &u8)| match byte {
        b'&' | b'*' | b'!' => true,
        b'%' => at == 0 || begins_line(bytes[at - 1]),
        _ => false,
    };
    marks > MAX_PLAIN_MARKS
        || brackets * marks > MAX_PLAIN_VISITS
        || (count(SIGN) > 0 && bytes.iter().enumerate().any(is_sign))
}

/// Tells whether the byte may end a line break (ASCII, U+0085, U+2028, U+2029) or a byte order mark; other characters
/// end in the same bytes, which costs them a closer look.
fn begins_line(previous: u8) -> bool {
    matches!(previous, b'\n' | b'\r' | 0x85 | 0xa8 | 0xa9 | 0xbf)
}

/// The nodes' places in one text.
#[derive(Debug)]
pub(crate) struct Map {
    documents: Vec<Document>,
    /// What is refused wherever it stands.
    pub(crate) findings: Drafts,
    /// How much of the text `serde_yaml` may read, in bytes: all, or up to the document that was refused.
    pub(crate) readable: usize,
}

#[derive(Debug)]
struct Document {
    start: Position,
    nodes: Vec<Spot>,
    /// Whether the node numbers are those of `tree`, which follows aliases.
    has_aliases: bool,
    is_whole: bool,
}

impl Map {
    pub(crate) fn new(text: &str) -> Self {
        let mut walk = Walk {
            text,
            index: CharIndex::new(text),
            nodes: 0,
            depth: 0,
            begin: 0,
            findings: Drafts::default(),
            documents: Vec::new(),
        };
        let failed = walk.directives().or_else(|| walk.events());
        Self {
            documents: walk.documents,
            findings: walk.findings,
            readable: failed.unwrap_or(text.len()),
        }
    }

    /// The place of a node, or of its document where the node is unknown; `count` is how many nodes `tree` saw there.
    pub(crate) fn spot(&self, document: usize, node: u32, count: Option<u32>) -> Option<Spot> {
        let document = self.documents.get(document.checked_sub(1)?)?;
        let differs =
            document.is_whole && count.is_some_and(|n| n as usize != document.nodes.len());
        let known = (!document.has_aliases && !differs)
            .then(|| document.nodes.get(node as usize).copied())
            .flatten();
        Some(known.unwrap_or(document.start.into()))
    }

    /// Finds a document that the two parsers read differently, so that an alias may have gone unseen; `counts` is how
    /// many nodes `tree` saw in each, where it saw them all.
    ///
    /// To be asked of suspect texts only: in others a difference costs no more than a place.
    pub(crate) fn disagreement(&self, counts: &[Option<u32>]) -> Option<Draft> {
        let differs = |(at, document): (usize, &Document)| {
            let is_known = document.is_whole && !document.has_aliases;
            let count = counts.get(at).copied().unwrap_or(Some(0));
            is_known && count.is_some_and(|count| count as usize != document.nodes.len())
        };
        let is_whole = self.documents.last().is_some_and(|last| last.is_whole);
        let at = match self.documents.iter().enumerate().position(differs) {
            Some(at) => at,
            None if is_whole && counts.len() > self.documents.len() => self.documents.len() - 1,
            None => return None,
        };
        Some(Draft {
            document: Some(at + 1),
            position: Some(self.documents[at].start),
            found: "found a document that two YAML parsers read differently".into(),
            allowed: "plain YAML without anchors, aliases, tags and unusual line breaks".into(),
            ..Draft::default()
        })
    }
}

/// Bytes of characters, for questions in rising order.
struct CharIndex<'a> {
    text: &'a str,
    characters: usize,
    bytes: usize,
}

impl<'a> CharIndex<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            characters: 0,
            bytes: 0,
        }
    }

    /// The byte index of the character, at least that of the last answer.
    fn byte(&mut self, character: usize) -> usize {
        let ahead = character.saturating_sub(self.characters);
        let rest = &self.text[self.bytes..];
        let step = rest
            .char_indices()
            .nth(ahead)
            .map_or(rest.len(), |(at, _)| at);
        self.characters = self.characters.max(character);
        self.bytes += step;
        self.bytes
    }
}

struct Walk<'a> {
    text: &'a str,
    index: CharIndex<'a>,
    nodes: u32,
    depth: usize,
    /// Where the document began, in bytes.
    begin: usize,
    findings: Drafts,
    documents: Vec<Document>,
}

impl Walk<'_> {
    /// Refuses directives but `%YAML`: nobody needs them, and `serde_yaml` compares each `%TAG` with all others.
    fn directives(&mut self) -> Option<usize> {
        const BREAKS: [char; 6] = ['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{feff}'];
        let text = self.text;
        let (at, _) = text.match_indices('%').find(|(at, _)| {
            let (before, rest) = text.split_at(*at);
            (before.is_empty() || before.ends_with(BREAKS)) && !rest.starts_with("%YAML ")
        })?;
        let position = Position::of(text.as_bytes(), at);
        self.find(
            None,
            position,
            "found a line that begins with '%', a YAML directive",
            "no directive but %YAML; nothing of this file was read",
        );
        Some(0)
    }

    /// Walks all events. Gives the beginning of the document that it could not finish.
    fn events(&mut self) -> Option<usize> {
        // Counts the marks since the last event, and ends the text where there are too many.
        let held = Cell::new(0);
        let characters = self.text.chars().take_while(|c| {
            if matches!(
                c,
                '[' | ']' | '{' | '}' | ',' | ':' | '?' | '"' | '\'' | '&' | '*' | '!'
            ) {
                held.set(held.get() + 1);
            }
            held.get() <= MAX_HELD_MARKS
        });
        let mut parser = Parser::new_from_iter(characters);
        while let Some(event) = parser.next_event() {
            if held.get() > MAX_HELD_MARKS {
                let document = self.documents.last();
                let position = document.and_then(|d| d.nodes.last()).map(|spot| spot.start);
                self.find(
                    (!self.documents.is_empty()).then_some(self.documents.len()),
                    position.unwrap_or(Position { line: 1, column: 1 }),
                    &format!("found more than {MAX_HELD_MARKS} marks of structure in one value"),
                    "fewer; nothing after this place was read",
                );
                return Some(self.begin);
            }
            held.set(0);
            if self.findings.more > 0 {
                return Some(self.begin); // nobody reads more of them, and each costs
            }
            match event {
                Ok((event, span)) => {
                    if self.event(&event, span) {
                        return Some(self.begin);
                    }
                }
                Err(e) => {
                    let document = self.documents.len();
                    self.find(
                        (document > 0).then_some(document),
                        Position::at(*e.marker()),
                        &format!("found no valid YAML: {}", e.info()),
                        "valid YAML; nothing after this place was read",
                    );
                    return Some(self.begin);
                }
            }
        }
        None
    }

    /// Takes one event; tells whether a limit was exceeded.
    fn event(&mut self, event: &Event<'_>, span: Span) -> bool {
        match event {
            Event::DocumentStart(_) => {
                self.begin = self.index.byte(span.start.index());
                self.documents.push(Document {
                    start: Position::at(span.start),
                    nodes: Vec::new(),
                    has_aliases: false,
                    is_whole: false,
                });
                false
            }
            Event::DocumentEnd => {
                if let Some(document) = self.documents.last_mut() {
                    document.is_whole = true;
                }
                false
            }
            Event::Alias(_) => {
                if let Some(document) = self.documents.last_mut() {
                    document.has_aliases = true;
                }
                self.find_here(span, "found an alias (*)");
                self.node(span)
            }
            Event::Scalar(_, _, anchor, tag) => {
                self.properties(*anchor, tag.is_some(), span);
                self.node(span)
            }
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                self.properties(*anchor, tag.is_some(), span);
                let exceeds = self.node(span);
                self.depth += 1;
                exceeds
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.depth -= 1;
                false
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd => false,
        }
    }

    fn node(&mut self, span: Span) -> bool {
        let position = Position::at(span.start);
        if let Some(document) = self.documents.last_mut() {
            document.nodes.push(span.into());
        }
        self.nodes += 1;
        let found = if self.nodes > MAX_NODES {
            format!("found more than {MAX_NODES} values in the file")
        } else if self.depth > MAX_DEPTH {
            format!("found values nested more than {MAX_DEPTH} deep")
        } else {
            return false;
        };
        self.find(
            Some(self.documents.len()),
            position,
            &found,
            "fewer; nothing after this place was read",
        );
        true
    }

    /// Refuses an anchor and a tag; with either, the span begins there and not at the value.
    fn properties(&mut self, anchor: usize, has_tag: bool, span: Span) {
        if anchor > 0 {
            self.find_here(span, "found an anchor (&)");
        }
        if has_tag {
            self.find_here(span, "found a tag (!)");
        }
    }

    fn find_here(&mut self, span: Span, found: &str) {
        self.find(
            Some(self.documents.len()),
            Position::at(span.start),
            found,
            "plain values, each written out",
        );
    }

    fn find(&mut self, document: Option<usize>, position: Position, found: &str, allowed: &str) {
        self.findings.push(|| Draft {
            document,
            position: Some(position),
            found: found.to_owned(),
            allowed: allowed.to_owned(),
            ..Draft::default()
        });
    }
}
