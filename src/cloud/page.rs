//! A listing that comes in pages: read whole, or an error.

use std::collections::BTreeSet;
use std::future::Future;

use super::error::ApiError;
use crate::model::image::{Observed, ObservedImage};

/// One page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// The images on it; there may be none even where more pages follow.
    pub images: Vec<ObservedImage>,
    /// What to ask the next page with.
    pub next_token: Option<String>,
}

/// The most pages that are read: 25,000 images, far beyond any quota. A listing without an end would fill the memory.
const MAX_PAGES: usize = 1000;

/// Reads pages until the last one. A token that was seen before is an error: such a listing has no end, or holes.
pub(crate) async fn all_pages<F, Fut>(fetch: F) -> Result<Observed, ApiError>
where
    F: Fn(Option<String>) -> Fut + Send,
    Fut: Future<Output = Result<Page, ApiError>> + Send,
{
    let mut images = Vec::new();
    let mut seen = BTreeSet::new();
    let mut token = None;
    for _ in 0..MAX_PAGES {
        let page = fetch(token).await?;
        images.extend(page.images);
        // The service ends a listing without a token; an empty one can't be asked with.
        match page.next_token.filter(|next| !next.is_empty()) {
            None => return Ok(Observed::new(images)),
            Some(next) if !seen.insert(next.clone()) => {
                return Err(ApiError::broken_listing(
                    "the service gave a page token twice, so the listing cannot be read to its end"
                        .into(),
                ));
            }
            Some(next) => token = Some(next),
        }
    }
    Err(ApiError::broken_listing(format!(
        "the listing has no end after {MAX_PAGES} pages"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::image::{ImageState, OperatingSystem};

    fn listed(id: &str) -> ObservedImage {
        ObservedImage {
            id: id.into(),
            name: None,
            state: ImageState::Available,
            operating_system: OperatingSystem::Windows,
            update_available: None,
            created: None,
            errors: Vec::new(),
            owner: None,
        }
    }

    /// Reads pages with these tokens; gives how many were asked for, with which tokens, and what came of it.
    async fn read(tokens: &[Option<&str>]) -> (Vec<Option<String>>, Result<usize, String>) {
        let asked = std::sync::Mutex::new(Vec::new());
        let observed = all_pages(async |token| {
            let mut asked = asked.lock().unwrap();
            let images = vec![listed(&asked.len().to_string())];
            let next_token = tokens[asked.len()].map(str::to_owned);
            asked.push(token);
            Ok(Page { images, next_token })
        })
        .await;
        let result = observed
            .map(|observed| observed.len())
            .map_err(|error| error.to_string());
        (asked.into_inner().unwrap(), result)
    }

    #[tokio::test]
    async fn a_listing_ends_with_the_first_page_that_has_no_token_or_an_empty_one() {
        for (tokens, asked, images) in [
            (&[None][..], &[None][..], Ok(1)),
            (&[Some("")], &[None], Ok(1)),
            (&[Some("a"), None], &[None, Some("a")], Ok(2)),
            (&[Some("a"), Some("")], &[None, Some("a")], Ok(2)),
            (
                &[Some("a"), Some("b"), None],
                &[None, Some("a"), Some("b")],
                Ok(3),
            ),
            (&[Some("a"), Some("a")], &[None, Some("a")], Err("twice")),
            (
                &[Some("a"), Some("b"), Some("a")],
                &[None, Some("a"), Some("b")],
                Err("twice"),
            ),
        ] {
            let (sent, result) = read(tokens).await;
            let sent: Vec<_> = sent.iter().map(Option::as_deref).collect();
            assert_eq!(sent, asked, "{tokens:?}");
            match (&result, images) {
                (Ok(found), Ok(images)) => assert_eq!(*found, images, "{tokens:?}"),
                (Err(why), Err(says)) => assert!(why.contains(says), "{why}"),
                _ => panic!("{tokens:?}: {result:?}"),
            }
        }
    }

    #[tokio::test]
    async fn so_many_pages_are_read_and_no_more() {
        let tokens: Vec<String> = (0..=MAX_PAGES).map(|n| n.to_string()).collect();
        let endless: Vec<_> = tokens.iter().map(|token| Some(token.as_str())).collect();
        let mut longest = endless[..MAX_PAGES].to_vec();
        longest[MAX_PAGES - 1] = None;
        assert_eq!(read(&longest).await.1, Ok(MAX_PAGES));
        let (asked, result) = read(&endless).await;
        assert_eq!(asked.len(), MAX_PAGES);
        assert!(result.unwrap_err().contains("no end"));
    }
}
