//! The credentials of a target: caches them, checks their account before the first use, and reloads the configuration when
//! the service refuses them.

use std::fmt;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::credentials::{account_of, fetch};
use super::failure::{Cause, CredentialsFailure};
use super::settings::{Connection, Settings};
use crate::cloud::ApiError;
use crate::sys::clock::Clock;
use crate::sys::environment::Environment;
use crate::sys::escape::escaped;
use crate::sys::panics::catch_panic;

/// Credentials are renewed this long before they expire, or after half of their lifetime if that is shorter. A call that is
/// marked must not wait for STS.
const RENEW_BEFORE_EXPIRY: SignedDuration = SignedDuration::from_mins(5);

/// The timeout of a renewal while the cached credentials are still valid.
const RENEWAL_TIMEOUT: Duration = Duration::from_secs(10);

/// The delay after a failed renewal.
const RENEWAL_RETRY: SignedDuration = SignedDuration::from_secs(30);

/// The delay before an invalid configuration file is read again: it may be half written.
const RELOAD_DELAY: Duration = Duration::from_secs(1);

/// The time after which the log reports that repave waits for credentials.
const LOG_DELAY: Duration = Duration::from_secs(5);

pub(super) struct Identity {
    /// Where to reload the configuration from, or `None` if it cannot change.
    configuration: Option<(Connection, Environment)>,
    region: String,
    expected_account: Option<String>,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    /// The settings. A reload changes only the source: Region and endpoints stay for the whole run.
    settings: Settings,
    cached: Option<CachedCredentials>,
    listed: Listed,
    /// Whether credentials were ever fetched. After that the run does not change to another source.
    had_credentials: bool,
    /// Whether a create was refused for its credentials, and none was accepted since.
    is_refused: bool,
    /// Whether the configuration must be reloaded before the next listing, because credentials were refused.
    must_reload: bool,
}

/// The keys that signed the last listing. A plan is only valid for the account of its listing.
enum Listed {
    Nothing,
    With(Keys),
    /// The keys may have changed since. The rest of the pass waits for the next listing.
    Outdated,
}

/// Id, secret and token. Credentials with the same keys count as unchanged, even if they expire later.
type Keys = (String, String, Option<String>);

fn keys(credentials: &Credentials) -> Keys {
    (
        credentials.access_key_id().to_owned(),
        credentials.secret_access_key().to_owned(),
        credentials.session_token().map(str::to_owned),
    )
}

/// Credentials of which the account is checked.
#[derive(Clone, PartialEq)]
struct CachedCredentials {
    credentials: Credentials,
    /// When to renew them, or `None` if they do not expire.
    renew_at: Option<Timestamp>,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Identity {
    pub(super) fn new(
        settings: Settings,
        region: String,
        expected_account: Option<String>,
        configuration: Option<(Connection, Environment)>,
    ) -> Self {
        Self {
            configuration,
            region,
            expected_account,
            clock: Clock::wall(),
            state: Mutex::new(State {
                settings,
                cached: None,
                listed: Listed::Nothing,
                had_credentials: false,
                is_refused: false,
                must_reload: false,
            }),
        }
    }

    /// Returns the value of --expect-account.
    pub(super) fn expected_account(&self) -> Option<&str> {
        self.expected_account.as_deref()
    }

    /// Returns checked and valid credentials. Renews credentials that are about to expire.
    pub(super) async fn credentials(&self) -> Result<Credentials, CredentialsFailure> {
        let mut state = self.state.lock().await;
        self.current(&mut state).await
    }

    /// Gets credentials for a pass. After a refusal it reloads the configuration first.
    pub(super) async fn begin_pass(&self) -> Result<(), CredentialsFailure> {
        let mut state = self.state.lock().await;
        if state.must_reload {
            state.cached = None;
            self.reload(&mut state)?;
            state.must_reload = false;
        }
        let credentials = self.current(&mut state).await?;
        state.listed = Listed::With(keys(&credentials));
        Ok(())
    }

    /// Returns whether the cached credentials may belong to a different account than the listing.
    pub(super) async fn has_changed_since_listing(&self) -> bool {
        let state = self.state.lock().await;
        match &state.listed {
            Listed::Nothing => false,
            Listed::Outdated => true,
            // A role that is assumed again has new keys and the same account.
            Listed::With(_) if state.settings.source.has_fixed_account() => false,
            Listed::With(listed) => {
                let cached = state.cached.as_ref();
                cached.is_none_or(|cached| keys(&cached.credentials) != *listed)
            }
        }
    }

    /// Records that a create was refused for its credentials. Returns whether to reload them: only once until a create is
    /// accepted.
    pub(super) async fn create_refused(&self) -> bool {
        let mut state = self.state.lock().await;
        state.must_reload = true;
        state.listed = Listed::Outdated;
        !std::mem::replace(&mut state.is_refused, true)
    }

    /// Records that a create was accepted.
    pub(super) async fn create_accepted(&self) {
        self.state.lock().await.is_refused = false;
    }

    /// Returns the cached credentials to sign a request. It does not fetch others during a request.
    async fn signing_credentials(&self) -> Result<Credentials, CredentialsFailure> {
        let mut state = self.state.lock().await;
        match &state.cached {
            Some(cached) if !has_expired(&cached.credentials, self.clock.now()) => {
                Ok(cached.credentials.clone())
            }
            None if !state.had_credentials => self.current(&mut state).await,
            Some(_) | None => {
                let source_name = state.settings.source.name();
                let why = "they have expired. The next pass fetches new credentials";
                Err(CredentialsFailure::new(
                    Cause::Unavailable,
                    &source_name,
                    why,
                ))
            }
        }
    }

    /// Records that the service refused the credentials.
    pub(super) async fn record_refusal(&self) {
        self.state.lock().await.must_reload = true;
    }

    /// Adds the source of the credentials to the error of the service.
    pub(super) async fn with_source(&self, mut error: ApiError) -> ApiError {
        let source_name = self.state.lock().await.settings.source.name();
        error.message = format!("{} (credentials from {source_name})", error.message);
        error
    }

    /// Reloads the configuration after the service refused the credentials. Returns whether the credentials are new.
    pub(super) async fn reload_after_refusal(&self) -> Result<bool, CredentialsFailure> {
        let mut state = self.state.lock().await;
        let before = state.cached.take();
        if self.reload(&mut state).is_err() {
            // A file that is being written is complete a moment later.
            tokio::time::sleep(RELOAD_DELAY).await;
            self.reload(&mut state)?;
        }
        let now = self.current(&mut state).await?;
        let is_other = before.is_none_or(|before| keys(&before.credentials) != keys(&now));
        // A listing follows.
        state.listed = Listed::With(keys(&now));
        if is_other {
            let source_name = escaped(&state.settings.source.name(), 500);
            let key = escaped(now.access_key_id(), 40);
            tracing::info!(
                key,
                "the service refused the credentials. repave uses new credentials from {source_name}"
            );
        }
        Ok(is_other)
    }

    async fn current(&self, state: &mut State) -> Result<Credentials, CredentialsFailure> {
        let now = self.clock.now();
        let usable = state
            .cached
            .clone()
            .filter(|cached| !has_expired(&cached.credentials, now));
        if let Some(cached) = &usable
            && cached.renew_at.is_none_or(|at| now < at)
        {
            return Ok(cached.credentials.clone());
        }
        let Some(usable) = usable else {
            let fetched = match self.fetch_checked(state).await {
                // The keys in a file may have been replaced. Reload once before reporting the failure.
                Err(failure)
                    if failure.cause == Cause::Refused && self.reload_changed_source(state) =>
                {
                    self.fetch_checked(state).await
                }
                fetched => fetched,
            };
            return match fetched {
                Ok(credentials) => Ok(state.cache(credentials, now)),
                Err(failure) => {
                    state.cached = None;
                    state.must_reload = true;
                    Err(failure)
                }
            };
        };
        // The cached credentials are still valid, so a failed renewal is not an error.
        match tokio::time::timeout(RENEWAL_TIMEOUT, self.fetch_checked(state)).await {
            Ok(Ok(credentials)) => Ok(state.cache(credentials, now)),
            failed => {
                let why = match failed {
                    Ok(Err(failure)) => failure.message,
                    Ok(Ok(_)) | Err(_) => "timeout".into(),
                };
                tracing::debug!("cannot renew credentials yet: {}", escaped(&why, 500));
                let again = now.saturating_add(RENEWAL_RETRY).unwrap_or(now);
                state.cached = Some(CachedCredentials {
                    renew_at: Some(again),
                    ..usable.clone()
                });
                Ok(usable.credentials)
            }
        }
    }

    /// Fetches credentials and checks their account.
    async fn fetch_checked(&self, state: &State) -> Result<Credentials, CredentialsFailure> {
        let source_name = state.settings.source.name();
        let work = async {
            let Settings {
                source, network, ..
            } = &state.settings;
            let now = self.clock.now();
            let credentials = fetch(source, network, &self.region, now).await?;
            tracing::debug!(
                credentials = escaped(&source_name, 500),
                key = escaped(credentials.access_key_id(), 40),
                region = self.region,
                "found credentials"
            );
            if let Some(expected) = &self.expected_account {
                let found = account_of(&credentials, &source_name, network, &self.region).await?;
                if found != *expected {
                    let what = format!("credentials from {source_name} belong to");
                    return Err(wrong_account(&what, &found, expected));
                }
            }
            Ok(credentials)
        };
        let mut work = std::pin::pin!(catch_panic(work));
        let result = tokio::select! {
            result = &mut work => result,
            () = tokio::time::sleep(LOG_DELAY) => {
                let source_name = escaped(&source_name, 500);
                tracing::info!("waiting for credentials from {source_name}");
                work.await
            }
        };
        result.unwrap_or_else(|panicked| {
            Err(CredentialsFailure::new(
                Cause::Refused,
                &source_name,
                &panicked.to_string(),
            ))
        })
    }

    /// Reloads the configuration. Returns whether the source has changed.
    fn reload_changed_source(&self, state: &mut State) -> bool {
        let before = state.settings.source.clone();
        let has_changed = self.reload(state).is_ok() && state.settings.source != before;
        // `begin_pass` replaces this value, because a listing follows.
        if has_changed {
            state.listed = Listed::Outdated;
        }
        has_changed
    }

    fn reload(&self, state: &mut State) -> Result<(), CredentialsFailure> {
        let Some((connection, environment)) = &self.configuration else {
            return Ok(());
        };
        let refused = |why: &str| {
            let source_name = "the AWS configuration";
            Err(CredentialsFailure::new(Cause::Refused, source_name, why))
        };
        let source = match Settings::resolve(connection, environment) {
            Ok(settings) => settings.source,
            Err(error) => return refused(&error.to_string()),
        };
        let (before, now) = (state.settings.source.name(), source.name());
        if state.had_credentials && before != now {
            return refused(&format!(
                "it now selects {now}, but this run started with {before}. Correct the configuration, or restart repave"
            ));
        }
        state.settings.source = source;
        if state.had_credentials {
            state.settings.source.mark_reached();
        }
        Ok(())
    }
}

impl State {
    fn cache(&mut self, credentials: Credentials, now: Timestamp) -> Credentials {
        self.had_credentials = true;
        self.settings.source.mark_reached();
        let renew_at = renew_at(&credentials, now);
        self.cached = Some(CachedCredentials {
            credentials: credentials.clone(),
            renew_at,
        });
        credentials
    }
}

/// Returns the failure for credentials or a listing of a different account than expected.
pub(super) fn wrong_account(what: &str, found: &str, expected: &str) -> CredentialsFailure {
    CredentialsFailure {
        cause: Cause::WrongAccount,
        message: format!(
            "{what} account {found}, expected {expected} (--expect-account). Use credentials of account {expected}, or \
             correct --expect-account"
        ),
    }
}

fn renew_at(credentials: &Credentials, now: Timestamp) -> Option<Timestamp> {
    let expiry = Timestamp::try_from(credentials.expiry()?).ok()?;
    let life = expiry.duration_since(now);
    let early = RENEW_BEFORE_EXPIRY.min(life / 2);
    Some(expiry.saturating_sub(early).unwrap_or(expiry))
}

fn has_expired(credentials: &Credentials, now: Timestamp) -> bool {
    credentials
        .expiry()
        .and_then(|expiry| Timestamp::try_from(expiry).ok())
        .is_some_and(|expiry| expiry <= now)
}

/// Provides the credentials to the SDK when it signs a request.
#[derive(Debug, Clone)]
pub(super) struct Signer(pub(super) std::sync::Arc<Identity>);

impl ProvideCredentials for Signer {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.0
                .signing_credentials()
                .await
                .map_err(CredentialsError::provider_error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expiring_in(seconds: i64, now: Timestamp) -> Credentials {
        let expiry = now + SignedDuration::from_secs(seconds);
        Credentials::new("id", "secret", None, Some(expiry.into()), "test")
    }

    #[test]
    fn credentials_are_renewed_before_they_expire() {
        let now: Timestamp = "2026-11-26T09:00:00Z".parse().unwrap();
        for (life, left) in [
            (3600, 300),
            (900, 300),
            (600, 300),
            (598, 299),
            (10, 5),
            (0, 0),
        ] {
            let at = renew_at(&expiring_in(life, now), now).unwrap();
            let expected = now + SignedDuration::from_secs(life - left);
            assert_eq!(at.as_second(), expected.as_second(), "{life}");
        }
        assert_eq!(
            renew_at(&Credentials::new("id", "s", None, None, "t"), now),
            None
        );
        assert!(has_expired(&expiring_in(0, now), now) && !has_expired(&expiring_in(1, now), now));
    }
}
