//! Whether the daemon is alive and ready, and the HTTP server for health checks and metrics. It restarts and stops nothing.
//!
//! Responses contain no text from manifests, the account or credentials.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use jiff::SignedDuration;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::probe::metrics::{self, Metrics};
use crate::sys::http::{self, Limits};
use crate::sys::words;

/// How long the loop may make no progress. The longest call is a listing: the account's quota is 40 images, so two pages,
/// each with up to three attempts of a minute and at most 20 s before a retry (the SDK's limit): less than eight minutes.
pub const STUCK_AFTER: Duration = Duration::from_mins(10);

/// A probe and two scrapers need three connections; the others are for clients that close slowly. Above the limit, the oldest
/// connection is closed: a probe has one second, and must not wait for silent clients.
const LIMITS: Limits = Limits {
    connections: 16,
    drops_oldest: true,
    head_timeout: Duration::from_secs(10),
    // Another 10 s for the response of a few KiB.
    single_request: Some(Duration::from_secs(20)),
};

/// Records the loop's progress, and derives its health.
#[derive(Debug)]
pub struct Health {
    interval: Duration,
    metrics: Metrics,
    seen: Mutex<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    start: Instant,
    progress: Instant,
    /// Until when the loop is idle, if it is.
    idle_until: Option<Instant>,
    complete_pass: Option<Instant>,
    /// Whether `--require-clean` holds manifests back.
    held_back: bool,
}

impl Health {
    /// Returns the health of a loop that starts now and should complete a pass every `interval`.
    pub fn new(interval: Duration) -> Self {
        let now = Instant::now();
        Self {
            interval,
            metrics: Metrics::new(),
            seen: Mutex::new(Seen {
                start: now,
                progress: now,
                idle_until: None,
                complete_pass: None,
                held_back: false,
            }),
        }
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Records that the loop made progress.
    pub fn record_progress(&self) {
        let mut seen = self.seen();
        seen.progress = Instant::now();
        seen.idle_until = None;
    }

    /// Records that the loop is idle until `until` or the next event. This may be longer than [`STUCK_AFTER`].
    pub fn record_idle_until(&self, until: Instant) {
        let mut seen = self.seen();
        seen.progress = Instant::now();
        seen.idle_until = Some(until);
    }

    /// Records a complete pass: the account was listed and the plan carried out.
    pub fn record_complete_pass(&self) {
        self.record_progress();
        self.seen().complete_pass = Some(Instant::now());
    }

    /// Records whether `--require-clean` holds manifests back.
    pub fn record_held_back(&self, held_back: bool) {
        self.seen().held_back = held_back;
    }

    /// Returns an error if the loop made no progress for [`STUCK_AFTER`], not counting idle time.
    pub fn is_alive(&self, now: Instant) -> Result<(), String> {
        let seen = *self.seen();
        let busy_since = seen
            .idle_until
            .map_or(seen.progress, |until| until.max(seen.progress));
        if now.saturating_duration_since(busy_since) <= STUCK_AFTER {
            return Ok(());
        }
        Err(format!(
            "the main loop has made no progress for {}; more than {} means that it is stuck",
            words(now.saturating_duration_since(seen.progress)),
            words(STUCK_AFTER)
        ))
    }

    /// Returns an error if no complete pass ended in the last two intervals, or if manifests are held back.
    pub fn is_ready(&self, now: Instant) -> Result<(), String> {
        let seen = *self.seen();
        if seen.held_back {
            let why = "--require-clean holds manifests back; repave status shows why";
            return Err(why.to_owned());
        }
        let ago = |then| words(now.saturating_duration_since(then));
        match seen.complete_pass {
            None => Err(format!(
                "no pass has completed since repave started {} ago",
                ago(seen.start)
            )),
            Some(last) if now.saturating_duration_since(last) > self.interval.saturating_mul(2) => {
                Err(format!(
                    "the last complete pass ended {} ago; a pass should complete every {}",
                    ago(last),
                    words(self.interval)
                ))
            }
            Some(_) => Ok(()),
        }
    }

    /// The times are still valid after a panic that held the lock.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn words(duration: Duration) -> String {
    words::duration(SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX))
}

#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The port is in use, or the address does not exist.
    #[error("cannot listen on {address} for health checks")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
}

/// Serves `/healthz`, `/readyz` and `/metrics` until the server is dropped. It runs on the loop's thread: if the loop blocks
/// the thread, health checks time out.
pub async fn serve(address: SocketAddr, health: Arc<Health>) -> Result<http::Server, HealthError> {
    let listen = |source| HealthError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    http::serve(listener, LIMITS, move |request| {
        let response = respond(&request, &health);
        async { Ok(response) }
    })
    .await
    .map_err(listen)
}

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Returns the response for the method and path. The request's body is never read.
fn respond(request: &Request<Incoming>, health: &Health) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "use GET or HEAD\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/healthz" => check(health.is_alive(Instant::now())),
        "/readyz" => check(health.is_ready(Instant::now())),
        "/metrics" => answer(
            StatusCode::OK,
            HeaderValue::from_static(metrics::CONTENT_TYPE),
            health.metrics.text(),
        ),
        _ => answer(
            StatusCode::NOT_FOUND,
            TEXT,
            "not found; use /healthz, /readyz or /metrics\n",
        ),
    }
}

fn check(result: Result<(), String>) -> Response<Full<Bytes>> {
    match result {
        Ok(()) => answer(StatusCode::OK, TEXT, "ok\n"),
        Err(why) => answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, why + "\n"),
    }
}

/// HEAD gets the same response; hyper omits the body.
fn answer(
    status: StatusCode,
    content_type: HeaderValue,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    use tokio::time::advance;

    const INTERVAL: Duration = Duration::from_mins(5);
    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn it_is_alive_while_it_makes_progress() {
        let health = Health::new(INTERVAL);
        advance(STUCK_AFTER).await;
        assert_eq!(health.is_alive(Instant::now()), Ok(()));
        advance(SECOND).await;
        assert_eq!(
            health.is_alive(Instant::now()).unwrap_err(),
            "the main loop has made no progress for 10m 1s; more than 10m 0s means that it is stuck"
        );
        health.record_progress();
        assert_eq!(health.is_alive(Instant::now()), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_loop_is_not_stuck_until_its_idle_time_ends() {
        let health = Health::new(INTERVAL);
        let hour = Duration::from_hours(1);
        health.record_idle_until(Instant::now() + hour);
        advance(hour + STUCK_AFTER).await;
        assert_eq!(health.is_alive(Instant::now()), Ok(()));
        advance(SECOND).await;
        let error = health.is_alive(Instant::now()).unwrap_err();
        assert!(
            error.starts_with("the main loop has made no progress for 1h 10m;"),
            "{error}"
        );

        // An event ends the idle time early.
        health.record_idle_until(Instant::now() + hour);
        advance(SECOND).await;
        health.record_progress();
        advance(STUCK_AFTER + SECOND).await;
        assert!(health.is_alive(Instant::now()).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_ready_for_two_intervals_after_a_complete_pass() {
        let health = Health::new(INTERVAL);
        advance(SECOND * 7).await;
        assert_eq!(
            health.is_ready(Instant::now()).unwrap_err(),
            "no pass has completed since repave started 7s ago"
        );
        health.record_progress();
        assert!(health.is_ready(Instant::now()).is_err());
        health.record_complete_pass();
        advance(INTERVAL * 2).await;
        assert_eq!(health.is_ready(Instant::now()), Ok(()));
        advance(SECOND).await;
        assert_eq!(
            health.is_ready(Instant::now()).unwrap_err(),
            "the last complete pass ended 10m 1s ago; a pass should complete every 5m 0s"
        );
        health.record_complete_pass();
        assert_eq!(health.is_ready(Instant::now()), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_not_ready_while_manifests_are_held_back() {
        let health = Health::new(INTERVAL);
        health.record_complete_pass();
        health.record_held_back(true);
        assert_eq!(
            health.is_ready(Instant::now()).unwrap_err(),
            "--require-clean holds manifests back; repave status shows why"
        );
        assert_eq!(health.is_alive(Instant::now()), Ok(()));
        health.record_held_back(false);
        assert_eq!(health.is_ready(Instant::now()), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn an_endless_interval_is_an_interval() {
        let health = Health::new(Duration::MAX);
        health.record_complete_pass();
        advance(Duration::from_hours(24 * 365)).await;
        assert_eq!(health.is_ready(Instant::now()), Ok(()));
    }
}
