//! The manifest's JSON Schema (draft-07), for editors and linters; it decides nothing about manifests.
//!
//! Field names come from `shape`, limits from the types in [`value`](crate::model::value): the same that decoding goes by.
//! Which fields must be there is written in both, and a test asks both about the same documents.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::shape::{self, API_VERSION, KIND};
use crate::model::image::CreateWhen;
use crate::model::limits::{Alphabet, Limited as _, Limits};
use crate::model::value::{Description, ImageId, ImageName, ManifestName, TagKey, TagValue, Tags};

/// Where the schema stands in a checkout; the samples' first lines point there.
pub const FILE: &str = "schema/updated-image.schema.json";

/// The schema as it is printed.
pub fn text() -> Result<Vec<u8>, serde_json::Error> {
    crate::sys::escape::to_json(&manifest())
}

/// A schema: the keywords that are used, in the order in which people read them.
#[derive(Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    dialect: Option<&'static str>,
    #[serde(rename = "$comment", skip_serializing_if = "Option::is_none")]
    comment: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'static str>,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(rename = "const", skip_serializing_if = "Option::is_none")]
    constant: Option<&'static str>,
    #[serde(rename = "enum", skip_serializing_if = "Vec::is_empty")]
    choices: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    examples: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_length: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern: Option<String>,
    /// No keyword of draft-07: what editors say where a text does not match the pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    pattern_error_message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_properties: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    property_names: Option<Box<Schema>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    required: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    properties: Option<Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    additional_properties: Option<Others>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not: Option<Box<Schema>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    one_of: Vec<Schema>,
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    condition: Option<Box<Schema>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    then: Option<Box<Schema>>,
}

/// The properties, in the order of the manifest's fields.
struct Fields(Vec<(&'static str, Schema)>);

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, schema) in &self.0 {
            map.serialize_entry(name, schema)?;
        }
        map.end()
    }
}

/// What properties of other names may be.
enum Others {
    None,
    Each(Box<Schema>),
}

impl Serialize for Others {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_bool(false),
            Self::Each(schema) => schema.serialize(serializer),
        }
    }
}

impl Schema {
    /// A map with these fields and no others.
    fn map<const N: usize>(
        description: &'static str,
        names: [&'static str; N],
        schemas: [Schema; N],
    ) -> Self {
        Self {
            description: Some(description),
            kind: Some("object"),
            properties: Some(Fields(names.into_iter().zip(schemas).collect())),
            additional_properties: Some(Others::None),
            ..Self::default()
        }
    }

    /// A text within the limits.
    fn text(description: &'static str, limits: Limits, examples: &[&'static str]) -> Self {
        let prefix = limits.prefix.chars().count();
        Self {
            description: Some(description),
            kind: Some("string"),
            examples: examples.to_vec(),
            min_length: Some(prefix + limits.least),
            max_length: Some(prefix + limits.most),
            pattern: Some(pattern(limits)),
            pattern_error_message: Some(format!("allowed: {}", limits.allowed)),
            not: limits.reserved.map(|(reserved, _)| {
                Box::new(Self {
                    pattern: Some(in_whatever_case(reserved)),
                    ..Self::default()
                })
            }),
            ..Self::default()
        }
    }

    /// This one text.
    fn constant(description: &'static str, text: &'static str) -> Self {
        Self {
            description: Some(description),
            kind: Some("string"),
            constant: Some(text),
            ..Self::default()
        }
    }

    /// A schema that asks for one property of a map, and nothing else.
    fn property(name: &'static str, schema: Self) -> Self {
        Self {
            properties: Some(Fields(vec![(name, schema)])),
            ..Self::default()
        }
    }
}

/// The schema of a manifest.
fn manifest() -> Schema {
    let [_, _, metadata_field, spec_field] = shape::MANIFEST;
    let [name_field] = shape::METADATA;
    let [image_name_field, ..] = shape::SPEC;
    // The name of an image by default; whatever a manifest's name may hold, an image's name may, but not so much of it.
    let unnamed = Schema {
        not: Some(Box::new(Schema {
            required: vec![image_name_field],
            ..Schema::default()
        })),
        ..Schema::default()
    };
    let short = Schema {
        max_length: Some(ImageName::LIMITS.most),
        ..Schema::default()
    };
    Schema {
        dialect: Some("http://json-schema.org/draft-07/schema#"),
        comment: Some("Printed by `repave schema`"),
        title: Some(KIND),
        required: shape::MANIFEST.to_vec(),
        condition: Some(Box::new(Schema::property(spec_field, unnamed))),
        then: Some(Box::new(Schema::property(
            metadata_field,
            Schema::property(name_field, short),
        ))),
        ..Schema::map(
            "An updated Amazon WorkSpaces image that the account is to have. repave creates it if it is missing, and never deletes or renames an image.",
            shape::MANIFEST,
            [
                Schema::constant("The version of this form.", API_VERSION),
                Schema::constant("What the document declares.", KIND),
                metadata(),
                spec(),
            ],
        )
    }
}

fn metadata() -> Schema {
    Schema {
        required: shape::METADATA.to_vec(),
        ..Schema::map(
            "What the manifest is called.",
            shape::METADATA,
            [Schema::text(
                "The manifest's name, as status and logs call it; unique in the folder. It is the image's name too, unless spec.imageName says another.",
                ManifestName::LIMITS,
                &["finance-2026-11"],
            )],
        )
    }
}

fn spec() -> Schema {
    let [_, source_field, description_field, ..] = shape::SPEC;
    Schema {
        required: vec![source_field, description_field],
        ..Schema::map(
            "The image that is to be there.",
            shape::SPEC,
            [
                Schema::text(
                    "The image's name in the account; unique in the folder. Default: metadata.name, which then has at most 64 characters.",
                    ImageName::LIMITS,
                    &["Finance_2026-11"],
                ),
                source(),
                Schema::text(
                    "The image's description. The AWS console is said not to accept a '-' in it.",
                    Description::LIMITS,
                    &["Finance desktop with the November WorkSpaces components"],
                ),
                tags(),
                Schema {
                    description: Some(
                        "When the image is created if it is missing. Always: at once. UpdateAvailable: only once the service reports an update for the source.",
                    ),
                    kind: Some("string"),
                    choices: CreateWhen::ALL.map(CreateWhen::as_str).to_vec(),
                    default: Some(CreateWhen::Always.as_str().into()),
                    ..Schema::default()
                },
                Schema {
                    description: Some("Whether repave leaves this image alone for the time being."),
                    kind: Some("boolean"),
                    default: Some(false.into()),
                    ..Schema::default()
                },
            ],
        )
    }
}

fn source() -> Schema {
    let one = |name| Schema {
        required: vec![name],
        ..Schema::default()
    };
    Schema {
        one_of: shape::SOURCE.map(one).into(),
        ..Schema::map(
            "The image that it is made from, by id or by name: exactly one of the two. The source stays as it is.",
            shape::SOURCE,
            [
                Schema::text(
                    "The source's id. It must be an image of this account: a shared one must be copied first.",
                    ImageId::LIMITS,
                    &["wsi-0a1b2c3d4e5f"],
                ),
                Schema::text(
                    "The source's name in the account. It may be an image that another manifest declares, but not in a circle.",
                    ImageName::LIMITS,
                    &["Finance_gold"],
                ),
            ],
        )
    }
}

fn tags() -> Schema {
    Schema {
        description: Some(
            "Tags that the image gets when it is created. A value that looks like a number or boolean needs quotes. Tags need the permission workspaces:CreateTags.",
        ),
        kind: Some("object"),
        default: Some(serde_json::json!({})),
        max_properties: Some(Tags::MAX),
        property_names: Some(Box::new(Schema::text(
            "A tag's key; keys that begin with aws: are kept by AWS for itself.",
            TagKey::LIMITS,
            &[],
        ))),
        additional_properties: Some(Others::Each(Box::new(Schema::text(
            "A tag's value.",
            TagValue::LIMITS,
            &[],
        )))),
        ..Schema::default()
    }
}

/// Alphabet and edges as a regular expression of the part that JSON Schema recommends. The length has keywords of its own.
fn pattern(limits: Limits) -> String {
    let prefix = limits.prefix;
    let all = class(limits.alphabet);
    match limits.edges {
        Some((edge, _)) => {
            let edge = class(edge);
            format!("^{prefix}{edge}({all}*{edge})?$")
        }
        None => format!("^{prefix}{all}*$"),
    }
}

/// The characters of an alphabet between square brackets.
fn class(alphabet: Alphabet) -> String {
    let (open, ranges): (_, &[RangeInclusive<char>]) = match alphabet {
        Alphabet::Of(ranges) => ("[", ranges),
        Alphabet::Without(ranges) => ("[^", ranges),
    };
    let mut class = String::from(open);
    for range in ranges {
        let (first, last) = (*range.start(), *range.end());
        member(&mut class, first);
        if last > first {
            if u32::from(last) - u32::from(first) > 1 {
                class.push('-');
            }
            member(&mut class, last);
        }
    }
    class.push(']');
    class
}

fn member(class: &mut String, c: char) {
    if c.is_control() {
        // Writing to a text cannot fail.
        let _ = write!(class, "\\u{:04x}", u32::from(c));
        return;
    }
    if matches!(c, '\\' | ']' | '[' | '^' | '-') {
        class.push('\\');
    }
    class.push(c);
}

/// A text at the beginning, whatever its letters' case: flags are not part of JSON Schema.
fn in_whatever_case(text: &str) -> String {
    let mut pattern = String::from("^");
    for c in text.chars() {
        if c.is_ascii_alphabetic() {
            let _ = write!(
                pattern,
                "[{}{}]",
                c.to_ascii_lowercase(),
                c.to_ascii_uppercase()
            );
        } else {
            pattern.push(c);
        }
    }
    pattern
}
