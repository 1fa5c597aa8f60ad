//! Any bytes as the status file: used or set aside, never fatal, and no memory keeps an image from being created for ever.

use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use repave::state::status::Status;
use repave::state::store::{Loaded, Store as _, StoreError};
use serde_json::{Value, json};

use super::{checks, places, runner};

/// A status with everything in it.
fn full() -> Value {
    let at = "2026-11-22T11:55:00Z";
    json!({
        "apiVersion": "repave.dev/v1alpha1", "kind": "ReconcileStatus", "formatVersion": 1,
        "run": {"id": "0", "url": "https://ci/7", "host": "h", "pid": 7, "version": "1"},
        "target": {"region": "eu-west-1", "accountId": "111122223333", "simulated": false},
        "manifests": {"revision": "main@sha1:2b", "dirty": false, "digest": "sha256:5", "heldBack": "a reason", "problems": ["a problem"]},
        "listingError": {"reason": "Throttled", "code": "Slow", "message": "slowly", "since": at},
        "images": [{
            "kind": "UpdatedImage", "name": "a", "imageName": "A", "group": "blocked", "due": null, "manifest": "m.yaml#1", "observedDigest": "sha256:1",
            "imageId": "wsi-000000001", "createdWith": {"imageId": "wsi-000000001", "at": at, "digest": "sha256:1", "sourceImageId": "wsi-000000002", "description": "d", "tags": {"team": "x"}},
            "drift": [{"field": "description", "image": "d", "manifest": null}],
            "conditions": [
                {"type": "Ready", "status": "False", "reason": "RetryScheduled", "message": "m", "lastTransitionTime": at},
                {"type": "Stalled", "status": "True", "reason": "QuotaExceeded", "message": "m", "lastTransitionTime": at},
            ],
            "createRequestedAt": at, "firstSeenAt": null, "missingSince": at, "attempts": 1, "nextRetryAt": at,
            "lastError": {"kind": "OutcomeUnknown", "reason": "CreateResultUnknown", "code": "ResourceAlreadyExistsException",
                "message": "m", "requestId": "r", "at": at, "count": 3},
        }],
        "history": [{
            "at": at, "subject": {"target": "default", "kind": "UpdatedImage", "name": "a"}, "step": "create",
            "from": "wsi-000000002", "to": "A", "result": {"imageId": null, "reason": "Throttled", "code": "Slow"},
            "requestId": "r", "revision": "main@sha1:2b", "run": "0",
        }],
    })
}

/// One value put in the place of another: what fits somewhere, and what fits nowhere.
fn value() -> impl Strategy<Value = Value> {
    let words = [
        "",
        "a",
        "A",
        "eu-west-1",
        "us-east-1",
        "repave.dev/v9",
        "\u{1b}[2J\u{202e}\n::error::x",
        "True",
        "Ready",
        "Reconciling",
        "Available",
        "NameConflict",
        "Transient",
        "SourceBusy",
        "Blocked",
        "Rejected",
        "OutcomeUnknown",
        "QuotaExceeded",
        "2026-11-22T12:00:00Z",
        "2026-11-22T12:00:01Z",
        "2026-11-22T13:04:59Z",
        "2030-01-01T00:00:00Z",
        "9999-12-30T22:00:00Z",
        "9999-12-30T22:00:00.999999999Z",
        "-009999-01-02T01:59:59Z",
        "1970-01-01T00:00:00+23:59",
        "sha256:1",
    ];
    prop_oneof![
        3 => select(words.map(str::to_owned).to_vec()).prop_map(Value::from),
        1 => "\\PC{0,20}".prop_map(Value::from),
        1 => select(vec![json!(null), json!(true), json!(0), json!(-1), json!(4_294_967_295_u32), json!(1e300), json!([]), json!({})]),
        1 => Just(json!("x".repeat(100_000))),
        1 => Just(full()["images"][0].clone()),
        1 => Just(json!([full()["images"][0], full()["images"][0]])),
    ]
}

#[expect(clippy::disallowed_methods, reason = "a hostile file")]
fn put(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn whatever_stands_in_the_status_file_an_image_is_created_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("status.json");
    let whole = full();
    let places = places(&whole);
    let changes = prop::collection::vec((select(places), value()), 0..5);
    let used = std::cell::Cell::new(0);
    runner(1500)
        .run(&changes, |changes| {
            let mut status = whole.clone();
            for (place, value) in changes {
                if let Some(slot) = status.pointer_mut(&place) {
                    *slot = value;
                }
            }
            let bytes = serde_json::to_vec(&status).unwrap();
            used.set(used.get() + u32::from(serde_json::from_slice::<Status>(&bytes).is_ok()));
            put(&path, &bytes);
            checks::status(&path);
            Ok(())
        })
        .unwrap();
    assert!(used.get() > 300, "only {} were statuses at all", used.get());
}

#[test]
fn a_status_file_of_any_bytes_is_used_set_aside_whole_or_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("status.json");
    let aside = folder.path().join("status.json.aside-1");
    let whole = serde_json::to_vec(&full()).unwrap();
    let bytes = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300),
        any::<Index>().prop_map({
            let whole = whole.clone();
            move |end| whole[..end.index(whole.len())].to_vec()
        }),
        (any::<Index>(), any::<u8>()).prop_map(move |(at, byte)| {
            let mut bytes = whole.clone();
            let at = at.index(bytes.len());
            bytes[at] = byte;
            bytes
        }),
        (
            1..200_000_usize,
            select(vec!["[", "{\"a\":", "{\"images\":[", "\"\\u0000", "1", " "])
        )
            .prop_map(|(count, unit)| unit.repeat(count / unit.len()).into_bytes()),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runner(400)
        .run(&bytes, |bytes| {
            put(&path, &bytes);
            checks::status(&path);
            let mut store = crate::world::lock(&path);
            let loaded = runtime.block_on(store.load(&checks::target()));
            let Loaded { status, warning } = match loaded {
                Ok(loaded) => loaded,
                Err(StoreError::Document { .. }) => {
                    assert_eq!(std::fs::read(&path).unwrap(), bytes, "left as it is");
                    return Ok(());
                }
                Err(error) => return Err(TestCaseError::fail(error.to_string())),
            };
            match warning {
                Some(warning) => {
                    assert!(
                        checks::is_harmless(&warning) && !warning.contains('\n'),
                        "{warning:?}"
                    );
                    assert!(warning.len() < 1000, "{warning}");
                    assert_eq!(std::fs::read(&aside).unwrap(), bytes);
                    assert_eq!(status, Status::new(checks::target()));
                    std::fs::rename(&aside, &path).unwrap();
                }
                None => assert_eq!(serde_json::from_slice::<Status>(&bytes).unwrap(), status),
            }
            Ok(())
        })
        .unwrap();
}
