//! Reads the metrics text with a small parser.

use super::*;
use std::collections::BTreeMap;

use crate::model::reason::Reason;
use crate::model::target::Target;
use crate::state::status::{Condition, ConditionStatus, ConditionType};

/// Returns the samples by name and labels.
fn samples(text: &str) -> BTreeMap<String, f64> {
    assert!(text.ends_with("# EOF\n"), "{text}");
    let mut samples = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        // Every sample names the target first.
        let (metric, labels) = name.split_once("{account_id=\"\",region=\"\"").unwrap();
        let labels = labels.trim_start_matches(',');
        let name = match labels {
            "}" => metric.to_owned(),
            labels => format!("{metric}{{{labels}"),
        };
        let earlier = samples.insert(name.clone(), value.parse().unwrap());
        assert_eq!(earlier, None, "{name} is there twice");
    }
    samples
}

/// Returns the samples of a metric, without its name.
fn of(metrics: &Metrics, metric: &str) -> Vec<(String, f64)> {
    samples(&metrics.text())
        .into_iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(metric)?.to_owned(), value)))
        .collect()
}

fn one(metrics: &Metrics, metric: &str) -> f64 {
    samples(&metrics.text())[metric]
}

#[expect(clippy::float_cmp, reason = "whole numbers")]
#[test]
fn the_first_scrape_has_every_metric() {
    let metrics = Metrics::new();
    assert_eq!(
        of(&metrics, "repave_reconcile_total"),
        [
            ("{result=\"invalid_manifests\"}".into(), 0.0),
            ("{result=\"listing_failed\"}".into(), 0.0),
            ("{result=\"refused\"}".into(), 0.0),
            ("{result=\"status_not_saved\"}".into(), 0.0),
            ("{result=\"stopped\"}".into(), 0.0),
            ("{result=\"success\"}".into(), 0.0),
        ]
    );
    assert_eq!(of(&metrics, "repave_images"), []);
    for metric in [
        "repave_last_successful_reconcile_timestamp_seconds",
        "repave_manifests_valid",
        "repave_manifests",
        "repave_reconcile_time_seconds_count",
    ] {
        assert_eq!(one(&metrics, metric), 0.0, "{metric}");
    }
    let version = concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}");
    assert_eq!(of(&metrics, "repave_build_info"), [(version.into(), 1.0)]);
}

#[expect(clippy::float_cmp, reason = "whole numbers")]
#[test]
fn each_pass_is_counted_and_timed() {
    let metrics = Metrics::new();
    for result in PassResult::ALL {
        metrics.pass(result, Duration::from_millis(20));
    }
    metrics.pass(PassResult::Success, Duration::from_hours(1));
    metrics.succeeded("2026-11-22T12:00:00.9Z".parse().unwrap());
    metrics.manifests(false, 3);
    for (sample, value) in [
        ("repave_reconcile_total{result=\"success\"}", 2.0),
        ("repave_reconcile_total{result=\"refused\"}", 1.0),
        ("repave_reconcile_time_seconds_count", 7.0),
        ("repave_reconcile_time_seconds_bucket{le=\"0.005\"}", 0.0),
        ("repave_reconcile_time_seconds_bucket{le=\"0.025\"}", 6.0),
        ("repave_reconcile_time_seconds_bucket{le=\"600.0\"}", 6.0),
        ("repave_reconcile_time_seconds_bucket{le=\"+Inf\"}", 7.0),
        (
            "repave_last_successful_reconcile_timestamp_seconds",
            1_795_348_800.0,
        ),
        ("repave_manifests_valid", 0.0),
        ("repave_manifests", 3.0),
    ] {
        assert_eq!(one(&metrics, sample), value, "{sample}");
    }
}

#[test]
fn an_unknown_code_does_not_become_a_label() {
    let metrics = Metrics::new();
    let create = Operation::CreateUpdatedWorkspaceImage;
    let list = Operation::DescribeWorkspaceImages;
    metrics.call(list, Ok(()));
    for (operation, code) in [
        (create, Some("ThrottlingException")),
        (list, Some("AccessDeniedException")),
        (create, Some("ResourceLimitExceededException")),
        (list, Some("NoCredentials")),
        (create, None),
        (create, Some("")),
        (create, Some("a\"} 1\nb")),
        (create, Some("InternalFailure")),
    ] {
        let error = ApiError::answered(operation, code);
        metrics.call(operation, Err(&error));
    }
    let metric = "repave_outbound_api_requests_total{service=\"workspaces\",op_id=\"";
    let mut counted = of(&metrics, metric);
    for (labels, _) in &mut counted {
        *labels = labels.replace("\",code=\"", " ").replace("\"}", "");
    }
    assert_eq!(
        counted,
        [
            ("CreateUpdatedWorkspaceImage None".into(), 1.0),
            ("CreateUpdatedWorkspaceImage OK".into(), 0.0),
            ("CreateUpdatedWorkspaceImage Other".into(), 3.0),
            (
                "CreateUpdatedWorkspaceImage ResourceLimitExceededException".into(),
                1.0
            ),
            (
                "CreateUpdatedWorkspaceImage ThrottlingException".into(),
                1.0
            ),
            ("DescribeWorkspaceImages AccessDeniedException".into(), 1.0),
            ("DescribeWorkspaceImages NoCredentials".into(), 1.0),
            ("DescribeWorkspaceImages OK".into(), 1.0),
        ]
    );
}

/// A memory in which each image has these conditions.
fn remembered(images: &[&[(ConditionType, ConditionStatus, Reason)]]) -> Status {
    let mut status = Status::new(Target::default());
    let entry: crate::state::status::ImageStatus = serde_json::from_value(serde_json::json!({
        "kind": "UpdatedImage", "name": "a", "imageName": "A", "group": "blocked", "due": null, "manifest": null, "observedDigest": "", "imageId": null,
        "sourceImageId": null, "conditions": [], "createRequestedAt": null, "firstSeenAt": null,
        "missingSince": null, "attempts": 0, "nextRetryAt": null, "lastError": null,
    }))
    .unwrap();
    for conditions in images {
        let mut entry = entry.clone();
        entry.conditions = conditions
            .iter()
            .map(|&(condition_type, status, reason)| Condition {
                condition_type,
                status,
                reason,
                message: "external text".into(),
                last_transition_time: Timestamp::UNIX_EPOCH,
            })
            .collect();
        status.images.push(entry);
    }
    status
}

#[test]
fn images_are_counted_by_their_current_conditions() {
    use ConditionStatus::{False, True};
    use ConditionType::{Ready, Reconciling, Stalled};
    let metrics = Metrics::new();
    let building: &[_] = &[
        (Ready, False, Reason::Building),
        (Reconciling, True, Reason::Building),
    ];
    let stalled: &[_] = &[
        (Ready, False, Reason::QuotaExceeded),
        (Stalled, True, Reason::QuotaExceeded),
    ];
    metrics.images(&remembered(&[building, building, stalled]));
    assert_eq!(
        of(&metrics, "repave_images"),
        [
            ("{type=\"Ready\",status=\"False\",reason=\"Building\"}", 2.0),
            (
                "{type=\"Ready\",status=\"False\",reason=\"QuotaExceeded\"}",
                1.0
            ),
            (
                "{type=\"Reconciling\",status=\"True\",reason=\"Building\"}",
                2.0
            ),
            (
                "{type=\"Stalled\",status=\"True\",reason=\"QuotaExceeded\"}",
                1.0
            ),
        ]
        .map(|(labels, count)| (labels.to_owned(), count))
    );
    metrics.images(&remembered(&[&[(Ready, True, Reason::Available)]]));
    assert_eq!(
        of(&metrics, "repave_images"),
        [(
            "{type=\"Ready\",status=\"True\",reason=\"Available\"}".into(),
            1.0
        )]
    );
    assert!(!metrics.text().contains("external text"));
    metrics.images(&remembered(&[]));
    assert_eq!(of(&metrics, "repave_images"), []);
}

#[test]
fn a_scrape_sees_all_of_an_update_or_nothing() {
    let metrics = Metrics::new();
    let ready: &[_] = &[(
        ConditionType::Ready,
        ConditionStatus::True,
        Reason::Available,
    )];
    let status = remembered(&[ready; 100]);
    metrics.images(&status);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for _ in 0..200 {
                metrics.images(&status);
            }
        });
        while !writer.is_finished() {
            let seen: Vec<f64> = of(&metrics, "repave_images")
                .into_iter()
                .map(|(_, count)| count)
                .collect();
            assert_eq!(seen, [100.0]);
        }
    });
}
