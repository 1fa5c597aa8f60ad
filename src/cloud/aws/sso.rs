//! AWS IAM Identity Center (SSO): credentials for a role, with the token of `aws sso login`.

use aws_config::Region;
use aws_config::sso::SsoTokenProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::token::ProvideToken as _;
use aws_sdk_sso::error::ProvideErrorMetadata as _;
use jiff::Timestamp;

use super::failure::{Cause, CredentialsFailure, error_chain, is_unavailable, request_failure};
use super::http::RecordingClient;
use super::network::{Network, http_client, sdk_config};

/// A role of an account, and the SSO session for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// The name of the cached token: the name of the session, or the start URL without a session.
    pub(super) name: String,
    pub(super) start_url: String,
    pub(super) region: String,
    pub(super) account_id: String,
    pub(super) role_name: String,
    pub(super) profile: String,
}

impl Session {
    /// Fetches credentials. Renews the token if possible.
    pub(super) async fn fetch(
        &self,
        source_name: &str,
        network: &Network,
        now: Timestamp,
    ) -> Result<Credentials, CredentialsFailure> {
        let login = format!("Run: aws sso login --profile {}", self.profile);
        // The provider does not report why it could not renew a token.
        let endpoint = network.endpoints.sso_oidc.as_deref();
        let client = RecordingClient::new(http_client(network, endpoint));
        let oidc = sdk_config(network, &self.region, endpoint, None)
            .to_builder()
            .http_client(client.clone())
            .build();
        let no_token = |why: &str| {
            // Without a request the cached token is missing, or has expired and cannot be renewed.
            if client.sent_a_request() && client.status().is_none_or(is_unavailable) {
                let why = "its token has expired, and SSO is not available to renew it";
                return CredentialsFailure::new(Cause::Unavailable, source_name, why);
            }
            CredentialsFailure::new(Cause::Refused, source_name, &format!("{why}. {login}"))
        };
        let token = SsoTokenProvider::builder()
            .configure(&oidc)
            .session_name(&self.name)
            .start_url(&self.start_url)
            .region(Region::new(self.region.clone()))
            .build()
            .await
            .provide_token()
            .await
            .map_err(|error| no_token(&error_chain(&error)))?;
        // The provider returns an expired token if it could not be renewed.
        let expiry = token.expiration().map(Timestamp::try_from);
        if expiry.is_some_and(|expiry| expiry.is_ok_and(|expiry| expiry <= now)) {
            return Err(no_token("its token has expired"));
        }
        let config = sdk_config(
            network,
            &self.region,
            network.endpoints.sso.as_deref(),
            None,
        );
        let answer = aws_sdk_sso::Client::new(&config)
            .get_role_credentials()
            .access_token(token.token())
            .account_id(&self.account_id)
            .role_name(&self.role_name)
            .send()
            .await
            .map_err(|error| {
                let forbidden = error.code() == Some("ForbiddenException");
                let advice = if forbidden {
                    format!(
                        "Check that you have access to the role {} in account {}",
                        self.role_name, self.account_id
                    )
                } else {
                    login.clone()
                };
                request_failure(
                    "SSO GetRoleCredentials",
                    network.endpoints.sso.as_deref(),
                    source_name,
                    &error,
                    &advice,
                )
            })?;
        let found = answer.role_credentials;
        let pair = found.and_then(|found| {
            let beyond = if found.expiration < 0 {
                Timestamp::MIN
            } else {
                Timestamp::MAX
            };
            let expiry = Timestamp::from_millisecond(found.expiration).unwrap_or(beyond);
            let (id, secret) = (found.access_key_id?, found.secret_access_key?);
            Some(Credentials::new(
                id,
                secret,
                found.session_token,
                Some(expiry.into()),
                "sso",
            ))
        });
        pair.ok_or_else(|| {
            CredentialsFailure::new(Cause::Refused, source_name, "SSO returned none")
        })
    }
}
