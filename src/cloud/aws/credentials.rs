//! Fetches credentials from a source, and finds the account that they belong to. `find` selects the source.

use std::path::Path;

use aws_credential_types::Credentials;
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use jiff::Timestamp;

use super::failure::{Cause, CredentialsFailure, request_failure};
use super::network::{Network, sdk_config};
use super::source::{Role, Source};
use super::{instance, keys, process};
use crate::model::value::is_account_id;
use crate::sys::files;

/// The largest web identity token, in bytes. STS accepts 20,000 characters.
const MAX_TOKEN: u64 = 64 * 1024;

pub(super) async fn fetch(
    source: &Source,
    network: &Network,
    region: &str,
    now: Timestamp,
) -> Result<Credentials, CredentialsFailure> {
    let source_name = source.name();
    let refused = |why: String| CredentialsFailure::new(Cause::Refused, &source_name, &why);
    let found = match source {
        Source::Keys { keys, .. } => keys.clone(),
        Source::Role(role) => {
            let base = Box::pin(fetch(&role.base, network, region, now)).await?;
            assume(role, &source_name, base, network, region, now).await?
        }
        Source::WebIdentity {
            token_file,
            role_arn,
            session_name,
            ..
        } => {
            let session_name = session_name
                .clone()
                .unwrap_or_else(|| default_session_name(now));
            let request = sts(network, region, None)
                .assume_role_with_web_identity()
                .web_identity_token(web_identity_token(token_file).map_err(refused)?)
                .role_arn(role_arn)
                .role_session_name(session_name);
            let answer = request.send().await.map_err(|error| {
                let advice = format!(
                    "Check that the trust policy of the role allows this identity, and that the token in {} has not expired",
                    token_file.display()
                );
                let endpoint = network.endpoints.sts.as_deref();
                request_failure("STS AssumeRoleWithWebIdentity", endpoint, &source_name, &error, &advice)
            })?;
            credentials_from_sts(answer.credentials)
                .ok_or_else(|| refused("STS returned none".into()))?
        }
        Source::Sso(session) => session.fetch(&source_name, network, now).await?,
        Source::Process { command, .. } => process::fetch(command, &source_name).await?,
        Source::Container(agent) => agent.fetch(network.trust.as_ref()).await?,
        Source::Instance {
            metadata,
            last_resort,
        } => instance::fetch(metadata, last_resort.as_deref(), &source_name, now).await?,
    };
    if !keys::can_sign(&found) {
        return Err(refused(
            "they are empty or contain an invalid character".into(),
        ));
    }
    match found.expiry().map(Timestamp::try_from) {
        Some(Ok(expiry)) if expiry <= now => Err(refused(format!(
            "they expired at {expiry:.0}. Renew them, and check the clock of this machine"
        ))),
        Some(_) | None => Ok(found),
    }
}

/// Returns the account that the credentials belong to, from STS.
pub(super) async fn account_of(
    credentials: &Credentials,
    source_name: &str,
    network: &Network,
    region: &str,
) -> Result<String, CredentialsFailure> {
    let answer = sts(network, region, Some(credentials.clone()))
        .get_caller_identity()
        .send()
        .await
        .map_err(|error| {
            let advice = "Check that the credentials are valid and have not expired";
            let endpoint = network.endpoints.sts.as_deref();
            let failure = request_failure(
                "STS GetCallerIdentity",
                endpoint,
                source_name,
                &error,
                advice,
            );
            CredentialsFailure {
                message: format!("cannot check the account: {}", failure.message),
                ..failure
            }
        })?;
    answer
        .account
        .filter(|id| is_account_id(id))
        .ok_or_else(|| {
            let why = "STS GetCallerIdentity returned no account";
            CredentialsFailure::new(Cause::Unavailable, source_name, why)
        })
}

async fn assume(
    role: &Role,
    source_name: &str,
    base: Credentials,
    network: &Network,
    region: &str,
    now: Timestamp,
) -> Result<Credentials, CredentialsFailure> {
    let session_name = role.session_name.clone();
    let answer = sts(network, region, Some(base))
        .assume_role()
        .role_arn(&role.arn)
        .role_session_name(session_name.unwrap_or_else(|| default_session_name(now)))
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
                _ => format!("Renew or correct the credentials from {base}, and check the settings of the role"),
            };
            let endpoint = network.endpoints.sts.as_deref();
            request_failure("STS AssumeRole", endpoint, source_name, &error, &advice)
        })?;
    credentials_from_sts(answer.credentials)
        .ok_or_else(|| CredentialsFailure::new(Cause::Refused, source_name, "STS returned none"))
}

fn credentials_from_sts(
    credentials: Option<aws_sdk_sts::types::Credentials>,
) -> Option<Credentials> {
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

fn sts(network: &Network, region: &str, by: Option<Credentials>) -> aws_sdk_sts::Client {
    let endpoint = network.endpoints.sts.as_deref();
    aws_sdk_sts::Client::new(&sdk_config(network, region, endpoint, by))
}

fn default_session_name(now: Timestamp) -> String {
    format!("repave-{}", now.as_second())
}

fn web_identity_token(path: &Path) -> Result<String, String> {
    let cannot = |why: String| format!("cannot read {}: {why}", path.display());
    let bytes = files::read_limited(path, MAX_TOKEN).map_err(|error| cannot(error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| cannot("it is not UTF-8 text".into()))
}
