//! A server that answers what it was told to, and remembers what it was asked. It knows nothing of the service.

use std::sync::{Arc, Mutex};

use repave::cloud::aws::AwsCloud;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// What the server does with one request.
#[derive(Clone)]
pub enum Wire {
    /// Answers with this status and body.
    Body(u16, String),
    /// Answers with an error code in the header alone.
    HeaderCode(u16, &'static str),
    /// Reads the request and cuts the connection.
    Cut,
    /// Promises more than it sends, and cuts the connection.
    CutBody,
    /// Answers so, but not before it is told to.
    Held(Arc<Notify>, Box<Wire>),
}

/// An error answer as the service writes it.
pub fn error(status: u16, code: &str) -> Wire {
    Wire::Body(status, format!(r#"{{"__type":"{code}","message":"no"}}"#))
}

/// A listing's page; images as `id name STATE`.
pub fn page(images: &[&str], next: Option<&str>) -> Wire {
    let images: Vec<serde_json::Value> = images
        .iter()
        .map(|image| {
            let mut words = image.split(' ');
            serde_json::json!({
                "ImageId": words.next(), "Name": words.next(), "State": words.next(),
                "OperatingSystem": {"Type": "WINDOWS"}, "OwnerAccountId": "111122223333",
            })
        })
        .collect();
    let mut body = serde_json::json!({ "Images": images });
    if let Some(next) = next {
        body["NextToken"] = next.into();
    }
    Wire::Body(200, body.to_string())
}

/// The server, and what it was asked.
pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// One request.
struct Asked {
    operation: String,
    body: serde_json::Value,
    /// The access key's id and the Region that it was signed with.
    signer: String,
}

impl Server {
    /// Answers requests in this order, then with 500.
    pub async fn start(script: Vec<Wire>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(Mutex::new(script.into_iter()));
        let log = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&log)));
            }
        });
        Self { url, asked }
    }

    /// The SDK, talking to this server at a rate that keeps no test waiting.
    pub fn api(&self) -> AwsCloud {
        AwsCloud::embedded(&self.url, "eu-west-1", 1000.0)
    }

    /// The operations that were asked for, in order.
    pub fn operations(&self) -> Vec<String> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(|asked| asked.operation.clone())
            .collect()
    }

    /// What each request was signed with, in order: the access key's id and the Region, in small letters.
    pub fn signers(&self) -> Vec<String> {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|asked| asked.signer.clone()).collect()
    }

    /// The bodies of the requests, in order.
    pub fn bodies(&self) -> Vec<serde_json::Value> {
        self.asked
            .lock()
            .unwrap()
            .iter()
            .map(|asked| asked.body.clone())
            .collect()
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<Mutex<std::vec::IntoIter<Wire>>>,
    log: Arc<Mutex<Vec<Asked>>>,
) {
    while let Some(asked) = request(&mut stream).await {
        log.lock().unwrap().push(asked);
        let next = script.lock().unwrap().next();
        let mut next = next.unwrap_or(Wire::Body(500, String::new()));
        while let Wire::Held(release, answer) = next {
            release.notified().await;
            next = *answer;
        }
        let (status, header, body, cut) = match next {
            Wire::Body(status, body) => (status, String::new(), body, 0),
            Wire::HeaderCode(status, code) => (
                status,
                format!("x-amzn-errortype: {code}\r\n"),
                "{}".into(),
                0,
            ),
            Wire::Cut | Wire::Held(..) => return,
            Wire::CutBody => (200, String::new(), "{\"Im".into(), 100),
        };
        let length = body.len() + cut;
        let answer = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\nx-amzn-requestid: r-1\r\n{header}content-length: {length}\r\n\r\n{body}"
        );
        if stream.write_all(answer.as_bytes()).await.is_err() || cut > 0 {
            return;
        }
    }
}

/// Reads one request.
async fn request(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
            let header = |name: &str| {
                head.lines()
                    .find_map(|line| line.strip_prefix(name))
                    .map(|value| value.trim().to_owned())
            };
            let length: usize = header("content-length:")
                .and_then(|n| n.parse().ok())
                .unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let target = header("x-amz-target:").unwrap_or_default();
                let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
                let body = serde_json::from_slice(&bytes[end + 4..]).unwrap_or_default();
                // Credential=ID/DATE/REGION/workspaces/aws4_request
                let authorization = header("authorization:").unwrap_or_default();
                let scope = authorization
                    .split("credential=")
                    .nth(1)
                    .unwrap_or_default();
                let mut scope = scope.split('/');
                let (id, region) = (
                    scope.next().unwrap_or_default(),
                    scope.nth(1).unwrap_or_default(),
                );
                return Some(Asked {
                    operation,
                    body,
                    signer: format!("{id} {region}"),
                });
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}
