//! Tables over a world, without a socket.

use super::*;
use crate::simulator::seed;
use crate::simulator::wire::{Answer, Call, DeleteImage, DescribeImages, Output};

const HUB: &str = "arn:aws:iam::999988887777:role/vdi-hub";
const FINANCE: &str = "arn:aws:iam::111122223333:role/repave";
const DESIGN: &str = "arn:aws:iam::444455556666:role/repave";

const SEED: &str = "
caller: {accountId: '999988887777', arn: 'arn:aws:iam::999988887777:user/ci'}
roles:
- {arn: 'arn:aws:iam::999988887777:role/vdi-hub', trusts: ['999988887777'], maxSession: 12h}
- {arn: 'arn:aws:iam::111122223333:role/repave', trusts: ['arn:aws:iam::999988887777:role/vdi-hub'], externalId: r-1}
- {arn: 'arn:aws:iam::444455556666:role/repave', trusts: ['arn:aws:iam::999988887777:role/vdi-hub']}
accounts:
- {accountId: '111122223333', regions: [eu-west-1, us-east-1], apiRate: {perSecond: 0}, images: [{name: Gold}]}
- {accountId: '444455556666', region: eu-west-1, images: [{name: Gold}, {name: Silver}]}
";

fn world(more: &str) -> World {
    let form = seed::parse_world(&format!("{SEED}{more}")).unwrap();
    World::try_from(form).unwrap()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

/// Who signs: an access key and its session token.
type Keys = (String, Option<String>);

fn caller() -> Keys {
    ("AKIAIOSFODNN7EXAMPLE".into(), None)
}

fn header(key: &str, region: &str, service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={key}/20260921/{region}/{service}/aws4_request, Signature=0"
    )
}

/// Asks for what `ask` gets from a request that these keys sign at this time.
fn asked<T>(
    world: &mut World,
    seconds: i64,
    (key, token): &Keys,
    (region, service): (&str, &str),
    ask: impl FnOnce(&mut World, Timestamp, &Signed<'_>) -> Admission<T>,
) -> Result<T, String> {
    let header = header(key, region, service);
    let signed = Signed {
        authorization: Some(&header),
        session_token: token.as_deref(),
    };
    ask(world, at(seconds), &signed)
        .result
        .map_err(|refusal| match refusal {
            Refusal::Error(error) => format!("{} {}: {}", error.status, error.code, error.message),
            other => format!("{other:?}"),
        })
}

fn arn(world: &mut World, seconds: i64, keys: &Keys, region: &str) -> Result<String, String> {
    let identified = asked(world, seconds, keys, (region, "sts"), World::identify);
    identified.map(|identified| identified.arn)
}

fn form(parameters: &[(&str, &str)]) -> Form {
    let pairs = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"));
    Form::parse(pairs.collect::<Vec<_>>().join("&").as_bytes())
}

fn assume(
    world: &mut World,
    seconds: i64,
    keys: &Keys,
    parameters: &[(&str, &str)],
) -> Result<Issued, String> {
    let form = form(parameters);
    asked(
        world,
        seconds,
        keys,
        ("eu-west-1", "sts"),
        |world, now, signed| world.assume_role(now, signed, &form),
    )
}

fn keys(issued: &Issued) -> Keys {
    (issued.access_key.clone(), Some(issued.token.clone()))
}

/// The keys of a session of this role; through the hub if it is not the hub.
fn session(world: &mut World, role: &str) -> Keys {
    let of = |role| {
        [
            ("RoleArn", role),
            ("RoleSessionName", "me"),
            ("ExternalId", "r-1"),
        ]
    };
    let hub = keys(&assume(world, 0, &caller(), &of(HUB)).unwrap());
    if role == HUB {
        return hub;
    }
    keys(&assume(world, 0, &hub, &of(role)).unwrap())
}

/// The account and Region that a WorkSpaces request reaches.
fn reached(world: &mut World, keys: &Keys, region: &str) -> Result<String, String> {
    let account = asked(world, 0, keys, (region, "workspaces"), World::account_of)?;
    let account = lock(&account);
    Ok(format!("{} {}", account.account_id, account.region))
}

#[test]
fn a_request_reaches_the_account_of_its_key_in_the_region_of_its_signature() {
    let mut world = world("");
    let (finance, design) = (session(&mut world, FINANCE), session(&mut world, DESIGN));
    let hub = session(&mut world, HUB);
    for (keys, region, place) in [
        (&finance, "eu-west-1", "111122223333 eu-west-1"),
        (&finance, "us-east-1", "111122223333 us-east-1"),
        (&design, "eu-west-1", "444455556666 eu-west-1"),
        // The seed names neither.
        (&design, "us-east-1", "444455556666 us-east-1"),
        (&hub, "eu-west-1", "999988887777 eu-west-1"),
        (&caller(), "ap-south-1", "999988887777 ap-south-1"),
    ] {
        assert_eq!(reached(&mut world, keys, region).as_deref(), Ok(place));
    }
}

#[test]
fn what_happens_in_one_account_and_region_is_seen_in_no_other() {
    let mut world = world("");
    let finance = session(&mut world, FINANCE);
    let design = session(&mut world, DESIGN);
    let call = |world: &mut World, keys: &Keys, region, call: &Call| {
        let account = asked(world, 0, keys, (region, "workspaces"), World::account_of).unwrap();
        let reply = lock(&account).call(at(0), call);
        reply.answer
    };
    let list = Call::DescribeImages(DescribeImages::default());
    let mut ids = |region, keys: &Keys| match call(&mut world, keys, region, &list) {
        Answer::Ok(Output::Images { images, .. }) => {
            let ids = images.into_iter().filter_map(|image| image.image_id);
            ids.collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    let gold = ids("eu-west-1", &finance);
    let there = ids("us-east-1", &finance);
    assert_eq!((gold.len(), there.len()), (1, 1));
    // One name, but another ID in each account and Region.
    assert_ne!(gold, there);
    assert!(ids("eu-west-1", &design).iter().all(|id| *id != gold[0]));
    assert_eq!(ids("us-west-2", &finance), Vec::<String>::new());
    let delete = Call::DeleteImage(DeleteImage {
        image_id: Some(gold[0].clone()),
    });
    for (keys, region, is_done) in [
        (&design, "eu-west-1", false),
        (&finance, "us-east-1", false),
        (&finance, "eu-west-1", true),
    ] {
        let answer = call(&mut world, keys, region, &delete);
        assert_eq!(matches!(answer, Answer::Ok(_)), is_done, "{answer:?}");
    }
}

#[test]
fn identities_are_those_that_sign() {
    let mut world = world("");
    let keys = session(&mut world, FINANCE);
    let user = arn(&mut world, 0, &caller(), "us-east-1");
    assert_eq!(user.as_deref(), Ok("arn:aws:iam::999988887777:user/ci"));
    let session = arn(&mut world, 0, &keys, "us-east-1");
    assert_eq!(
        session.as_deref(),
        Ok("arn:aws:sts::111122223333:assumed-role/repave/me")
    );
    let token = "403 InvalidClientTokenId: The security token included in the request is invalid.";
    let (key, session_token) = keys;
    for wrong in [
        (key.clone(), None),
        (key.clone(), Some(String::new())),
        (key.clone(), session_token.map(|token| token + "0")),
        // As issued by an earlier process.
        (format!("{ISSUED}0123456789ABC"), Some("x".into())),
    ] {
        assert_eq!(arn(&mut world, 0, &wrong, "eu-west-1"), Err(token.into()));
        assert_eq!(reached(&mut world, &wrong, "eu-west-1"), Err(token.into()));
    }
}

#[test]
fn a_session_ends_when_its_answer_says() {
    let asked = [("RoleArn", HUB), ("RoleSessionName", "me")];
    for (more, duration, ends) in [
        ("", None, 3600),
        ("", Some("900"), 900),
        ("", Some("43200"), 43200),
        ("sessionDuration: 5s", None, 5),
        ("sessionDuration: 2h", Some("900"), 900),
    ] {
        let mut world = world(more);
        let mut asked = asked.to_vec();
        asked.extend(duration.map(|seconds| ("DurationSeconds", seconds)));
        let issued = assume(&mut world, 0, &caller(), &asked).unwrap();
        assert_eq!(issued.expires, at(ends));
        let keys = keys(&issued);
        assert!(arn(&mut world, ends - 1, &keys, "eu-west-1").is_ok());
        let expired = "403 ExpiredToken: The security token included in the request is expired";
        assert_eq!(
            arn(&mut world, ends, &keys, "eu-west-1"),
            Err(expired.into())
        );
        // Another session does not revive it.
        assume(&mut world, ends, &caller(), &asked).unwrap();
        assert_eq!(
            arn(&mut world, ends, &keys, "eu-west-1"),
            Err(expired.into())
        );
    }
}

#[test]
fn sessions_differ_and_the_same_requests_give_the_same_sessions() {
    let asked = [("RoleArn", HUB), ("RoleSessionName", "me")];
    let run = || {
        let mut world = world("");
        let mut issued = || assume(&mut world, 0, &caller(), &asked).unwrap();
        [issued(), issued()]
    };
    let [one, two] = run();
    assert_eq!(run(), [one.clone(), two.clone()]);
    assert_ne!(one.access_key, two.access_key);
    assert_ne!(one.token, two.token);
    let (key, _) = keys(&one);
    assert_eq!(key.len(), 20);
    let mut world = world("");
    assume(&mut world, 0, &caller(), &asked).unwrap();
    assume(&mut world, 0, &caller(), &asked).unwrap();
    let mixed = (one.access_key, Some(two.token));
    assert!(arn(&mut world, 0, &mixed, "eu-west-1").is_err());
}

#[test]
fn forgotten_sessions_stay_invalid_and_take_no_memory() {
    let asked = [
        ("RoleArn", HUB),
        ("RoleSessionName", "me"),
        ("DurationSeconds", "900"),
    ];
    let mut world = world("");
    let first = keys(&assume(&mut world, 0, &caller(), &asked).unwrap());
    for hour in 1..50 {
        assume(&mut world, hour * 3600, &caller(), &asked).unwrap();
    }
    let error = arn(&mut world, 50 * 3600, &first, "eu-west-1").unwrap_err();
    assert!(error.contains("InvalidClientTokenId"), "{error}");
    let Extent::Many(many) = &world.0 else {
        panic!("{world:?}");
    };
    assert!(many.sessions.len() < 15, "{}", many.sessions.len());
}

#[expect(clippy::too_many_lines, reason = "a table is as long as its rows")]
#[test]
fn assume_role_is_held_to_the_models_limits() {
    let mut world = world("");
    let long = "a".repeat(65);
    let invalid =
        |rest: &str| format!("400 ValidationError: 1 validation error detected: Value {rest}");
    let constraint = |value: &str, rest: &str| {
        invalid(&format!(
            "{value} failed to satisfy constraint: Member must {rest}"
        ))
    };
    for (parameter, value, error) in [
        (
            "RoleSessionName",
            "m",
            constraint(
                "'m' at 'roleSessionName'",
                "have length greater than or equal to 2",
            ),
        ),
        (
            "RoleSessionName",
            &long,
            constraint(
                &format!("'{long}' at 'roleSessionName'"),
                "have length less than or equal to 64",
            ),
        ),
        (
            "RoleSessionName",
            "a b",
            constraint(
                "'a b' at 'roleSessionName'",
                "satisfy regular expression pattern: [\\w+=,.@-]*",
            ),
        ),
        (
            "RoleSessionName",
            "é1",
            constraint(
                "'é1' at 'roleSessionName'",
                "satisfy regular expression pattern: [\\w+=,.@-]*",
            ),
        ),
        (
            "DurationSeconds",
            "899",
            constraint(
                "'899' at 'durationSeconds'",
                "have value greater than or equal to 900",
            ),
        ),
        (
            "DurationSeconds",
            "43201",
            constraint(
                "'43201' at 'durationSeconds'",
                "have value less than or equal to 43200",
            ),
        ),
        (
            "DurationSeconds",
            "-9223372036854775808",
            constraint(
                "'-9223372036854775808' at 'durationSeconds'",
                "have value greater than or equal to 900",
            ),
        ),
        (
            "DurationSeconds",
            "1h",
            constraint("'1h' at 'durationSeconds'", "be a number"),
        ),
        (
            "ExternalId",
            "x",
            constraint(
                "'x' at 'externalId'",
                "have length greater than or equal to 2",
            ),
        ),
        (
            "ExternalId",
            "a b",
            constraint(
                "'a b' at 'externalId'",
                "satisfy regular expression pattern: [\\w+=,.@:\\/-]*",
            ),
        ),
        (
            "RoleArn",
            "arn:aws:iam::1:role",
            constraint(
                "'arn:aws:iam::1:role' at 'roleArn'",
                "have length greater than or equal to 20",
            ),
        ),
        (
            "RoleArn",
            "arn:aws:iam::999988887777:user/ci",
            "400 ValidationError: arn:aws:iam::999988887777:user/ci is invalid".into(),
        ),
    ] {
        let mut asked = vec![(parameter, value)];
        let rest = [("RoleArn", HUB), ("RoleSessionName", "me")];
        asked.extend(rest.iter().filter(|(name, _)| *name != parameter));
        assert_eq!(assume(&mut world, 0, &caller(), &asked), Err(error));
    }
    let missing = assume(&mut world, 0, &caller(), &[]).unwrap_err();
    assert!(
        missing.starts_with(
            "400 ValidationError: 2 validation errors detected: Value null at 'roleArn'"
        ),
        "{missing}"
    );
    let chained = [
        ("RoleArn", DESIGN),
        ("RoleSessionName", "me"),
        ("DurationSeconds", "3601"),
    ];
    let hub = session(&mut world, HUB);
    let error = assume(&mut world, 0, &hub, &chained).unwrap_err();
    assert!(
        error.contains("1 hour session limit for roles assumed by role chaining"),
        "{error}"
    );
}

#[test]
fn only_who_is_trusted_gets_a_session() {
    let mut world = world("");
    let hub = session(&mut world, HUB);
    let design = session(&mut world, DESIGN);
    let denied = |by: &str, role: &str| {
        Err(format!(
            "403 AccessDenied: User: {by} is not authorized to perform: sts:AssumeRole on resource: {role}"
        ))
    };
    let hub_arn = "arn:aws:sts::999988887777:assumed-role/vdi-hub/me";
    let design_arn = "arn:aws:sts::444455556666:assumed-role/repave/me";
    let unknown = "arn:aws:iam::111122223333:role/unknown";
    for (keys, by, role, external_id, is_trusted) in [
        (&hub, hub_arn, FINANCE, Some("r-1"), true),
        (&hub, hub_arn, FINANCE, Some("r-2"), false),
        (&hub, hub_arn, FINANCE, None, false),
        (&hub, hub_arn, DESIGN, None, true),
        (&hub, hub_arn, unknown, None, false),
        (
            &caller(),
            "arn:aws:iam::999988887777:user/ci",
            FINANCE,
            Some("r-1"),
            false,
        ),
        (&design, design_arn, FINANCE, Some("r-1"), false),
        (&design, design_arn, HUB, None, false),
    ] {
        let mut asked = vec![("RoleArn", role), ("RoleSessionName", "me")];
        asked.extend(external_id.map(|id| ("ExternalId", id)));
        let issued = assume(&mut world, 0, keys, &asked);
        if is_trusted {
            assert!(issued.is_ok(), "{issued:?}");
        } else {
            assert_eq!(issued, denied(by, role));
        }
    }
}

#[test]
fn wrong_scopes_are_refused() {
    let mut world = world("");
    for (region, service, says) in [
        (
            "eu-west-1",
            "sts",
            "SignatureDoesNotMatch: Credential should be scoped to correct service: 'workspaces'.",
        ),
        (
            "nowhere",
            "workspaces",
            "SignatureDoesNotMatch: Credential should be scoped to a valid region.",
        ),
        (
            "",
            "workspaces",
            "SignatureDoesNotMatch: Credential should be scoped to a valid region.",
        ),
        (
            "eu-west-1/x",
            "workspaces",
            "IncompleteSignature: Credential must have exactly 5",
        ),
    ] {
        let refused = asked(
            &mut world,
            0,
            &caller(),
            (region, service),
            World::account_of,
        );
        let error = refused.unwrap_err();
        assert!(error.contains(says), "{region}: {error}");
    }
    let unsigned = world.account_of(at(0), &Signed::default());
    assert!(matches!(unsigned.result, Err(Refusal::Error(_))));
}

#[test]
fn what_is_down_or_refused_stops_nothing_else() {
    // Faults; then for finance in eu-west-1 and us-east-1, design in eu-west-1: what STS answers, and what WorkSpaces does.
    let refused = |code: &str| Some(code.to_owned());
    let not_enabled = || refused("403 InvalidClientTokenId");
    for (fault, region, sts, workspaces) in [
        (
            "RegionDown, region: us-east-1",
            "us-east-1",
            refused("Unavailable"),
            refused("Unavailable"),
        ),
        ("RegionDown, region: us-east-1", "eu-west-1", None, None),
        (
            "RegionDown, region: us-east-1, answer: drop",
            "us-east-1",
            refused("DropConnection"),
            refused("DropConnection"),
        ),
        (
            "RegionDown, accountId: '444455556666'",
            "us-east-1",
            None,
            None,
        ),
        (
            "RegionNotEnabled, region: us-east-1",
            "us-east-1",
            not_enabled(),
            not_enabled(),
        ),
        (
            "RegionNotEnabled, region: us-east-1, accountId: '111122223333'",
            "us-east-1",
            not_enabled(),
            not_enabled(),
        ),
        (
            "RegionNotEnabled, region: us-east-1, accountId: '444455556666'",
            "us-east-1",
            None,
            None,
        ),
        (
            "ThrottleSts, skip: 2",
            "eu-west-1",
            refused("400 Throttling: Rate exceeded"),
            None,
        ),
        ("ThrottleSts, skip: 3", "eu-west-1", None, None),
    ] {
        let mut world = world(&format!("faults: [{{fault: {fault}}}]"));
        let keys = session(&mut world, FINANCE);
        let starts = |result: Result<String, String>, expected: &Option<String>| match expected {
            None => assert!(result.is_ok(), "{fault}: {result:?}"),
            Some(start) => {
                let error = result.unwrap_err();
                assert!(error.starts_with(start), "{fault}: {error}");
            }
        };
        starts(arn(&mut world, 0, &keys, region), &sts);
        starts(reached(&mut world, &keys, region), &workspaces);
    }
}

#[test]
fn a_role_can_be_refused_for_a_time_and_only_that_role() {
    let fault = format!("faults: [{{fault: RefuseRole, role: '{FINANCE}', times: 2}}]");
    let mut world = world(&fault);
    let hub = session(&mut world, HUB);
    let of = |role| {
        [
            ("RoleArn", role),
            ("RoleSessionName", "me"),
            ("ExternalId", "r-1"),
        ]
    };
    for refused in [true, true, false] {
        assert!(assume(&mut world, 0, &hub, &of(DESIGN)).is_ok());
        let issued = assume(&mut world, 0, &hub, &of(FINANCE));
        assert_eq!(issued.is_err(), refused, "{issued:?}");
        let is_denied = |error: &String| error.starts_with("403 AccessDenied: User: ");
        assert!(issued.as_ref().err().is_none_or(is_denied), "{issued:?}");
    }
    assert_eq!((world.revision(), world.faults()), (2, &[][..]));
}

#[test]
fn sts_names_the_account_that_has_not_enabled_the_region() {
    let fault = "faults: [{fault: RegionNotEnabled, region: eu-west-1, accountId: '444455556666'}]";
    let mut world = world(fault);
    let hub = session(&mut world, HUB);
    let asked = [("RoleArn", DESIGN), ("RoleSessionName", "me")];
    let error = assume(&mut world, 0, &hub, &asked).unwrap_err();
    let says = "403 RegionDisabledException: STS is not activated in this region for account:444455556666.";
    assert!(error.starts_with(says), "{error}");
}

#[test]
fn a_slow_sts_answers_late() {
    let mut world = world("faults: [{fault: SlowSts, by: 90s, times: 1}]");
    let header = header("AKIA", "eu-west-1", "sts");
    let signed = Signed {
        authorization: Some(&header),
        session_token: None,
    };
    for delay in [90, 0] {
        let admission = world.identify(at(0), &signed);
        assert!(admission.result.is_ok());
        assert_eq!(admission.delay.as_secs(), delay);
    }
}

#[test]
fn one_account_serves_everybody_in_every_region() {
    let account = seed::parse("region: ap-south-1").unwrap();
    let mut world = World::from(Arc::new(Mutex::new(account)));
    for signed in [
        Signed::default(),
        Signed {
            authorization: Some("AWS4-HMAC-SHA256 x"),
            session_token: Some("x"),
        },
    ] {
        let account = world.account_of(at(0), &signed).result.unwrap();
        assert_eq!(lock(&account).region, "ap-south-1");
        let identified = world.identify(at(0), &signed).result.unwrap();
        assert_eq!(identified.arn, "arn:aws:iam::111122223333:user/simulated");
        let refused = world.assume_role(at(0), &signed, &Form::default()).result;
        assert!(matches!(refused, Err(Refusal::Error(error)) if error.code == "InvalidAction"));
    }
}
