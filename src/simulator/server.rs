//! Simulated accounts behind HTTP/1.1 on a listener that it is given: awsJson 1.1 and STS, as the SDKs and the AWS CLI
//! speak them.
//!
//! It decides nothing about images and identities. Signatures are not verified, but a request without one is refused. Whatever arrives
//! on the wire is answered with a 4xx status or ends its own connection; it never ends the server.

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
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
use super::outage::OutageRule;
use super::shared::{SharedAccount, lock};
use super::signature::Signed;
use super::sts::{self, Form};
use super::wire::{Answer, Call, CodePlacement, Operation, Reply, ServiceError};
use super::world::{Admission, Refusal, World};

/// What a request has changed.
#[derive(Debug)]
pub enum Change<'a> {
    Account(&'a Account),
    /// The faults of the world that are left.
    Faults(&'a [OutageRule]),
}

/// Saves what a request has changed, before the request is answered. It may block while a file is written.
pub(crate) type Save = Box<dyn Fn(Change<'_>) -> io::Result<()> + Send + Sync>;

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
const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

struct Shared {
    world: Mutex<World>,
    clock: Clock,
    saved: Save,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}

/// Serves an account or a world on the listener, on the tokio runtime that this is called on.
pub async fn start(
    listener: TcpListener,
    world: impl Into<World>,
    clock: Clock,
    saved: Save,
) -> io::Result<Server> {
    let shared = Arc::new(Shared {
        world: Mutex::new(world.into()),
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
    let header = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    let is_form = header(CONTENT_TYPE).is_some_and(|kind| kind.starts_with(sts::FORM));
    if !head.headers.contains_key(AUTHORIZATION) {
        let (code, message) = ("MissingAuthenticationToken", "Missing Authentication Token");
        let error = ServiceError {
            status: 403,
            ..ServiceError::new(code, message)
        };
        return if is_form {
            Ok(sts_error(&error))
        } else {
            Ok(error_response(&of_json(error), None))
        };
    }
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
    let signed = Signed {
        authorization: header(AUTHORIZATION),
        session_token: header(SESSION_TOKEN),
    };
    let operation = match service {
        Service::Workspaces(operation) => operation,
        Service::Sts => return answer_form(&Form::parse(&body), &signed, shared).await,
    };
    let now = shared.clock.now();
    let admission = in_world(shared, |world| world.account_of(now, &signed)).await;
    let account = match admission {
        Ok(account) => account,
        Err(Refusal::Error(error)) => return Ok(error_response(&of_json(error), None)),
        Err(refusal) => return unanswered(&refusal),
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
    let reply = perform(&call, &account, shared);
    if !reply.delay.is_zero() {
        tokio::time::sleep(reply.delay).await;
    }
    response(reply)
}

enum Service {
    Workspaces(Operation),
    Sts,
}

/// Asks the world, saves the faults that are left if that changed them, and waits for as long as the answer takes.
async fn in_world<T>(
    shared: &Shared,
    ask: impl FnOnce(&mut World) -> Admission<T>,
) -> Result<T, Refusal> {
    let Admission { delay, result } = {
        let mut world = lock(&shared.world);
        let before = world.revision();
        let admission = ask(&mut world);
        if world.revision() != before
            && let Err(error) = (shared.saved)(Change::Faults(world.faults()))
        {
            return Err(Refusal::Error(unsaved(&error)));
        }
        admission
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    result
}

async fn answer_form(
    form: &Form,
    signed: &Signed<'_>,
    shared: &Shared,
) -> Result<Response<Full<Bytes>>, Cut> {
    let now = shared.clock.now();
    let xml = match form.get("Action") {
        Some("GetCallerIdentity") => in_world(shared, |world| world.identify(now, signed))
            .await
            .map(|identified| identified.xml()),
        Some("AssumeRole") => in_world(shared, |world| world.assume_role(now, signed, form))
            .await
            .map(|issued| issued.xml()),
        _ => {
            let message = "The simulator answers only AssumeRole and GetCallerIdentity";
            Err(Refusal::Error(ServiceError::new("InvalidAction", message)))
        }
    };
    match xml {
        Ok(xml) => Ok(with_xml(200, xml)),
        Err(Refusal::Error(error)) => Ok(sts_error(&error)),
        Err(refusal) => unanswered(&refusal),
    }
}

fn sts_error(error: &ServiceError) -> Response<Full<Bytes>> {
    with_xml(error.status, sts::error_xml(error))
}

fn with_xml(status: u16, xml: String) -> Response<Full<Bytes>> {
    with_body(status, sts::XML, xml.into_bytes(), Some(sts::REQUEST_ID))
}

/// Returns how a JSON service spells an error about credentials.
fn of_json(error: ServiceError) -> ServiceError {
    let (code, status) = match error.code.as_str() {
        "MissingAuthenticationToken" => ("MissingAuthenticationTokenException", 403),
        "IncompleteSignature" => ("IncompleteSignatureException", 400),
        "SignatureDoesNotMatch" => ("InvalidSignatureException", 400),
        "InvalidClientTokenId" => ("UnrecognizedClientException", 400),
        "ExpiredToken" => ("ExpiredTokenException", 400),
        _ => return error,
    };
    ServiceError {
        code: code.into(),
        status,
        ..error
    }
}

/// Returns what comes in place of a service that does not answer.
fn unanswered(refusal: &Refusal) -> Result<Response<Full<Bytes>>, Cut> {
    if *refusal == Refusal::DropConnection {
        return Err(Cut);
    }
    let body = "<html><body><h1>503 Service Unavailable</h1></body></html>\n";
    let html = HeaderValue::from_static("text/html");
    Ok(with_body(503, html, body.into(), None))
}

/// Returns the error of a request whose effect lasts only as long as the process.
fn unsaved(error: &io::Error) -> ServiceError {
    tracing::error!(%error, "cannot save the simulated account");
    let message = "The simulator could not save its account; the call may have had effect";
    ServiceError {
        status: 500,
        ..ServiceError::new("InternalFailure", message)
    }
}

/// Calls the account, and saves it if the call changed it.
fn perform(call: &Call, account: &SharedAccount, shared: &Shared) -> Reply {
    let mut account = lock(account);
    let before = account.revision();
    let reply = account.call(shared.clock.now(), call);
    if account.revision() != before
        && let Err(error) = (shared.saved)(Change::Account(&account))
    {
        let answer = Answer::Error(unsaved(&error));
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
