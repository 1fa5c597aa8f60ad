//! Decides whether a document is a manifest, another tool's, or neither for certain.

use super::fields::{Decoder, Entries, Field, Path};
use super::help;
use super::shape::{API_VERSION, KIND};
use super::span::Span;
use super::yaml::{Node, Value};
use crate::sys::similar::is_typo;

pub(super) enum Header {
    Foreign,
    Broken,
    Manifest,
}

impl Decoder<'_, '_> {
    /// Decides by `apiVersion` and `kind`. A mistake in them never makes a manifest another tool's document.
    pub(super) fn header(&mut self, root: Span, entries: &Entries<'_>) -> Header {
        let field = |name| {
            let entry = all(entries, name).next();
            Field {
                path: Path { map: "", key: name },
                key: entry.map_or(root, |(key, _)| key.span),
                value: entry.map(|(_, value)| value),
            }
        };
        let (version, kind) = (field("apiVersion"), field("kind"));
        if all(entries, "apiVersion").nth(1).is_some() {
            self.second_document(entries);
            return Header::Broken;
        }
        let is_nearly_kind = kind.text().is_some_and(is_nearly_kind);
        if !is_nearly_kind && version.text().is_some_and(is_foreign) {
            let Some(item) = item_with_manifest(entries) else {
                return Header::Foreign;
            };
            let (found, allowed) = ("found a manifest inside a list", "manifests without a list");
            let path = Path {
                map: "",
                key: "items",
            };
            self.problem_and_help(item.span, path, found, allowed, help::split);
            return Header::Broken;
        }
        if version.value.is_none() && kind.value.is_none() {
            let found = "found neither apiVersion nor kind";
            let allowed = help::manifest();
            self.problem_and_help(root, Path::ROOT, found, allowed, help::not_a_manifest);
            return Header::Broken;
        }
        let has_version = version.text() == Some(API_VERSION);
        if !has_version {
            let meant = |text: &str| help::one_of(text, &[API_VERSION]);
            self.wrong_and_help(version, API_VERSION, meant, help::not_a_manifest);
        }
        if kind.text() != Some(KIND) {
            self.wrong_and_help(kind, KIND, help::kind, String::new);
        }
        // A list of manifests has other fields, and so has another version.
        let is_kind = kind.text().is_none_or(|text| is_typo(text, KIND));
        let may_have_version = has_version || (is_nearly_kind && version.text().is_none());
        if is_kind && may_have_version {
            Header::Manifest
        } else {
            Header::Broken
        }
    }

    /// Reports the first field that is there twice: a second document begins there.
    fn second_document(&mut self, entries: &Entries<'_>) {
        let second = entries.iter().enumerate().find_map(|(at, (key, _))| {
            let name = key.text()?;
            let is_before = all(&entries[..at], name).next().is_some();
            is_before.then_some((key, name))
        });
        if let Some((key, name)) = second {
            self.repeated(key, Path { map: "", key: name });
        }
    }
}

/// Returns the entries of that name.
fn all<'n, 'a>(
    entries: &'n Entries<'a>,
    name: &str,
) -> impl Iterator<Item = &'n (Node<'a>, Node<'a>)> {
    entries
        .iter()
        .filter(move |(key, _)| key.text() == Some(name))
}

/// Returns whether an `apiVersion` clearly names another API group.
///
/// A version alone (`v1`) is Kubernetes' core group. A group with `repave` in its name is a mistake, not another's.
fn is_foreign(api_version: &str) -> bool {
    let Some((group, version)) = api_version.split_once('/') else {
        let mut rest = api_version.bytes();
        return rest.next() == Some(b'v') && rest.next().is_some_and(|b| b.is_ascii_digit());
    };
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
    let is_name = |text: &str| !text.is_empty() && text.chars().all(is_part);
    is_name(group) && is_name(version) && !group.contains("repave")
}

/// Returns whether a kind is the manifest's but for a typing error, or the list of it: not another tool's kind.
fn is_nearly_kind(kind: &str) -> bool {
    let one = kind.strip_suffix("List").unwrap_or(kind);
    is_typo(one, KIND)
}

/// Returns the first manifest, or near manifest, in the `items` of a list or of a list in it.
fn item_with_manifest<'n, 'a>(entries: &'n Entries<'a>) -> Option<&'n Node<'a>> {
    all(entries, "items").find_map(|(_, items)| match &items.value {
        Value::List(items) => items.iter().find_map(near_manifest),
        Value::Map(_) => near_manifest(items),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Text(_) => None,
    })
}

fn near_manifest<'n, 'a>(item: &'n Node<'a>) -> Option<&'n Node<'a>> {
    let Value::Map(entries) = &item.value else {
        return None;
    };
    let has = |name, is: fn(&str) -> bool| {
        let mut texts = all(entries, name).filter_map(|(_, value)| value.text());
        texts.any(is)
    };
    let names_repave = |version: &str| version.to_ascii_lowercase().contains("repave");
    if has("apiVersion", names_repave) || has("kind", is_nearly_kind) {
        return Some(item);
    }
    item_with_manifest(entries)
}
