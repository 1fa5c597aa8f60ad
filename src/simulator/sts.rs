//! The one operation of STS that the simulator answers: GetCallerIdentity. All credentials belong to the account.

use hyper::StatusCode;
use hyper::header::HeaderValue;

/// STS speaks the AWS query protocol: forms in, XML out.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
pub(super) const XML: HeaderValue = HeaderValue::from_static("text/xml");

/// These calls change nothing, so they share one id.
pub(super) const REQUEST_ID: &str = "00000000-0000-4000-8000-000000000000";

/// Answers a form with XML.
pub(super) fn answer(form: &[u8], account: &str) -> (StatusCode, String) {
    let form = String::from_utf8_lossy(form);
    let action = form
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="));
    let namespace = "https://sts.amazonaws.com/doc/2011-06-15/";
    if action == Some("GetCallerIdentity") {
        let xml = format!(
            "<GetCallerIdentityResponse xmlns=\"{namespace}\"><GetCallerIdentityResult>\
             <Arn>arn:aws:iam::{account}:user/simulated</Arn><UserId>AIDASIMULATED</UserId>\
             <Account>{account}</Account></GetCallerIdentityResult>\
             <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
        );
        return (StatusCode::OK, xml);
    }
    let xml = format!(
        "<ErrorResponse xmlns=\"{namespace}\"><Error><Type>Sender</Type><Code>InvalidAction</Code>\
         <Message>The simulator answers only GetCallerIdentity</Message></Error>\
         <RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    );
    (StatusCode::BAD_REQUEST, xml)
}
