//! Text to a tree of numbered nodes. The one place that calls `serde_yaml`, which decides what a text
//! means; it knows nothing of manifests.
//!
//! The tree keeps what a typed deserialization would lose: the order of entries, repeated keys and wrong types. Nodes
//! are numbered as they stand in the text, keys included, so that `locate` can tell their places.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::limits::MAX_NODES;
use crate::manifest::place::Position;
use crate::manifest::problem::Draft;

/// A value with its number within its document.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) number: u32,
    pub(crate) value: Value<'a>,
}

#[derive(Debug)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Whole(i64),
    /// Any other number.
    Real(f64),
    Text(Cow<'a, str>),
    /// Its items are counted but not kept: no field is a list.
    List,
    Map(Vec<(Node<'a>, Node<'a>)>),
}

impl Value<'_> {
    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null
            | Self::Bool(_)
            | Self::Whole(_)
            | Self::Real(_)
            | Self::List
            | Self::Map(_) => None,
        }
    }
}

/// Makes the problem of a text that is not YAML. Nothing after it was read.
pub(crate) fn draft(error: &serde_yaml::Error, document: usize, text: &str) -> Draft {
    let draft = Draft {
        document: Some(document),
        ..Draft::default()
    };
    let at = error.location().map_or(0, |location| location.index());
    let unreadable = text.char_indices().find(|(_, c)| !is_readable(*c));
    if let (0, Some((at, c))) = (at, unreadable) {
        // serde_yaml reports no place for these, and reads ahead: even the document may be an earlier one.
        return Draft {
            document: None,
            position: Some(Position::of(text.as_bytes(), at)),
            found: format!(
                "found the character U+{:04X}, which YAML does not allow",
                u32::from(c)
            ),
            allowed:
                "printable characters, tabs and line breaks; nothing after this place was read"
                    .into(),
            ..draft
        };
    }
    let message = error.to_string();
    let begin = text.get(..at).unwrap_or(text).rfind(['\n', '\r']);
    let line = text[begin.map_or(0, |end| end + 1)..].lines().next();
    Draft {
        position: Some(Position::of(text.as_bytes(), at)),
        found: format!("found no valid YAML: {}", without_place(&message)),
        allowed: "valid YAML; nothing after this place was read".into(),
        help: likely(&message, line.unwrap_or("")).to_owned(),
        ..draft
    }
}

/// Returns the likely cause of a text that is not YAML.
pub(super) fn likely(message: &str, line: &str) -> &'static str {
    if line.trim_start_matches(' ').starts_with('\t') {
        "indent with spaces: YAML allows no tab there"
    } else if message.contains("scanning a quoted scalar") {
        "the quote that was opened there is not closed"
    } else if message.contains("mapping values are not allowed") {
        "a text with ': ' in it needs quotes; if there is none, look at the indentation"
    } else if [
        "did not find expected",
        "could not find expected",
        "expected ',' or",
    ]
    .iter()
    .any(|part| message.contains(part))
    {
        "look at the indentation, and for a quote or bracket that is not closed, here or above"
    } else {
        ""
    }
}

/// Removes the first " at line .. column ..": the problem has its own place. A second one says where something began.
fn without_place(message: &str) -> String {
    let Some((before, after)) = message.split_once(" at line ") else {
        return message.to_owned();
    };
    let rest = after.find(',').map_or("", |end| &after[end..]);
    format!("{before}{rest}")
}

/// Returns whether a character may stand in a YAML text (YAML 1.1, section 4.1, as `serde_yaml` has it).
fn is_readable(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..
    )
}

/// Hands every document to `each`, but those that `skip` names: its number from 1, its tree, and how many nodes were seen.
pub(crate) fn read<'a>(
    text: &'a str,
    skip: impl Fn(usize) -> bool,
    mut each: impl FnMut(usize, Result<Node<'a>, serde_yaml::Error>, u32),
) {
    for (number, document) in (1..).zip(serde_yaml::Deserializer::from_str(text)) {
        if skip(number) {
            continue;
        }
        let nodes = Cell::new(0);
        let tree = Seed(&nodes).deserialize(document);
        // After an error the iterator would repeat it for ever.
        let is_end = tree.is_err();
        each(number, tree, nodes.get());
        if is_end {
            return;
        }
    }
}

/// Numbers the nodes of a document.
#[derive(Clone, Copy)]
struct Seed<'n>(&'n Cell<u32>);

impl Seed<'_> {
    /// Returns the next number. `locate` has refused a text of too many nodes, unless it read the text differently.
    fn number<E: serde::de::Error>(self) -> Result<u32, E> {
        let number = self.0.get();
        self.0.set(number + 1);
        if number > MAX_NODES {
            return Err(E::custom("too many values"));
        }
        Ok(number)
    }
}

impl<'a> DeserializeSeed<'a> for Seed<'_> {
    type Value = Node<'a>;

    fn deserialize<D: serde::Deserializer<'a>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        let number = self.number()?;
        let value = deserializer.deserialize_any(Values(self))?;
        Ok(Node { number, value })
    }
}

struct Values<'n>(Seed<'n>);

impl<'a> Visitor<'a> for Values<'_> {
    type Value = Value<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_unit<E>(self) -> Result<Value<'a>, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value<'a>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value<'a>, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value<'a>, E> {
        Ok(Value::Whole(value))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "numbers are only ever shown, as what should not be there"
    )]
    fn visit_u64<E>(self, value: u64) -> Result<Value<'a>, E> {
        Ok(i64::try_from(value).map_or(Value::Real(value as f64), Value::Whole))
    }

    #[expect(clippy::cast_precision_loss, reason = "as above")]
    fn visit_u128<E>(self, value: u128) -> Result<Value<'a>, E> {
        Ok(Value::Real(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "as above")]
    fn visit_i128<E>(self, value: i128) -> Result<Value<'a>, E> {
        Ok(Value::Real(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value<'a>, E> {
        Ok(Value::Real(value))
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Value<'a>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'a>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Value<'a>, A::Error> {
        while items.next_element_seed(self.0)?.is_some() {}
        Ok(Value::List)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut entries: A) -> Result<Value<'a>, A::Error> {
        let mut map = Vec::with_capacity(4);
        while let Some(key) = entries.next_key_seed(self.0)? {
            map.push((key, entries.next_value_seed(self.0)?));
        }
        Ok(Value::Map(map))
    }

    /// Tags arrive here; `locate` refuses them, so this only passes to the value that has one.
    fn visit_enum<A: EnumAccess<'a>>(self, tagged: A) -> Result<Value<'a>, A::Error> {
        let (_, value) = tagged.variant::<serde::de::IgnoredAny>()?;
        value.newtype_variant_seed(Tagged(self.0))
    }
}

/// The value under a tag, which is the same node.
struct Tagged<'n>(Seed<'n>);

impl<'a> DeserializeSeed<'a> for Tagged<'_> {
    type Value = Value<'a>;

    fn deserialize<D: serde::Deserializer<'a>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(Values(self.0))
    }
}
