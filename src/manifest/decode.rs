//! A document's tree to a [`DesiredImage`], with every problem.

use std::collections::BTreeMap;

use super::fields::{Decoder, Field, Path};
use super::header::Header;
use super::problem::Report;
use super::span::{self, Span};
use super::yaml::{Node, Value};
use super::{digest, help, shape};
use crate::model::image::{CreateWhen, DesiredImage, Place, Source};
use crate::model::limits::Limited as _;
use crate::model::subject::{Kind, Subject};
use crate::model::value::{Description, ImageId, ImageName, ManifestName, TagKey, TagValue, Tags};

/// Where a manifest declares what other manifests may contradict.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(super) name: Span,
    /// Equal to `name` where the image name is the default.
    pub(super) image_name: Span,
    pub(super) source: Span,
}

/// What a document is.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every document is an image"
)]
pub(super) enum Decoded {
    Image(DesiredImage, Origin),
    /// Another API group's.
    Foreign,
    /// Empty, or reported.
    Nothing,
}

/// Decodes a document, the `number`th of its file.
pub(super) fn document(
    root: &Node<'_>,
    file: &str,
    number: usize,
    source: &span::Source<'_>,
    report: &mut Report,
) -> Decoded {
    let before = report.problems.count();
    let mut decoder = Decoder {
        document: number,
        report,
        source,
    };
    let place = Place {
        file: file.to_owned(),
        document: number,
    };
    match decoder.document(root, place) {
        // With a problem anywhere, such as an unknown field, a manifest is not used.
        Decoded::Image(..) if report.problems.count() > before => Decoded::Nothing,
        other @ (Decoded::Image(..) | Decoded::Foreign | Decoded::Nothing) => other,
    }
}

impl Decoder<'_, '_> {
    fn document(&mut self, root: &Node<'_>, place: Place) -> Decoded {
        let entries = match &root.value {
            Value::Null => return Decoded::Nothing,
            Value::Map(entries) => entries,
            other @ (Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_)) => {
                self.problem_and_help(
                    root.span,
                    Path::ROOT,
                    format_args!("found {other}"),
                    help::manifest(),
                    || help::other_document(other),
                );
                return Decoded::Nothing;
            }
        };
        match self.header(root.span, entries) {
            Header::Foreign => return Decoded::Foreign,
            Header::Broken => return Decoded::Nothing,
            Header::Manifest => {}
        }
        let [_, _, metadata, spec] = self.fields((root.span, entries), "", shape::MANIFEST);
        let image = self.manifest(metadata, spec, place);
        image.map_or(Decoded::Nothing, |(image, origin)| {
            Decoded::Image(image, origin)
        })
    }

    fn manifest(
        &mut self,
        metadata: Field<'_, '_>,
        spec: Field<'_, '_>,
        place: Place,
    ) -> Option<(DesiredImage, Origin)> {
        let name = self.map(metadata, &shape::METADATA, ", ").and_then(|map| {
            let [name] = self.fields(map, "metadata", shape::METADATA);
            self.text::<ManifestName>(name)
        });
        let map = self.map(spec, &shape::SPEC, ", ")?;
        let [image_name, source, description, tags, create_when, suspend] =
            self.fields(map, "spec", shape::SPEC);
        let image_name = match image_name.value {
            Some(_) => self.text(image_name),
            None => name
                .as_ref()
                .and_then(|(name, span)| self.default_image_name(name, *span)),
        };
        let source = self.source(source);
        let description = self
            .text(description)
            .inspect(|(text, span)| self.warn_of_hyphen(text, *span));
        let tags = self.tags(tags);
        let create_when = self.create_when(create_when);
        let suspend = self.suspend(suspend);

        let (name, name_span) = name?;
        let (image_name, image_name_span) = image_name?;
        let (source, source_span) = source?;
        let mut image = DesiredImage {
            subject: Subject::new(Kind::UpdatedImage, name),
            image_name,
            source,
            description: description?.0,
            tags: tags?,
            create_when: create_when?,
            suspend: suspend?,
            place,
            digest: String::new(),
        };
        image.digest = digest::of_image(&image);
        let origin = Origin {
            name: name_span,
            image_name: image_name_span,
            source: source_span,
        };
        Some((image, origin))
    }

    fn default_image_name(&mut self, name: &ManifestName, span: Span) -> Option<(ImageName, Span)> {
        let parsed = ImageName::parse(name.as_str()).map_err(|e| {
            self.problem(
                span,
                Path {
                    map: "metadata",
                    key: "name",
                },
                format_args!(
                    "found {}, which is not an image name: {}",
                    Value::Text(name.as_str().into()),
                    e.problem
                ),
                format_args!("{}; or set spec.imageName", e.allowed),
            );
        });
        Some((parsed.ok()?, span))
    }

    fn source(&mut self, field: Field<'_, '_>) -> Option<(Source, Span)> {
        if field.text().is_some() {
            let allowed = "a map with imageId or imageName";
            self.wrong_and_help(field, allowed, help::source, String::new);
            return None;
        }
        let (key, entries) = self.map(field, &shape::SOURCE, " or ")?;
        let [id, name] = self.fields((key, entries), "spec.source", shape::SOURCE);
        let (key, found) = match (id.value, name.value) {
            (None, None) => (key, "found neither imageId nor imageName"),
            (Some(_), None) => {
                let id = self.text_and_help(id, help::image_id);
                return id.map(|(id, span)| (Source::ImageId(id), span));
            }
            (None, Some(_)) => {
                let path = name.path;
                let (name, span) = self.text::<ImageName>(name)?;
                if ImageId::parse(name.as_str()).is_ok() {
                    let (found, allowed) = (
                        "found an id in place of the name of an image",
                        "the name of an image; write an id as imageId",
                    );
                    self.warning(span, path, found, allowed);
                }
                return Some((Source::ImageName(name), span));
            }
            (Some(_), Some(_)) => {
                self.text::<ImageId>(id);
                self.text::<ImageName>(name);
                (id.key.max(name.key), "found both imageId and imageName")
            }
        };
        self.problem(key, field.path, found, "either imageId or imageName");
        None
    }

    fn warn_of_hyphen(&mut self, description: &Description, span: Span) {
        if description.as_str().contains('-') {
            self.warning(
                span,
                Path {
                    map: "spec",
                    key: "description",
                },
                "found '-', which the AWS console may not accept in a description",
                "a description without '-', if people edit images in the console",
            );
        }
    }

    fn tags(&mut self, field: Field<'_, '_>) -> Option<Tags> {
        let entries = match field.value {
            None => return Some(Tags::default()),
            Some(Node {
                value: Value::Map(entries),
                ..
            }) => entries,
            Some(Node {
                span,
                value: Value::List(items),
            }) => {
                let allowed = "a map, each tag as one line key: value";
                self.problem_and_help(*span, field.path, "found a list", allowed, || {
                    help::listed_tags(items)
                });
                return None;
            }
            Some(_) => {
                self.wrong(field, "a map, each tag as one line key: value");
                return None;
            }
        };
        let mut tags = BTreeMap::new();
        for (key, value) in entries {
            let Some(name) = key.text() else {
                let source = self.source;
                self.problem_and_help(
                    key.span,
                    field.path,
                    format_args!("found {} as the key of a tag", key.value),
                    TagKey::LIMITS.allowed,
                    || help::quotes::<TagKey>(source.of(key.span)),
                );
                continue;
            };
            let of = |value| Field {
                path: Path {
                    map: "spec.tags",
                    key: name,
                },
                key: key.span,
                value: Some(value),
            };
            let path = of(key).path;
            let (tag_key, tag_value) = (
                self.text::<TagKey>(of(key)),
                self.text::<TagValue>(of(value)),
            );
            let (Some((tag_key, _)), Some((tag_value, _))) = (tag_key, tag_value) else {
                continue;
            };
            // The optional fields, which nothing misses if they are indented too far.
            if matches!(name, "imageName" | "createWhen" | "suspend") {
                self.warning(
                    key.span,
                    path,
                    "found a tag that is named like a field of spec",
                    "if you meant the field, the same indentation as tags",
                );
            }
            if tags.insert(tag_key, tag_value).is_some() {
                self.problem(
                    key.span,
                    path,
                    "found the tag a second time",
                    "each tag once",
                );
            }
        }
        let tags = Tags::new(tags);
        tags.map_err(|e| {
            self.problem(
                field.key,
                field.path,
                format_args!("found {}", e.problem),
                e.allowed,
            );
        })
        .ok()
    }

    fn create_when(&mut self, field: Field<'_, '_>) -> Option<CreateWhen> {
        if field.value.is_none() {
            return Some(CreateWhen::Always);
        }
        let known = CreateWhen::ALL
            .into_iter()
            .find(|when| field.text() == Some(when.as_str()));
        if known.is_none() {
            let all = CreateWhen::ALL.map(CreateWhen::as_str);
            let meant = |text: &str| help::one_of(text, &all);
            self.wrong_and_help(field, all.join(" or "), meant, String::new);
        }
        known
    }

    fn suspend(&mut self, field: Field<'_, '_>) -> Option<bool> {
        match field.value {
            None => Some(false),
            Some(Node {
                value: Value::Bool(suspend),
                ..
            }) => Some(*suspend),
            Some(_) => {
                let allowed = "true or false, without quotes";
                self.wrong_and_help(field, allowed, help::boolean, String::new);
                None
            }
        }
    }
}
