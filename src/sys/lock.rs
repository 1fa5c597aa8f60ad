//! A lock file: only one process can hold it, and it names the process that holds it.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::escape;
use super::files::{FileError, beside, failed, ignore_in_git, make_new_folder, shown};
use super::stamp::Stamp;

/// The lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error(
        "another repave process holds {path}: {holder}. Wait until it exits, or use another file"
    )]
    Held { path: String, holder: String },
    #[error("{path} is a directory. Give the path of a file")]
    IsDirectory { path: String },
    #[error(transparent)]
    File(#[from] FileError),
}

/// A lock that is held until this value is dropped or the process exits. It cannot become stale.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    holder: String,
    file: File,
}

impl Lock {
    /// Takes the lock for this file, `<path>.lock`. Creates the directory if it is missing.
    pub(crate) fn beside(path: &Path, holder: &str) -> Result<Self, LockError> {
        if path.file_name().is_none() || path.is_dir() {
            return Err(LockError::IsDirectory { path: shown(path) });
        }
        Ok(Self {
            path: path.to_owned(),
            holder: holder.to_owned(),
            file: take(path, holder)?,
        })
    }

    /// Takes the lock again if the lock file was deleted, because a lock on a deleted file does not stop other processes.
    /// Returns a message for the log if that happened.
    pub(crate) fn ensure_held(&mut self) -> Result<Option<String>, LockError> {
        let path = beside(&self.path, "lock");
        let held = self.file.metadata().map_err(failed("check", &path))?;
        let is_there = fs::metadata(&path)
            .is_ok_and(|there| Stamp::of(&there).is_same_file(&Stamp::of(&held)));
        if is_there {
            return Ok(None);
        }
        self.file = take(&self.path, &self.holder)?;
        Ok(Some(format!(
            "{} was deleted. repave created and locked it again",
            shown(&path)
        )))
    }
}

fn take(path: &Path, holder: &str) -> Result<File, LockError> {
    let new_folder = make_new_folder(path)?;
    let lock_path = beside(path, "lock");
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&lock_path)
        .map_err(failed("open", &lock_path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // The other process may not have written its name yet.
            let _ = lock.take(512).read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "a process that has not written its name yet".to_owned(),
                name => escape::escaped(name, 200),
            };
            return Err(LockError::Held {
                path: shown(&lock_path),
                holder,
            });
        }
        Err(TryLockError::Error(error)) => return Err(failed("lock", &lock_path)(error).into()),
    }
    lock.set_len(0)
        .and_then(|()| lock.write_all(format!("{holder}\n").as_bytes()))
        .map_err(failed("write", &lock_path))?;
    // After the lock is taken: two processes that start at once must not both write it.
    if let Some(folder) = new_folder {
        ignore_in_git(&folder)?;
    }
    Ok(lock)
}

/// Returns how this process names itself in a lock file.
pub(crate) fn holder(command: &str, since: jiff::Timestamp) -> String {
    let mut text = format!("process {} ({command}) since {since}", std::process::id());
    if let Some(host) = host() {
        let _ = write!(text, " on {host}");
    }
    text
}

/// Returns the host name.
pub(crate) fn host() -> Option<String> {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_error_of_a_second_process_names_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        let _held = Lock::beside(&path, "process 7 \u{1b}[31m").unwrap();
        let message = Lock::beside(&path, "other").unwrap_err().to_string();
        assert!(message.contains("process 7 \\u{1b}[31m"), "{message}");
        // repave adds no .gitignore to a directory that existed before.
        assert_eq!(names(folder.path()), ["status.json.lock"]);
    }

    #[test]
    fn the_lock_names_only_its_current_holder() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        for holder in ["process 12345 (reconcile)", "process 1", "process 23"] {
            let _held = Lock::beside(&path, holder).unwrap();
            let written = fs::read_to_string(beside(&path, "lock")).unwrap();
            assert_eq!(written, format!("{holder}\n"));
        }
    }
}
