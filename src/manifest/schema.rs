//! The manifest's JSON Schema (draft-07), for editors and linters; it decides nothing about manifests.
//!
//! Field names come from `shape` and limits from the types in [`value`](crate::model::value), as for decoding. Which
//! fields are required is written in both, and a test validates the same documents with both.

use serde_json::{Value, json};

use super::shape::{self, API_VERSION, KIND};
use crate::model::image::CreateWhen;
use crate::model::limits::{Alphabet, Limited, Limits};
use crate::model::value::{Description, ImageId, ImageName, ManifestName, TagKey, TagValue, Tags};

/// The path of the schema in a checkout; the samples' first lines refer to it.
pub const FILE: &str = "schema/updated-image.schema.json";

/// Returns the schema as it is printed.
pub fn text() -> Result<Vec<u8>, serde_json::Error> {
    crate::sys::escape::to_json(&manifest())
}

fn manifest() -> Value {
    let [api_version, kind, metadata_field, spec_field] = shape::MANIFEST;
    let [name] = shape::METADATA;
    let [
        image_name,
        source_field,
        description,
        tags_field,
        create_when,
        suspend,
    ] = shape::SPEC;
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$comment": "Printed by `repave schema`",
        "title": KIND,
        "description": "An updated Amazon WorkSpaces image that the account is to have. repave creates it if it is missing, and never deletes or renames an image.",
        "type": "object",
        "required": shape::MANIFEST,
        "properties": {
            api_version: { "description": "The version of the manifest's format.", "type": "string", "const": API_VERSION },
            kind: { "description": "What the document declares.", "type": "string", "const": KIND },
            metadata_field: {
                "description": "The identity of the manifest.",
                "type": "object",
                "required": shape::METADATA,
                "properties": {
                    name: text_of::<ManifestName>("The manifest's name in status and logs; unique in the folder. It is also the image's name, unless spec.imageName sets another.", &["finance-2026-11"]),
                },
                "additionalProperties": false,
            },
            spec_field: {
                "description": "The image that the account is to have.",
                "type": "object",
                "required": [source_field, description],
                "properties": {
                    image_name: text_of::<ImageName>("The image's name in the account; unique in the folder. Default: metadata.name, which then has at most 64 characters.", &["Finance_2026-11"]),
                    source_field: source(),
                    description: text_of::<Description>(
                        "The image's description. The AWS console may not accept a '-' in it.",
                        &["Finance desktop with the November WorkSpaces components"],
                    ),
                    tags_field: tags(),
                    create_when: {
                        "description": "When the image is created if it is missing. Always: at once. UpdateAvailable: only once the service reports an update for the source.",
                        "type": "string",
                        "enum": CreateWhen::ALL.map(CreateWhen::as_str),
                        "default": CreateWhen::Always.as_str(),
                    },
                    suspend: { "description": "Whether repave leaves this image alone for now.", "type": "boolean", "default": false },
                },
                "additionalProperties": false,
            },
        },
        "additionalProperties": false,
        // By default a manifest's name is the image name too, which must be shorter.
        "if": { "properties": { spec_field: { "not": { "required": [image_name] } } } },
        "then": { "properties": { metadata_field: { "properties": {
            name: { "maxLength": ImageName::LIMITS.most },
        } } } },
    })
}

fn source() -> Value {
    let [image_id, image_name] = shape::SOURCE;
    json!({
        "description": "The image that it is made from, by id or by name: exactly one of the two. The source does not change.",
        "type": "object",
        "properties": {
            image_id: text_of::<ImageId>("The source's id. It must be an image of this account: copy a shared image into the account first.", &["wsi-0a1b2c3d4e5f"]),
            image_name: text_of::<ImageName>("The source's name in the account. It may be an image that another manifest declares, but not in a circle.", &["Finance_gold"]),
        },
        "additionalProperties": false,
        "oneOf": shape::SOURCE.map(|name| json!({ "required": [name] })),
    })
}

fn tags() -> Value {
    json!({
        "description": "Tags that the image gets when it is created. A value that looks like a number or boolean needs quotes. Tags need the permission workspaces:CreateTags.",
        "type": "object",
        "default": {},
        "maxProperties": Tags::MAX,
        "propertyNames": text_of::<TagKey>("A tag's key. AWS reserves keys that begin with aws:.", &[]),
        "additionalProperties": text_of::<TagValue>("A tag's value.", &[]),
    })
}

/// Returns the schema of a text with its limits.
fn text_of<T: Limited>(description: &str, examples: &[&str]) -> Value {
    let limits = T::LIMITS;
    let prefix = limits.prefix.chars().count();
    let mut schema = json!({ "description": description, "type": "string" });
    if !examples.is_empty() {
        schema["examples"] = json!(examples);
    }
    schema["minLength"] = json!(prefix + limits.least);
    schema["maxLength"] = json!(prefix + limits.most);
    schema["pattern"] = json!(pattern(limits));
    // Not a keyword of draft-07: editors show it where a text does not match the pattern.
    schema["patternErrorMessage"] = json!(format!("allowed: {}", limits.allowed));
    if let Some((reserved, _)) = limits.reserved {
        schema["not"] = json!({ "pattern": in_any_case(reserved) });
    }
    schema
}

/// Returns alphabet and edges as a regular expression in the subset that JSON Schema recommends.
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
    let (open, ranges) = match alphabet {
        Alphabet::Of(ranges) => ("[", ranges),
        Alphabet::Without(ranges) => ("[^", ranges),
    };
    let members = ranges.iter().map(|range| {
        let (first, last) = (*range.start(), *range.end());
        match u32::from(last) - u32::from(first) {
            0 => member(first),
            1 => member(first) + &member(last),
            2.. => format!("{}-{}", member(first), member(last)),
        }
    });
    format!("{open}{}]", members.collect::<String>())
}

fn member(c: char) -> String {
    match c {
        c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
        '\\' | ']' | '[' | '^' | '-' => format!("\\{c}"),
        c => c.to_string(),
    }
}

/// Returns a pattern of a beginning in any case: JSON Schema has no flags.
fn in_any_case(beginning: &str) -> String {
    let characters = beginning.chars().map(|c| {
        if c.is_ascii_alphabetic() {
            format!("[{}{}]", c.to_ascii_lowercase(), c.to_ascii_uppercase())
        } else {
            c.to_string()
        }
    });
    format!("^{}", characters.collect::<String>())
}
