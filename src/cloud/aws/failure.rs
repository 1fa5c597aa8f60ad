//! What failures mean: of getting credentials, whether time or a person clears it; of a call to the service, how far it got,
//! and which code came back.

use std::error::Error;
use std::fmt::Write as _;

use aws_sdk_workspaces::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_workspaces::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::ConnectorError;

use crate::cloud::{
    CREDENTIALS_UNAVAILABLE, Delivery, Failure, NO_CREDENTIALS, WRONG_ACCOUNT, is_throttling,
};
use crate::sys::panics::Panicked;

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

/// Tells whether an answer with this HTTP status says that the service is down, busy or hidden behind something else.
pub(super) fn is_unavailable(status: u16) -> bool {
    !matches!(status, 200..300 | 400..500) || matches!(status, 408 | 429)
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
    E: ProvideErrorMetadata + Error + 'static,
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

/// Says why no request could be signed.
pub(super) fn no_credentials(failure: &CredentialsFailure) -> Failure {
    let code = match failure.cause {
        Cause::Unavailable => CREDENTIALS_UNAVAILABLE,
        Cause::Refused => NO_CREDENTIALS,
        Cause::WrongAccount => WRONG_ACCOUNT,
    };
    own(Delivery::NotSent, Some(code), &failure.message)
}

/// Says that a call is for a later pass.
pub(super) fn not_sent(message: &str) -> Failure {
    own(Delivery::NotSent, Some(CREDENTIALS_UNAVAILABLE), message)
}

/// A failure that no service answered.
fn own(delivery: Delivery, code: Option<&str>, message: &str) -> Failure {
    Failure {
        delivery,
        code: code.map(str::to_owned),
        message: message.to_owned(),
        service_reason: None,
        request_id: None,
    }
}

/// Says that a call panicked, nobody knows how far it got.
pub(super) fn panicked(panicked: Panicked) -> Failure {
    own(Delivery::Unanswered, None, &panicked.to_string())
}

/// Reads an SDK error. The error *code* counts, not the enum's variant: throttling on a create arrives unmodelled.
pub(super) fn failure<E>(error: &SdkError<E, HttpResponse>, service_reason: Option<&str>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    if let Some(failure) = find::<CredentialsFailure>(error) {
        return no_credentials(failure);
    }
    let delivery = match error {
        SdkError::ConstructionFailure(_) => Delivery::NotSent,
        SdkError::DispatchFailure(failure) => match failure.as_connector_error() {
            Some(error) if never_connected(error) => Delivery::NotSent,
            Some(_) | None => Delivery::Unanswered,
        },
        SdkError::ResponseError(response) => Delivery::Answered(response.raw().status().as_u16()),
        SdkError::ServiceError(response) => Delivery::Answered(response.raw().status().as_u16()),
        // A timeout, or a kind that a later SDK may add: the request may have been received.
        _ => Delivery::Unanswered,
    };
    let (code, message) = match error {
        SdkError::ServiceError(response) => {
            let error = response.err();
            let message = error.message().map(str::to_owned);
            let status = response.raw().status().as_u16();
            let message = match (error.code(), message) {
                (_, Some(message)) => message,
                (Some(_), None) => String::new(),
                (None, None) => format!("the service answered HTTP {status} without an error code"),
            };
            (error.code().map(str::to_owned), message)
        }
        SdkError::ResponseError(response) => {
            let status = response.raw().status().as_u16();
            (
                None,
                format!("the service answered HTTP {status}, and its answer cannot be read"),
            )
        }
        _ => (None, chain(error)),
    };
    Failure {
        delivery,
        code,
        message,
        service_reason: service_reason.map(str::to_owned),
        request_id: error.request_id().map(str::to_owned),
    }
}

/// Tells whether no connection was ever made, so that nothing can have been sent.
pub(super) fn never_connected(error: &ConnectorError) -> bool {
    find::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

/// The first error of a kind in the chain of causes.
pub(super) fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

/// The causes in one line, each once, and without the passwords of addresses.
pub(super) fn chain(error: &dyn Error) -> String {
    let one_line = |error: &dyn Error| {
        let text = error.to_string();
        let lines: Vec<&str> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        lines.join("; ")
    };
    let mut text = one_line(error);
    let mut next = error.source();
    while let Some(error) = next {
        let cause = one_line(error);
        if !text.contains(&cause) {
            let _ = write!(text, ": {cause}");
        }
        next = error.source();
    }
    if text.contains("UnknownIssuer") {
        text.push_str(
            ". If a private authority or a proxy signed it, name its certificates in AWS_CA_BUNDLE",
        );
    }
    without_passwords(&text)
}

/// Takes user and password out of every address in a text: an endpoint or a proxy may have been given with them.
pub(super) fn without_passwords(text: &str) -> String {
    let mut pieces = text.split("://");
    let mut shown = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '`' | '"' | '\'');
        let (authority, _) = piece.split_at(piece.find(ends).unwrap_or(piece.len()));
        let host = authority.rfind('@').map_or(0, |at| at + 1);
        shown.push_str("://");
        shown.push_str(&piece[host..]);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::without_passwords;

    #[test]
    fn addresses_are_told_without_their_passwords() {
        for (text, told) in [
            ("`https://user:secret@[bad`: no", "`https://[bad`: no"),
            (
                "via http://a:b@c@proxy:8080/x, then http://h",
                "via http://proxy:8080/x, then http://h",
            ),
            (
                "mail a@b.example, http://host/p@th",
                "mail a@b.example, http://host/p@th",
            ),
            ("://@", "://"),
            ("", ""),
        ] {
            assert_eq!(without_passwords(text), told);
        }
    }
}
