//! The metadata of the EC2 instance: the credentials of its role, and its Region.

use std::time::Duration;

use aws_config::imds::{self, client::error::ImdsError};
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::HttpClient;
use aws_smithy_runtime_api::client::result::ConnectorError;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::failure::{
    Cause, CredentialsFailure, error_chain, find, is_unavailable, never_connected,
};
use super::http::{AwsHttpClient, RecordingClient, Transport};
use super::keys::CredentialsResponse;
use crate::sys::escape::escaped;

/// How long expired credentials of an instance are still used (other SDKs: 10 to 15 minutes).
const EXTENSION: SignedDuration = SignedDuration::from_mins(10);

/// The timeout for connecting to the metadata and for its response. The metadata is on the same host.
const METADATA_TIMEOUT: Duration = Duration::from_secs(1);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) endpoint: String,
    pub(super) is_disabled: bool,
}

/// Fetches the credentials of the role of the instance. `last_resort` names the places that were searched before.
pub(super) async fn fetch(
    metadata: &Metadata,
    last_resort: Option<&str>,
    source_name: &str,
    now: Timestamp,
) -> Result<Credentials, CredentialsFailure> {
    const ROLES: &str = "/latest/meta-data/iam/security-credentials/";
    let no_credentials = |searched: &str, why: &str| {
        let message = format!(
            "found no credentials: checked {searched}, container and instance{why}. Run aws sso login and use --profile, \
             or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        );
        CredentialsFailure::with_message(Cause::Refused, &message)
    };
    if let (Some(searched), true) = (last_resort, metadata.is_disabled) {
        return Err(no_credentials(searched, ""));
    }
    // No proxy: the metadata is on this host.
    let http = RecordingClient::new(AwsHttpClient::without_limiter(
        Transport::to_host(&metadata.endpoint),
        None,
    ));
    let to_failure = |error: ImdsError| match (http.status(), last_resort) {
        (Some(status), _) if is_unavailable(status) => {
            let why = format!("it answered HTTP {status}");
            CredentialsFailure::new(Cause::Unavailable, source_name, &why)
        }
        // An incomplete response.
        (Some(200..300), _) => {
            CredentialsFailure::new(Cause::Unavailable, source_name, &error_chain(&error))
        }
        (Some(status), _) => {
            let why = format!("it answered HTTP {status}. Attach a role to the instance");
            CredentialsFailure::new(Cause::Refused, source_name, &why)
        }
        // The configuration does not name the instance, and this machine is not an instance.
        (None, Some(searched)) if find::<ConnectorError>(&error).is_some_and(never_connected) => {
            let why = format!(" ({}: not reached)", metadata.endpoint);
            no_credentials(searched, &why)
        }
        (None, _) => CredentialsFailure::new(Cause::Unavailable, source_name, &error_chain(&error)),
    };
    let client = metadata_client(metadata, http.clone())
        .map_err(|why| CredentialsFailure::new(Cause::Refused, source_name, &why))?;
    let roles = client.get(ROLES).await.map_err(to_failure)?;
    let refused = |why: &str| CredentialsFailure::new(Cause::Refused, source_name, why);
    let role = roles.as_ref().lines().next().unwrap_or_default().trim();
    // The characters of a role name (IAM), so that the client accepts it as a part of a path.
    let fits = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    if role.is_empty() || !role.chars().all(fits) {
        return Err(refused("it has no role. Attach a role to the instance"));
    }
    let answer = client
        .get(format!("{ROLES}{role}"))
        .await
        .map_err(to_failure)?;
    if let Ok(Failed { code, message }) = serde_json::from_str(answer.as_ref())
        && code != "Success"
    {
        let why = format!("{code}: {message}. Check the trust policy of the role {role}");
        return Err(refused(&escaped(&why, 300)));
    }
    let response: CredentialsResponse = serde_json::from_str(answer.as_ref()).map_err(|_| {
        let why = format!("it returned no credentials for the role {role}");
        CredentialsFailure::new(Cause::Unavailable, source_name, &why)
    })?;
    response
        .into_credentials(now.checked_add(EXTENSION).ok())
        .map_err(|why| CredentialsFailure::new(Cause::Unavailable, source_name, &why))
}

/// The error in the response of the metadata.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failed {
    code: String,
    #[serde(default)]
    message: String,
}

/// Returns the Region of the instance, or `None` if this machine is not an instance. Fails if the metadata is not available.
pub(super) async fn region(metadata: &Metadata) -> Result<Option<String>, CredentialsFailure> {
    if metadata.is_disabled {
        return Ok(None);
    }
    let transport = Transport::to_host(&metadata.endpoint);
    let http = RecordingClient::new(AwsHttpClient::without_limiter(transport, None));
    let Ok(client) = metadata_client(metadata, http.clone()) else {
        return Ok(None);
    };
    match client.get("/latest/meta-data/placement/region").await {
        Ok(region) => Ok(Some(region.as_ref().trim().to_owned())),
        Err(error) if !has_no_region(&error, &http) => {
            let why = match http.status() {
                Some(status) => format!("it answered HTTP {status}"),
                None => error_chain(&error),
            };
            let endpoint = &metadata.endpoint;
            let message =
                format!("cannot get the Region now from the instance ({endpoint}): {why}");
            Err(CredentialsFailure::with_message(
                Cause::Unavailable,
                &message,
            ))
        }
        Err(_) => Ok(None),
    }
}

/// Returns whether there is no instance, or no Region in its metadata.
fn has_no_region(error: &ImdsError, http: &RecordingClient) -> bool {
    match http.status() {
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
