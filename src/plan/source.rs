//! The answer for a missing image, from its source: rows 9 to 14.

use super::answer::{Answer, Awaits};
use crate::cloud::{CreateImage, Step};
use crate::model::image::{CreateWhen, DesiredImage, ImageState, ObservedImage, OperatingSystem};
use crate::model::reason::Reason;

/// Row 9: the source does not exist.
pub(super) fn not_found(what: &str) -> Answer {
    Answer::blocked(
        Reason::SourceImageNotFound,
        format!(
            "{what} is not an image of the account in this Region. An image that another account shares must be copied first"
        ),
    )
}

/// Rows 10 to 14: the source is known.
pub(super) fn create_from(image: &DesiredImage, source: &ObservedImage) -> Answer {
    if source.id.is_empty() {
        let message = "the source is listed without an id, so no image can be created from it";
        return Answer::wait(Reason::SourceImageNotAvailable, Awaits::Time, message);
    }
    let id = shown(source);
    match &source.state {
        ImageState::Available => {}
        ImageState::Pending => {
            return Answer::wait(
                Reason::SourceImageNotAvailable,
                Awaits::Time,
                format!("source {id} is PENDING"),
            );
        }
        ImageState::Error => {
            let why = errors(source)
                .map(|errors| format!(": {errors}"))
                .unwrap_or_default();
            return Answer::blocked(
                Reason::SourceImageFailed,
                format!("source {id} is in state ERROR{why}. Use another source"),
            );
        }
        ImageState::Unknown(state) => {
            return Answer::wait(
                Reason::SourceImageNotAvailable,
                Awaits::Time,
                format!("source {id} is in state {state:?}, which this version does not know"),
            );
        }
    }
    match source.operating_system {
        OperatingSystem::Linux => {
            return Answer::blocked(
                Reason::UpdateNotSupported,
                format!("source {id} is a Linux image; AWS updates Windows images only"),
            );
        }
        OperatingSystem::Windows | OperatingSystem::Unknown => {}
    }
    match (image.create_when, source.update_available) {
        (CreateWhen::UpdateAvailable, None | Some(false)) => Answer::wait(
            Reason::NoUpdateAvailable,
            Awaits::Change,
            format!("AWS reports no update for source {id}"),
        ),
        (CreateWhen::UpdateAvailable, Some(true)) | (CreateWhen::Always, _) => {
            Answer::Do(Step::CreateImage(CreateImage {
                name: image.image_name.clone(),
                description: image.description.clone(),
                source_id: source.id.clone(),
                tags: image.tags.clone(),
            }))
        }
    }
}

/// The answer for an image whose declared source does not exist yet: it depends on the source's answer.
pub(super) fn waits_for_declared(name: &str, source: &Answer) -> Answer {
    let reason = Reason::SourceImageNotAvailable;
    let message =
        |why: &dyn std::fmt::Display| format!("source {name} is declared but not built yet{why}");
    match source {
        Answer::Do(_) | Answer::Ready(_) => Answer::wait(reason, Awaits::Time, message(&"")),
        Answer::Wait(wait) => {
            let awaits = match wait.awaits {
                Awaits::Time | Awaits::Build => Awaits::Time,
                Awaits::Change => Awaits::Change,
            };
            Answer::wait(reason, awaits, message(&format_args!(" ({})", wait.reason)))
        }
        Answer::Blocked(blocked) => {
            Answer::blocked(reason, message(&format_args!(" ({})", blocked.reason)))
        }
    }
}

/// Returns the name and the id of an image: "Gold_2026-08 (wsi-0a1b2c3d4e5f)".
fn shown(image: &ObservedImage) -> String {
    match &image.name {
        Some(name) => format!("{name} ({})", image.id),
        None => image.id.clone(),
    }
}

/// Returns the images' ids as text.
pub(super) fn ids(images: &[&ObservedImage]) -> String {
    let ids: Vec<&str> = images.iter().map(|image| image.id.as_str()).collect();
    ids.join(", ")
}

/// Returns the errors that the service reports for an image.
pub(super) fn errors(image: &ObservedImage) -> Option<String> {
    let mut texts: Vec<String> = image
        .errors
        .iter()
        .map(
            |(code, message)| match (code.is_empty(), message.is_empty()) {
                (false, false) => format!("{code} ({message})"),
                (false, true) => code.clone(),
                (true, _) => message.clone(),
            },
        )
        .filter(|text| !text.is_empty())
        .collect();
    // The service's order has no meaning, so a different order must not change the message.
    texts.sort();
    (!texts.is_empty()).then(|| texts.join("; "))
}
