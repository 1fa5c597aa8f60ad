//! A server that answers with exactly these bytes, whatever is asked. It knows nothing of HTTP but where a request ends.

use std::sync::{Arc, Mutex};

use repave::cloud::aws::AwsCloud;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// One answer, as it goes over the wire.
#[derive(Debug, Clone, Default)]
pub struct Answer(Vec<u8>);

impl Answer {
    /// An answer as the service writes it.
    pub fn of(status: u16, body: &[u8]) -> Self {
        Self::with(status, "x-amzn-requestid: r-1\r\n", body)
    }

    /// The same with other headers.
    pub fn with(status: u16, headers: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\n{headers}content-length: {length}\r\n\r\n"
        );
        Self([head.as_bytes(), body].concat())
    }
}

/// By which operation.
#[derive(Default)]
struct Answers {
    list: Answer,
    create: Answer,
    asked: usize,
}

/// The server.
pub struct Raw {
    pub url: String,
    answers: Arc<Mutex<Answers>>,
}

impl Raw {
    /// Listens on any port of loopback.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers = Arc::new(Mutex::new(Answers::default()));
        let shared = Arc::clone(&answers);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { url, answers }
    }

    /// The SDK, talking to this server at a rate that keeps no test waiting.
    pub fn api(&self) -> AwsCloud {
        AwsCloud::embedded(&self.url, "eu-west-1", 1e9)
    }

    /// From now on every request gets this.
    pub fn answer(&self, answer: Answer) {
        self.answers(answer.clone(), answer);
    }

    /// From now on a listing gets the one, a create the other.
    pub fn answers(&self, list: Answer, create: Answer) {
        let mut answers = self.answers.lock().unwrap();
        (answers.list, answers.create) = (list, create);
    }

    /// How many requests came.
    pub fn asked(&self) -> usize {
        self.answers.lock().unwrap().asked
    }
}

async fn serve(mut stream: TcpStream, answers: Arc<Mutex<Answers>>) {
    let mut bytes = Vec::new();
    loop {
        while whole(&bytes).is_none() {
            match stream.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
        }
        let (end, creates) = whole(&bytes).unwrap();
        bytes.drain(..end);
        let answer = {
            let mut answers = answers.lock().unwrap();
            answers.asked += 1;
            let answer = if creates {
                &answers.create
            } else {
                &answers.list
            };
            answer.clone()
        };
        if stream.write_all(&answer.0).await.is_err() {
            return;
        }
    }
}

/// Where the first request ends, if all of it is there, and whether it asks for an image.
fn whole(bytes: &[u8]) -> Option<(usize, bool)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head
        .split("content-length:")
        .nth(1)
        .map_or("0", |rest| rest.lines().next().unwrap().trim());
    let whole = end + length.parse::<usize>().unwrap();
    (bytes.len() >= whole).then(|| (whole, head.contains("createupdated")))
}
