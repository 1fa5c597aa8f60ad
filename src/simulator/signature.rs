//! What the header `Authorization` says about who signs, for which Region and service. The signature itself is not verified.

use super::wire::ServiceError;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// The headers of a request that say who signs it. A header that is not text is missing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Signed<'a> {
    pub authorization: Option<&'a str>,
    pub session_token: Option<&'a str>,
}

/// The credential and its scope: `KEY/DATE/REGION/SERVICE/aws4_request`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scope<'a> {
    pub(super) access_key: &'a str,
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

impl<'a> Scope<'a> {
    /// Reads the header. An error has the code `IncompleteSignature`, which each protocol spells its way.
    pub(super) fn parse(authorization: &'a str) -> Result<Self, ServiceError> {
        let incomplete = |message: String| ServiceError::new("IncompleteSignature", message);
        let parameters = authorization.strip_prefix(ALGORITHM).ok_or_else(|| {
            incomplete(format!(
                "Authorization header requires the algorithm {ALGORITHM}"
            ))
        })?;
        let credential = parameters
            .split([',', ' '])
            .find_map(|parameter| parameter.strip_prefix("Credential="))
            .ok_or_else(|| {
                incomplete("Authorization header requires 'Credential' parameter".into())
            })?;
        let parts: Vec<&str> = credential.split('/').collect();
        match parts.as_slice() {
            [access_key, _date, region, service, "aws4_request"] if !access_key.is_empty() => {
                Ok(Self {
                    access_key,
                    region,
                    service,
                })
            }
            _ => Err(incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/aws4_request, got: '{credential}'"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_is_read_from_the_header() {
        let scope = |text| Scope::parse(text).map_err(|error| error.message);
        let read = Scope {
            access_key: "AKIA1",
            region: "eu-west-1",
            service: "sts",
        };
        for text in [
            "AWS4-HMAC-SHA256 Credential=AKIA1/20261126/eu-west-1/sts/aws4_request, SignedHeaders=host, Signature=0",
            "AWS4-HMAC-SHA256 SignedHeaders=host,Credential=AKIA1/20261126/eu-west-1/sts/aws4_request",
        ] {
            assert_eq!(scope(text), Ok(read), "{text}");
        }
        for (text, says) in [
            ("", "requires the algorithm"),
            ("Bearer x", "requires the algorithm"),
            (
                "AWS4-ECDSA-P256-SHA256 Credential=a/b/c/aws4_request",
                "requires the algorithm",
            ),
            ("AWS4-HMAC-SHA256", "requires 'Credential'"),
            ("AWS4-HMAC-SHA256 x", "requires 'Credential'"),
            ("AWS4-HMAC-SHA256 Credential=", "got: ''"),
            ("AWS4-HMAC-SHA256 Credential=AKIA1", "got: 'AKIA1'"),
            (
                "AWS4-HMAC-SHA256 Credential=AKIA1/20261126/eu-west-1/sts",
                "exactly 5",
            ),
            (
                "AWS4-HMAC-SHA256 Credential=/20261126/eu-west-1/sts/aws4_request",
                "exactly 5",
            ),
            (
                "AWS4-HMAC-SHA256 Credential=a/b/eu-west-1/sts/aws4_request/x",
                "exactly 5",
            ),
            (
                "AWS4-HMAC-SHA256 Credential=a/b/eu-west-1/sts/aws4",
                "exactly 5",
            ),
        ] {
            let error = scope(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
