//! Text to a tree of numbered nodes, within limits. The one place that calls `serde_yaml`, which decides what a text
//! means; it knows nothing of manifests.
//!
//! The tree keeps what a typed deserialization would lose: the order of entries, repeated keys and wrong types. Nodes
//! are numbered as they stand in the text, keys included, so that `locate` can tell their places.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{
    DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::limits::{MAX_DEPTH, MAX_NODES};
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

/// Why a document has no tree.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// No YAML. Nothing after it was read.
    Syntax(serde_yaml::Error),
    /// Beyond a limit at the node with this number.
    Limit(u32, &'static str),
}

impl Trouble {
    pub(crate) fn into_draft(self, document: usize, text: &str) -> Draft {
        let draft = Draft {
            document: Some(document),
            ..Draft::default()
        };
        match self {
            Self::Limit(node, found) => Draft {
                node,
                found: found.to_owned(),
                allowed: format!(
                    "at most {MAX_NODES} values a file, nested at most {MAX_DEPTH} deep"
                ),
                ..draft
            },
            Self::Syntax(e) => {
                let at = e.location().map_or(0, |location| location.index());
                let unreadable = text.char_indices().find(|(_, c)| !is_readable(*c));
                if let (0, Some((at, c))) = (at, unreadable) {
                    // serde_yaml tells no place for these, and reads ahead: even the document may be an earlier one.
                    return Draft {
                        document: None,
                        position: Some(Position::of(text.as_bytes(), at)),
                        found: format!(
                            "found the character U+{:04X}, which YAML does not allow",
                            u32::from(c)
                        ),
                        allowed: "printable characters, tabs and line breaks; nothing after this place was read".into(),
                        ..draft
                    };
                }
                let message = e.to_string();
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
        }
    }
}

/// What is likely behind a text that is no YAML.
fn likely(message: &str, line: &str) -> &'static str {
    if line.trim_start_matches(' ').starts_with('\t') {
        "indent with spaces: YAML allows no tab there"
    } else if message.contains("scanning a quoted scalar") {
        "the quote that was opened there is not closed"
    } else if message.contains("mapping values are not allowed") {
        "a text with ': ' in it needs quotes; if there is none, look at the indentation"
    } else if message.contains("did not find expected")
        || message.contains("could not find expected")
    {
        "look at the indentation, and for a quote or bracket that is not closed, here or above"
    } else {
        ""
    }
}

/// Cuts the first " at line .. column .." off: the problem tells its own place. A second one says where something began.
fn without_place(message: &str) -> String {
    let Some((before, after)) = message.split_once(" at line ") else {
        return message.to_owned();
    };
    let rest = after.find(',').map_or("", |end| &after[end..]);
    format!("{before}{rest}")
}

/// Tells whether a character may stand in a YAML text at all (YAML 1.1, section 4.1, as `serde_yaml` has it).
fn is_readable(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{a0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..
    )
}

/// Hands every document to `each`: its number from 1, its tree, and how many nodes were seen.
pub(crate) fn read<'a>(text: &'a str, mut each: impl FnMut(usize, Result<Node<'a>, Trouble>, u32)) {
    let budget = Budget {
        nodes: Cell::new(MAX_NODES),
        bytes: Cell::new(2 * text.len()),
        number: Cell::new(0),
        exceeded: Cell::new(None),
    };
    for (index, document) in serde_yaml::Deserializer::from_str(text).enumerate() {
        budget.number.set(0);
        let seed = Seed {
            budget: &budget,
            depth: 0,
        };
        let tree = seed.deserialize(document);
        let count = budget.number.get();
        match (tree, budget.exceeded.take()) {
            (Ok(root), _) => each(index + 1, Ok(root), count),
            (Err(_), Some((node, found))) => {
                each(index + 1, Err(Trouble::Limit(node, found)), count);
                if budget.nodes.get() == 0 || budget.bytes.get() == 0 {
                    return;
                }
            }
            (Err(e), None) => {
                // The iterator would repeat the error for ever.
                return each(index + 1, Err(Trouble::Syntax(e)), count);
            }
        }
    }
}

/// What may still be used of the limits, and the next node's number.
///
/// `locate` has looked at every text that could come near the limits; these hold where the two parsers disagree.
struct Budget {
    nodes: Cell<u32>,
    /// Escapes make at most 3 bytes from 2, so only repeated aliases need more than twice the text.
    bytes: Cell<usize>,
    number: Cell<u32>,
    exceeded: Cell<Option<(u32, &'static str)>>,
}

impl Budget {
    fn node(&self, depth: usize) -> Result<u32, serde_yaml::Error> {
        let number = self.number.get();
        self.number.set(number + 1);
        let left = self.nodes.get();
        if left == 0 {
            return Err(self.exceed(number, "found too many values"));
        }
        self.nodes.set(left - 1);
        if depth > MAX_DEPTH {
            return Err(self.exceed(number, "found values nested too deep"));
        }
        Ok(number)
    }

    fn bytes<E: serde::de::Error>(&self, text: &str) -> Result<(), E> {
        if let Some(left) = self.bytes.get().checked_sub(text.len()) {
            self.bytes.set(left);
            return Ok(());
        }
        self.bytes.set(0);
        let number = self.number.get().saturating_sub(1);
        self.exceeded
            .set(Some((number, "found text repeated too often by aliases")));
        Err(E::custom("too much text"))
    }

    fn exceed(&self, number: u32, what: &'static str) -> serde_yaml::Error {
        self.exceeded.set(Some((number, what)));
        serde_yaml::Error::custom(what)
    }
}

#[derive(Clone, Copy)]
struct Seed<'b> {
    budget: &'b Budget,
    depth: usize,
}

impl<'b> Seed<'b> {
    fn number<E: serde::de::Error>(self) -> Result<u32, E> {
        self.budget.node(self.depth).map_err(E::custom)
    }

    fn below(self) -> Seed<'b> {
        Seed {
            depth: self.depth + 1,
            ..self
        }
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

struct Values<'b>(Seed<'b>);

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

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'a str) -> Result<Value<'a>, E> {
        self.0.budget.bytes(text)?;
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value<'a>, E> {
        self.0.budget.bytes(text)?;
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut items: A) -> Result<Value<'a>, A::Error> {
        while items.next_element_seed(self.0.below())?.is_some() {}
        Ok(Value::List)
    }

    fn visit_map<A: MapAccess<'a>>(self, mut entries: A) -> Result<Value<'a>, A::Error> {
        let mut map = Vec::with_capacity(4);
        while let Some(key) = entries.next_key_seed(self.0.below())? {
            map.push((key, entries.next_value_seed(self.0.below())?));
        }
        Ok(Value::Map(map))
    }

    /// Tags arrive here; `locate` refuses them, so this only passes to the value that bears one.
    fn visit_enum<A: EnumAccess<'a>>(self, tagged: A) -> Result<Value<'a>, A::Error> {
        let (_, value) = tagged.variant::<serde::de::IgnoredAny>()?;
        value.newtype_variant_seed(Tagged(self.0))
    }
}

/// The value under a tag, which is the same node.
struct Tagged<'b>(Seed<'b>);

impl<'a> DeserializeSeed<'a> for Tagged<'_> {
    type Value = Value<'a>;

    fn deserialize<D: serde::Deserializer<'a>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(Values(self.0))
    }
}
