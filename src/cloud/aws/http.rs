//! HTTP clients for the SDK: with a rate limiter, with a size limit on responses, with a certificate bundle.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, OnceLock};

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

use super::endpoint;
use super::rate_limiter::RateLimiter;

/// The largest response, in bytes. A page of 25 images has about 10 KiB.
const MAX_RESPONSE: usize = 8 * 1024 * 1024;

/// How a request reaches its host.
#[derive(Debug)]
pub(super) enum Transport {
    /// Over TLS, and through the proxy in the environment.
    Tls,
    /// Over plain HTTP, directly to the host: no TLS, no trust store, no proxy.
    Direct,
    /// Over an HTTP client of the caller.
    Given(SharedHttpClient),
}

impl Transport {
    /// Returns the transport to an endpoint: direct if it is on this machine.
    pub(super) fn to(url: &str) -> Self {
        if endpoint::is_local(url) {
            Self::Direct
        } else {
            Self::Tls
        }
    }

    /// Returns the transport to the instance metadata, which never goes through a proxy.
    pub(super) fn to_host(url: &str) -> Self {
        if url.starts_with("https:") {
            Self::Tls
        } else {
            Self::Direct
        }
    }
}

/// An HTTP client for the SDK, with an optional rate limiter.
#[derive(Debug)]
pub(super) struct AwsHttpClient {
    limiter: Option<Arc<RateLimiter>>,
    transport: Transport,
    /// The certificates to trust instead of the system certificates.
    trust: Option<Trust>,
    /// Created at the first request. All requests of a client have the same settings.
    connector: OnceLock<SharedHttpConnector>,
}

impl AwsHttpClient {
    /// Returns a client for the service.
    pub(super) fn new(
        limiter: Arc<RateLimiter>,
        transport: Transport,
        trust: Option<Trust>,
    ) -> Self {
        Self {
            limiter: Some(limiter),
            ..Self::without_limiter(transport, trust)
        }
    }

    /// Returns a client for requests for credentials. The default client of the SDK reads the system trust store at once.
    pub(super) fn without_limiter(transport: Transport, trust: Option<Trust>) -> Self {
        Self {
            limiter: None,
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
        let inner = SharedHttpConnector::new(SizeLimitedConnector(inner));
        match &self.limiter {
            Some(limiter) => SharedHttpConnector::new(RateLimitedConnector {
                limiter: Arc::clone(limiter),
                inner,
            }),
            None => inner,
        }
    }
}

/// Returns a connector for plain HTTP, or for TLS with the given certificates or else the system certificates.
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

/// The certificates to trust instead of the system certificates.
#[derive(Debug, Clone)]
pub(super) struct Trust(TlsContext);

impl Trust {
    /// Trusts these PEM certificates. Check them first: the connector panics on an unreadable certificate.
    pub(super) fn from_pem(pem: Vec<u8>) -> Result<Self, String> {
        let trusted = TrustStore::empty().with_pem_certificate(pem);
        let context = TlsContext::builder().with_trust_store(trusted).build();
        context.map(Self).map_err(|error| error.to_string())
    }
}

/// An HTTP client that records the HTTP status of its last response, because its caller does not report it.
#[derive(Debug, Clone)]
pub(super) struct RecordingClient {
    inner: SharedHttpClient,
    /// The HTTP status, 0 while there is no response, or [`NOT_SENT`] before the first request.
    status: Arc<AtomicU16>,
}

/// Not an HTTP status.
const NOT_SENT: u16 = u16::MAX;

impl RecordingClient {
    pub(super) fn new(inner: AwsHttpClient) -> Self {
        Self {
            inner: SharedHttpClient::new(inner),
            status: Arc::new(AtomicU16::new(NOT_SENT)),
        }
    }

    pub(super) fn sent_a_request(&self) -> bool {
        self.status.load(Ordering::Relaxed) != NOT_SENT
    }

    /// Returns the HTTP status of the last response, or `None` without a response to the last request.
    pub(super) fn status(&self) -> Option<u16> {
        let status = self.status.load(Ordering::Relaxed);
        (![0, NOT_SENT].contains(&status)).then_some(status)
    }
}

impl HttpClient for RecordingClient {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(RecordingConnector {
            inner: self.inner.http_connector(settings, components),
            status: Arc::clone(&self.status),
        })
    }
}

#[derive(Debug)]
struct RecordingConnector {
    inner: SharedHttpConnector,
    status: Arc<AtomicU16>,
}

impl HttpConnector for RecordingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let inner = self.inner.clone();
        let status = Arc::clone(&self.status);
        HttpConnectorFuture::new(async move {
            // A request that is dropped while it waits has no response either.
            status.store(0, Ordering::Relaxed);
            let response = inner.call(request).await?;
            status.store(response.status().as_u16(), Ordering::Relaxed);
            Ok(response)
        })
    }
}

impl HttpClient for AwsHttpClient {
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

/// Reads responses up to [`MAX_RESPONSE`]. An endless response must not fill the memory.
#[derive(Debug)]
struct SizeLimitedConnector(SharedHttpConnector);

impl HttpConnector for SizeLimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let response = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let response = response.await?;
            Ok(response.map(|body| SdkBody::from_body_1_x(Limited::new(body, MAX_RESPONSE))))
        })
    }
}

#[derive(Debug)]
struct RateLimitedConnector {
    limiter: Arc<RateLimiter>,
    inner: SharedHttpConnector,
}

impl HttpConnector for RateLimitedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let limiter = Arc::clone(&self.limiter);
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move {
            limiter.take().await;
            let response = inner.call(request).await?;
            if response.status().is_success() && response.body().content_length() == Some(0) {
                // An empty body is not an empty listing, which would be `{}`.
                return Err(ConnectorError::other("the response is empty".into(), None));
            }
            Ok(response)
        })
    }
}
