//! The health endpoints over plain sockets: no client library hides anything.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use repave::cloud::Operation;
use repave::probe::health::{self, Health, HealthError, STUCK_AFTER};
use repave::probe::metrics::{CONTENT_TYPE, PassResult};
use repave::state::status::Status;
use repave::sys::http::Server;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{self, timeout};

use crate::world::{World, image, noon, refusal, want};

const INTERVAL: Duration = Duration::from_mins(5);

/// How long time stands still for an answer that does not come.
const HELD: Duration = Duration::from_secs(20);

/// As many as the server takes at once.
const CONNECTIONS: usize = 16;

async fn serving() -> (Server, Arc<Health>) {
    let health = Arc::new(Health::new(INTERVAL));
    let server = health::serve(([127, 0, 0, 1], 0).into(), Arc::clone(&health))
        .await
        .unwrap();
    (server, health)
}

/// Sends bytes, and reads until the server ends the connection.
async fn exchange(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may end the connection before it has read everything.
    let _ = stream.write_all(bytes).await;
    read(stream).await
}

async fn read(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    // What came before a reset counts.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

fn request(method: &str, path: &str) -> Vec<u8> {
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").into_bytes()
}

async fn ask(server: &Server, method: &str, path: &str) -> (String, String) {
    let answer = exchange(server.address(), &request(method, path)).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// The status and the body, on one line.
async fn get(server: &Server, path: &str) -> String {
    let (head, body) = ask(server, "GET", path).await;
    format!("{} {body}", head.split(' ').nth(1).unwrap())
}

/// Lets time pass. It is paused for no longer: a paused clock jumps when nothing is left to do but to wait for a socket.
async fn advance(duration: Duration) {
    time::pause();
    time::advance(duration).await;
    time::resume();
}

#[tokio::test]
async fn each_path_says_its_thing() {
    let (server, health) = serving().await;
    assert_eq!(get(&server, "/healthz").await, "200 ok\n");
    let answer = get(&server, "/readyz").await;
    let start = "503 no pass has completed since repave started ";
    assert!(answer.starts_with(start), "{answer}");
    health.record_complete_pass();
    assert_eq!(get(&server, "/readyz?verbose").await, "200 ok\n");

    advance(STUCK_AFTER + INTERVAL).await;
    for (path, start) in [
        (
            "/healthz",
            "503 the main loop has made no progress for 15m ",
        ),
        ("/readyz", "503 the last complete pass ended 15m "),
    ] {
        let answer = get(&server, path).await;
        assert!(answer.starts_with(start), "{answer}");
        assert!(answer.ends_with('\n'), "{answer}");
    }
    health.record_progress();
    assert_eq!(get(&server, "/healthz").await, "200 ok\n");

    let (head, body) = ask(&server, "GET", "/metrics").await;
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert!(
        head.contains(&format!("content-type: {CONTENT_TYPE}\r\n")),
        "{head}"
    );
    assert_eq!(body, health.metrics().text());
    assert!(body.ends_with("# EOF\n"), "{body}");
}

#[tokio::test]
async fn head_has_the_head_alone() {
    let (server, _health) = serving().await;
    for (path, status) in [
        ("/healthz", "200 OK"),
        ("/readyz", "503 Service Unavailable"),
        ("/metrics", "200 OK"),
        ("/", "404 Not Found"),
    ] {
        let (expected, body) = ask(&server, "GET", path).await;
        assert!(
            expected.starts_with(&format!("HTTP/1.1 {status}\r\n")),
            "{expected}"
        );
        assert!(!body.is_empty());
        let undated = |head: &str| {
            let lines = head.lines().filter(|line| !line.starts_with("date: "));
            lines.collect::<Vec<_>>().join("\n")
        };
        let (head, body) = ask(&server, "HEAD", path).await;
        assert_eq!(undated(&head), undated(&expected));
        assert_eq!(body, "");
    }
}

#[tokio::test]
async fn an_invalid_request_is_rejected_and_affects_no_other() {
    let (server, _health) = serving().await;
    for path in ["/", "/healthz/", "/../metrics", "/metrics%00", "*"] {
        assert_eq!(
            get(&server, path).await,
            "404 not found; use /healthz, /readyz or /metrics\n",
            "{path}"
        );
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"] {
        let (head, body) = ask(&server, method, "/healthz").await;
        assert!(head.starts_with("HTTP/1.1 405 "), "{head}");
        assert!(head.contains("\r\nallow: GET, HEAD"), "{head}");
        assert_eq!(body, "use GET or HEAD\n");
    }
    // A body is announced and never comes: the answer does not wait for it.
    let announced = b"POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n";
    let answer = exchange(server.address(), announced).await;
    assert!(answer.starts_with("HTTP/1.1 405 "), "{answer}");

    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(1 << 20));
    for garbage in [
        b"nonsense\r\n\r\n".as_slice(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
        long.as_bytes(),
    ] {
        let answer = exchange(server.address(), garbage).await;
        let shown = String::from_utf8_lossy(&garbage[..garbage.len().min(60)]);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{shown}\n{answer}"
        );
    }
    assert_eq!(get(&server, "/healthz").await, "200 ok\n");
}

/// Time is paused, so the limits are reached as soon as nothing else is left to do.
#[tokio::test(start_paused = true)]
async fn idle_connections_do_not_block_other_clients() {
    let (server, _health) = serving().await;
    let address = server.address();
    for (said, answered) in [
        // Nothing, a part of a head, all of it but the end; and a question whose answer nobody reads.
        ("", false),
        ("GET /he", false),
        ("GET /healthz HTTP/1.1\r\nhost: localhost\r\n", false),
        ("GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n", true),
    ] {
        let mut idle = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            idle.push(stream);
        }
        // A clock that jumps may end this client's own connection too: it asks until it is answered.
        let asked = async {
            while !exchange(address, &request("GET", "/healthz"))
                .await
                .contains("200 OK")
            {}
        };
        assert_eq!(timeout(STUCK_AFTER, asked).await, Ok(()), "{said}");
        for stream in idle {
            let answer = read(stream).await;
            assert_eq!(answer.contains("200 OK"), answered, "{said}\n{answer}");
        }
    }
}

#[tokio::test]
async fn a_probe_is_answered_however_many_clients_say_nothing() {
    let (server, _health) = serving().await;
    let mut idle = Vec::new();
    for _ in 0..20 * CONNECTIONS {
        idle.push(TcpStream::connect(server.address()).await.unwrap());
        if idle.len() % CONNECTIONS == 0 {
            assert_eq!(get(&server, "/healthz").await, "200 ok\n");
        }
    }
}

/// Time is paused and stands still, so that only a connection that is ended for another one makes room for a probe.
#[tokio::test(start_paused = true)]
async fn a_probe_ends_the_oldest_silent_client_and_waits_for_none() {
    let (server, _health) = serving().await;
    let (answered, is_answered) = std::sync::mpsc::channel::<()>();
    // While this runs time stands still; if no answer comes, it lets time go on, and silent clients end by their limits.
    let still = tokio::task::spawn_blocking(move || is_answered.recv_timeout(HELD));
    let mut idle = Vec::new();
    for _ in 0..CONNECTIONS {
        idle.push(TcpStream::connect(server.address()).await.unwrap());
    }
    let start = time::Instant::now();
    assert_eq!(get(&server, "/healthz").await, "200 ok\n");
    assert_eq!(read(idle.remove(0)).await, "", "the oldest is ended");
    assert_eq!(start.elapsed(), Duration::ZERO, "the probe waited");
    let open = idle
        .iter()
        .filter(|stream| stream.try_read(&mut [0]).is_err());
    assert_eq!(open.count(), CONNECTIONS - 1, "and no other one");
    answered.send(()).unwrap();
    still.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_end_its_question_is_ended_after_ten_seconds() {
    let (server, _health) = serving().await;
    for said in [
        "",
        "GET /he",
        "GET /healthz HTTP/1.1\r\nhost: localhost\r\n",
    ] {
        let start = time::Instant::now();
        exchange(server.address(), said.as_bytes()).await;
        assert_eq!(start.elapsed().as_secs(), 10, "{said}");
    }
}

#[tokio::test]
async fn a_connection_has_one_answer() {
    let (server, _health) = serving().await;
    let twice = [request("GET", "/healthz"), request("GET", "/healthz")].concat();
    let answer = exchange(server.address(), &twice).await;
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 1, "{answer}");
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let (server, health) = serving().await;
    let address = server.address();
    let error = health::serve(address, Arc::clone(&health))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address} for health checks")
    );
    let HealthError::Listen { source, .. } = error;
    assert_eq!(source.kind(), std::io::ErrorKind::AddrInUse);
    // Once the first server is gone, its address is free.
    drop(server);
    loop {
        match health::serve(address, Arc::clone(&health)).await {
            Ok(_) => break,
            Err(_) => tokio::task::yield_now().await,
        }
    }
}

/// A memory of a plain day: one image is there, one is on its way.
fn remembered() -> Status {
    let world = World::new([want("ready"), want("settling")]).with(image("wsi-ready0000", "ready"));
    world.look().mark("settling").look().status
}

#[tokio::test]
async fn metrics_tell_of_passes_calls_and_images_and_not_of_names() {
    let (server, health) = serving().await;
    let metrics = health.metrics();
    metrics.manifests(true, 2);
    metrics.pass(PassResult::ListingFailed, Duration::from_secs(3));
    metrics.pass(PassResult::Success, Duration::from_millis(120));
    metrics.images(&remembered());
    metrics.succeeded(noon());
    let (list, create) = (
        Operation::DescribeWorkspaceImages,
        Operation::CreateUpdatedWorkspaceImage,
    );
    for (operation, result) in [
        (list, Ok(())),
        (list, Ok(())),
        (create, Ok(())),
        (create, Err(&refusal("ThrottlingException"))),
        (create, Err(&refusal("timeout"))),
    ] {
        metrics.call(operation, result);
    }
    let (_, text) = ask(&server, "GET", "/metrics").await;
    for line in [
        "# TYPE repave_reconcile counter",
        "repave_reconcile_total{account_id=\"\",region=\"eu-west-1\",result=\"success\"} 1",
        "repave_reconcile_total{account_id=\"\",region=\"eu-west-1\",result=\"listing_failed\"} 1",
        "# TYPE repave_reconcile_time_seconds histogram",
        "repave_reconcile_time_seconds_count{account_id=\"\",region=\"eu-west-1\"} 2",
        "repave_outbound_api_requests_total{account_id=\"\",region=\"eu-west-1\",service=\"workspaces\",op_id=\"DescribeWorkspaceImages\",code=\"OK\"} 2",
        "repave_images{account_id=\"\",region=\"eu-west-1\",type=\"Ready\",status=\"True\",reason=\"Available\"} 1",
        "repave_images{account_id=\"\",region=\"eu-west-1\",type=\"Ready\",status=\"False\",reason=\"AwaitingListing\"} 1",
        "repave_last_successful_reconcile_timestamp_seconds{account_id=\"\",region=\"eu-west-1\"} 1795348800",
        "repave_manifests_valid{account_id=\"\",region=\"eu-west-1\"} 1",
        "repave_manifests{account_id=\"\",region=\"eu-west-1\"} 2",
    ] {
        assert!(text.lines().any(|it| it == line), "{line}\n{text}");
    }
    for word in ["wsi-", "ready"] {
        assert!(!text.contains(word), "{word}\n{text}");
    }
}
