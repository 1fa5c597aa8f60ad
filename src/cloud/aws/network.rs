//! How the services of AWS are reached: endpoints, certificates and timeouts, and what a client of STS or SSO has of them.
//! It knows no credentials' source.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_async::time::SharedTimeSource;

use super::pace::{PacedClient, Transport, Trust};

/// How long a connection may take to be made: the SDK's own default is 3.1 s, a little short for a VPN.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take to begin.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one attempt may take in all, its wait for a token included: a server that trickles must not hold a run.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);

/// Endpoints in place of the Region's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Endpoints {
    pub(super) workspaces: Option<String>,
    pub(super) sts: Option<String>,
    pub(super) sso: Option<String>,
    pub(super) sso_oidc: Option<String>,
}

/// How the services are reached.
#[derive(Debug, Clone, Default)]
pub(super) struct Network {
    pub(super) endpoints: Endpoints,
    pub(super) use_fips: Option<bool>,
    pub(super) use_dual_stack: Option<bool>,
    /// Certificates to trust in place of the system's.
    pub(super) trust: Option<Trust>,
}

/// The timeouts of every client.
pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}

pub(super) fn http(network: &Network, endpoint: Option<&str>) -> PacedClient {
    let transport = endpoint.map_or(Transport::Tls, Transport::to);
    PacedClient::unpaced(transport, network.trust.clone())
}

/// The configuration of a client of STS or SSO. It has no part that the SDK would read from the environment.
pub(super) fn sdk_config(
    network: &Network,
    region: &str,
    endpoint: Option<&str>,
    by: Option<Credentials>,
) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(http(network, endpoint))
        .time_source(SharedTimeSource::default())
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts())
        .identity_cache(IdentityCache::no_cache());
    config.set_sleep_impl(default_async_sleep());
    config.set_endpoint_url(endpoint.map(str::to_owned));
    if endpoint.is_none() {
        config.set_use_fips(network.use_fips);
        config.set_use_dual_stack(network.use_dual_stack);
    }
    config.set_credentials_provider(by.map(SharedCredentialsProvider::new));
    config.build()
}
