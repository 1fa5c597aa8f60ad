//! The status as a JSON document: its version, and the fields of newer versions that this version does not know.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::status::{API_VERSION, FORMAT_VERSION, KIND, Status};
use crate::sys::escape;

/// Why a text is not a status document that this version can use.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is not JSON, or it is cut off.
    #[error("it is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// A newer repave wrote it.
    #[error(
        "it has formatVersion {0}, but this repave supports only formatVersion {FORMAT_VERSION}. Use the repave version that wrote it, or a newer version"
    )]
    Newer(u64),
    /// It is JSON, but not a status document.
    #[error(
        "it is not a status document of this version ({0}). Choose another file, or remove this one if nothing needs it"
    )]
    Other(String),
}

/// The fields of a document that this version does not know. They are written back as long as the object that they belong to
/// is still in the document.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Unknown(Vec<(Vec<Segment>, Value)>);

/// One step of a path into a document: a key, or an element of a list.
#[derive(Debug, Clone, PartialEq)]
struct Segment {
    key: Option<String>,
    /// The fields that identify the object: other values mean another object.
    identity: Vec<(&'static str, Value)>,
}

/// Returns the fields that identify the object at a key, or the objects in the list at a key.
fn identity_fields(key: &str) -> &'static [&'static str] {
    match key {
        "images" => &["imageName"],
        "conditions" => &["type"],
        "history" => &["at", "step", "to"],
        "run" => &["id"],
        "manifests" => &["revision", "digest"],
        "listingError" => &["since"],
        "lastError" | "createdWith" => &["at"],
        "drift" => &["field", "image", "manifest"],
        _ => &[],
    }
}

pub(super) fn parse(bytes: &[u8]) -> Result<(Status, Unknown), DocumentError> {
    let mut ignored = Vec::new();
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let status: Result<Status, _> =
        serde_ignored::deserialize(&mut json, |path| ignored.push(keys(&path)));
    let status = status.and_then(|status| json.end().map(|()| status));
    match status {
        Ok(status)
            if ignored.is_empty()
                && status.format_version == FORMAT_VERSION
                && status.api_version == API_VERSION
                && status.kind == KIND =>
        {
            Ok((status, Unknown::default()))
        }
        status => {
            let value: Value =
                serde_json::from_slice(bytes).map_err(|error| unreadable(bytes, error))?;
            check(&value)?;
            let status = status
                .map_err(|error| DocumentError::Other(escape::escaped(&error.to_string(), 300)))?;
            let unknown = ignored.iter().filter_map(|keys| find(&value, keys));
            Ok((status, Unknown(unknown.collect())))
        }
    }
}

/// Writes a document with the unknown fields of the document that was read. Fields whose object is gone are dropped.
pub(super) fn print(status: &Status, unknown: &mut Unknown) -> Result<Vec<u8>, serde_json::Error> {
    if unknown.0.is_empty() {
        return escape::to_json(status);
    }
    let mut document = serde_json::to_value(status)?;
    unknown
        .0
        .retain(|(place, value)| put(&mut document, place, value).is_some());
    escape::to_json(&document)
}

/// Separates what is not JSON from JSON beyond what the parser can hold: a number, a text or a depth.
fn unreadable(bytes: &[u8], error: serde_json::Error) -> DocumentError {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Header {
        format_version: Option<u64>,
    }
    if serde_json::from_slice::<IgnoredAny>(bytes).is_err() {
        return DocumentError::NotJson(error);
    }
    match serde_json::from_slice(bytes) {
        Ok(Header {
            format_version: Some(version),
        }) if version > u64::from(FORMAT_VERSION) => DocumentError::Newer(version),
        Ok(_) | Err(_) => DocumentError::Other(escape::escaped(&error.to_string(), 300)),
    }
}

/// Checks that this version can use the document.
fn check(value: &Value) -> Result<(), DocumentError> {
    let text = |key| value.get(key).and_then(Value::as_str);
    if text("kind") != Some(KIND) || text("apiVersion") != Some(API_VERSION) {
        let found = format!(
            "kind {}, apiVersion {}",
            text("kind").unwrap_or("missing"),
            text("apiVersion").unwrap_or("missing")
        );
        return Err(DocumentError::Other(escape::escaped(&found, 300)));
    }
    match value.get("formatVersion").and_then(Value::as_u64) {
        Some(version) if version == u64::from(FORMAT_VERSION) => Ok(()),
        Some(version) if version > u64::from(FORMAT_VERSION) => Err(DocumentError::Newer(version)),
        Some(version) => Err(DocumentError::Other(format!("formatVersion {version}"))),
        None => Err(DocumentError::Other("formatVersion missing".into())),
    }
}

/// Returns the keys and positions of a path, from the outermost.
fn keys(path: &serde_ignored::Path<'_>) -> Vec<String> {
    use serde_ignored::Path;
    match path {
        Path::Root => Vec::new(),
        Path::Map { parent, key } => [keys(parent), vec![key.clone()]].concat(),
        Path::Seq { parent, index } => [keys(parent), vec![index.to_string()]].concat(),
        Path::Some { parent }
        | Path::NewtypeStruct { parent }
        | Path::NewtypeVariant { parent } => keys(parent),
    }
}

/// Returns the value at the path, and its place.
fn find(document: &Value, keys: &[String]) -> Option<(Vec<Segment>, Value)> {
    let (last, above) = keys.split_last()?;
    let (mut at, mut fields) = (document, identity_fields(""));
    let mut place = Vec::new();
    for key in above {
        let key = if let Value::Array(list) = at {
            at = list.get(key.parse::<usize>().ok()?)?;
            None
        } else {
            at = at.get(key)?;
            fields = identity_fields(key);
            Some(key.clone())
        };
        let identity = if at.is_array() {
            Vec::new()
        } else {
            let value = |field: &&'static str| (*field, comparable(field, at));
            fields.iter().map(value).collect()
        };
        place.push(Segment { key, identity });
    }
    place.push(Segment {
        key: Some(last.clone()),
        identity: Vec::new(),
    });
    Some((place, at.get(last)?.clone()))
}

/// Returns the field's value; times are in one form.
fn comparable(field: &str, of: &Value) -> Value {
    let value = of.get(field).cloned().unwrap_or_default();
    let time = value.as_str().filter(|_| matches!(field, "at" | "since"));
    match time.and_then(|text| text.parse::<Timestamp>().ok()) {
        Some(time) => Value::String(time.to_string()),
        None => value,
    }
}

/// Puts the value in its place if the object that it belongs to is still there.
fn put(document: &mut Value, place: &[Segment], value: &Value) -> Option<()> {
    let (last, above) = place.split_last()?;
    let mut at = document;
    for segment in above {
        let is_same = |at: &Value| {
            let same = |(field, value): &(&str, Value)| comparable(field, at) == *value;
            segment.identity.iter().all(same)
        };
        at = match &segment.key {
            Some(key) => at.get_mut(key).filter(|at| is_same(at))?,
            None => at.as_array_mut()?.iter_mut().find(|at| is_same(at))?,
        };
    }
    let key = last.key.as_ref()?;
    at.as_object_mut()?
        .entry(key)
        .or_insert_with(|| value.clone());
    Some(())
}
