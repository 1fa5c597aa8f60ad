//! `repave explain`: what a reason or code means, and why an image is not ready. It works offline: it reads only the
//! status file and the manifests.

use std::path::Path;

use super::screen::Screen;
use super::select::{Names, meant};
use crate::cli::Explain;
use crate::manifest;
use crate::model::image::DesiredImage;
use crate::model::outcome::{ExitCode, Outcome};
use crate::model::value::ImageName;
use crate::show::explain::{self, Topic};
use crate::show::{self, Explanation};
use crate::state::file;
use crate::state::status::{ConditionType, ImageStatus, Status};
use crate::state::store::StoreError;
use crate::sys::clock::Clock;
use crate::sys::escape::{escaped, with_causes};
use crate::sys::similar::did_you_mean;
use crate::sys::words::counted;

pub(super) fn run(
    arguments: &Explain,
    screen: &mut Screen<'_>,
    clock: Clock,
) -> Result<Outcome, Outcome> {
    let columns = screen.columns();
    let Some(word) = arguments.topic.as_deref().map(str::trim) else {
        let topics = explain::topics();
        let outcome = Outcome::new(ExitCode::Done, counted(topics.len(), "topic"));
        screen.text(&show::topics_text(&topics, columns));
        show_json(screen, &outcome, &topics, &Found::default());
        return Ok(outcome);
    };
    let mut topics = explain::find(word);
    let status_file = arguments.status.path();
    let status = read_status(&status_file);
    let entries = status.as_ref().map_or(&[][..], |status| &status.images);
    let found = find(word, entries, &arguments.manifests, !topics.is_empty())?;
    let mut texts = Vec::new();
    texts.extend(about(word, &found, !topics.is_empty()));
    for image in &found.images {
        texts.push(show::image_text(image, clock.now_in_seconds(), columns));
        for topic in topics_of(image) {
            if !topics.contains(&topic) {
                topics.push(topic);
            }
        }
    }
    for (name, place) in &found.declared {
        texts.push(format!(
            "image {name}, declared in {place}\n\n  {} does not contain the image: no pass has checked it yet.\n  \
             repave plan shows what the next pass would do.\n",
            status_file.display()
        ));
    }
    if !topics.is_empty() {
        texts.push(show::explained_text(&topics, columns));
    }
    let outcome = Outcome::new(ExitCode::Done, format!("explained {word}"));
    screen.text(&texts.join("\n"));
    show_json(screen, &outcome, &topics, &found);
    Ok(outcome)
}

/// The images that a word means.
#[derive(Default)]
struct Found<'a> {
    /// Those in the status file.
    images: Vec<&'a ImageStatus>,
    /// The names of the others, with the places where they are declared.
    declared: Vec<(ImageName, String)>,
    /// Whether the word is the ID of their source.
    is_source: bool,
}

/// Returns what else the word means than one thing, as a line above the explanations.
fn about(word: &str, found: &Found<'_>, is_topic: bool) -> Option<String> {
    let images = found.images.len() + found.declared.len();
    let images = match images {
        0 => return None,
        1 => "an image".to_owned(),
        count => counted(count, "image"),
    };
    let is = if found.is_source {
        "the ID of the source"
    } else {
        "the name"
    };
    match (is_topic, images.as_str(), found.is_source) {
        (true, ..) => Some(format!("{word} is {is} of {images}, and a topic.\n")),
        (false, "an image", false) => None,
        (false, ..) => Some(format!("{word} is {is} of {images}.\n")),
    }
}

fn show_json(screen: &mut Screen<'_>, outcome: &Outcome, topics: &[Topic], found: &Found<'_>) {
    let body = Explanation {
        topics,
        images: &found.images,
        manifests: found.declared.iter().map(|(_, place)| place).collect(),
    };
    screen.json(show::DocumentKind::Explanation, outcome, &body);
}

/// Returns the status, if there is one that can be read: topics can be explained without it.
fn read_status(file: &Path) -> Option<Status> {
    let path = file.display();
    match file::read_any(file) {
        Ok(Ok(status)) => Some(status),
        Ok(Err(why)) => {
            tracing::warn!("ignored {path}: {why}");
            None
        }
        Err(StoreError::File(error)) if error.is_not_found() => None,
        Err(error) => {
            tracing::warn!("{}", escaped(&with_causes(&error), 800));
            None
        }
    }
}

/// Returns the reasons of the image, and the error codes that came with them.
fn topics_of(image: &ImageStatus) -> Vec<Topic> {
    let ready = image.condition(ConditionType::Ready);
    let mut topics: Vec<Topic> = image
        .conditions
        .iter()
        .filter_map(|c| Topic::of(c.reason))
        .collect();
    if let Some(error) = &image.last_error {
        topics.extend(Topic::of(error.reason));
        let code = error.code.as_deref().unwrap_or_default();
        let codes = explain::find(code).into_iter();
        topics.extend(codes.filter(|topic| topic.kind == explain::Group::ErrorCode));
    }
    if let Some(ready) = ready {
        topics.extend(explain::image_errors_in(&ready.message));
    }
    let mut once = Vec::new();
    for topic in topics {
        if !once.contains(&topic) {
            once.push(topic);
        }
    }
    once
}

/// Returns the images that the word means: those in the status file, otherwise those that the manifests declare. If there
/// are none and the word is not a topic, returns the outcome.
fn find<'a>(
    word: &str,
    entries: &'a [ImageStatus],
    manifests: &Path,
    is_topic: bool,
) -> Result<Found<'a>, Outcome> {
    let known: Vec<&ImageStatus> = entries
        .iter()
        .filter(|image| !image.is_memory_only())
        .collect();
    let names: Vec<Names<'_>> = known.iter().map(|image| Names::from(*image)).collect();
    let mut found = Found::default();
    for index in meant(word, &names) {
        found.is_source = !names[index].is_own(word);
        found.images.push(known[index]);
    }
    if !found.images.is_empty() {
        return Ok(found);
    }
    let loaded = manifest::load(manifests, &manifest::Options { allow_empty: true });
    let desired: Vec<&DesiredImage> = loaded.iter().flat_map(|loaded| &loaded.desired).collect();
    let declared: Vec<Names<'_>> = desired.iter().map(|image| Names::from(*image)).collect();
    for index in meant(word, &declared) {
        let image = desired[index];
        found.is_source = !declared[index].is_own(word);
        let entry = known
            .iter()
            .find(|entry| entry.image_name == image.image_name);
        if let Some(entry) = entry {
            found.images.push(entry);
        } else {
            let place = image.place.to_string();
            found.declared.push((image.image_name.clone(), place));
        }
    }
    if is_topic || !found.images.is_empty() || !found.declared.is_empty() {
        return Ok(found);
    }
    let unread = match &loaded {
        Ok(_) => String::new(),
        Err(invalid) => {
            let problems = counted(invalid.problems.len(), "problem");
            format!("; the manifests have {problems}, so they were not searched")
        }
    };
    let names: Vec<&str> = names
        .into_iter()
        .chain(declared)
        .flat_map(Names::all)
        .collect();
    let hint = match explain::like(word, &names) {
        none if none.is_empty() => "; repave explain lists all topics".to_owned(),
        near => did_you_mean(&near),
    };
    let words = format!("no topic or image has the name or ID {word:?}{unread}{hint}");
    Err(Outcome::new(ExitCode::Usage, words))
}
