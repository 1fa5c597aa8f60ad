//! A lock file: one process at a time, and the next one learns who holds it.

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
    #[error("another repave holds {path}: {holder}; wait for it to end, or use another file")]
    Held {
        path: String,
        /// Who holds it, as it wrote itself down.
        holder: String,
    },
    /// The path is no place for a file.
    #[error("{path} is a folder; name a file in it")]
    NoFile { path: String },
    /// The lock file can't be used.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A lock that is held for as long as this lives, or the process; it can't go stale.
#[derive(Debug)]
pub(crate) struct Lock {
    path: PathBuf,
    /// What another process learns about this one.
    holder: String,
    file: File,
}

impl Lock {
    /// Takes the lock beside this file, and makes its folder where needed.
    pub(crate) fn beside(path: &Path, holder: &str) -> Result<Self, LockError> {
        if path.file_name().is_none() || path.is_dir() {
            return Err(LockError::NoFile { path: shown(path) });
        }
        Ok(Self {
            path: path.to_owned(),
            holder: holder.to_owned(),
            file: take(path, holder)?,
        })
    }

    /// Takes the lock anew if its file is not there any more, and says so: a lock on a file without a name keeps nobody
    /// out.
    pub(crate) fn hold(&mut self) -> Result<Option<String>, LockError> {
        let path = beside(&self.path, "lock");
        let held = self.file.metadata().map_err(failed("look at", &path))?;
        let is_there = fs::metadata(&path)
            .is_ok_and(|there| Stamp::of(&there).is_same_file(&Stamp::of(&held)));
        if is_there {
            return Ok(None);
        }
        self.file = take(&self.path, &self.holder)?;
        Ok(Some(format!(
            "{} was gone; it is locked anew",
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
            // The other process may be writing its name this very moment: an empty one is no failure.
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
    // Only now: two processes that start at once must not both write it.
    if let Some(folder) = new_folder {
        ignore_in_git(&folder)?;
    }
    Ok(lock)
}

/// How this process names itself in a lock file.
pub(crate) fn holder(command: &str, since: jiff::Timestamp) -> String {
    let mut text = format!("process {} ({command}) since {since}", std::process::id());
    if let Some(host) = host() {
        let _ = write!(text, " on {host}");
    }
    text
}

/// Returns this machine's name, where the system tells it.
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
    fn a_second_process_is_told_who_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        let _held = Lock::beside(&path, "process 7 \u{1b}[31m").unwrap();
        let message = Lock::beside(&path, "other").unwrap_err().to_string();
        assert!(message.contains("process 7 \\u{1b}[31m"), "{message}");
        // Given a folder that was there before, repave puts no .gitignore into it.
        assert_eq!(names(folder.path()), ["status.json.lock"]);
    }

    #[test]
    fn the_lock_names_its_holder_and_nobody_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        for holder in ["process 12345 (reconcile)", "process 1", "process 23"] {
            let _held = Lock::beside(&path, holder).unwrap();
            let written = fs::read_to_string(beside(&path, "lock")).unwrap();
            assert_eq!(written, format!("{holder}\n"));
        }
    }
}
