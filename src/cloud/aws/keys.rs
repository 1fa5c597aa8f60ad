//! What makes credentials of texts: keys that can sign a request, and the time when they expire. Where the texts come from
//! is no matter here.

use aws_credential_types::Credentials;
use jiff::Timestamp;
use serde::Deserialize;

use super::config_error::ConfigError;
use super::lookup::Said;

/// Keys that can stand in a request's header.
pub(super) fn keys(
    id: &Said<'_>,
    secret: &Said<'_>,
    token: Option<&Said<'_>>,
    expiry: Option<Timestamp>,
) -> Result<Credentials, ConfigError> {
    for said in [Some(id), Some(secret), token].into_iter().flatten() {
        // What came along by mistake: the request would be refused without a word of it.
        if !fits(said.value) {
            return Err(ConfigError::new(format!(
                "{} contains a space, a line break or a quotation mark. Remove it",
                said.by
            )));
        }
    }
    Ok(Credentials::new(
        id.value,
        secret.value,
        token.map(|said| said.value.to_owned()),
        expiry.map(Into::into),
        "repave",
    ))
}

/// Tells whether a text can be a key or a token: it goes into a header.
fn fits(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'');
    !text.is_empty() && text.bytes().all(fits)
}

/// Tells whether a request can be signed with these, wherever they come from.
pub(super) fn fit(credentials: &Credentials) -> bool {
    fits(credentials.access_key_id())
        && fits(credentials.secret_access_key())
        && credentials.session_token().is_none_or(fits)
}

/// When credentials expire. A time beyond what can be told, such as the end of the year 9999, is as good as never.
pub(super) fn expiry_of(text: &str) -> Result<Timestamp, String> {
    match text.parse() {
        Ok(expiry) => Ok(expiry),
        Err(_) if text.starts_with("9999-12-3") => Ok(Timestamp::MAX),
        Err(_) => Err("is not a time such as 2026-11-26T09:00:00Z".into()),
    }
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
