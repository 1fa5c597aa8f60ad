//! Who signs a target's requests: keeps its credentials while they last, checks whose they are before anything is signed
//! with them, and reads the configuration anew when they are refused.

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

/// Credentials are replaced this long before they expire, or after half of their lifetime if that is shorter: a call that is
/// marked must not wait for STS.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_mins(5);

/// How long a replacement may take while the credentials that are held can still be used.
const RENEWAL: Duration = Duration::from_secs(10);

/// After a replacement that failed, the next try.
const RENEWED_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// How long a configuration file may be half written.
const REST: Duration = Duration::from_secs(1);

/// How long credentials may take before the log says what is waited for.
const SILENCE: Duration = Duration::from_secs(5);

/// The identity of one target.
pub(super) struct Identity {
    /// What the configuration is read from again; none where it cannot change.
    configuration: Option<(Connection, Environment)>,
    region: String,
    expected_account: Option<String>,
    clock: Clock,
    state: Mutex<State>,
}

struct State {
    /// How to fetch; of what is read again only the source counts: Region and endpoints stay for the whole run.
    settings: Settings,
    held: Option<Held>,
    listed: Listed,
    /// Whether there ever were credentials: from then on no other origin takes their place.
    was_held: bool,
    /// Whether a create was refused for its credentials, and none was accepted since.
    is_refused: bool,
    /// Whether somebody refused what was signed, so that the configuration is read again before the next listing.
    is_doubted: bool,
}

/// What the last listing was signed with: a plan holds for the account of its listing alone.
enum Listed {
    Nothing,
    With(Keys),
    /// Others may be in force since: what is left of the pass waits for the next listing.
    Outdated,
}

/// What makes credentials others: id, secret, token. When they expire does not.
type Keys = (String, String, Option<String>);

fn keys(credentials: &Credentials) -> Keys {
    (
        credentials.access_key_id().to_owned(),
        credentials.secret_access_key().to_owned(),
        credentials.session_token().map(str::to_owned),
    )
}

/// Credentials whose account is checked.
#[derive(Clone, PartialEq)]
struct Held {
    credentials: Credentials,
    /// When to replace them; never, if nothing says that they expire.
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
                held: None,
                listed: Listed::Nothing,
                was_held: false,
                is_refused: false,
                is_doubted: false,
            }),
        }
    }

    /// The account that the target must be, if somebody said so.
    pub(super) fn expected_account(&self) -> Option<&str> {
        self.expected_account.as_deref()
    }

    /// Returns credentials that were checked and have not expired; replaces those that are about to.
    pub(super) async fn credentials(&self) -> Result<Credentials, CredentialsFailure> {
        let mut state = self.state.lock().await;
        self.current(&mut state).await
    }

    /// The same at the start of a pass: after a refusal the configuration is read again first.
    pub(super) async fn begin(&self) -> Result<(), CredentialsFailure> {
        let mut state = self.state.lock().await;
        if state.is_doubted {
            state.held = None;
            self.read_again(&mut state)?;
            state.is_doubted = false;
        }
        let credentials = self.current(&mut state).await?;
        state.listed = Listed::With(keys(&credentials));
        Ok(())
    }

    /// Tells whether what is held may be of another account than what was listed.
    pub(super) async fn has_changed_since_listing(&self) -> bool {
        let state = self.state.lock().await;
        match &state.listed {
            Listed::Nothing => false,
            Listed::Outdated => true,
            // A role that is assumed again has other keys and the same account.
            Listed::With(_) if state.settings.source.has_fixed_account() => false,
            Listed::With(listed) => {
                let held = state.held.as_ref();
                held.is_none_or(|held| keys(&held.credentials) != *listed)
            }
        }
    }

    /// Notes that a create was refused for its credentials. Tells whether it is worth to read them again: once, until a
    /// create is accepted.
    pub(super) async fn create_refused(&self) -> bool {
        let mut state = self.state.lock().await;
        state.is_doubted = true;
        state.listed = Listed::Outdated;
        !std::mem::replace(&mut state.is_refused, true)
    }

    /// Notes that a create was accepted.
    pub(super) async fn create_accepted(&self) {
        self.state.lock().await.is_refused = false;
    }

    /// What a request is signed with: what is held, and nothing is asked for it while a request is on its way.
    async fn to_sign(&self) -> Result<Credentials, CredentialsFailure> {
        let mut state = self.state.lock().await;
        match &state.held {
            Some(held) if !has_expired(&held.credentials, self.clock.now()) => {
                Ok(held.credentials.clone())
            }
            None if !state.was_held => self.current(&mut state).await,
            Some(_) | None => {
                let whose = state.settings.source.name();
                let why = "they have expired; the next pass fetches others";
                Err(CredentialsFailure::new(Cause::Unavailable, &whose, why))
            }
        }
    }

    /// Notes that the service refused what was signed.
    pub(super) async fn doubt(&self) {
        self.state.lock().await.is_doubted = true;
    }

    /// Adds to the service's refusal whose credentials it refused.
    pub(super) async fn blamed(&self, mut error: ApiError) -> ApiError {
        let whose = self.state.lock().await.settings.source.name();
        error.message = format!("{} (credentials from {whose})", error.message);
        error
    }

    /// Reads the configuration again after the service refused these credentials. Tells whether there are others now.
    pub(super) async fn replaced(&self) -> Result<bool, CredentialsFailure> {
        let mut state = self.state.lock().await;
        let before = state.held.take();
        if self.read_again(&mut state).is_err() {
            // A file that is being written is whole a moment later.
            tokio::time::sleep(REST).await;
            self.read_again(&mut state)?;
        }
        let now = self.current(&mut state).await?;
        let is_other = before.is_none_or(|before| keys(&before.credentials) != keys(&now));
        // A listing follows.
        state.listed = Listed::With(keys(&now));
        if is_other {
            let whose = escaped(&state.settings.source.name(), 500);
            let key = escaped(now.access_key_id(), 40);
            tracing::info!(
                key,
                "the service refused the credentials; using others from {whose}"
            );
        }
        Ok(is_other)
    }

    async fn current(&self, state: &mut State) -> Result<Credentials, CredentialsFailure> {
        let now = self.clock.now();
        let usable = state
            .held
            .clone()
            .filter(|held| !has_expired(&held.credentials, now));
        if let Some(held) = &usable
            && held.renew_at.is_none_or(|at| now < at)
        {
            return Ok(held.credentials.clone());
        }
        let Some(usable) = usable else {
            let fetched = match self.fetch_checked(state).await {
                // The keys in a file may have been replaced: read once more before anybody is asked to act.
                Err(failure) if failure.cause == Cause::Refused && self.source_changed(state) => {
                    self.fetch_checked(state).await
                }
                fetched => fetched,
            };
            return match fetched {
                Ok(credentials) => Ok(state.hold(credentials, now)),
                Err(failure) => {
                    state.held = None;
                    state.is_doubted = true;
                    Err(failure)
                }
            };
        };
        // Nobody has to wait for others, nor to act, while these do.
        match tokio::time::timeout(RENEWAL, self.fetch_checked(state)).await {
            Ok(Ok(credentials)) => Ok(state.hold(credentials, now)),
            failed => {
                let why = match failed {
                    Ok(Err(failure)) => failure.message,
                    Ok(Ok(_)) | Err(_) => "they take too long".into(),
                };
                tracing::debug!("credentials are not replaced yet: {}", escaped(&why, 500));
                let again = now.saturating_add(RENEWED_AGAIN).unwrap_or(now);
                state.held = Some(Held {
                    renew_at: Some(again),
                    ..usable.clone()
                });
                Ok(usable.credentials)
            }
        }
    }

    /// Fetches credentials and checks whose they are.
    async fn fetch_checked(&self, state: &State) -> Result<Credentials, CredentialsFailure> {
        let whose = state.settings.source.name();
        let work = async {
            let Settings {
                source, network, ..
            } = &state.settings;
            let now = self.clock.now();
            let credentials = fetch(source, network, &self.region, now).await?;
            tracing::debug!(
                credentials = escaped(&whose, 500),
                key = escaped(credentials.access_key_id(), 40),
                region = self.region,
                "credentials found"
            );
            if let Some(expected) = &self.expected_account {
                let found = account_of(&credentials, &whose, network, &self.region).await?;
                if found != *expected {
                    let what = format!("credentials from {whose} belong to");
                    return Err(wrong_account(&what, &found, expected));
                }
            }
            Ok(credentials)
        };
        let mut work = std::pin::pin!(catch_panic(work));
        let result = tokio::select! {
            result = &mut work => result,
            () = tokio::time::sleep(SILENCE) => {
                let whose = escaped(&whose, 500);
                tracing::info!("waiting for credentials from {whose}");
                work.await
            }
        };
        result.unwrap_or_else(|panicked| {
            Err(CredentialsFailure::new(
                Cause::Refused,
                &whose,
                &panicked.to_string(),
            ))
        })
    }

    /// Reads the configuration again; tells whether the source has other values now.
    fn source_changed(&self, state: &mut State) -> bool {
        let before = state.settings.source.clone();
        let has_changed = self.read_again(state).is_ok() && state.settings.source != before;
        // begin() takes this back: there a listing follows.
        if has_changed {
            state.listed = Listed::Outdated;
        }
        has_changed
    }

    fn read_again(&self, state: &mut State) -> Result<(), CredentialsFailure> {
        let Some((connection, environment)) = &self.configuration else {
            return Ok(());
        };
        let refused = |why: &str| {
            let whose = "the AWS configuration";
            Err(CredentialsFailure::new(Cause::Refused, whose, why))
        };
        let source = match Settings::resolve(connection, environment) {
            Ok(settings) => settings.source,
            Err(error) => return refused(&error.to_string()),
        };
        let (before, now) = (state.settings.source.name(), source.name());
        if state.was_held && before != now {
            return refused(&format!(
                "it now leads to {now}, and this run began with {before}. Correct the configuration, or start repave again"
            ));
        }
        state.settings.source = source;
        if state.was_held {
            state.settings.source.settle();
        }
        Ok(())
    }
}

impl State {
    fn hold(&mut self, credentials: Credentials, now: Timestamp) -> Credentials {
        self.was_held = true;
        self.settings.source.settle();
        let renew_at = renew_at(&credentials, now);
        self.held = Some(Held {
            credentials: credentials.clone(),
            renew_at,
        });
        credentials
    }
}

/// Credentials or a listing are of another account than the expected one.
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
    let early = RENEWED_BEFORE.min(life / 2);
    Some(expiry.saturating_sub(early).unwrap_or(expiry))
}

fn has_expired(credentials: &Credentials, now: Timestamp) -> bool {
    credentials
        .expiry()
        .and_then(|expiry| Timestamp::try_from(expiry).ok())
        .is_some_and(|expiry| expiry <= now)
}

/// What the SDK asks before it signs a request.
#[derive(Debug, Clone)]
pub(super) struct Signer(pub(super) std::sync::Arc<Identity>);

impl ProvideCredentials for Signer {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            self.0
                .to_sign()
                .await
                .map_err(CredentialsError::provider_error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting(seconds: i64, now: Timestamp) -> Credentials {
        let expiry = now + SignedDuration::from_secs(seconds);
        Credentials::new("id", "secret", None, Some(expiry.into()), "test")
    }

    #[test]
    fn credentials_are_replaced_before_they_expire() {
        let now: Timestamp = "2026-11-26T09:00:00Z".parse().unwrap();
        for (life, left) in [
            (3600, 300),
            (900, 300),
            (600, 300),
            (598, 299),
            (10, 5),
            (0, 0),
        ] {
            let at = renew_at(&lasting(life, now), now).unwrap();
            let expected = now + SignedDuration::from_secs(life - left);
            assert_eq!(at.as_second(), expected.as_second(), "{life}");
        }
        assert_eq!(
            renew_at(&Credentials::new("id", "s", None, None, "t"), now),
            None
        );
        assert!(has_expired(&lasting(0, now), now) && !has_expired(&lasting(1, now), now));
    }
}
