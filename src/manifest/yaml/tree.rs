//! Documents to trees. The only user of `serde_yaml`.
//!
//! A tree keeps what a typed deserialization would lose: the order of entries, repeated keys and wrong types.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::walk::{Document, Walked};
use crate::manifest::problem::{Problem, Problems};
use crate::manifest::span::Span;

#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) span: Span,
    pub(crate) value: Value<'a>,
}

#[derive(Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    /// As it is shown: no field is a number.
    Number(String),
    Text(Cow<'a, str>),
    /// No field is a list, but a list can hold manifests by mistake.
    List(Vec<Node<'a>>),
    Map(Vec<(Node<'a>, Node<'a>)>),
}

impl Node<'_> {
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::List(_) | Value::Map(_) => {
                None
            }
        }
    }
}

/// The documents of a file.
#[derive(Debug, Default)]
pub(crate) struct Read<'a> {
    /// The trees of the readable documents, each with the document's number from 1.
    pub(crate) documents: Vec<(usize, Node<'a>)>,
    /// Whether the text was read to its end.
    pub(crate) is_whole: bool,
}

const DIFFERS: &str = "two YAML parsers read this document differently";

/// Reads the walked documents except those with anchors, aliases or tags, whose values could multiply.
pub(super) fn read<'a>(text: &'a str, walked: &Walked, problems: &mut Problems) -> Read<'a> {
    let mut documents = Vec::with_capacity(walked.documents.len());
    let mut deserializers = serde_yaml::Deserializer::from_str(text);
    let mut each = || {
        for (number, document) in (1..).zip(&walked.documents) {
            let fail = |e: serde_yaml::Error| (number, document, e);
            let next = deserializers.next();
            let deserializer = next.ok_or_else(|| fail(Error::custom(DIFFERS)))?;
            if document.is_plain {
                documents.push((number, tree(deserializer, document).map_err(fail)?));
            }
            if number == walked.documents.len() && deserializers.next().is_some() {
                return Err(fail(Error::custom(DIFFERS)));
            }
        }
        Ok(())
    };
    // Ends at the first error, which the iterator would repeat endlessly.
    let failed = each().err();
    let is_whole = walked.is_whole && failed.is_none();
    if let Some((number, document, e)) = failed {
        problems.push(|| Problem {
            document: Some(number),
            span: Some(document.start),
            found: format!("found no valid YAML: {e}"),
            allowed: "valid YAML; nothing after this place was read".to_owned(),
            ..Problem::default()
        });
    }
    Read {
        documents,
        is_whole,
    }
}

fn tree<'a>(
    deserializer: serde_yaml::Deserializer<'a>,
    document: &Document,
) -> Result<Node<'a>, serde_yaml::Error> {
    let spans = Cell::new(document.nodes.as_slice());
    let root = Tree(&spans).deserialize(deserializer)?;
    match spans.get() {
        [] => Ok(root),
        [..] => Err(Error::custom(DIFFERS)),
    }
}

/// Builds a node, which takes the first of the spans that are left.
#[derive(Clone, Copy)]
struct Tree<'c, 's>(&'c Cell<&'s [Span]>);

impl<'a> DeserializeSeed<'a> for Tree<'_, '_> {
    type Value = Node<'a>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Node<'a>, D::Error> {
        let (span, left) = self
            .0
            .get()
            .split_first()
            .ok_or_else(|| Error::custom(DIFFERS))?;
        self.0.set(left);
        let value = deserializer.deserialize_any(self)?;
        Ok(Node { span: *span, value })
    }
}

impl<'a> Visitor<'a> for Tree<'_, '_> {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value<'a>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'a>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'a>, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value<'a>, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Value<'a>, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Value<'a>, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'a>, E> {
        Ok(Value::Number(value.to_string()))
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Value<'a>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'a>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Value<'a>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(self)? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'a>>(self, mut entries: A) -> Result<Value<'a>, A::Error> {
        let mut map = Vec::with_capacity(4);
        while let Some(entry) = entries.next_entry_seed(self, self)? {
            map.push(entry);
        }
        Ok(Value::Map(map))
    }
}
