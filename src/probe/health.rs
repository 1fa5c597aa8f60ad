//! Whether the daemon is alive and ready, and HTTP that says so, beside its metrics. It restarts and stops nothing.
//!
//! Answers have repave's own words, numbers and times; nothing of manifests, of the account or of credentials.

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
use crate::show;
use crate::sys::http::{self, Limits};

/// How long the loop may stay at one thing. The longest is a listing: the account's quota is 40 images, so two pages,
/// each of up to three attempts of a minute (aws.rs) with at most 20 s before the second and the third (the SDK's
/// longest), which is less than eight minutes.
pub const STUCK_AFTER: Duration = Duration::from_mins(10);

/// A probe and two scrapers need three; the rest is for clients that are slow to go. Beyond that the oldest is ended: a
/// probe has a second, and must not wait behind clients that say nothing.
const LIMITS: Limits = Limits {
    connections: 16,
    drops_oldest: true,
    head_timeout: Duration::from_secs(10),
    // As long again for the answer, which is a few KiB.
    single_request: Some(Duration::from_secs(20)),
};

/// What the loop tells of itself, and what follows from that.
#[derive(Debug)]
pub struct Health {
    interval: Duration,
    metrics: Metrics,
    seen: Mutex<Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    start: Instant,
    moved: Instant,
    /// Until when the loop rests, if it said so.
    rests_until: Option<Instant>,
    complete: Option<Instant>,
}

impl Health {
    /// A loop that starts now, and means to end a complete pass every `interval`.
    pub fn new(interval: Duration) -> Self {
        let now = Instant::now();
        Self {
            interval,
            metrics: Metrics::new(),
            seen: Mutex::new(Seen {
                start: now,
                moved: now,
                rests_until: None,
                complete: None,
            }),
        }
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The loop moved on to its next thing.
    pub fn record_progress(&self) {
        let mut seen = self.seen();
        seen.moved = Instant::now();
        seen.rests_until = None;
    }

    /// The loop moved on, and has nothing to do until `until`, or something wakes it: a rest may be longer than
    /// [`STUCK_AFTER`].
    pub fn record_idle_until(&self, until: Instant) {
        let mut seen = self.seen();
        seen.moved = Instant::now();
        seen.rests_until = Some(until);
    }

    /// A complete pass ended: the account was listed, and nothing kept the pass from its end.
    pub fn record_complete_pass(&self) {
        self.record_progress();
        self.seen().complete = Some(Instant::now());
    }

    /// Whether the loop moved within [`STUCK_AFTER`], the rest that it took aside. If not, since when, in words.
    pub fn is_alive(&self, now: Instant) -> Result<(), String> {
        let seen = *self.seen();
        let busy_since = seen
            .rests_until
            .map_or(seen.moved, |until| until.max(seen.moved));
        if now.saturating_duration_since(busy_since) <= STUCK_AFTER {
            return Ok(());
        }
        Err(format!(
            "the loop has not moved for {}; more than {} at one thing means that it is stuck",
            words(now.saturating_duration_since(seen.moved)),
            words(STUCK_AFTER)
        ))
    }

    /// Whether a complete pass ended within two intervals. If not, since when not, in words.
    pub fn is_ready(&self, now: Instant) -> Result<(), String> {
        let seen = *self.seen();
        let ago = |then| words(now.saturating_duration_since(then));
        match seen.complete {
            None => Err(format!(
                "no complete pass has ended since the start, {} ago",
                ago(seen.start)
            )),
            Some(last) if now.saturating_duration_since(last) > self.interval.saturating_mul(2) => {
                Err(format!(
                    "the last complete pass ended {} ago; there should be one every {}",
                    ago(last),
                    words(self.interval)
                ))
            }
            Some(_) => Ok(()),
        }
    }

    /// A panic elsewhere, while it was locked, leaves times that are true.
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn words(duration: Duration) -> String {
    show::duration(SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX))
}

/// The health endpoints could not be served.
#[derive(Debug, thiserror::Error)]
pub enum HealthError {
    /// The address can't be listened on.
    #[error("cannot listen on {address} for health checks")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
}

/// Serves `/healthz`, `/readyz` and `/metrics` until the server is dropped, on the runtime that the loop runs on: a loop
/// that blocks its thread is then seen as one that does not answer.
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

/// The answer, by method and path alone: the body, if there is one, is never read.
fn respond(request: &Request<Incoming>, health: &Health) -> Response<Full<Bytes>> {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let mut response = answer(StatusCode::METHOD_NOT_ALLOWED, TEXT, "only GET and HEAD\n");
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    match request.uri().path() {
        "/healthz" => said(health.is_alive(Instant::now())),
        "/readyz" => said(health.is_ready(Instant::now())),
        "/metrics" => answer(
            StatusCode::OK,
            HeaderValue::from_static(metrics::CONTENT_TYPE),
            health.metrics.text(),
        ),
        _ => answer(
            StatusCode::NOT_FOUND,
            TEXT,
            "there are /healthz, /readyz and /metrics\n",
        ),
    }
}

fn said(result: Result<(), String>) -> Response<Full<Bytes>> {
    match result {
        Ok(()) => answer(StatusCode::OK, TEXT, "ok\n"),
        Err(why) => answer(StatusCode::SERVICE_UNAVAILABLE, TEXT, why + "\n"),
    }
}

/// HEAD gets the same; hyper leaves the body out.
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
    async fn it_is_alive_while_it_moves() {
        let health = Health::new(INTERVAL);
        advance(STUCK_AFTER).await;
        assert_eq!(health.is_alive(Instant::now()), Ok(()));
        advance(SECOND).await;
        assert_eq!(
            health.is_alive(Instant::now()).unwrap_err(),
            "the loop has not moved for 10m 1s; more than 10m 0s at one thing means that it is stuck"
        );
        health.record_progress();
        assert_eq!(health.is_alive(Instant::now()), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_is_no_sign_of_being_stuck_until_it_should_have_ended() {
        let health = Health::new(INTERVAL);
        let hour = Duration::from_hours(1);
        health.record_idle_until(Instant::now() + hour);
        advance(hour + STUCK_AFTER).await;
        assert_eq!(health.is_alive(Instant::now()), Ok(()));
        advance(SECOND).await;
        let said = health.is_alive(Instant::now()).unwrap_err();
        assert!(
            said.starts_with("the loop has not moved for 1h 10m;"),
            "{said}"
        );

        // Woken early, it is busy again, and the rest no longer counts.
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
            "no complete pass has ended since the start, 7s ago"
        );
        health.record_progress();
        assert!(health.is_ready(Instant::now()).is_err());
        health.record_complete_pass();
        advance(INTERVAL * 2).await;
        assert_eq!(health.is_ready(Instant::now()), Ok(()));
        advance(SECOND).await;
        assert_eq!(
            health.is_ready(Instant::now()).unwrap_err(),
            "the last complete pass ended 10m 1s ago; there should be one every 5m 0s"
        );
        health.record_complete_pass();
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
