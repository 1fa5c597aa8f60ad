//! Any body as the service's answer, through the real SDK over loopback: a listing, and a create.
//!
//! The first byte says which: even a listing's answer with status 200, odd a create's with one of some statuses.
#![no_main]

use std::sync::{Arc, LazyLock, Mutex};

use repave::cloud::aws::AwsCloud;
use repave::cloud::{Ask, Cloud, CreateImage, FailureKind, Step};
use repave::model::value::{Description, ImageName, Tags};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

#[path = "../../tests/it/hostile/checks.rs"]
#[expect(dead_code, reason = "each target asks its own part")]
mod checks;

struct Wire {
    runtime: Runtime,
    url: String,
    /// What every request is answered with, and how often that was.
    answer: Arc<Mutex<(Vec<u8>, usize)>>,
}

static WIRE: LazyLock<Wire> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let answer = Arc::new(Mutex::new((Vec::new(), 0)));
    let listener = runtime
        .block_on(TcpListener::bind("127.0.0.1:0"))
        .expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let shared = Arc::clone(&answer);
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, Arc::clone(&shared)));
        }
    });
    Wire {
        runtime,
        url,
        answer,
    }
});

async fn serve(mut stream: TcpStream, answer: Arc<Mutex<(Vec<u8>, usize)>>) -> Option<()> {
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = whole(&bytes) {
                break end;
            }
            if stream.read_buf(&mut bytes).await.ok()? == 0 {
                return None;
            }
        };
        bytes.drain(..end);
        let answer = {
            let mut answer = answer.lock().ok()?;
            answer.1 += 1;
            answer.0.clone()
        };
        stream.write_all(&answer).await.ok()?;
    }
}

/// Where the first request ends, if all of it is there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head
        .split("content-length:")
        .nth(1)?
        .lines()
        .next()?
        .trim()
        .parse::<usize>();
    let whole = end + length.ok()?;
    (bytes.len() >= whole).then_some(whole)
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((which, body)) = bytes.split_first() else {
        return;
    };
    let creates = which % 2 == 1;
    let status = match (creates, which / 2 % 8) {
        (false, _) | (true, 0..=2) => 200,
        (true, 3..=5) => 400,
        (true, 6) => 429,
        (true, _) => 500,
    };
    let mut answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\nx-amzn-requestid: r\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    // A listing that goes on is asked with the token, and gets the same page: an error, and no circle.
    *WIRE.answer.lock().expect("no panic before") = (answer, 0);
    // A client of its own for each input: what one is refused must not be remembered for the next.
    let api = AwsCloud::embedded(&WIRE.url, "eu-west-1", 1e9);
    let asked = || WIRE.answer.lock().expect("no panic before").1;
    if !creates {
        let result = WIRE.runtime.block_on(api.observe(&Ask::Images));
        checks::listed(&result, body);
        assert!(asked() <= 3, "{} requests", asked());
        return;
    }
    let request = Step::CreateImage(CreateImage {
        name: ImageName::parse("a").expect("a name"),
        description: Description::parse("d").expect("a text"),
        source_id: checks::GOLD.into(),
        tags: Tags::default(),
    });
    let result = WIRE.runtime.block_on(api.perform(&request));
    assert_eq!(asked(), 1, "a create is sent once");
    match result {
        Ok(receipt) => assert!(status == 200 && !receipt.image_id.is_empty()),
        Err(error) => {
            checks::failed(&error);
            // Only a refusal that repave knows says that nothing was made.
            if status == 200 {
                assert_eq!(error.kind, FailureKind::OutcomeUnknown, "{error:?}");
            }
        }
    }
});
