//! The status as a document: its version, and what a newer program wrote into it that this one does not know.
//!
//! It touches no file.

use serde_json::Value;

use super::status::{API_VERSION, FORMAT_VERSION, KIND, Status};
use crate::sys::escape;

/// Why a text is not a status document that this version can use.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is not JSON: half of something, or something else.
    #[error("it is not JSON: {0}")]
    NotJson(serde_json::Error),
    /// A newer repave wrote it.
    #[error(
        "it has formatVersion {0}, and this repave knows {FORMAT_VERSION}. Use the repave that wrote it, or a newer one"
    )]
    Newer(u64),
    /// It is JSON, and no status document.
    #[error(
        "it is not a status document of this version ({0}). Name another file, or remove it if nothing needs it"
    )]
    Other(String),
}

/// What a document says that this version does not know: it is kept when the document is written again.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Unknown(Vec<(Vec<Segment>, Value)>);

/// A part of a place in a document.
#[derive(Debug, Clone, PartialEq)]
enum Segment {
    Key(String),
    /// An element of a list, by what it is about: its position changes.
    Element(Identity),
}

/// What an element of a list is about: the values of these of its fields.
type Identity = Vec<(&'static str, Value)>;

/// What tells the elements of the document's lists apart: images, conditions, history.
const IDENTITIES: [&[&str]; 3] = [&["imageName"], &["type"], &["at", "subject", "to"]];

/// Reads a document.
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
            let value: Value = serde_json::from_slice(bytes).map_err(DocumentError::NotJson)?;
            check(&value)?;
            let status = status
                .map_err(|error| DocumentError::Other(escape::escaped(&error.to_string(), 300)))?;
            let unknown = ignored.iter().filter_map(|keys| find(&value, keys));
            Ok((status, Unknown(unknown.collect())))
        }
    }
}

/// Writes a document, with what was unknown in the one that was read.
pub(super) fn print(status: &Status, unknown: &Unknown) -> Result<Vec<u8>, serde_json::Error> {
    if unknown.0.is_empty() {
        return escape::to_json(status);
    }
    let mut document = serde_json::to_value(status)?;
    for (place, value) in &unknown.0 {
        put(&mut document, place, value);
    }
    escape::to_json(&document)
}

/// Holds a document to what this version can use.
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

/// Returns what stands at the path, and its place by what the elements of lists are about.
fn find(document: &Value, keys: &[String]) -> Option<(Vec<Segment>, Value)> {
    let mut at = document;
    let mut place = Vec::new();
    for key in keys {
        if let Value::Array(list) = at {
            at = list.get(key.parse::<usize>().ok()?)?;
            place.push(Segment::Element(identity(at)?));
        } else {
            at = at.get(key)?;
            place.push(Segment::Key(key.clone()));
        }
    }
    Some((place, at.clone()))
}

fn identity(element: &Value) -> Option<Identity> {
    IDENTITIES.iter().find_map(|keys| {
        keys.iter()
            .map(|key| Some((*key, element.get(key)?.clone())))
            .collect()
    })
}

/// Puts the value into its place, if what it is about is still there.
fn put(document: &mut Value, place: &[Segment], value: &Value) {
    match place {
        [] => {}
        [Segment::Key(key)] => {
            if let Value::Object(fields) = document {
                fields.entry(key).or_insert_with(|| value.clone());
            }
        }
        [Segment::Key(key), rest @ ..] => {
            if let Some(inner) = document.get_mut(key) {
                put(inner, rest, value);
            }
        }
        [Segment::Element(identity), rest @ ..] => {
            let is_it = |element: &&mut Value| {
                identity
                    .iter()
                    .all(|(key, value)| element.get(key) == Some(value))
            };
            let list = document.as_array_mut().into_iter().flatten();
            if let Some(element) = list.into_iter().find(is_it) {
                put(element, rest, value);
            }
        }
    }
}
