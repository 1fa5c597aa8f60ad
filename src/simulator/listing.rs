//! Pages of a listing and the tokens between them. It reads images and changes none.
//!
//! A token is all that a listing remembers: which listing it is, after which image it goes on, and what was asked for. So
//! it stays valid as long as the account does, and the pages of one listing agree on which new images they lack.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::model::image::{ImageState, OperatingSystem};
use crate::model::value::ImageId;

use super::settings::Settings;
use super::stock::{Image, Tenancy};
use super::validate::ValidListing;
use super::wire::{ErrorDetail, ListedImage, System, Updates};

/// Where a listing goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Which listing, counted over the account's life; images to be listed from a later one are missing.
    pub(super) listing: u64,
    /// How many empty pages were put in, so that no token comes twice.
    pub(super) empty_pages: u32,
    /// Whether the listing goes no further than this.
    pub(super) stuck: bool,
    /// The id of the last image listed; empty at the beginning.
    pub(super) after: String,
}

impl Position {
    /// The token for this position in a listing of what was asked for.
    pub(super) fn token(&self, asked: &ValidListing) -> String {
        let Self {
            listing,
            empty_pages,
            stuck,
            after,
        } = self;
        let text = format!("{listing} {empty_pages} {stuck} {after}");
        format!("{}{}", checksum(&text, asked), hex(text.as_bytes()))
    }

    /// Reads a token back. There is none in a text that [`token`](Self::token) didn't give for the same question.
    pub(super) fn of_token(token: &str, asked: &ValidListing) -> Option<Self> {
        let (sum, text) = token.split_at_checked(CHECKSUM_LENGTH)?;
        let text = String::from_utf8(unhex(text)?).ok()?;
        if sum != checksum(&text, asked) {
            return None;
        }
        let mut parts = text.splitn(4, ' ');
        Some(Self {
            listing: parts.next()?.parse().ok()?,
            empty_pages: parts.next()?.parse().ok()?,
            stuck: parts.next()?.parse().ok()?,
            after: parts.next()?.to_owned(),
        })
    }
}

/// The length of a token's checksum in hexadecimal digits.
const CHECKSUM_LENGTH: usize = 16;

fn checksum(text: &str, asked: &ValidListing) -> String {
    let mut digest = Sha256::new();
    // The page size may change between pages, the question may not.
    digest.update(format!("{text}\n{:?}\n", asked.shared));
    for id in asked.ids.iter().flatten() {
        digest.update(format!("{id}\n"));
    }
    let mut sum = hex(&digest.finalize());
    sum.truncate(CHECKSUM_LENGTH);
    sum
}

/// The bytes in lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok())
        .collect()
}

/// The images of the page at a position, each with its name, and the position after them, unless they are the last.
pub(super) fn page(
    images: &BTreeMap<ImageId, Image>,
    settings: &Settings,
    asked: &ValidListing,
    position: &Position,
    now: Timestamp,
) -> (Vec<ListedImage>, Option<Position>) {
    let size = asked
        .page_size
        .min(usize::from(settings.page_size.clamp(1, 25)));
    let mut found = images
        .iter()
        .filter(|(id, _)| id.as_str() > position.after.as_str())
        .filter(|(_, image)| image.listed_from <= position.listing)
        .filter(|(_, image)| {
            asked
                .shared
                .is_none_or(|it| it == image.shared_by.is_some())
        })
        .filter(|(id, _)| asked.ids.as_ref().is_none_or(|ids| ids.contains(id)));
    let page: Vec<_> = found.by_ref().take(size).collect();
    let next = found.next().and(page.last()).map(|(id, _)| Position {
        after: id.to_string(),
        ..position.clone()
    });
    let listed = page
        .into_iter()
        .map(|(id, image)| listed(id, image, settings, now))
        .collect();
    (listed, next)
}

/// An image as a listing shows it.
fn listed(id: &ImageId, image: &Image, settings: &Settings, now: Timestamp) -> ListedImage {
    let (state, error) = match image.state(now) {
        ImageState::Pending => ("PENDING", None),
        ImageState::Available => ("AVAILABLE", None),
        ImageState::Error => ("ERROR", image.build_error.as_ref()),
        ImageState::Unknown(_) => ("", None),
    };
    let system = match image.operating_system() {
        OperatingSystem::Windows => "WINDOWS",
        OperatingSystem::Linux => "LINUX",
        OperatingSystem::Unknown => "",
    };
    let tenancy = match image.tenancy {
        Tenancy::Default => "DEFAULT",
        Tenancy::Dedicated => "DEDICATED",
    };
    let owner = image.shared_by.as_ref().unwrap_or(&settings.account_id);
    ListedImage {
        image_id: Some(id.to_string()),
        name: Some(image.name.to_string()),
        description: image.description.as_ref().map(ToString::to_string),
        operating_system: Some(System {
            r#type: system.into(),
        }),
        state: Some(state.into()),
        required_tenancy: Some(tenancy.into()),
        error_code: error.map(|e| e.code.clone()),
        error_message: error.map(|e| e.message.clone()),
        created: image.created.time(),
        owner_account_id: Some(owner.clone()),
        updates: image.update.as_ref().map(|update| Updates {
            update_available: update.available,
            description: update.description.clone(),
        }),
        error_details: error
            .map(|e| e.details.as_slice())
            .unwrap_or_default()
            .iter()
            .map(|(code, message)| ErrorDetail {
                error_code: code.clone(),
                error_message: message.clone(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_only_whole_and_for_the_same_question() {
        let asked = ValidListing {
            ids: None,
            shared: Some(false),
            token: None,
            page_size: 25,
        };
        let position = Position {
            listing: 7,
            empty_pages: 1,
            stuck: false,
            after: "wsi-0123456789ab".into(),
        };
        let token = position.token(&asked);
        let smaller_pages = ValidListing {
            page_size: 2,
            ..asked.clone()
        };
        assert_eq!(Position::of_token(&token, &smaller_pages), Some(position));
        let shared = ValidListing {
            shared: None,
            ..asked.clone()
        };
        assert_eq!(Position::of_token(&token, &shared), None);
        for wrong in [
            "",
            "a",
            "é",
            &token[1..],
            &format!("{token}00"),
            "0123456789abcdefg!",
            &token.replace('7', "8"),
        ] {
            assert_eq!(Position::of_token(wrong, &asked), None, "{wrong}");
        }
    }
}
