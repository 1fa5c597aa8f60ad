//! The binary as a pipeline runs it: each exit code, both outputs, and servers that it did not choose.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use repave::simulator::{Account, SharedAccount, seed, server};
use repave::sys::clock::Clock;
use tokio::net::TcpListener;

use crate::wire::{Server, Wire, error, page};

/// At how many moments of a run it is killed.
const MOMENTS: u32 = 12;

pub const SOURCE: &str = "wsi-source000 source AVAILABLE";

/// The binary: the one that REPAVE_TEST_BINARY names, or the one that was built with the tests.
fn program() -> std::ffi::OsString {
    let built = || env!("CARGO_BIN_EXE_repave").into();
    #[expect(clippy::disallowed_methods, reason = "a test's setting")]
    std::env::var_os("REPAVE_TEST_BINARY").unwrap_or_else(built)
}

/// A checkout in a folder of its own.
pub struct Checkout(tempfile::TempDir);

impl Checkout {
    /// A checkout with these manifests' YAML.
    pub fn new(yaml: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("manifests")).unwrap();
        let checkout = Self(folder);
        checkout.write("manifests/a.yaml", yaml);
        checkout
    }

    /// A checkout that declares these images, each made from `wsi-source000`.
    pub fn of(names: &[&str]) -> Self {
        Self::new(&names.iter().map(|name| manifest(name)).collect::<String>())
    }

    #[expect(clippy::disallowed_methods, reason = "a person's editor")]
    pub fn write(&self, path: &str, text: &str) {
        std::fs::write(self.path().join(path), text).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// The command, with nothing of this machine's AWS configuration.
    pub fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDCANARY")
            .env("AWS_SECRET_ACCESS_KEY", "canary-secret")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end; exit code, stdout, stderr.
    pub async fn run(&self, arguments: &str) -> Ran {
        Ran::by(self.command(arguments)).await
    }

    /// The same, with arguments of its own to keep.
    pub async fn run_owned(&self, arguments: String) -> Ran {
        self.run(&arguments).await
    }

    /// Runs it against the server.
    pub async fn run_at(&self, server: &Server, arguments: &str) -> Ran {
        self.run(&format!(
            "{arguments} --endpoint-url {} --api-rate 1000",
            server.url
        ))
        .await
    }
}

#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Runs the command to its end.
    pub async fn by(mut command: Command) -> Self {
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        Self::of(output.unwrap().unwrap())
    }

    /// Waits until the process has ended.
    pub async fn ended(child: Child) -> Self {
        let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await;
        Self::of(output.unwrap().unwrap())
    }

    fn of(output: Output) -> Self {
        let ran = Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!format!("{ran:?}").contains("canary-secret"), "{ran:?}");
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran
    }

    /// The outcome in words. The log has a long one whole.
    pub fn last_line(&self) -> &str {
        let mut lines = self.err.lines().rev();
        let last = lines.next().unwrap_or_default();
        assert!(last.chars().count() <= 200, "{last}");
        match last.strip_suffix('…') {
            Some(begin) => {
                let whole = lines.next().unwrap_or_default();
                assert!(whole.contains(&begin["repave: ".len()..]), "{}", self.err);
                whole
            }
            None => last,
        }
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap()
    }
}

pub fn manifest(name: &str) -> String {
    format!(
        "---\napiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: {{ name: {name} }}\n\
         spec: {{ source: {{ imageId: wsi-source000 }}, description: Desktop }}\n"
    )
}

pub fn created(id: &str) -> Wire {
    Wire::Body(200, format!(r#"{{"ImageId":"{id}"}}"#))
}

#[tokio::test]
async fn exit_0_creates_what_is_missing_and_only_that() {
    let checkout = Checkout::of(&["a", "b", "c"]);
    let server = Server::start(vec![
        page(&[SOURCE, "wsi-a a AVAILABLE"], Some("more")),
        page(&["wsi-c c PENDING"], None),
        created("wsi-b"),
    ])
    .await;
    let ran = checkout.run_at(&server, "reconcile --once").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    // c was found on page 2; one request per page and per missing image.
    assert_eq!(
        server.operations(),
        [
            "describeworkspaceimages",
            "describeworkspaceimages",
            "createupdatedworkspaceimage"
        ]
    );
    assert_eq!(server.bodies()[2]["Name"], "b");
    assert!(
        ran.out
            .contains("+ b  create b from source (wsi-source000)"),
        "{}",
        ran.out
    );
    assert!(
        ran.last_line()
            .starts_with("repave: done: 1 create accepted"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn exit_0_after_a_source_turned_available() {
    let checkout = Checkout::of(&["a"]);
    let server = Server::start(vec![
        page(&["wsi-source000 source PENDING"], None),
        page(&[SOURCE], None),
        created("wsi-a"),
    ])
    .await;
    let ran = checkout.run_at(&server, "reconcile --once").await;
    assert_eq!((ran.code, server.operations().len()), (0, 3), "{ran:?}");
}

#[tokio::test]
async fn exit_1_when_the_service_cannot_be_listed_for_a_plan() {
    let checkout = Checkout::of(&["a"]);
    let server = Server::start(vec![error(500, "InternalFailure"); 3]).await;
    let ran = checkout.run_at(&server, "plan").await;
    assert_eq!((ran.code, server.operations().len()), (1, 3), "{ran:?}");
}

#[tokio::test]
async fn exit_2_only_for_a_plan_with_creates_that_is_asked_for_it() {
    let checkout = Checkout::of(&["a"]);
    for (listing, arguments, code) in [
        (page(&[SOURCE], None), "plan --detailed-exitcode", 2),
        (page(&[SOURCE], None), "plan", 0),
        (
            page(&[SOURCE, "wsi-a a AVAILABLE"], None),
            "plan --detailed-exitcode",
            0,
        ),
    ] {
        let server = Server::start(vec![listing]).await;
        let ran = checkout.run_at(&server, arguments).await;
        assert_eq!(
            (ran.code, server.operations().len()),
            (code, 1),
            "{arguments}: {ran:?}"
        );
        assert!(
            !checkout.path().join(".repave").exists(),
            "a plan changes nothing"
        );
    }
}

#[tokio::test]
async fn exit_3_without_permission_or_credentials() {
    let checkout = Checkout::of(&["a"]);
    let denied = || error(400, "AccessDeniedException");
    let server = Server::start(vec![denied()]).await;
    let ran = checkout.run_at(&server, "reconcile --once").await;
    assert_eq!((ran.code, server.operations().len()), (3, 1), "{ran:?}");
    assert!(
        ran.last_line()
            .contains("workspaces:DescribeWorkspaceImages"),
        "{}",
        ran.err
    );

    let server = Server::start(vec![page(&[SOURCE], None), denied()]).await;
    let ran = checkout.run_at(&server, "reconcile --once").await;
    assert_eq!((ran.code, server.operations().len()), (3, 2), "{ran:?}");

    // One image that is denied is enough, whatever another one needs a person for.
    let quota = || error(400, "ResourceLimitExceededException");
    for answers in [[denied(), quota()], [quota(), denied()]] {
        let checkout = Checkout::of(&["a", "b"]);
        let server = Server::start([vec![page(&[SOURCE], None)], answers.into()].concat()).await;
        let ran = checkout.run_at(&server, "reconcile --once").await;
        assert_eq!((ran.code, server.operations().len()), (3, 3), "{ran:?}");
    }

    let mut command = checkout.command("plan --endpoint-url http://127.0.0.1:9");
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY");
    let ran = Ran::of(
        tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap(),
    );
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.last_line().contains("use --profile"), "{}", ran.err);
}

#[tokio::test]
async fn credentials_that_cannot_be_fetched_just_now_are_waited_for() {
    // A role whose credentials come from a service that can't be reached.
    let checkout = Checkout::of(&["a"]);
    let mut command =
        checkout.command("reconcile --once --timeout 2s --endpoint-url http://127.0.0.1:9");
    command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "http://127.0.0.1:9/role",
        );
    let ran = Ran::of(
        tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap(),
    );
    assert_eq!(ran.code, 9, "{ran:?}");
}

#[tokio::test]
async fn credentials_that_are_replaced_are_asked_with_in_the_region_of_the_start() {
    let checkout = Checkout::of(&["a"]);
    let configure = |key: &str, region: &str| {
        let text = format!(
            "[default]\nregion = {region}\naws_access_key_id = {key}\naws_secret_access_key = canary-secret\n"
        );
        repave::sys::files::write_whole(&checkout.path().join("config"), text.as_bytes()).unwrap();
    };
    configure("AKIDOLD", "eu-west-1");
    let server = Server::start(vec![
        error(400, "ExpiredTokenException"),
        page(&[SOURCE, "wsi-a a AVAILABLE"], None),
    ])
    .await;
    let mut command = checkout.command(&format!(
        "reconcile --endpoint-url {} --api-rate 1000",
        server.url
    ));
    for variable in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        command.env_remove(variable);
    }
    let child = command.env("AWS_CONFIG_FILE", "config").spawn().unwrap();
    let signal = |name: &str| {
        let id = child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.unwrap().success());
    };
    until(|| server.signers().len() == 1).await;
    configure("AKIDNEW", "us-east-1");
    // A hangup asks for a pass at once; one that comes while the first pass ends is none too many.
    until(|| {
        signal("HUP");
        server.signers().len() >= 2
    })
    .await;
    signal("TERM");
    let ended = tokio::task::spawn_blocking(move || child.wait_with_output()).await;
    let ran = Ran::of(ended.unwrap().unwrap());
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(
        server.signers()[..2],
        ["akidold eu-west-1", "akidnew eu-west-1"]
    );
}

#[tokio::test]
async fn exit_4_when_a_person_is_needed() {
    let checkout = Checkout::of(&["a", "b"]);
    let server = Server::start(vec![
        page(&[SOURCE, "wsi-b b ERROR"], None),
        error(400, "ResourceLimitExceededException"),
    ])
    .await;
    let ran = checkout.run_at(&server, "reconcile --once -o json").await;
    assert_eq!((ran.code, server.operations().len()), (4, 2), "{ran:?}");
    assert!(
        ran.last_line()
            .contains("a (QuotaExceeded); b (BuildFailed)"),
        "{}",
        ran.err
    );
    let json = ran.json();
    assert_eq!(
        (&json["exitCode"], &json["reason"]),
        (&4.into(), &"Blocked".into())
    );
    assert_eq!(
        json["attempts"][0]["code"],
        "ResourceLimitExceededException"
    );
    assert_eq!(json["items"][1]["group"], "blocked");
    assert_eq!(json["items"][1]["reason"], "BuildFailed");
}

#[tokio::test]
async fn exit_5_when_a_guard_refuses_the_plan() {
    let checkout = Checkout::of(&["a", "b"]);
    let server = Server::start(vec![page(&[SOURCE], None)]).await;
    let ran = checkout
        .run_at(&server, "reconcile --once --max-creates 1")
        .await;
    assert_eq!((ran.code, server.operations().len()), (5, 1), "{ran:?}");
    assert!(ran.last_line().ends_with("--max-creates 2"), "{}", ran.err);

    // What an earlier pass of the run asked for counts.
    let by_name = manifest("b").replace("imageId: wsi-source000", "imageName: a");
    let checkout = Checkout::new(&[manifest("a"), by_name].concat());
    let server = Server::start(vec![
        page(&[SOURCE], None),
        created("wsi-a"),
        page(&[SOURCE, "wsi-a a AVAILABLE"], None),
    ])
    .await;
    let arguments = "reconcile --once --wait --timeout 30s --max-creates 1";
    let ran = checkout.run_at(&server, arguments).await;
    assert_eq!((ran.code, server.operations().len()), (5, 3), "{ran:?}");
    assert!(ran.last_line().ends_with("--max-creates 2"), "{}", ran.err);
}

#[tokio::test]
async fn exit_7_while_another_process_holds_the_lock() {
    let checkout = Checkout::of(&["a"]);
    let status = checkout.path().join(".repave/status.json");
    let _held = repave::state::file::FileStore::lock(&status, "process 7 (test)").unwrap();
    let server = Server::start(vec![]).await;
    let ran = checkout.run_at(&server, "reconcile --once").await;
    assert_eq!((ran.code, server.operations().len()), (7, 0), "{ran:?}");
    assert!(ran.last_line().contains("process 7 (test)"), "{}", ran.err);
}

#[tokio::test]
async fn exit_8_on_a_signal_with_what_was_in_flight_recorded() {
    for signal in ["INT", "TERM"] {
        let checkout = Checkout::of(&["a", "b"]);
        let seed = "images: [{ id: wsi-source000, name: source }]\n\
                    faults: [{ operation: CreateUpdatedWorkspaceImage, fault: Slow, by: 2s }]";
        let (account, url) = simulator(seed).await;
        let child = checkout
            .command(&format!("reconcile --once --endpoint-url {url}"))
            .spawn()
            .unwrap();
        until(|| account.lock().unwrap().created().len() == 1).await;
        Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status()
            .unwrap();
        let ran = Ran::of(
            tokio::task::spawn_blocking(move || child.wait_with_output())
                .await
                .unwrap()
                .unwrap(),
        );
        assert_eq!(ran.code, 8, "{ran:?}");
        assert_eq!(account.lock().unwrap().created().len(), 1);
        let status = std::fs::read_to_string(checkout.path().join(".repave/status.json")).unwrap();
        let id = account.lock().unwrap().created()[0].image_id.to_string();
        assert!(status.contains(&id), "{status}");
    }
}

#[tokio::test]
async fn exit_9_names_what_is_left_when_the_time_is_over() {
    let checkout = Checkout::of(&["a"]);
    let server = Server::start(vec![page(&["wsi-source000 source PENDING"], None)]).await;
    let ran = checkout
        .run_at(&server, "reconcile --once --timeout 1s")
        .await;
    assert_eq!((ran.code, server.operations().len()), (9, 1), "{ran:?}");
    assert!(
        ran.last_line()
            .contains("a (SourceImageNotAvailable: source source (wsi-source000) is PENDING)"),
        "{}",
        ran.err
    );

    let server = Server::start(vec![error(503, "ServiceUnavailable"); 3]).await;
    let ran = checkout
        .run_at(&server, "reconcile --once --timeout 4s")
        .await;
    assert_eq!(ran.code, 9, "{ran:?}");
}

#[tokio::test]
async fn a_listing_that_hangs_ends_with_the_time_and_names_the_images() {
    let checkout = Checkout::of(&["a"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let ran = checkout
        .run(&format!(
            "reconcile --once --timeout 1s --endpoint-url {url}"
        ))
        .await;
    assert_eq!(ran.code, 9, "{ran:?}");
    assert!(
        ran.last_line().contains("a (not checked yet)"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn exit_64_for_a_command_line_that_makes_no_sense() {
    let checkout = Checkout::of(&["a"]);
    for arguments in [
        "",
        "reconsile",
        "apply",
        "plan --dry-run",
        "reconcile --wait",
        "reconcile --timeout 5m",
        "reconcile --once --interval 5m",
        "reconcile --health-addr localhost",
        "plan --timeout 5m",
        "reconcile --once --timeout 0s",
        "plan --api-rate 0",
        "plan --simulate --profile x",
        "simulate --listen 0.0.0.0:0",
    ] {
        let ran = checkout.run(arguments).await;
        assert_eq!(ran.code, 64, "{arguments}: {ran:?}");
        assert!(!ran.err.is_empty());
    }
    let ran = checkout.run("apply").await;
    assert!(
        ran.err.contains("tip: 'repave reconcile --once'"),
        "{}",
        ran.err
    );
    let mut command = checkout.command("plan");
    command.env_remove("AWS_REGION");
    let ran = Ran::of(
        tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap(),
    );
    assert_eq!(ran.code, 64, "{ran:?}");
    assert!(
        ran.last_line()
            .contains("found no Region: checked AWS_REGION, AWS_DEFAULT_REGION, profile default"),
        "{}",
        ran.err
    );
}

#[tokio::test]
async fn one_environment_serves_the_daemon_and_a_run() {
    let checkout = Checkout::of(&["a"]);
    let mut command = checkout.command("reconcile --once --simulate");
    command.envs([
        ("REPAVE_INTERVAL", "5m"),
        ("REPAVE_HEALTH_ADDR", "9180"),
        ("REPAVE_WATCH_POLL", "5s"),
    ]);
    let ran = Ran::of(
        tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap(),
    );
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut command = checkout.command("reconcile --simulate --max-creates none");
    command.envs([("REPAVE_TIMEOUT", "5m"), ("REPAVE_WAIT", "1")]);
    let ran = Ran::of(
        tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap(),
    );
    assert!(
        ran.code == 64 && ran.err.contains("--max-creates") && !ran.err.contains("--once"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn every_line_of_a_log_in_json_is_an_object_with_the_same_fields() {
    let checkout = Checkout::of(&["a"]);
    let text = checkout
        .run("reconcile --once --simulate --status-file t/s.json --log-level debug")
        .await;
    let json = checkout
        .run("reconcile --once --simulate --status-file j/s.json --log-level debug --log-format json")
        .await;
    let lines: Vec<serde_json::Value> = json
        .err
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), text.err.lines().count(), "{text:?} {json:?}");
    for line in &lines {
        assert!(
            line["timestamp"].is_string()
                && line["level"].is_string()
                && line["message"].is_string(),
            "{line}"
        );
    }
    let accepted = |line: &&serde_json::Value| line["message"] == "create accepted";
    let fields = lines.iter().find(accepted).unwrap();
    let shown = text
        .err
        .lines()
        .find(|line| line.contains("create accepted"))
        .unwrap();
    for field in ["name", "image", "source", "id"] {
        let value = fields[field].as_str().unwrap();
        assert!(
            shown.contains(&format!("{field}=\"{value}\"")),
            "{shown} {fields}"
        );
    }
    assert_eq!(
        (
            &lines.last().unwrap()["exitCode"],
            &lines.last().unwrap()["reason"]
        ),
        (&0.into(), &"Done".into())
    );
}

#[tokio::test]
async fn exit_65_before_any_call_when_a_manifest_is_wrong() {
    let broken = [
        manifest("a"),
        manifest("b").replace("wsi-source000", "ami-1"),
    ]
    .concat();
    for yaml in [broken.as_str(), "", "a: ["] {
        for arguments in ["validate", "plan", "reconcile --once", "plan -o json"] {
            let checkout = Checkout::new(yaml);
            let server = Server::start(vec![]).await;
            let ran = match arguments {
                "validate" => checkout.run(arguments).await,
                _ => checkout.run_at(&server, arguments).await,
            };
            assert_eq!(
                (ran.code, server.operations().len()),
                (65, 0),
                "{yaml} {arguments}: {ran:?}"
            );
            assert!(ran.out.contains("manifests"), "{ran:?}");
            assert!(!checkout.path().join(".repave").exists());
        }
    }
    let checkout = Checkout::new("");
    assert_eq!(checkout.run("validate --allow-empty").await.code, 0);
}

#[tokio::test]
async fn the_embedded_account_lasts_between_runs() {
    let checkout = Checkout::of(&["a", "b"]);
    let first = checkout.run("reconcile --once --simulate").await;
    assert_eq!(first.code, 0, "{first:?}");
    assert!(first.out.contains("Plan: 2 to create"), "{}", first.out);
    let second = checkout.run("reconcile --once --simulate").await;
    assert_eq!(second.code, 0, "{second:?}");
    assert!(second.out.contains("Nothing to create"), "{}", second.out);
    assert_eq!(
        checkout
            .run("plan --simulate --detailed-exitcode")
            .await
            .code,
        0
    );
    let status = checkout.run("status --simulate -o json").await.json();
    assert_eq!(status["items"][1]["conditions"][0]["reason"], "Building");
    assert!(
        !checkout.path().join(".repave/status.json").exists(),
        "a rehearsal leaves the real status alone"
    );
}

#[tokio::test]
async fn a_seed_is_used_or_refused_and_never_passed_over() {
    let checkout = Checkout::of(&["a"]);
    checkout.write("seed.yaml", "images: [{ id: wsi-source000, name: source }]");
    assert_eq!(checkout.run("reconcile --once --simulate").await.code, 0);
    assert_eq!(checkout.run("plan --simulate=none.yaml").await.code, 1);
    let ran = checkout.run("plan --simulate=seed.yaml").await;
    assert_eq!(ran.code, 64, "{ran:?}");
    assert!(
        ran.last_line().contains("began with another seed"),
        "{}",
        ran.err
    );
    let elsewhere = "reconcile --once --status-file seeded/status.json --simulate=seed.yaml";
    assert_eq!(checkout.run(elsewhere).await.code, 0);
    assert_eq!(checkout.run(elsewhere).await.code, 0);
}

#[tokio::test]
async fn a_rehearsal_never_takes_the_place_of_the_real_status() {
    let checkout = Checkout::of(&["a"]);
    let listing = || page(&[SOURCE, "wsi-a a AVAILABLE"], None);
    let server = Server::start(vec![listing(), listing()]).await;
    assert_eq!(
        checkout
            .run_at(&server, "reconcile --once --status-file s.json")
            .await
            .code,
        0
    );
    for arguments in ["plan --simulate", "reconcile --once --simulate"] {
        let ran = checkout
            .run(&format!("{arguments} --status-file s.json"))
            .await;
        assert_eq!(ran.code, 64, "{arguments}: {ran:?}");
    }
    assert_eq!(
        checkout
            .run_at(&server, "reconcile --once --status-file s.json")
            .await
            .code,
        0
    );
    assert!(!checkout.path().join("s.json.aside-1").exists());
}

#[tokio::test]
async fn a_pipe_in_a_files_place_is_refused_and_not_waited_for() {
    let checkout = Checkout::of(&["a"]);
    for name in ["pipe", "status.json.tmp"] {
        Command::new("mkfifo")
            .arg(checkout.path().join(name))
            .status()
            .unwrap();
    }
    for arguments in [
        "status --status-file pipe",
        "plan --simulate=pipe",
        "reconcile --once --simulate --status-file pipe",
    ] {
        let ran = checkout.run(arguments).await;
        assert_eq!(ran.code, 1, "{arguments}: {ran:?}");
        assert!(
            ran.last_line().contains("not a regular file"),
            "{}",
            ran.err
        );
    }
    let ran = checkout
        .run("reconcile --once --simulate --status-file status.json")
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn empty_variables_count_as_none() {
    let checkout = Checkout::of(&["a"]);
    let mut command = checkout.command("plan --simulate");
    for variable in [
        "REGION",
        "PROFILE",
        "ENDPOINT_URL",
        "STATUS_FILE",
        "MANIFESTS",
        "OUTPUT",
        "API_RATE",
        "ALLOW_EMPTY",
    ] {
        command.env(format!("REPAVE_{variable}"), "");
    }
    let ran = Ran::of(
        tokio::task::spawn_blocking(move || command.output())
            .await
            .unwrap()
            .unwrap(),
    );
    assert_eq!(ran.code, 0, "{ran:?}");
}

#[tokio::test]
async fn the_standard_endpoint_variables_work() {
    let checkout = Checkout::of(&["a"]);
    for variable in [
        "AWS_ENDPOINT_URL",
        "AWS_ENDPOINT_URL_WORKSPACES",
        "REPAVE_ENDPOINT_URL",
    ] {
        let server = Server::start(vec![page(&[SOURCE], None)]).await;
        let mut command = checkout.command("plan");
        command.env(variable, &server.url);
        let ran = Ran::of(
            tokio::task::spawn_blocking(move || command.output())
                .await
                .unwrap()
                .unwrap(),
        );
        assert_eq!(
            (ran.code, server.operations().len()),
            (0, 1),
            "{variable}: {ran:?}"
        );
    }
}

#[tokio::test]
async fn text_from_the_service_is_escaped_wherever_it_goes() {
    let checkout = Checkout::of(&["a"]);
    let evil = "\u{1b}[2J\u{202e}\nforged";
    let body = serde_json::json!({"__type": "ResourceLimitExceededException", "message": evil})
        .to_string();
    for arguments in [
        "reconcile --once",
        "reconcile --once -o json",
        "reconcile --once --log-format json --log-level trace",
    ] {
        let server =
            Server::start(vec![page(&[SOURCE], None), Wire::Body(400, body.clone())]).await;
        let _ = std::fs::rename(
            checkout.path().join(".repave"),
            checkout.path().join(format!("old-{}", arguments.len())),
        );
        let ran = checkout.run_at(&server, arguments).await;
        assert_eq!(ran.code, 4, "{ran:?}");
        let status = std::fs::read_to_string(checkout.path().join(".repave/status.json")).unwrap();
        for text in [&ran.out, &ran.err, &status] {
            assert!(
                !text.contains(['\u{1b}', '\u{202e}']) && !text.contains("\nforged"),
                "{text}"
            );
        }
    }
}

#[tokio::test]
async fn killed_at_any_moment_it_goes_on_without_a_second_create() {
    let names = ["a", "b", "c", "d"];
    // The service refuses no second image of a name and lists new ones late: only repave keeps them from being made.
    let seed = "images: [{ id: wsi-source000, name: source }]\napiRate: { perSecond: 0 }\nuniqueNames: false\nlistingLag: 1\n\
                faults: [{ operation: CreateUpdatedWorkspaceImage, times: 1000, fault: Slow, by: 8ms }]";
    // How long a run takes here, on this machine and under this load, to spread the moments over.
    let whole = std::time::Instant::now();
    let checkout = Checkout::of(&names);
    let (_, url) = simulator(seed).await;
    assert_eq!(
        checkout
            .run(&format!(
                "reconcile --once --endpoint-url {url} --api-rate 1000"
            ))
            .await
            .code,
        0
    );
    let whole = whole.elapsed();

    for moment in 0..MOMENTS {
        let moment = whole * moment / MOMENTS;
        let checkout = Checkout::of(&names);
        let (account, url) = simulator(seed).await;
        let arguments =
            format!("reconcile --once --endpoint-url {url} --settle-time 3s --api-rate 1000");
        let mut child = checkout.command(&arguments).spawn().unwrap();
        tokio::time::sleep(moment).await;
        child.kill().unwrap();
        child.wait().unwrap();
        if let Ok(text) = std::fs::read(checkout.path().join(".repave/status.json")) {
            let _: repave::state::status::Status = serde_json::from_slice(&text).unwrap();
        }
        let ran = checkout.run(&arguments).await;
        assert_eq!(ran.code, 0, "killed after {moment:?}: {ran:?}");
        let account = account.lock().unwrap();
        let mut created: Vec<&str> = account
            .created()
            .iter()
            .map(|record| record.name.as_str())
            .collect();
        created.sort_unstable();
        assert_eq!(created, names, "killed after {moment:?}");
    }
}

/// The embedded account behind HTTP, for a process of its own.
pub async fn simulator(yaml: &str) -> (SharedAccount, String) {
    let account: Account = seed::parse(yaml).unwrap();
    let account = Arc::new(Mutex::new(account));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = server::start(
        listener,
        Arc::clone(&account),
        Clock::wall(),
        Box::new(|_| Ok(())),
    )
    .await
    .unwrap();
    let url = format!("http://{}", server.address());
    tokio::spawn(server.run());
    (account, url)
}

/// Waits for a state.
async fn until(state: impl Fn() -> bool) {
    while !state() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
