//! Places of nodes, and what is refused by its place alone: anchors, aliases, tags, and texts beyond the limits.
//!
//! This parser reads every text first, and never decides what a text means. It counts nodes as `tree` numbers them; a
//! document that the two count differently is refused.

use saphyr_parser::{Event, Marker, Parser, Span};

use super::limits::{MAX_DEPTH, MAX_NODES};
use super::tree::likely;
use crate::manifest::place::{Position, Spot};
use crate::manifest::problem::{Draft, Drafts};

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

    /// Returns whether the document has an alias, so that reading it could repeat a part of it very often.
    pub(crate) fn has_aliases(&self, document: usize) -> bool {
        let index = document.checked_sub(1);
        let document = index.and_then(|index| self.documents.get(index));
        document.is_some_and(|document| document.has_aliases)
    }

    /// Finds a document that the two parsers read differently; `counts` is how many nodes `tree` saw in each, where it saw
    /// them all.
    pub(crate) fn disagreement(&self, counts: &[Option<u32>]) -> Option<Draft> {
        let differs = |(at, document): (usize, &Document)| {
            let is_known = document.is_whole && !document.has_aliases;
            // After an error nothing was read.
            let unread = if counts.last() == Some(&None) {
                None
            } else {
                Some(0)
            };
            let count = counts.get(at).copied().unwrap_or(unread);
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
        let mut parser = Parser::new_from_str(self.text);
        while let Some(event) = parser.next_event() {
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
                    let position = self.tab(e.info(), Position::at(*e.marker()));
                    let line = self
                        .text
                        .lines()
                        .nth((position.line as usize).saturating_sub(1));
                    self.findings.push(|| Draft {
                        document: (document > 0).then_some(document),
                        position: Some(position),
                        found: format!("found no valid YAML: {}", e.info()),
                        allowed: "valid YAML; nothing after this place was read".into(),
                        help: likely(e.info(), line.unwrap_or("")).to_owned(),
                        ..Draft::default()
                    });
                    return Some(self.begin);
                }
            }
        }
        None
    }

    /// Returns the place of the tab that an error is about: the parser reports where the value before it began.
    fn tab(&self, error: &str, position: Position) -> Position {
        let lines = (1..)
            .zip(self.text.lines())
            .skip_while(|(line, _)| *line < position.line);
        let tabs = lines.filter(|(_, text)| text.trim_start_matches(' ').starts_with('\t'));
        match tabs.take(1).last() {
            Some((line, _)) if error.contains("found a tab") => Position { line, column: 1 },
            Some(_) | None => position,
        }
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
