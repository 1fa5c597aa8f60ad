//! The images that an account holds, and each one's state at a time. It knows no calls.

use std::collections::BTreeMap;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::value::{Description, ImageId, ImageName};
use crate::sys::digest;

/// Returns the time so long after another, and never before it.
pub(super) fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by.max(SignedDuration::ZERO))
        .unwrap_or(Timestamp::MAX)
}

/// Whether an image runs on shared hardware.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Tenancy {
    #[default]
    Default,
    /// The account's own hardware, as brought licenses need it.
    Dedicated,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum System {
    #[default]
    Windows,
    Linux,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum State {
    #[default]
    Available,
    Pending,
    Error,
}

impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Available => "AVAILABLE",
            Self::Pending => "PENDING",
            Self::Error => "ERROR",
        }
    }
}

/// Why a build fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BuildError {
    /// The image's `ErrorCode`; an open set of texts (model).
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) details: Vec<Detail>,
}

impl Default for BuildError {
    fn default() -> Self {
        Self {
            code: "UnknownError".into(),
            message: "The image could not be built".into(),
            details: Vec::new(),
        }
    }
}

/// One of an image's `ErrorDetails`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Detail {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// One image that the account owns or that is shared with it. Durations are counted from the account's first call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// A file may leave it out: then it is made from the name.
    pub(super) id: Option<ImageId>,
    pub name: ImageName,
    pub description: Option<Description>,
    #[serde(default)]
    pub(crate) operating_system: System,
    #[serde(default)]
    pub(crate) tenancy: Tenancy,
    /// The account that owns it, if not this one: then it is shared with this one.
    pub(crate) shared_by: Option<String>,
    /// The state that it began in; [`Image::state`] is that at a time.
    #[serde(default)]
    pub(crate) state: State,
    /// How long it is PENDING; `None` until the first call if that is the build time.
    pub(crate) pending_for: Option<SignedDuration>,
    /// Why its build fails. If any of these is set, the build ends in ERROR.
    pub(crate) error_code: Option<String>,
    pub(crate) error_message: Option<String>,
    #[serde(default)]
    pub(crate) error_details: Vec<Detail>,
    /// `None` until the first call if that is when it was created.
    pub(crate) created: Option<Timestamp>,
    /// How long no update can be made from it.
    pub(crate) busy_for: Option<SignedDuration>,
    /// What the service reports about an update for it, if anything.
    pub(crate) update_available: Option<bool>,
    pub(crate) update_description: Option<Description>,
    /// How many listings lack it, counted over the account's life.
    #[serde(default)]
    pub(crate) hidden_for: u64,
    #[serde(default, deserialize_with = "unique_keys")]
    pub tags: BTreeMap<String, String>,
    /// The image it was made from, which no call reports.
    pub source: Option<ImageId>,
}

impl Image {
    /// Returns an AVAILABLE Windows image of the account's own, created at the first call.
    pub fn new(name: ImageName) -> Self {
        Self {
            id: None,
            name,
            description: None,
            operating_system: System::default(),
            tenancy: Tenancy::default(),
            shared_by: None,
            state: State::default(),
            pending_for: None,
            error_code: None,
            error_message: None,
            error_details: Vec::new(),
            created: None,
            busy_for: None,
            update_available: None,
            update_description: None,
            hidden_for: 0,
            tags: BTreeMap::new(),
            source: None,
        }
    }

    /// Returns its state so long after the account's first call.
    pub(crate) fn state(&self, age: SignedDuration) -> State {
        let builds = self.pending_for.is_none_or(|wait| wait > age);
        match self.state {
            State::Pending if builds => State::Pending,
            State::Pending if self.has_error() => State::Error,
            State::Pending | State::Available => State::Available,
            State::Error => State::Error,
        }
    }

    pub(super) fn build_error(&self) -> BuildError {
        let default = BuildError::default();
        BuildError {
            code: self.error_code.clone().unwrap_or(default.code),
            message: self.error_message.clone().unwrap_or(default.message),
            details: self.error_details.clone(),
        }
    }

    pub(super) fn has_error(&self) -> bool {
        self.error_code.is_some() || self.error_message.is_some() || !self.error_details.is_empty()
    }

    /// Sets what depends on the account's first call.
    pub(super) fn start(&mut self, start: Timestamp, build_time: SignedDuration) {
        self.created.get_or_insert(start);
        if self.state == State::Pending {
            self.pending_for.get_or_insert(build_time);
        }
    }

    /// Returns whether the listing of this number, counted from 1 over the account's life, shows it.
    pub(super) fn is_listed(&self, listing: u64) -> bool {
        self.hidden_for == 0 || self.hidden_for < listing
    }
}

/// Returns the first free id of those made from the texts for 0, 1, 2, ...
pub(super) fn free_id(images: &BTreeMap<ImageId, Image>, text: impl Fn(u64) -> String) -> ImageId {
    let mut n = 0;
    loop {
        let digits = digest::hexadecimal(text(n).as_bytes(), 6);
        // Twelve hexadecimal digits are always an id, so the loop ends at the first one that is free.
        if let Ok(id) = ImageId::parse(format!("wsi-{digits}"))
            && !images.contains_key(&id)
        {
            return id;
        }
        n += 1;
    }
}

pub(super) fn id_of_name(images: &BTreeMap<ImageId, Image>, name: &ImageName) -> ImageId {
    free_id(images, |n| format!("name {n} {name}"))
}

pub(super) fn to_list<S: Serializer>(
    images: &BTreeMap<ImageId, Image>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(images.values())
}

/// Gives the images without an id theirs, which depends on the place if there is one.
pub(super) fn give_ids(images: &mut BTreeMap<ImageId, Image>, place: Option<&str>) {
    let place = place.unwrap_or_default();
    let (given, made): (Vec<_>, Vec<_>) = std::mem::take(images)
        .into_iter()
        .partition(|(_, image)| image.id.is_some() || place.is_empty());
    images.extend(given);
    for (id, image) in images.iter_mut() {
        image.id.get_or_insert_with(|| id.clone());
    }
    for (_, mut image) in made {
        let name = image.name.clone();
        let id = free_id(images, |n| format!("{place} name {n} {name}"));
        image.id = Some(id.clone());
        images.insert(id, image);
    }
}

/// Reads a list of images. Those without an id stand below the one that their name makes, until [`give_ids`].
pub(super) fn from_list<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<ImageId, Image>, D::Error> {
    let mut list = Vec::<Image>::deserialize(deserializer)?;
    // Ids that are given come first, so that none that is made takes the place of one.
    list.sort_by_key(|image| image.id.is_none());
    let mut images = BTreeMap::new();
    for image in list {
        let made = || id_of_name(&images, &image.name);
        let id = image.id.clone().unwrap_or_else(made);
        if images.insert(id.clone(), image).is_some() {
            let problem = format!("images: two images have the id {id}");
            return Err(D::Error::custom(problem));
        }
    }
    Ok(images)
}

/// Reads tags; serde alone would keep the last value of a key that is given twice.
fn unique_keys<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    struct Tags;

    impl<'de> Visitor<'de> for Tags {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a mapping of keys to values")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut tags = BTreeMap::new();
            while let Some((key, value)) = map.next_entry::<String, String>()? {
                if tags.contains_key(&key) {
                    return Err(A::Error::custom(format!("the tag {key} is given twice")));
                }
                tags.insert(key, value);
            }
            Ok(tags)
        }
    }

    deserializer.deserialize_map(Tags)
}
