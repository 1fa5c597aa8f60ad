//! The spans of all nodes, and what `serde_yaml` must not read: anchors, aliases, tags and values beyond the limits.

use saphyr_parser::{Event, Marker, Parser};

use super::limits::{MAX_DEPTH, MAX_NODES};
use crate::manifest::problem::{Problem, Problems};
use crate::manifest::span::{Span, lines};

/// The walked documents of a text.
#[derive(Debug, Default)]
pub(super) struct Walked {
    pub(super) documents: Vec<Document>,
    /// How many bytes of the text hold these documents.
    pub(super) readable: usize,
    pub(super) is_whole: bool,
}

#[derive(Debug)]
pub(super) struct Document {
    pub(super) start: Span,
    /// The spans of its nodes, keys included, in the order of the text.
    pub(super) nodes: Vec<Span>,
    /// Whether it has no anchor, alias or tag.
    pub(super) is_plain: bool,
}

/// Walks the documents up to the one with a syntax error or too many values.
pub(super) fn walk(text: &str, problems: &mut Problems) -> Walked {
    let mut walked = Walked::default();
    let mut begin = 0;
    if let Err(problem) = events(text, &mut walked.documents, &mut begin, problems) {
        problems.push(|| Problem {
            document: (!walked.documents.is_empty()).then_some(walked.documents.len()),
            ..*problem
        });
        walked.documents.pop();
        let begin = text.char_indices().nth(begin);
        walked.readable = begin.map_or(text.len(), |(at, _)| at);
    } else {
        walked.readable = text.len();
        walked.is_whole = true;
    }
    walked
}

/// Walks all events; `begin` becomes the first character of the last document.
fn events(
    text: &str,
    documents: &mut Vec<Document>,
    begin: &mut usize,
    problems: &mut Problems,
) -> Result<(), Box<Problem>> {
    let (mut nodes, mut depth) = (0, 0);
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|e| syntax(text, *e.marker(), e.info()))?;
        let (anchor, has_tag, opens) = match event {
            Event::DocumentStart(_) => {
                *begin = span.start.index();
                documents.push(Document {
                    start: position(span.start),
                    nodes: Vec::new(),
                    is_plain: true,
                });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                depth -= 1;
                continue;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => continue,
            Event::Alias(_) => (Some("an alias (*)"), false, false),
            Event::Scalar(_, _, anchor, tag) => (named(anchor), tag.is_some(), false),
            Event::SequenceStart(anchor, tag) | Event::MappingStart(anchor, tag) => {
                (named(anchor), tag.is_some(), true)
            }
        };
        let number = documents.len();
        let Some(document) = documents.last_mut() else {
            continue;
        };
        let start = position(span.start);
        let is_one_line = span.start.line() == span.end.line();
        document.nodes.push(Span {
            end_column: if is_one_line {
                span.end.col() + 1
            } else {
                start.column
            },
            ..start
        });
        for what in anchor.into_iter().chain(has_tag.then_some("a tag (!)")) {
            document.is_plain = false;
            problems.push(|| Problem {
                document: Some(number),
                span: Some(start),
                found: format!("found {what}"),
                allowed: "values without &, * and !: repeat a value in place of an alias"
                    .to_owned(),
                help: "a text that begins with &, * or ! needs quotes".to_owned(),
                ..Problem::default()
            });
        }
        nodes += 1;
        if nodes > MAX_NODES {
            return Err(too_much(
                start,
                &format!("more than {MAX_NODES} values in the file"),
            ));
        }
        if depth > MAX_DEPTH {
            return Err(too_deep(start));
        }
        depth += usize::from(opens);
    }
    Ok(())
}

fn named(anchor: usize) -> Option<&'static str> {
    (anchor > 0).then_some("an anchor (&)")
}

fn position(marker: Marker) -> Span {
    Span::at(marker.line().max(1), marker.col() + 1)
}

fn too_deep(start: Span) -> Box<Problem> {
    too_much(start, &format!("values nested more than {MAX_DEPTH} deep"))
}

fn too_much(start: Span, what: &str) -> Box<Problem> {
    Box::new(Problem {
        span: Some(start),
        found: format!("found {what}"),
        allowed: "fewer; split the file. Nothing after this place was read".to_owned(),
        ..Problem::default()
    })
}

fn syntax(text: &str, marker: Marker, message: &str) -> Box<Problem> {
    let start = position(marker);
    if message == "recursion limit exceeded" {
        return too_deep(start);
    }
    // The position may be that of the scalar before.
    let lines = lines(text);
    let mut rest = lines.iter().skip(start.line - 1);
    let tab = rest.position(|line| line.trim_start_matches(' ').starts_with('\t'));
    let conflict = lines.iter().position(|line| is_conflict_mark(line));
    let no_space = (start.line.saturating_sub(2)..start.line)
        .find(|at| lines.get(*at).is_some_and(|line| lacks_space(line)));
    let (start, help) = match tab {
        _ if let Some(at) = conflict => (
            Span::at(at + 1, 1),
            "resolve the merge conflict: remove the lines <<<<<<<, ======= and >>>>>>>",
        ),
        _ if let Some(at) = no_space => (Span::at(at + 1, 1), "write a space after the colon"),
        Some(ahead) if ahead == 0 || message.contains("tab") => (
            Span::at(start.line + ahead, 1),
            "indent with spaces: YAML allows no tab there",
        ),
        Some(_) | None => (start, likely_cause(message)),
    };
    Box::new(Problem {
        span: Some(start),
        found: format!("found no valid YAML: {message}"),
        allowed: "valid YAML; nothing after this place was read".to_owned(),
        help: help.to_owned(),
        ..Problem::default()
    })
}

fn is_conflict_mark(line: &str) -> bool {
    ["<<<<<<< ", "=======", ">>>>>>> "]
        .iter()
        .any(|mark| line.starts_with(mark))
}

/// Returns whether a line is a key and a value with no space in between.
fn lacks_space(line: &str) -> bool {
    let line = line.trim_start();
    let Some((key, value)) = line.split_once(':') else {
        return false;
    };
    !key.is_empty()
        && key.bytes().all(|b| b.is_ascii_alphanumeric())
        && value.starts_with(|c: char| !c.is_whitespace())
        && !value.contains(": ")
}

fn likely_cause(message: &str) -> &'static str {
    if message.contains("quoted scalar") {
        "close the quote that is opened there"
    } else if message.contains("mapping values are not allowed") {
        "a text with ': ' in it needs quotes; if there is none, check the indentation"
    } else if message.contains("unexpected character") {
        "quote the text: it begins with a character that YAML reserves"
    } else if message.contains("unknown anchor") {
        "write the value out: aliases (*) are not allowed"
    } else if message.contains("expect") {
        "check the indentation, and that each quote and bracket is closed, here or above"
    } else {
        ""
    }
}
