//! What goes over the wire, by plain sockets: no client library hides anything.

use super::*;
use crate::simulator::seed;
use std::io::{Read as _, Write as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So long a test waits for bytes before it fails instead of hanging.
const PATIENCE: Duration = Duration::from_secs(20);

async fn serving(seed: &str, saved: Save) -> (Server, SharedAccount) {
    let account = Arc::new(Mutex::new(seed::parse(seed).unwrap()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = start(listener, Arc::clone(&account), Clock::wall(), saved)
        .await
        .unwrap();
    (server, account)
}

async fn server(seed: &str) -> Server {
    serving(seed, Box::new(|_| Ok(()))).await.0
}

/// A world of two accounts: the caller's and another, with a role that trusts the caller.
const WORLD: &str = "
caller: {accountId: '999988887777', arn: 'arn:aws:iam::999988887777:user/ci'}
roles:
- {arn: 'arn:aws:iam::111122223333:role/repave', trusts: ['999988887777']}
accounts:
- {accountId: '111122223333', regions: [eu-west-1, us-east-1], images: [{name: Gold}]}
- {accountId: '999988887777', images: [{name: Hub}]}
";

async fn world(more: &str, saved: Save) -> Server {
    let form = seed::parse_world(&format!("{WORLD}{more}")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = World::try_from(form).unwrap();
    start(listener, world, Clock::wall(), saved).await.unwrap()
}

/// A request whose headers and body are exactly these, on a connection that ends with it.
fn raw(headers: &[(&str, &[u8])], body: &[u8]) -> Vec<u8> {
    let mut bytes = b"POST / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n".to_vec();
    for (name, value) in headers {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(format!("content-length: {}\r\n\r\n", body.len()).bytes());
    [bytes, body.to_vec()].concat()
}

/// Asks STS as these keys in this Region.
async fn ask_sts(server: &Server, key: &str, token: &str, region: &str, body: &str) -> String {
    let scope = format!("AWS4-HMAC-SHA256 Credential={key}/20261126/{region}/sts/aws4_request");
    let headers = [
        ("authorization", scope.as_bytes()),
        ("content-type", sts::FORM.as_bytes()),
        ("x-amz-security-token", token.as_bytes()),
    ];
    exchange(server, raw(&headers, body.as_bytes())).await
}

/// Lists images as these keys in this Region.
async fn list(server: &Server, key: &str, token: &str, region: &str) -> String {
    let scope =
        format!("AWS4-HMAC-SHA256 Credential={key}/20261126/{region}/workspaces/aws4_request");
    let headers = [
        ("authorization", scope.as_bytes()),
        ("x-amz-target", b"WorkspacesService.DescribeWorkspaceImages"),
        ("x-amz-security-token", token.as_bytes()),
    ];
    exchange(server, raw(&headers, b"{}")).await
}

/// The text of an XML element.
fn element<'a>(xml: &'a str, name: &str) -> &'a str {
    let (_, rest) = xml.split_once(&format!("<{name}>")).unwrap();
    rest.split_once('<').unwrap().0
}

const ASSUME: &str = "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me\
                      &RoleArn=arn%3Aaws%3Aiam%3A%3A111122223333%3Arole%2Frepave";

/// Sends bytes, and reads until the server closes the connection. Off the runtime's thread, where the server runs.
async fn exchange(server: &Server, bytes: impl Into<Vec<u8>>) -> String {
    let (address, bytes) = (server.address(), bytes.into());
    tokio::task::spawn_blocking(move || {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        // The server may close before it has read everything.
        let _ = stream.write_all(&bytes);
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match stream.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&answer)),
            }
        }
        String::from_utf8(answer).unwrap()
    })
    .await
    .unwrap()
}

fn request(operation: &str, body: &str, connection: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\nauthorization: AWS4-HMAC-SHA256 x\r\n\
         content-type: application/x-amz-json-1.1\r\nx-amz-target: WorkspacesService.{operation}\r\n\
         connection: {connection}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn call(server: &Server, operation: &str, body: &str) -> String {
    exchange(server, request(operation, body, "close")).await
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("cut")
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

const GOLD: &str = "apiRate: {perSecond: 0}\nimages: [{id: wsi-000000001, name: Gold, created: 2026-01-02T03:04:05.678Z}]\n";
const CREATE: &str = r#"{"Name":"New","Description":"d","SourceImageId":"wsi-000000001"}"#;

#[tokio::test]
async fn answers_are_aws_json() {
    let server = server(GOLD).await;
    let answer = call(&server, "DescribeWorkspaceImages", "{}").await;
    assert_eq!(status(&answer), "200");
    assert!(
        answer.contains("content-type: application/x-amz-json-1.1\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("x-amzn-requestid: 00000000-0000-4000-8000-000000000001\r\n"),
        "{answer}"
    );
    assert_eq!(
        body(&answer),
        r#"{"Images":[{"ImageId":"wsi-000000001","Name":"Gold","OperatingSystem":{"Type":"WINDOWS"},"State":"AVAILABLE","RequiredTenancy":"DEFAULT","Created":1767323045.678,"OwnerAccountId":"111122223333"}]}"#
    );
    let answer = call(
        &server,
        "CreateTags",
        r#"{"ResourceId":"wsi-000000001","Tags":[{"Key":"a"}]}"#,
    )
    .await;
    assert_eq!(body(&answer), "{}");
    let answer = call(&server, "DescribeTags", r#"{"ResourceId":"wsi-000000001"}"#).await;
    assert_eq!(body(&answer), r#"{"TagList":[{"Key":"a","Value":""}]}"#);
    let answer = call(&server, "CreateUpdatedWorkspaceImage", CREATE).await;
    assert!(body(&answer).starts_with(r#"{"ImageId":"wsi-"#), "{answer}");
    let answer = call(&server, "CreateUpdatedWorkspaceImage", CREATE).await;
    assert_eq!(status(&answer), "400");
    assert_eq!(
        body(&answer),
        r#"{"__type":"ResourceAlreadyExistsException","message":"An image named New already exists"}"#
    );
    let answer = call(&server, "DescribeTags", r#"{"ResourceId":"x"}"#).await;
    assert!(body(&answer).contains(r#""ResourceId":"x""#), "{answer}");
}

#[tokio::test]
async fn what_is_wrong_on_the_wire_is_refused_and_harms_nobody() {
    let server = server(GOLD).await;
    let describe = request("DescribeWorkspaceImages", "{}", "close");
    let large = format!("{{\"Name\":\"{}\"}}", "a".repeat(MAX_BODY));
    let deep = "[".repeat(100_000);
    for (bytes, expected, says) in [
        (
            describe.replace("POST / ", "GET / "),
            "405",
            "UnknownOperationException",
        ),
        (
            describe.replace("POST / ", "POST /x "),
            "404",
            "UnknownOperationException",
        ),
        (
            describe.replace("authorization: AWS4-HMAC-SHA256 x\r\n", ""),
            "403",
            "MissingAuthenticationTokenException",
        ),
        (
            describe.replace("x-amz-target: ", "x-target: "),
            "400",
            "UnknownOperationException",
        ),
        (
            describe.replace("WorkspacesService.", "Other."),
            "400",
            "UnknownOperationException",
        ),
        (
            request("DescribeWorkspaces", "{}", "close"),
            "400",
            "UnknownOperationException",
        ),
        (
            request("DescribeWorkspaceImages", "", "close"),
            "400",
            "SerializationException",
        ),
        (
            request("DescribeWorkspaceImages", "{", "close"),
            "400",
            "SerializationException",
        ),
        (
            request("DescribeWorkspaceImages", "\"x\"", "close"),
            "400",
            "SerializationException",
        ),
        (
            request("DescribeWorkspaceImages", r#"{"MaxResults":"x"}"#, "close"),
            "400",
            "SerializationException",
        ),
        (
            request("CreateUpdatedWorkspaceImage", &deep, "close"),
            "400",
            "SerializationException",
        ),
        (
            request("CreateUpdatedWorkspaceImage", "{}", "close"),
            "400",
            "ValidationException",
        ),
        (
            request("CreateUpdatedWorkspaceImage", &large, "close"),
            "413",
            "RequestEntityTooLarge",
        ),
        ("nonsense\r\n\r\n".into(), "400", ""),
        (
            format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(1 << 20)),
            "431",
            "",
        ),
        (
            "POST / HTTP/1.1\r\ncontent-length: x\r\n\r\n".into(),
            "400",
            "",
        ),
        (
            describe
                .replace("content-length: 2", "transfer-encoding: chunked")
                .replace("\r\n\r\n{}", "\r\n\r\nzz\r\n"),
            "cut",
            "",
        ),
    ] {
        let shown: String = bytes.chars().take(200).collect();
        let answer = exchange(&server, bytes).await;
        assert_eq!(status(&answer), expected, "{shown}\n{answer}");
        assert!(answer.contains(says), "{shown}\n{answer}");
    }
    assert_eq!(status(&exchange(&server, describe).await), "200");
}

#[tokio::test]
async fn one_connection_serves_many_requests() {
    let server = server(GOLD).await;
    let describe = |connection| request("DescribeWorkspaceImages", "{}", connection);
    let answers = exchange(
        &server,
        describe("keep-alive") + &describe("keep-alive") + &describe("close"),
    )
    .await;
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
}

#[tokio::test]
async fn a_cut_connection_is_cut_before_or_after_the_effect() {
    for (fault, made) in [("DropBefore", 0), ("DropAfter", 1)] {
        let seed =
            format!("{GOLD}faults: [{{fault: {fault}, operation: CreateUpdatedWorkspaceImage}}]");
        let (server, account) = serving(&seed, Box::new(|_| Ok(()))).await;
        assert_eq!(
            call(&server, "CreateUpdatedWorkspaceImage", CREATE).await,
            ""
        );
        assert_eq!(lock(&account).created().len(), made, "{fault}");
        assert_eq!(
            status(&call(&server, "DescribeWorkspaceImages", "{}").await),
            "200"
        );
    }
}

#[tokio::test]
async fn faults_show_on_the_wire() {
    let code = "com.amazonaws.workspaces#ExpiredTokenException:http";
    for (fault, expected, says) in [
        (
            "Error, code: ExpiredTokenException, message: m, status: 403",
            "403",
            r#"{"__type":"ExpiredTokenException","message":"m"}"#,
        ),
        (
            "Error, code: ExpiredTokenException, placement: namespaced",
            "400",
            code,
        ),
        (
            "Error, code: ExpiredTokenException, placement: header, message: m",
            "400",
            "\r\n\r\n{\"message\":\"m\"}",
        ),
        (
            "Error, code: ExpiredTokenException, placement: header",
            "400",
            "x-amzn-errortype: ExpiredTokenException\r\n",
        ),
        (
            "InternalErrorBefore",
            "500",
            r#"{"__type":"InternalFailure""#,
        ),
        (
            "InternalErrorBefore, body: html",
            "500",
            "content-type: text/html\r\n",
        ),
        (
            "InternalErrorBefore, body: empty",
            "500",
            "content-length: 0\r\n",
        ),
        ("MalformedBody", "200", r#"{"Images":[{"ImageId""#),
    ] {
        let server = server(&format!("{GOLD}faults: [{{fault: {fault}}}]")).await;
        let answer = call(&server, "DescribeWorkspaceImages", "{}").await;
        assert_eq!(status(&answer), expected, "{answer}");
        assert!(answer.contains(says), "{answer}");
    }
}

#[tokio::test]
async fn every_change_is_saved_before_it_is_answered() {
    let saves = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&saves);
    let save: Save = Box::new(move |change| {
        let Change::Account(account) = change else {
            panic!("{change:?}");
        };
        // The first call starts the account; the create is the second thing to save, and that fails.
        if counted.fetch_add(1, Ordering::SeqCst) == 1 {
            assert_eq!(account.created().len(), 1);
            return Err(io::Error::other("disk full"));
        }
        Ok(())
    });
    let (server, account) = serving(GOLD, save).await;
    for _ in 0..3 {
        assert_eq!(
            status(&call(&server, "DescribeWorkspaceImages", "{}").await),
            "200"
        );
    }
    assert_eq!(saves.load(Ordering::SeqCst), 1);
    let answer = call(&server, "CreateUpdatedWorkspaceImage", CREATE).await;
    assert_eq!(status(&answer), "500");
    assert!(body(&answer).contains("InternalFailure"), "{answer}");
    assert_eq!(saves.load(Ordering::SeqCst), 2);
    // The effect is not undone, and the next change saves it too.
    assert_eq!(lock(&account).created().len(), 1);
}

#[tokio::test]
async fn a_dropped_server_ends_with_its_connections() {
    let server = server(GOLD).await;
    let address = server.address();
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    // Answered once, so that the connection is known to be accepted.
    stream.writable().await.unwrap();
    let asked = request("DescribeWorkspaceImages", "{}", "keep-alive");
    assert_eq!(stream.try_write(asked.as_bytes()).unwrap(), asked.len());
    let mut buffer = [0; 4096];
    let mut read = async || loop {
        stream.readable().await.unwrap();
        match stream.try_read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => return other,
        }
    };
    assert!(read().await.unwrap() > 0);
    drop(server);
    assert_eq!(
        tokio::time::timeout(PATIENCE, read())
            .await
            .unwrap()
            .unwrap_or(0),
        0
    );
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_session_of_a_role_reaches_the_roles_account_and_no_other() {
    let server = world("", Box::new(|_| Ok(()))).await;
    let answer = ask_sts(&server, "AKIA", "", "eu-west-1", ASSUME).await;
    assert_eq!(status(&answer), "200");
    assert!(answer.contains("content-type: text/xml\r\n"), "{answer}");
    let shape = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><Credentials><AccessKeyId>ASIA";
    assert!(body(&answer).starts_with(shape), "{answer}");
    assert_eq!(
        element(&answer, "Arn"),
        "arn:aws:sts::111122223333:assumed-role/repave/me"
    );
    let (key, token) = (
        element(&answer, "AccessKeyId"),
        element(&answer, "SessionToken"),
    );
    let identify = "Action=GetCallerIdentity&Version=2011-06-15";
    let answer = ask_sts(&server, key, token, "us-east-1", identify).await;
    assert_eq!(element(&answer, "Account"), "111122223333");
    let listed = list(&server, key, token, "us-east-1").await;
    assert!(
        listed.contains("Gold") && !listed.contains("Hub"),
        "{listed}"
    );
    assert_eq!(
        body(&list(&server, key, token, "eu-north-1").await),
        r#"{"Images":[]}"#
    );
    let listed = list(&server, "AKIA", "", "eu-west-1").await;
    assert!(
        listed.contains("Hub") && !listed.contains("Gold"),
        "{listed}"
    );
    let answer = ask_sts(&server, "AKIA", "", "eu-west-1", identify).await;
    assert_eq!(element(&answer, "Arn"), "arn:aws:iam::999988887777:user/ci");
    for (token, region, code) in [
        (
            "",
            "eu-west-1",
            r#"{"__type":"UnrecognizedClientException","#,
        ),
        (token, "here", r#"{"__type":"InvalidSignatureException","#),
    ] {
        let answer = list(&server, key, token, region).await;
        assert_eq!(status(&answer), "400");
        assert!(body(&answer).starts_with(code), "{answer}");
    }
    let answer = ask_sts(&server, key, "", "eu-west-1", identify).await;
    assert_eq!(
        (status(&answer), element(&answer, "Code")),
        ("403", "InvalidClientTokenId")
    );
}

#[tokio::test]
async fn an_expired_session_has_the_code_of_each_service() {
    let server = world("sessionDuration: 1s", Box::new(|_| Ok(()))).await;
    let answer = ask_sts(&server, "AKIA", "", "eu-west-1", ASSUME).await;
    let (key, token) = (
        element(&answer, "AccessKeyId"),
        element(&answer, "SessionToken"),
    );
    tokio::time::sleep(Duration::from_millis(1050)).await;
    let answer = list(&server, key, token, "eu-west-1").await;
    assert_eq!(status(&answer), "400");
    assert!(
        body(&answer).contains(r#""__type":"ExpiredTokenException""#),
        "{answer}"
    );
    let identify = "Action=GetCallerIdentity";
    let answer = ask_sts(&server, key, token, "eu-west-1", identify).await;
    assert_eq!(
        (status(&answer), element(&answer, "Code")),
        ("403", "ExpiredToken")
    );
}

#[tokio::test]
async fn faults_of_a_world_show_on_the_wire_and_are_saved() {
    let faults = "faults: [{fault: RegionDown, region: us-east-1}, {fault: RegionDown, region: us-west-2, answer: drop}, \
                  {fault: ThrottleSts, times: 2}]";
    let saves = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&saves);
    let save: Save = Box::new(move |change| {
        if let Change::Faults(_) = change {
            // The second cannot be saved.
            if counted.fetch_add(1, Ordering::SeqCst) == 1 {
                return Err(io::Error::other("disk full"));
            }
        }
        Ok(())
    });
    let server = world(faults, save).await;
    let answer = list(&server, "AKIA", "", "us-east-1").await;
    assert_eq!(status(&answer), "503");
    assert!(answer.contains("content-type: text/html\r\n"), "{answer}");
    assert_eq!(list(&server, "AKIA", "", "us-west-2").await, "");
    assert_eq!(status(&list(&server, "AKIA", "", "eu-west-1").await), "200");
    for (expected, code) in [
        ("400", "Throttling"),
        ("500", "InternalFailure"),
        ("200", ""),
    ] {
        let answer = ask_sts(&server, "AKIA", "", "eu-west-1", "Action=GetCallerIdentity").await;
        assert_eq!(status(&answer), expected);
        assert!(answer.contains(code), "{answer}");
    }
    assert_eq!(saves.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn an_unsigned_or_unknown_request_is_refused_in_the_protocol_of_its_service() {
    let servers = [server(GOLD).await, world("", Box::new(|_| Ok(()))).await];
    for server in &servers {
        let form = [("content-type", sts::FORM.as_bytes())];
        let answer = exchange(server, raw(&form, b"Action=GetCallerIdentity")).await;
        let code = element(&answer, "Code");
        assert_eq!(
            (status(&answer), code),
            ("403", "MissingAuthenticationToken")
        );
        let answer = ask_sts(server, "AKIA", "", "eu-west-1", "Action=GetSessionToken").await;
        assert_eq!(
            (status(&answer), element(&answer, "Code")),
            ("400", "InvalidAction")
        );
    }
}
