//! AWS IAM Identity Center (SSO): credentials for a role, by the token that `aws sso login` leaves.

use aws_config::Region;
use aws_config::sso::SsoTokenProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::token::ProvideToken as _;
use aws_sdk_sso::error::ProvideErrorMetadata as _;
use jiff::Timestamp;

use super::failure::{Cause, CredentialsFailure, asked, chain, is_unavailable};
use super::network::{Network, http, sdk_config};
use super::pace::WatchedClient;

/// A role of an account, and the session that gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// The name under which the token is kept: that of the session, or without one the start URL.
    pub(super) name: String,
    pub(super) start_url: String,
    pub(super) region: String,
    pub(super) account_id: String,
    pub(super) role_name: String,
    pub(super) profile: String,
}

impl Session {
    /// Fetches credentials; the token is renewed if it can be.
    pub(super) async fn fetch(
        &self,
        whose: &str,
        network: &Network,
        now: Timestamp,
    ) -> Result<Credentials, CredentialsFailure> {
        let login = format!("Run: aws sso login --profile {}", self.profile);
        // The provider keeps it to itself when a token could not be renewed, and why.
        let endpoint = network.endpoints.sso_oidc.as_deref();
        let watched = WatchedClient::new(http(network, endpoint));
        let oidc = sdk_config(network, &self.region, endpoint, None)
            .to_builder()
            .http_client(watched.clone())
            .build();
        let no_token = |why: &str| {
            // Without a request the token that is kept is missing, or expired for good.
            if watched.was_asked() && watched.status().is_none_or(is_unavailable) {
                let why = "its token has expired, and SSO does not renew it now";
                return CredentialsFailure::new(Cause::Unavailable, whose, why);
            }
            CredentialsFailure::new(Cause::Refused, whose, &format!("{why}. {login}"))
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
            .map_err(|error| no_token(&chain(&error)))?;
        // What could not be renewed is given all the same.
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
                        "Check that you may use the role {} in account {}",
                        self.role_name, self.account_id
                    )
                } else {
                    login.clone()
                };
                asked(
                    "SSO GetRoleCredentials",
                    network.endpoints.sso.as_deref(),
                    whose,
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
        pair.ok_or_else(|| CredentialsFailure::new(Cause::Refused, whose, "SSO gave none"))
    }
}
