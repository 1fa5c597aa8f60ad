//! Whose document it is: a manifest, another tool's, or one that cannot be told.

use super::fields::{Decoder, Path, Shown};
use super::help;
use super::shape::{API_VERSION, KIND};
use super::yaml::{Node, Value};

pub(super) enum Header {
    Foreign,
    Broken,
    Manifest,
}

impl Decoder<'_> {
    /// Decides by `apiVersion` and `kind` whose document it is. A mistake in them never makes it another's.
    pub(super) fn header(&mut self, root: &Node<'_>, entries: &[(Node<'_>, Node<'_>)]) -> Header {
        let find = |name: &str| {
            let mut found = entries
                .iter()
                .filter(|(key, _)| matches!(&key.value, Value::Text(text) if text == name));
            (found.next().map(|(_, value)| value), found.next())
        };
        let path = Path::ROOT.field("apiVersion");
        let (kind, _) = find("kind");
        let is_kind =
            kind.is_some_and(|node| matches!(&node.value, Value::Text(text) if text == KIND));
        // A word in another case is a slip, and no other tool's kind.
        let is_nearly_kind = kind.is_some_and(
            |node| matches!(&node.value, Value::Text(text) if text.eq_ignore_ascii_case(KIND)),
        );
        let (version, second) = find("apiVersion");
        if let Some((key, _)) = second {
            self.problem(
                key.number,
                &path,
                format_args!("found the field a second time"),
                format_args!("each field once"),
            );
            return Header::Broken;
        }
        match version {
            None => {
                self.problem(
                    root.number,
                    &path,
                    format_args!("missing"),
                    format_args!("{API_VERSION}"),
                );
                return if is_kind {
                    Header::Manifest
                } else {
                    Header::Broken
                };
            }
            Some(node) => match &node.value {
                Value::Text(text) if text == API_VERSION => {}
                Value::Text(text) if !is_nearly_kind && is_foreign(text) => return Header::Foreign,
                other => {
                    self.problem_and_help(
                        node.number,
                        &path,
                        format_args!("found {}", Shown(other)),
                        format_args!("{API_VERSION}"),
                        || near(other, API_VERSION),
                    );
                    // Another version has other fields.
                    return if is_kind && !matches!(other, Value::Text(_)) {
                        Header::Manifest
                    } else {
                        Header::Broken
                    };
                }
            },
        }
        let path = Path::ROOT.field("kind");
        match kind {
            Some(_) if is_kind => Header::Manifest,
            Some(node) => {
                self.problem_and_help(
                    node.number,
                    &path,
                    format_args!("found {}", Shown(&node.value)),
                    format_args!("{KIND}"),
                    || near(&node.value, KIND),
                );
                if matches!(node.value, Value::Text(_)) {
                    Header::Broken
                } else {
                    Header::Manifest
                }
            }
            None => {
                self.problem(
                    root.number,
                    &path,
                    format_args!("missing"),
                    format_args!("{KIND}"),
                );
                Header::Manifest
            }
        }
    }
}

/// The one value that is allowed, if the one that was found is near it.
fn near(found: &Value<'_>, allowed: &str) -> String {
    found
        .text()
        .map_or_else(String::new, |text| help::one_of(text, &[allowed]))
}

/// What makes a group ours, or so near ours that it was meant to be.
const GROUP_WORD: &str = "repave";

/// Tells whether an `apiVersion` names another API group, and clearly so.
///
/// A version alone (`v1`) is Kubernetes' core group. Anything near our own group's name is a mistake, not another's.
fn is_foreign(api_version: &str) -> bool {
    let Some((group, version)) = api_version.split_once('/') else {
        let mut rest = api_version.bytes();
        return rest.next() == Some(b'v') && rest.next().is_some_and(|b| b.is_ascii_digit());
    };
    let is_name = |text: &str| {
        !text.is_empty()
            && text
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
    };
    is_name(group) && is_name(version) && !group.contains(GROUP_WORD)
}
