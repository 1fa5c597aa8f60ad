//! The limits that the service model sets on a request. It knows nothing of an account.
//!
//! Which of two codes a wrong value gets is assumed. A value outside the model (missing, too long, another pattern, no
//! member of an enum) is `ValidationException`, as the front of AWS's JSON services answers, with its wording. A value
//! that fits the model but not the service's further rules (`aws:` keys, a key twice, more than 50 tags, a foreign page
//! token) is `InvalidParameterValuesException`, which the model lists.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::model::value::{Description, ImageId, ImageName, TagKey, Tags};

use super::roles::{Arn, Wanted, is_name_byte};
use super::sts::Form;
use super::wire::{CreateUpdatedImage, DescribeImages, ServiceError, Tag};

const ID_PATTERN: &str = "wsi-[0-9a-z]{9,63}$";
const NAME_PATTERN: &str = "^[a-zA-Z0-9_./()\\\\-]+$";
const DESCRIPTION_PATTERN: &str = "^[a-zA-Z0-9_./() -]+$";
/// The most ids in one request, and the most images on a page (model).
const MAX_LISTED: usize = 25;
/// The longest page token (model).
const MAX_TOKEN: usize = 2048;

/// Collects what is wrong with a request's members.
#[derive(Debug, Default)]
struct Violations(Vec<String>);

impl Violations {
    fn add(&mut self, member: &str, value: Option<&str>, constraint: &str) {
        let value = value.map_or("null".into(), |value| format!("'{value}'"));
        self.0.push(format!(
            "Value {value} at '{member}' failed to satisfy constraint: {constraint}"
        ));
    }

    fn required<'a, T: ?Sized>(&mut self, member: &str, value: Option<&'a T>) -> Option<&'a T> {
        if value.is_none() {
            self.add(member, None, "Member must not be null");
        }
        value
    }

    /// Checks a text's length in characters.
    fn length(&mut self, member: &str, text: &str, least: usize, most: usize) -> bool {
        let length = text.chars().count();
        if length < least {
            let constraint = format!("Member must have length greater than or equal to {least}");
            self.add(member, Some(text), &constraint);
        } else if length > most {
            let constraint = format!("Member must have length less than or equal to {most}");
            self.add(member, Some(text), &constraint);
        }
        (least..=most).contains(&length)
    }

    /// Checks a text against a pattern, by the type that knows it.
    fn pattern<T>(
        &mut self,
        member: &str,
        text: &str,
        pattern: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = parse(text);
        if value.is_none() {
            let constraint = format!("Member must satisfy regular expression pattern: {pattern}");
            self.add(member, Some(text), &constraint);
        }
        value
    }

    fn image_id(&mut self, member: &str, text: Option<&str>) -> Option<ImageId> {
        let text = self.required(member, text)?;
        self.pattern(member, text, ID_PATTERN, |text| ImageId::parse(text).ok())
    }

    fn tags(&mut self, tags: &[Tag]) {
        for (at, tag) in (1..).zip(tags) {
            let key = format!("tags.{at}.member.key");
            if let Some(text) = self.required(&key, tag.key.as_deref()) {
                self.length(&key, text, 1, 127);
            }
            if let Some(text) = &tag.value {
                self.length(&format!("tags.{at}.member.value"), text, 0, 255);
            }
        }
    }

    /// Returns the value, or an error if there were violations; a missing value is a violation.
    fn value<T>(self, value: Option<T>) -> Result<T, ServiceError> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => {
                let errors = if self.0.len() == 1 { "error" } else { "errors" };
                let count = self.0.len();
                let list = self.0.join("; ");
                Err(ServiceError::new(
                    "ValidationException",
                    format!("{count} validation {errors} detected: {list}"),
                ))
            }
        }
    }
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new("InvalidParameterValuesException", message)
}

/// A valid `DescribeWorkspaceImages`; the token is still opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValidListing {
    pub(super) ids: Option<Vec<ImageId>>,
    /// Whether images shared with the account are asked for, or its own; both if `None`.
    pub(super) shared: Option<bool>,
    pub(super) token: Option<String>,
    pub(super) page_size: usize,
}

pub(super) fn describe_images(input: &DescribeImages) -> Result<ValidListing, ServiceError> {
    let mut violations = Violations::default();
    let ids = input.image_ids.as_ref().map(|ids| {
        if !(1..=MAX_LISTED).contains(&ids.len()) {
            violations.add(
                "imageIds",
                Some(&format!("[{}]", ids.join(", "))),
                &format!("Member must have length between 1 and {MAX_LISTED}, inclusive"),
            );
        }
        (1..)
            .zip(ids)
            .filter_map(|(at, id)| violations.image_id(&format!("imageIds.{at}.member"), Some(id)))
            .collect()
    });
    let shared = match input.image_type.as_deref() {
        None => None,
        Some("OWNED") => Some(false),
        Some("SHARED") => Some(true),
        Some(other) => {
            violations.add(
                "imageType",
                Some(other),
                "Member must satisfy enum value set: [SHARED, OWNED]",
            );
            None
        }
    };
    if let Some(token) = &input.next_token {
        violations.length("nextToken", token, 1, MAX_TOKEN);
    }
    let page_size = match input.max_results.map(usize::try_from) {
        None => MAX_LISTED,
        Some(Ok(size @ 1..=MAX_LISTED)) => size,
        Some(_) => {
            let value = input.max_results.map(|n| n.to_string());
            let constraint =
                format!("Member must have value between 1 and {MAX_LISTED}, inclusive");
            violations.add("maxResults", value.as_deref(), &constraint);
            MAX_LISTED
        }
    };
    violations.value(Some(ValidListing {
        ids,
        shared,
        token: input.next_token.clone(),
        page_size,
    }))
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValidCreate {
    pub(super) name: ImageName,
    pub(super) description: Description,
    pub(super) source: ImageId,
    pub(super) tags: BTreeMap<String, String>,
}

pub(super) fn create_updated_image(
    input: &CreateUpdatedImage,
) -> Result<ValidCreate, ServiceError> {
    let mut violations = Violations::default();
    let sent = input.tags.as_deref().unwrap_or_default();
    let name = violations
        .required("name", input.name.as_deref())
        .filter(|text| violations.length("name", text, 1, 64));
    let name = name.and_then(|text| {
        violations.pattern("name", text, NAME_PATTERN, |text| {
            ImageName::parse(text).ok()
        })
    });
    let description = violations
        .required("description", input.description.as_deref())
        .filter(|text| violations.length("description", text, 1, 256));
    let description = description.and_then(|text| {
        violations.pattern("description", text, DESCRIPTION_PATTERN, |text| {
            Description::parse(text).ok()
        })
    });
    let source = violations.image_id("sourceImageId", input.source_image_id.as_deref());
    violations.tags(sent);
    let values = name.zip(description).zip(source);
    let ((name, description), source) = violations.value(values)?;
    let tags = tag_map(sent)?;
    if tags.len() > Tags::MAX {
        // The create's own limit error means the image quota, so that it isn't this.
        return Err(invalid(format!(
            "{} tags; a resource may have at most {}",
            tags.len(),
            Tags::MAX
        )));
    }
    Ok(ValidCreate {
        name,
        description,
        source,
        tags,
    })
}

/// Checks an image id that is required.
pub(super) fn image_id(member: &str, text: Option<&str>) -> Result<ImageId, ServiceError> {
    let mut violations = Violations::default();
    let id = violations.image_id(member, text);
    violations.value(id)
}

/// Checks a resource id, which may be any text that is not empty.
pub(super) fn resource_id(text: Option<&str>) -> Result<&str, ServiceError> {
    let mut violations = Violations::default();
    let id = violations
        .required("resourceId", text)
        .filter(|text| violations.length("resourceId", text, 1, usize::MAX));
    violations.value(id)
}

/// Checks the tags of a `CreateTags`, which are required.
pub(super) fn required_tags(
    tags: Option<&[Tag]>,
) -> Result<BTreeMap<String, String>, ServiceError> {
    let mut violations = Violations::default();
    let tags = violations.required("tags", tags);
    if let Some(tags) = tags {
        violations.tags(tags);
    }
    tag_map(violations.value(tags)?)
}

/// The rules for tags beyond the model.
fn tag_map(tags: &[Tag]) -> Result<BTreeMap<String, String>, ServiceError> {
    let mut map = BTreeMap::new();
    for tag in tags {
        let key = tag.key.as_deref().unwrap_or_default();
        TagKey::parse(key).map_err(|e| invalid(format!("Tag key '{key}': {e}")))?;
        let value = tag.value.clone().unwrap_or_default();
        if map.insert(key.to_owned(), value).is_some() {
            return Err(invalid(format!("Tag key '{key}' is given twice")));
        }
    }
    Ok(map)
}

/// Holds AssumeRole to the service model of STS (2011-06-15), whose code for all of it is `ValidationError`.
pub(super) fn assume_role(form: &Form) -> Result<Wanted<'_>, ServiceError> {
    let of_sts = |error| ServiceError {
        code: "ValidationError".into(),
        ..error
    };
    let mut violations = Violations::default();
    let role_arn = violations
        .required("roleArn", form.get("RoleArn"))
        .filter(|text| violations.length("roleArn", text, 20, 2048));
    let session = violations
        .required("roleSessionName", form.get("RoleSessionName"))
        .filter(|text| violations.length("roleSessionName", text, 2, 64));
    let is_name = |text: &str| text.bytes().all(is_name_byte).then_some(());
    let pattern = "[\\w+=,.@-]*";
    let session = session.filter(|text| {
        violations
            .pattern("roleSessionName", text, pattern, is_name)
            .is_some()
    });
    let external_id = form.get("ExternalId");
    if let Some(text) = external_id
        && violations.length("externalId", text, 2, 1224)
    {
        let is_id = |text: &str| text.bytes().all(|b| is_name_byte(b) || b":/".contains(&b));
        let is_id = |text: &str| is_id(text).then_some(());
        violations.pattern("externalId", text, "[\\w+=,.@:\\/-]*", is_id);
    }
    let seconds = form.get("DurationSeconds").map_or(Ok(3600), str::parse);
    let constraint = match seconds {
        Ok(900..=43200) => None,
        Ok(..900) => Some("Member must have value greater than or equal to 900"),
        Ok(_) => Some("Member must have value less than or equal to 43200"),
        Err(_) => Some("Member must be a number"),
    };
    if let Some(constraint) = constraint {
        violations.add("durationSeconds", form.get("DurationSeconds"), constraint);
    }
    let values = role_arn.zip(session);
    let (role_arn, session) = violations.value(values).map_err(of_sts)?;
    if Arn::parse(role_arn).and_then(Arn::role_name).is_none() {
        let message = format!("{role_arn} is invalid");
        return Err(ServiceError::new("ValidationError", message));
    }
    Ok(Wanted {
        role_arn,
        session,
        external_id,
        duration: SignedDuration::from_secs(seconds.unwrap_or_default()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(change: impl FnOnce(&mut CreateUpdatedImage)) -> String {
        let mut input = CreateUpdatedImage {
            name: Some("Finance_2026".into()),
            description: Some("Finance desktop".into()),
            source_image_id: Some("wsi-0123456789ab".into()),
            tags: None,
        };
        change(&mut input);
        outcome(create_updated_image(&input))
    }

    fn outcome<T>(result: Result<T, ServiceError>) -> String {
        result.map_or_else(|e| format!("{}: {}", e.code, e.message), |_| "valid".into())
    }

    fn tag(key: &str, value: &str) -> Tag {
        Tag {
            key: Some(key.into()),
            value: Some(value.into()),
        }
    }

    #[test]
    fn a_create_is_held_to_the_models_limits() {
        let validation = "ValidationException: 1 validation error detected: ";
        let invalid = "InvalidParameterValuesException: ";
        for (answer, begins) in [
            (create(|_| {}), "valid".to_owned()),
            (create(|i| i.name = Some("a".repeat(64))), "valid".into()),
            (
                create(|i| {
                    i.tags = Some(vec![
                        tag("team", ""),
                        Tag {
                            key: Some("k".into()),
                            value: None,
                        },
                    ]);
                }),
                "valid".into(),
            ),
            (
                create(|i| i.name = None),
                format!(
                    "{validation}Value null at 'name' failed to satisfy constraint: Member must not be null"
                ),
            ),
            (
                create(|i| i.name = Some(String::new())),
                format!(
                    "{validation}Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1"
                ),
            ),
            (
                create(|i| i.name = Some("a".repeat(65))),
                format!(
                    "{validation}Value '{}' at 'name' failed to satisfy constraint: Member must have length less than or equal to 64",
                    "a".repeat(65)
                ),
            ),
            (
                create(|i| i.name = Some("a b".into())),
                format!(
                    "{validation}Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9_./()\\\\-]+$"
                ),
            ),
            (
                create(|i| i.description = Some("a, b".into())),
                format!("{validation}Value 'a, b' at 'description'"),
            ),
            (
                create(|i| i.description = Some("d".repeat(257))),
                format!("{validation}Value 'd"),
            ),
            (
                create(|i| i.source_image_id = Some("ami-0123456789".into())),
                format!("{validation}Value 'ami-0123456789' at 'sourceImageId'"),
            ),
            (
                create(|i| {
                    i.name = None;
                    i.description = None;
                }),
                "ValidationException: 2 validation errors detected: ".into(),
            ),
            (
                create(|i| i.tags = Some(vec![tag("", "")])),
                format!("{validation}Value '' at 'tags.1.member.key'"),
            ),
            (
                create(|i| i.tags = Some(vec![Tag::default()])),
                format!("{validation}Value null at 'tags.1.member.key'"),
            ),
            (
                create(|i| i.tags = Some(vec![tag("k", &"v".repeat(256))])),
                format!("{validation}Value 'v"),
            ),
            (
                create(|i| i.tags = Some(vec![tag("aws:x", "")])),
                format!("{invalid}Tag key 'aws:x'"),
            ),
            (
                create(|i| i.tags = Some(vec![tag("k", "1"), tag("k", "2")])),
                format!("{invalid}Tag key 'k' is given twice"),
            ),
            (
                create(|i| i.tags = Some((0..51).map(|n| tag(&format!("k{n}"), "")).collect())),
                format!("{invalid}51 tags"),
            ),
        ] {
            assert!(answer.starts_with(&begins), "{answer}\nand not\n{begins}");
        }
    }

    #[test]
    fn a_listing_is_held_to_the_models_limits() {
        let ids = |n: usize| Some((0..n).map(|n| format!("wsi-{n:09}")).collect());
        for (input, valid) in [
            (DescribeImages::default(), true),
            (
                DescribeImages {
                    image_ids: ids(25),
                    image_type: Some("OWNED".into()),
                    max_results: Some(25),
                    next_token: Some("t".into()),
                },
                true,
            ),
            (
                DescribeImages {
                    image_ids: ids(0),
                    ..Default::default()
                },
                false,
            ),
            (
                DescribeImages {
                    image_ids: ids(26),
                    ..Default::default()
                },
                false,
            ),
            (
                DescribeImages {
                    image_ids: Some(vec!["wsi-1".into()]),
                    ..Default::default()
                },
                false,
            ),
            (
                DescribeImages {
                    image_type: Some("owned".into()),
                    ..Default::default()
                },
                false,
            ),
            (
                DescribeImages {
                    max_results: Some(0),
                    ..Default::default()
                },
                false,
            ),
            (
                DescribeImages {
                    max_results: Some(26),
                    ..Default::default()
                },
                false,
            ),
            (
                DescribeImages {
                    max_results: Some(-1),
                    ..Default::default()
                },
                false,
            ),
            (
                DescribeImages {
                    next_token: Some(String::new()),
                    ..Default::default()
                },
                false,
            ),
            (
                DescribeImages {
                    next_token: Some("t".repeat(2049)),
                    ..Default::default()
                },
                false,
            ),
        ] {
            let result = describe_images(&input);
            assert_eq!(result.is_ok(), valid, "{input:?}: {result:?}");
            assert!(result.is_ok() || outcome(result).starts_with("ValidationException: 1 "));
        }
    }
}
