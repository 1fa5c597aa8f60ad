//! The values that name and describe images, with the limits of the service. An invalid value cannot be constructed.
//!
//! The limits are from the WorkSpaces service model of 2015-04-08. The SDK does not check them.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use serde::{Serialize, Serializer};

use super::limits::{Alphabet, InvalidValue, Limited, Limits};

/// The control characters (Unicode's category Cc).
const CONTROL: &[RangeInclusive<char>] = &['\0'..='\u{1f}', '\u{7f}'..='\u{9f}'];

macro_rules! text_value {
    ($(#[$doc:meta])* $name:ident, $limits:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl Limited for $name {
            const LIMITS: Limits = $limits;

            fn limited(text: String) -> Result<Self, InvalidValue> {
                Self::LIMITS.check(&text)?;
                Ok(Self(text))
            }
        }

        impl $name {
            /// Checks the text and keeps it.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidValue> {
                Self::limited(text.into())
            }

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
                // A visitor, because readers know the place in a file only of an error that arises in one.
                struct Text;

                impl serde::de::Visitor<'_> for Text {
                    type Value = $name;

                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a text")
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::parse(text).map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }
    };
}

text_value!(
    /// `metadata.name` of a manifest: 1-253 characters, a DNS subdomain as in Kubernetes.
    ManifestName,
    Limits {
        edges: Some((
            Alphabet::Of(&['a'..='z', '0'..='9']),
            "begins or ends with '-' or '.'",
        )),
        ..Limits::new(
            1,
            253,
            Alphabet::Of(&['a'..='z', '0'..='9', '.'..='.', '-'..='-']),
            "1 to 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit",
        )
    }
);

text_value!(
    /// The name of an image in the account: 1-64 characters. It is the only natural key of a create.
    ImageName,
    Limits::new(
        1,
        64,
        Alphabet::Of(&[
            'a'..='z',
            'A'..='Z',
            '0'..='9',
            '_'..='_',
            '.'..='/',
            '('..=')',
            '\\'..='\\',
            '-'..='-',
        ]),
        "1 to 64 of a-z, A-Z, 0-9 and _ . / ( ) \\ -, no space",
    )
);

text_value!(
    /// The id of an image: `wsi-` and 9-63 lowercase letters and digits.
    ImageId,
    Limits {
        prefix: "wsi-",
        ..Limits::new(
            9,
            63,
            Alphabet::Of(&['a'..='z', '0'..='9']),
            "wsi- and 9 to 63 of a-z and 0-9",
        )
    }
);

text_value!(
    /// The description of an image: 1-256 characters.
    Description,
    Limits::new(
        1,
        256,
        Alphabet::Of(&[
            'a'..='z',
            'A'..='Z',
            '0'..='9',
            ' '..=' ',
            '_'..='_',
            '.'..='/',
            '('..=')',
            '-'..='-',
        ]),
        "1 to 256 of a-z, A-Z, 0-9, space and _ . / ( ) -",
    )
);

text_value!(
    /// The key of a tag: 1-127 characters, not beginning with `aws:`.
    TagKey,
    Limits {
        reserved: Some(("aws:", "begins with aws:, which AWS reserves")),
        ..Limits::new(
            1,
            127,
            Alphabet::Without(CONTROL),
            "1 to 127 characters, not beginning with aws:",
        )
    }
);

text_value!(
    /// The value of a tag: 0-255 characters.
    TagValue,
    Limits::new(0, 255, Alphabet::Without(CONTROL), "0 to 255 characters")
);

/// The tags of an image, at most [`Tags::MAX`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tags(BTreeMap<TagKey, TagValue>);

impl Tags {
    /// The maximum number of tags of a resource (AWS documentation of resource tagging).
    pub const MAX: usize = 50;

    pub fn new(tags: BTreeMap<TagKey, TagValue>) -> Result<Self, InvalidValue> {
        if tags.len() > Self::MAX {
            return Err(InvalidValue {
                problem: format!("{} tags", tags.len()),
                allowed: "at most 50 tags",
            });
        }
        Ok(Self(tags))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&TagKey, &TagValue)> {
        self.0.iter()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns whether a text is the id of an account: 12 digits (service model).
pub(crate) fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks which texts are valid.
    fn table(parse: impl Fn(&str) -> Result<String, InvalidValue>, rows: &[(&str, bool)]) {
        for (text, valid) in rows {
            assert_eq!(parse(text).is_ok(), *valid, "{text:?}: {:?}", parse(text));
        }
    }

    #[test]
    fn image_names_have_the_limits_of_the_service() {
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
    fn ids_descriptions_and_manifest_names_have_their_limits() {
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
    fn the_length_of_each_value_is_limited() {
        fn lengths<T>(limits: Limits, parse: impl Fn(String) -> Result<T, InvalidValue>) {
            let Limits {
                least,
                most,
                prefix,
                ..
            } = limits;
            for length in [0, least, least + 1, most - 1, most, most + 1] {
                let text = format!("{prefix}{}", "a".repeat(length));
                let is_valid = (least..=most).contains(&length);
                assert_eq!(parse(text).is_ok(), is_valid, "{limits:?} {length}");
            }
            let short = format!("{prefix}{}", "a".repeat(least.saturating_sub(1)));
            assert_eq!(parse(short).is_ok(), least == 0, "{limits:?}");
        }
        lengths(ManifestName::LIMITS, ManifestName::parse);
        lengths(ImageName::LIMITS, ImageName::parse);
        lengths(ImageId::LIMITS, ImageId::parse);
        lengths(Description::LIMITS, Description::parse);
        lengths(TagKey::LIMITS, TagKey::parse);
        lengths(TagValue::LIMITS, TagValue::parse);
        // Characters count, not bytes.
        assert!(TagValue::parse("é".repeat(255)).is_ok());
        assert!(TagValue::parse("é".repeat(256)).is_err());
    }

    #[test]
    fn tags_have_their_limits() {
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

    /// The text of a limit has its numbers. Its characters are those of the service model.
    #[test]
    fn the_text_of_a_limit_has_its_numbers() {
        for limits in [
            ManifestName::LIMITS,
            ImageName::LIMITS,
            ImageId::LIMITS,
            Description::LIMITS,
            TagKey::LIMITS,
            TagValue::LIMITS,
        ] {
            let Limits { least, most, .. } = limits;
            let words = limits.allowed;
            assert!(words.contains(&format!("{least} to {most} ")), "{words}");
        }
        let characters = |limits: Limits| -> String {
            (' '..='~').filter(|c| limits.alphabet.has(*c)).collect()
        };
        let letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let small = "abcdefghijklmnopqrstuvwxyz";
        assert_eq!(
            characters(ImageName::LIMITS),
            format!("()-./{letters}\\_{small}")
        );
        assert_eq!(
            characters(Description::LIMITS),
            format!(" ()-./{letters}_{small}")
        );
        for c in '\0'..=char::MAX {
            assert_eq!(TagKey::LIMITS.alphabet.has(c), !c.is_control(), "{c:?}");
        }
    }

    #[test]
    fn the_error_of_an_invalid_value_names_the_character_and_the_limit() {
        let message = ImageName::parse("Finance gold").unwrap_err().to_string();
        assert_eq!(
            message,
            "character 8 is \" \"; allowed: 1 to 64 of a-z, A-Z, 0-9 and _ . / ( ) \\ -, no space"
        );
    }
}
