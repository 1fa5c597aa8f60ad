//! Converts texts to credentials: keys that can sign a request, and the time when they expire.

use aws_credential_types::Credentials;
use jiff::Timestamp;
use serde::Deserialize;

use super::config_error::ConfigError;
use super::lookup::Setting;

/// Checks that the keys are valid in a header, and returns the credentials.
pub(super) fn keys(
    id: &Setting<'_>,
    secret: &Setting<'_>,
    token: Option<&Setting<'_>>,
    expiry: Option<Timestamp>,
) -> Result<Credentials, ConfigError> {
    for setting in [Some(id), Some(secret), token].into_iter().flatten() {
        // The service would refuse the request without naming the invalid character.
        if !is_valid_key(setting.value) {
            return Err(ConfigError::new(format!(
                "{} contains a space, a line break or a quotation mark. Remove it",
                setting.origin
            )));
        }
    }
    Ok(Credentials::new(
        id.value,
        secret.value,
        token.map(|setting| setting.value.to_owned()),
        expiry.map(Into::into),
        "repave",
    ))
}

/// Returns whether a text can be a key or a token, which are sent in a header.
fn is_valid_key(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'');
    !text.is_empty() && text.bytes().all(is_allowed)
}

/// Returns whether a request can be signed with the credentials.
pub(super) fn can_sign(credentials: &Credentials) -> bool {
    is_valid_key(credentials.access_key_id())
        && is_valid_key(credentials.secret_access_key())
        && credentials.session_token().is_none_or(is_valid_key)
}

/// Parses the expiration of credentials. The end of the year 9999, which no timestamp can hold, counts as the latest time.
pub(super) fn parse_expiry(text: &str) -> Result<Timestamp, String> {
    match text.parse() {
        Ok(expiry) => Ok(expiry),
        Err(_) if text.starts_with("9999-12-3") => Ok(Timestamp::MAX),
        Err(_) => Err("is not a time like 2026-11-26T09:00:00Z".into()),
    }
}

/// The response of the instance metadata or of a container agent.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CredentialsResponse {
    access_key_id: String,
    secret_access_key: String,
    token: Option<String>,
    expiration: Option<String>,
}

impl CredentialsResponse {
    /// `at_least` is the earliest expiration. During an outage the instance metadata returns expired credentials, and AWS
    /// still accepts them.
    pub(super) fn into_credentials(
        self,
        at_least: Option<Timestamp>,
    ) -> Result<Credentials, String> {
        let expiry = self.expiration.as_deref().map(parse_expiry).transpose();
        let expiry = expiry.map_err(|why| format!("its Expiration {why}"))?;
        let expiry = expiry.map(|expiry| at_least.map_or(expiry, |least| expiry.max(least)));
        let expiry = expiry.map(Into::into);
        let (id, secret) = (self.access_key_id, self.secret_access_key);
        Ok(Credentials::new(id, secret, self.token, expiry, "host"))
    }
}
