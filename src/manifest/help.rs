//! What somebody may have meant who wrote something else. It decides nothing: a problem stays a problem.

use crate::sys::escape::escaped;
use crate::sys::similar::similar;

use super::problem::MAX_SHOWN;
use super::shape;

/// Words for a person; empty where nothing comes to mind.
pub(super) fn unknown_field(name: &str, known: &[&'static str]) -> String {
    let maps: [(&str, &[&str]); 4] = [
        ("spec", &shape::SPEC),
        ("spec.source", &shape::SOURCE),
        ("metadata", &shape::METADATA),
        ("the document itself", &shape::MANIFEST),
    ];
    let mut place = maps.into_iter().find_map(|(map, fields)| {
        let field = fields.iter().find(|field| **field == name)?;
        Some((map, *field))
    });
    if place.is_none() {
        let among = |fields: &[&'static str]| similar(name, fields).first().copied();
        if let Some(meant) = among(known) {
            return did_you_mean(meant);
        }
        let mut maps = maps.into_iter();
        place = maps.find_map(|(map, fields)| Some((map, among(fields)?)));
    }
    place.map_or_else(String::new, |(map, field)| {
        format!("{field} is a field of {map}: look at the indentation")
    })
}

/// The word among those that are allowed.
pub(super) fn one_of(word: &str, allowed: &[&str]) -> String {
    similar(word, allowed)
        .first()
        .map_or_else(String::new, |meant| did_you_mean(meant))
}

/// What YAML 1.1 took for a boolean, and repave does not.
pub(super) fn boolean(word: &str) -> String {
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" => did_you_mean("true"),
        "false" | "no" | "n" | "off" => did_you_mean("false"),
        _ => String::new(),
    }
}

/// A text that would be taken, near the one that is not.
pub(super) fn text(given: &str, is_valid: impl Fn(&str) -> bool) -> String {
    if let Some(what) = other_id(given) {
        return what.to_owned();
    }
    let low = given.trim().to_ascii_lowercase();
    // Without a sign or two that may not stand there; more, or a prefix, would make another text of it.
    let is_foreign = |c: char| !c.is_ascii_alphanumeric() && !" _./()-".contains(c);
    let some = given.chars().filter(|c| is_foreign(*c)).count();
    let without = (some <= 2 && !given.starts_with("aws:")).then(|| given.replace(is_foreign, ""));
    let candidates = [
        given.trim().to_owned(),
        given.trim().replace(' ', "_"),
        low.clone(),
        low.replace([' ', '_'], "-"),
    ];
    let mut candidates = candidates.into_iter().chain(without);
    let meant = candidates.find(|text| is_valid(text));
    meant.map_or_else(String::new, |text| did_you_mean(&escaped(&text, MAX_SHOWN)))
}

/// Ids that stand beside images' in the console.
fn other_id(given: &str) -> Option<&'static str> {
    let ids = [
        (
            "wsb-",
            "wsb- is a bundle: take the id of the image that it was made of, which begins with wsi-",
        ),
        (
            "ami-",
            "ami- is an image of EC2: take the id of the WorkSpaces image, which begins with wsi-",
        ),
        (
            "ws-",
            "ws- is a WorkSpace: take the id of an image that was made of it, which begins with wsi-",
        ),
    ];
    let (_, what) = ids
        .into_iter()
        .find(|(begin, _)| given.starts_with(begin))?;
    Some(what)
}

/// A source that was written where its map stands.
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
