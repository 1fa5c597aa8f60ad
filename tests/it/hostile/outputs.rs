//! Hostile texts through every output of the binary: what a terminal, a log, a pipeline or a metrics reader gets.
//!
//! In text, nothing arrives that acts: no control character, no mark that reorders or hides, no line that somebody else
//! began. JSON is one document whose strings are exact. Printable text is shown as it is, `<b>` and `**` included: whoever
//! puts it into HTML or Markdown must escape it there.

use std::fmt::Write as _;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::checks;
use super::house::{House, Ran, until};
use super::raw::{Answer, Raw};

/// What does something to a terminal, to a pipeline's log, to a reader's eyes, to Markdown and to HTML. Whatever line
/// began with `FORGED` would be somebody else's.
const EVIL: &str = "\u{1b}[2J\u{1b}]0;title\u{7}\r\t\u{8}\n::error file=x::FORGED\nFORGED \u{202e}\u{2066}\u{200b}\u{9b}31m\u{85}\u{2028}FORGED\u{e0041}<script>alert(1)</script>**b** [a](javascript:1) `c` | d";

/// Evil that may be a file's name.
fn file_name(end: &str) -> String {
    EVIL.replace('/', "%") + end
}

/// Evil as a double-quoted YAML text.
fn quoted() -> String {
    checks::quoted(EVIL)
}

/// How a run shows itself.
const FORMS: [&[&str]; 5] = [
    &[],
    &["-o", "json"],
    &["--log-format", "json", "--log-level", "trace"],
    &["-o", "json", "--log-level", "trace"],
    &["--color", "always", "--log-level", "trace"],
];

/// Nothing of what a run said acts on anything.
fn harmless(ran: &Ran, form: &[&str]) {
    let says = |words: [&str; 2]| form.windows(2).any(|two| two == words);
    let (mut out, mut err) = (ran.out.clone(), ran.err.clone());
    if says(["--color", "always"]) {
        (out, err) = (without_colours(&out), without_colours(&err));
    }
    for text in [&out, &err] {
        assert!(checks::is_harmless(text), "{form:?}: {text:?}");
        for line in text.lines() {
            let line = line.trim_start();
            assert!(
                !line.starts_with("::") && !line.starts_with("##") && !line.starts_with("FORGED"),
                "{form:?}: {text}"
            );
        }
    }
    if says(["-o", "json"]) {
        let _: Value = serde_json::from_str(&out).unwrap_or_else(|e| panic!("{e}: {out}"));
    }
    let mut lines: Vec<&str> = err.lines().collect();
    if !says(["--log-format", "json"]) {
        assert!(lines.pop().unwrap().starts_with("repave: "), "{err}");
    }
    for line in lines {
        if says(["--log-format", "json"]) {
            let line: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
            assert!(line["level"].is_string() && line["timestamp"].is_string());
        } else {
            let level = ["ERROR ", "WARN ", "INFO ", "DEBUG ", "TRACE "];
            let rest = line
                .split_once("Z ")
                .map(|(time, rest)| (time.len(), rest.trim_start()));
            assert!(
                rest.is_some_and(
                    |(time, rest)| time < 30 && level.iter().any(|level| rest.starts_with(level))
                ),
                "no line of the log: {line:?}"
            );
        }
    }
}

/// Takes out what sets a colour and nothing else.
fn without_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\u{1b}[") {
        let end = after
            .find(|c: char| !c.is_ascii_digit() && c != ';')
            .unwrap();
        plain += before;
        rest = if let Some(rest) = after[end..].strip_prefix('m') {
            rest
        } else {
            // No colour: it stays, and is found.
            plain.push('\u{1b}');
            after
        };
    }
    plain + rest
}

/// Runs in every form.
async fn run_all(house: &House, arguments: &[&str], code: i32) -> Vec<Ran> {
    let mut all = Vec::new();
    for form in FORMS {
        let arguments: Vec<&str> = arguments.iter().chain(form).copied().collect();
        let ran = house.run(&arguments).await;
        assert_eq!(ran.code, code, "{ran:?}");
        harmless(&ran, form);
        all.push(ran);
    }
    all
}

/// Whatever was hostile did arrive: the checks looked at something.
fn tells(ran: &Ran) -> bool {
    ran.out.contains("FORGED") || ran.err.contains("FORGED")
}

#[tokio::test]
async fn what_manifests_and_their_names_say() {
    let house = House::new();
    let q = quoted();
    let head = "apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\n";
    let spec = "spec: { source: { imageId: wsi-source000 }, description: d }\n";
    let texts = [
        format!("{head}metadata: {{ name: {q} }}\n{spec}"),
        format!(
            "{head}metadata: {{ name: a, {q}: b }}\nspec:\n  imageName: {q}\n  source: {{ imageId: {q}, imageName: {q} }}\n  description: {q}\n  tags: {{ {q}: {q} }}\n  createWhen: {q}\n  suspend: {q}\n  {q}: x\n"
        ),
        format!("apiVersion: {q}\nkind: {q}\n"),
        format!("{head}metadata: {{ name: a }}\n{q}: {q}\n{spec}"),
        format!("{q}\n"),
        "a: *x\u{202e}\u{200b}\n".to_owned(),
        "a: \u{1b}[2J\n".to_owned(),
        format!("%TAG !e! \u{202e}\n---\n{head}"),
        "a: !\u{202e} x\n".to_owned(),
        "\u{202e}: [\n".to_owned(),
    ];
    for (n, text) in texts.iter().enumerate() {
        house.write(format!("manifests/{n}{}", file_name(".yaml")), text);
    }
    // Two that contradict each other, in a folder as hostile as they.
    for name in ["x", "y"] {
        let text = format!("{head}metadata: {{ name: twin }}\n{spec}");
        house.write(
            format!("manifests/{}/{name}{}", file_name(""), file_name(".yml")),
            text,
        );
    }
    std::os::unix::fs::symlink(
        "nowhere",
        house.path(format!("manifests/{}", file_name("-link.yaml"))),
    )
    .unwrap();
    for command in [&["validate"][..], &["plan"], &["reconcile", "--once"]] {
        for ran in run_all(&house, command, 65).await {
            assert!(tells(&ran), "{ran:?}");
            assert!(ran.out.contains("twin"), "{ran:?}");
        }
    }
    let marks = house.run(&["validate", "-o", "github"]).await;
    assert!(
        checks::is_harmless(&marks.out) && tells(&marks),
        "{marks:?}"
    );
    let ours = ["::error ", "::warning ", "::group::", "::endgroup::"];
    for line in marks
        .out
        .lines()
        .filter(|line| line.trim_start().starts_with("::"))
    {
        assert!(ours.iter().any(|begin| line.starts_with(begin)), "{line}");
    }
    let sarif = house.run(&["validate", "-o", "sarif"]).await;
    assert!(checks::is_harmless(&sarif.out), "{sarif:?}");
    let _: Value = serde_json::from_str(&sarif.out).unwrap();
    let folder = file_name("-none");
    for ran in run_all(&house, &["validate", "--manifests", &folder], 65).await {
        assert!(tells(&ran));
    }
}

/// A listing with evil in every text, the create that comes from it, and what the service says to that.
fn listing() -> Value {
    let errors = json!([{"ErrorCode": EVIL, "ErrorMessage": EVIL}, {"ErrorCode": "C", "ErrorMessage": EVIL}]);
    let image = |id: &str, name: &str, state: &str| {
        json!({
            "ImageId": id, "Name": name, "State": state, "Description": EVIL, "OperatingSystem": {"Type": EVIL},
            "RequiredTenancy": EVIL, "OwnerAccountId": EVIL, "Updates": {"UpdateAvailable": true, "Description": EVIL},
            "ErrorCode": EVIL, "ErrorMessage": EVIL, "ErrorDetails": errors,
        })
    };
    let evil = |n: u32| format!("wsi-{n}{EVIL}");
    json!({"Images": [
        image(&evil(1), EVIL, EVIL),
        image(&evil(2), "ready", "AVAILABLE"),
        image(&evil(3), "pending", "PENDING"),
        image(&evil(4), "failed", "ERROR"),
        image(&evil(5), "unknown", EVIL),
        image(&evil(6), "twins", "AVAILABLE"),
        image(&evil(7), "twins", "AVAILABLE"),
        image(&evil(8), "gold", "AVAILABLE"),
        image(&evil(9), "bad-gold", "ERROR"),
        image(&evil(10), "odd-gold", EVIL),
    ]})
}

/// A manifest for each answer that a plan can give to it.
fn manifests() -> String {
    let mut text = String::new();
    for (name, source) in [
        ("ready", "gold"),
        ("pending", "gold"),
        ("failed", "gold"),
        ("unknown", "gold"),
        ("twins", "gold"),
        ("missing", "gold"),
        ("missing-too", "bad-gold"),
        ("missing-odd", "odd-gold"),
        ("missing-twin", "twins"),
    ] {
        write!(
            text,
            "---\napiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: {{ name: {name} }}\n\
             spec: {{ source: {{ imageName: {source} }}, description: d, tags: {{ {}: {} }} }}\n",
            checks::quoted("k\u{202e}\u{200b}"),
            checks::quoted("::error::v\u{2066}"),
        )
        .unwrap();
    }
    text
}

/// A checkout with these manifests, of a branch as hostile as they.
fn checkout() -> House {
    let house = House::new();
    house.write(format!("manifests/{}", file_name(".yaml")), manifests());
    let branch = file_name("");
    house.write(".git/HEAD", format!("ref: refs/heads/{branch}"));
    house.write(
        format!(".git/refs/heads/{branch}"),
        "0123456789012345678901234567890123456789\n",
    );
    house
}

fn refused(code: &str) -> Answer {
    let body = json!({"__type": code, "message": EVIL, "Message": EVIL, "reason": EVIL, "ResourceId": EVIL}).to_string();
    Answer::with(
        400,
        "x-amzn-requestid: \tr <b>\u{85}\t\r\n",
        body.as_bytes(),
    )
}

/// One run over all of this, and what it leaves behind.
async fn run_once(server: &Raw, form: &[&str], house: House) {
    let at = [
        "reconcile",
        "--once",
        "--endpoint-url",
        &server.url,
        "--api-rate",
        "1000",
        "--timeout",
        "3s",
    ];
    let arguments: Vec<&str> = at.iter().chain(form).copied().collect();
    let ran = house.run(&arguments).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    harmless(&ran, form);
    assert!(tells(&ran), "{ran:?}");
    let status = house.read(".repave/status.json").unwrap();
    assert!(
        checks::is_harmless(&status) && status.contains("FORGED"),
        "{status}"
    );
    let _: Value = serde_json::from_str(&status).unwrap();
    let shown = house.run(&[&["status"], form].concat()).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    harmless(&shown, form);
    assert!(tells(&shown), "{shown:?}");
}

#[tokio::test]
async fn what_the_service_says() {
    let server = Raw::start().await;
    let list = Answer::of(200, listing().to_string().as_bytes());
    let accepted = json!({"ImageId": format!("wsi-{EVIL}")}).to_string();
    // What waits for nothing but a person: the run ends by itself.
    let settled = || {
        let house = checkout();
        let text = manifests().replace("---", "\n---");
        let kept: Vec<&str> = text
            .split("\n---")
            .filter(|text| !text.contains("odd-gold"))
            .collect();
        house.write(
            format!("manifests/{}", file_name(".yaml")),
            kept.join("---"),
        );
        house
    };
    for create in [
        Answer::of(200, accepted.as_bytes()),
        refused("ResourceLimitExceededException"),
        refused("OperationNotSupportedException"),
    ] {
        server.answers(list.clone(), create);
        for form in FORMS {
            run_once(&server, form, settled()).await;
        }
    }
    // What is waited for until the time is over.
    server.answers(list, refused(EVIL));
    tokio::join!(
        run_once(&server, FORMS[0], checkout()),
        run_once(&server, FORMS[1], checkout()),
        run_once(&server, FORMS[2], checkout()),
    );

    let house = checkout();
    let plan = ["plan", "--endpoint-url", &server.url];
    for ran in run_all(&house, &plan, 0).await {
        assert!(tells(&ran), "{ran:?}");
    }
    // No listing at all.
    for (code, exit) in [("AccessDeniedException", 3), (EVIL, 1)] {
        server.answer(refused(code));
        for ran in run_all(&house, &plan, exit).await {
            assert!(tells(&ran), "{ran:?}");
        }
    }
}

#[tokio::test]
async fn what_the_daemon_says_everywhere() {
    let server = Raw::start().await;
    for form in [
        &["--log-level", "trace"][..],
        &["--log-level", "trace", "--log-format", "json"],
    ] {
        let list = Answer::of(200, listing().to_string().as_bytes());
        server.answers(list, refused(EVIL));
        let house = checkout().with("NOTIFY_SOCKET", "notify");
        let ear = std::os::unix::net::UnixDatagram::bind(house.path("notify")).unwrap();
        ear.set_nonblocking(true).unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let address = format!("127.0.0.1:{port}");
        let arguments = [
            "reconcile",
            "--endpoint-url",
            &server.url,
            "--api-rate",
            "1000",
            "--watch-poll=1s",
            "--health-addr",
            &address,
        ];
        let arguments: Vec<&str> = arguments.iter().chain(form).copied().collect();
        let mut answered = String::new();
        let ran = house
            .run_until(&arguments, async || {
                let status = || house.read(".repave/status.json").unwrap_or_default();
                until("a pass", || status().contains("CreateResultUnknown")).await;
                house.write(
                    format!("manifests/b{}", file_name(".yaml")),
                    format!("{}: [\n", quoted()),
                );
                until("problems", || status().contains("no valid YAML")).await;
                for path in [
                    "metrics",
                    "readyz",
                    "healthz",
                    &format!("x%1b{}", "y".repeat(100)),
                ] {
                    answered += &get(&address, path).await;
                }
                server.answer(refused("AccessDeniedException"));
                house.write("manifests/c.yaml", "{");
                until("a listing that failed", || {
                    status().contains("\"listingError\": {")
                })
                .await;
            })
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        harmless(&ran, form);
        assert!(ran.err.contains("FORGED"), "{}", ran.err);
        let status = house.read(".repave/status.json").unwrap();
        assert!(
            checks::is_harmless(&status) && status.contains("FORGED"),
            "{status}"
        );
        let answered = answered.replace("\r\n", "\n");
        assert!(
            checks::is_harmless(&answered) && !answered.contains("FORGED"),
            "{answered}"
        );
        assert!(answered.contains("repave_images{"), "{answered}");
        let mut bytes = [0; 8192];
        let mut told = 0;
        while let Ok(length) = ear.recv(&mut bytes) {
            let message = std::str::from_utf8(&bytes[..length]).unwrap();
            assert!(checks::is_harmless(message), "{message:?}");
            let known = ["READY=1", "STATUS=", "STOPPING=1", "WATCHDOG=1"];
            for line in message.lines() {
                assert!(
                    known.iter().any(|known| line.starts_with(known)),
                    "{message:?}"
                );
            }
            told += usize::from(message.contains("FORGED"));
        }
        assert!(told > 0, "systemd was told of nothing hostile");
    }
}

async fn get(address: &str, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn what_files_of_repaves_own_say() {
    let house = checkout();
    let status = json!({
        "apiVersion": "repave.dev/v1alpha1", "kind": "ReconcileStatus", "formatVersion": 1, "run": null,
        "target": {"region": EVIL, "accountId": EVIL, "simulated": false},
        "manifests": {"revision": EVIL, "dirty": true, "digest": EVIL, "heldBack": EVIL, "problems": [EVIL, EVIL]},
        "listingError": {"reason": "Throttled", "code": EVIL, "message": EVIL, "since": "2026-11-22T11:55:00Z"},
        "images": [{
            "kind": "UpdatedImage", "name": "a", "imageName": "A", "group": "building", "due": null, "manifest": EVIL, "observedDigest": EVIL, "imageId": EVIL,
            "createdWith": {"imageId": EVIL, "at": "2026-11-22T11:55:00Z", "digest": EVIL, "sourceImageId": EVIL, "description": EVIL, "tags": {EVIL: EVIL}},
            "drift": [{"field": EVIL, "image": EVIL, "manifest": EVIL}],
            "conditions": [{"type": "Ready", "status": "False", "reason": "Building", "message": EVIL, "lastTransitionTime": "2026-11-22T11:55:00Z"}],
            "createRequestedAt": null, "firstSeenAt": null, "missingSince": null, "attempts": 1, "nextRetryAt": "2026-11-22T11:55:00Z",
            "lastError": {"kind": "Blocked", "reason": "QuotaExceeded", "code": EVIL, "message": EVIL, "requestId": EVIL,
                "at": "2026-11-22T11:55:00Z", "count": 1},
        }],
        "history": [],
    });
    let file = file_name(".json");
    let arguments = ["status", "--status-file", &file];
    house.write(&file, status.to_string());
    for ran in run_all(&house, &arguments, 0).await {
        assert!(tells(&ran), "{ran:?}");
    }
    let mut unknown = status.clone();
    unknown[EVIL] = json!(1);
    let mut other = status.clone();
    other["kind"] = json!(EVIL);
    let mut reason = status.clone();
    reason["images"][0]["lastError"]["reason"] = json!(EVIL);
    let server = Raw::start().await;
    server.answer(Answer::of(200, b"{\"Images\":[]}"));
    for text in [unknown, other, reason, status] {
        house.write(&file, text.to_string());
        // A field that is not known is kept; anything else that is not of this version ends the command.
        let is_other =
            text["kind"] != "ReconcileStatus" || text["images"][0]["lastError"]["reason"] == EVIL;
        if is_other {
            for ran in run_all(&house, &arguments, 1).await {
                assert!(tells(&ran), "{ran:?}");
            }
        }
        for (command, code) in [(&["plan"][..], 0), (&["reconcile", "--once"], 4)] {
            let code = if is_other { 1 } else { code };
            for form in FORMS {
                house.write(&file, text.to_string());
                let at = ["--endpoint-url", &server.url, "--status-file", &file];
                let arguments: Vec<&str> = command.iter().chain(&at).chain(form).copied().collect();
                let ran = house.run(&arguments).await;
                assert_eq!(ran.code, code, "{ran:?}");
                harmless(&ran, form);
                assert!(tells(&ran), "{ran:?}");
            }
        }
    }
    // The embedded account and its seed.
    let seed = file_name("-seed.yaml");
    let simulate = format!("--simulate={seed}");
    for text in [
        format!("{}: 1\n", quoted()),
        format!("images: [{{ id: {}, name: {} }}]\n", quoted(), quoted()),
        "\u{202e}: [\n".into(),
    ] {
        house.write(&seed, text);
        for ran in run_all(&house, &["plan", &simulate], 1).await {
            assert!(tells(&ran), "{ran:?}");
        }
    }
}
