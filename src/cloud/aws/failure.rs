//! Failures of fetching credentials and of calls to the service: the cause, the delivery and the error code.

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

/// Why credentials could not be fetched, which decides about the retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// The source is down, busy or not reachable. A retry may succeed.
    Unavailable,
    /// The credentials are expired, refused or missing. Action is required.
    Refused,
    /// The credentials belong to a different account than expected.
    WrongAccount,
}

/// Credentials could not be fetched. The message has the source, the reason and the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct CredentialsFailure {
    pub(super) cause: Cause,
    pub(super) message: String,
}

impl CredentialsFailure {
    pub(super) fn with_message(cause: Cause, message: &str) -> Self {
        Self {
            cause,
            message: without_passwords(message),
        }
    }

    pub(super) fn new(cause: Cause, source_name: &str, why: &str) -> Self {
        let now = match cause {
            Cause::Unavailable => "cannot get credentials now",
            Cause::Refused | Cause::WrongAccount => "cannot get credentials",
        };
        Self::with_message(cause, &format!("{now} from {source_name}: {why}"))
    }
}

/// Returns whether this HTTP status means that the service is down, busy or behind a failing proxy.
pub(super) fn is_unavailable(status: u16) -> bool {
    !matches!(status, 200..300 | 400..500) || matches!(status, 408 | 429)
}

/// Returns the failure of a request to STS or SSO.
pub(super) fn request_failure<E>(
    request: &str,
    endpoint: Option<&str>,
    source_name: &str,
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
    // Only a 4xx with an error code is a refusal. Any other response does not prove that the credentials are invalid.
    let refused = code.is_some()
        && status.is_some_and(|status| (400..500).contains(&status) && !is_unavailable(status))
        && !busy;
    let text = match (error.as_service_error(), code, status) {
        (Some(error), Some(code), _) => match error.message() {
            Some(message) => format!("{code}: {message}"),
            None => code.to_owned(),
        },
        (_, _, Some(status)) => format!("HTTP {status}"),
        (_, _, None) => error_chain(error),
    };
    if refused {
        let why = format!(
            "{request} refused: {}. {advice}",
            text.trim_end_matches('.')
        );
        return CredentialsFailure::new(Cause::Refused, source_name, &why);
    }
    let at = endpoint
        .map(|endpoint| format!(" at {endpoint}"))
        .unwrap_or_default();
    CredentialsFailure::new(
        Cause::Unavailable,
        source_name,
        &format!("{request}{at}: {text}"),
    )
}

/// Returns the failure of a call that could not be signed.
pub(super) fn no_credentials(failure: &CredentialsFailure) -> Failure {
    let code = match failure.cause {
        Cause::Unavailable => CREDENTIALS_UNAVAILABLE,
        Cause::Refused => NO_CREDENTIALS,
        Cause::WrongAccount => WRONG_ACCOUNT,
    };
    local_failure(Delivery::NotSent, Some(code), &failure.message)
}

/// Returns the failure of a call that is deferred to the next pass.
pub(super) fn deferred(message: &str) -> Failure {
    local_failure(Delivery::NotSent, Some(CREDENTIALS_UNAVAILABLE), message)
}

/// Returns a failure without a response of the service.
fn local_failure(delivery: Delivery, code: Option<&str>, message: &str) -> Failure {
    Failure {
        delivery,
        code: code.map(str::to_owned),
        message: message.to_owned(),
        service_reason: None,
        request_id: None,
    }
}

/// Returns the failure of a call that panicked. It may have been sent.
pub(super) fn panicked(panicked: Panicked) -> Failure {
    local_failure(Delivery::Unanswered, None, &panicked.to_string())
}

/// Converts an SDK error. The error *code* counts, not the variant of the enum: the model of a create has no throttling.
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
        // A timeout, or a variant of a later SDK: the service may have received the request.
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
                format!("the service answered HTTP {status} with an unreadable response"),
            )
        }
        _ => (None, error_chain(error)),
    };
    Failure {
        delivery,
        code,
        message,
        service_reason: service_reason.map(str::to_owned),
        request_id: error.request_id().map(str::to_owned),
    }
}

/// Returns whether no connection was made, so the request was not sent.
pub(super) fn never_connected(error: &ConnectorError) -> bool {
    find::<hyper_util::client::legacy::Error>(error)
        .is_some_and(hyper_util::client::legacy::Error::is_connect)
}

/// Returns the first error of this type in the chain of causes.
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

/// Returns an error and its causes in one line, each once, without the passwords in URLs.
pub(super) fn error_chain(error: &dyn Error) -> String {
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
            ". If a private CA or a proxy signed the certificate, set AWS_CA_BUNDLE to a file with its certificates",
        );
    }
    without_passwords(&text)
}

/// Removes user and password from every URL in a text.
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
    fn passwords_are_removed_from_urls() {
        for (text, expected) in [
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
            assert_eq!(without_passwords(text), expected);
        }
    }

    #[test]
    fn an_error_and_its_causes_show_no_password() {
        #[derive(Debug, thiserror::Error)]
        #[error("cannot connect")]
        struct Outer(#[source] std::io::Error);
        let cause = std::io::Error::other("no answer of http://user:secret@proxy:8080");
        let text = super::error_chain(&Outer(cause));
        assert_eq!(text, "cannot connect: no answer of http://proxy:8080");
    }
}
