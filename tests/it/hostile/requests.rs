//! Any request to the simulator: its world never panics, and nobody gets an account or a session that is not theirs.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use repave::simulator::{Form, Refusal, Signed, World, seed, server};
use repave::sys::clock::Clock;
use tokio::net::TcpListener;

use super::runner;

const SEED: &str = "
caller: {accountId: '999988887777'}
roles:
- {arn: 'arn:aws:iam::999988887777:role/hub', trusts: ['999988887777'], maxSession: 12h}
- {arn: 'arn:aws:iam::111122223333:role/repave', trusts: ['arn:aws:iam::999988887777:role/hub'], externalId: r-1}
accounts:
- {accountId: '111122223333', apiRate: {perSecond: 0}, images: [{name: Gold}]}
faults:
- {fault: ThrottleSts, skip: 3, times: 1}
";

const HEADER: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261126/eu-west-1/sts/aws4_request, \
                      SignedHeaders=host;x-amz-date, Signature=0123456789abcdef";
const FORM: &str = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A999988887777%3Arole%2Fhub\
                    &RoleSessionName=me&ExternalId=r-1&DurationSeconds=3600";

/// Texts near a valid one: a cut, then pieces put in anywhere.
fn near(valid: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let pieces: Vec<&[u8]> = vec![
        b"/",
        b"//",
        b",",
        b"=",
        b"&",
        b"%",
        b"%4",
        b"%ff",
        b"+",
        b" ",
        b"\t",
        b":",
        b"\"",
        b"<",
        b"\xff",
        b"\xc3",
        b"\0",
        b"Credential=",
        b"aws4_request",
        b"ASIASIM0123456789ABC",
        b"99999999999999999999",
        b"-1",
        "é漢😀".as_bytes(),
        b"RoleArn=",
        b"arn:aws:iam::111122223333:role/repave",
        b"us-east-1",
        b"workspaces",
    ];
    let put_in = prop::collection::vec((any::<Index>(), select(pieces)), 0..5);
    let cut = prop_oneof![3 => Just(None), 1 => any::<Index>().prop_map(Some)];
    (cut, put_in).prop_map(move |(cut, put_in)| {
        let mut bytes = valid.as_bytes().to_vec();
        if let Some(at) = cut {
            bytes.truncate(at.index(bytes.len() + 1));
        }
        for (at, piece) in put_in {
            let at = at.index(bytes.len() + 1);
            bytes.splice(at..at, piece.iter().copied());
        }
        bytes
    })
}

#[test]
fn a_world_answers_any_header_and_any_form() {
    let requests = prop::collection::vec((near(HEADER), near(FORM), near("token")), 1..6);
    let form = seed::parse_world(SEED).unwrap();
    runner(1000)
        .run(&requests, |requests| {
            let mut world = World::try_from(form.clone()).unwrap();
            let now = Timestamp::from_second(1_790_000_000).unwrap();
            for (header, form, token) in requests {
                let header = String::from_utf8(header).ok();
                let token = String::from_utf8(token).ok();
                let signed = Signed {
                    authorization: header.as_deref(),
                    session_token: token.as_deref(),
                };
                let form = Form::parse(&form);
                for (service, used) in [("sts", "workspaces"), ("workspaces", "sts")] {
                    let other = header.as_ref().map(|text| text.replace(used, service));
                    let signed = Signed {
                        authorization: other.as_deref(),
                        ..signed
                    };
                    // Nobody without a session of the other account reaches it.
                    if let Ok(account) = world.account_of(now, &signed).result {
                        let account = account.lock().unwrap();
                        prop_assert_eq!(&account.account_id, "999988887777");
                    }
                    if let Ok(identified) = world.identify(now, &signed).result {
                        prop_assert_eq!(identified.account_id, "999988887777");
                    }
                    match world.assume_role(now, &signed, &form).result {
                        Ok(issued) => prop_assert!(
                            issued
                                .arn
                                .starts_with("arn:aws:sts::999988887777:assumed-role/hub/")
                        ),
                        Err(Refusal::Error(error)) => prop_assert!(error.status >= 400),
                        Err(other) => prop_assert!(false, "{:?}", other),
                    }
                }
            }
            Ok(())
        })
        .unwrap();
}

/// One request of a client: by which of the keys so far, with a change of its token, so much later, and what.
type Act = (Index, Option<u8>, i64, What);

#[derive(Debug, Clone)]
enum What {
    List(&'static str),
    Identify,
    Assume(usize, i64),
}

/// The roles, and which accounts their trust policies name: the hub's user for the first, the hub for the others.
const ROLES: [(&str, &str); 3] = [
    ("arn:aws:iam::999988887777:role/hub", "999988887777"),
    ("arn:aws:iam::111122223333:role/repave", "111122223333"),
    ("arn:aws:iam::444455556666:role/repave", "444455556666"),
];

#[test]
fn no_order_of_requests_leads_a_session_to_another_account() {
    let text = SEED.replace(
        "accounts:",
        "- {arn: 'arn:aws:iam::444455556666:role/repave', trusts: ['999988887777'], maxSession: 12h}\naccounts:",
    );
    let text = text.split("faults:").next().unwrap();
    let form = seed::parse_world(text).unwrap();
    let what = prop_oneof![
        2 => select(vec!["eu-west-1", "us-east-1"]).prop_map(What::List),
        1 => Just(What::Identify),
        4 => (0..3_usize, select(vec![900, 3600, 3601, 43200])).prop_map(|(role, seconds)| What::Assume(role, seconds)),
    ];
    let change = prop_oneof![6 => Just(None), 1 => any::<u8>().prop_map(Some)];
    let later = prop_oneof![3 => 0..60_i64, 1 => 0..5000_i64];
    let acts = prop::collection::vec((any::<Index>(), change, later, what), 1..40);
    runner(500)
        .run(&acts, |acts: Vec<Act>| {
            let mut world = World::try_from(form.clone()).unwrap();
            let mut now = Timestamp::from_second(1_790_000_000).unwrap();
            // Key, token, account, whether it is a session, its end.
            let mut keys = vec![("AKIA".to_owned(), None::<String>, "999988887777", false, Timestamp::MAX)];
            for (by, change, later, what) in acts {
                now += jiff::SignedDuration::from_secs(later);
                let (key, token, account, is_session, ends) = by.get(&keys).clone();
                let sent = match change {
                    Some(0..128) => None,
                    Some(byte) => Some(format!("{}{byte}", token.clone().unwrap_or_default())),
                    None => token.clone(),
                };
                let is_valid = !is_session || sent == token && now < ends;
                let (service, region) = match what {
                    What::List(region) => ("workspaces", region),
                    What::Identify | What::Assume(..) => ("sts", "eu-west-1"),
                };
                let header = format!("AWS4-HMAC-SHA256 Credential={key}/20260921/{region}/{service}/aws4_request");
                let signed = Signed {
                    authorization: Some(&header),
                    session_token: sent.as_deref(),
                };
                match what {
                    What::List(region) => {
                        let found = world.account_of(now, &signed).result.ok();
                        let found = found.map(|found| {
                            let found = found.lock().unwrap();
                            (found.account_id.clone(), found.region.clone())
                        });
                        let own = is_valid.then(|| (account.to_owned(), region.to_owned()));
                        prop_assert_eq!(found, own);
                    }
                    What::Identify => {
                        let found = world.identify(now, &signed).result.ok();
                        let own = is_valid.then(|| account.to_owned());
                        prop_assert_eq!(found.map(|found| found.account_id), own);
                    }
                    What::Assume(role, seconds) => {
                        let (arn, of_role) = ROLES[role];
                        let body = format!(
                            "RoleArn={arn}&RoleSessionName=me&ExternalId=r-1&DurationSeconds={seconds}"
                        );
                        let form = Form::parse(body.as_bytes());
                        let issued = world.assume_role(now, &signed, &form).result.ok();
                        // The second role trusts the hub's session alone, and has sessions of an hour.
                        let is_trusted = account == "999988887777" && (role != 1 || is_session);
                        let is_short = seconds <= 3600 || !is_session && role != 1;
                        prop_assert_eq!(issued.is_some(), is_valid && is_trusted && is_short);
                        if let Some(issued) = issued {
                            let token = Some(issued.token);
                            keys.push((issued.access_key, token, of_role, true, issued.expires));
                        }
                    }
                }
            }
            Ok(())
        })
        .unwrap();
}

/// Sends the bytes, and returns all that comes back.
fn exchange(address: std::net::SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn the_server_answers_any_header_and_any_form() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let saved = Box::new(|_: server::Change<'_>| Ok(()));
        let world = World::try_from(seed::parse_world(SEED).unwrap()).unwrap();
        server::start(listener, world, Clock::wall(), saved)
            .await
            .unwrap()
    });
    let address = server.address();
    let target = near("WorkspacesService.DescribeWorkspaceImages");
    let kind = near("application/x-www-form-urlencoded");
    let requests = (
        near(HEADER),
        kind,
        prop::option::of(target),
        near(FORM),
        near("token"),
    );
    let send = |headers: &[(&str, &[u8])], body: &[u8]| {
        let mut bytes = b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n".to_vec();
        for (name, value) in headers {
            // What ends a header is HTTP's, and tested elsewhere.
            let value: Vec<u8> = value.iter().copied().filter(|byte| *byte != 0).collect();
            bytes.extend([name.as_bytes(), b": ", &value, b"\r\n"].concat());
        }
        bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
        let bytes = [bytes, body.to_vec()].concat();
        // The server runs on this thread.
        let exchange =
            async { tokio::task::spawn_blocking(move || exchange(address, &bytes)).await };
        runtime.block_on(exchange).unwrap()
    };
    runner(300)
        .run(&requests, |(header, kind, target, form, token)| {
            let mut headers: Vec<(&str, &[u8])> = vec![
                ("authorization", &header),
                ("content-type", &kind),
                ("x-amz-security-token", &token),
            ];
            headers.extend(target.as_deref().map(|target| ("x-amz-target", target)));
            let answer = send(&headers, &form);
            let known = ["200", "400", "403"].map(|status| format!("HTTP/1.1 {status} "));
            let is_known = known.iter().any(|status| answer.starts_with(status));
            prop_assert!(is_known, "{}", answer);
            prop_assert!(!answer.contains("111122223333:assumed-role"), "{}", answer);
            Ok(())
        })
        .unwrap();
    let headers: [(&str, &[u8]); 2] = [
        ("authorization", HEADER.as_bytes()),
        ("content-type", b"application/x-www-form-urlencoded"),
    ];
    let answer = send(&headers, FORM.as_bytes());
    assert!(answer.contains("<SessionToken>"), "{answer}");
}
