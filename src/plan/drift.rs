//! How an image differs from its manifest. Only what is known is compared.
//!
//! Images cannot change, so a manifest that changes after its image exists has no effect.

use std::collections::BTreeSet;

use crate::model::image::{DesiredImage, ObservedImage};
use crate::model::reason::Reason;
use crate::state::status::{ConditionStatus, ConditionType, CreatedWith, Difference, ImageStatus};

/// How an image differs from its manifest, and whether repave has a record of creating it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drift {
    pub differences: Vec<Difference>,
    /// The image's id, if repave has no record of creating it.
    pub adopted: Option<String>,
}

impl Drift {
    /// Compares a listed image with its manifest; `source` is the id of the manifest's source, if it is known.
    pub(super) fn of_listed(
        image: &DesiredImage,
        listed: &ObservedImage,
        entry: Option<&ImageStatus>,
        source: Option<&str>,
    ) -> Self {
        let record = entry.and_then(|entry| entry.created_with.as_ref());
        // A listing without the id says nothing new about which image it is.
        let has_id = !listed.id.is_empty();
        let record =
            record.filter(|record| !has_id || record.image_id.as_ref() == Some(&listed.id));
        Self {
            differences: differences(image, listed.description.as_deref(), record, source),
            adopted: (has_id && record.is_none()).then(|| listed.id.clone()),
        }
    }

    /// Compares an image that exists, but is not in the listing.
    pub(super) fn of_unlisted(
        image: &DesiredImage,
        entry: &ImageStatus,
        source: Option<&str>,
    ) -> Self {
        let record = entry
            .created_with
            .as_ref()
            .filter(|record| record.image_id.is_some());
        Self {
            differences: differences(image, None, record, source),
            adopted: None,
        }
    }

    pub(super) fn conditions(
        &self,
    ) -> impl Iterator<Item = (ConditionType, ConditionStatus, Reason, String)> {
        let drifted = (!self.differences.is_empty()).then(|| {
            let message = in_words(&self.differences);
            (
                ConditionType::Drifted,
                ConditionStatus::True,
                Reason::Drifted,
                message,
            )
        });
        let adopted = self.adopted.as_ref().map(|id| {
            let message =
                format!("repave has no record of creating {id}; source and tags are not compared");
            (
                ConditionType::Adopted,
                ConditionStatus::True,
                Reason::Adopted,
                message,
            )
        });
        drifted.into_iter().chain(adopted)
    }
}

fn differences(
    image: &DesiredImage,
    listed: Option<&str>,
    record: Option<&CreatedWith>,
    source: Option<&str>,
) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut compare = |field: &str, is: Option<&str>, declared: Option<&str>| {
        if is != declared {
            found.push(Difference {
                field: field.to_owned(),
                image: is.map(str::to_owned),
                manifest: declared.map(str::to_owned),
            });
        }
    };
    let recorded = record.map(|record| record.description.as_str());
    if let Some(description) = listed.or(recorded) {
        compare(
            "description",
            Some(description),
            Some(image.description.as_str()),
        );
    }
    let Some(record) = record else {
        return found;
    };
    if let Some(source) = source {
        compare("source", Some(&record.source_image_id), Some(source));
    }
    let declared = |key: &str| {
        image
            .tags
            .iter()
            .find(|(declared, _)| declared.as_str() == key)
    };
    let keys = image.tags.iter().map(|(key, _)| key.as_str());
    let keys: BTreeSet<&str> = keys.chain(record.tags.keys().map(String::as_str)).collect();
    for key in keys {
        let declared = declared(key).map(|(_, value)| value.as_str());
        compare(
            &format!("tags.{key}"),
            record.tags.get(key).map(String::as_str),
            declared,
        );
    }
    found
}

/// Returns the differences as text, not escaped.
fn in_words(differences: &[Difference]) -> String {
    let value = |value: &Option<String>| match value {
        Some(value) => format!("{value:?}"),
        None => "none".to_owned(),
    };
    let each = differences.iter().map(|difference| {
        let Difference {
            field,
            image,
            manifest,
        } = difference;
        format!(
            "{field} is {} in the image and {} in the manifest",
            value(image),
            value(manifest)
        )
    });
    let each: Vec<String> = each.collect();
    each.join("; ")
}
