//! Canaries in the place of secrets: they come in by every way that credentials can come, good and broken, and leave by
//! none: no output at the most verbose level, and no file that repave writes.
//!
//! One way out is left open on purpose: what a `credential_process` says on its standard error when it fails is shown, as
//! every AWS tool does. That is meant for people, and secrets have no place there.

use std::path::Path;

use serde_json::json;

use super::house::{House, Ran, until};
use super::raw::{Answer, Raw};

/// What no output may have in it, nor in the letters of base64 (`CANARY` is within each of the secrets).
const CANARY: &str = "CANARY0secret0";

/// How verbose a run can be.
const FORMS: [&[&str]; 2] = [
    &["--log-level", "trace"],
    &["--log-level", "trace", "--log-format", "json", "-o", "json"],
];

/// One way for secrets to come in, and the exit code of a plan that uses it.
struct Way {
    what: &'static str,
    environment: Vec<(&'static str, String)>,
    files: Vec<(&'static str, String)>,
    code: i32,
}

fn way(what: &'static str, code: i32) -> Way {
    // Nothing of `House::new` but the Region.
    let none = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map(|name| (name, String::new()));
    Way {
        what,
        environment: none.to_vec(),
        files: Vec::new(),
        code,
    }
}

impl Way {
    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    fn file(mut self, name: &'static str, text: impl Into<String>) -> Self {
        self.files.push((name, text.into()));
        self
    }

    fn house(&self) -> House {
        let mut house = House::new()
            .with("RUST_LOG", "trace")
            .with("RUST_BACKTRACE", "full");
        for (name, value) in &self.environment {
            house = house.with(name, value);
        }
        for (name, text) in &self.files {
            house.write(name, text);
        }
        house.write(
            "manifests/a.yaml",
            "apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: { name: a }\nspec: { source: { imageId: wsi-gold00000 }, description: d }\n",
        );
        house
    }
}

/// What whoever gives credentials says.
fn given() -> String {
    json!({
        "Version": 1, "AccessKeyId": "AKID", "SecretAccessKey": CANARY, "SessionToken": CANARY, "Token": CANARY,
        "Expiration": "2099-01-01T00:00:00Z",
    })
    .to_string()
}

/// A profile that runs a program which says this.
fn process(says: &str) -> String {
    format!("[default]\nregion = eu-west-1\ncredential_process = /bin/sh {says} {CANARY}\n")
}

/// Every way, the broken ones included. `container` is a server that gives credentials, `broken` one that gives others.
fn ways(container: &str, broken: &str) -> Vec<Way> {
    let profile = |text: &str| format!("[default]\naws_access_key_id = AKID\n{text}\n");
    let process_file = ("print.sh", format!("echo '{}'\n", given()));
    let with_process = |what, script: &str, code| {
        way(what, code)
            .file(".aws/config", process(process_file.0))
            .file("print.sh", script)
    };
    let with_container = |what, url: &str, code| {
        way(what, code)
            .with("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
            .with("AWS_CONTAINER_AUTHORIZATION_TOKEN", CANARY)
    };
    let keys = |what, code| {
        way(what, code)
            .with("AWS_ACCESS_KEY_ID", "AKID")
            .with("AWS_SECRET_ACCESS_KEY", CANARY)
            .with("AWS_SESSION_TOKEN", CANARY)
    };
    vec![
        keys("variables", 0),
        keys("a token that cannot be a header", 64)
            .with("AWS_SESSION_TOKEN", format!("{CANARY}\u{1}\n")),
        way("half of the variables", 64)
            .with("AWS_SECRET_ACCESS_KEY", CANARY)
            .with("AWS_SESSION_TOKEN", CANARY),
        way("a profile", 0).file(
            ".aws/credentials",
            profile(&format!(
                "aws_secret_access_key = {CANARY}\naws_session_token = {CANARY}"
            )),
        ),
        way("a profile without the sign", 64).file(
            ".aws/credentials",
            profile(&format!("aws_secret_access_key {CANARY}")),
        ),
        way("a profile with the secret in a bracket", 64).file(
            ".aws/credentials",
            format!("[{CANARY}\naws_secret_access_key = {CANARY}\n"),
        ),
        way("a profile with the secret on a line of its own", 64).file(
            ".aws/credentials",
            profile(&format!("aws_secret_access_key =\n{CANARY}")),
        ),
        way("half of a profile", 64).file(
            ".aws/credentials",
            format!("[default]\naws_secret_access_key = {CANARY}\naws_session_token = {CANARY}\n"),
        ),
        with_process("a program", &process_file.1, 0),
        with_process(
            "a program that says no JSON",
            &format!("echo '{CANARY}'"),
            3,
        ),
        with_process(
            "a program that breaks off",
            &format!("echo '{{\"Version\": 1, \"SecretAccessKey\": \"{CANARY}'"),
            3,
        ),
        with_process(
            "a program that says too little",
            &format!("echo '{{\"Version\": 1, \"SecretAccessKey\": \"{CANARY}\"}}'"),
            3,
        ),
        with_process(
            "a program with another time",
            &format!("echo '{}'", given().replace("2099-01-01T00:00:00Z", CANARY)),
            3,
        ),
        with_process(
            "a program with another version",
            &format!(
                "echo '{}'",
                given().replace("\"Version\":1", &format!("\"Version\":\"{CANARY}\""))
            ),
            3,
        ),
        with_process(
            "a program that fails",
            &format!("echo '{}'; echo failed >&2; exit 3", given()),
            3,
        ),
        with_process(
            "a program that says no text",
            &format!("printf '{CANARY}\\377'"),
            3,
        ),
        with_container("a container", container, 0),
        with_container("a container's broken answer", broken, 3),
        with_container("a container's token that cannot be a header", container, 64).with(
            "AWS_CONTAINER_AUTHORIZATION_TOKEN",
            format!("{CANARY}\n\u{1}"),
        ),
        way("a container's token in a file", 0)
            .with("AWS_CONTAINER_CREDENTIALS_FULL_URI", container)
            .with("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token")
            .file("token", CANARY),
        way("a token in a file that cannot be a header", 3)
            .with("AWS_CONTAINER_CREDENTIALS_FULL_URI", container)
            .with("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "token")
            .file("token", format!("{CANARY}\u{1}\n{CANARY}")),
        way("a web identity with an answer that cannot be read", 1)
            .with("AWS_WEB_IDENTITY_TOKEN_FILE", "token")
            .with("AWS_ROLE_ARN", "arn:aws:iam::111122223333:role/x")
            .with("AWS_ENDPOINT_URL_STS", broken)
            .file("token", CANARY),
    ]
}

/// Nothing that the run said or wrote has a canary in it.
fn silent(what: &str, house: &House, ran: &Ran) {
    for text in [&ran.out, &ran.err] {
        assert!(!text.contains("CANARY"), "{what}: {text}");
    }
    written(what, &house.path(".repave"));
}

fn written(what: &str, folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            written(what, &path);
        } else {
            let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
            assert!(
                !text.contains("CANARY"),
                "{what}: {}: {text}",
                path.display()
            );
        }
    }
}

const NO_IMAGES: &[u8] =
    br#"{"Images":[{"ImageId":"wsi-gold00000","Name":"gold","State":"AVAILABLE"}]}"#;

fn error(status: u16, code: &str) -> Answer {
    Answer::of(
        status,
        json!({"__type": code, "message": "no"})
            .to_string()
            .as_bytes(),
    )
}

#[tokio::test]
async fn no_secret_leaves_by_any_output() {
    let (service, container, broken) = tokio::join!(Raw::start(), Raw::start(), Raw::start());
    container.answer(Answer::of(200, given().as_bytes()));
    broken.answer(Answer::of(400, given().trim_end_matches('}').as_bytes()));
    for way in ways(&container.url, &broken.url) {
        service.answers(
            Answer::of(200, NO_IMAGES),
            error(400, "ResourceLimitExceededException"),
        );
        let at = ["--endpoint-url", &service.url, "--api-rate", "1000"];
        let house = way.house();
        for form in FORMS {
            let before = service.asked();
            let plan: Vec<&str> = ["plan"].iter().chain(&at).chain(form).copied().collect();
            let ran = house.run(&plan).await;
            silent(way.what, &house, &ran);
            assert_eq!(ran.code, way.code, "{}: {ran:?}", way.what);
            // Where it works, it was the canary that signed.
            assert_eq!(service.asked() > before, way.code == 0, "{}", way.what);
        }
        let once = &["reconcile", "--once", "--timeout", "1s"][..];
        for command in [&[once, &at[..]].concat()[..], &["status"], &["validate"]] {
            let arguments: Vec<&str> = command.iter().chain(FORMS[1]).copied().collect();
            let ran = house.run(&arguments).await;
            silent(way.what, &house, &ran);
        }
    }
}

#[tokio::test]
async fn no_secret_leaves_when_the_service_refuses_it() {
    let service = Raw::start().await;
    let way = way("variables", 0)
        .with("AWS_ACCESS_KEY_ID", "AKID")
        .with("AWS_SECRET_ACCESS_KEY", CANARY)
        .with("AWS_SESSION_TOKEN", CANARY);
    for (list, code) in [
        (error(400, "ExpiredTokenException"), 3),
        (error(403, "SignatureDoesNotMatch"), 3),
        (error(400, "SomethingNew"), 1),
        (Answer::of(200, b"no json"), 1),
    ] {
        service.answer(list);
        for form in FORMS {
            let house = way.house();
            let at = ["--endpoint-url", &service.url];
            let plan: Vec<&str> = ["plan"].iter().chain(&at).chain(form).copied().collect();
            let ran = house.run(&plan).await;
            assert_eq!(ran.code, code, "{ran:?}");
            silent(way.what, &house, &ran);
        }
    }
    // The daemon asks for new credentials after each refusal.
    service.answer(error(400, "ExpiredTokenException"));
    for form in FORMS {
        let house = way.house();
        let arguments = ["reconcile", "--endpoint-url", &service.url];
        let arguments: Vec<&str> = arguments.iter().chain(form).copied().collect();
        let ran = house
            .run_until(&arguments, async || {
                let status = || house.read(".repave/status.json").unwrap_or_default();
                until("a refusal", || status().contains("ExpiredToken")).await;
            })
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        silent("the daemon", &house, &ran);
    }
}

#[tokio::test]
async fn no_password_of_an_address_leaves() {
    let proxy = Raw::start().await;
    proxy.answer(Answer::of(407, b"no"));
    let host = proxy.url.trim_start_matches("http://").to_owned();
    let nobody = "127.0.0.1:9";
    let with_password = |host: &str| format!("http://user:{CANARY}@{host}");
    let mut runs = tokio::task::JoinSet::new();
    for (variable, address, endpoint) in [
        (
            "HTTPS_PROXY",
            with_password(&host),
            "https://example.invalid".to_owned(),
        ),
        (
            "HTTPS_PROXY",
            with_password(nobody),
            "https://example.invalid".to_owned(),
        ),
        (
            "HTTP_PROXY",
            with_password(&host),
            "http://example.invalid".to_owned(),
        ),
        (
            "ALL_PROXY",
            with_password(nobody),
            "https://example.invalid".to_owned(),
        ),
        (
            "https_proxy",
            format!("http://user:{CANARY}@[bad"),
            "https://127.0.0.1:9".to_owned(),
        ),
        (
            "https_proxy",
            format!("user:{CANARY}@{nobody}"),
            "https://127.0.0.1:9".to_owned(),
        ),
        ("X", String::new(), with_password(nobody)),
        ("X", String::new(), with_password(&host)),
        (
            "X",
            String::new(),
            format!("https://user:{CANARY}@{nobody}"),
        ),
        ("X", String::new(), format!("https://user:{CANARY}@[bad")),
        (
            "X",
            String::new(),
            format!("http://user:{CANARY}@host:port"),
        ),
        ("X", String::new(), format!("ftp://user:{CANARY}@{nobody}")),
        (
            "AWS_ENDPOINT_URL",
            format!("https://user:{CANARY}@[bad"),
            String::new(),
        ),
    ] {
        runs.spawn(async move {
            let what = format!("{variable}={address} {endpoint}");
            let house = way("addresses", 1)
                .with("AWS_ACCESS_KEY_ID", "AKID")
                .with("AWS_SECRET_ACCESS_KEY", CANARY)
                .with("REPAVE_ENDPOINT_URL", endpoint)
                .house()
                .with(variable, &address);
            for form in FORMS {
                let ran = house.run(&[&["plan"], form].concat()).await;
                silent(&what, &house, &ran);
                assert!(matches!(ran.code, 1 | 3 | 64), "{what}: {ran:?}");
            }
            for help in [
                &["--help"][..],
                &["reconcile", "--help"],
                &["plan", "--no-such-flag"],
            ] {
                silent("help", &house, &house.run(help).await);
            }
        });
    }
    while let Some(run) = runs.join_next().await {
        run.unwrap();
    }
}
