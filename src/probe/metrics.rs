//! What repave counts of itself, as OpenMetrics text. It measures nothing and decides nothing; it is told.
//!
//! Every label value is one of repave's own words. Names and texts of manifests or of the service are never among them:
//! their number has no bound, and a scrape may be read by more people than a manifest.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::cloud::{ApiError, Operation, known_code};
use crate::state::status::Status;

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds. A pass is one listing of a page or two (tens of milliseconds, nearer ones for the embedded
/// API), then a create every half second at the default rate; a hard day's retries end within ten minutes.
const PASS_SECONDS: [f64; 13] = [
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 150.0, 300.0, 600.0,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassResult {
    /// It came to its end. Attempts in it may have failed.
    Success,
    /// The account could not be listed.
    ListingFailed,
    /// The status could not be saved.
    StatusNotSaved,
    Refused,
    /// The manifests are invalid, and no set of them was valid since the start.
    InvalidManifests,
    /// There was the word to stop.
    Stopped,
}

impl PassResult {
    pub const ALL: [Self; 6] = [
        Self::Success,
        Self::ListingFailed,
        Self::StatusNotSaved,
        Self::Refused,
        Self::InvalidManifests,
        Self::Stopped,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::ListingFailed => "listing_failed",
            Self::StatusNotSaved => "status_not_saved",
            Self::Refused => "refused",
            Self::InvalidManifests => "invalid_manifests",
            Self::Stopped => "stopped",
        }
    }
}

/// Names and values of one sample's labels.
type Labels<const N: usize> = [(&'static str, String); N];

/// Counters, gauges and a histogram; each method says which it moves.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    passes: Family<Labels<1>, Counter>,
    pass_time: Histogram,
    calls: Family<Labels<3>, Counter>,
    /// Locked while it is replaced and while a text is made, so that no text has a part of it.
    images: Mutex<Family<Labels<3>, Gauge>>,
    succeeded: Gauge,
    manifests_valid: Gauge,
    manifests: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Nothing has happened yet: what is known to come is there with 0, so that its first increase shows.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("repave");
        let passes = Family::<Labels<1>, Counter>::default();
        let pass_time = Histogram::new(PASS_SECONDS);
        let calls = Family::<Labels<3>, Counter>::default();
        let images = Family::<Labels<3>, Gauge>::default();
        let (succeeded, manifests_valid, manifests) =
            (Gauge::default(), Gauge::default(), Gauge::default());
        let build = Family::<Labels<1>, Gauge>::default();

        // The client ends each help text with a full stop, and counters with `_total`.
        registry.register("reconcile", "Passes, by how they ended", passes.clone());
        registry.register_with_unit(
            "reconcile_time",
            "How long passes took, whatever their end",
            Unit::Seconds,
            pass_time.clone(),
        );
        registry.register(
            "outbound_api_requests",
            "Calls of the image service, by how they ended; one listing is one call",
            calls.clone(),
        );
        registry.register(
            "images",
            "Images, by each condition that they have",
            images.clone(),
        );
        registry.register_with_unit(
            "last_successful_reconcile_timestamp",
            "When a pass last came to its end, in Unix time; 0 until one did",
            Unit::Seconds,
            succeeded.clone(),
        );
        registry.register(
            "manifests_valid",
            "Whether the manifests as they are now are valid",
            manifests_valid.clone(),
        );
        registry.register(
            "manifests",
            "Manifests in force: those of the last valid set",
            manifests.clone(),
        );
        // A gauge that is always 1, as others have it: readers of the older text format know no info metrics.
        registry.register("build_info", "Which repave this is", build.clone());

        build
            .get_or_create(&[("version", env!("CARGO_PKG_VERSION").to_owned())])
            .set(1);
        for result in PassResult::ALL {
            drop(passes.get_or_create(&pass_labels(result)));
        }
        for operation in [
            Operation::DescribeWorkspaceImages,
            Operation::CreateUpdatedWorkspaceImage,
        ] {
            drop(calls.get_or_create(&call_labels(operation, "OK")));
        }
        Self {
            registry,
            passes,
            pass_time,
            calls,
            images: Mutex::new(images),
            succeeded,
            manifests_valid,
            manifests,
        }
    }

    /// A pass ended: `repave_reconcile_total{result}` and `repave_reconcile_time_seconds`.
    pub fn pass(&self, result: PassResult, took: Duration) {
        self.passes.get_or_create(&pass_labels(result)).inc();
        self.pass_time.observe(took.as_secs_f64());
    }

    /// A call ended: `repave_outbound_api_requests_total{service, op_id, code}`. The code is `OK`; the service's, if
    /// repave knows it; `Other`, if not; `None`, if none came, as when a call timed out.
    pub fn call(&self, operation: Operation, result: Result<(), &ApiError>) {
        let code = match result.map_err(|error| error.code.as_deref()) {
            Ok(()) => "OK",
            Err(Some(code)) => known_code(code).unwrap_or("Other"),
            Err(None) => "None",
        };
        self.calls
            .get_or_create(&call_labels(operation, code))
            .inc();
    }

    /// What is remembered of all images: `repave_images{type, status, reason}`, all of it replaced at once.
    pub fn images(&self, status: &Status) {
        let images = self.lock_images();
        images.clear();
        for condition in status.images.iter().flat_map(|image| &image.conditions) {
            let labels = [
                ("type", format!("{:?}", condition.condition_type)),
                ("status", format!("{:?}", condition.status)),
                ("reason", condition.reason.to_string()),
            ];
            images.get_or_create(&labels).inc();
        }
    }

    /// A pass came to its end: `repave_last_successful_reconcile_timestamp_seconds`, 0 until then.
    pub fn succeeded(&self, at: Timestamp) {
        self.succeeded.set(at.as_second());
    }

    /// The manifests were read: `repave_manifests_valid`, 1 if the set as it is now is valid, and `repave_manifests`,
    /// how many are in force, which are those of an earlier set if it is not.
    pub fn manifests(&self, valid: bool, in_force: usize) {
        self.manifests_valid.set(i64::from(valid));
        self.manifests
            .set(i64::try_from(in_force).unwrap_or(i64::MAX));
    }

    /// All of it as OpenMetrics text, of [`CONTENT_TYPE`].
    pub fn text(&self) -> String {
        let mut text = String::new();
        let _whole = self.lock_images();
        // A String takes everything. A text that ended early would lack its last line, and no reader would take it.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// A panic elsewhere, while it was locked, leaves numbers that the next pass replaces.
    fn lock_images(&self) -> MutexGuard<'_, Family<Labels<3>, Gauge>> {
        self.images.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pass_labels(result: PassResult) -> Labels<1> {
    [("result", result.as_str().to_owned())]
}

fn call_labels(operation: Operation, code: &str) -> Labels<3> {
    [
        ("service", "workspaces".to_owned()),
        ("op_id", operation.to_string()),
        ("code", code.to_owned()),
    ]
}

#[cfg(test)]
#[path = "metrics_tests.rs"]
mod tests;
