//! Reads a listing in pages: complete, or an error.

use std::collections::BTreeSet;
use std::future::Future;

use super::error::ApiError;
use crate::model::image::{Observed, ObservedImage};

/// One page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Page {
    /// The images of the page. A page can be empty even if more pages follow.
    pub images: Vec<ObservedImage>,
    /// The token for the next page.
    pub next_token: Option<String>,
}

/// The maximum number of pages: 25,000 images, far above any quota. An endless listing would fill the memory.
const MAX_PAGES: usize = 1000;

/// Reads all pages. A repeated token is an error: the listing has no end, or has gaps.
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
        // The last page has no token. An empty token cannot be sent.
        match page.next_token.filter(|next| !next.is_empty()) {
            None => return Ok(Observed::new(images)),
            Some(next) if !seen.insert(next.clone()) => {
                return Err(ApiError::broken_listing(
                    "the service returned a page token twice, so the image list may be incomplete"
                        .into(),
                ));
            }
            Some(next) => token = Some(next),
        }
    }
    Err(ApiError::broken_listing(format!(
        "the image list has more than {MAX_PAGES} pages"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::image::{ImageState, OperatingSystem};

    fn listed(id: &str) -> ObservedImage {
        ObservedImage {
            description: None,
            id: id.into(),
            name: None,
            state: ImageState::Available,
            operating_system: OperatingSystem::Windows,
            update_available: None,
            update: None,
            created: None,
            errors: Vec::new(),
            owner: None,
        }
    }

    /// Reads pages with these tokens. Returns the tokens that were sent, and the result.
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
    async fn the_number_of_pages_is_limited() {
        let tokens: Vec<String> = (0..=MAX_PAGES).map(|n| n.to_string()).collect();
        let endless: Vec<_> = tokens.iter().map(|token| Some(token.as_str())).collect();
        let mut longest = endless[..MAX_PAGES].to_vec();
        longest[MAX_PAGES - 1] = None;
        assert_eq!(read(&longest).await.1, Ok(MAX_PAGES));
        let (asked, result) = read(&endless).await;
        assert_eq!(asked.len(), MAX_PAGES);
        assert!(result.unwrap_err().contains("more than"));
    }
}
