//! Decides whether a document is a manifest, another tool's, or neither for certain.

use super::fields::{Decoder, Entries, Field, Path};
use super::help;
use super::shape::{API_VERSION, KIND};
use super::span::Span;

pub(super) enum Header {
    Foreign,
    Broken,
    Manifest,
}

impl Decoder<'_> {
    /// Decides by `apiVersion` and `kind`. A mistake in them never makes a manifest another tool's document.
    pub(super) fn header(&mut self, root: Span, entries: &Entries<'_>) -> Header {
        let all = |name: &'static str| {
            entries
                .iter()
                .filter(move |(key, _)| key.text() == Some(name))
        };
        let field = |name| {
            let entry = all(name).next();
            Field {
                path: Path { map: "", key: name },
                key: entry.map_or(root, |(key, _)| key.span),
                value: entry.map(|(_, value)| value),
            }
        };
        let (version, kind) = (field("apiVersion"), field("kind"));
        if let Some((key, _)) = all("apiVersion").nth(1) {
            self.repeated(key, version.path);
            return Header::Broken;
        }
        // A kind in another case is a mistake, not another tool's kind.
        let is_nearly_kind = kind
            .text()
            .is_some_and(|text| text.eq_ignore_ascii_case(KIND));
        if !is_nearly_kind && version.text().is_some_and(is_foreign) {
            return Header::Foreign;
        }
        let is_manifest = if self.constant(version, API_VERSION) {
            self.constant(kind, KIND) || kind.text().is_none()
        } else {
            // Another version has other fields.
            kind.text() == Some(KIND) && version.text().is_none()
        };
        if is_manifest {
            Header::Manifest
        } else {
            Header::Broken
        }
    }

    /// Reports a field without the only text that is allowed.
    fn constant(&mut self, field: Field<'_, '_>, allowed: &str) -> bool {
        let is_allowed = field.text() == Some(allowed);
        if !is_allowed {
            self.wrong_and_help(field, allowed, |text| help::one_of(text, &[allowed]));
        }
        is_allowed
    }
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
