//! The real binary, killed and failed at every call to the file system that it makes on its status, at random moments, with
//! another one beside it, on a full disk and at a file-size limit. The service stays: an account in this process, which refuses
//! no second image of a name, so that only repave keeps it from being made.
//!
//! After each: the status is absent or one whole document, a plain restart comes to its end, and every name has one image.
//!
//! `REPAVE_TEST_KILLS` sets the number of random kills (30), `REPAVE_TEST_SEED` their moments (1). Where `strace` is missing
//! or may not trace, or there are no user namespaces, the tests that need them say so and pass.

#![expect(clippy::print_stderr, reason = "what is left out is said")]

use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use repave::simulator::SharedAccount;

use crate::binary::{Checkout, simulator};

/// The account: it accepts equal names, and shows new images with the second listing.
const SEED: &str = "images: [{ id: wsi-source000, name: source }]\napiRate: { perSecond: 0 }\nuniqueNames: false\nlistingLag: 1\n";

/// The settle window of restarts: what a crash left open is looked for this long, and made after it.
const SETTLE: &str = "1s";

fn setting(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "a campaign's size")]
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// A checkout of some images, and an account.
struct Room {
    checkout: Checkout,
    account: SharedAccount,
    url: String,
    names: Vec<String>,
}

impl Room {
    async fn new(names: &[&str]) -> Self {
        let (account, url) = simulator(SEED).await;
        Self {
            checkout: Checkout::of(names),
            account,
            url,
            names: names.iter().map(ToString::to_string).collect(),
        }
    }

    fn arguments(&self, arguments: &str) -> String {
        format!(
            "{arguments} --endpoint-url {} --api-rate 1000 --settle-time {SETTLE}",
            self.url
        )
    }

    /// `reconcile --once`, started by another program: a tracer, or a shell that sets a limit.
    fn through(&self, program: &str, before: &[String]) -> Command {
        let inner = self.checkout.command(&self.arguments("reconcile --once"));
        let mut command = Command::new(program);
        command
            .args(before)
            .arg(inner.get_program())
            .args(inner.get_args());
        command.current_dir(self.checkout.path()).env_clear();
        command.envs(
            inner
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    fn status_file(&self) -> PathBuf {
        self.checkout.path().join(".repave/status.json")
    }

    /// The status is absent or whole.
    fn is_whole(&self, what: &str) {
        if let Ok(bytes) = std::fs::read(self.status_file()) {
            let read: Result<repave::state::status::Status, _> = serde_json::from_slice(&bytes);
            assert!(
                read.is_ok(),
                "{what}: {read:?} {}",
                String::from_utf8_lossy(&bytes)
            );
        }
    }

    /// A plain restart comes to its end, every name has one image, and nothing else is left behind.
    async fn recovers(&self, what: &str) {
        self.is_whole(what);
        let ran = self.checkout.run(&self.arguments("reconcile --once")).await;
        assert_eq!(ran.code, 0, "{what}: {ran:?}");
        self.each_name_once(what);
        let text = std::fs::read_to_string(self.status_file()).unwrap();
        assert!(
            !text.contains("\"Adopted\""),
            "{what}: the record of a create is lost: {text}"
        );
        let mut left: Vec<String> = std::fs::read_dir(self.checkout.path().join(".repave"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        // The mark against Git is written once, by whoever made the folder: a crash right then can leave its temporary file.
        left.retain(|name| !name.starts_with(".gitignore"));
        assert_eq!(left, ["status.json", "status.json.lock"], "{what}");
    }

    /// Whatever was created is on disk as asked for.
    fn is_marked(&self, what: &str) {
        let text = std::fs::read_to_string(self.status_file()).unwrap_or_default();
        let status: Option<repave::state::status::Status> = serde_json::from_str(&text).ok();
        let entries = status.iter().flat_map(|status| &status.images);
        let marked: Vec<&str> = entries
            .filter(|entry| entry.create_requested_at.is_some())
            .map(|entry| entry.image_name.as_str())
            .collect();
        for record in self.account.lock().unwrap().created() {
            let name = record.name.as_str();
            assert!(
                marked.contains(&name),
                "{what}: {name} was created without a mark: {text}"
            );
        }
    }

    fn each_name_once(&self, what: &str) {
        let account = self.account.lock().unwrap();
        let mut made: Vec<String> = account
            .created()
            .iter()
            .map(|record| record.name.to_string())
            .collect();
        made.sort();
        assert_eq!(made, self.names, "{what}");
    }
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap()
}

/// Calls that change or make files, or make them last.
const CALLS: [&str; 9] = [
    "openat",
    "write",
    "fsync",
    "fdatasync",
    "rename",
    "unlink",
    "mkdir",
    "ftruncate",
    "flock",
];

/// Traces a run: the calls that it makes on its status, each with its line.
async fn trace(room: &Room, more: &[String]) -> Option<(Vec<(String, String)>, Output)> {
    let log = room.checkout.path().join("trace");
    let folder = room.checkout.path().join(".repave");
    let mut before: Vec<String> = ["-f", "-y", "-qq", "-s", "64", "-o"].map(Into::into).into();
    before.push(log.display().to_string());
    for name in ["", "/status.json", "/status.json.tmp", "/status.json.lock"] {
        // As the program names it, and as an open file is known.
        before.extend(["-P".into(), format!(".repave{name}")]);
        before.extend(["-P".into(), format!("{}{name}", folder.display())]);
    }
    before.extend([
        "-e".into(),
        format!("trace={},sendto,writev,sendmsg", CALLS.join(",")),
    ]);
    before.extend_from_slice(more);
    let mut probe = Command::new("strace");
    probe.args(["-o", "/dev/null", "true"]);
    if !probe.output().is_ok_and(|output| output.status.success()) {
        eprintln!("left out: strace is missing or may not trace here");
        return None;
    }
    let ran = output(room.through("strace", &before)).await;
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let calls = text.lines().filter_map(|line| {
        // "1234 openat(...) = 3", and neither signals nor ends of threads.
        let call = line.split_whitespace().nth(1)?.split('(').next()?;
        CALLS
            .contains(&call)
            .then(|| (call.to_owned(), line.to_owned()))
    });
    Some((calls.collect(), ran))
}

/// Runs them, several at once: most of their time they wait for a settle window.
async fn together<F: Future<Output = ()> + Send + 'static>(stories: impl Iterator<Item = F>) {
    let mut running = tokio::task::JoinSet::new();
    for story in stories {
        if running.len() >= 8 {
            running.join_next().await.unwrap().unwrap();
        }
        running.spawn(story);
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}

const PAIR: [&str; 2] = ["a", "b"];

#[tokio::test]
async fn killed_or_failed_at_every_call_on_its_files_it_recovers() {
    let room = Room::new(&PAIR).await;
    let Some((calls, ran)) = trace(&room, &[]).await else {
        return;
    };
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let mut points = Vec::new();
    for call in CALLS {
        let count = calls.iter().filter(|(name, _)| name == call).count();
        // With "+" from there on, as on a disk that stays full.
        let hows = [
            ("signal=SIGKILL", ""),
            ("error=ENOSPC", ""),
            ("error=EIO", ""),
            ("error=ENOSPC", "+"),
        ];
        points.extend((1..=count).flat_map(|number| hows.map(|how| (call, number, how))));
    }
    eprintln!("{} points", points.len());
    assert!(points.len() >= 100, "{calls:#?}");
    together(
        points
            .into_iter()
            .map(|(call, number, (how, on))| async move {
                let room = Room::new(&PAIR).await;
                let what = format!("{call} {number}{on}, {how}");
                let inject = [
                    "-e".into(),
                    format!("inject={call}:{how}:when={number}{on}"),
                ];
                let (_, ran) = trace(&room, &inject).await.unwrap();
                let err = String::from_utf8_lossy(&ran.stderr).into_owned();
                assert!(!err.contains("panicked"), "{what}: {err}");
                if how != "signal=SIGKILL" {
                    // Either it could do without, or it says what failed and ends with 1.
                    let code = ran.status.code();
                    assert!(
                        code == Some(0) || (code == Some(1) && err.contains(".repave")),
                        "{what}: {code:?} {err}"
                    );
                }
                room.is_marked(&what);
                room.recovers(&what).await;
            }),
    )
    .await;
}

#[tokio::test]
async fn what_must_last_is_synced_before_it_is_named_and_before_the_call() {
    let room = Room::new(&["a"]).await;
    let Some((calls, _)) = trace(&room, &[]).await else {
        return;
    };
    let calls: Vec<(&str, &str)> = calls
        .iter()
        .map(|(name, line)| (name.as_str(), line.as_str()))
        .filter(|(_, line)| line.contains("status.json") || line.contains("/.repave>"))
        .filter(|(name, _)| ["write", "fsync", "rename"].contains(name))
        .filter(|(_, line)| !line.contains("status.json.lock"))
        .collect();
    let mut saves = 0;
    for (at, (name, line)) in calls.iter().enumerate() {
        if *name == "rename" {
            saves += 1;
            let before: Vec<&str> = calls[..at]
                .iter()
                .rev()
                .take(2)
                .map(|(name, _)| *name)
                .collect();
            assert_eq!(before, ["fsync", "write"], "{line} {calls:#?}");
            let (name, after) = calls[at + 1];
            assert!(
                name == "fsync" && after.contains("/.repave>"),
                "{after} {calls:#?}"
            );
        }
    }
    // What is to be done, the mark, the result, what is left.
    assert!(saves >= 3, "{calls:#?}");
}

#[tokio::test]
async fn killed_at_random_moments_it_recovers() {
    let kills = setting("REPAVE_TEST_KILLS").unwrap_or(30);
    let seed = setting("REPAVE_TEST_SEED").unwrap_or(1);
    eprintln!("REPAVE_TEST_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let room = Room::new(&PAIR).await;
    let begun = Instant::now();
    assert_eq!(
        room.checkout
            .run(&room.arguments("reconcile --once"))
            .await
            .code,
        0
    );
    let whole = begun.elapsed();
    // Several kills of one checkout, one after the other, and then it must recover.
    let mut stories: Vec<Vec<(&str, Duration)>> = Vec::new();
    let mut left = kills;
    while left > 0 {
        let some = random.u64(1..=4).min(left);
        left -= some;
        let kill = |_| {
            let command = if random.u8(..3) > 0 {
                "reconcile --once"
            } else {
                "reconcile --interval 1s"
            };
            // With others beside it, it is slower than it was alone.
            (command, whole.mul_f64(random.f64() * 3.0))
        };
        stories.push((0..some).map(kill).collect());
    }
    together(stories.into_iter().map(|kills| async move {
        let room = Room::new(&PAIR).await;
        for (command, moment) in &kills {
            let mut child = room
                .checkout
                .command(&room.arguments(command))
                .spawn()
                .unwrap();
            tokio::time::sleep(*moment).await;
            child.kill().unwrap();
            child.wait().unwrap();
            room.is_whole(&format!("{kills:?}"));
        }
        room.recovers(&format!("{kills:?}")).await;
    }))
    .await;
}

#[tokio::test]
async fn of_two_at_once_one_works_and_the_other_says_so() {
    let mut refused = 0;
    for round in 0..10 {
        let room = Room::new(&["a", "b"]).await;
        let (first, second) = tokio::join!(
            room.checkout.run_owned(room.arguments("reconcile --once")),
            room.checkout.run_owned(room.arguments("reconcile --once")),
        );
        let mut codes = [first.code, second.code];
        codes.sort_unstable();
        // One may be over before the other begins.
        assert!(
            codes == [0, 7] || codes == [0, 0],
            "{round}: {first:?} {second:?}"
        );
        refused += usize::from(codes == [0, 7]);
        room.recovers("two at once").await;
    }
    assert!(refused > 0, "never at the same time");
}

/// Runs it where the folder of the status is a disk of 40 KiB with so much of it taken.
fn on_a_small_disk(room: &Room, script: &str) -> Option<Command> {
    let mut probe = Command::new("unshare");
    probe.args(["-Urm", "true"]);
    if !probe.output().is_ok_and(|output| output.status.success()) {
        eprintln!("left out: a user namespace of its own is not allowed here");
        return None;
    }
    std::fs::create_dir(room.checkout.path().join(".repave")).unwrap();
    let script = format!("mount -t tmpfs -o size=40k none .repave && {script}");
    Some(room.through("unshare", &["-Urm", "sh", "-c", &script].map(String::from)))
}

#[tokio::test]
async fn a_full_disk_is_reported_and_survived() {
    let room = Room::new(&["a", "b"]).await;
    // Nothing is created while the mark can't be saved; with room again, the same command does it all.
    let script = "head -c 38000 /dev/zero > .repave/ballast; \"$0\" \"$@\"; first=$?; rm .repave/ballast; \"$0\" \"$@\"; echo codes $first $?; cat .repave/status.json";
    let Some(command) = on_a_small_disk(&room, script) else {
        return;
    };
    let ran = output(command).await;
    let (out, err) = (
        String::from_utf8_lossy(&ran.stdout),
        String::from_utf8_lossy(&ran.stderr),
    );
    assert!(out.contains("codes 1 0"), "{out} {err}");
    assert!(err.contains("No space left on device"), "{err}");
    let status = &out[out.find("{\n").unwrap()..];
    let _: repave::state::status::Status = serde_json::from_str(status).unwrap();
    room.each_name_once("a full disk");
}

#[tokio::test]
async fn a_daemon_on_a_full_disk_stays_and_goes_on_when_there_is_room() {
    let room = Room::new(&["a", "b"]).await;
    let script = "head -c 38000 /dev/zero > .repave/ballast; shift $(($# - 1)); \
                  (while ! test -e go; do sleep 0.05; done; rm .repave/ballast; \
                   while ! grep -q createRequestedAt.*Z .repave/status.json; do sleep 0.05; done; sleep 0.5; cp .repave/status.json seen; kill $$) & \
                  exec \"$0\" $ARGUMENTS";
    let Some(mut command) = on_a_small_disk(&room, script) else {
        return;
    };
    command.env("ARGUMENTS", room.arguments("reconcile --interval 1s"));
    let running = tokio::task::spawn_blocking(move || command.output());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(
        room.account.lock().unwrap().created().len(),
        0,
        "created without a mark"
    );
    let _ = std::fs::create_dir(room.checkout.path().join("go"));
    let ran = running.await.unwrap().unwrap();
    let err = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(0), "{err}");
    assert_eq!(
        err.matches("cannot use the status file").count(),
        1,
        "{err}"
    );
    room.each_name_once("a full disk");
    let seen = std::fs::read(room.checkout.path().join("seen")).unwrap();
    let _: repave::state::status::Status = serde_json::from_slice(&seen).unwrap();
}

#[tokio::test]
async fn a_limit_on_the_size_of_files_is_an_error_and_no_silent_death() {
    let names: Vec<String> = (0..30).map(|number| format!("image-{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let room = Room::new(&names).await;
    // 4 KiB: less than thirty entries take.
    let script = "ulimit -f 8; exec \"$0\" \"$@\"";
    let ran = output(room.through("sh", &["-c", script].map(String::from))).await;
    let err = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{err}");
    assert!(
        err.contains("File too large") && err.contains("status.json"),
        "{err}"
    );
    assert_eq!(
        room.account.lock().unwrap().created().len(),
        0,
        "created without a mark"
    );
    room.is_whole("a limit");
    room.recovers("a limit").await;
}
