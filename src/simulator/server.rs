//! A simulated account behind HTTP/1.1 on a listener that it is given: awsJson 1.1, as the SDKs and the AWS CLI speak it.
//!
//! It decides nothing about images. Signatures are not verified, but a request without one is refused. Whatever arrives
//! on the wire is answered with a 4xx status or ends its own connection; it never ends the server.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::sys::clock::Clock;
use crate::sys::http::{self, Cut, Limits, Server};

use super::account::Account;
use super::shared::{SharedAccount, lock};
use super::sts;
use super::wire::{Answer, Call, CodePlacement, Operation, Reply, ServiceError};

/// Saves an account that a call has changed, before the call is answered. It may block while a file is written.
pub(crate) type Save = Box<dyn Fn(&Account) -> io::Result<()> + Send + Sync>;

/// The largest request body in bytes. The largest valid request, 50 tags in escaped characters, has less than a fifth.
const MAX_BODY: usize = 1 << 20;
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
const LIMITS: Limits = Limits {
    connections: 512,
    drops_oldest: false,
    // No round minute: a client that asks once a minute would meet the end of its connection each time.
    head_timeout: Duration::from_secs(95),
    single_request: None,
};

const JSON: HeaderValue = HeaderValue::from_static("application/x-amz-json-1.1");
const TARGET: HeaderName = HeaderName::from_static("x-amz-target");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

struct Shared {
    account: SharedAccount,
    clock: Clock,
    saved: Save,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// Serves the account on the listener, on the tokio runtime that this is called on.
pub async fn start(
    listener: TcpListener,
    account: SharedAccount,
    clock: Clock,
    saved: Save,
) -> io::Result<Server> {
    let shared = Arc::new(Shared {
        account,
        clock,
        saved,
    });
    http::serve(listener, LIMITS, move |request| {
        let shared = Arc::clone(&shared);
        async move { respond(request, &shared).await }
    })
    .await
}

async fn respond(
    request: Request<Incoming>,
    shared: &Shared,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let refusal = |status: StatusCode, code: &str, message: &str| {
        Ok(error_response(
            &ServiceError {
                status: status.as_u16(),
                ..ServiceError::new(code, message)
            },
            None,
        ))
    };
    // The order in which a wrong request is refused is assumed.
    if head.method != Method::POST {
        let message = "The service is called by POST";
        return refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "UnknownOperationException",
            message,
        );
    }
    if head.uri.path() != "/" {
        let message = "The service is called at /";
        return refusal(StatusCode::NOT_FOUND, "UnknownOperationException", message);
    }
    if !head.headers.contains_key(AUTHORIZATION) {
        let code = "MissingAuthenticationTokenException";
        return refusal(StatusCode::FORBIDDEN, code, "Missing Authentication Token");
    }
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let is_form = header(CONTENT_TYPE).is_some_and(|kind| kind.starts_with(sts::FORM));
    let operation = header(TARGET)
        .and_then(|target| target.strip_prefix("WorkspacesService."))
        .and_then(Operation::named);
    let Some(service) = (match operation {
        Some(operation) => Some(Service::Workspaces(operation)),
        None => is_form.then_some(Service::Sts),
    }) else {
        let message = "The simulator does not know this operation";
        return refusal(
            StatusCode::BAD_REQUEST,
            "UnknownOperationException",
            message,
        );
    };
    let body =
        match tokio::time::timeout(BODY_TIMEOUT, Limited::new(body, MAX_BODY).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<LengthLimitError>() => {
                let message = format!("A request may have {MAX_BODY} bytes");
                return refusal(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "RequestEntityTooLarge",
                    &message,
                );
            }
            // The client is gone, or its chunks are malformed: hyper can't find the next request either.
            Ok(Err(_)) => return Err(Cut),
            Err(_) => {
                let message = "The request's body did not arrive in time";
                return refusal(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", message);
            }
        };
    let operation = match service {
        Service::Workspaces(operation) => operation,
        Service::Sts => return Ok(identify(&body, shared)),
    };
    let call = match Call::parse(operation, &body) {
        Ok(call) => call,
        Err(error) => {
            return refusal(
                StatusCode::BAD_REQUEST,
                "SerializationException",
                &error.to_string(),
            );
        }
    };
    let reply = perform(&call, shared);
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    response(reply)
}

enum Service {
    Workspaces(Operation),
    Sts,
}

fn identify(form: &[u8], shared: &Shared) -> Response<Full<Bytes>> {
    let account = lock(&shared.account).account_id.clone();
    let (status, xml) = sts::answer(form, &account);
    with_body(
        status.as_u16(),
        sts::XML,
        xml.into_bytes(),
        Some(sts::REQUEST_ID),
    )
}

/// Calls the account, and saves it if the call changed it.
fn perform(call: &Call, shared: &Shared) -> Reply {
    let mut account = lock(&shared.account);
    let before = account.revision();
    let reply = account.call(shared.clock.now(), call);
    if account.revision() != before
        && let Err(error) = (shared.saved)(&account)
    {
        // The effect lasts only as long as the process, so the caller must not get a success.
        tracing::error!(%error, "cannot save the simulated account");
        let message = "The simulator could not save its account; the call may have had effect";
        let answer = Answer::Error(ServiceError {
            status: 500,
            ..ServiceError::new("InternalFailure", message)
        });
        return Reply { answer, ..reply };
    }
    reply
}

/// Returns the reply as HTTP.
pub fn response(reply: Reply) -> Result<Response<Full<Bytes>>, Cut> {
    let Reply {
        delay: _,
        request_id,
        answer,
    } = reply;
    match answer {
        Answer::Ok(output) => match serde_json::to_vec(&output) {
            Ok(body) => Ok(with_body(200, JSON, body, Some(&request_id))),
            Err(error) => Ok(error_response(
                &ServiceError {
                    status: 500,
                    ..ServiceError::new("InternalFailure", error.to_string())
                },
                Some(&request_id),
            )),
        },
        Answer::Error(error) => Ok(error_response(&error, Some(&request_id))),
        Answer::RawHttp {
            status,
            content_type,
            body,
        } => {
            let content_type = HeaderValue::from_static(content_type);
            Ok(with_body(status, content_type, body.into_bytes(), None))
        }
        Answer::DropConnection => Err(Cut),
    }
}

fn error_response(error: &ServiceError, request_id: Option<&str>) -> Response<Full<Bytes>> {
    let mut body = serde_json::Map::new();
    let header = HeaderValue::from_str(&error.code).ok();
    let header = header.filter(|_| error.placement == CodePlacement::Header);
    match error.placement {
        CodePlacement::Header if header.is_some() => {}
        CodePlacement::Header | CodePlacement::Body => {
            body.insert("__type".into(), json!(error.code));
        }
        CodePlacement::Namespaced => {
            let code = format!(
                "com.amazonaws.workspaces#{}:http://internal.amazon.com/coral/com.amazon.coral.service/",
                error.code
            );
            body.insert("__type".into(), json!(code));
        }
    }
    body.insert("message".into(), json!(error.message));
    for (&member, value) in &error.members {
        body.insert(member.into(), json!(value));
    }
    let body = Value::Object(body).to_string().into_bytes();
    let mut response = with_body(error.status, JSON, body, request_id);
    if let Some(code) = header {
        response.headers_mut().insert(ERROR_TYPE, code);
    }
    response
}

fn with_body(
    status: u16,
    content_type: HeaderValue,
    body: Vec<u8>,
    request_id: Option<&str>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, content_type);
    if let Some(id) = request_id.and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
