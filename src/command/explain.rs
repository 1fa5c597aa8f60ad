//! `repave explain`: what a reason or code means, and why an image is not ready. It works offline: it reads only the
//! status file and the manifests.

use std::path::Path;

use super::screen::Screen;
use crate::cli::Explain;
use crate::manifest;
use crate::model::outcome::{ExitCode, Outcome};
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
        show_json(screen, &outcome, &topics, None, None);
        return Ok(outcome);
    };
    let mut topics = explain::find(word);
    let status_file = arguments.status.path();
    let status = read_status(&status_file);
    let images = status.as_ref().map_or(&[][..], |status| &status.images);
    let image = images
        .iter()
        .filter(|image| !image.is_memory_only())
        .find(|image| image.name.as_str() == word || image.image_name.as_str() == word);
    let mut texts = Vec::new();
    let mut manifest = None;
    if let Some(image) = image {
        texts.push(show::image_text(image, clock.now_in_seconds(), columns));
        for topic in topics_of(image) {
            if !topics.contains(&topic) {
                topics.push(topic);
            }
        }
    } else if topics.is_empty() {
        let place = declared(&arguments.manifests, word, images)?;
        texts.push(format!(
            "image {word}, declared in {place}\n\n  {} does not contain the image: no pass has checked it yet.\n  \
             repave plan shows what the next pass would do.\n",
            status_file.display()
        ));
        manifest = Some(place);
    }
    if !topics.is_empty() {
        texts.push(show::explained_text(&topics, columns));
    }
    let outcome = Outcome::new(ExitCode::Done, format!("explained {word}"));
    screen.text(&texts.join("\n"));
    show_json(screen, &outcome, &topics, image, manifest);
    Ok(outcome)
}

fn show_json(
    screen: &mut Screen<'_>,
    outcome: &Outcome,
    topics: &[Topic],
    image: Option<&ImageStatus>,
    manifest: Option<String>,
) {
    let body = Explanation {
        topics,
        image,
        manifest,
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

/// Returns where an image that is not in the status is declared, or the outcome if nothing has this name.
fn declared(manifests: &Path, word: &str, known: &[ImageStatus]) -> Result<String, Outcome> {
    let options = manifest::Options { allow_empty: true };
    let mut names: Vec<&str> = known
        .iter()
        .flat_map(|image| [image.name.as_str(), image.image_name.as_str()])
        .collect();
    let loaded = manifest::load(manifests, &options);
    let mut unread = String::new();
    match &loaded {
        Ok(loaded) => {
            for image in &loaded.desired {
                if image.subject.name.as_str() == word || image.image_name.as_str() == word {
                    return Ok(image.place.to_string());
                }
                names.extend([image.subject.name.as_str(), image.image_name.as_str()]);
            }
        }
        Err(invalid) => {
            let problems = counted(invalid.problems.len(), "problem");
            unread = format!("; the manifests have {problems}, so they were not searched");
        }
    }
    let meant = match explain::like(word, &names) {
        none if none.is_empty() => "; repave explain lists all topics".to_owned(),
        meant => did_you_mean(&meant),
    };
    let words = format!("no topic or image is named {word:?}{unread}{meant}");
    Err(Outcome::new(ExitCode::Usage, words))
}
