//! Fetches the credentials of a source, and says what a failure means: they cannot be had now, or somebody refuses them.
//! Which source it is, is decided elsewhere.

use std::path::Path;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::error::ProvideErrorMetadata;
use aws_smithy_async::rt::sleep::default_async_sleep;
use aws_smithy_async::time::SharedTimeSource;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use jiff::Timestamp;
use serde::Deserialize;

use super::failure::{chain, without_passwords};
use super::pace::{PacedClient, Transport};
use super::settings::Settings;
use super::source::{Role, Source};
use super::{ATTEMPT_TIMEOUT, CONNECT_TIMEOUT, READ_TIMEOUT};
use super::{instance, named, process};
use crate::cloud::is_throttling;
use crate::model::value::is_account_id;
use crate::sys::files;

/// The largest token of a web identity that is read, in bytes (STS takes 20,000 characters).
const MAX_TOKEN: u64 = 64 * 1024;

/// What a failure to get credentials means for the next try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// Time passes: whoever gives them is down, busy or not reached.
    Unavailable,
    /// Someone changes something: they are expired, not allowed or not there.
    Refused,
    /// They are another account's than the one that is expected.
    WrongAccount,
}

/// Credentials could not be had. The text says whose, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct CredentialsFailure {
    pub(super) cause: Cause,
    pub(super) message: String,
}

impl CredentialsFailure {
    /// A failure in words of its own.
    pub(super) fn of(cause: Cause, message: &str) -> Self {
        Self {
            cause,
            message: without_passwords(message),
        }
    }

    pub(super) fn new(cause: Cause, whose: &str, why: &str) -> Self {
        let now = match cause {
            Cause::Unavailable => "cannot get credentials now",
            Cause::Refused | Cause::WrongAccount => "cannot get credentials",
        };
        Self::of(cause, &format!("{now} from {whose}: {why}"))
    }
}

/// Fetches the credentials of the source.
pub(super) async fn fetch(
    source: &Source,
    settings: &Settings,
    region: &str,
    now: Timestamp,
) -> Result<Credentials, CredentialsFailure> {
    let whose = source.name();
    let refused = |why: String| CredentialsFailure::new(Cause::Refused, &whose, &why);
    let found = match source {
        Source::Keys { keys, .. } => keys.clone(),
        Source::Role(role) => {
            let base = Box::pin(fetch(&role.base, settings, region, now)).await?;
            assume(role, &whose, base, settings, region, now).await?
        }
        Source::WebIdentity {
            token_file,
            role_arn,
            session_name,
            ..
        } => {
            let session_name = session_name.clone().unwrap_or_else(|| default_session(now));
            let request = sts(settings, region, None)
                .assume_role_with_web_identity()
                .web_identity_token(web_identity_token(token_file).map_err(refused)?)
                .role_arn(role_arn)
                .role_session_name(session_name);
            let answer = request.send().await.map_err(|error| {
                let advice = format!(
                    "Check that the role's trust policy allows this identity and that its token in {} is fresh",
                    token_file.display()
                );
                let endpoint = settings.endpoints.sts.as_deref();
                asked("STS AssumeRoleWithWebIdentity", endpoint, &whose, &error, &advice)
            })?;
            of_sts(answer.credentials).ok_or_else(|| refused("STS gave none".into()))?
        }
        Source::Sso(session) => session.fetch(&whose, settings, now).await?,
        Source::Process { command, .. } => process::fetch(command, &whose).await?,
        Source::Container(agent) => agent.fetch(settings.trust.as_ref()).await?,
        Source::Instance {
            metadata,
            last_resort,
        } => instance::fetch(metadata, last_resort.as_deref(), &whose, now).await?,
    };
    if !named::fit(&found) {
        return Err(refused(
            "they are empty or have a character that no key has".into(),
        ));
    }
    match found.expiry().map(Timestamp::try_from) {
        Some(Ok(expiry)) if expiry <= now => Err(refused(format!(
            "they expired at {expiry:.0}. Renew them, and check the clock of this machine"
        ))),
        Some(_) | None => Ok(found),
    }
}

/// The account that the credentials belong to, by STS.
pub(super) async fn account_of(
    credentials: &Credentials,
    whose: &str,
    settings: &Settings,
    region: &str,
) -> Result<String, CredentialsFailure> {
    let answer = sts(settings, region, Some(credentials.clone()))
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| {
            let advice = "Check that the credentials are valid and have not expired";
            let endpoint = settings.endpoints.sts.as_deref();
            let failure = asked("STS GetCallerIdentity", endpoint, whose, &error, advice);
            CredentialsFailure {
                message: format!("cannot check the account: {}", failure.message),
                ..failure
            }
        })?;
    answer
        .account
        .filter(|id| is_account_id(id))
        .ok_or_else(|| {
            let why = "STS GetCallerIdentity answered without an account";
            CredentialsFailure::new(Cause::Unavailable, whose, why)
        })
}

async fn assume(
    role: &Role,
    whose: &str,
    base: Credentials,
    settings: &Settings,
    region: &str,
    now: Timestamp,
) -> Result<Credentials, CredentialsFailure> {
    let session_name = role.session_name.clone();
    let answer = sts(settings, region, Some(base))
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name(session_name.unwrap_or_else(|| default_session(now)))
        .set_external_id(role.external_id.clone())
        .set_duration_seconds(role.duration)
        .send()
        .await
        .map_err(|error| {
            let base = role.base.name();
            let advice = match error.code() {
                Some("AccessDenied" | "AccessDeniedException") => format!(
                    "Allow sts:AssumeRole on the role to {base}, and allow that identity in the role's trust policy"
                ),
                Some("RegionDisabledException") => {
                    format!("Enable the Region {region} in the account, or use another Region")
                }
                _ => format!("Renew or correct the credentials from {base}, and check the values of the role"),
            };
            let endpoint = settings.endpoints.sts.as_deref();
            asked("STS AssumeRole", endpoint, whose, &error, &advice)
        })?;
    of_sts(answer.credentials)
        .ok_or_else(|| CredentialsFailure::new(Cause::Refused, whose, "STS gave none"))
}

fn of_sts(credentials: Option<aws_sdk_sts::types::Credentials>) -> Option<Credentials> {
    let found = credentials?;
    let expiry = found.expiration.try_into().ok();
    Some(Credentials::new(
        found.access_key_id,
        found.secret_access_key,
        Some(found.session_token),
        expiry,
        "sts",
    ))
}

/// When credentials expire. A time beyond what can be told, such as the end of the year 9999, is as good as never.
pub(super) fn expiry_of(text: &str) -> Result<Timestamp, String> {
    match text.parse() {
        Ok(expiry) => Ok(expiry),
        Err(_) if text.starts_with("9999-12-3") => Ok(Timestamp::MAX),
        Err(_) => Err("is not a time such as 2026-11-26T09:00:00Z".into()),
    }
}

/// Tells whether an answer with this HTTP status says that the service is down, busy or hidden behind something else.
pub(super) fn is_unavailable(status: u16) -> bool {
    !matches!(status, 200..300 | 400..500) || matches!(status, 408 | 429)
}

/// What an instance's metadata or a container's agent gives.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Given {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

impl Given {
    /// `at_least` is until when they count, even if they say that they have expired: an instance in trouble gives old
    /// credentials, which AWS still accepts then.
    pub(super) fn into_credentials(
        self,
        at_least: Option<Timestamp>,
    ) -> Result<Credentials, String> {
        let expiry = self.expiration.as_deref().map(expiry_of).transpose();
        let expiry = expiry.map_err(|why| format!("its Expiration {why}"))?;
        let expiry = expiry.map(|expiry| at_least.map_or(expiry, |least| expiry.max(least)));
        let expiry = expiry.map(Into::into);
        let (id, secret) = (self.access_key_id, self.secret_access_key);
        Ok(Credentials::new(id, secret, self.token, expiry, "host"))
    }
}

/// What a failed call to STS or SSO means.
pub(super) fn asked<E>(
    what: &str,
    endpoint: Option<&str>,
    whose: &str,
    error: &SdkError<E, HttpResponse>,
    advice: &str,
) -> CredentialsFailure
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    let status = error.raw_response().map(|raw| raw.status().as_u16());
    let code = error
        .as_service_error()
        .and_then(ProvideErrorMetadata::code);
    let busy = code.is_some_and(|code| is_throttling(code) || code == "IDPCommunicationError");
    // Only a readable refusal is one: an answer of another kind says nothing about who is asking.
    let refused = code.is_some()
        && status.is_some_and(|status| (400..500).contains(&status) && !is_unavailable(status))
        && !busy;
    let said = match (error.as_service_error(), code, status) {
        (Some(error), Some(code), _) => match error.message() {
            Some(message) => format!("{code}: {message}"),
            None => code.to_owned(),
        },
        (_, _, Some(status)) => format!("HTTP {status}"),
        (_, _, None) => chain(error),
    };
    if refused {
        let why = format!("{what} refused: {}. {advice}", said.trim_end_matches('.'));
        return CredentialsFailure::new(Cause::Refused, whose, &why);
    }
    let at = endpoint
        .map(|endpoint| format!(" at {endpoint}"))
        .unwrap_or_default();
    CredentialsFailure::new(Cause::Unavailable, whose, &format!("{what}{at}: {said}"))
}

pub(super) fn http(settings: &Settings, endpoint: Option<&str>) -> PacedClient {
    let transport = endpoint.map_or(Transport::Tls, Transport::to);
    PacedClient::unpaced(transport, settings.trust.clone())
}

/// The configuration of a client of STS or SSO. It has no part that the SDK would read from the environment.
pub(super) fn sdk_config(
    settings: &Settings,
    region: &str,
    endpoint: Option<&str>,
    by: Option<Credentials>,
) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .build();
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .http_client(http(settings, endpoint))
        .time_source(SharedTimeSource::default())
        .retry_config(RetryConfig::standard())
        .timeout_config(timeouts)
        .identity_cache(IdentityCache::no_cache());
    config.set_sleep_impl(default_async_sleep());
    config.set_endpoint_url(endpoint.map(str::to_owned));
    if endpoint.is_none() {
        config.set_use_fips(settings.use_fips);
        config.set_use_dual_stack(settings.use_dual_stack);
    }
    config.set_credentials_provider(by.map(SharedCredentialsProvider::new));
    config.build()
}

fn sts(settings: &Settings, region: &str, by: Option<Credentials>) -> aws_sdk_sts::Client {
    let endpoint = settings.endpoints.sts.as_deref();
    aws_sdk_sts::Client::new(&sdk_config(settings, region, endpoint, by))
}

fn default_session(now: Timestamp) -> String {
    format!("repave-{}", now.as_second())
}

fn web_identity_token(path: &Path) -> Result<String, String> {
    let cannot = |why: String| format!("cannot read {}: {why}", path.display());
    let bytes = files::read_limited(path, MAX_TOKEN).map_err(|error| cannot(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| cannot("it is not UTF-8 text".into()))
}
