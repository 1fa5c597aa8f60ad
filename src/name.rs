//! The values that name and describe images, each with the service's own limits; a wrong one cannot be built.
//!
//! Limits are those of the WorkSpaces service model of 2015-04-08, which the SDK does not check.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Serialize, Serializer};

/// Says why a text is no value of its kind, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; allowed: {allowed}")]
pub struct InvalidValue {
    /// What is wrong with the text, without repeating it whole.
    pub problem: String,
    /// What would be right.
    pub allowed: &'static str,
}

/// Checks length (in characters) and alphabet, and names the first character that does not belong.
fn check(
    text: &str,
    length: std::ops::RangeInclusive<usize>,
    allowed: &'static str,
    belongs: impl Fn(char) -> bool,
) -> Result<(), InvalidValue> {
    let invalid = |problem| Err(InvalidValue { problem, allowed });
    let count = text.chars().count();
    if count == 0 && *length.start() > 0 {
        return invalid("empty".into());
    }
    if !length.contains(&count) {
        return invalid(format!("{count} characters long"));
    }
    match text.chars().position(|c| !belongs(c)) {
        None => Ok(()),
        Some(at) => {
            let c: String = text.chars().skip(at).take(1).collect();
            let shown = crate::escape::Escaped(&c);
            invalid(format!("character {} is \"{shown}\"", at + 1))
        }
    }
}

macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident, $allowed:expr, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// What a text must be to be one of these, in words.
            pub const ALLOWED: &'static str = $allowed;

            /// Checks the text and keeps it.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidValue> {
                let text = text.into();
                let check: fn(&str) -> Result<(), InvalidValue> = $check;
                check(&text)?;
                Ok(Self(text))
            }

            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

text_value!(
    /// A manifest's `metadata.name`: 1-253 characters, a DNS subdomain as Kubernetes defines it.
    ManifestName,
    "1 to 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit",
    |text| {
        check(text, 1..=253, ManifestName::ALLOWED, |c| {
            matches!(c, 'a'..='z' | '0'..='9' | '-' | '.')
        })?;
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if edge(text.chars().next()) && edge(text.chars().last()) {
            return Ok(());
        }
        Err(InvalidValue {
            problem: "begins or ends with '-' or '.'".into(),
            allowed: ManifestName::ALLOWED,
        })
    }
);

text_value!(
    /// An image's name in the account: 1-64 characters; the only natural key that a create has.
    ImageName,
    "1 to 64 of a-z, A-Z, 0-9 and _ . / ( ) \\ -, no space",
    |text| check(text, 1..=64, ImageName::ALLOWED, |c| {
        c.is_ascii_alphanumeric() || "_./()\\-".contains(c)
    })
);

text_value!(
    /// An image's id: `wsi-` and 9-63 lower-case letters and digits.
    ImageId,
    "wsi- and 9 to 63 of a-z and 0-9",
    |text| {
        let Some(rest) = text.strip_prefix("wsi-") else {
            return Err(InvalidValue {
                problem: "does not begin with wsi-".into(),
                allowed: ImageId::ALLOWED,
            });
        };
        check(rest, 9..=63, ImageId::ALLOWED, |c| {
            matches!(c, 'a'..='z' | '0'..='9')
        })
        .map_err(|e| InvalidValue {
            problem: format!("after wsi-: {}", e.problem),
            ..e
        })
    }
);

text_value!(
    /// An image's description: 1-256 characters.
    Description,
    "1 to 256 of a-z, A-Z, 0-9, space and _ . / ( ) -",
    |text| check(text, 1..=256, Description::ALLOWED, |c| {
        c.is_ascii_alphanumeric() || "_./() -".contains(c)
    })
);

text_value!(
    /// A tag's key: 1-127 characters, not under `aws:`.
    TagKey,
    "1 to 127 characters, not beginning with aws:",
    |text| {
        check(text, 1..=127, TagKey::ALLOWED, |c| !c.is_control())?;
        if text.get(..4).is_some_and(|p| p.eq_ignore_ascii_case("aws:")) {
            return Err(InvalidValue {
                problem: "begins with aws:, which AWS keeps for itself".into(),
                allowed: TagKey::ALLOWED,
            });
        }
        Ok(())
    }
);

text_value!(
    /// A tag's value: 0-255 characters.
    TagValue,
    "0 to 255 characters",
    |text| check(text, 0..=255, TagValue::ALLOWED, |c| !c.is_control())
);

/// An image's tags, at most [`Tags::MAX`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tags(BTreeMap<TagKey, TagValue>);

impl Tags {
    /// The most tags a resource may bear (AWS documentation of resource tagging).
    pub const MAX: usize = 50;

    /// Keeps the tags if they are few enough.
    pub fn new(tags: BTreeMap<TagKey, TagValue>) -> Result<Self, InvalidValue> {
        if tags.len() > Self::MAX {
            return Err(InvalidValue {
                problem: format!("{} tags", tags.len()),
                allowed: "at most 50 tags",
            });
        }
        Ok(Self(tags))
    }

    /// The tags by key.
    pub fn iter(&self) -> impl Iterator<Item = (&TagKey, &TagValue)> {
        self.0.iter()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts, and whether they are values of the kind.
    fn table(parse: impl Fn(&str) -> Result<String, InvalidValue>, rows: &[(&str, bool)]) {
        for (text, valid) in rows {
            assert_eq!(parse(text).is_ok(), *valid, "{text:?}: {:?}", parse(text));
        }
    }

    #[test]
    fn image_names_keep_the_services_limits() {
        let long = "a".repeat(64);
        let too_long = "a".repeat(65);
        table(
            |t| ImageName::parse(t).map(|v| v.to_string()),
            &[
                ("Finance_2026.11/(gold)\\v-2", true),
                (&long, true),
                (&too_long, false),
                ("", false),
                ("a b", false),
                ("a:b", false),
                ("é", false),
            ],
        );
    }

    #[test]
    fn ids_descriptions_and_manifest_names_keep_their_limits() {
        table(
            |t| ImageId::parse(t).map(|v| v.to_string()),
            &[
                ("wsi-012345678", true),
                ("wsi-01234567", false),
                ("WSI-012345678", false),
                ("wsi-01234567A", false),
                ("ami-012345678", false),
            ],
        );
        table(
            |t| Description::parse(t).map(|v| v.to_string()),
            &[
                ("Finance desktop (2026-11)", true),
                ("a, b", false),
                ("a:b", false),
                ("", false),
            ],
        );
        table(
            |t| ManifestName::parse(t).map(|v| v.to_string()),
            &[
                ("finance-2026.11", true),
                ("Finance", false),
                ("-a", false),
                ("a.", false),
                ("", false),
            ],
        );
    }

    #[test]
    fn tags_keep_their_limits() {
        table(
            |t| TagKey::parse(t).map(|v| v.to_string()),
            &[
                ("team", true),
                ("aws:x", false),
                ("AWS:x", false),
                ("awsx", true),
                ("", false),
                ("a\u{7}", false),
                ("äöü", true),
            ],
        );
        table(
            |t| TagValue::parse(t).map(|v| v.to_string()),
            &[("", true), ("a\nb", false)],
        );
        let tags = |n: usize| {
            Tags::new(
                (0..n)
                    .map(|i| {
                        (
                            TagKey::parse(format!("k{i}")).unwrap(),
                            TagValue::parse("").unwrap(),
                        )
                    })
                    .collect(),
            )
        };
        assert!(tags(50).is_ok());
        assert!(tags(51).is_err());
    }

    #[test]
    fn an_invalid_value_says_where_and_what_is_allowed() {
        let message = ImageName::parse("Finance gold").unwrap_err().to_string();
        assert_eq!(
            message,
            "character 8 is \" \"; allowed: 1 to 64 of a-z, A-Z, 0-9 and _ . / ( ) \\ -, no space"
        );
    }
}
