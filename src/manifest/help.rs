//! Suggests what may have been meant instead. It decides nothing: a problem remains a problem.
//!
//! Every function returns an empty text where it has no suggestion.

use std::fmt;

use crate::model::limits::Limited;
use crate::model::value::{ImageId, ImageName};
use crate::sys::escape::escaped;
use crate::sys::similar::similar;

use super::problem::MAX_SHOWN;
use super::shape;
use super::yaml::{Node, Value};

/// What may have been meant by an unknown field.
#[derive(Debug, Clone, Copy)]
pub(super) enum UnknownField<'a> {
    /// This missing field of the same map.
    Typo(&'a str),
    /// This field, which the map already has.
    Present(&'a str),
    /// A field of another map.
    Belongs { field: &'a str, map: &'a str },
    /// Something that manifests do not contain, or only under another name.
    Known(&'a str),
    /// None of these.
    Unknown,
}

impl fmt::Display for UnknownField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Typo(meant) => f.write_str(&did_you_mean(meant)),
            Self::Present(field) => write!(f, "{field} is already there: remove this field"),
            Self::Belongs { field, map } => {
                let map = if map.is_empty() {
                    "the document itself"
                } else {
                    map
                };
                write!(f, "{field} is a field of {map}: check the indentation")
            }
            Self::Known(hint) => f.write_str(hint),
            Self::Unknown => f.write_str("rename or remove it"),
        }
    }
}

/// Suggests what an unknown field of the map may be; `present` and `missing` are the fields that the map has and lacks.
pub(super) fn unknown_field<'a>(
    map: &str,
    name: &str,
    present: &[&'a str],
    missing: &[&'a str],
) -> UnknownField<'a> {
    let maps: [(&str, &[&str]); 4] = [
        ("spec", &shape::SPEC),
        ("spec.source", &shape::SOURCE),
        ("metadata", &shape::METADATA),
        ("", &shape::MANIFEST),
    ];
    let low = name.to_ascii_lowercase();
    let alias = ALIASES
        .iter()
        .find(|(of, names, _)| *of == map && names.contains(&low.as_str()));
    if let Some((_, _, meant)) = alias
        && let Some(meant) = missing.iter().find(|field| *field == meant)
    {
        return UnknownField::Typo(meant);
    }
    let known = OTHER_FIELDS
        .iter()
        .find(|(of, names, _)| (of.is_empty() || *of == map) && names.contains(&low.as_str()));
    if let Some((_, _, hint)) = known {
        return UnknownField::Known(hint);
    }
    let others = maps.into_iter().filter(|(other, _)| *other != map);
    for (map, fields) in others.clone() {
        if let Some(field) = fields.iter().find(|field| **field == name) {
            return UnknownField::Belongs { field, map };
        }
    }
    if let Some(meant) = similar(name, missing).first() {
        return UnknownField::Typo(meant);
    }
    if let Some(field) = similar(name, present).first() {
        return UnknownField::Present(field);
    }
    for (map, fields) in others {
        if let Some(field) = similar(name, fields).first() {
            return UnknownField::Belongs { field, map };
        }
    }
    UnknownField::Unknown
}

/// Names that are natural for a field: the map, the names in lower case, the field.
const ALIASES: [(&str, &[&str], &str); 3] = [
    ("spec", &["name"], "imageName"),
    (
        "spec.source",
        &["id", "image", "arn", "imagearn"],
        "imageId",
    ),
    ("spec.source", &["name"], "imageName"),
];

/// The fields of other tools that users look for here: the map (any if empty), the names in lower case, the hint.
const OTHER_FIELDS: [(&str, &[&str], &str); 7] = [
    (
        "",
        &["namespace"],
        "remove it: manifests have no namespace; metadata.name is unique in the folder",
    ),
    (
        "",
        &["region", "awsregion", "regions"],
        "remove it: set the Region with --region or AWS_REGION; one run serves one Region",
    ),
    (
        "",
        &[
            "account",
            "accountid",
            "awsaccount",
            "awsaccountid",
            "profile",
            "credentials",
        ],
        "remove it: the account is that of the credentials; check it with --expect-account",
    ),
    (
        "",
        &["labels", "annotations"],
        "remove it: tags of the image are in spec.tags",
    ),
    (
        "",
        &["status"],
        "remove it: repave keeps the status in its status file",
    ),
    (
        "",
        &[
            "enabled", "disabled", "paused", "pause", "disable", "enable",
        ],
        "to create nothing for this manifest, set spec.suspend: true",
    ),
    (
        "spec",
        &[
            "sourceimage",
            "sourceimageid",
            "sourceimagename",
            "from",
            "base",
            "baseimage",
            "image",
        ],
        "the image to start from is in spec.source: source: { imageId: wsi-... }",
    ),
];

pub(super) fn one_of(word: &str, allowed: &[&str]) -> String {
    let meant = similar(word, allowed);
    meant
        .first()
        .map_or_else(String::new, |meant| did_you_mean(meant))
}

pub(super) fn kind(word: &str) -> String {
    if word.to_ascii_lowercase().ends_with("list") {
        return split();
    }
    one_of(word, &[shape::KIND])
}

/// Says what a document must be.
pub(super) fn manifest() -> String {
    format!(
        "a manifest, which begins with apiVersion: {} and kind: {}",
        shape::API_VERSION,
        shape::KIND
    )
}

/// Says how manifests leave a list.
pub(super) fn split() -> String {
    "write each manifest as a separate document, with --- on a line between two of them".into()
}

pub(super) fn not_a_manifest() -> String {
    "if this is another tool's file, move it out of the folder or let its name begin with a dot"
        .into()
}

/// Suggests what to do with a document that is not a map.
pub(super) fn other_document(found: &Value<'_>) -> String {
    match found {
        Value::List(items) if items.iter().any(|item| matches!(item.value, Value::Map(_))) => {
            split()
        }
        _ => not_a_manifest(),
    }
}

/// Suggests how a map without content gets it.
pub(super) fn map(written: &str) -> String {
    match written {
        "" => "indent the lines that belong to it".into(),
        _ => String::new(),
    }
}

/// Suggests tags for a list of tags, as AWS writes them.
pub(super) fn listed_tags(items: &[Node<'_>]) -> String {
    let entry = |map: &[(Node<'_>, Node<'_>)], name: &str| {
        let is_named = |key: &Node<'_>| key.text().is_some_and(|k| k.eq_ignore_ascii_case(name));
        let value = map.iter().find(|(key, _)| is_named(key))?.1.text()?;
        Some(escaped(value, MAX_SHOWN))
    };
    let first = items.first().map(|item| &item.value);
    if let Some(Value::Map(map)) = first
        && let (Some(key), Some(value)) = (entry(map, "key"), entry(map, "value"))
    {
        return format!("write {key}: {value}");
    }
    "write the tags without hyphens, such as team: finance".into()
}

const TEMPLATE: &str = "replace the placeholder with a value: repave does not fill in templates";

/// Says that a text or map is the placeholder of a template.
pub(super) fn template(text: &str) -> String {
    let is_placeholder = text.contains("${")
        || text.contains("{{")
        || (text.starts_with('<') && text.ends_with('>'));
    if is_placeholder {
        return TEMPLATE.into();
    }
    String::new()
}

/// Suggests what an invalid id may be.
pub(super) fn image_id(given: &str) -> String {
    let meant = text::<ImageId>(given);
    if meant.is_empty() && !given.starts_with("wsi") && ImageName::limited(given.to_owned()).is_ok()
    {
        return format!(
            "for an image by its name, write imageName: {}",
            written(given)
        );
    }
    meant
}

/// Suggests a boolean for a text or number that was one in YAML 1.1.
pub(super) fn boolean(word: &str) -> String {
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => did_you_mean("true"),
        "false" | "no" | "n" | "off" | "0" => did_you_mean("false"),
        _ => String::new(),
    }
}

/// Suggests quotes for a number, boolean or null as it is written, if a text of its characters is valid.
pub(super) fn quotes<T: Limited>(written: &str) -> String {
    if T::limited(written.to_owned()).is_ok() {
        if written.is_empty() {
            return "write \"\" for an empty text".into();
        }
        return format!("quote it: \"{}\"", escaped(written, MAX_SHOWN));
    }
    text::<T>(written)
}

/// Returns a text as a manifest must contain it: in quotes if YAML takes it for something else.
fn written(text: &str) -> String {
    let is_number = text.parse::<f64>().is_ok();
    let shown = escaped(text, MAX_SHOWN);
    if is_number || matches!(text, "true" | "false" | "null") {
        return format!("\"{shown}\"");
    }
    shown
}

/// Suggests a valid text similar to an invalid one.
pub(super) fn text<T: Limited>(given: &str) -> String {
    let other_id = OTHER_IDS
        .iter()
        .find(|(prefix, _)| given.starts_with(prefix));
    if let Some((_, what)) = other_id {
        return (*what).to_owned();
    }
    if !template(given).is_empty() {
        return TEMPLATE.into();
    }
    let trimmed = given.trim();
    let low = trimmed.to_ascii_lowercase();
    let candidates = [
        trimmed.to_owned(),
        trimmed.replace(' ', "_"),
        low.clone(),
        low.replace([' ', '_'], "-"),
    ];
    let of_arn = end_of_arn(trimmed).map(str::to_owned);
    let mut candidates = candidates.into_iter().chain(of_arn).chain(folded(trimmed));
    let meant = candidates.find(|text| T::limited(text.clone()).is_ok());
    meant.map_or_else(String::new, |text| did_you_mean(&written(&text)))
}

/// Returns a text without its one or two characters that no field allows. Without more, without letters, or without the
/// prefix of AWS it would be another text.
fn folded(text: &str) -> Option<String> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || " _./()-".contains(c);
    let is_foreign = |c: &char| !is_allowed(*c) && !c.is_whitespace();
    let foreign = text.chars().filter(is_foreign).count();
    if foreign > 2 || text.starts_with("aws:") {
        return None;
    }
    let mut folded = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_between_words = folded.ends_with(|c: char| c.is_ascii_alphanumeric())
            && rest.peek().is_some_and(char::is_ascii_alphanumeric);
        match c {
            c if is_allowed(c) => folded.push(c),
            c if c.is_whitespace() => folded.push(' '),
            c if c.is_alphanumeric() => return None,
            '\'' | '\u{2018}' | '\u{2019}' => {}
            _ if is_between_words => folded.push('_'),
            _ => {}
        }
    }
    Some(folded)
}

/// Returns the id or name at the end of an ARN.
fn end_of_arn(text: &str) -> Option<&str> {
    let rest = text.strip_prefix("arn:")?;
    rest.rsplit(['/', ':']).next()
}

/// The prefixes of ids that the console shows beside those of images.
const OTHER_IDS: [(&str, &str); 3] = [
    (
        "wsb-",
        "wsb- is a bundle: use the id of the image that it was made of, which begins with wsi-",
    ),
    (
        "ami-",
        "ami- is an image of EC2: use the id of the WorkSpaces image, which begins with wsi-",
    ),
    (
        "ws-",
        "ws- is a WorkSpace: use the id of an image that was made from it, which begins with wsi-",
    ),
];

/// Suggests the map for a source that was written as a text.
pub(super) fn source(given: &str) -> String {
    let given = end_of_arn(given).unwrap_or(given);
    let field = if ImageId::limited(given.to_owned()).is_ok() {
        "imageId"
    } else if ImageName::limited(given.to_owned()).is_ok() {
        "imageName"
    } else {
        return "write { imageId: wsi-... } or { imageName: ... }".into();
    };
    format!("write {{ {field}: {} }}", escaped(given, MAX_SHOWN))
}

fn did_you_mean(meant: &str) -> String {
    format!("did you mean {meant}?")
}
