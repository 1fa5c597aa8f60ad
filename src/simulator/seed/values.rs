//! Values of a seed, each with its range; a wrong one is refused at its place, with what is allowed.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use jiff::SignedDuration;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeOwned, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::name::{TagKey, TagValue, Tags};

/// A whole number from `LEAST` to `MOST`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole<const LEAST: u32, const MOST: u32>(pub(super) u32);

impl<'de, const LEAST: u32, const MOST: u32> Deserialize<'de> for Whole<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // As wide as YAML's numbers, so that one that is far too large is still told from the allowed ones.
        let number = i128::deserialize(deserializer)?;
        match u32::try_from(number) {
            Ok(number) if (LEAST..=MOST).contains(&number) => Ok(Self(number)),
            Ok(_) | Err(_) => Err(D::Error::custom(format!(
                "{number}; allowed: {LEAST} to {MOST}"
            ))),
        }
    }
}

/// A duration from nothing to a year.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wait(pub(super) SignedDuration);

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const ALLOWED: &str = "0s to 8760h, such as 30s, 15m or 1h30m";
        let text = String::deserialize(deserializer)?;
        match text.parse::<SignedDuration>() {
            Ok(wait)
                if (SignedDuration::ZERO..=SignedDuration::from_hours(8760)).contains(&wait) =>
            {
                Ok(Self(wait))
            }
            Ok(_) | Err(_) => Err(D::Error::custom(format!("{text:?}; allowed: {ALLOWED}"))),
        }
    }
}

/// A text of 1 to `MOST` printable characters.
#[derive(Debug, Clone)]
pub(super) struct Text<const MOST: usize>(pub(super) String);

impl<'de, const MOST: usize> Deserialize<'de> for Text<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let length = text.chars().count();
        if (1..=MOST).contains(&length) && !text.contains(char::is_control) {
            return Ok(Self(text));
        }
        Err(D::Error::custom(format!(
            "{text:?}; allowed: 1 to {MOST} printable characters"
        )))
    }
}

/// An account id: 12 digits.
#[derive(Debug, Clone)]
pub(super) struct AccountId(pub(super) String);

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Self(text));
        }
        Err(D::Error::custom(format!(
            "{text:?}; allowed: 12 digits, in quotes"
        )))
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
                while let Some((key, value)) = map.next_entry::<TagKey, TagValue>()? {
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
