//! What decoding any map needs: its known fields, and problems with their values.

use std::fmt::{self, Display};

use super::help;
use super::problem::{MAX_SHOWN, Problem, Report};
use super::span::Span;
use super::yaml::{Node, Value};
use crate::model::limits::Limited;
use crate::sys::escape::escaped;

/// The entries of a map.
pub(super) type Entries<'a> = [(Node<'a>, Node<'a>)];

/// The path of a field, written out only in a problem.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    /// The path of the map that the field is in.
    pub(super) map: &'static str,
    pub(super) key: &'a str,
}

impl Path<'_> {
    pub(super) const ROOT: Path<'static> = Path { map: "", key: "" };
}

impl Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Path { map, key } = self;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        match (*map, *key) {
            ("", "") => Ok(()),
            (map, key) if key.is_empty() || key.len() > MAX_SHOWN || !key.chars().all(is_plain) => {
                write!(f, "{map}[\"{}\"]", escaped(key, MAX_SHOWN))
            }
            ("", key) => f.write_str(key),
            (map, key) => write!(f, "{map}.{key}"),
        }
    }
}

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("nothing (null)"),
            Value::Bool(value) => write!(f, "the boolean {value}"),
            Value::Number(value) => write!(f, "the number {value}"),
            Value::Text(text) => write!(f, "\"{}\"", escaped(text, MAX_SHOWN)),
            Value::List => f.write_str("a list"),
            Value::Map(_) => f.write_str("a map"),
        }
    }
}

/// A known field of a map.
#[derive(Clone, Copy)]
pub(super) struct Field<'n, 'a> {
    pub(super) path: Path<'n>,
    /// Its key; the key of the map where the field is missing.
    pub(super) key: Span,
    pub(super) value: Option<&'n Node<'a>>,
}

impl<'n> Field<'n, '_> {
    pub(super) fn text(&self) -> Option<&'n str> {
        self.value.and_then(Node::text)
    }
}

/// Decodes one document and reports its problems.
pub(super) struct Decoder<'r> {
    pub(super) document: usize,
    pub(super) report: &'r mut Report,
}

impl Decoder<'_> {
    pub(super) fn problem(
        &mut self,
        span: Span,
        path: Path<'_>,
        found: impl Display,
        allowed: impl Display,
    ) {
        self.problem_and_help(span, path, found, allowed, String::new);
    }

    /// Reports a problem with what may have been meant, which is determined only if the problem is kept.
    pub(super) fn problem_and_help(
        &mut self,
        span: Span,
        path: Path<'_>,
        found: impl Display,
        allowed: impl Display,
        help: impl FnOnce() -> String,
    ) {
        let document = self.document;
        self.report.problems.push(|| Problem {
            help: help(),
            ..problem(document, span, path, found, allowed)
        });
    }

    pub(super) fn warning(&mut self, span: Span, path: Path<'_>, found: &str, allowed: &str) {
        let document = self.document;
        let warning = || problem(document, span, path, found, allowed);
        self.report.warnings.push(warning);
    }

    /// Returns the known fields of a map, and reports the others and repeated ones.
    pub(super) fn fields<'n, 'a, const N: usize>(
        &mut self,
        (key, entries): (Span, &'n Entries<'a>),
        map: &'static str,
        known: [&'static str; N],
    ) -> [Field<'n, 'a>; N] {
        let mut fields = known.map(|name| Field {
            path: Path { map, key: name },
            key,
            value: None,
        });
        for (key, value) in entries {
            let Some(name) = key.text() else {
                let (map, field) = map.rsplit_once('.').unwrap_or(("", map));
                self.problem(
                    key.span,
                    Path { map, key: field },
                    format_args!("found {} as the name of a field", key.value),
                    known.join(", "),
                );
                continue;
            };
            let path = Path { map, key: name };
            match fields.iter_mut().find(|field| field.path.key == name) {
                None => {
                    let help = || help::unknown_field(name, &known);
                    let allowed = known.join(", ");
                    self.problem_and_help(key.span, path, "unknown field", allowed, help);
                }
                Some(field) if field.value.is_some() => self.repeated(key, path),
                Some(field) => {
                    field.key = key.span;
                    field.value = Some(value);
                }
            }
        }
        fields
    }

    pub(super) fn repeated(&mut self, key: &Node<'_>, path: Path<'_>) {
        self.problem(
            key.span,
            path,
            "found the field a second time",
            "each field once",
        );
    }

    /// Reports a missing field or a value of a wrong type.
    pub(super) fn wrong(&mut self, field: Field<'_, '_>, allowed: impl Display) {
        self.wrong_and_help(field, allowed, |_| String::new());
    }

    /// Reports the same, with what may have been meant by a text.
    pub(super) fn wrong_and_help(
        &mut self,
        field: Field<'_, '_>,
        allowed: impl Display,
        help: impl FnOnce(&str) -> String,
    ) {
        let Some(node) = field.value else {
            return self.problem(field.key, field.path, "missing", allowed);
        };
        let span = match node.value {
            Value::Null => field.key,
            Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List | Value::Map(_) => {
                node.span
            }
        };
        self.problem_and_help(
            span,
            field.path,
            format_args!("found {}", node.value),
            allowed,
            || node.text().map_or_else(String::new, help),
        );
    }

    /// Returns the key and the entries of a required map.
    pub(super) fn map<'n, 'a>(&mut self, field: Field<'n, 'a>) -> Option<(Span, &'n Entries<'a>)> {
        if let Some(Node {
            value: Value::Map(entries),
            ..
        }) = field.value
        {
            return Some((field.key, entries));
        }
        self.wrong(field, "a map");
        None
    }

    /// Returns a required text and its span.
    pub(super) fn text<T: Limited>(&mut self, field: Field<'_, '_>) -> Option<(T, Span)> {
        let allowed = T::LIMITS.allowed;
        match field.value {
            Some(
                node @ Node {
                    span,
                    value: Value::Text(text),
                },
            ) => match T::limited(text.to_string()) {
                Ok(value) => return Some((value, *span)),
                Err(e) => self.problem_and_help(
                    *span,
                    field.path,
                    format_args!("found {}: {}", node.value, e.problem),
                    allowed,
                    || help::text::<T>(text),
                ),
            },
            Some(Node {
                value: Value::Bool(_) | Value::Number(_),
                ..
            }) => self.wrong(field, quoted(allowed)),
            Some(Node {
                value: Value::Null | Value::List | Value::Map(_),
                ..
            })
            | None => self.wrong(field, allowed),
        }
        None
    }
}

/// Adds to what is allowed how a number or boolean becomes a text.
pub(super) fn quoted(allowed: &str) -> String {
    format!("{allowed}, in quotes if it looks like a number or boolean")
}

fn problem(
    document: usize,
    span: Span,
    path: Path<'_>,
    found: impl Display,
    allowed: impl Display,
) -> Problem {
    Problem {
        document: Some(document),
        span: Some(span),
        path: path.to_string(),
        found: found.to_string(),
        allowed: allowed.to_string(),
        ..Problem::default()
    }
}
