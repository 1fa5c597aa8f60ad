//! What decoding any map needs: its known fields, their types and limits, and words for what is wrong with them.

use std::fmt;

use super::help;
use super::problem::{Draft, MAX_SHOWN, Report};
use super::yaml::{Node, Value};
use crate::model::limits::InvalidValue;
use crate::model::value::{Description, ImageId, ImageName, ManifestName, TagKey, TagValue};
use crate::sys::escape::escaped;

/// A field's path, written out only when it is told.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    key: &'a str,
}

impl<'a> Path<'a> {
    pub(super) const ROOT: Path<'static> = Path {
        parent: None,
        key: "",
    };

    pub(super) fn field(&'a self, key: &'a str) -> Path<'a> {
        Path {
            parent: Some(self),
            key,
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(parent) = self.parent else {
            return Ok(());
        };
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let is_short = self.key.len() <= MAX_SHOWN && !self.key.is_empty();
        parent.fmt(f)?;
        if !is_short || !self.key.chars().all(is_plain) {
            return write!(f, "[\"{}\"]", escaped(self.key, MAX_SHOWN));
        }
        if parent.parent.is_some() {
            f.write_str(".")?;
        }
        f.write_str(self.key)
    }
}

/// A value as a problem names it.
pub(super) struct Shown<'a, 'b>(pub(crate) &'a Value<'b>);

impl fmt::Display for Shown<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("nothing (null)"),
            Value::Bool(value) => write!(f, "the boolean {value}"),
            Value::Whole(value) => write!(f, "the number {value}"),
            Value::Real(value) => write!(f, "the number {value}"),
            Value::Text(text) => write!(f, "\"{}\"", escaped(text, MAX_SHOWN)),
            Value::List => f.write_str("a list"),
            Value::Map(_) => f.write_str("a map"),
        }
    }
}

/// A field that is there: its key's node number and its value.
#[derive(Clone, Copy)]
pub(super) struct Field<'n, 'a> {
    pub(crate) key: u32,
    pub(crate) value: &'n Node<'a>,
}

fn draft(
    document: usize,
    node: u32,
    path: &Path<'_>,
    found: fmt::Arguments<'_>,
    allowed: fmt::Arguments<'_>,
) -> Draft {
    Draft {
        document: Some(document),
        node,
        path: path.to_string(),
        found: found.to_string(),
        allowed: allowed.to_string(),
        ..Draft::default()
    }
}

/// Decodes one document, telling problems by node number.
pub(super) struct Decoder<'r> {
    pub(crate) document: usize,
    pub(crate) report: &'r mut Report,
}

impl Decoder<'_> {
    pub(super) fn problem(
        &mut self,
        node: u32,
        path: &Path<'_>,
        found: fmt::Arguments<'_>,
        allowed: fmt::Arguments<'_>,
    ) {
        self.problem_and_help(node, path, found, allowed, String::new);
    }

    /// Reports a problem with what somebody may have meant, which is thought of only if anybody will read it.
    pub(super) fn problem_and_help(
        &mut self,
        node: u32,
        path: &Path<'_>,
        found: fmt::Arguments<'_>,
        allowed: fmt::Arguments<'_>,
        help: impl FnOnce() -> String,
    ) {
        let document = self.document;
        self.report.problems.push(|| Draft {
            help: help(),
            ..draft(document, node, path, found, allowed)
        });
    }

    pub(super) fn warning(
        &mut self,
        node: u32,
        path: &Path<'_>,
        found: fmt::Arguments<'_>,
        allowed: fmt::Arguments<'_>,
    ) {
        let document = self.document;
        let draft = || draft(document, node, path, found, allowed);
        self.report.warnings.push(draft);
    }

    /// Picks the known fields, reporting the others and repeated ones.
    pub(super) fn fields<'n, 'a, const N: usize>(
        &mut self,
        entries: &'n [(Node<'a>, Node<'a>)],
        path: &Path<'_>,
        known: [&'static str; N],
    ) -> [Option<Field<'n, 'a>>; N] {
        let mut fields = [None; N];
        for (key, value) in entries {
            let Value::Text(name) = &key.value else {
                self.problem(
                    key.number,
                    path,
                    format_args!("found {} as a field's name", Shown(&key.value)),
                    format_args!("{}", known.join(", ")),
                );
                continue;
            };
            match known.iter().position(|known| known == name) {
                None => self.problem_and_help(
                    key.number,
                    &path.field(name),
                    format_args!("unknown field"),
                    format_args!("{}", OneOf(&known)),
                    || help::unknown_field(name, &known),
                ),
                Some(at) if fields[at].is_some() => self.problem(
                    key.number,
                    &path.field(name),
                    format_args!("found the field a second time"),
                    format_args!("each field once"),
                ),
                Some(at) => {
                    fields[at] = Some(Field {
                        key: key.number,
                        value,
                    });
                }
            }
        }
        fields
    }

    fn missing(&mut self, parent: u32, path: &Path<'_>, allowed: &str) {
        self.problem(
            parent,
            path,
            format_args!("missing"),
            format_args!("{allowed}"),
        );
    }

    /// Reports a value of a wrong type; a null stands where its key does.
    pub(super) fn wrong(
        &mut self,
        field: Field<'_, '_>,
        path: &Path<'_>,
        allowed: fmt::Arguments<'_>,
    ) {
        self.wrong_and_help(field, path, allowed, |_| String::new());
    }

    /// The same, with what may have been meant by a text.
    pub(super) fn wrong_and_help(
        &mut self,
        field: Field<'_, '_>,
        path: &Path<'_>,
        allowed: fmt::Arguments<'_>,
        help: impl FnOnce(&str) -> String,
    ) {
        let node = if matches!(field.value.value, Value::Null) {
            field.key
        } else {
            field.value.number
        };
        self.problem_and_help(
            node,
            path,
            format_args!("found {}", Shown(&field.value.value)),
            allowed,
            || field.value.value.text().map_or_else(String::new, help),
        );
    }

    /// Takes a required map: its key's node and its entries.
    pub(super) fn map<'n, 'a>(
        &mut self,
        parent: u32,
        field: Option<Field<'n, 'a>>,
        path: &Path<'_>,
    ) -> Option<(u32, &'n [(Node<'a>, Node<'a>)])> {
        let Some(field) = field else {
            self.missing(parent, path, "a map");
            return None;
        };
        if let Value::Map(entries) = &field.value.value {
            return Some((field.key, entries));
        }
        self.wrong(field, path, format_args!("a map"));
        None
    }

    /// Takes a required text and its node.
    pub(super) fn text<T: Limited>(
        &mut self,
        parent: u32,
        field: Option<Field<'_, '_>>,
        path: &Path<'_>,
        parse: impl Fn(String) -> Result<T, InvalidValue>,
    ) -> Option<(T, u32)> {
        let Some(field) = field else {
            self.missing(parent, path, T::ALLOWED);
            return None;
        };
        let node = field.value.number;
        let value = self.text_value(field, path, parse)?;
        Some((value, node))
    }

    pub(super) fn text_value<T: Limited>(
        &mut self,
        field: Field<'_, '_>,
        path: &Path<'_>,
        parse: impl Fn(String) -> Result<T, InvalidValue>,
    ) -> Option<T> {
        match &field.value.value {
            Value::Text(text) => match parse(text.clone().into_owned()) {
                Ok(value) => return Some(value),
                Err(e) => self.problem_and_help(
                    field.value.number,
                    path,
                    format_args!("found {}: {}", Shown(&field.value.value), e.problem),
                    format_args!("{}", e.allowed),
                    || help::text(text, |other| parse(other.to_owned()).is_ok()),
                ),
            },
            Value::Bool(_) | Value::Whole(_) | Value::Real(_) => self.wrong(
                field,
                path,
                format_args!(
                    "{}, in quotes if it looks like a number or boolean",
                    T::ALLOWED
                ),
            ),
            Value::Null | Value::List | Value::Map(_) => {
                self.wrong(field, path, format_args!("{}", T::ALLOWED));
            }
        }
        None
    }
}

/// The names that a list allows.
struct OneOf<'a>(&'a [&'static str]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, name) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { ", " };
            write!(f, "{separator}{name}")?;
        }
        Ok(())
    }
}

/// A text value that says what it must be.
pub(super) trait Limited {
    const ALLOWED: &'static str;
}

macro_rules! limited {
    ($($name:ident),*) => {
        $(impl Limited for $name {
            const ALLOWED: &'static str = $name::ALLOWED;
        })*
    };
}

limited!(
    ManifestName,
    ImageName,
    ImageId,
    Description,
    TagKey,
    TagValue
);
