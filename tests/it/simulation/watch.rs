//! What must hold at every call, told from the wire, the account and the disk alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use jiff::Timestamp;
use repave::simulator::Account;
use repave::simulator::wire::{CreateUpdatedImage, ListedImage};
use repave::state::file::read_any;
use repave::state::status::{ConditionStatus, ConditionType, Status};
use repave::state::store::StoreError;

use crate::world::SETTLE;

/// What came back from a create, as far as the client can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It had no effect.
    Refused,
    /// It may have had, or had.
    Effect,
}

/// The listing that was begun last.
#[derive(Debug, Default)]
enum Listing {
    #[default]
    None,
    Begun(Vec<ListedImage>),
    Complete(Vec<ListedImage>),
}

/// Remembers what was delivered, and finds what must not be.
#[derive(Debug, Default)]
pub struct Watch {
    listing: Listing,
    /// Ids and names that a delivered page showed AVAILABLE.
    available: BTreeSet<(String, String)>,
    /// The status on disk at the last two calls.
    disk: Option<Status>,
    before: Option<Status>,
    /// The last create of each name: when by repave's clock, and what came back.
    sent: BTreeMap<String, (Timestamp, Heard)>,
    /// How many creates of each name were sent since the status file began.
    counts: BTreeMap<String, u32>,
    /// What was found.
    pub found: Vec<String>,
}

impl Watch {
    fn must(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.found.push(what());
        }
    }

    /// Reads the status on disk: one whole document, and Ready only for what was seen AVAILABLE.
    pub fn look(&mut self, path: &Path) {
        let status = match read_any(path) {
            Ok(Ok(status)) => Some(status),
            Err(StoreError::File(error)) if error.is_not_found() => None,
            Ok(Err(why)) => return self.must(false, || format!("the status is not whole: {why}")),
            Err(error) => return self.must(false, || format!("the status: {error}")),
        };
        for entry in status.iter().flat_map(|status| &status.images) {
            let ready = entry
                .condition(ConditionType::Ready)
                .is_some_and(|ready| ready.status == ConditionStatus::True);
            let seen = entry.image_id.as_ref().is_some_and(|id| {
                let key = (id.clone(), entry.image_name.to_string());
                self.available.contains(&key)
            });
            self.must(!ready || seen, || {
                format!("{} is Ready and was never seen AVAILABLE", entry.image_name)
            });
        }
        self.before = std::mem::replace(&mut self.disk, status);
    }

    /// At most one image of each name; each create has had effect at most once.
    pub fn account(&mut self, account: &Account) {
        let mut names = BTreeSet::new();
        for (id, image) in account.images() {
            let new = names.insert(&image.name);
            self.must(new, || {
                format!("two images of the name {}: {id}", image.name)
            });
        }
    }

    /// The record of a create says what its image was made with, and a difference has the image's value.
    pub fn records(&mut self, account: &Account) {
        let entries = self.disk.iter().flat_map(|status| status.images.clone());
        for entry in entries.collect::<Vec<_>>() {
            let Some(record) = &entry.created_with else {
                continue;
            };
            let made = account
                .images()
                .find(|(id, _)| record.image_id.as_deref() == Some(id.as_str()));
            let Some((id, image)) = made else {
                continue;
            };
            let is = (
                image.source.as_ref().map(ToString::to_string),
                image.description.as_ref().map(ToString::to_string),
                &image.tags,
            );
            let recorded = (
                Some(record.source_image_id.clone()),
                Some(record.description.clone()),
                &record.tags,
            );
            self.must(is == recorded, || {
                format!("{id} is {is:?}, recorded {recorded:?}")
            });
        }
    }

    /// A listing begins.
    pub fn begin_listing(&mut self) {
        self.listing = Listing::Begun(Vec::new());
    }

    /// A page reached the client.
    pub fn page(&mut self, images: &[ListedImage], last: bool) {
        for image in images {
            if let (Some(id), Some(name), Some("AVAILABLE")) =
                (&image.image_id, &image.name, image.state.as_deref())
            {
                self.available.insert((id.clone(), name.clone()));
            }
        }
        if let Listing::Begun(pages) = &mut self.listing {
            pages.extend_from_slice(images);
            if last {
                self.listing = Listing::Complete(std::mem::take(pages));
            }
        }
    }

    /// A create is about to be sent, at this time by repave's clock. Only a clock that runs evenly is held to times.
    pub fn create(&mut self, input: &CreateUpdatedImage, now: Timestamp, even: bool) {
        let name = input.name.clone().unwrap_or_default();
        match &self.listing {
            Listing::Complete(images) => {
                let listed = images
                    .iter()
                    .any(|image| image.name.as_ref() == Some(&name));
                let source = images.iter().any(|image| {
                    image.image_id == input.source_image_id
                        && image.state.as_deref() == Some("AVAILABLE")
                });
                self.must(!listed, || format!("create {name}, and it was listed"));
                self.must(source, || {
                    format!("create {name}, and its source was not listed AVAILABLE")
                });
            }
            Listing::None | Listing::Begun(_) => self.must(false, || {
                format!("create {name} without a listing that was complete")
            }),
        }
        let entry = |status: &Option<Status>| {
            let images = &status.as_ref()?.images;
            images
                .iter()
                .find(|entry| entry.image_name.as_str() == name)
                .cloned()
        };
        let (marked, before) = (entry(&self.disk), entry(&self.before));
        let count = self.counts.entry(name.clone()).or_default();
        *count += 1;
        let count = *count;
        let mark = marked.filter(|entry| entry.create_requested_at.is_some());
        let attempts = mark.map(|entry| entry.attempts);
        self.must(attempts.is_some_and(|attempts| attempts >= count), || {
            format!("create {name} for the {count}. time, marked on disk: {attempts:?}")
        });
        if !even {
            return;
        }
        let due = before.and_then(|entry| entry.next_retry_at);
        self.must(due.is_none_or(|due| due <= now), || {
            format!("create {name} before its retry was due at {due:?}")
        });
        if let Some((last, heard)) = self.sent.get(&name).copied() {
            let passed = now.duration_since(last);
            let least = match heard {
                Heard::Refused => jiff::SignedDuration::from_secs(5),
                Heard::Effect => SETTLE,
            };
            self.must(passed >= least, || {
                format!("create {name} again after {passed:#}, the last one was {heard:?}")
            });
        }
    }

    /// What came back from a create that was sent at this time.
    pub fn answered(&mut self, name: &str, sent: Timestamp, heard: Heard) {
        self.sent.insert(name.to_owned(), (sent, heard));
    }

    /// The process is gone, and with `forgets` the status file too.
    pub fn restart(&mut self, forgets: bool) {
        self.listing = Listing::None;
        if forgets {
            self.sent.clear();
            self.counts.clear();
            (self.disk, self.before) = (None, None);
        }
    }
}
