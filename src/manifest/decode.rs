//! A document's tree to a [`DesiredImage`], collecting every problem by node number. It neither parses nor reads.

use std::collections::BTreeMap;

use super::fields::{Decoder, Field, Path, Shown};
use super::header::Header;
use super::help;
use super::problem::{MAX_SHOWN, Report};
use super::yaml::{Node, Value};
use super::{digest, shape};
use crate::model::image::{CreateWhen, DesiredImage, Place, Source};
use crate::model::subject::{Kind, Subject};
use crate::model::value::{Description, ImageId, ImageName, ManifestName, TagKey, TagValue, Tags};
use crate::sys::escape::escaped;

/// The nodes in which a manifest says what others may contradict.
#[derive(Debug, Clone, Copy)]
pub(super) struct Origin {
    pub(crate) name: u32,
    /// Same as `name` where the image name is the default.
    pub(crate) image_name: u32,
    pub(crate) source: u32,
}

/// Decodes a document, the `number`th of its file, if it is a valid manifest; counts it if it is another API group's.
pub(super) fn document(
    root: &Node<'_>,
    file: &str,
    number: usize,
    report: &mut Report,
    skipped: &mut usize,
) -> Option<(DesiredImage, Origin)> {
    let before = report.problems.count();
    let mut decoder = Decoder {
        document: number,
        report,
    };
    let entries = match &root.value {
        Value::Null => return None, // empty, or comments only
        Value::Map(entries) => entries,
        other => {
            decoder.problem(
                root.number,
                &Path::ROOT,
                format_args!("found {}", Shown(other)),
                format_args!(
                    "a manifest, which begins with apiVersion: {}",
                    shape::API_VERSION
                ),
            );
            return None;
        }
    };
    match decoder.header(root, entries) {
        Header::Foreign => {
            *skipped += 1;
            return None;
        }
        Header::Broken => return None,
        Header::Manifest => {}
    }
    let manifest = decoder.manifest(root, entries, file);
    // A value out of place, as an unknown field, leaves the rest readable but not to be acted on.
    manifest.filter(|_| report.problems.count() == before)
}

impl Decoder<'_> {
    fn manifest(
        &mut self,
        root: &Node<'_>,
        entries: &[(Node<'_>, Node<'_>)],
        file: &str,
    ) -> Option<(DesiredImage, Origin)> {
        let top = Path::ROOT;
        let [_, _, metadata, spec] = self.fields(entries, &top, shape::MANIFEST);
        let name = self
            .map(root.number, metadata, &top.field("metadata"))
            .and_then(|(key, entries)| {
                let path = top.field("metadata");
                let [name] = self.fields(entries, &path, shape::METADATA);
                self.text(key, name, &path.field("name"), ManifestName::parse)
            });
        let path = top.field("spec");
        let (key, entries) = self.map(root.number, spec, &path)?;
        let [image_name, source, description, tags, create_when, suspend] =
            self.fields(entries, &path, shape::SPEC);
        let image_name = match image_name {
            Some(_) => self.text(key, image_name, &path.field("imageName"), ImageName::parse),
            None => name
                .as_ref()
                .and_then(|(name, node)| self.default_image_name(name, *node)),
        };
        let source = self.source(key, source, &path.field("source"));
        let description = self.description(key, description, &path.field("description"));
        let tags = self.tags(tags, &path.field("tags"));
        let create_when = self.create_when(create_when, &path.field("createWhen"));
        let suspend = self.suspend(suspend, &path.field("suspend"));

        let (name, name_node) = name?;
        let (image_name, image_name_node) = image_name?;
        let (source, source_node) = source?;
        let mut image = DesiredImage {
            subject: Subject::new(Kind::UpdatedImage, name),
            image_name,
            source,
            description: description?,
            tags: tags?,
            create_when: create_when?,
            suspend: suspend?,
            place: Place {
                file: file.to_owned(),
                document: self.document,
            },
            digest: String::new(),
        };
        image.digest = digest::of_image(&image);
        let origin = Origin {
            name: name_node,
            image_name: image_name_node,
            source: source_node,
        };
        Some((image, origin))
    }

    fn default_image_name(&mut self, name: &ManifestName, node: u32) -> Option<(ImageName, u32)> {
        match ImageName::parse(name.as_str()) {
            Ok(image_name) => Some((image_name, node)),
            Err(e) => {
                self.problem(
                    node,
                    &Path::ROOT.field("metadata").field("name"),
                    format_args!(
                        "found \"{}\", which is no image name: {}",
                        escaped(name.as_str(), MAX_SHOWN),
                        e.problem
                    ),
                    format_args!("{}; or set spec.imageName", e.allowed),
                );
                None
            }
        }
    }

    fn source(
        &mut self,
        parent: u32,
        field: Option<Field<'_, '_>>,
        path: &Path<'_>,
    ) -> Option<(Source, u32)> {
        const ONE: &str = "either imageId or imageName";
        if let Some(field) = field
            && matches!(field.value.value, Value::Text(_))
        {
            self.wrong_and_help(field, path, format_args!("a map"), help::source);
            return None;
        }
        let (key, entries) = self.map(parent, field, path)?;
        match self.fields(entries, path, shape::SOURCE) {
            [None, None] => {
                self.problem(
                    key,
                    path,
                    format_args!("found neither imageId nor imageName"),
                    format_args!("{ONE}"),
                );
                None
            }
            [Some(id), None] => self
                .text(key, Some(id), &path.field("imageId"), ImageId::parse)
                .map(|(id, node)| (Source::ImageId(id), node)),
            [None, Some(name)] => self
                .text(key, Some(name), &path.field("imageName"), ImageName::parse)
                .map(|(name, node)| (Source::ImageName(name), node)),
            [Some(id), Some(name)] => {
                self.problem(
                    id.key.max(name.key),
                    path,
                    format_args!("found both imageId and imageName"),
                    format_args!("{ONE}"),
                );
                self.text_value(id, &path.field("imageId"), ImageId::parse);
                self.text_value(name, &path.field("imageName"), ImageName::parse);
                None
            }
        }
    }

    fn description(
        &mut self,
        parent: u32,
        field: Option<Field<'_, '_>>,
        path: &Path<'_>,
    ) -> Option<Description> {
        let (description, node) = self.text(parent, field, path, Description::parse)?;
        if description.as_str().contains('-') {
            self.warning(
                node,
                path,
                format_args!(
                    "found '-', which the AWS console is said not to accept in a description"
                ),
                format_args!("a description without '-', if people edit images in the console"),
            );
        }
        Some(description)
    }

    fn tags(&mut self, field: Option<Field<'_, '_>>, path: &Path<'_>) -> Option<Tags> {
        let Some(field) = field else {
            return Some(Tags::default());
        };
        let Value::Map(entries) = &field.value.value else {
            self.wrong(
                field,
                path,
                format_args!("a map of texts, each tag as key: value"),
            );
            return None;
        };
        let mut tags = BTreeMap::new();
        for (key, value) in entries {
            let Value::Text(name) = &key.value else {
                self.problem(
                    key.number,
                    path,
                    format_args!("found {} as a tag's key", Shown(&key.value)),
                    format_args!(
                        "{}, in quotes if it looks like a number or boolean",
                        TagKey::ALLOWED
                    ),
                );
                continue;
            };
            let path = path.field(name);
            let key_field = Field {
                key: key.number,
                value: key,
            };
            let value_field = Field {
                key: key.number,
                value,
            };
            let tag_key = self.text_value(key_field, &path, TagKey::parse);
            let tag_value = self.text_value(value_field, &path, TagValue::parse);
            let (Some(tag_key), Some(tag_value)) = (tag_key, tag_value) else {
                continue;
            };
            // The fields that nothing misses where they have slipped in here.
            if matches!(name.as_ref(), "imageName" | "createWhen" | "suspend") {
                self.warning(
                    key.number,
                    &path,
                    format_args!("found a tag that is named as a field of spec"),
                    format_args!("the field beside tags, indented as it is, if that was meant"),
                );
            }
            if tags.insert(tag_key, tag_value).is_some() {
                self.problem(
                    key.number,
                    &path,
                    format_args!("found the tag a second time"),
                    format_args!("each tag once"),
                );
            }
        }
        match Tags::new(tags) {
            Ok(tags) => Some(tags),
            Err(e) => {
                self.problem(
                    field.key,
                    path,
                    format_args!("found {}", e.problem),
                    format_args!("{}", e.allowed),
                );
                None
            }
        }
    }

    fn create_when(&mut self, field: Option<Field<'_, '_>>, path: &Path<'_>) -> Option<CreateWhen> {
        let Some(field) = field else {
            return Some(CreateWhen::Always);
        };
        if let Value::Text(text) = &field.value.value {
            let mut known = CreateWhen::ALL.into_iter();
            if let Some(when) = known.find(|when| when.as_str() == text) {
                return Some(when);
            }
        }
        let allowed = format_args!("Always or UpdateAvailable");
        self.wrong_and_help(field, path, allowed, |text| {
            help::one_of(text, &CreateWhen::ALL.map(CreateWhen::as_str))
        });
        None
    }

    fn suspend(&mut self, field: Option<Field<'_, '_>>, path: &Path<'_>) -> Option<bool> {
        let Some(field) = field else {
            return Some(false);
        };
        if let Value::Bool(suspend) = field.value.value {
            return Some(suspend);
        }
        let allowed = format_args!("true or false, without quotes");
        self.wrong_and_help(field, path, allowed, help::boolean);
        None
    }
}
