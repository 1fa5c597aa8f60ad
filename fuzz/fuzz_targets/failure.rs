//! A failed call with arbitrary fields, and what it means.
#![no_main]

use arbitrary::Arbitrary;
use repave::cloud::{Delivery, Failure, Operation};

#[path = "../../tests/it/hostile/checks.rs"]
#[expect(dead_code, reason = "each target asks its own part")]
mod checks;

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    creates: bool,
    sent: Option<Option<u16>>,
    known_code: u8,
    code: Option<&'a str>,
    message: &'a str,
    service_reason: Option<&'a str>,
    request_id: Option<&'a str>,
}

/// Codes that mean something, so that they need not be found by chance.
const CODES: [&str; 12] = [
    "ThrottlingException",
    "SlowDown",
    "AccessDeniedException",
    "ExpiredTokenException",
    "NoCredentials",
    "ResourceAlreadyExistsException",
    "InvalidResourceStateException",
    "ResourceLimitExceededException",
    "ResourceNotFoundException",
    "InvalidParameterValuesException",
    "ValidationException",
    "OperationNotSupportedException",
];

libfuzzer_sys::fuzz_target!(|input: Input<'_>| {
    let operation = if input.creates {
        Operation::CreateUpdatedWorkspaceImage
    } else {
        Operation::DescribeWorkspaceImages
    };
    let delivery = match input.sent {
        None => Delivery::NotSent,
        Some(None) => Delivery::Unanswered,
        Some(Some(status)) => Delivery::Answered(status % 600),
    };
    let code = CODES
        .get(usize::from(input.known_code))
        .copied()
        .or(input.code);
    let failure = Failure {
        delivery,
        code: code.map(Into::into),
        message: input.message.into(),
        service_reason: input.service_reason.map(Into::into),
        request_id: input.request_id.map(Into::into),
    };
    checks::classified(operation, failure);
});
