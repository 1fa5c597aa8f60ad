//! A server on loopback that plays everybody who is asked for credentials, and WorkSpaces: it tells who asked what.

use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The operation, or a path.
    pub what: String,
    /// The id of the key that signed it.
    pub key: String,
    /// The Region that it is signed for.
    pub region: String,
}

/// HTTP status and body; status 0 cuts the connection.
pub type Answer = (u16, String);

/// What to answer in place of the usual.
type Script = Arc<dyn Fn(&Asked) -> Option<Answer> + Send + Sync>;

pub struct Peers {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Peers {
    pub async fn start(script: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Self {
        Self::listen(None, Arc::new(script)).await
    }

    /// The same over TLS, with a certificate of a private authority.
    pub async fn start_tls() -> Self {
        Self::listen(Some(acceptor()), Arc::new(|_| None)).await
    }

    async fn listen(tls: Option<TlsAcceptor>, script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, log, script) = (tls.clone(), Arc::clone(&log), Arc::clone(&script));
                tokio::spawn(async move {
                    let service =
                        service_fn(move |request| respond(request, log.clone(), script.clone()));
                    let http = hyper::server::conn::http1::Builder::new();
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                let _ = http.serve_connection(TokioIo::new(stream), service).await;
                            }
                        }
                        None => {
                            let _ = http.serve_connection(TokioIo::new(stream), service).await;
                        }
                    }
                });
            }
        });
        Self { url, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How often each of these was asked, with the key that signed it.
    pub fn asked_for(&self, what: &str) -> Vec<String> {
        let asked = self.asked().into_iter();
        asked
            .filter(|it| it.what == what)
            .map(|it| it.key)
            .collect()
    }
}

fn acceptor() -> TlsAcceptor {
    let pem = include_bytes!("tls/server.pem");
    let certificate = rustls::pki_types::CertificateDer::from_pem_slice(pem).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::from_pem_slice(include_bytes!("tls/server.key"));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.unwrap())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn respond(
    request: Request<Incoming>,
    log: Arc<Mutex<Vec<Asked>>>,
    script: Script,
) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(std::io::Error::other)?
        .to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    let header = |name: &str| {
        let value = head.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let signature = header("authorization");
    let scope: Vec<&str> = signature
        .split_once("Credential=")
        .map(|(_, rest)| rest.split(['/', ',']).collect())
        .unwrap_or_default();
    let action = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="));
    let target = header("x-amz-target");
    let what = match (target.split_once('.'), action) {
        (Some((_, operation)), _) => operation.to_owned(),
        (None, Some(action)) => action.to_owned(),
        (None, None) => head.uri.path().to_owned(),
    };
    let asked = Asked {
        what,
        key: scope.first().copied().unwrap_or_default().to_owned(),
        region: scope.get(2).copied().unwrap_or_default().to_owned(),
    };
    log.lock().unwrap().push(asked.clone());
    let (status, body) = script(&asked).unwrap_or_else(|| usual(&asked.what));
    if status == 0 {
        return Err(std::io::Error::other("cut"));
    }
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap();
    if asked.what == "/latest/api/token" && status == 200 {
        let ttl = hyper::header::HeaderValue::from_static("21600");
        response
            .headers_mut()
            .insert("x-aws-ec2-metadata-token-ttl-seconds", ttl);
    }
    Ok(response)
}

fn usual(what: &str) -> Answer {
    let keys = |id: &str| {
        format!(
            r#"{{"Code":"Success","AccessKeyId":"{id}","SecretAccessKey":"canary-secret","Token":"canary-secret","Expiration":"2126-01-01T00:00:00Z"}}"#
        )
    };
    let body = match what {
        "DescribeWorkspaceImages" => {
            r#"{"Images":[{"ImageId":"wsi-source000","Name":"source","State":"AVAILABLE",
            "OperatingSystem":{"Type":"WINDOWS"},"OwnerAccountId":"111122223333"}]}"#
                .into()
        }
        "CreateUpdatedWorkspaceImage" => r#"{"ImageId":"wsi-new000000"}"#.into(),
        "AssumeRole" | "AssumeRoleWithWebIdentity" => format!(
            "<{what}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{what}Result><Credentials>\
             <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>canary-secret</SecretAccessKey>\
             <SessionToken>canary-secret</SessionToken><Expiration>2126-01-01T00:00:00Z</Expiration></Credentials>\
             </{what}Result></{what}Response>"
        ),
        "GetCallerIdentity" => caller("111122223333"),
        "/federation/credentials" => {
            r#"{"roleCredentials":{"accessKeyId":"ASIASSO","secretAccessKey":"canary-secret",
            "sessionToken":"canary-secret","expiration":4922640000000}}"#
                .into()
        }
        "/token" => {
            r#"{"accessToken":"canary-secret","expiresIn":3600,"tokenType":"Bearer"}"#.into()
        }
        "/latest/api/token" => "token".into(),
        "/latest/meta-data/placement/region" => "eu-south-1".into(),
        "/latest/meta-data/iam/security-credentials/" => "desktop".into(),
        "/latest/meta-data/iam/security-credentials/desktop" => keys("ASIAINSTANCE"),
        "/container" => keys("ASIACONTAINER"),
        _ => return (404, String::new()),
    };
    (200, body)
}

/// What STS says of whose credentials these are.
pub fn caller(account: &str) -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
         <Account>{account}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
    )
}

/// An error of STS.
pub fn sts_error(status: u16, code: &str) -> Answer {
    let xml = format!(
        "<ErrorResponse><Error><Code>{code}</Code><Message>no</Message></Error></ErrorResponse>"
    );
    (status, xml)
}

/// An error of a service that speaks JSON.
pub fn json_error(status: u16, code: &str) -> Answer {
    (status, format!(r#"{{"__type":"{code}","message":"no"}}"#))
}
