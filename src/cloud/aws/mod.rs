//! The image service over the AWS SDK. It decides nothing, and does not know manifests.
//!
//! ```text
//!  ini <- profiles <- lookup <- named_profile <- find <- settings <- identity <- AwsCloud
//!  failure, keys, network <- instance, container, process, sso <- credentials <- identity
//! ```
//!
//! A module uses the modules to its left. `settings` resolves flags, environment and configuration files, and sends no
//! request. `credentials` sends the requests, and decides nothing.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_workspaces::Client;
use aws_sdk_workspaces::config::Builder;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::cloud::{ApiError, Ask, Cloud, Gate, Operation, Page, Receipt, Step, all_pages};
use crate::model::image::{Observed, Question};
use crate::model::reason::Reason;
use crate::model::target::Target;
use crate::model::value::is_account_id;
use crate::sys::environment::Environment;
use crate::sys::panics::{Panicked, catch_panic};
use crate::sys::similar::did_you_mean;

mod calls;
mod checks;
mod config_error;
mod container;
mod credentials;
pub(crate) mod endpoint;
mod failure;
mod find;
mod http;
mod identity;
mod ini;
mod instance;
mod keys;
mod listed;
mod lookup;
mod named_profile;
mod network;
mod process;
mod profiles;
mod rate_limiter;
pub(crate) mod region;
mod settings;
mod source;
mod sso;

use calls::Wanted;
pub(crate) use config_error::ConfigError;
use failure::{Cause, CredentialsFailure};
use http::{AwsHttpClient, Transport};
use identity::{Identity, Signer};
use network::{Network, timeouts};
pub use rate_limiter::RateLimiter;
pub(crate) use settings::Connection;
use settings::Settings;

/// The client could not be set up. No request was sent to WorkSpaces.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(
        "found no Region: checked {0} and the instance. Give --region, set AWS_REGION, or add region to the profile"
    )]
    NoRegion(String),
    /// The instance metadata is not available.
    #[error("{0}")]
    Unavailable(String),
    #[error(transparent)]
    Panicked(#[from] Panicked),
}

/// The images of one account and Region, over the SDK.
#[derive(Debug, Clone)]
pub struct AwsCloud {
    client: Client,
    limiter: Arc<RateLimiter>,
    region: String,
    /// Where the credentials come from, or `None` in the simulator.
    credentials: Option<String>,
    identity: Arc<Identity>,
    /// The account of the first listing with an owner.
    account: Arc<OnceLock<String>>,
}

impl AwsCloud {
    /// Sets up the SDK from flags, environment and AWS configuration files.
    pub(crate) async fn connect(
        connection: &Connection,
        environment: Environment,
    ) -> Result<Self, ConnectError> {
        catch_panic(Self::set_up(connection, environment)).await?
    }

    async fn set_up(
        connection: &Connection,
        environment: Environment,
    ) -> Result<Self, ConnectError> {
        let settings = Settings::resolve(connection, &environment)?;
        let region = match &settings.region {
            Ok(region) => region.clone(),
            Err(searched) => instance::region(&settings.metadata)
                .await
                .map_err(|failure| ConnectError::Unavailable(failure.message))?
                .filter(|region| region::check(region).is_ok())
                .ok_or_else(|| ConnectError::NoRegion(searched.clone()))?,
        };
        // Only an explicit endpoint can be on this machine.
        let Network {
            endpoints,
            use_fips,
            use_dual_stack,
            trust,
        } = settings.network.clone();
        let credentials = settings.source.name();
        let endpoint = endpoints.workspaces;
        let transport = endpoint.as_deref().map_or(Transport::Tls, Transport::to);
        let mut config = aws_sdk_workspaces::Config::builder();
        if endpoint.is_none() {
            config.set_use_fips(use_fips);
            config.set_use_dual_stack(use_dual_stack);
        }
        if endpoint.is_none() && !region::is_known(&region) {
            // A host of a Region that does not exist is a network failure, which is retried.
            let meant = did_you_mean(&region::similar_known(&region));
            tracing::warn!(
                region,
                "this version of repave does not know the Region{meant}"
            );
        }
        config.set_endpoint_url(endpoint);
        let limiter = Arc::new(RateLimiter::new(connection.api_rate, RateLimiter::BURST));
        let http = AwsHttpClient::new(Arc::clone(&limiter), transport, trust);
        let identity = Identity::new(
            settings,
            region.clone(),
            connection.expected_account.clone(),
            Some((connection.clone(), environment)),
        );
        Ok(Self {
            credentials: Some(credentials),
            ..Self::build(config, http, region, limiter, identity)
        })
    }

    /// Sets up the SDK for the embedded simulator, with credentials that are valid only there.
    pub fn embedded(endpoint_url: &str, region: &str, api_rate: f64) -> Self {
        Self::embedded_in(endpoint_url, region, api_rate, None)
    }

    /// Does the same as [`Self::embedded`], with a value for --expect-account.
    pub(crate) fn embedded_in(
        endpoint_url: &str,
        region: &str,
        api_rate: f64,
        expected_account: Option<&str>,
    ) -> Self {
        let config = aws_sdk_workspaces::Config::builder().endpoint_url(endpoint_url);
        let mut settings = Settings::simulated(region);
        settings.network.endpoints.sts = Some(endpoint_url.to_owned());
        let expected_account = expected_account.map(str::to_owned);
        let identity = Identity::new(settings, region.to_owned(), expected_account, None);
        let limiter = Arc::new(RateLimiter::new(api_rate, RateLimiter::BURST));
        let http = AwsHttpClient::new(Arc::clone(&limiter), Transport::Direct, None);
        Self::build(config, http, region.to_owned(), limiter, identity)
    }

    /// Sets up the SDK with a configuration and an HTTP client of the caller, for tests of failed calls. Timeouts, retries and
    /// the rate limiter are the same as in every run.
    pub fn with_http_client(
        http: SharedHttpClient,
        config: Builder,
        region: &str,
        api_rate: f64,
    ) -> Self {
        let settings = Settings::simulated(region);
        let identity = Identity::new(settings, region.to_owned(), None, None);
        let limiter = Arc::new(RateLimiter::new(api_rate, RateLimiter::BURST));
        let http = AwsHttpClient::new(Arc::clone(&limiter), Transport::Given(http), None);
        Self::build(config, http, region.to_owned(), limiter, identity)
    }

    fn build(
        config: Builder,
        http: AwsHttpClient,
        region: String,
        limiter: Arc<RateLimiter>,
        identity: Identity,
    ) -> Self {
        let identity = Arc::new(identity);
        let config = config
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.clone()))
            .http_client(http)
            .credentials_provider(Signer(Arc::clone(&identity)))
            .identity_cache(IdentityCache::no_cache())
            .timeout_config(timeouts())
            .retry_config(RetryConfig::standard())
            .build();
        Self {
            client: Client::from_conf(config),
            limiter,
            region,
            credentials: None,
            identity,
            account: Arc::default(),
        }
    }

    /// Returns the target. Its account is not known before a listing.
    pub(crate) fn target(&self, simulated: bool) -> Target {
        Target {
            region: self.region.clone(),
            account_id: None,
            simulated,
            credentials: self.credentials.clone(),
        }
    }

    async fn list(&self) -> Result<Observed, ApiError> {
        let operation = Operation::DescribeWorkspaceImages;
        let failed = |failure| ApiError::new(operation, failure::no_credentials(&failure));
        self.identity.begin_pass().await.map_err(failed)?;
        let mut listed = all_pages(|token| self.page(Wanted::Owned, token)).await;
        if listed.as_ref().is_err_and(ApiError::is_about_credentials)
            && self.identity.reload_after_refusal().await.map_err(failed)?
        {
            listed = all_pages(|token| self.page(Wanted::Owned, token)).await;
        }
        let observed = match listed {
            Ok(observed) => observed,
            Err(error) => return Err(self.refused(error).await),
        };
        if let Err(failure) = self.check_owner(&observed) {
            self.identity.record_refusal().await;
            return Err(failed(failure));
        }
        Ok(observed)
    }

    /// Records a refusal, and adds the source of the credentials to the error.
    async fn refused(&self, error: ApiError) -> ApiError {
        if error.reason != Reason::AccessDenied {
            return error;
        }
        self.identity.record_refusal().await;
        if error.is_about_credentials() {
            return self.identity.with_source(error).await;
        }
        error
    }

    /// Checks that a listing is from the expected account and from the account of the first listing.
    fn check_owner(&self, observed: &Observed) -> Result<(), CredentialsFailure> {
        let owners = observed.iter().filter_map(|image| image.owner.as_deref());
        // Every field of a listed image is optional, and can be any text.
        let mut owners = owners.filter(|owner| is_account_id(owner));
        let Some(owner) = owners.next() else {
            return Ok(());
        };
        let wrong = |why: String| Err(CredentialsFailure::with_message(Cause::WrongAccount, &why));
        if let Some(other) = owners.find(|other| *other != owner) {
            return wrong(format!(
                "the image list has images of two accounts, {owner} and {other}. The credentials may have changed during the \
                 listing"
            ));
        }
        if let Some(expected) = self.identity.expected_account()
            && expected != owner
        {
            let what = "the image list is from";
            return Err(identity::wrong_account(what, owner, expected));
        }
        let first = self.account.get_or_init(|| owner.to_owned());
        if first != owner {
            return wrong(format!(
                "the image list is from account {owner}, but this run started with account {first}. Use credentials of account \
                 {first}, or restart repave"
            ));
        }
        Ok(())
    }

    /// Sends a step once. If its credentials are refused, the next pass reloads them and lists the images again, because new
    /// credentials may belong to a different account.
    async fn send_once(&self, step: &Step) -> Result<Receipt, ApiError> {
        let defer = |why: &str| Err(ApiError::new(step.operation(), failure::deferred(why)));
        if self.identity.has_changed_since_listing().await {
            return defer(
                "the credentials were refused or replaced after the images were listed. The next pass lists the images again",
            );
        }
        let Step::CreateImage(request) = step;
        match calls::create(&self.client, request).await {
            Ok(receipt) => {
                self.identity.create_accepted().await;
                Ok(receipt)
            }
            Err(error) if error.is_about_credentials() => {
                let is_first = self.identity.create_refused().await;
                let error = self.identity.with_source(error).await;
                if is_first {
                    return defer(&format!(
                        "the service refused the credentials. The next pass reloads them: {}",
                        error.message
                    ));
                }
                Err(error)
            }
            Err(error) => Err(self.refused(error).await),
        }
    }

    async fn page(&self, wanted: Wanted<'_>, token: Option<String>) -> Result<Page, ApiError> {
        let operation = Operation::DescribeWorkspaceImages;
        let failed = |failure| ApiError::new(operation, failure::no_credentials(&failure));
        self.identity.credentials().await.map_err(failed)?;
        calls::page(&self.client, wanted, token).await
    }
}

impl Cloud for AwsCloud {
    async fn observe(&self, ask: &Ask) -> Result<Observed, ApiError> {
        let observed = async {
            match ask {
                Ask::Images => self.list().await,
                Ask::Questions(questions) => self.answers(questions).await,
            }
        };
        catch_panic(observed).await.unwrap_or_else(|panicked| {
            let failure = failure::panicked(panicked);
            Err(ApiError::new(Operation::DescribeWorkspaceImages, failure))
        })
    }

    async fn perform(&self, step: &Step) -> Result<Receipt, ApiError> {
        catch_panic(self.send_once(step))
            .await
            .unwrap_or_else(|panicked| {
                let failure = failure::panicked(panicked);
                Err(ApiError::new(step.operation(), failure))
            })
    }
}

impl AwsCloud {
    /// Returns the gate for a step: it renews credentials that are about to expire, and waits for the rate limiter. Nothing may
    /// delay a call after its mark.
    pub fn gate(&self) -> Gate {
        let (identity, limiter) = (Arc::clone(&self.identity), Arc::clone(&self.limiter));
        Gate::new(move || {
            let (identity, limiter) = (Arc::clone(&identity), Arc::clone(&limiter));
            async move {
                // An error is reported by the call itself.
                let _ = catch_panic(identity.credentials()).await;
                limiter.ready().await;
            }
        })
    }

    async fn answers(&self, questions: &BTreeSet<Question>) -> Result<Observed, ApiError> {
        let ids = questions
            .iter()
            .map(|Question::IsShared(id)| id.to_string());
        let ids: Vec<String> = ids.collect();
        let found = all_pages(|token| self.page(Wanted::Shared(&ids), token)).await?;
        Ok(found.into_answers(questions))
    }
}
