//! Suggests what may have been meant instead. It decides nothing: a problem remains a problem.
//!
//! Every function returns an empty text where it has no suggestion.

use crate::model::limits::Limited;
use crate::sys::escape::escaped;
use crate::sys::similar::similar;

use super::problem::MAX_SHOWN;
use super::shape;

pub(super) fn unknown_field(name: &str, known: &[&str]) -> String {
    let maps: [(&str, &[&str]); 4] = [
        ("spec", &shape::SPEC),
        ("spec.source", &shape::SOURCE),
        ("metadata", &shape::METADATA),
        ("the document itself", &shape::MANIFEST),
    ];
    let belongs =
        |field: &str, map: &str| format!("{field} is a field of {map}: check the indentation");
    if let Some((map, _)) = maps.iter().find(|(_, fields)| fields.contains(&name)) {
        return belongs(name, map);
    }
    if let Some(meant) = similar(name, known).first() {
        return did_you_mean(meant);
    }
    let mut elsewhere = maps
        .iter()
        .filter_map(|(map, fields)| Some(belongs(similar(name, fields).first()?, map)));
    elsewhere.next().unwrap_or_default()
}

pub(super) fn one_of(word: &str, allowed: &[&str]) -> String {
    let meant = similar(word, allowed);
    meant
        .first()
        .map_or_else(String::new, |meant| did_you_mean(meant))
}

/// Suggests a boolean for a text that was one in YAML 1.1.
pub(super) fn boolean(word: &str) -> String {
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" => did_you_mean("true"),
        "false" | "no" | "n" | "off" => did_you_mean("false"),
        _ => String::new(),
    }
}

/// Suggests a valid text similar to an invalid one.
pub(super) fn text<T: Limited>(given: &str) -> String {
    let other_id = OTHER_IDS
        .iter()
        .find(|(prefix, _)| given.starts_with(prefix));
    if let Some((_, what)) = other_id {
        return (*what).to_owned();
    }
    let trimmed = given.trim();
    let low = trimmed.to_ascii_lowercase();
    // Without one or two characters that are not allowed; without more, or without a prefix, it would be another text.
    let is_foreign = |c: char| !c.is_ascii_alphanumeric() && !" _./()-".contains(c);
    let foreign = given.chars().filter(|c| is_foreign(*c)).count();
    let without =
        (foreign <= 2 && !given.starts_with("aws:")).then(|| given.replace(is_foreign, ""));
    let candidates = [
        trimmed.to_owned(),
        trimmed.replace(' ', "_"),
        low.clone(),
        low.replace([' ', '_'], "-"),
    ];
    let mut candidates = candidates.into_iter().chain(without);
    let meant = candidates.find(|text| T::limited(text.clone()).is_ok());
    meant.map_or_else(String::new, |text| did_you_mean(&escaped(&text, MAX_SHOWN)))
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
        "ws- is a WorkSpace: use the id of an image that was made of it, which begins with wsi-",
    ),
];

/// Suggests the map for a source that was written as a text.
pub(super) fn source(given: &str) -> String {
    let field = if given.starts_with("wsi-") {
        "imageId"
    } else {
        "imageName"
    };
    format!("write {{ {field}: {} }}", escaped(given, MAX_SHOWN))
}

fn did_you_mean(meant: &str) -> String {
    format!("did you mean {meant}?")
}
