//! YAML to an account: docs/simulator.md lists the fields. It reads no file and no clock.

use std::collections::BTreeSet;
use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};

use crate::model::value::{Description, ImageId, ImageName};

use self::faults::SeedRule;
use self::values::{
    AccountId, Checked, DEFAULT_BUILD_ERROR, Detail, Printable, SeedTags, Whole, Written, checked,
    text_or,
};
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
    pub(crate) place: Option<(usize, usize)>,
    /// What is wrong, with the path of the field, in printable characters.
    pub(crate) problem: String,
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
            problem: crate::sys::escape::escaped(said, 500),
        }
    })?;
    Ok(seed.unwrap_or_default().account())
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Seed {
    region: Option<Written<Printable<64>>>,
    account_id: Option<Written<AccountId>>,
    image_limit: Option<Whole<0, 10_000>>,
    api_rate: Option<Rate>,
    build_time: Option<Written<SignedDuration>>,
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
            region: self.region.map_or(default.region, |it| it.0.0),
            account_id: self.account_id.map_or(default.account_id, |it| it.0.0),
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
    id: Option<Written<ImageId>>,
    name: Written<ImageName>,
    description: Option<Written<Description>>,
    #[serde(default)]
    operating_system: System,
    #[serde(default)]
    tenancy: Tenancy,
    shared_by: Option<Written<AccountId>>,
    #[serde(default)]
    state: State,
    pending_for: Option<Written<SignedDuration>>,
    error_code: Option<Written<Printable<256>>>,
    error_message: Option<Written<Printable<1024>>>,
    #[serde(default)]
    error_details: Vec<Detail>,
    created: Option<Timestamp>,
    busy_for: Option<Written<SignedDuration>>,
    update_available: Option<bool>,
    update_description: Option<Written<Description>>,
    hidden_for: Option<Whole<0, 1_000_000>>,
    #[serde(default)]
    tags: SeedTags,
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
            id: raw.id.clone().map(|id| id.0),
            name: raw.name.0.clone(),
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
        let after = |Written(wait)| Moment::AfterStart(wait);
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
            details: details.map(|it| (it.code.0.0, it.message.0.0)).collect(),
        });
        Image {
            description: raw.description.map(|it| it.0),
            linux: raw.operating_system == System::Linux,
            tenancy: raw.tenancy,
            // An image that this account shares with itself is its own.
            shared_by: raw
                .shared_by
                .map(|it| it.0.0)
                .filter(|owner| *owner != settings.account_id),
            created: raw.created.map_or(Moment::START, Moment::At),
            build_ends: match raw.state {
                State::Available | State::Error => Moment::START,
                State::Pending => after(raw.pending_for.unwrap_or(Written(settings.build_time))),
            },
            build_error,
            busy_until: raw.busy_for.map(after),
            update: raw.update_available.map(|available| Update {
                available,
                description: raw.update_description.map(|it| it.0.to_string()),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::image::ImageState;
    use crate::simulator::fault::{ErrorBody, Fault, Member, Rule};
    use crate::simulator::wire::{Call, DescribeImages, Operation};

    #[test]
    fn every_field_has_a_default() {
        for text in ["", "# nothing\n", "{}", "images: []\nfaults: []\n"] {
            assert_eq!(
                parse(text).unwrap(),
                Account::new(Settings::default()),
                "{text}"
            );
        }
        let account = parse("images: [{name: Gold}]\napiRate: {burst: 9}").unwrap();
        let (_, image) = account.images().next().unwrap();
        assert_eq!(*image, Image::new(ImageName::parse("Gold").unwrap()));
        let rate = account.settings().api_rate;
        assert_eq!(
            rate,
            Some(ApiRate {
                per_second: 2,
                burst: 9
            })
        );
        assert_eq!(
            parse("apiRate: {perSecond: 0}")
                .unwrap()
                .settings()
                .api_rate,
            None
        );
    }

    #[test]
    fn the_examples_are_seeds() {
        let account = parse(include_str!("../../../examples/simulator/account.yaml")).unwrap();
        assert_eq!(account.images().count(), 8);
        assert_eq!(account.faults().count(), 0);
        let rehearsal = parse(include_str!("../../../examples/simulator/faults.yaml")).unwrap();
        assert_eq!(rehearsal.faults().count(), 5);
    }

    #[test]
    fn times_are_counted_from_the_first_call() {
        use ImageState::{Available, Error, Pending};

        let text = "buildTime: 2m\nimages:\n- {id: wsi-000000001, name: A, state: PENDING}\n\
                    - {id: wsi-000000002, name: B, state: PENDING, pendingFor: 5s, errorCode: X}\n\
                    - {id: wsi-000000003, name: C, busyFor: 1h30m, created: 2026-01-02T03:04:05.678Z}\n";
        let mut account = parse(text).unwrap();
        let start = Timestamp::from_second(1_790_000_000).unwrap();
        account.call(start, &Call::DescribeImages(DescribeImages::default()));
        let after = |seconds| start + SignedDuration::from_secs(seconds);
        let images: Vec<_> = account.images().map(|(_, image)| image).collect();
        let states = |seconds| {
            images
                .iter()
                .map(|i| i.state(after(seconds)))
                .collect::<Vec<_>>()
        };
        assert_eq!(states(4), [Pending, Pending, Available]);
        assert_eq!(states(5), [Pending, Error, Available]);
        assert_eq!(states(120), [Available, Error, Available]);
        assert_eq!(images[2].busy_until, Some(Moment::At(after(5400))));
        assert_eq!(
            images[2].created.time().unwrap().to_string(),
            "2026-01-02T03:04:05.678Z"
        );
    }

    #[test]
    fn two_images_may_bear_one_name() {
        let account =
            parse("images: [{name: A}, {name: A}, {id: wsi-000000001, name: A}]").unwrap();
        assert_eq!(account.images().count(), 3);
    }

    #[test]
    fn a_fault_has_its_own_fields_and_defaults() {
        let rule = |text: &str| {
            let account = parse(&format!("faults: [{{{text}}}]")).unwrap();
            account.faults().next().unwrap().clone()
        };
        let slow = rule(
            "fault: Slow, by: 3s, skip: 2, times: 4, imageName: A, operation: CreateUpdatedWorkspaceImage",
        );
        assert_eq!(
            slow,
            Rule {
                operation: Some(Operation::CreateUpdatedWorkspaceImage),
                image_name: Some("A".into()),
                skip: 2,
                times: 4,
                fault: Fault::Slow {
                    by: SignedDuration::from_secs(3)
                },
            }
        );
        let plain = rule("fault: InternalErrorAfter");
        assert_eq!((plain.skip, plain.times, plain.operation), (0, 1, None));
        assert_eq!(
            plain.fault,
            Fault::InternalErrorAfter {
                body: ErrorBody::Json
            }
        );
        let members = Member::ALL_BUT_ID.to_vec();
        assert_eq!(
            rule("fault: MissingMembers").fault,
            Fault::MissingMembers { members }
        );
        let members = vec![Member::ImageId];
        assert_eq!(
            rule("fault: MissingMembers, members: [ImageId]").fault,
            Fault::MissingMembers { members }
        );
        assert_eq!(
            rule("fault: UnknownEnumValue").fault,
            Fault::UnknownEnumValue {
                value: "COPYING".into()
            }
        );
    }

    /// Seeds, and how the error of each begins.
    fn refused(rows: &[(&str, &str)]) {
        for (text, error) in rows {
            let found = parse(text).unwrap_err().to_string();
            assert!(
                found.starts_with(error),
                "{text}\n gave: {found}\n  not: {error}"
            );
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        refused(&[
            (
                "imageLimit: x",
                "line 1, column 13: imageLimit: invalid type: string \"x\", expected a whole number from 0 to 10000",
            ),
            (
                "region: a\nimageLimits: 3",
                "line 2, column 1: unknown field `imageLimits`",
            ),
            (
                "region: a\nregion: b",
                "line 1, column 1: duplicate field `region`",
            ),
            (
                "pageSize: 26",
                "line 1, column 11: pageSize: 26; allowed: 1 to 25",
            ),
            (
                "pageSize: -1",
                "line 1, column 11: pageSize: -1; allowed: 1 to 25",
            ),
            (
                "imageLimit: 99999999999999999999",
                "line 1, column 13: imageLimit: 99999999999999999999; allowed: 0 to 10000",
            ),
            (
                "accountId: '12'",
                "line 1, column 12: accountId: \"12\"; allowed: 12 digits, in quotes",
            ),
            (
                "buildTime: -5s",
                "line 1, column 12: buildTime: \"-5s\"; allowed: 0s to 8760h",
            ),
            ("buildTime: 5", "line 1, column 12: buildTime: "),
            (
                "buildTime: soon",
                "line 1, column 12: buildTime: \"soon\"; allowed:",
            ),
            (
                "images:\n  - name: a b",
                "line 2, column 11: images[0].name: character 2 is \" \"; allowed: 1 to 64",
            ),
            (
                "images:\n  - {name: a, id: wsi-1}",
                "line 2, column 19: images[0].id: after wsi-: 1 characters long",
            ),
            (
                "images:\n  - name: a\n  - id: wsi-000000001",
                "line 3, column 5: images[1]: missing field `name`",
            ),
            (
                "images:\n  - name: a\n  - name: b\n    pendingFor: 3s",
                "line 3, column 5: images[1]: pendingFor needs state PENDING",
            ),
            (
                "images:\n  - {name: a, errorCode: x}",
                "line 2, column 5: images[0]: errorCode, errorMessage and errorDetails need",
            ),
            (
                "images:\n  - {name: a, state: COPYING}",
                "line 2, column 22: images[0].state: unknown variant `COPYING`",
            ),
            (
                "images:\n  - {name: a, tags: {aws:x: y}}",
                "line 2, column 22: images[0].tags",
            ),
            (
                "images:\n  - {name: a, tags: {k: y, k: z}}",
                "line 2, column 21: images[0].tags: the tag k is given twice",
            ),
            (
                "images:\n  - {name: a, id: wsi-000000001}\n  - {name: b, id: wsi-000000001}",
                "line 2, column 3: images: two images have the id wsi-000000001",
            ),
            ("images: [", "line 2, column 1: "),
            (
                "region: a\n---\nregion: b",
                "deserializing from YAML containing more than one document",
            ),
            (
                "\"\\e[31m\": 1",
                "line 1, column 1: unknown field `\\u{1b}[31m`",
            ),
        ]);
    }

    #[test]
    fn what_is_wrong_with_a_fault_is_told_with_its_place() {
        refused(&[
            (
                "faults:\n  - fault: Slow",
                "line 2, column 5: faults[0]: fault Slow needs `by`",
            ),
            (
                "faults:\n  - fault: Throttle\n  - fault: Throttle\n    by: 3s",
                "line 3, column 5: faults[1]: fault Throttle has no by",
            ),
            (
                "faults:\n  - fault: Slowly",
                "line 2, column 12: faults[0].fault: unknown variant `Slowly`",
            ),
            (
                "faults:\n  - {fault: Error}",
                "line 2, column 5: faults[0]: fault Error needs `code`",
            ),
            (
                "faults:\n  - {fault: Error, code: a b}",
                "line 2, column 5: faults[0]: code is \"a b\"; allowed: ASCII",
            ),
            (
                "faults:\n  - {fault: Throttle, times: 0}",
                "line 2, column 30: faults[0].times: 0; allowed: 1 to",
            ),
            (
                "faults:\n  - {fault: HiddenImages, operation: CreateTags}",
                "line 2, column 5: faults[0]: fault HiddenImages cannot happen to CreateTags",
            ),
        ]);
    }
}
