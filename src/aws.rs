//! The image service over the AWS SDK: paging, mapping, and what its failures mean. It decides nothing.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_workspaces::Client;
use aws_sdk_workspaces::config::{Builder, Credentials};
use aws_sdk_workspaces::operation::create_updated_workspace_image::CreateUpdatedWorkspaceImageError;
use aws_sdk_workspaces::types::{self, Tag};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::cloud::{
    ApiError, CreateRequest, Delivery, Failure, ImageApi, Operation, Page, all_pages, cut,
};
use crate::image::{ImageState, Observed, ObservedImage, OperatingSystem};

mod failure;
mod pace;

pub use pace::Pace;
use pace::Road;

/// The most images that a page can hold (service model).
const PAGE: i32 = 25;

/// How long a connection may take to be made: the SDK's own default is 3.1 s, a little short for a VPN.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take to begin.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one attempt may take in all, its wait for a token included: a server that trickles must not hold a run.
const ATTEMPT_TIMEOUT: Duration = Duration::from_mins(1);

/// Which target, and how to reach it. What is `None` is left to the SDK's configuration chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// The Region.
    pub region: Option<String>,
    /// The profile in the shared configuration files.
    pub profile: Option<String>,
    /// The endpoint, in place of the Region's own.
    pub endpoint_url: Option<String>,
    /// Requests per second.
    pub api_rate: f64,
}

/// The service could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nothing says which Region.
    #[error("no Region: give --region, set AWS_REGION, or choose a profile that has one")]
    NoRegion,
}

/// Images of one account and Region, over the SDK.
#[derive(Debug, Clone)]
pub struct AwsImages {
    client: Client,
    pace: Arc<Pace>,
    region: String,
    /// How to set it up anew; nothing where credentials can't change.
    connection: Option<Connection>,
}

impl AwsImages {
    /// Sets up the SDK through its usual chain: profiles, SSO, environment, container and instance roles.
    pub async fn connect(connection: &Connection) -> Result<Self, ConnectError> {
        let pace = Arc::new(Pace::new(connection.api_rate, Pace::BURST));
        Self::connect_at(connection, pace).await
    }

    async fn connect_at(connection: &Connection, pace: Arc<Pace>) -> Result<Self, ConnectError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(pace::PacedClient::unpaced());
        if let Some(region) = &connection.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &connection.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(url) = &connection.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        let shared = loader.load().await;
        let region = shared
            .region()
            .map(ToString::to_string)
            .ok_or(ConnectError::NoRegion)?;
        // Only an endpoint given here is sure to be the one: the environment may name another for this service.
        let road = match connection.endpoint_url.as_deref() {
            Some(url) if is_local(url) => Road::Local,
            Some(_) | None => Road::Tls,
        };
        let config = Builder::from(&shared);
        let connection = Connection {
            // What the configuration says later must not move a run to another Region.
            region: Some(region.clone()),
            ..connection.clone()
        };
        Ok(Self {
            connection: Some(connection),
            ..Self::build(config, region, pace, road)
        })
    }

    /// Sets up the SDK for an embedded service, with credentials that open nothing else.
    pub fn embedded(endpoint_url: &str, region: &str, api_rate: f64) -> Self {
        let config = aws_sdk_workspaces::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(Credentials::new(
                "simulated",
                "simulated",
                None,
                None,
                "simulated",
            ))
            .endpoint_url(endpoint_url);
        let pace = Arc::new(Pace::new(api_rate, Pace::BURST));
        Self::build(config, region.to_owned(), pace, Road::Local)
    }

    /// Sets up the SDK by a configuration of the caller's, over an HTTP client of the caller's: for checks of what comes of
    /// calls that go wrong. Timeouts, retries and the token bucket are those of every other run.
    pub fn over(http: SharedHttpClient, config: Builder, region: &str, api_rate: f64) -> Self {
        let config = config.region(Region::new(region.to_owned()));
        let pace = Arc::new(Pace::new(api_rate, Pace::BURST));
        Self::build(config, region.to_owned(), pace, Road::Given(http))
    }

    fn build(config: Builder, region: String, pace: Arc<Pace>, road: Road) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .build();
        let config = config
            .http_client(pace::PacedClient::new(Arc::clone(&pace), road))
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard())
            .build();
        Self {
            client: Client::from_conf(config),
            pace,
            region,
            connection: None,
        }
    }

    /// The Region that was found.
    pub fn region(&self) -> &str {
        &self.region
    }

    async fn page(&self, token: Option<String>) -> Result<Page, ApiError> {
        let request = self
            .client
            .describe_workspace_images()
            .image_type(types::ImageType::Owned)
            .max_results(PAGE)
            .set_next_token(token);
        let answer = request.send().await.map_err(|error| {
            let failure = failure::failure(&error, None);
            ApiError::new(Operation::DescribeWorkspaceImages, failure)
        })?;
        Ok(Page {
            images: answer
                .images
                .unwrap_or_default()
                .into_iter()
                .map(observed)
                .collect(),
            next_token: answer.next_token,
        })
    }
}

impl ImageApi for AwsImages {
    async fn list_images(&self) -> Result<Observed, ApiError> {
        all_pages(|token| self.page(token)).await
    }

    async fn ready(&self) {
        self.pace.ready().await;
    }

    /// The SDK reads the shared configuration files once and keeps what they said; this reads them again.
    async fn renew(&mut self) {
        let Some(connection) = self.connection.clone() else {
            return;
        };
        if let Ok(renewed) = Self::connect_at(&connection, Arc::clone(&self.pace)).await {
            *self = renewed;
        }
    }

    async fn create_updated_image(&self, request: &CreateRequest) -> Result<String, ApiError> {
        let tags: Vec<Tag> = request
            .tags
            .iter()
            .filter_map(|(key, value)| {
                Tag::builder()
                    .key(key.as_str())
                    .value(value.as_str())
                    .build()
                    .ok()
            })
            .collect();
        let answer = self
            .client
            .create_updated_workspace_image()
            .name(request.name.as_str())
            .description(request.description.as_str())
            .source_image_id(&request.source_id)
            .set_tags((!tags.is_empty()).then_some(tags))
            .customize()
            // After a 5xx the SDK would send a create again, and the caller would only see "already exists".
            .config_override(
                aws_sdk_workspaces::Config::builder().retry_config(RetryConfig::disabled()),
            )
            .send()
            .await;
        match answer {
            Ok(answer) => answer.image_id.filter(|id| !id.is_empty()).ok_or_else(|| {
                let failure = Failure {
                    delivery: Delivery::Unanswered,
                    code: None,
                    message: "the service answered without an image id".into(),
                    service_reason: None,
                    request_id: None,
                };
                ApiError::new(Operation::CreateUpdatedWorkspaceImage, failure)
            }),
            Err(error) => {
                let reason = match error.as_service_error() {
                    Some(CreateUpdatedWorkspaceImageError::OperationNotSupportedException(
                        error,
                    )) => error.reason.as_deref(),
                    _ => None,
                };
                let failure = failure::failure(&error, reason);
                Err(ApiError::new(
                    Operation::CreateUpdatedWorkspaceImage,
                    failure,
                ))
            }
        }
    }
}

/// Tells whether the endpoint is plain HTTP on this machine.
fn is_local(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority == "localhost" || authority.starts_with("localhost:") {
        return true;
    }
    let address = authority.parse().map(|address: SocketAddr| address.ip());
    let address = address.or_else(|_| authority.trim_matches(['[', ']']).parse::<IpAddr>());
    address.is_ok_and(|address| address.is_loopback())
}

/// One listed image in repave's words. Every member is optional; what is missing stays unknown.
fn observed(image: types::WorkspaceImage) -> ObservedImage {
    let mut errors: Vec<(String, String)> = Vec::new();
    let mut add = |code: Option<String>, message: Option<String>| {
        let error = (
            cut(code.unwrap_or_default()),
            cut(message.unwrap_or_default()),
        );
        if error != Default::default() && !errors.contains(&error) {
            errors.push(error);
        }
    };
    add(image.error_code, image.error_message);
    for detail in image.error_details.unwrap_or_default() {
        add(
            detail.error_code.map(|code| code.as_str().to_owned()),
            detail.error_message,
        );
    }
    ObservedImage {
        id: image.image_id.unwrap_or_default(),
        name: image.name,
        state: match image.state {
            Some(types::WorkspaceImageState::Available) => ImageState::Available,
            Some(types::WorkspaceImageState::Pending) => ImageState::Pending,
            Some(types::WorkspaceImageState::Error) => ImageState::Error,
            Some(other) => ImageState::Unknown(other.as_str().to_owned()),
            None => ImageState::Unknown(String::new()),
        },
        operating_system: match image.operating_system.and_then(|system| system.r#type) {
            Some(types::OperatingSystemType::Windows) => OperatingSystem::Windows,
            Some(types::OperatingSystemType::Linux) => OperatingSystem::Linux,
            Some(_) | None => OperatingSystem::Unknown,
        },
        update_available: image.updates.and_then(|updates| updates.update_available),
        // Fractions of a second drift in parsing; only whole seconds can be compared.
        created: image
            .created
            .and_then(|created| jiff::Timestamp::from_second(created.secs()).ok()),
        errors,
        owner: image.owner_account_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        for (url, local) in [
            ("http://127.0.0.1:4566", true),
            ("http://127.0.0.1", true),
            ("http://localhost:4566/x", true),
            ("http://[::1]:4566", true),
            ("http://[::1]", true),
            ("http://127.evil.example", false),
            ("http://localhost.evil", false),
            ("http://10.0.0.1", false),
            ("https://127.0.0.1", false),
        ] {
            assert_eq!(is_local(url), local, "{url}");
        }
    }
}
