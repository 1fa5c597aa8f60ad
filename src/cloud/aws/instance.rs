//! The metadata of the instance that this runs on: its role's credentials, and its Region.

use std::time::Duration;

use aws_config::imds::{self, client::error::ImdsError};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::result::ConnectorError;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::failure::{Cause, CredentialsFailure, chain, find, is_unavailable, never_connected};
use super::keys::Given;
use super::pace::{PacedClient, Transport, WatchedClient};
use crate::sys::escape::escaped;

/// How long expired credentials of an instance still count (the other SDKs: 10 to 15 minutes).
const EXTENDED: SignedDuration = SignedDuration::from_mins(10);

/// How long the instance's metadata may take to be connected to and to answer: it is on the same host.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

/// Where the instance's metadata is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) endpoint: String,
    pub(super) is_disabled: bool,
}

/// Fetches the credentials of the instance's role. `last_resort` says where credentials were looked for before.
pub(super) async fn fetch(
    metadata: &Metadata,
    last_resort: Option<&str>,
    whose: &str,
    now: Timestamp,
) -> Result<Credentials, CredentialsFailure> {
    const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
    let nothing = |searched: &str, why: &str| {
        let message = format!(
            "there are no credentials: checked {searched}, container and instance{why}. Run aws sso login and use --profile, \
             or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        );
        CredentialsFailure::of(Cause::Refused, &message)
    };
    if let (Some(searched), true) = (last_resort, metadata.is_disabled) {
        return Err(nothing(searched, ""));
    }
    // No proxy: the metadata's address means this host and no other.
    let watched = WatchedClient::new(PacedClient::unpaced(
        Transport::to_host(&metadata.endpoint),
        None,
    ));
    let meant = |error: ImdsError| match (watched.status(), last_resort) {
        (Some(status), _) if is_unavailable(status) => {
            let why = format!("it answered HTTP {status}");
            CredentialsFailure::new(Cause::Unavailable, whose, &why)
        }
        // An answer that broke off.
        (Some(200..300), _) => CredentialsFailure::new(Cause::Unavailable, whose, &chain(&error)),
        (Some(status), _) => {
            let why = format!("it answered HTTP {status}. Give the instance a role");
            CredentialsFailure::new(Cause::Refused, whose, &why)
        }
        // Nobody named an instance, and this is none.
        (None, Some(searched)) if find::<ConnectorError>(&error).is_some_and(never_connected) => {
            let why = format!(" ({}: not reached)", metadata.endpoint);
            nothing(searched, &why)
        }
        (None, _) => CredentialsFailure::new(Cause::Unavailable, whose, &chain(&error)),
    };
    let client = metadata_client(metadata, watched.clone())
        .map_err(|why| CredentialsFailure::new(Cause::Refused, whose, &why))?;
    let roles = client.get(ROLES).await.map_err(meant)?;
    let refused = |why: &str| CredentialsFailure::new(Cause::Refused, whose, why);
    let role = roles.as_ref().lines().next().unwrap_or_default().trim();
    // The characters of a role's name (IAM), so that the client takes it for a part of a path.
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if role.is_empty() || !role.chars().all(fits) {
        return Err(refused("it names no role. Give the instance a role"));
    }
    let answer = client.get(format!("{ROLES}{role}")).await.map_err(meant)?;
    if let Ok(Failed { code, message }) = serde_json::from_str(answer.as_ref())
        && code != "Success"
    {
        let why = format!("{code}: {message}. Check the trust policy of the role {role}");
        return Err(refused(&escaped(&why, 300)));
    }
    let given: Given = serde_json::from_str(answer.as_ref()).map_err(|_| {
        let why = format!("it gave no credentials for the role {role}");
        CredentialsFailure::new(Cause::Unavailable, whose, &why)
    })?;
    given
        .into_credentials(now.checked_add(EXTENDED).ok())
        .map_err(|why| CredentialsFailure::new(Cause::Unavailable, whose, &why))
}

/// Why the metadata has no credentials.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    code: String,
    #[serde(default)]
    message: String,
}

/// The Region of the instance that this runs on, if it runs on one; an error if its metadata does not work now.
pub(super) async fn region(metadata: &Metadata) -> Result<Option<String>, CredentialsFailure> {
    if metadata.is_disabled {
        return Ok(None);
    }
    let transport = Transport::to_host(&metadata.endpoint);
    let watched = WatchedClient::new(PacedClient::unpaced(transport, None));
    let Ok(client) = metadata_client(metadata, watched.clone()) else {
        return Ok(None);
    };
    match client.get("/latest/meta-data/placement/region").await {
        Ok(region) => Ok(Some(region.as_ref().trim().to_owned())),
        Err(error) if !is_none(&error, &watched) => {
            let said = match watched.status() {
                Some(status) => format!("it answered HTTP {status}"),
                None => chain(&error),
            };
            let endpoint = &metadata.endpoint;
            let why = format!("cannot get the Region now from the instance ({endpoint}): {said}");
            Err(CredentialsFailure::of(Cause::Unavailable, &why))
        }
        Err(_) => Ok(None),
    }
}

/// Tells whether there is no instance, or one that does not say its Region.
fn is_none(error: &ImdsError, watched: &WatchedClient) -> bool {
    match watched.status() {
        Some(status) => !is_unavailable(status) && status >= 400,
        None => find::<ConnectorError>(error).is_some_and(never_connected),
    }
}

fn metadata_client(
    metadata: &Metadata,
    http: impl HttpClient + 'static,
) -> Result<imds::Client, String> {
    let client = imds::Client::builder()
        .configure(&ProviderConfig::without_region().with_http_client(http))
        .endpoint(&metadata.endpoint)
        .map_err(|error| error.to_string())?
        .connect_timeout(METADATA_TIMEOUT)
        .read_timeout(METADATA_TIMEOUT)
        .max_attempts(2)
        .build();
    Ok(client)
}
