//! The network settings of the AWS clients: endpoints, certificates and timeouts.

use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_async::time::SharedTimeSource;

use super::http::{AwsHttpClient, Transport, Trust};

/// The timeout for making a connection. The default of the SDK is 3.1 s, which is too short for some VPNs.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The timeout for the first byte of a response.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The timeout of one attempt, including its wait for the rate limiter. A slow server must not block a run.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);

/// Endpoints that override the service endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Endpoints {
    pub(super) workspaces: Option<String>,
    pub(super) sts: Option<String>,
    pub(super) sso: Option<String>,
    pub(super) sso_oidc: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Network {
    pub(super) endpoints: Endpoints,
    pub(super) use_fips: Option<bool>,
    pub(super) use_dual_stack: Option<bool>,
    /// The certificates to trust instead of the system certificates.
    pub(super) trust: Option<Trust>,
}

pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build()
}

pub(super) fn http_client(network: &Network, endpoint: Option<&str>) -> AwsHttpClient {
    let transport = endpoint.map_or(Transport::Tls, Transport::to);
    AwsHttpClient::without_limiter(transport, network.trust.clone())
}

/// Returns the configuration of an STS or SSO client. The SDK reads no part of it from the environment.
pub(super) fn sdk_config(
    network: &Network,
    region: &str,
    endpoint: Option<&str>,
    by: Option<Credentials>,
) -> SdkConfig {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(http_client(network, endpoint))
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
