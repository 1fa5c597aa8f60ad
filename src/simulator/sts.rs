//! STS on the wire: the AWS query protocol, forms in and XML out. It decides nothing about identities.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use hyper::header::HeaderValue;
use jiff::Timestamp;

use super::wire::ServiceError;

pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const XML: HeaderValue = HeaderValue::from_static("text/xml");

/// All answers share one ID.
pub(super) const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";
const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// The parameters of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(BTreeMap<String, String>);

impl Form {
    /// Reads a form. Whatever is not UTF-8 is replaced; of a parameter that comes twice, the first counts.
    pub fn parse(body: &[u8]) -> Self {
        let mut form = BTreeMap::new();
        for pair in body
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
        {
            let mut parts = pair.splitn(2, |byte| *byte == b'=').map(decoded);
            let name = parts.next().unwrap_or_default();
            form.entry(name)
                .or_insert_with(|| parts.next().unwrap_or_default());
        }
        Self(form)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// Returns the text that is written with `+` for a space and `%` before two hexadecimal digits.
fn decoded(written: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        let digit = |at: usize| {
            after
                .get(at)
                .and_then(|byte| char::from(*byte).to_digit(16))
        };
        let pair = digit(0).zip(digit(1)).filter(|_| *first == b'%');
        match pair.and_then(|(high, low)| u8::try_from(16 * high + low).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None if *first == b'+' => bytes.push(b' '),
            None => bytes.push(*first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The result of GetCallerIdentity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identified {
    pub arn: String,
    pub user_id: String,
    pub account_id: String,
}

/// The result of AssumeRole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub access_key: String,
    pub secret: String,
    pub token: String,
    pub expires: Timestamp,
    pub arn: String,
    pub role_id: String,
}

impl Identified {
    pub(super) fn xml(&self) -> String {
        let Self {
            arn,
            user_id,
            account_id,
        } = self;
        let fields = [("Arn", arn), ("UserId", user_id), ("Account", account_id)];
        response("GetCallerIdentity", &elements(&fields))
    }
}

impl Issued {
    pub(super) fn xml(&self) -> String {
        let credentials = elements(&[
            ("AccessKeyId", &self.access_key),
            ("SecretAccessKey", &self.secret),
            ("SessionToken", &self.token),
            ("Expiration", &self.expires.to_string()),
        ]);
        let user = elements(&[("AssumedRoleId", &self.role_id), ("Arn", &self.arn)]);
        let result = format!(
            "<Credentials>{credentials}</Credentials><AssumedRoleUser>{user}</AssumedRoleUser>"
        );
        response("AssumeRole", &result)
    }
}

fn response(action: &str, result: &str) -> String {
    format!(
        "<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{result}</{action}Result>\
         <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></{action}Response>"
    )
}

pub(super) fn error_xml(error: &ServiceError) -> String {
    let r#type = if error.status < 500 {
        "Sender"
    } else {
        "Receiver"
    };
    let fields = [
        ("Type", r#type),
        ("Code", &error.code),
        ("Message", &error.message),
    ];
    let fields = elements(&fields);
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\"><Error>{fields}</Error><RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    )
}

fn elements(fields: &[(&str, impl AsRef<str>)]) -> String {
    let mut xml = String::new();
    for (name, text) in fields {
        let _ = write!(xml, "<{name}>");
        for c in text.as_ref().chars() {
            match c {
                '&' => xml.push_str("&amp;"),
                '<' => xml.push_str("&lt;"),
                '>' => xml.push_str("&gt;"),
                // XML has no way to write these.
                '\0'..='\u{8}'
                | '\u{b}'
                | '\u{c}'
                | '\u{e}'..='\u{1f}'
                | '\u{fffe}'
                | '\u{ffff}' => {
                    xml.push(char::REPLACEMENT_CHARACTER);
                }
                '\r' => xml.push_str("&#13;"),
                c => xml.push(c),
            }
        }
        let _ = write!(xml, "</{name}>");
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded() {
        for (body, expected) in [
            (&b"RoleArn=arn%3Aaws%3Aiam"[..], Some("arn:aws:iam")),
            (b"a=1&RoleArn=a+b%20c&RoleArn=d", Some("a b c")),
            (b"RoleArn", Some("")),
            (b"RoleArn=a=b", Some("a=b")),
            (b"RoleArn=%", Some("%")),
            (b"RoleArn=%4", Some("%4")),
            (b"RoleArn=%zz%+1", Some("%zz% 1")),
            (b"RoleArn=%ff\xfe", Some("\u{fffd}\u{fffd}")),
            (b"%52oleArn=x", Some("x")),
            (b"", None),
            (b"&&=", None),
        ] {
            let form = Form::parse(body);
            assert_eq!(form.get("RoleArn"), expected, "{form:?}");
        }
    }

    #[test]
    fn every_text_is_written_as_xml() {
        let error = ServiceError::new("AccessDenied", "<a href=\"x\">&\u{0}\u{1b}\r\n]]>é");
        let xml = error_xml(&error);
        let text = "<Message>&lt;a href=\"x\"&gt;&amp;\u{fffd}\u{fffd}&#13;\n]]&gt;é</Message>";
        assert!(xml.contains(text), "{xml}");
    }
}
