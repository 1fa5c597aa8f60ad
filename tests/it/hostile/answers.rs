//! Any answer of the service, through the real SDK over loopback; and any failure, through the table of docs/errors.md.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use repave::cloud::{Ask, Cloud, CreateImage, Delivery, Failure, FailureKind, Operation, Step};
use repave::model::value::{Description, ImageName, Tags};
use serde_json::{Value, json};

use super::raw::{Answer, Raw};
use super::{checks, places, runner};

/// A listing with everything in it.
fn listing() -> Value {
    json!({"Images": [
        {"ImageId": "wsi-000000001", "Name": "a", "Description": "d", "State": "AVAILABLE", "OperatingSystem": {"Type": "WINDOWS"},
            "RequiredTenancy": "DEFAULT", "Created": 1_795_000_000.123, "OwnerAccountId": "111122223333",
            "Updates": {"UpdateAvailable": true, "Description": "u"}},
        {"ImageId": "wsi-000000002", "Name": "b", "State": "ERROR", "OperatingSystem": {"Type": "LINUX"},
            "ErrorCode": "C", "ErrorMessage": "M", "ErrorDetails": [{"ErrorCode": "OutdatedPowershellVersion", "ErrorMessage": "N"}]},
        {"ImageId": "wsi-000000003", "Name": "c", "State": "PENDING"},
    ]})
}

fn value() -> impl Strategy<Value = Value> {
    let values = vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1e308),
        json!(-1e308),
        json!(0.5),
        json!(u64::MAX),
        json!([]),
        json!({}),
        json!([null]),
        json!([[]]),
        json!(""),
        json!("a"),
        json!("z-not-listed"),
        json!("AVAILABLE"),
        json!("PENDING"),
        json!("COPYING"),
        json!("wsi-000000001"),
        json!("\u{1b}[2J\u{202e}\n::error::x\u{9b}"),
        json!("x".repeat(5000)),
        json!("é漢😀\u{0}"),
        json!("2026-11-22T12:00:00Z"),
        json!([{}, {}]),
        json!({"ImageId": "wsi-000000009"}),
    ];
    prop_oneof![4 => select(values), 1 => "\\PC{0,20}".prop_map(Value::from)]
}

/// Bodies near a valid one: values replaced, then bytes.
fn body(valid: Value) -> impl Strategy<Value = Vec<u8>> {
    let places = places(&valid);
    let values = prop::collection::vec((select(places), value()), 0..4);
    let bytes = prop_oneof![
        2 => Just(None),
        1 => (any::<Index>(), any::<u8>(), any::<bool>()).prop_map(Some),
    ];
    (values, bytes).prop_map(move |(values, bytes)| {
        let mut body = valid.clone();
        for (place, value) in values {
            if let Some(slot) = body.pointer_mut(&place) {
                *slot = value;
            }
        }
        let mut body = serde_json::to_vec(&body).unwrap();
        if let Some((at, byte, cut)) = bytes {
            let at = at.index(body.len());
            body[at] = byte;
            if cut {
                body.truncate(at);
            }
        }
        body
    })
}

#[test]
fn any_listing_is_whole_or_an_error() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(Raw::start());
    let api = server.api();
    let bodies = prop_oneof![
        6 => body(listing()),
        1 => body(json!({"Images": [], "NextToken": "t"})),
        1 => body(json!({"Images": [
            {"ImageId": "wsi-000000001", "Name": "a", "State": "PENDING"}, {"ImageId": "wsi-000000002", "Name": "a", "State": "AVAILABLE"},
            {"ImageId": "wsi-000000003", "State": "AVAILABLE"}, {"ImageId": "wsi-000000004", "State": "AVAILABLE"},
        ]})),
        1 => prop::collection::vec(any::<u8>(), 0..200),
    ];
    let seen = Arc::new(std::sync::Mutex::new((0, 0)));
    runner(400)
        .run(&bodies, |body| {
            let before = server.asked();
            server.answer(Answer::of(200, &body));
            let result = runtime.block_on(api.observe(&Ask::Images));
            checks::listed(&result, &body);
            let mut seen = seen.lock().unwrap();
            match result {
                Ok(_) => seen.0 += 1,
                Err(_) => seen.1 += 1,
            }
            // One page; a token that comes again; what the SDK asks again after a lost answer.
            prop_assert!(server.asked() - before <= 3);
            Ok(())
        })
        .unwrap();
    let (listings, errors) = *seen.lock().unwrap();
    assert!(
        listings > 50 && errors > 50,
        "{listings} listings, {errors} errors"
    );
}

#[test]
fn any_answer_to_a_create_is_an_id_or_says_whether_it_may_have_had_effect() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(Raw::start());
    let request = Step::CreateImage(CreateImage {
        name: ImageName::parse("a").unwrap(),
        description: Description::parse("d").unwrap(),
        source_id: checks::GOLD.into(),
        tags: Tags::default(),
    });
    let codes = repave_codes();
    let error = (select(codes), select(vec!["", "x#", "com.amazonaws.workspaces#"]), select(vec!["", ":", ":http://x/", "\u{202e}"]), "\\PC{0,30}")
        .prop_map(|(code, before, after, message)| json!({"__type": format!("{before}{code}{after}"), "message": message, "reason": "\u{1b}r", "ResourceId": "x"}))
        .prop_flat_map(body);
    let answers = prop_oneof![
        1 => (Just(200), body(json!({"ImageId": "wsi-000000003"}))),
        4 => (select(vec![400_u16, 403, 404, 429, 500, 503, 302, 201]), error),
        1 => (100..600_u16, prop::collection::vec(any::<u8>(), 0..100)),
    ];
    runner(400)
        .run(&answers, |(status, body)| {
            // Below 200 it is no answer, and 204 and 304 have no body.
            let status = if status < 200 || matches!(status, 204 | 304) {
                500
            } else {
                status
            };
            let before = server.asked();
            server.answer(Answer::of(status, &body));
            // After a refusal of credentials a client sends no create before its next listing.
            let result = runtime.block_on(server.api().perform(&request));
            prop_assert_eq!(server.asked() - before, 1, "a create is sent once");
            let body = String::from_utf8_lossy(&body);
            match result {
                Ok(receipt) => prop_assert!(
                    (200..300).contains(&status)
                        && !receipt.image_id.is_empty()
                        && body.contains("ImageId"),
                    "{status} {body}"
                ),
                Err(error) => {
                    checks::failed(&error);
                    let refused = error.kind != FailureKind::OutcomeUnknown;
                    let known = error
                        .code
                        .as_deref()
                        .is_some_and(|code| repave::cloud::known_code(code).is_some());
                    prop_assert!(
                        !refused || known || status == 429,
                        "{status} {body}: {error:?}"
                    );
                    prop_assert!(!refused || status >= 300, "{status} {body}: {error:?}");
                }
            }
            Ok(())
        })
        .unwrap();
}

/// The codes of docs/errors.md, and others.
fn repave_codes() -> Vec<&'static str> {
    vec![
        "ThrottlingException",
        "SlowDown",
        "LimitExceededException",
        "AccessDeniedException",
        "ExpiredTokenException",
        "NoCredentials",
        "ResourceAlreadyExistsException",
        "InvalidResourceStateException",
        "ResourceLimitExceededException",
        "ResourceNotFoundException",
        "InvalidParameterValuesException",
        "ValidationException",
        "OperationNotSupportedException",
        "InternalFailure",
        "ServiceUnavailable",
        "SerializationException",
        "throttlingexception",
        "Throttling\u{200b}",
        "",
        "null",
    ]
}

#[test]
fn what_a_failure_means_never_goes_beyond_what_was_answered() {
    let operation = select(vec![
        Operation::DescribeWorkspaceImages,
        Operation::CreateUpdatedWorkspaceImage,
    ]);
    let delivery = prop_oneof![
        Just(Delivery::NotSent),
        Just(Delivery::Unanswered),
        select(vec![200_u16, 400, 403, 429, 499, 500, 503, 599]).prop_map(Delivery::Answered),
        any::<u16>().prop_map(Delivery::Answered),
    ];
    let text = prop_oneof![3 => "\\PC{0,30}", 1 => Just("x".repeat(5000)), 1 => Just("\u{1b}\n\u{202e}".to_owned())];
    let code = prop_oneof![5 => select(repave_codes()).prop_map(|code| Some(code.to_owned())), 1 => text.clone().prop_map(Some), 1 => Just(None)];
    let failure = (
        delivery,
        code,
        text.clone(),
        prop::option::of(text.clone()),
        prop::option::of(text),
    );
    runner(2000)
        .run(
            &(operation, failure),
            |(operation, (delivery, code, message, service_reason, request_id))| {
                let failure = Failure {
                    delivery,
                    code,
                    message,
                    service_reason,
                    request_id,
                };
                checks::classified(operation, failure);
                Ok(())
            },
        )
        .unwrap();
}
