//! Pages of a listing and the tokens between them. It reads images and changes none.
//!
//! A token is all that a listing remembers: which listing it is, after which image it continues, and what was asked for. So
//! it stays valid as long as the account does, and the pages of one listing agree on which new images they lack.

use jiff::Timestamp;

use crate::model::value::ImageId;
use crate::sys::digest;

use super::account::Account;
use super::stock::{Detail, Image, State};
use super::validate::ValidListing;
use super::wire::{ErrorDetail, ListedImage, OperatingSystem, Updates};

/// The place where a listing continues.
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
    /// Returns the token for this position in a listing of what was asked for.
    pub(super) fn token(&self, asked: &ValidListing) -> String {
        let Self {
            listing,
            empty_pages,
            stuck,
            after,
        } = self;
        let text = format!("{listing}.{empty_pages}.{stuck}.{after}");
        format!("{}.{text}", checksum(&text, asked))
    }

    /// Reads a token back. Returns `None` for a text that [`token`](Self::token) did not give for the same question.
    pub(super) fn of_token(token: &str, asked: &ValidListing) -> Option<Self> {
        let (sum, text) = token.split_once('.')?;
        if sum != checksum(text, asked) {
            return None;
        }
        let mut parts = text.splitn(4, '.');
        Some(Self {
            listing: parts.next()?.parse().ok()?,
            empty_pages: parts.next()?.parse().ok()?,
            stuck: parts.next()?.parse().ok()?,
            after: parts.next()?.to_owned(),
        })
    }
}

/// The page size may change between pages, the question may not.
fn checksum(text: &str, asked: &ValidListing) -> String {
    let ValidListing { ids, shared, .. } = asked;
    digest::hexadecimal(format!("{text} {shared:?} {ids:?}").as_bytes(), 8)
}

/// Returns the images of the page at a position, and the position after them, unless they are the last.
pub(super) fn page(
    account: &Account,
    asked: &ValidListing,
    position: &Position,
    now: Timestamp,
) -> (Vec<ListedImage>, Option<Position>) {
    let size = asked.page_size.min(usize::from(account.page_size));
    let mut found = account
        .images
        .iter()
        .filter(|(id, _)| id.as_str() > position.after.as_str())
        .filter(|(_, image)| image.is_listed(position.listing))
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
        .map(|(id, image)| listed(id, image, account, now))
        .collect();
    (listed, next)
}

fn listed(id: &ImageId, image: &Image, account: &Account, now: Timestamp) -> ListedImage {
    let state = image.state(account.age(now));
    let error = (state == State::Error).then(|| image.build_error());
    let owner = image.shared_by.as_ref().unwrap_or(&account.account_id);
    ListedImage {
        image_id: Some(id.to_string()),
        name: Some(image.name.to_string()),
        description: image.description.as_ref().map(ToString::to_string),
        operating_system: Some(OperatingSystem {
            r#type: image.operating_system,
        }),
        state: Some(state.as_str().into()),
        required_tenancy: Some(image.tenancy),
        error_code: error.as_ref().map(|error| error.code.clone()),
        error_message: error.as_ref().map(|error| error.message.clone()),
        created: image.created,
        owner_account_id: Some(owner.clone()),
        updates: image.update_available.map(|update_available| Updates {
            update_available,
            description: image.update_description.as_ref().map(ToString::to_string),
        }),
        error_details: error
            .into_iter()
            .flat_map(|error| error.details)
            .map(|Detail { code, message }| ErrorDetail {
                error_code: code,
                error_message: message,
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
