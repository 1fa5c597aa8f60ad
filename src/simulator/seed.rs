//! An account or a world from the YAML that a user writes, and the limits of every one in a file. It reads no file and no clock.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::RangeInclusive;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::cloud::aws::region;
use crate::model::value::{ImageName, TagKey, Tags, is_account_id};
use crate::sys::escape::escaped;

use super::account::Account;
use super::fault::{Fault, Rule};
use super::outage::{Outage, OutageRule};
use super::roles::{Arn, Caller, Role, is_name_byte};
use super::stock::{self, BuildError, Image, State};
use super::world::WorldForm;

/// The longest duration in a seed: a year.
const YEAR: SignedDuration = SignedDuration::from_hours(8760);
/// The longest session of a role (docs).
const LONGEST_SESSION: SignedDuration = SignedDuration::from_hours(12);

/// What a seed or a file between runs has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    Account(Box<Account>),
    World(WorldForm),
}

impl Contents {
    /// Returns the Region of the account, or the first one of the caller's account.
    pub(crate) fn region(&self) -> &str {
        match self {
            Self::Account(account) => &account.region,
            Self::World(form) => form.region().unwrap_or("eu-west-1"),
        }
    }
}

/// Reads a seed. A seed with `accounts` is a world, any other an account.
pub fn read(text: &str) -> Result<Contents, String> {
    #[derive(Deserialize)]
    struct Kind {
        #[expect(dead_code, reason = "it is there or not")]
        accounts: IgnoredAny,
    }
    if serde_yaml::from_str::<Kind>(text).is_ok() {
        Ok(Contents::World(parse_world(text)?))
    } else {
        Ok(Contents::Account(Box::new(parse(text)?)))
    }
}

/// Reads the seed of an account. An empty text is an account without images, with every default. The error says what is wrong
/// and where.
pub fn parse(text: &str) -> Result<Account, String> {
    let account: Option<Account> =
        serde_yaml::from_str(text).map_err(|error| explain(&error, false))?;
    let mut account = account.unwrap_or_default();
    finish(&mut account, None);
    validate(&account).map_err(|problem| escaped(&problem, 500))?;
    Ok(account)
}

/// Reads the seed of a world. An account with several Regions becomes one of each.
pub fn parse_world(text: &str) -> Result<WorldForm, String> {
    let mut form: WorldForm = serde_yaml::from_str(text).map_err(|error| explain(&error, true))?;
    let mut accounts = Vec::with_capacity(form.accounts.len());
    for (at, mut account) in form.accounts.into_iter().enumerate() {
        let regions = std::mem::take(&mut account.regions);
        if regions.is_empty() {
            accounts.push(account);
        } else if account.region == Account::default().region {
            let in_region = |region| Account {
                region,
                ..account.clone()
            };
            accounts.extend(regions.into_iter().map(in_region));
        } else {
            return Err(format!(
                "accounts[{at}]: found region and regions. Remove one of them"
            ));
        }
    }
    for account in &mut accounts {
        let place = format!("{} {}", account.account_id, account.region);
        finish(account, Some(&place));
    }
    form.accounts = accounts;
    validate_world(&form).map_err(|problem| escaped(&problem, 500))?;
    Ok(form)
}

/// Sets what a seed leaves open. In a world, images of one name have an id for each account and Region, as in AWS.
fn finish(account: &mut Account, place: Option<&str>) {
    stock::give_ids(&mut account.images, place);
    for image in account.images.values_mut() {
        // An image that the account shares with itself is its own.
        image
            .shared_by
            .take_if(|owner| *owner == account.account_id);
    }
}

/// Says where before what, in the words of a user of YAML, and what to do.
fn explain(error: &serde_yaml::Error, of_world: bool) -> String {
    let mut text = error.to_string();
    let mut place = String::new();
    if let Some(at) = error.location() {
        let (line, column) = (at.line(), at.column());
        text = text.replace(&format!(" at line {line} column {column}"), "");
        place = format!("line {line}, column {column}: ");
    }
    for number in ["u8", "u16", "u32", "u64"] {
        let words = "expected a whole number in the range that docs/simulator.md lists";
        text = text.replace(&format!("expected {number}"), words);
    }
    if text.contains("duration format") {
        text.push_str(". Write a duration as 30s, 15m or 1h30m");
    }
    if text.contains("faults[") && text.contains(": unknown field ") {
        let of_account = !of_world || text.starts_with("accounts[");
        text.push_str(if of_account {
            "; every fault has fault, operation, imageName, skip and times"
        } else {
            "; every fault has fault, role, region, accountId, skip and times"
        });
    }
    place + &escaped(&text, 500)
}

/// Checks what the types of a world do not. The error is the first problem, after the path of its field.
pub(super) fn validate_world(form: &WorldForm) -> Result<(), String> {
    validate_caller(&form.caller).map_err(|problem| format!("caller: {problem}"))?;
    for (at, role) in form.roles.iter().enumerate() {
        validate_role(role).map_err(|problem| format!("roles[{at}]: {problem}"))?;
        if form
            .roles
            .iter()
            .take(at)
            .any(|other| other.arn == role.arn)
        {
            return Err(format!("roles[{at}]: two roles have the ARN {}", role.arn));
        }
    }
    let second = SignedDuration::from_secs(1);
    let longest = form.session_duration.unwrap_or(second);
    in_range("sessionDuration", longest, second..=LONGEST_SESSION)?;
    for (at, rule) in form.faults.iter().enumerate() {
        validate_outage(rule).map_err(|problem| format!("faults[{at}]: {problem}"))?;
    }
    let mut places = BTreeSet::new();
    for account in &form.accounts {
        let Account {
            account_id, region, ..
        } = account;
        let named = |problem| format!("account {account_id} in {region}: {problem}");
        validate(account).map_err(named)?;
        region::check(region).map_err(|problem| named(format!("region: {problem}")))?;
        if !places.insert((account_id, region)) {
            return Err(named("stands twice in accounts".into()));
        }
    }
    Ok(())
}

fn validate_caller(caller: &Caller) -> Result<(), String> {
    account_id("accountId", &caller.account_id)?;
    let arn = caller.arn();
    match Arn::parse(&arn) {
        Some(parsed) if parsed.account_id == caller.account_id => Ok(()),
        _ => Err(format!(
            "arn: expected the ARN of a user or session in account {}, found {arn:?}",
            caller.account_id
        )),
    }
}

fn validate_role(role: &Role) -> Result<(), String> {
    role_arn("arn", &role.arn)?;
    for trusted in &role.trusts {
        if !is_account_id(trusted) && Arn::parse(trusted).is_none() {
            return Err(format!(
                "trusts: expected an account ID of 12 digits in quotes, or an ARN of a user, role or session, found {trusted:?}"
            ));
        }
    }
    let is_id = |id: &String| {
        (2..=1224).contains(&id.len()) && id.bytes().all(|b| is_name_byte(b) || b":/".contains(&b))
    };
    if role.external_id.as_ref().is_some_and(|id| !is_id(id)) {
        return Err("externalId: expected 2 to 1224 of a-z, A-Z, 0-9 and _ + = , . @ : / -".into());
    }
    let hour = SignedDuration::from_hours(1);
    in_range("maxSession", role.max_session, hour..=LONGEST_SESSION)
}

fn role_arn(field: &str, arn: &str) -> Result<(), String> {
    if Arn::parse(arn).and_then(Arn::role_name).is_some() {
        return Ok(());
    }
    Err(format!(
        "{field}: expected an ARN like arn:aws:iam::111122223333:role/repave, found {arn:?}"
    ))
}

fn validate_outage(rule: &OutageRule) -> Result<(), String> {
    in_range("times", rule.times.unwrap_or(1), 1..=u32::MAX)?;
    if let Some(arn) = &rule.role {
        role_arn("role", arn)?;
    }
    if let Some(id) = &rule.account_id {
        account_id("accountId", id)?;
    }
    if let Some(region) = &rule.region {
        region::check(region).map_err(|problem| format!("region: {problem}"))?;
    }
    match &rule.outage {
        Outage::SlowSts { by } => in_range("by", *by, SignedDuration::ZERO..=YEAR),
        Outage::RefuseRole {}
        | Outage::ThrottleSts {}
        | Outage::RegionDown { .. }
        | Outage::RegionNotEnabled {} => Ok(()),
    }
}

/// Checks what the types of an account do not. The error is the first problem, after the path of its field.
pub(super) fn validate(account: &Account) -> Result<(), String> {
    printable("region", &account.region, 64)?;
    if !account.regions.is_empty() {
        return Err("regions: only accounts of a list of accounts have it. Write region".into());
    }
    account_id("accountId", &account.account_id)?;
    in_range("imageLimit", account.image_limit, 0..=10_000)?;
    in_range(
        "apiRate.perSecond",
        account.api_rate.per_second,
        0..=1_000_000,
    )?;
    in_range("apiRate.burst", account.api_rate.burst, 1..=1_000_000)?;
    in_range("buildTime", account.build_time, SignedDuration::ZERO..=YEAR)?;
    in_range("pageSize", account.page_size, 1..=25)?;
    in_range("listingLag", account.listing_lag, 0..=1_000_000)?;
    for image in account.images.values() {
        validate_image(image).map_err(|problem| format!("images[{}]: {problem}", image.name))?;
    }
    for (at, rule) in account.faults.iter().enumerate() {
        validate_rule(rule).map_err(|problem| format!("faults[{at}]: {problem}"))?;
    }
    Ok(())
}

fn validate_image(image: &Image) -> Result<(), String> {
    if image.state == State::Available && image.has_error() {
        return Err("errorCode, errorMessage and errorDetails need state PENDING (the build ends in ERROR) or ERROR".into());
    }
    if image.state != State::Pending && image.pending_for.is_some() {
        return Err("pendingFor needs state PENDING".into());
    }
    if image.update_description.is_some() && image.update_available.is_none() {
        return Err("updateDescription needs updateAvailable".into());
    }
    if let Some(owner) = &image.shared_by {
        account_id("sharedBy", owner)?;
    }
    let waits = [
        ("pendingFor", image.pending_for),
        ("busyFor", image.busy_for),
    ];
    for (field, wait) in waits {
        // An account that is a year old has images that were pending for longer.
        let most = image.source.as_ref().map_or(YEAR, |_| SignedDuration::MAX);
        in_range(field, wait.unwrap_or_default(), SignedDuration::ZERO..=most)?;
    }
    validate_error(
        &image.build_error(),
        ["errorCode", "errorMessage", "errorDetails"],
    )?;
    if image.tags.len() > Tags::MAX {
        return Err(format!(
            "tags: expected at most {}, found {}",
            Tags::MAX,
            image.tags.len()
        ));
    }
    for (key, value) in &image.tags {
        TagKey::parse(key).map_err(|error| format!("tags: {error}"))?;
        in_range(
            format!("tags.{key}: length"),
            value.chars().count(),
            0..=255,
        )?;
    }
    Ok(())
}

fn validate_rule(rule: &Rule) -> Result<(), String> {
    in_range("times", rule.times, 1..=u32::MAX)?;
    if let Some(name) = &rule.image_name {
        ImageName::parse(name).map_err(|error| format!("imageName: {error}"))?;
    }
    if let Some(operation) = rule.operation
        && !rule.fault.fits(operation)
    {
        let problem = format!("{operation} cannot have this fault");
        return Err(format!("operation: {problem}. Leave operation out"));
    }
    match &rule.fault {
        Fault::Error {
            code,
            message,
            status,
            placement: _,
        } => {
            // It must fit into a header.
            if !code.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(format!(
                    "code: expected ASCII characters without spaces, found {code:?}"
                ));
            }
            printable("code", code, 256)?;
            printable("message", message, 1024)?;
            in_range("status", *status, 400..=599)
        }
        Fault::LateEffect { by } | Fault::Slow { by } | Fault::LongBuild { by } => {
            in_range("by", *by, SignedDuration::ZERO..=YEAR)
        }
        Fault::FailedBuild(error) => validate_error(error, ["code", "message", "details"]),
        Fault::UnknownEnumValue { value } => printable("value", value, 64),
        Fault::Throttle {}
        | Fault::InternalErrorBefore { .. }
        | Fault::InternalErrorAfter { .. }
        | Fault::DropBefore {}
        | Fault::DropAfter {}
        | Fault::MalformedBody {}
        | Fault::DenyTags {}
        | Fault::EmptyPageWithToken {}
        | Fault::RepeatedToken {}
        | Fault::MissingMembers { .. }
        | Fault::HiddenImages {} => Ok(()),
    }
}

fn validate_error(error: &BuildError, fields: [&str; 3]) -> Result<(), String> {
    let [code, message, details] = fields;
    printable(code, &error.code, 256)?;
    printable(message, &error.message, 1024)?;
    for detail in &error.details {
        printable(&format!("{details}.code"), &detail.code, 256)?;
        printable(&format!("{details}.message"), &detail.message, 1024)?;
    }
    Ok(())
}

fn in_range<T: PartialOrd + Display + Copy>(
    field: impl Display,
    value: T,
    allowed: RangeInclusive<T>,
) -> Result<(), String> {
    if allowed.contains(&value) {
        return Ok(());
    }
    let (least, most) = allowed.into_inner();
    Err(format!(
        "{field}: expected {least:#} to {most:#}, found {value:#}"
    ))
}

fn printable(field: &str, text: &str, most: usize) -> Result<(), String> {
    if (1..=most).contains(&text.chars().count()) && !text.contains(char::is_control) {
        return Ok(());
    }
    Err(format!(
        "{field}: expected 1 to {most} printable characters, found {text:?}"
    ))
}

fn account_id(field: &str, text: &str) -> Result<(), String> {
    if is_account_id(text) {
        return Ok(());
    }
    Err(format!(
        "{field}: expected 12 digits in quotes, found {text:?}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::fault::{ErrorBody, Member};
    use crate::simulator::rate::ApiRate;
    use crate::simulator::wire::{Call, DescribeImages, Operation};
    use jiff::Timestamp;

    #[test]
    fn every_field_has_a_default() {
        for text in ["", "# nothing\n", "{}", "images: []\nfaults: []\n"] {
            assert_eq!(parse(text).unwrap(), Account::default(), "{text}");
        }
        let account = parse("images: [{name: Gold}]\napiRate: {burst: 9}").unwrap();
        let (id, image) = account.images().next().unwrap();
        let gold = Image {
            id: Some(id.clone()),
            ..Image::new(ImageName::parse("Gold").unwrap())
        };
        assert_eq!(*image, gold);
        let rate = ApiRate {
            per_second: 2,
            burst: 9,
        };
        assert_eq!(account.api_rate, rate);
    }

    #[test]
    fn the_examples_are_seeds() {
        let account = parse(include_str!("../../examples/simulator/account.yaml")).unwrap();
        assert_eq!(account.images().count(), 8);
        assert_eq!(account.faults().count(), 0);
        let rehearsal = parse(include_str!("../../examples/simulator/faults.yaml")).unwrap();
        assert_eq!(rehearsal.faults().count(), 5);
        let accounts = include_str!("../../examples/simulator/accounts.yaml");
        let form = parse_world(accounts).unwrap();
        assert_eq!((form.roles.len(), form.accounts.len()), (3, 4));
    }

    #[test]
    fn times_are_counted_from_the_first_call() {
        use State::{Available, Error, Pending};

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
                .map(|i| i.state(account.age(after(seconds))))
                .collect::<Vec<_>>()
        };
        assert_eq!(states(4), [Pending, Pending, Available]);
        assert_eq!(states(5), [Pending, Error, Available]);
        assert_eq!(states(120), [Available, Error, Available]);
        assert_eq!(images[2].busy_for, Some(SignedDuration::from_secs(5400)));
        assert_eq!(
            images[2].created.unwrap().to_string(),
            "2026-01-02T03:04:05.678Z"
        );
    }

    #[test]
    fn two_images_may_have_one_name() {
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
        let members = Member::all_but_id();
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
            let found = parse(text).unwrap_err();
            assert!(
                found.starts_with(error),
                "{text}\n gave: {found}\n  not: {error}"
            );
        }
    }

    #[test]
    fn a_problem_names_its_place() {
        refused(&[
            (
                "imageLimit: x",
                "line 1, column 13: imageLimit: invalid type: string \"x\", expected a whole number in the range",
            ),
            (
                "region: a\nimageLimits: 3",
                "line 2, column 1: unknown field `imageLimits`, expected one of `region`, `accountId`, `imageLimit`,",
            ),
            (
                "region: a\nregion: b",
                "line 1, column 1: duplicate field `region`",
            ),
            ("pageSize: 26", "pageSize: expected 1 to 25, found 26"),
            (
                "pageSize: -1",
                "line 1, column 11: pageSize: invalid type: integer `-1`, expected a whole number in the range",
            ),
            (
                "imageLimit: 99999999999999999999",
                "line 1, column 13: imageLimit: invalid type: integer `99999999999999999999`",
            ),
            (
                "accountId: '12'",
                "accountId: expected 12 digits in quotes, found \"12\"",
            ),
            (
                "buildTime: -5s",
                "buildTime: expected 0s to 8760h, found 5s ago",
            ),
            ("buildTime: 5", "line 1, column 12: buildTime: "),
            (
                "buildTime: soon",
                "line 1, column 12: buildTime: failed to parse",
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
    fn a_problem_of_an_image_names_its_place() {
        refused(&[
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
                "images[b]: pendingFor needs state PENDING",
            ),
            (
                "images:\n  - {name: a, errorCode: x}",
                "images[a]: errorCode, errorMessage and errorDetails need",
            ),
            (
                "images:\n  - {name: a, state: COPYING}",
                "line 2, column 22: images[0].state: unknown variant `COPYING`",
            ),
            (
                "images:\n  - {name: a, tags: {aws:x: y}}",
                "images[a]: tags: begins with aws:",
            ),
            (
                "images:\n  - {name: a, tags: {k: y, k: z}}",
                "line 2, column 21: images[0].tags: the tag k is given twice",
            ),
            (
                "images:\n  - {name: a, id: wsi-000000001}\n  - {name: b, id: wsi-000000001}",
                "line 1, column 1: images: two images have the id wsi-000000001",
            ),
            (
                "apiRate: {burst: 0}",
                "apiRate.burst: expected 1 to 1000000, found 0",
            ),
            (
                "listingLag: 1000001",
                "listingLag: expected 0 to 1000000, found",
            ),
            (
                "region: ''",
                "region: expected 1 to 64 printable characters",
            ),
            (
                "images: [{name: a, sharedBy: x}]",
                "images[a]: sharedBy: expected 12 digits",
            ),
            (
                "images: [{name: a, busyFor: 8761h}]",
                "images[a]: busyFor: expected 0s to 8760h",
            ),
            (
                "images: [{name: a, state: ERROR, errorDetails: [{code: '', message: m}]}]",
                "images[a]: errorDetails.code: expected 1 to 256",
            ),
            (
                "images: [{name: a, updateDescription: b}]",
                "images[a]: updateDescription needs updateAvailable",
            ),
        ]);
    }

    #[test]
    fn a_problem_of_a_fault_names_its_place() {
        refused(&[
            (
                "faults:\n  - fault: Slow",
                "line 2, column 5: faults[0]: missing field `by`",
            ),
            (
                "faults:\n  - fault: Throttle\n  - fault: Throttle\n    by: 3s",
                "line 3, column 5: faults[1]: unknown field `by`, there are no fields; every fault has fault, operation,",
            ),
            (
                "faults:\n  - fault: Slowly",
                "line 2, column 5: faults[0]: unknown variant `Slowly`",
            ),
            (
                "faults:\n  - {fault: Error}",
                "line 2, column 5: faults[0]: missing field `code`",
            ),
            (
                "faults:\n  - {fault: Error, code: a b}",
                "faults[0]: code: expected ASCII characters without spaces, found \"a b\"",
            ),
            (
                "faults:\n  - {fault: Throttle, times: 0}",
                "faults[0]: times: expected 1 to 4294967295, found 0",
            ),
            (
                "faults:\n  - {fault: HiddenImages, operation: CreateTags}",
                "faults[0]: operation: CreateTags cannot have this fault",
            ),
        ]);
    }

    const CALLER: &str = "caller: {accountId: '999988887777'}\n";

    #[test]
    fn a_seed_with_accounts_is_a_world() {
        let is_world = |text: &str| matches!(read(text), Ok(Contents::World(_)));
        assert!(is_world(&format!("{CALLER}accounts: []")));
        assert!(!is_world(""));
        assert!(!is_world("images: []"));
        let text = format!(
            "{CALLER}accounts: [{{regions: [eu-west-1, us-east-1], images: [{{name: Gold}}, {{name: B, id: wsi-000000001}}]}}]"
        );
        let form = parse_world(&text).unwrap();
        let places = form
            .accounts
            .iter()
            .map(|a| (a.account_id.as_str(), a.region.as_str()));
        let own = "111122223333";
        assert_eq!(
            places.collect::<Vec<_>>(),
            [(own, "eu-west-1"), (own, "us-east-1")]
        );
        let ids = |at: usize| {
            form.accounts[at].images().map(|(id, image)| {
                assert_eq!(image.id.as_ref(), Some(id));
                (image.name.to_string(), id.clone())
            })
        };
        let (first, second): (Vec<_>, Vec<_>) = (ids(0).collect(), ids(1).collect());
        assert_eq!(
            first.iter().filter(|image| second.contains(image)).count(),
            1
        );
        let json = serde_json::to_string(&form).unwrap();
        assert_eq!(serde_json::from_str::<WorldForm>(&json).unwrap(), form);
    }

    #[expect(clippy::too_many_lines, reason = "a table is as long as its rows")]
    #[test]
    fn a_problem_of_a_world_names_its_place() {
        let mut wrong = Vec::new();
        for (text, error) in [
            ("accounts: []", "line 1, column 1: missing field `caller`"),
            (
                "caller: {}\naccounts: []",
                "line 1, column 9: caller: missing field `accountId`",
            ),
            (
                "caller: {accountId: '1'}\naccounts: []",
                "caller: accountId: expected 12 digits in quotes",
            ),
            (
                "caller: {accountId: '999988887777', arn: 'arn:aws:iam::999988887776:user/x'}\naccounts: []",
                "caller: arn: expected the ARN of a user or session in account 999988887777, found",
            ),
            (
                "@images: []",
                "line 3, column 1: unknown field `images`, expected one of `caller`, `roles`,",
            ),
            (
                "@roles: [{arn: x, trusts: []}]",
                "roles[0]: arn: expected an ARN like arn:aws:iam::111122223333:role/repave, found",
            ),
            (
                "@roles: [{arn: 'arn:aws:iam::999988887777:role/x'}]",
                "line 3, column 9: roles[0]: missing field `trusts`",
            ),
            (
                "@roles: [{arn: 'arn:aws:iam::999988887777:role/x', trusts: ['*']}]",
                "roles[0]: trusts: expected an account ID of 12 digits in quotes, or",
            ),
            (
                "@roles: [{arn: 'arn:aws:iam::999988887777:role/x', trusts: [], externalId: x}]",
                "roles[0]: externalId: expected 2 to 1224",
            ),
            (
                "@roles: [{arn: 'arn:aws:iam::999988887777:role/x', trusts: [], maxSession: 13h}]",
                "roles[0]: maxSession: expected 1h to 12h, found 13h",
            ),
            (
                "@roles: [{arn: 'arn:aws:iam::999988887777:role/x', trusts: []}, {arn: 'arn:aws:iam::999988887777:role/x', trusts: []}]",
                "roles[1]: two roles have the ARN arn:aws:iam::999988887777:role/x",
            ),
            (
                "@sessionDuration: 0s",
                "sessionDuration: expected 1s to 12h, found 0s",
            ),
            (
                "@faults: [{fault: RegionDown, region: here}]",
                "faults[0]: region: expected the name of a Region",
            ),
            (
                "@faults: [{fault: ThrottleSts, times: 0}]",
                "faults[0]: times: expected 1 to 4294967295, found 0",
            ),
            (
                "@faults: [{fault: RefuseRole, role: x}]",
                "faults[0]: role: expected an ARN like",
            ),
            (
                "@faults: [{fault: SlowSts}]",
                "line 3, column 10: faults[0]: missing field `by`",
            ),
            (
                "@faults: [{fault: ThrottleSts, by: 3s}]",
                "line 3, column 10: faults[0]: unknown field `by`, there are no fields; every fault has fault, role, region,",
            ),
            (
                "+{region: here}",
                "account 111122223333 in here: region: expected the name of a Region",
            ),
            (
                "+{pageSize: 99}",
                "account 111122223333 in eu-west-1: pageSize: expected 1 to 25",
            ),
            (
                "+{}, {}",
                "account 111122223333 in eu-west-1: stands twice in accounts",
            ),
            (
                "+{regions: [eu-west-1, eu-west-1]}",
                "account 111122223333 in eu-west-1: stands twice in accounts",
            ),
            (
                "+{region: us-east-1, regions: [eu-west-1]}",
                "accounts[0]: found region and regions",
            ),
            (
                "+{images: [{name: a b}]}",
                "line 2, column 29: accounts[0].images[0].name: character 2 is",
            ),
            (
                "+{faults: [{fault: Throttle, by: 3s}]}",
                "line 2, column 22: accounts[0].faults[0]: unknown field `by`, there are no fields; every fault has fault, operation,",
            ),
        ] {
            let text = match (text.strip_prefix('@'), text.strip_prefix('+')) {
                (Some(rest), _) => format!("{CALLER}accounts: []\n{rest}"),
                (_, Some(accounts)) => format!("{CALLER}accounts: [{accounts}]"),
                _ => text.to_owned(),
            };
            let found = read(&text).unwrap_err();
            if !found.starts_with(error) {
                wrong.push(format!("{text}\n gave: {found}\n  not: {error}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let found = parse("regions: [eu-west-1]").unwrap_err();
        assert!(
            found.starts_with("regions: only accounts of a list"),
            "{found}"
        );
    }
}
