//! What decoding any map needs: its known fields, and problems with their values.

use std::fmt::{self, Display};

use super::help;
use super::problem::{MAX_SHOWN, Problem, Report};
use super::span::{Source, Span};
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
            Value::List(_) => f.write_str("a list"),
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
pub(super) struct Decoder<'r, 's> {
    pub(super) document: usize,
    pub(super) report: &'r mut Report,
    pub(super) source: &'r Source<'s>,
}

impl Decoder<'_, '_> {
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
        let mut unknown = Vec::new();
        for (key, value) in entries {
            let Some(name) = key.text() else {
                let (map, field) = map.rsplit_once('.').unwrap_or(("", map));
                self.problem(
                    key.span,
                    Path { map, key: field },
                    format_args!("found {} in place of the name of a field", key.value),
                    format_args!("the fields {}", known.join(", ")),
                );
                continue;
            };
            let path = Path { map, key: name };
            match fields.iter_mut().find(|field| field.path.key == name) {
                None => unknown.push((key, name, value)),
                Some(field) if field.value.is_some() => self.repeated(key, path),
                Some(field) => {
                    field.key = key.span;
                    field.value = Some(value);
                }
            }
        }
        for (key, name, value) in unknown {
            self.unknown(key, Path { map, key: name }, value, &mut fields);
        }
        fields
    }

    /// Reports an unknown field. If a missing field was meant, that field gets the value, so that it is not reported as
    /// missing and its own problems are reported too.
    fn unknown<'n, 'a>(
        &mut self,
        key: &Node<'_>,
        path: Path<'_>,
        value: &'n Node<'a>,
        fields: &mut [Field<'n, 'a>],
    ) {
        let known: Vec<&str> = fields.iter().map(|field| field.path.key).collect();
        let (present, missing): (Vec<&str>, Vec<&str>) = {
            let has = |name: &&str| {
                let mut fields = fields.iter();
                fields.any(|field| field.path.key == *name && field.value.is_some())
            };
            known.iter().copied().partition(has)
        };
        let hint = help::unknown_field(path.map, path.key, &present, &missing);
        let allowed = known.join(", ");
        self.problem_and_help(key.span, path, "unknown field", allowed, || {
            hint.to_string()
        });
        if let help::UnknownField::Typo(meant) = hint
            && let Some(field) = fields.iter_mut().find(|field| field.path.key == meant)
        {
            field.key = key.span;
            field.value = Some(value);
        }
    }

    pub(super) fn repeated(&mut self, key: &Node<'_>, path: Path<'_>) {
        let help = || match path.map {
            "" => "if another manifest begins here, write --- on a line before it".to_owned(),
            _ => String::new(),
        };
        let (found, allowed) = ("found the field a second time", "each field once");
        self.problem_and_help(key.span, path, found, allowed, help);
    }

    /// Reports a missing field or a value of a wrong type.
    pub(super) fn wrong(&mut self, field: Field<'_, '_>, allowed: impl Display) {
        self.wrong_and_help(field, allowed, |_| String::new(), String::new);
    }

    /// Reports the same, with what may have been meant by a scalar as it is written, and how to add a missing field.
    pub(super) fn wrong_and_help(
        &mut self,
        field: Field<'_, '_>,
        allowed: impl Display,
        meant: impl FnOnce(&str) -> String,
        add: impl FnOnce() -> String,
    ) {
        let Some(node) = field.value else {
            return self.problem_and_help(field.key, field.path, "missing", allowed, add);
        };
        let span = match node.value {
            Value::Null => field.key,
            Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => {
                node.span
            }
        };
        let source = self.source;
        let help = || match &node.value {
            Value::Text(text) => meant(text),
            Value::Bool(_) | Value::Number(_) | Value::Null => meant(source.of(node.span)),
            Value::List(_) | Value::Map(_) => help::template(source.from(node.span)),
        };
        let found = format_args!("found {}", node.value);
        self.problem_and_help(span, field.path, found, allowed, help);
    }

    /// Returns the key and the entries of a required map with these fields.
    pub(super) fn map<'n, 'a>(
        &mut self,
        field: Field<'n, 'a>,
        known: &[&str],
        separator: &str,
    ) -> Option<(Span, &'n Entries<'a>)> {
        if let Some(Node {
            value: Value::Map(entries),
            ..
        }) = field.value
        {
            return Some((field.key, entries));
        }
        let fields = known.join(separator);
        let allowed = format_args!("a map with {fields}");
        self.wrong_and_help(field, allowed, help::map, String::new);
        None
    }

    /// Returns a required text and its span.
    pub(super) fn text<T: Limited>(&mut self, field: Field<'_, '_>) -> Option<(T, Span)> {
        self.text_and_help(field, help::text::<T>)
    }

    /// Returns the same, with what may have been meant by an invalid text.
    pub(super) fn text_and_help<T: Limited>(
        &mut self,
        field: Field<'_, '_>,
        meant: impl FnOnce(&str) -> String,
    ) -> Option<(T, Span)> {
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
                    || meant(text),
                ),
            },
            Some(_) | None => self.wrong_and_help(field, allowed, help::quotes::<T>, String::new),
        }
        None
    }
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
