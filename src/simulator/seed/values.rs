//! Values of a seed, each with its range; a wrong one is refused at its place, with what is allowed.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use jiff::SignedDuration;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::value::{Description, ImageId, ImageName, TagKey, TagValue, Tags};

/// A whole number from `LEAST` to `MOST`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<const LEAST: u32, const MOST: u32>(pub(super) u32);

impl<'de, const LEAST: u32, const MOST: u32> Deserialize<'de> for Whole<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeVisitor::<LEAST, MOST>)
    }
}

struct WholeVisitor<const LEAST: u32, const MOST: u32>;

impl<const LEAST: u32, const MOST: u32> Visitor<'_> for WholeVisitor<LEAST, MOST> {
    type Value = Whole<LEAST, MOST>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {LEAST} to {MOST}")
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
        self.visit_i128(number.into())
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        self.visit_i128(number.into())
    }

    // As wide as YAML's numbers, so that one that is far too large is told from the allowed ones all the same.
    fn visit_i128<E: serde::de::Error>(self, number: i128) -> Result<Self::Value, E> {
        match u32::try_from(number) {
            Ok(number) if (LEAST..=MOST).contains(&number) => Ok(Whole(number)),
            Ok(_) | Err(_) => Err(E::custom(format!("{number}; allowed: {LEAST} to {MOST}"))),
        }
    }

    fn visit_u128<E: serde::de::Error>(self, number: u128) -> Result<Self::Value, E> {
        self.visit_i128(i128::try_from(number).unwrap_or(i128::MAX))
    }
}

/// What is written as one text. The check happens while the reader stands at the text, so that its error gets the text's
/// place and not that of the mapping around it.
pub(super) trait FromText: Sized {
    fn from_text(text: &str) -> Result<Self, String>;
}

/// A value that is written as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Written<T>(pub(super) T);

impl<'de, T: FromText> Deserialize<'de> for Written<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(WrittenVisitor(PhantomData))
    }
}

struct WrittenVisitor<T>(PhantomData<T>);

impl<T: FromText> Visitor<'_> for WrittenVisitor<T> {
    type Value = Written<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::from_text(text).map(Written).map_err(E::custom)
    }
}

macro_rules! from_text_by_parse {
    ($($value:ty),*) => {
        $(impl FromText for $value {
            fn from_text(text: &str) -> Result<Self, String> {
                Self::parse(text).map_err(|error| error.to_string())
            }
        })*
    };
}

from_text_by_parse!(ImageName, ImageId, Description, TagKey, TagValue);

/// A duration from nothing to a year.
impl FromText for SignedDuration {
    fn from_text(text: &str) -> Result<Self, String> {
        const ALLOWED: &str = "0s to 8760h, such as 30s, 15m or 1h30m";
        match text.parse::<SignedDuration>() {
            Ok(wait) if (Self::ZERO..=Self::from_hours(8760)).contains(&wait) => Ok(wait),
            Ok(_) | Err(_) => Err(format!("{text:?}; allowed: {ALLOWED}")),
        }
    }
}

/// A text of 1 to `MOST` printable characters.
#[derive(Debug, Clone)]
pub(super) struct Printable<const MOST: usize>(pub(super) String);

impl<const MOST: usize> FromText for Printable<MOST> {
    fn from_text(text: &str) -> Result<Self, String> {
        if (1..=MOST).contains(&text.chars().count()) && !text.contains(char::is_control) {
            return Ok(Self(text.into()));
        }
        Err(format!(
            "{text:?}; allowed: 1 to {MOST} printable characters"
        ))
    }
}

/// An account id: 12 digits.
#[derive(Debug, Clone)]
pub(super) struct AccountId(pub(super) String);

impl FromText for AccountId {
    fn from_text(text: &str) -> Result<Self, String> {
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self(text.into()));
        }
        Err(format!("{text:?}; allowed: 12 digits, in quotes"))
    }
}

/// What is read in one form and then checked and kept in another. The check happens while the reader stands at the value,
/// so that its error gets the value's place.
pub(super) trait Checked: Sized {
    type Raw: DeserializeOwned;
    fn check(raw: Self::Raw) -> Result<Self, String>;
}

struct CheckedVisitor<T>(PhantomData<T>);

impl<'de, T: Checked> Visitor<'de> for CheckedVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping or a list, as docs/simulator.md says")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        let raw = T::Raw::deserialize(MapAccessDeserializer::new(map))?;
        T::check(raw).map_err(A::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        let raw = T::Raw::deserialize(SeqAccessDeserializer::new(seq))?;
        T::check(raw).map_err(A::Error::custom)
    }
}

pub(super) fn checked<'de, T: Checked, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    deserializer.deserialize_any(CheckedVisitor(PhantomData))
}

/// Tags, each key once and all within the service's limits.
#[derive(Debug, Default)]
pub(super) struct SeedTags(pub(super) BTreeMap<String, String>);

impl<'de> Deserialize<'de> for SeedTags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TagVisitor;

        impl<'de> Visitor<'de> for TagVisitor {
            type Value = SeedTags;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of keys to values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SeedTags, A::Error> {
                let mut tags = BTreeMap::new();
                while let Some((Written(key), Written(value))) =
                    map.next_entry::<Written<TagKey>, Written<TagValue>>()?
                {
                    if tags.insert(key.to_string(), value.to_string()).is_some() {
                        return Err(A::Error::custom(format!("the tag {key} is given twice")));
                    }
                }
                if tags.len() > Tags::MAX {
                    return Err(A::Error::custom(format!(
                        "{} tags; allowed: at most {}",
                        tags.len(),
                        Tags::MAX
                    )));
                }
                Ok(SeedTags(tags))
            }
        }

        deserializer.deserialize_map(TagVisitor)
    }
}

/// Code and message of an image's `ErrorDetails`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Detail {
    pub(super) code: Written<Printable<256>>,
    pub(super) message: Written<Printable<1024>>,
}

/// Code and message of a build that fails where the seed gives none. The texts are assumed.
pub(super) const DEFAULT_BUILD_ERROR: (&str, &str) =
    ("UnknownError", "The image could not be built");

pub(super) fn text_or<const MOST: usize>(
    text: Option<Written<Printable<MOST>>>,
    default: &str,
) -> String {
    text.map_or_else(|| default.to_owned(), |text| text.0.0)
}
