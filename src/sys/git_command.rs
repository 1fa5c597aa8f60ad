//! Runs Git: without a shell, without input, with a time limit and a limit on the output. It changes no file.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::escape::escaped;

/// How long Git may take. A status of 10,000 files takes 0.03 s; a file system that does not answer takes for ever.
const LIMIT: Duration = Duration::from_secs(10);

/// The most output that is read, in bytes: about 200,000 paths.
const MAX_OUTPUT: u64 = 16 * 1024 * 1024;

/// The most of Git's messages that is read, in bytes.
const MAX_MESSAGES: u64 = 4096;

/// Options before the command. Git takes no lock, writes nothing, and starts no file system monitor.
const OPTIONS: [&str; 5] = [
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "status.renames=false",
];

/// Variables that point Git to another repository, index or commit, or change the meaning of a path. The caller of repave may
/// have set them for its own repository, as a Git hook does.
const REDIRECTS: [&str; 19] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DIR",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Git never asks the user, and fetches nothing.
const SETTINGS: [(&str, &str); 3] = [
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    ("LC_ALL", "C"),
];

/// The Git program.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    program: PathBuf,
    limit: Duration,
}

impl Default for Git {
    /// Returns the first Git on `PATH`.
    fn default() -> Self {
        Self {
            program: "git".into(),
            limit: LIMIT,
        }
    }
}

impl Git {
    /// Runs a Git command in the folder, and returns what it printed or why there is no answer. Dropping the future ends
    /// Git.
    pub(crate) async fn run(
        &self,
        folder: &Path,
        arguments: impl IntoIterator<Item = OsString>,
    ) -> Result<Vec<u8>, String> {
        let mut command = Command::new(&self.program);
        command.args(OPTIONS).arg("-C").arg(folder).args(arguments);
        for name in REDIRECTS {
            command.env_remove(name);
        }
        command
            .envs(SETTINGS)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let run = async {
            let mut child = command.spawn()?;
            let (out, err) = (child.stdout.take(), child.stderr.take());
            let (printed, messages) = tokio::try_join!(read(out, MAX_OUTPUT), read_beginning(err))?;
            Ok::<_, io::Error>((child.wait().await?, printed, messages))
        };
        let (status, printed, messages) = match tokio::time::timeout(self.limit, run).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                return Err("Git is not on PATH. Install Git".into());
            }
            Ok(Err(error)) => return Err(format!("Git cannot be run: {error}")),
            Err(_) => return Err(format!("Git did not end in {:?}", self.limit)),
        };
        if printed.len() as u64 == MAX_OUTPUT {
            return Err("Git printed 16 MiB or more".into());
        }
        if status.success() {
            return Ok(printed);
        }
        Err(refusal(
            &String::from_utf8_lossy(&messages),
            &status.to_string(),
        ))
    }
}

/// Returns why Git failed, from its messages.
fn refusal(messages: &str, status: &str) -> String {
    let mut lines = messages.lines().map(str::trim);
    let first = lines
        .clone()
        .find_map(|line| line.strip_prefix("fatal: "))
        .or_else(|| lines.find(|line| !line.is_empty()))
        .unwrap_or(status);
    let advice = if first.contains("dubious ownership") {
        ". Run repave as the owner of the checkout, or add the checkout to safe.directory in the configuration of Git"
    } else {
        ""
    };
    format!("Git refused: {}{advice}", escaped(first, 300))
}

async fn read(pipe: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(most).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Reads the beginning and discards the rest, so that Git never waits for its reader.
async fn read_beginning(mut pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let bytes = read(pipe.as_mut(), MAX_MESSAGES).await?;
    if let Some(pipe) = &mut pipe {
        tokio::io::copy(pipe, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Runs a script as Git.
    async fn run(script: &str, limit: Duration) -> Result<Vec<u8>, String> {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("git");
        crate::sys::files::write_whole(&program, format!("#!/bin/sh\n{script}\n").as_bytes())
            .unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let git = Git { program, limit };
        git.run(folder.path(), ["status".into()]).await
    }

    #[tokio::test]
    async fn git_has_a_limit_of_time_and_output_and_no_input() {
        let minute = Duration::from_mins(1);
        for (script, limit, expected) in [
            ("printf 'a\\0'; echo note >&2", minute, Ok("a\0")),
            (
                "exec sleep 60",
                Duration::from_millis(50),
                Err("Git did not end in 50ms"),
            ),
            // A process that Git started, and that keeps its output open.
            (
                "sleep 1 & exit 0",
                Duration::from_millis(50),
                Err("Git did not end in 50ms"),
            ),
            ("cat; echo $GIT_DIR$GIT_TERMINAL_PROMPT", minute, Ok("0\n")),
            (
                "yes | head -c 20000000",
                minute,
                Err("Git printed 16 MiB or more"),
            ),
            (
                "echo warning: w >&2; echo fatal: not a repository >&2; exit 128",
                minute,
                Err("Git refused: not a repository"),
            ),
            (
                "yes | head -c 1000000 >&2; exit 1",
                minute,
                Err("Git refused: y"),
            ),
            ("exit 3", minute, Err("Git refused: exit status: 3")),
            (
                "kill -9 $$",
                minute,
                Err("Git refused: signal: 9 (SIGKILL)"),
            ),
        ] {
            let printed = run(script, limit).await;
            let printed = printed.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(printed, expected, "{script}");
        }
    }
}
