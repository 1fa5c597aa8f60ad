//! Metrics of repave as OpenMetrics text.
//!
//! Every label value is from a fixed list, except the target: account, Region, and the source of the credentials. Names and
//! texts from manifests or from the service are never label values: their number is unlimited, and more people may read metrics
//! than manifests.

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
use crate::model::target::Target;
use crate::model::value::is_account_id;
use crate::state::status::Status;
use crate::sys::escape::escaped;

/// The media type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds in seconds. A pass is one listing of one or two pages (tens of milliseconds, or a few with the embedded API),
/// then a create every half second at the default rate, up to ten minutes with many retries.
const PASS_SECONDS: [f64; 13] = [
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 150.0, 300.0, 600.0,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PassResult {
    /// The pass completed. Some of its attempts may have failed.
    Success,
    /// The account could not be listed.
    ListingFailed,
    /// The status could not be saved.
    StatusNotSaved,
    Refused,
    /// The manifests are invalid, and have not been valid since the start.
    InvalidManifests,
    /// The daemon was asked to stop.
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

/// The label names and values of one sample.
type Labels<const N: usize> = [(&'static str, String); N];

/// Counters, gauges and a histogram. Each method says which of them it updates.
#[derive(Debug)]
pub struct Metrics {
    target: Mutex<Target>,
    passes: Family<Labels<1>, Counter>,
    pass_time: Histogram,
    calls: Family<Labels<3>, Counter>,
    /// Locked while it is replaced and while the text is written, so a scrape sees all of an update or nothing.
    images: Mutex<Family<Labels<3>, Gauge>>,
    succeeded: Gauge,
    manifests_valid: Gauge,
    manifests: Gauge,
    held_back: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Returns metrics where every known label value starts at 0, so that its first increase is visible.
    pub fn new() -> Self {
        let passes = Family::<Labels<1>, Counter>::default();
        let calls = Family::<Labels<3>, Counter>::default();
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
            target: Mutex::default(),
            passes,
            pass_time: Histogram::new(PASS_SECONDS),
            calls,
            images: Mutex::default(),
            succeeded: Gauge::default(),
            manifests_valid: Gauge::default(),
            manifests: Gauge::default(),
            held_back: Gauge::default(),
        }
    }

    /// Returns a registry of all metrics, each with the labels of the target.
    fn registry(&self, images: &Family<Labels<3>, Gauge>) -> Registry {
        let target = lock(&self.target).clone();
        let account_id = target.account_id.filter(|id| is_account_id(id));
        let account_id = account_id.unwrap_or_default();
        let labels = [("account_id", account_id), ("region", target.region)];
        let labels = labels.map(|(name, value)| (name.into(), value.into()));
        let mut registry = Registry::with_prefix_and_labels("repave", labels.into_iter());
        // The client library ends each help text with a period, and counters with `_total`.
        registry.register("reconcile", "Passes, by result", self.passes.clone());
        registry.register_with_unit(
            "reconcile_time",
            "Duration of passes, including failed passes",
            Unit::Seconds,
            self.pass_time.clone(),
        );
        registry.register(
            "outbound_api_requests",
            "Calls to the image service, by result code; one listing is one call",
            self.calls.clone(),
        );
        registry.register("images", "Images, by condition", images.clone());
        registry.register_with_unit(
            "last_successful_reconcile_timestamp",
            "Unix time of the last successful pass; 0 before the first",
            Unit::Seconds,
            self.succeeded.clone(),
        );
        registry.register(
            "manifests_valid",
            "Whether the current manifests are valid (1) or not (0)",
            self.manifests_valid.clone(),
        );
        registry.register(
            "manifests",
            "Number of manifests in the last valid set",
            self.manifests.clone(),
        );
        registry.register(
            "manifests_held_back",
            "Whether the current manifests are held back (1) or not (0)",
            self.held_back.clone(),
        );
        // Gauges that are always 1, as in other programs: readers of the older text format do not know info metrics.
        let one = |name: &'static str, value: String| {
            let family = Family::<Labels<1>, Gauge>::default();
            family.get_or_create(&[(name, value)]).set(1);
            family
        };
        let version = one("version", env!("CARGO_PKG_VERSION").to_owned());
        registry.register("build_info", "Version of repave", version);
        let credentials = escaped(&target.credentials.unwrap_or_default(), 500);
        registry.register(
            "target_info",
            "Where the credentials come from",
            one("credentials", credentials),
        );
        registry
    }

    /// Records the target: the labels `account_id` and `region` of every metric, and `repave_target_info{credentials}`.
    pub fn target(&self, target: &Target) {
        lock(&self.target).clone_from(target);
    }

    /// Records a pass: `repave_reconcile_total{result}` and `repave_reconcile_time_seconds`.
    pub fn pass(&self, result: PassResult, took: Duration) {
        self.passes.get_or_create(&pass_labels(result)).inc();
        self.pass_time.observe(took.as_secs_f64());
    }

    /// Records a call: `repave_outbound_api_requests_total{service, op_id, code}`. The code is `OK`, an error code that repave
    /// knows, `Other` for any other code, or `None` without a code, for example after a timeout.
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

    /// Replaces `repave_images{type, status, reason}` with the conditions in the status, and the target.
    pub fn images(&self, status: &Status) {
        self.target(&status.target);
        let images = lock(&self.images);
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

    /// Records a successful pass: `repave_last_successful_reconcile_timestamp_seconds`.
    pub fn succeeded(&self, at: Timestamp) {
        self.succeeded.set(at.as_second());
    }

    /// Records the manifests: `repave_manifests_valid`, and `repave_manifests`, the number of manifests in the last valid set.
    pub fn manifests(&self, valid: bool, count: usize) {
        self.manifests_valid.set(i64::from(valid));
        self.manifests.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Records whether the current manifests are held back: `repave_manifests_held_back`.
    pub fn held_back(&self, held_back: bool) {
        self.held_back.set(i64::from(held_back));
    }

    /// Returns all metrics as OpenMetrics text, of [`CONTENT_TYPE`].
    pub fn text(&self) -> String {
        let mut text = String::new();
        let whole = lock(&self.images);
        // Writing to a String cannot fail. A text cut short would lack its last line, and readers would reject it.
        let _ = encode(&mut text, &self.registry(&whole));
        text
    }
}

/// After a panic that held the lock, the next pass replaces the values.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
