//! Classifies failed calls: what must happen before a retry, the reason, and the advice.
//!
//! It knows error codes and delivery, and no client. The table is in docs/errors.md.

use serde::{Deserialize, Serialize};

use super::operation::Operation;
use crate::model::reason::Reason;

/// What must happen before a retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// Time must pass.
    Transient,
    /// The state of the source must change, or time must pass.
    SourceBusy,
    /// A new observation is needed: the call may have succeeded.
    OutcomeUnknown,
    /// Something outside the manifest must change.
    Blocked,
    /// The manifest must change.
    Rejected,
}

/// How far a call got, as far as the client knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// The call was not sent, so it cannot have succeeded.
    NotSent,
    /// The call may have arrived. No response came, or an unreadable one.
    Unanswered,
    /// The service answered with this HTTP status.
    Answered(u16),
}

/// A failed call, before it is classified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub delivery: Delivery,
    /// The error code of the service, if the response has one.
    pub code: Option<String>,
    /// The message of the service or the client.
    pub message: String,
    /// The reason that `OperationNotSupportedException` has in addition to its message.
    pub service_reason: Option<String>,
    /// The request id, for a support case.
    pub request_id: Option<String>,
}

/// A classified failure of a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if self.was_sent() { format!("{operation} failed: ") } else { String::new() })]
pub struct ApiError {
    pub operation: Operation,
    pub kind: FailureKind,
    pub reason: Reason,
    /// The error code of the service, if the response has one.
    pub code: Option<String>,
    /// What happened and what to do. It may contain text of the service, not escaped.
    pub message: String,
    /// The request id, if the response has one.
    pub request_id: Option<String>,
}

/// repave's own code for missing or unusable credentials.
pub(crate) const NO_CREDENTIALS: &str = "NoCredentials";

/// repave's own code for credentials of a different account than expected.
pub(crate) const WRONG_ACCOUNT: &str = "WrongAccount";

/// repave's own code for a source of credentials that is busy or cannot be reached.
pub(crate) const CREDENTIALS_UNAVAILABLE: &str = "CredentialsUnavailable";

/// repave's own codes: the request was not sent, because there were no credentials.
const WITHOUT_CREDENTIALS: [&str; 3] = [NO_CREDENTIALS, WRONG_ACCOUNT, CREDENTIALS_UNAVAILABLE];

/// The code for "an image with this name exists".
pub const ALREADY_EXISTS: &str = "ResourceAlreadyExistsException";

/// Throttling codes, from the list in the AWS SDKs.
const THROTTLING: [&str; 14] = [
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// Codes for invalid credentials or missing permissions, from the AWS documentation of common errors.
const ACCESS: [&str; 15] = [
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NotAuthorized",
    "OptInRequired",
    "RequestExpired",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
];

/// The error codes of a create in the service model, and their classification.
const CREATE: [(&str, FailureKind, Reason); 7] = [
    (
        ALREADY_EXISTS,
        FailureKind::OutcomeUnknown,
        Reason::CreateResultUnknown,
    ),
    (
        "InvalidResourceStateException",
        FailureKind::SourceBusy,
        Reason::SourceImageNotAvailable,
    ),
    (
        "ResourceLimitExceededException",
        FailureKind::Blocked,
        Reason::QuotaExceeded,
    ),
    (
        "ResourceNotFoundException",
        FailureKind::Blocked,
        Reason::SourceImageNotFound,
    ),
    (
        "InvalidParameterValuesException",
        FailureKind::Rejected,
        Reason::InvalidSpec,
    ),
    (
        "ValidationException",
        FailureKind::Rejected,
        Reason::InvalidSpec,
    ),
    (
        "OperationNotSupportedException",
        FailureKind::Rejected,
        Reason::UpdateNotSupported,
    ),
];

/// Returns every code that repave knows, each once.
pub fn known_codes() -> impl Iterator<Item = &'static str> {
    let create = CREATE.into_iter().map(|(code, ..)| code);
    THROTTLING
        .into_iter()
        .chain(ACCESS)
        .chain(create)
        .chain(WITHOUT_CREDENTIALS)
}

/// Returns the code as a static text, if repave knows it. A text from outside is never the label of a metric.
pub fn known_code(code: &str) -> Option<&'static str> {
    known_codes().find(|known| *known == code)
}

/// Returns whether the code is a throttling code.
pub(crate) fn is_throttling(code: &str) -> bool {
    THROTTLING.contains(&code)
}

impl ApiError {
    /// Returns whether there were credentials to send the request.
    fn was_sent(&self) -> bool {
        let code = self.code.as_deref();
        !code.is_some_and(|code| WITHOUT_CREDENTIALS.contains(&code))
    }

    /// Returns whether the service refused the signature or its time, not the permission. Other credentials may help.
    pub(crate) fn is_about_credentials(&self) -> bool {
        let known = self
            .code
            .as_deref()
            .is_some_and(|code| ACCESS.contains(&code));
        self.reason == Reason::AccessDenied && known && !self.is_about_permission()
    }

    fn is_about_permission(&self) -> bool {
        matches!(
            self.code.as_deref(),
            Some("AccessDenied" | "AccessDeniedException" | "NotAuthorized" | "OptInRequired")
        )
    }

    /// Returns the error for a response with this code, or for a response without a code.
    #[cfg(test)]
    pub(crate) fn answered(operation: Operation, code: Option<&str>) -> Self {
        let failure = Failure {
            delivery: Delivery::Answered(if code.is_some() { 400 } else { 500 }),
            code: code.map(str::to_owned),
            message: "no".into(),
            service_reason: None,
            request_id: None,
        };
        Self::new(operation, failure)
    }

    /// Classifies a failed call by the table in docs/errors.md.
    pub fn new(operation: Operation, failure: Failure) -> Self {
        let Failure {
            delivery,
            code,
            message,
            service_reason,
            request_id,
        } = failure;
        let (message, service_reason) = (cut(message), service_reason.map(cut));
        let (code, request_id) = (code.map(cut), request_id.map(cut));
        let (kind, reason) = classify(operation, delivery, code.as_deref());
        let text = match (&code, message.is_empty()) {
            (Some(code), false) if WITHOUT_CREDENTIALS.contains(&code.as_str()) => message,
            (Some(code), true) => code.clone(),
            (Some(code), false) => format!("{code}: {message}"),
            (None, _) => message,
        };
        let text = match service_reason {
            Some(why) if !why.is_empty() => format!("{text} (reason: {why})"),
            _ => text,
        };
        let message = match advice(operation, kind, reason, code.as_deref()) {
            Some(advice) => format!("{}. {advice}", text.trim_end_matches('.')),
            None => text,
        };
        Self {
            operation,
            kind,
            reason,
            code,
            message,
            request_id,
        }
    }

    /// Returns the error for a listing that may be incomplete.
    pub(super) fn broken_listing(message: String) -> Self {
        Self {
            operation: Operation::DescribeWorkspaceImages,
            kind: FailureKind::Transient,
            reason: Reason::ServiceUnavailable,
            code: None,
            message,
            request_id: None,
        }
    }
}

/// The maximum length of a text of the service in logs and in the status file, in characters.
const MAX_TEXT: usize = 1000;

/// Shortens a text of the service to `MAX_TEXT` characters.
pub fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Classifies a failure by delivery and error code.
fn classify(operation: Operation, delivery: Delivery, code: Option<&str>) -> (FailureKind, Reason) {
    use FailureKind as Kind;
    let creates = operation.creates_image();
    // A code of the service counts in a response. A code of repave counts for a request that was not sent.
    let code_counts = match delivery {
        Delivery::Answered(_) => code.is_none_or(|code| !WITHOUT_CREDENTIALS.contains(&code)),
        Delivery::NotSent => code.is_some_and(|code| WITHOUT_CREDENTIALS.contains(&code)),
        Delivery::Unanswered => false,
    };
    if let Some(code) = code.filter(|_| code_counts) {
        if THROTTLING.contains(&code) {
            return (Kind::Transient, Reason::Throttled);
        }
        if code == WRONG_ACCOUNT {
            return (Kind::Blocked, Reason::WrongAccount);
        }
        if code == CREDENTIALS_UNAVAILABLE {
            return (Kind::Transient, Reason::ServiceUnavailable);
        }
        // A 5xx is a failure of the service, whatever its code. Only "already exists" keeps its meaning.
        let is_failure = matches!(delivery, Delivery::Answered(500..));
        if code == NO_CREDENTIALS || (ACCESS.contains(&code) && !is_failure) {
            return (Kind::Blocked, Reason::AccessDenied);
        }
        let refused = code == ALREADY_EXISTS || !is_failure;
        let classified = CREATE.into_iter().find(|(known, ..)| *known == code);
        if let Some((_, kind, reason)) = classified.filter(|_| creates && refused) {
            return (kind, reason);
        }
    }
    match delivery {
        // Too many requests, without a throttling code.
        Delivery::Answered(429) => (Kind::Transient, Reason::Throttled),
        Delivery::Unanswered | Delivery::Answered(_) if creates => {
            (Kind::OutcomeUnknown, Reason::CreateResultUnknown)
        }
        Delivery::NotSent | Delivery::Unanswered | Delivery::Answered(_) => {
            (Kind::Transient, Reason::ServiceUnavailable)
        }
    }
}

/// Returns what to do, in addition to the message of the service.
fn advice(
    operation: Operation,
    kind: FailureKind,
    reason: Reason,
    code: Option<&str>,
) -> Option<String> {
    match (kind, reason) {
        // The message already has the advice for the source of the credentials.
        (_, Reason::AccessDenied) if code == Some(NO_CREDENTIALS) => None,
        (_, Reason::AccessDenied) if !matches!(code, Some("AccessDenied" | "AccessDeniedException" | "NotAuthorized")) => {
            Some("Check that the credentials are valid and have not expired, and that the clock of this machine is correct".into())
        }
        (_, Reason::AccessDenied) => Some(match operation {
            Operation::DescribeWorkspaceImages => {
                "Allow the action workspaces:DescribeWorkspaceImages with Resource \"*\" (the action has no other resource)".into()
            }
            Operation::CreateUpdatedWorkspaceImage => {
                "Allow the actions workspaces:CreateUpdatedWorkspaceImage on \
                 arn:aws:workspaces:REGION:ACCOUNT:workspaceimage/* and, if the manifest has tags, \
                 workspaces:CreateTags with Resource \"*\""
                    .into()
            }
        }),
        (_, Reason::QuotaExceeded) => Some(
            "Delete images that are no longer used, or ask for a higher quota of WorkSpaces images in Service Quotas".into(),
        ),
        (FailureKind::Blocked, Reason::SourceImageNotFound) => {
            Some("If another account shares the image, copy it into this account first".into())
        }
        (_, Reason::CreateResultUnknown) => {
            Some("The image may have been created: repave checks the image list before it tries again".into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(delivery: Delivery, code: &str) -> ApiError {
        let failure = Failure {
            delivery,
            code: Some(code.into()),
            message: "no".into(),
            service_reason: None,
            request_id: Some("r".repeat(5000)),
        };
        ApiError::new(Operation::CreateUpdatedWorkspaceImage, failure)
    }

    #[test]
    fn a_code_without_a_response_does_not_decide_the_result_of_a_create() {
        for code in ["ThrottlingException", "AccessDenied", "ValidationException"] {
            let error = create(Delivery::Unanswered, code);
            assert_eq!(error.kind, FailureKind::OutcomeUnknown, "{code}");
        }
        let error = create(Delivery::NotSent, ALREADY_EXISTS);
        assert_eq!(error.kind, FailureKind::Transient);
        let error = create(Delivery::NotSent, NO_CREDENTIALS);
        assert_eq!(error.kind, FailureKind::Blocked);
    }

    /// Returns the classification of a response with this code, for a listing and for a create.
    fn meaning(status: u16, code: Option<&str>) -> [(FailureKind, Reason); 2] {
        [
            Operation::DescribeWorkspaceImages,
            Operation::CreateUpdatedWorkspaceImage,
        ]
        .map(|operation| classify(operation, Delivery::Answered(status), code))
    }

    #[test]
    fn throttling_counts_for_every_status_and_access_below_500() {
        for status in [400, 403, 429, 499, 500, 503] {
            for code in THROTTLING {
                let throttled = (FailureKind::Transient, Reason::Throttled);
                assert_eq!(
                    meaning(status, Some(code)),
                    [throttled; 2],
                    "{status} {code}"
                );
            }
            let denied = [(FailureKind::Blocked, Reason::AccessDenied); 2];
            for code in ACCESS {
                let meant = meaning(status, Some(code));
                assert_eq!(meant == denied, status < 500, "{status} {code}: {meant:?}");
            }
            // repave's own codes have no meaning in a response.
            for code in WITHOUT_CREDENTIALS {
                let unknown = meaning(status, Some("SomethingNewException"));
                assert_eq!(meaning(status, Some(code)), unknown, "{status} {code}");
            }
        }
    }

    #[test]
    fn a_code_of_the_model_refuses_a_create_only_below_500() {
        let unavailable = (FailureKind::Transient, Reason::ServiceUnavailable);
        let unknown = (FailureKind::OutcomeUnknown, Reason::CreateResultUnknown);
        for (code, kind, reason) in CREATE {
            for status in [400, 404, 499] {
                let refused = (kind, reason);
                assert_eq!(
                    meaning(status, Some(code)),
                    [unavailable, refused],
                    "{status} {code}"
                );
            }
            for status in [500, 501, 503, 599] {
                assert_eq!(
                    meaning(status, Some(code)),
                    [unavailable, unknown],
                    "{status} {code}"
                );
            }
        }
        let throttled = (FailureKind::Transient, Reason::Throttled);
        for (status, meant) in [
            (428, [unavailable, unknown]),
            (429, [throttled; 2]),
            (430, [unavailable, unknown]),
        ] {
            for code in [None, Some("SomethingNewException")] {
                assert_eq!(meaning(status, code), meant, "{status} {code:?}");
            }
        }
    }

    #[test]
    fn every_text_of_the_service_has_a_maximum_length() {
        let error = create(Delivery::Answered(400), &"c".repeat(5000));
        let lengths = [&error.code, &error.request_id].map(|text| text.as_ref().map(String::len));
        let most = Some(MAX_TEXT + '…'.len_utf8());
        assert_eq!(lengths, [most, most]);
        assert!(error.message.len() < 2 * MAX_TEXT);
        let longest = "é".repeat(MAX_TEXT);
        assert_eq!(cut(longest.clone()), longest);
        assert_eq!(cut(format!("{longest}e")), format!("{longest}…"));
    }

    #[test]
    fn an_error_names_the_call_unless_there_were_no_credentials() {
        for code in known_codes().chain(["SomethingNewException"]) {
            let own = WITHOUT_CREDENTIALS.contains(&code);
            for delivery in [Delivery::NotSent, Delivery::Answered(400)] {
                let text = create(delivery, code).to_string();
                let named = text.starts_with("CreateUpdatedWorkspaceImage failed: ");
                assert_eq!(named, !own, "{text}");
            }
        }
    }

    #[test]
    fn the_throttling_codes_are_those_classified_as_throttled() {
        for code in known_codes().chain(["SomethingNewException"]) {
            let throttles = meaning(400, Some(code))[0].1 == Reason::Throttled;
            assert_eq!(is_throttling(code), throttles, "{code}");
        }
        let throttling = known_codes().filter(|code| is_throttling(code));
        assert_eq!(throttling.count(), THROTTLING.len());
    }

    #[test]
    fn a_message_ends_with_the_advice() {
        use Operation::{CreateUpdatedWorkspaceImage as Create, DescribeWorkspaceImages as List};
        let (not_sent, answered) = (Delivery::NotSent, Delivery::Answered(400));
        for (operation, delivery, code, end) in [
            // The message about credentials already has its advice.
            (List, not_sent, NO_CREDENTIALS, "no"),
            (Create, not_sent, NO_CREDENTIALS, "no"),
            (List, not_sent, WRONG_ACCOUNT, "no"),
            (List, not_sent, CREDENTIALS_UNAVAILABLE, "no"),
            (
                List,
                answered,
                "ExpiredToken",
                "the clock of this machine is correct",
            ),
            (
                Create,
                answered,
                "OptInRequired",
                "the clock of this machine is correct",
            ),
            (
                List,
                answered,
                "AccessDenied",
                "(the action has no other resource)",
            ),
            (
                Create,
                answered,
                "AccessDeniedException",
                "workspaces:CreateTags with Resource \"*\"",
            ),
            (
                Create,
                answered,
                "NotAuthorized",
                "workspaces:CreateTags with Resource \"*\"",
            ),
            (
                Create,
                answered,
                "ResourceLimitExceededException",
                "in Service Quotas",
            ),
            (
                Create,
                answered,
                "ResourceNotFoundException",
                "copy it into this account first",
            ),
            (Create, answered, ALREADY_EXISTS, "before it tries again"),
            (
                Create,
                answered,
                "ValidationException",
                "ValidationException: no",
            ),
            (
                List,
                answered,
                "ThrottlingException",
                "ThrottlingException: no",
            ),
        ] {
            let failure = Failure {
                delivery,
                code: Some(code.into()),
                message: "no".into(),
                service_reason: None,
                request_id: None,
            };
            let message = ApiError::new(operation, failure).message;
            let is_whole = !end.ends_with("no") || message == end;
            assert!(message.ends_with(end) && is_whole, "{code}: {message}");
        }
    }

    #[test]
    fn other_credentials_may_help_only_against_a_refused_signature() {
        let permission = [
            "AccessDenied",
            "AccessDeniedException",
            "NotAuthorized",
            "OptInRequired",
        ];
        for code in known_codes().chain(["SomethingNewException"]) {
            let may_help = |delivery| create(delivery, code).is_about_credentials();
            let is_signature = ACCESS.contains(&code) && !permission.contains(&code);
            assert_eq!(may_help(Delivery::Answered(403)), is_signature, "{code}");
            for delivery in [
                Delivery::Answered(500),
                Delivery::Unanswered,
                Delivery::NotSent,
            ] {
                assert!(!may_help(delivery), "{code} {delivery:?}");
            }
        }
    }
}
