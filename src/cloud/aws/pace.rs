//! The token bucket that every request to the service passes, the SDK's own retries included.
//!
//! It sits below the SDK, around the HTTP connector, because that is where a retry becomes a request. Requests that
//! fetch credentials (STS, SSO, instance metadata) go to other services and do not pass here.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use http_body_util::Limited;
use tokio::time::Instant;

use super::endpoint;

/// The largest answer that is read, in bytes. A page of 25 images takes some 10 KiB.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

/// A token bucket: `burst` requests at once, then `per_second`.
#[derive(Debug)]
pub struct RateLimiter {
    interval: Duration,
    burst: u32,
    /// When the bucket was or will be full: each request moves it one interval on.
    full_at: Mutex<Option<Instant>>,
}

impl RateLimiter {
    /// The service's documented default burst.
    pub const BURST: u32 = 5;

    /// A full bucket. The rate is in requests per second and above zero.
    pub fn new(per_second: f64, burst: u32) -> Self {
        // Anything that is no duration (zero, negative, not a number) would mean "never"; one an hour is slow enough.
        let hour = Duration::from_hours(1);
        let interval = Duration::try_from_secs_f64(per_second.recip())
            .unwrap_or(hour)
            .min(hour);
        Self {
            interval,
            burst: burst.max(1),
            full_at: Mutex::new(None),
        }
    }

    /// When the next request may be sent, if one were to be.
    fn next(&self, full_at: Option<Instant>, now: Instant) -> Instant {
        let backlog = full_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        now + (backlog + self.interval).saturating_sub(self.interval * self.burst)
    }

    /// Waits until a request could be sent at once, and takes nothing.
    pub async fn ready(&self) {
        let next = {
            let full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
            self.next(*full_at, Instant::now())
        };
        tokio::time::sleep_until(next).await;
    }

    /// Takes a token and waits for its time. Requests go in the order in which they asked.
    pub async fn take(&self) {
        let next = {
            let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
            let now = Instant::now();
            let next = self.next(*full_at, now);
            *full_at = Some(full_at.map_or(now, |at| at.max(now)) + self.interval);
            next
        };
        tokio::time::sleep_until(next).await;
    }
}

/// How a request gets to where it goes.
#[derive(Debug)]
pub(super) enum Transport {
    /// Over TLS, and through the proxy that the environment names.
    Tls,
    /// In plain HTTP, straight to the host: no TLS, no trust store to read, no proxy.
    Direct,
    /// By an HTTP client that the caller gave.
    Given(SharedHttpClient),
}

impl Transport {
    /// To an endpoint: direct if it is on this machine.
    pub(super) fn to(url: &str) -> Self {
        if endpoint::is_local(url) {
            Self::Direct
        } else {
            Self::Tls
        }
    }

    /// To an address that means this host or its hypervisor, never one behind a proxy.
    pub(super) fn to_host(url: &str) -> Self {
        if url.starts_with("https:") {
            Self::Tls
        } else {
            Self::Direct
        }
    }
}

/// An HTTP client whose requests pass the bucket, if it has one.
#[derive(Debug)]
pub(super) struct PacedClient {
    pace: Option<Arc<RateLimiter>>,
    transport: Transport,
    /// Certificates to trust in place of the system's.
    trust: Option<Trust>,
    /// Made at the first request, with the settings that all requests of a client share.
    connector: OnceLock<SharedHttpConnector>,
}

impl PacedClient {
    /// A client for one target.
    pub(super) fn new(pace: Arc<RateLimiter>, transport: Transport, trust: Option<Trust>) -> Self {
        Self {
            pace: Some(pace),
            ..Self::unpaced(transport, trust)
        }
    }

    /// A client for whoever gives credentials. The SDK's own would read the system's trust store before anything is asked.
    pub(super) fn unpaced(transport: Transport, trust: Option<Trust>) -> Self {
        Self {
            pace: None,
            transport,
            trust,
            connector: OnceLock::new(),
        }
    }

    fn connect(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = match &self.transport {
            Transport::Given(client) => client.http_connector(settings, components),
            transport => connector(
                matches!(transport, Transport::Tls),
                self.trust.as_ref(),
                settings,
                components.sleep_impl(),
            ),
        };
        let inner = SharedHttpConnector::new(LimitedConnector(inner));
        match &self.pace {
            Some(pace) => SharedHttpConnector::new(PacedConnector {
                pace: Arc::clone(pace),
                inner,
            }),
            None => inner,
        }
    }
}

/// A connector over TLS, which trusts the certificates of the bundle or else the system's, or in plain HTTP.
pub(super) fn connector(
    tls: bool,
    trust: Option<&Trust>,
    settings: &HttpConnectorSettings,
    sleep: Option<SharedAsyncSleep>,
) -> SharedHttpConnector {
    let mut builder = Connector::builder().connector_settings(settings.clone());
    builder.set_sleep_impl(sleep);
    if !tls {
        return SharedHttpConnector::new(builder.build_http());
    }
    let builder = builder
        .proxy_config(ProxyConfig::from_env())
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc));
    SharedHttpConnector::new(match trust {
        Some(Trust(context)) => builder.tls_context(context.clone()).build(),
        None => builder.build(),
    })
}

/// Certificates to trust in place of the system's.
#[derive(Debug, Clone)]
pub(super) struct Trust(TlsContext);

impl Trust {
    /// Trusts these certificates, in PEM. They must be readable: the connector would panic.
    pub(super) fn these(pem: Vec<u8>) -> Result<Self, String> {
        let trusted = TrustStore::empty().with_pem_certificate(pem);
        let context = TlsContext::builder().with_trust_store(trusted).build();
        context.map(Self).map_err(|error| error.to_string())
    }
}

/// An HTTP client that remembers how its last request was answered: its user keeps that to itself.
#[derive(Debug, Clone)]
pub(super) struct WatchedClient {
    inner: SharedHttpClient,
    /// The HTTP status; 0 while there is no answer, [`NOT_ASKED`] before the first request.
    status: Arc<AtomicU16>,
}

/// No HTTP status.
const NOT_ASKED: u16 = u16::MAX;

impl WatchedClient {
    pub(super) fn new(inner: PacedClient) -> Self {
        Self {
            inner: SharedHttpClient::new(inner),
            status: Arc::new(AtomicU16::new(NOT_ASKED)),
        }
    }

    /// Tells whether a request was sent.
    pub(super) fn was_asked(&self) -> bool {
        self.status.load(Ordering::Relaxed) != NOT_ASKED
    }

    /// The HTTP status of the last answer; none if the last request was not answered, or none was sent.
    pub(super) fn status(&self) -> Option<u16> {
        let status = self.status.load(Ordering::Relaxed);
        (![0, NOT_ASKED].contains(&status)).then_some(status)
    }
}

impl HttpClient for WatchedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(WatchedConnector {
            inner: self.inner.http_connector(settings, components),
            status: Arc::clone(&self.status),
        })
    }
}

#[derive(Debug)]
struct WatchedConnector {
    inner: SharedHttpConnector,
    status: Arc<AtomicU16>,
}

impl HttpConnector for WatchedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let inner = self.inner.clone();
        let status = Arc::clone(&self.status);
        HttpConnectorFuture::new(async move {
            // A request that is given up while it waits was not answered either.
            status.store(0, Ordering::Relaxed);
            let answer = inner.call(request).await?;
            status.store(answer.status().as_u16(), Ordering::Relaxed);
            Ok(answer)
        })
    }
}

impl HttpClient for PacedClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.connector
            .get_or_init(|| self.connect(settings, components))
            .clone()
    }
}

/// Reads answers up to [`MAX_ANSWER`]: what has no end must not fill the memory.
#[derive(Debug)]
struct LimitedConnector(SharedHttpConnector);

impl HttpConnector for LimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let answer = answer.await?;
            Ok(answer.map(|body| SdkBody::from_body_1_x(Limited::new(body, MAX_ANSWER))))
        })
    }
}

#[derive(Debug)]
struct PacedConnector {
    pace: Arc<RateLimiter>,
    inner: SharedHttpConnector,
}

impl HttpConnector for PacedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let pace = Arc::clone(&self.pace);
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            pace.take().await;
            let answer = inner.call(request).await?;
            if answer.status().is_success() && answer.body().content_length() == Some(0) {
                // Without even {}, it says nothing: to take it for an empty listing would be to invent one.
                return Err(ConnectorError::other("the answer is empty".into(), None));
            }
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Seconds that `requests` take, one after the other, on a paused clock.
    fn seconds(per_second: f64, burst: u32, requests: u32) -> f64 {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let pace = RateLimiter::new(per_second, burst);
            let start = Instant::now();
            for _ in 0..requests {
                pace.ready().await;
                pace.take().await;
            }
            start.elapsed().as_secs_f64()
        })
    }

    proptest! {
        #[test]
        fn requests_take_the_time_of_their_rate_and_no_more(
            per_second in 0.5_f64..50.0, burst in 1_u32..10, requests in 1_u32..200,
        ) {
            let least = f64::from(requests.saturating_sub(burst)) / per_second;
            let took = seconds(per_second, burst, requests);
            // tokio's timer has a grain of 1 ms, which each wait may add once.
            let grain = 0.001 * f64::from(requests);
            prop_assert!(took >= least - 1e-6, "{took} < {least}");
            prop_assert!(took <= least * 1.05 + grain, "{took} > {least}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_bucket_refills_while_nothing_is_asked() {
        let pace = RateLimiter::new(2.0, 5);
        for _ in 0..5 {
            pace.take().await;
        }
        tokio::time::advance(Duration::from_mins(1)).await;
        let start = Instant::now();
        for _ in 0..5 {
            pace.take().await;
        }
        assert_eq!(start.elapsed(), Duration::ZERO);
        pace.take().await;
        assert_eq!(start.elapsed(), Duration::from_millis(500));
    }
}
