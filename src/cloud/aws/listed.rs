//! Converts images of the SDK to images of repave.

use aws_sdk_workspaces::types;

use crate::cloud::cut;
use crate::model::image::{ImageState, ObservedImage, OperatingSystem};

/// Converts a listed image. Every field of the SDK is optional, and a missing field stays unknown.
pub(super) fn observed(image: types::WorkspaceImage) -> ObservedImage {
    let mut errors: Vec<(String, String)> = Vec::new();
    let mut add = |code: Option<String>, message: Option<String>| {
        let error = (
            cut(code.unwrap_or_default()),
            cut(message.unwrap_or_default()),
        );
        if error != Default::default() && !errors.contains(&error) {
            errors.push(error);
        }
    };
    add(image.error_code, image.error_message);
    for detail in image.error_details.unwrap_or_default() {
        add(
            detail.error_code.map(|code| code.as_str().to_owned()),
            detail.error_message,
        );
    }
    let updates = image
        .updates
        .map(|updates| (updates.update_available, updates.description));
    let (update_available, update) = updates.unwrap_or_default();
    ObservedImage {
        id: image.image_id.unwrap_or_default(),
        name: image.name,
        description: image.description,
        state: match image.state {
            Some(types::WorkspaceImageState::Available) => ImageState::Available,
            Some(types::WorkspaceImageState::Pending) => ImageState::Pending,
            Some(types::WorkspaceImageState::Error) => ImageState::Error,
            Some(other) => ImageState::Unknown(other.as_str().to_owned()),
            None => ImageState::Unknown(String::new()),
        },
        operating_system: match image.operating_system.and_then(|system| system.r#type) {
            Some(types::OperatingSystemType::Windows) => OperatingSystem::Windows,
            Some(types::OperatingSystemType::Linux) => OperatingSystem::Linux,
            Some(_) | None => OperatingSystem::Unknown,
        },
        update_available,
        update,
        // Parsing changes fractions of a second, so only whole seconds can be compared.
        created: image
            .created
            .and_then(|created| jiff::Timestamp::from_second(created.secs()).ok()),
        errors,
        owner: image.owner_account_id,
    }
}
