//! A checkout of its own for the binary, whose files and environment a test chooses to the byte.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A folder to run the binary in, with an environment that knows nothing of this machine.
pub struct House {
    folder: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

/// What a run left behind.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl House {
    /// Credentials as environment variables, and no metadata service.
    pub fn new() -> Self {
        let house = Self {
            folder: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
        };
        house
            .with("AWS_EC2_METADATA_DISABLED", "true")
            .with("AWS_REGION", "eu-west-1")
            .with("AWS_ACCESS_KEY_ID", "AKIDOFATEST")
            .with("AWS_SECRET_ACCESS_KEY", "secretofatest")
    }

    /// Sets a variable; an empty value takes it away.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        if !value.is_empty() {
            self.environment.push((name.to_owned(), value.to_owned()));
        }
        self
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    #[expect(clippy::disallowed_methods, reason = "whoever is hostile")]
    pub fn write(&self, name: impl AsRef<Path>, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    pub fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_repave"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", "/usr/bin:/bin")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it to its end.
    pub async fn run<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Ran {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output());
        Ran::of(output.await.unwrap().unwrap())
    }

    /// Runs it until `state`, and ends it by a signal.
    pub async fn run_until<S: AsRef<OsStr>>(
        &self,
        arguments: &[S],
        state: impl AsyncFnOnce(),
    ) -> Ran {
        let child = self.command(arguments).spawn().unwrap();
        state().await;
        end(child).await
    }
}

async fn end(child: Child) -> Ran {
    let kill = Command::new("kill").arg(child.id().to_string()).status();
    assert!(kill.unwrap().success());
    let output = tokio::task::spawn_blocking(move || child.wait_with_output());
    Ran::of(output.await.unwrap().unwrap())
}

impl Ran {
    fn of(output: Output) -> Self {
        let ran = Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        assert!(!ran.err.contains("panicked"), "{}", ran.err);
        ran
    }
}

/// Waits for a state; the test's own time limit is ten seconds.
pub async fn until(what: &str, mut state: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if state() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    panic!("not within ten seconds: {what}");
}
