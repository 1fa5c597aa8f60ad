//! The real daemon and the real file system: files as editors, Git and Kubernetes change them.
//!
//! Its interval is a day, so that whatever it finds it was told of.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use repave::sys::files::write_whole;
use serde_json::Value;

/// How long a state is waited for before the test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon in a folder of its own, with a simulated account.
struct Daemon {
    folder: tempfile::TempDir,
    child: Option<Child>,
}

impl Daemon {
    /// Starts it once `prepare` has made the folder what it is to find.
    fn start(arguments: &str, prepare: impl FnOnce(&Self)) -> Self {
        Self::launch(
            Command::new(env!("CARGO_BIN_EXE_repave")),
            arguments,
            prepare,
        )
    }

    fn launch(mut command: Command, arguments: &str, prepare: impl FnOnce(&Self)) -> Self {
        let mut daemon = Self {
            folder: tempfile::tempdir().unwrap(),
            child: None,
        };
        prepare(&daemon);
        let has_rate = arguments.contains("--api-rate");
        let rate = if has_rate {
            &[][..]
        } else {
            &["--api-rate", "1000"]
        };
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(daemon.path("log"))
            .unwrap();
        let child = command
            .args([
                "reconcile",
                "--simulate",
                "--interval",
                "24h",
                "--allow-empty",
            ])
            .args(["--log-level", "debug"])
            .args(rate)
            .args(arguments.split_whitespace())
            .current_dir(daemon.folder.path())
            .env_clear()
            .env("PATH", crate::revision::search_path())
            .env("HOME", daemon.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        daemon.child = Some(child);
        daemon
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let start = Instant::now();
        while !is_so() {
            assert!(start.elapsed() < PATIENCE, "{what}: {}", self.log());
            pause(Duration::from_millis(10));
        }
    }

    /// Waits until the status file has just these images.
    fn has(&self, names: &[&str]) {
        self.wait_for(&format!("{names:?}"), || {
            let Ok(text) = fs::read(self.path(".repave/simulated/status.json")) else {
                return false;
            };
            let status: Value = serde_json::from_slice(&text).unwrap();
            let images = status["images"].as_array().unwrap();
            let declared: Vec<_> = images
                .iter()
                .filter(|i| i["manifest"].is_string())
                .collect();
            let found: Vec<&str> = declared.iter().filter_map(|i| i["name"].as_str()).collect();
            found == names && declared.iter().all(|i| i["createRequestedAt"].is_string())
        });
    }

    /// The first pass is over and the files are watched.
    fn is_watching(&self) {
        self.wait_for("the first pass", || self.log().contains("pass began"));
    }

    fn passes(&self) -> usize {
        self.log().matches("pass began").count()
    }

    fn git(&self, arguments: &str) {
        assert!(self.try_git(arguments), "git {arguments}");
    }

    /// Runs Git, and returns whether it succeeded.
    fn try_git(&self, arguments: &str) -> bool {
        let status = Command::new("git")
            .args(["-c", "user.name=x", "-c", "user.email=x@example.com"])
            .args(arguments.split_whitespace())
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.unwrap().success()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status();
        assert!(sent.unwrap().success());
    }

    /// Ends it as a service manager does; it must end with 0 and have left nothing half done.
    fn end(mut self) {
        let mut child = self.child.take().unwrap();
        let id = child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        let status = child.wait().unwrap();
        assert_eq!(status.code(), Some(0), "{}", self.log());
        assert!(!self.log().contains("panicked"), "{}", self.log());
        assert!(self.log().contains("repave: stopped by a signal"));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn manifest(name: &str) -> String {
    format!(
        "---\napiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: {{ name: {name} }}\nspec: {{ source: {{ imageId: wsi-source000 }}, description: one }}\n"
    )
}

fn with_manifests(daemon: &Daemon) {
    fs::create_dir(daemon.path("manifests")).unwrap();
    write_whole(&daemon.path("manifests/a.yaml"), manifest("a").as_bytes()).unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a person's editor")]
fn editors_that_rename_and_that_truncate_are_followed() {
    let daemon = Daemon::start("", with_manifests);
    daemon.has(&["a"]);
    write_whole(&daemon.path("manifests/b.yaml"), manifest("b").as_bytes()).unwrap();
    daemon.has(&["a", "b"]);
    fs::write(daemon.path("manifests/b.yaml"), "").unwrap();
    fs::write(daemon.path("manifests/b.yaml"), manifest("c")).unwrap();
    daemon.has(&["a", "c"]);
    fs::create_dir_all(daemon.path("manifests/deep/er")).unwrap();
    fs::write(daemon.path("manifests/deep/er/d.yaml"), manifest("d")).unwrap();
    daemon.has(&["a", "c", "d"]);
    fs::write(daemon.path("manifests/deep/er/d.yaml"), manifest("e")).unwrap();
    daemon.has(&["a", "c", "e"]);
    fs::remove_dir_all(daemon.path("manifests/deep")).unwrap();
    daemon.has(&["a", "c"]);
    daemon.end();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "an administrator's shell")]
fn a_folder_that_is_missing_removed_and_made_again_is_followed() {
    let daemon = Daemon::start("", |_| {});
    daemon.wait_for("a reason", || daemon.log().contains("no such folder"));
    for name in ["a", "b", "c"] {
        fs::create_dir(daemon.path("manifests")).unwrap();
        fs::write(daemon.path("manifests/x.yaml"), manifest(name)).unwrap();
        daemon.has(&[name]);
        fs::remove_dir_all(daemon.path("manifests")).unwrap();
        let problem = || daemon.log().matches("no such folder").count();
        daemon.wait_for("the problem", || problem() >= 2);
    }
    daemon.end();
}

/// Switches the link in one step, as `ln -sfn` does.
fn switch(target: &str, link: &Path) {
    let new = link.with_extension("new");
    symlink(target, &new).unwrap();
    fs::rename(new, link).unwrap();
}

/// Makes a release with a manifest for this image in `<release>/manifests`.
#[expect(clippy::disallowed_methods, reason = "an administrator's shell")]
fn release(daemon: &Daemon, name: &str, image: &str) {
    let manifests = daemon.path(name).join("manifests");
    fs::create_dir_all(&manifests).unwrap();
    fs::write(manifests.join("a.yaml"), manifest(image)).unwrap();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "an administrator's shell")]
fn a_link_that_is_switched_at_or_above_the_folder_is_followed() {
    // The link is above the folder, or the folder itself, or leads over another link in another folder.
    for (folder, link, first, of) in [
        ("current/manifests", "current", "r1", "r"),
        ("manifests", "manifests", "r1/manifests", "r/manifests"),
        ("current/manifests", "far/newest", "../r1", "../r"),
    ] {
        let to = |number: usize| of.replacen('r', &format!("r{number}"), 1);
        let daemon = Daemon::start(&format!("--manifests {folder}"), |daemon| {
            for (name, image) in [("r1", "a"), ("r2", "b"), ("r3", "c")] {
                release(daemon, name, image);
            }
            fs::create_dir(daemon.path("far")).unwrap();
            symlink(first, daemon.path(link)).unwrap();
            if link == "far/newest" {
                symlink("far/newest", daemon.path("current")).unwrap();
            }
        });
        daemon.has(&["a"]);
        let at = daemon.path(folder);
        for (number, image) in [(2, "b"), (3, "c"), (1, "a"), (2, "b")] {
            // The releases before stay.
            switch(&to(number), &daemon.path(link));
            daemon.has(&[image]);
            fs::write(at.join("later.yaml"), manifest("later")).unwrap();
            daemon.has(&[image, "later"]);
            fs::remove_file(at.join("later.yaml")).unwrap();
            daemon.has(&[image]);
        }
        daemon.end();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "an administrator's shell")]
fn a_folder_above_that_is_replaced_or_comes_later_is_followed() {
    let daemon = Daemon::start("--manifests deep/er/manifests", |_| {});
    daemon.wait_for("a reason", || daemon.log().contains("no such folder"));
    for (name, image) in [("one", "a"), ("two", "b"), ("three", "c")] {
        release(&daemon, &format!("{name}/er"), image);
        let _ = fs::rename(daemon.path("deep"), daemon.path(&format!("old-{name}")));
        fs::rename(daemon.path(name), daemon.path("deep")).unwrap();
        daemon.has(&[image]);
        let later = daemon.path("deep/er/manifests/later.yaml");
        fs::write(later, manifest("later")).unwrap();
        daemon.has(&[image, "later"]);
    }
    daemon.end();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "an administrator's shell")]
fn a_status_file_that_is_mounted_alone_is_waited_for() {
    let probe = Command::new("unshare").args(["-Urm", "true"]).output();
    if !probe.is_ok_and(|ran| ran.status.success()) {
        eprintln!("left out: no user namespaces");
        return;
    }
    let mut command = Command::new("unshare");
    let script = "mount --bind empty .repave/simulated/status.json; \
                  (while ! test -e go; do sleep 0.05; done; umount .repave/simulated/status.json) & \
                  exec \"$0\" \"$@\"";
    let program = env!("CARGO_BIN_EXE_repave");
    command.args(["-Urm", "sh", "-c", script, program]);
    let daemon = Daemon::launch(command, "", |daemon| {
        with_manifests(daemon);
        fs::create_dir_all(daemon.path(".repave/simulated")).unwrap();
        fs::write(daemon.path(".repave/simulated/status.json"), "").unwrap();
        fs::write(daemon.path("empty"), "").unwrap();
    });
    daemon.wait_for("what to do", || {
        daemon.log().contains("mount its folder instead")
    });
    assert_eq!(daemon.passes(), 0, "{}", daemon.log());
    fs::write(daemon.path("go"), "").unwrap();
    daemon.wait_for("the first pass", || daemon.passes() > 0);
    let status = || fs::read_to_string(daemon.path(".repave/simulated/status.json"));
    daemon.wait_for("a status", || {
        status().is_ok_and(|text| text.contains("\"a\""))
    });
    daemon.end();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the kubelet")]
fn a_config_map_that_is_swapped_is_followed() {
    let version = |daemon: &Daemon, name: &str, image: &str| {
        let folder = daemon.path("manifests").join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("a.yaml"), manifest(image)).unwrap();
        let link = daemon.path("manifests/..data_tmp");
        symlink(name, &link).unwrap();
        fs::rename(link, daemon.path("manifests/..data")).unwrap();
    };
    let daemon = Daemon::start("", |daemon| {
        fs::create_dir(daemon.path("manifests")).unwrap();
        version(daemon, "..2026_1", "a");
        symlink("..data/a.yaml", daemon.path("manifests/a.yaml")).unwrap();
    });
    daemon.has(&["a"]);
    version(&daemon, "..2026_2", "b");
    daemon.has(&["b"]);
    fs::remove_dir_all(daemon.path("manifests/..2026_1")).unwrap();
    version(&daemon, "..2026_3", "c");
    daemon.has(&["c"]);
    daemon.end();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a person with Git")]
fn a_checkout_of_hundreds_of_files_makes_few_passes() {
    let daemon = Daemon::start("", |daemon| {
        daemon.git("init -q -b main");
        with_manifests(daemon);
        fs::write(daemon.path(".gitignore"), "log\n.repave\n").unwrap();
        daemon.git("add -A");
        daemon.git("commit -qm one");
        daemon.git("checkout -qb many");
        for number in 0..300 {
            let suspended = format!("{}  suspend: true\n", manifest(&format!("n{number:03}")));
            let block = suspended.replace(
                "spec: { source: { imageId: wsi-source000 }, description: one }\n",
                "spec:\n  source: { imageId: wsi-source000 }\n  description: one\n",
            );
            fs::write(daemon.path(&format!("manifests/n{number:03}.yaml")), block).unwrap();
        }
        daemon.git("add -A");
        daemon.git("commit -qm many");
        daemon.git("checkout -q main");
    });
    daemon.has(&["a"]);
    let before = daemon.passes();
    daemon.git("checkout -q many");
    daemon.wait_for("all", || daemon.log().contains("manifests=301"));
    daemon.git("checkout -q main");
    daemon.wait_for("one", || daemon.log().matches("manifests=1 ").count() >= 2);
    daemon.has(&["a"]);
    let passes = daemon.passes() - before;
    assert!(passes <= 4, "{passes} passes: {}", daemon.log());
    daemon.end();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a shell")]
fn a_file_system_without_events_is_checked() {
    let daemon = Daemon::start("--watch-poll=1s", with_manifests);
    daemon.has(&["a"]);
    fs::write(daemon.path("manifests/b.yaml"), manifest("b")).unwrap();
    daemon.has(&["a", "b"]);
    daemon.end();
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a shell")]
fn events_that_were_lost_are_made_up_for() {
    let daemon = Daemon::start("", with_manifests);
    daemon.has(&["a"]);
    let id = daemon.child.as_ref().unwrap().id().to_string();
    let signal = |name: &str| {
        let status = Command::new("kill").args([name, &id]).status();
        assert!(status.unwrap().success());
    };
    signal("-STOP");
    // The queue holds 16,384 events unless set otherwise; two files by turns, for repeated events are one.
    for number in 0..6000 {
        for name in ["x", "y"] {
            fs::write(
                daemon.path(&format!("manifests/{name}.txt")),
                number.to_string(),
            )
            .unwrap();
        }
    }
    fs::create_dir(daemon.path("manifests/new")).unwrap();
    fs::write(daemon.path("manifests/new/b.yaml"), manifest("b")).unwrap();
    signal("-CONT");
    daemon.has(&["a", "b"]);
    fs::write(daemon.path("manifests/new/c.yaml"), manifest("c")).unwrap();
    daemon.has(&["a", "b", "c"]);
    daemon.end();
}

/// What the status file says of the manifests.
fn manifests_status(daemon: &Daemon) -> Value {
    let text = fs::read(daemon.path(".repave/simulated/status.json")).unwrap_or_default();
    let status: Value = serde_json::from_slice(&text).unwrap_or_default();
    status["manifests"].clone()
}

/// A repository with one commit, in which repave's own files are ignored.
fn in_repository(daemon: &Daemon) {
    with_manifests(daemon);
    edit(daemon.path(".gitignore"), "log\n.repave\n");
    daemon.git("init -q -b main");
    daemon.git("add -A");
    daemon.git("commit -qm one");
}

#[test]
fn manifests_that_are_not_committed_are_held_back_if_they_must_be() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let arguments = format!("--require-clean --branch main --health-addr {port}");
    let daemon = Daemon::start(&arguments, in_repository);
    daemon.has(&["a"]);
    let is_ready = || get(port, "/readyz").starts_with("HTTP/1.1 200");
    daemon.wait_for("ready", is_ready);
    let metric = || {
        let metrics = get(port, "/metrics");
        let mut samples = metrics.lines();
        let sample = samples.find(|line| line.starts_with("repave_manifests_held_back{"));
        sample.unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    let revision = manifests_status(&daemon)["revision"].clone();
    let held_back = |why: &str| {
        daemon.wait_for(why, || {
            let status = manifests_status(&daemon);
            let held = status["heldBack"].as_str().is_some_and(|h| h.contains(why));
            held && status["dirty"] == false && status["revision"] == revision
        });
        assert!(get(port, "/readyz").contains("--require-clean holds manifests back"));
        assert_eq!(metric(), "1");
        daemon.has(&["a"]);
    };
    let is_used = |names: &[&str]| {
        daemon.has(names);
        daemon.wait_for("used", || manifests_status(&daemon)["heldBack"].is_null());
        daemon.wait_for("ready again", is_ready);
        assert_eq!(metric(), "0");
    };
    // A manifest that is not committed, and then its commit: no file changes with it.
    edit(daemon.path("manifests/b.yaml"), manifest("b"));
    held_back("manifests/b.yaml is not in the commit. Commit or undo the change");
    let held = "WARN the manifests are held back, and the last valid set stays in use: manifests/b";
    assert_eq!(daemon.log().matches(held).count(), 1, "{}", daemon.log());
    daemon.git("add -A");
    held_back("manifests/b.yaml differs from the commit");
    // Another branch with the same files.
    daemon.git("checkout -q -b topic");
    daemon.git("commit -qm two");
    held_back("the checkout is on branch topic, but --branch requires main. Check out main");
    // And back, with its commit: Git changes no file.
    daemon.git("branch -f main");
    daemon.git("checkout -q main");
    is_used(&["a", "b"]);
    daemon.end();
}

#[test]
fn a_merge_conflict_is_in_the_status_at_once() {
    let daemon = Daemon::start("", in_repository);
    daemon.has(&["a"]);
    let file = daemon.path("manifests/a.yaml");
    let text = manifest("a");
    daemon.git("checkout -q -b topic");
    edit(file.clone(), text.replace("one", "two"));
    daemon.git("commit -qam two");
    daemon.git("checkout -q main");
    edit(file, text.replace("one", "three"));
    daemon.git("commit -qam three");
    let digest = || manifests_status(&daemon)["digest"].clone();
    let before = digest();
    daemon.wait_for("the last commit", || digest() != before);
    let before = digest();
    daemon.try_git("merge -q topic");
    let why = "Git is in the middle of a merge. Finish it, or run git merge --abort";
    daemon.wait_for(why, || manifests_status(&daemon)["heldBack"] == why);
    assert_eq!(digest(), before);
    assert!(daemon.log().contains(&format!(
        "WARN the manifests are held back, and the last valid set stays in use: {why}"
    )));
    daemon.git("merge --abort");
    daemon.wait_for("the end", || {
        manifests_status(&daemon)["heldBack"].is_null()
    });
    assert_eq!(digest(), before);
    let held = daemon.log().matches("WARN the manifests").count();
    assert_eq!(held, 1, "{}", daemon.log());
    daemon.end();
}

fn get(port: u16, path: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn health_is_served_where_it_is_asked_for_and_a_hangup_makes_a_pass() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let daemon = Daemon::start(&format!("--health-addr {port}"), with_manifests);
    daemon.is_watching();
    daemon.has(&["a"]);
    let get = |path: &str| get(port, path);
    assert!(get("/healthz").starts_with("HTTP/1.1 200"));
    daemon.wait_for("ready", || get("/readyz").starts_with("HTTP/1.1 200"));
    let passes = daemon.passes();
    daemon.signal("-HUP");
    daemon.wait_for("a pass", || daemon.passes() > passes);
    let metrics = get("/metrics");
    assert!(
        metrics
            .contains("repave_manifests_valid{account_id=\"111122223333\",region=\"eu-west-1\"} 1"),
        "{metrics}"
    );
    assert!(
        metrics.contains("repave_manifests{account_id=\"111122223333\",region=\"eu-west-1\"} 1"),
        "{metrics}"
    );
    daemon.end();
}

#[test]
fn systemd_is_notified_of_everything_even_during_a_pass() {
    let sockets = tempfile::tempdir().unwrap();
    let path = sockets.path().join("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    let (say, heard) = std::sync::mpsc::channel();
    // Read as it comes: what waits in the socket keeps the daemon from saying more.
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length) = socket.recv(&mut buffer) {
            let message = String::from_utf8_lossy(&buffer[..length]).trim().to_owned();
            if say.send(message).is_err() {
                break;
            }
        }
    });
    let hear = || heard.recv_timeout(PATIENCE).unwrap();
    let mut command = Command::new("env");
    command.arg(format!("NOTIFY_SOCKET={}", path.display()));
    command.args(["WATCHDOG_USEC=1000000", env!("CARGO_BIN_EXE_repave")]);
    // Three creates and their listing at one call in two seconds, after the burst: seconds without a turn of the loop.
    let daemon = Daemon::launch(command, "--api-rate 0.5", |daemon| {
        with_manifests(daemon);
        let names = ["b", "c", "d", "e", "f"].map(manifest).concat();
        edit(daemon.path("manifests/b.yaml"), names);
    });
    assert_eq!(hear(), "READY=1");
    let mut pings = 0;
    let status = loop {
        match hear() {
            message if message == "WATCHDOG=1" => pings += 1,
            message => break message,
        }
    };
    assert!(
        status.starts_with("STATUS=0 to create, 6 building"),
        "{status}"
    );
    assert!(pings >= 6, "{pings}");
    // The word comes while a pass runs: it is answered at once, and READY only after a pass of its own.
    edit(
        daemon.path("manifests/b.yaml"),
        ["g", "h", "i"].map(manifest).concat(),
    );
    daemon.wait_for("the second pass", || daemon.passes() > 1);
    daemon.signal("-HUP");
    let told = || {
        std::iter::repeat_with(&hear)
            .find(|message| !message.starts_with("WATCHDOG=1"))
            .unwrap()
    };
    let reloading = told();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(daemon.passes(), 2, "{}", daemon.log());
    while told() != "READY=1" {}
    assert!(daemon.passes() > 2, "{}", daemon.log());
    daemon.end();
    while told() != "STOPPING=1" {}
}

#[test]
fn a_status_file_that_cannot_be_used_at_the_start_is_waited_for() {
    let daemon = Daemon::start("", |daemon| {
        with_manifests(daemon);
        edit(daemon.path(".repave"), "in the folder's place");
    });
    daemon.wait_for("a word about it", || {
        daemon.log().contains("WARN cannot use the status file")
    });
    fs::rename(daemon.path(".repave"), daemon.path("away")).unwrap();
    daemon.has(&["a"]);
    assert!(
        daemon.log().contains("the status file can be used"),
        "{}",
        daemon.log()
    );
    daemon.end();
}

#[test]
fn a_second_signal_ends_it_even_if_nobody_reads_its_log() {
    let (_reader, mut writer) = std::io::pipe().unwrap();
    // As much as a pipe holds on Linux: the first line of the log waits for ever.
    std::io::Write::write_all(&mut writer, &vec![b'x'; 65536]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_repave"))
        .args(["reconcile", "--simulate", "--allow-empty"])
        .current_dir(folder.path())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(writer)
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        assert!(start.elapsed() < PATIENCE);
        let id = child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        pause(Duration::from_millis(300));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
    };
    // Killed before it listens for signals, by a machine that is slow, it has no code.
    assert!(matches!(status.code(), Some(8) | None), "{status:?}");
}

#[expect(clippy::disallowed_methods, reason = "a person's editor")]
fn edit(path: PathBuf, text: impl AsRef<[u8]>) {
    fs::write(path, text).unwrap();
}

#[expect(
    clippy::disallowed_methods,
    reason = "the daemon is another process, in real time"
)]
fn pause(duration: Duration) {
    std::thread::sleep(duration);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a shell")]
fn if_no_watch_is_left_files_are_checked_and_that_is_logged_once() {
    let limited = |then: &str| {
        let mut command = Command::new("unshare");
        let script = format!("echo 0 > /proc/sys/user/max_inotify_watches && {then}");
        command.args(["-Ur", "sh", "-c", &script]);
        command
    };
    if !limited("true")
        .output()
        .is_ok_and(|output| output.status.success())
    {
        eprintln!("left out: a user namespace of its own is not allowed here");
        return;
    }
    let mut command = limited("exec \"$0\" \"$@\"");
    command.arg(env!("CARGO_BIN_EXE_repave"));
    let daemon = Daemon::launch(command, "", with_manifests);
    daemon.has(&["a"]);
    for name in ["b", "c"] {
        fs::write(daemon.path("manifests/b.yaml"), manifest(name)).unwrap();
        daemon.has(&["a", name]);
    }
    assert_eq!(daemon.log().matches("WARN").count(), 1, "{}", daemon.log());
    daemon.end();
}
