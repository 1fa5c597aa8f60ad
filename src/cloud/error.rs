//! What a failed call means: what must happen before it is tried again, why, and what to do about it.
//!
//! It knows codes and how far a call got, and no client: docs/errors.md has its table.

use serde::{Deserialize, Serialize};

use super::operation::Operation;
use crate::model::reason::Reason;

/// What must happen before a failed call is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// Time passes.
    Transient,
    /// The source's state changes, or time passes.
    SourceBusy,
    /// A new observation: the call may have had effect.
    OutcomeUnknown,
    /// Someone changes something outside the manifest.
    Blocked,
    /// The manifest changes.
    Rejected,
}

/// How far a call got, as the client knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// It never left: it cannot have had effect.
    NotSent,
    /// It may have arrived; no answer came, or one that cannot be read.
    Unanswered,
    /// The service answered, with this HTTP status.
    Answered(u16),
}

/// A call that failed, before repave has made sense of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// How far the call got.
    pub delivery: Delivery,
    /// The service's error code, if the answer carried one.
    pub code: Option<String>,
    /// What the service or the client says.
    pub message: String,
    /// The service's own reason beside its message (`OperationNotSupportedException` has one).
    pub service_reason: Option<String>,
    /// The request's id, for a support case.
    pub request_id: Option<String>,
}

/// A call that failed, and what that means.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if self.was_sent() { format!("{operation} failed: ") } else { String::new() })]
pub struct ApiError {
    pub operation: Operation,
    /// What must happen before it is tried again.
    pub kind: FailureKind,
    pub reason: Reason,
    /// The service's error code, if it gave one.
    pub code: Option<String>,
    /// What happened and what to do, in words; the service's own text may be part of it, unescaped.
    pub message: String,
    /// The request's id, if an answer carried one.
    pub request_id: Option<String>,
}

/// The code under which a client reports that it has no usable credentials. Not one of the service's.
pub(crate) const NO_CREDENTIALS: &str = "NoCredentials";

/// The code under which a client reports that its credentials are another account's than the expected one's.
pub(crate) const WRONG_ACCOUNT: &str = "WrongAccount";

/// The code under which a client reports that whoever gives credentials cannot be reached or is busy.
pub(crate) const CREDENTIALS_UNAVAILABLE: &str = "CredentialsUnavailable";

/// repave's own codes: nothing was sent, for want of credentials.
const WITHOUT_CREDENTIALS: [&str; 3] = [NO_CREDENTIALS, WRONG_ACCOUNT, CREDENTIALS_UNAVAILABLE];

/// The code of "an image of this name exists".
pub const ALREADY_EXISTS: &str = "ResourceAlreadyExistsException";

/// Throttling codes, as the AWS SDKs list them for standard retries.
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

/// Codes that say who is asking is the problem, as AWS documents them for all services.
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

/// What the codes that the service's model gives to a create mean there.
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

/// Every code that repave knows, each once.
pub fn known_codes() -> impl Iterator<Item = &'static str> {
    let create = CREATE.into_iter().map(|(code, ..)| code);
    THROTTLING
        .into_iter()
        .chain(ACCESS)
        .chain(create)
        .chain(WITHOUT_CREDENTIALS)
}

/// The code as repave's own text, if it is one that repave knows: a text from outside is never a metric's label.
pub fn known_code(code: &str) -> Option<&'static str> {
    known_codes().find(|known| *known == code)
}

/// Tells whether the code says that the service refuses for the rate of requests.
pub(crate) fn is_throttling(code: &str) -> bool {
    THROTTLING.contains(&code)
}

impl ApiError {
    /// Tells whether there were credentials to send the request with.
    fn was_sent(&self) -> bool {
        let code = self.code.as_deref();
        !code.is_some_and(|code| WITHOUT_CREDENTIALS.contains(&code))
    }

    /// Tells whether the service refused the signature or its time, not what was asked for: other credentials may help.
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

    /// An error for tests: what the service's code means, or of an answer without one.
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

    /// Makes sense of a failed call: the table of docs/errors.md, row by row.
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
        let said = match (&code, message.is_empty()) {
            (Some(code), false) if WITHOUT_CREDENTIALS.contains(&code.as_str()) => message,
            (Some(code), true) => code.clone(),
            (Some(code), false) => format!("{code}: {message}"),
            (None, _) => message,
        };
        let said = match service_reason {
            Some(why) if !why.is_empty() => format!("{said} (reason: {why})"),
            _ => said,
        };
        let message = match advice(operation, kind, reason, code.as_deref()) {
            Some(advice) => format!("{}. {advice}", said.trim_end_matches('.')),
            None => said,
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

    /// A listing that came back, but cannot be trusted to be whole.
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

/// The most characters of a text of the service's that are kept: it goes into logs and the status file.
const MAX_TEXT: usize = 1000;

/// Cuts a text of the service's to a length that people read.
pub fn cut(mut text: String) -> String {
    if let Some((end, _)) = text.char_indices().nth(MAX_TEXT) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// What a failure means, by how far the call got and by the error code.
fn classify(operation: Operation, delivery: Delivery, code: Option<&str>) -> (FailureKind, Reason) {
    use FailureKind as Kind;
    let creates = operation.makes_an_image();
    // A code speaks only for an answer, or, if it is repave's own, for a request that never left for want of credentials.
    let speaks = match delivery {
        Delivery::Answered(_) => code.is_none_or(|code| !WITHOUT_CREDENTIALS.contains(&code)),
        Delivery::NotSent => code.is_some_and(|code| WITHOUT_CREDENTIALS.contains(&code)),
        Delivery::Unanswered => false,
    };
    if let Some(code) = code.filter(|_| speaks) {
        if THROTTLING.contains(&code) {
            return (Kind::Transient, Reason::Throttled);
        }
        if code == WRONG_ACCOUNT {
            return (Kind::Blocked, Reason::WrongAccount);
        }
        if code == CREDENTIALS_UNAVAILABLE {
            return (Kind::Transient, Reason::ServiceUnavailable);
        }
        // A 5xx is the service's failure, whatever code it bears; only "it exists" stays what it is.
        let is_failure = matches!(delivery, Delivery::Answered(500..));
        if code == NO_CREDENTIALS || (ACCESS.contains(&code) && !is_failure) {
            return (Kind::Blocked, Reason::AccessDenied);
        }
        let refused = code == ALREADY_EXISTS || !is_failure;
        let meant = CREATE.into_iter().find(|(known, ..)| *known == code);
        if let Some((_, kind, reason)) = meant.filter(|_| creates && refused) {
            return (kind, reason);
        }
    }
    match delivery {
        // Too many requests, without a code that says so.
        Delivery::Answered(429) => (Kind::Transient, Reason::Throttled),
        Delivery::Unanswered | Delivery::Answered(_) if creates => {
            (Kind::OutcomeUnknown, Reason::CreateResultUnknown)
        }
        Delivery::NotSent | Delivery::Unanswered | Delivery::Answered(_) => {
            (Kind::Transient, Reason::ServiceUnavailable)
        }
    }
}

/// What the person should do or know, beyond what the service said.
fn advice(
    operation: Operation,
    kind: FailureKind,
    reason: Reason,
    code: Option<&str>,
) -> Option<String> {
    match (kind, reason) {
        // What to do depends on where credentials come from, which the message has.
        (_, Reason::AccessDenied) if code == Some(NO_CREDENTIALS) => None,
        (_, Reason::AccessDenied) if !matches!(code, Some("AccessDenied" | "AccessDeniedException" | "NotAuthorized")) => {
            Some("Check that the credentials are valid and have not expired, and that this machine's clock is right".into())
        }
        (_, Reason::AccessDenied) => Some(match operation {
            Operation::DescribeWorkspaceImages => {
                "Allow the action workspaces:DescribeWorkspaceImages with Resource \"*\" (it knows no other resource)".into()
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
            Some("An image shared by another account must be copied into this one first".into())
        }
        (_, Reason::CreateResultUnknown) => {
            Some("The image may be on its way: repave looks before it asks again".into())
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
    fn a_code_without_an_answer_says_nothing_of_what_became_of_a_create() {
        for code in ["ThrottlingException", "AccessDenied", "ValidationException"] {
            let error = create(Delivery::Unanswered, code);
            assert_eq!(error.kind, FailureKind::OutcomeUnknown, "{code}");
        }
        let error = create(Delivery::NotSent, ALREADY_EXISTS);
        assert_eq!(error.kind, FailureKind::Transient);
        let error = create(Delivery::NotSent, NO_CREDENTIALS);
        assert_eq!(error.kind, FailureKind::Blocked);
    }

    /// What an answer with this code means, for a listing and for a create.
    fn meaning(status: u16, code: Option<&str>) -> [(FailureKind, Reason); 2] {
        [
            Operation::DescribeWorkspaceImages,
            Operation::CreateUpdatedWorkspaceImage,
        ]
        .map(|operation| classify(operation, Delivery::Answered(status), code))
    }

    #[test]
    fn throttling_means_the_same_for_every_status_and_access_below_500() {
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
            // repave's own codes mean nothing in an answer.
            for code in WITHOUT_CREDENTIALS {
                let unknown = meaning(status, Some("SomethingNewException"));
                assert_eq!(meaning(status, Some(code)), unknown, "{status} {code}");
            }
        }
    }

    #[test]
    fn a_code_of_the_model_is_a_refusal_of_a_create_below_500_only() {
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
    fn every_text_of_the_services_is_kept_to_a_length() {
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
    fn an_error_names_the_call_unless_there_were_no_credentials_to_send_it_with() {
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
    fn a_code_is_one_of_throttling_if_an_answer_with_it_means_that() {
        for code in known_codes().chain(["SomethingNewException"]) {
            let throttles = meaning(400, Some(code))[0].1 == Reason::Throttled;
            assert_eq!(is_throttling(code), throttles, "{code}");
        }
        let throttling = known_codes().filter(|code| is_throttling(code));
        assert_eq!(throttling.count(), THROTTLING.len());
    }

    #[test]
    fn a_message_ends_with_the_advice_that_its_failure_has() {
        use Operation::{CreateUpdatedWorkspaceImage as Create, DescribeWorkspaceImages as List};
        let (not_sent, answered) = (Delivery::NotSent, Delivery::Answered(400));
        for (operation, delivery, code, end) in [
            // The message of whoever looked for credentials says what to do.
            (List, not_sent, NO_CREDENTIALS, "no"),
            (Create, not_sent, NO_CREDENTIALS, "no"),
            (List, not_sent, WRONG_ACCOUNT, "no"),
            (List, not_sent, CREDENTIALS_UNAVAILABLE, "no"),
            (
                List,
                answered,
                "ExpiredToken",
                "this machine's clock is right",
            ),
            (
                Create,
                answered,
                "OptInRequired",
                "this machine's clock is right",
            ),
            (
                List,
                answered,
                "AccessDenied",
                "(it knows no other resource)",
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
                "must be copied into this one first",
            ),
            (
                Create,
                answered,
                ALREADY_EXISTS,
                "repave looks before it asks again",
            ),
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
    fn other_credentials_may_help_against_a_refused_signature_and_nothing_else() {
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
