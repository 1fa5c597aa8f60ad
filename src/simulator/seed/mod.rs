//! YAML to an account: docs/simulator.md lists the fields. It reads no file and no clock.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};

use crate::name::{Description, ImageId, ImageName};

use self::faults::SeedRule;
use self::values::{AccountId, Checked, SeedTags, Text, Wait, Whole, checked};
use super::account::Account;
use super::settings::{ApiRate, Settings};
use super::stock::{BuildError, Image, Moment, Tenancy, Update};

mod faults;
mod values;

/// Why a text is no seed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", Position(*.place))]
pub struct SeedError {
    /// Line and column where it was noticed, each counted from 1, if that is known.
    pub place: Option<(usize, usize)>,
    /// What is wrong, with the path of the field, in printable characters.
    pub problem: String,
}

struct Position(Option<(usize, usize)>);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some((line, column)) => write!(f, "line {line}, column {column}: "),
            None => Ok(()),
        }
    }
}

/// Reads a seed. An empty text is an account without images, with every default.
pub fn parse(text: &str) -> Result<Account, SeedError> {
    let seed: Option<Seed> = serde_yaml::from_str(text).map_err(|error| {
        let place = error.location().map(|it| (it.line(), it.column()));
        let said = error.to_string();
        // The place is told once, and first.
        let said = place.map_or(said.as_str(), |(line, column)| {
            said.strip_suffix(&format!(" at line {line} column {column}"))
                .unwrap_or(&said)
        });
        SeedError {
            place,
            problem: crate::escape::escaped(said, 500),
        }
    })?;
    Ok(seed.unwrap_or_default().account())
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Seed {
    region: Option<Text<64>>,
    account_id: Option<AccountId>,
    image_limit: Option<Whole<0, 10_000>>,
    api_rate: Option<Rate>,
    build_time: Option<Wait>,
    page_size: Option<Whole<1, 25>>,
    listing_lag: Option<Whole<0, 1_000_000>>,
    unique_names: Option<bool>,
    busy_while_updating: Option<bool>,
    #[serde(default)]
    images: Images,
    #[serde(default)]
    faults: Vec<SeedRule>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Rate {
    per_second: Option<Whole<0, 1_000_000>>,
    burst: Option<Whole<1, 1_000_000>>,
}

impl Seed {
    fn account(self) -> Account {
        let default = Settings::default();
        let mut account = Account::new(Settings {
            region: self.region.map_or(default.region, |it| it.0),
            account_id: self.account_id.map_or(default.account_id, |it| it.0),
            image_limit: self.image_limit.map_or(default.image_limit, |it| it.0),
            api_rate: self.api_rate.map_or(default.api_rate, |rate| {
                let default = ApiRate::default();
                let per_second = rate.per_second.map_or(default.per_second, |it| it.0);
                let burst = rate.burst.map_or(default.burst, |it| it.0);
                (per_second > 0).then_some(ApiRate { per_second, burst })
            }),
            build_time: self.build_time.map_or(default.build_time, |it| it.0),
            page_size: self
                .page_size
                .and_then(|it| u8::try_from(it.0).ok())
                .unwrap_or(default.page_size),
            listing_lag: self
                .listing_lag
                .map_or(default.listing_lag, |it| it.0.into()),
            unique_names: self.unique_names.unwrap_or(default.unique_names),
            busy_while_updating: self
                .busy_while_updating
                .unwrap_or(default.busy_while_updating),
        });
        // Ids that are given come first, so that none that is made takes the place of one.
        let (given, made): (Vec<_>, Vec<_>) = self
            .images
            .0
            .into_iter()
            .partition(|image| image.id.is_some());
        for image in given.into_iter().chain(made) {
            let id = image.id.clone();
            let id = id.unwrap_or_else(|| account.id_for(&image.name));
            let image = image.image(account.settings());
            account.add_image(id, image);
        }
        for rule in self.faults {
            account.add_fault(rule.0);
        }
        account
    }
}

#[derive(Debug, Default)]
struct Images(Vec<SeedImage>);

impl Checked for Images {
    type Raw = Vec<SeedImage>;

    fn check(images: Self::Raw) -> Result<Self, String> {
        let mut ids = BTreeSet::new();
        match images
            .iter()
            .filter_map(|image| image.id.as_ref())
            .find(|&id| !ids.insert(id))
        {
            Some(id) => Err(format!("two images have the id {id}")),
            None => Ok(Self(images)),
        }
    }
}

impl<'de> Deserialize<'de> for Images {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        checked(deserializer)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum State {
    #[default]
    Available,
    Pending,
    Error,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum System {
    #[default]
    Windows,
    Linux,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawImage {
    id: Option<ImageId>,
    name: ImageName,
    description: Option<Description>,
    #[serde(default)]
    operating_system: System,
    #[serde(default)]
    tenancy: Tenancy,
    shared_by: Option<AccountId>,
    #[serde(default)]
    state: State,
    pending_for: Option<Wait>,
    error_code: Option<Text<256>>,
    error_message: Option<Text<1024>>,
    #[serde(default)]
    error_details: Vec<Detail>,
    created: Option<Timestamp>,
    busy_for: Option<Wait>,
    update_available: Option<bool>,
    update_description: Option<Description>,
    hidden_for: Option<Whole<0, 1_000_000>>,
    #[serde(default)]
    tags: SeedTags,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Detail {
    code: Text<256>,
    message: Text<1024>,
}

/// An image whose fields fit its state.
#[derive(Debug)]
struct SeedImage {
    id: Option<ImageId>,
    name: ImageName,
    raw: RawImage,
}

impl Checked for SeedImage {
    type Raw = RawImage;

    fn check(raw: RawImage) -> Result<Self, String> {
        let says_error = raw.error_code.is_some()
            || raw.error_message.is_some()
            || !raw.error_details.is_empty();
        if raw.state == State::Available && says_error {
            return Err("errorCode, errorMessage and errorDetails need state PENDING (the build ends in ERROR) or ERROR".into());
        }
        if raw.state != State::Pending && raw.pending_for.is_some() {
            return Err("pendingFor needs state PENDING".into());
        }
        if raw.update_description.is_some() && raw.update_available.is_none() {
            return Err("updateDescription needs updateAvailable".into());
        }
        Ok(Self {
            id: raw.id.clone(),
            name: raw.name.clone(),
            raw,
        })
    }
}

impl<'de> Deserialize<'de> for SeedImage {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        checked(deserializer)
    }
}

impl SeedImage {
    fn image(self, settings: &Settings) -> Image {
        let Self { raw, name, id: _ } = self;
        let after = |wait: Wait| Moment::AfterStart(wait.0);
        let fails = match raw.state {
            State::Available => false,
            State::Pending => {
                raw.error_code.is_some()
                    || raw.error_message.is_some()
                    || !raw.error_details.is_empty()
            }
            State::Error => true,
        };
        let details = raw.error_details.into_iter();
        let build_error = fails.then(|| BuildError {
            code: text_or(raw.error_code, DEFAULT_BUILD_ERROR.0),
            message: text_or(raw.error_message, DEFAULT_BUILD_ERROR.1),
            details: details.map(|it| (it.code.0, it.message.0)).collect(),
        });
        Image {
            description: raw.description,
            linux: raw.operating_system == System::Linux,
            tenancy: raw.tenancy,
            // An image that this account shares with itself is its own.
            shared_by: raw
                .shared_by
                .map(|it| it.0)
                .filter(|owner| *owner != settings.account_id),
            created: raw.created.map_or(Moment::START, Moment::At),
            build_ends: match raw.state {
                State::Available | State::Error => Moment::START,
                State::Pending => after(raw.pending_for.unwrap_or(Wait(settings.build_time))),
            },
            build_error,
            busy_until: raw.busy_for.map(after),
            update: raw.update_available.map(|available| Update {
                available,
                description: raw.update_description.map(|it| it.to_string()),
            }),
            tags: raw.tags.0,
            listed_from: raw.hidden_for.map_or(0, |hidden| {
                if hidden.0 == 0 {
                    0
                } else {
                    u64::from(hidden.0) + 1
                }
            }),
            ..Image::new(name)
        }
    }
}

/// Code and message of a build that fails where the seed gives none. The texts are assumed.
const DEFAULT_BUILD_ERROR: (&str, &str) = ("UnknownError", "The image could not be built");

fn text_or<const MOST: usize>(text: Option<Text<MOST>>, default: &str) -> String {
    text.map_or_else(|| default.to_owned(), |text| text.0)
}
