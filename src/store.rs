//! The one door to files that repave writes: the status file and its lock, and whatever else must be whole on disk.
//!
//! It knows what a document is, not what stands in it.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::escape;
use crate::stamp::Stamp;
use crate::status::{API_VERSION, KIND, Status, Target};

/// The largest status file that is read. One entry takes about 1 KiB; this is room for 60,000 images.
const MAX_STATUS: u64 = 64 * 1024 * 1024;

/// What went wrong with a file of repave's own.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the lock.
    #[error("another repave holds {path}: {holder}; wait for it to end, or use another file")]
    Locked {
        /// The lock file.
        path: String,
        /// Who holds it, as it wrote itself down.
        holder: String,
    },
    /// The path is no place for a file.
    #[error("{path} is a folder; name a file in it")]
    NoFile {
        /// The path.
        path: String,
    },
    /// A rehearsal and a real account must not share a status file.
    #[error(
        "{path} is about {found}, and this run is about {wanted}; give it another --status-file"
    )]
    OtherWorld {
        /// The status file.
        path: String,
        /// What it is about.
        found: &'static str,
        /// What the run is about.
        wanted: &'static str,
    },
    /// A file or folder can't be used.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The document can't be printed.
    #[error("cannot print the status as JSON")]
    Print(#[source] serde_json::Error),
}

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = shown(path);
    move |source| StoreError::Io {
        action,
        path,
        source,
    }
}

fn shown(path: &Path) -> String {
    escape::escaped(&path.to_string_lossy(), 512)
}

/// A status file as it was read.
#[derive(Debug)]
pub struct Read {
    /// The status, or an empty one.
    pub status: Status,
    /// Why the file that was there is not used: it is unreadable or about another target.
    pub unusable: Option<String>,
}

/// Reads a status file without changing anything.
///
/// A file that is missing, unreadable or foreign gives an empty status: repave can do without its memory.
pub fn read(path: &Path, target: &Target) -> Result<Read, StoreError> {
    let empty = |unusable| Read {
        status: Status::new(target.clone()),
        unusable,
    };
    Ok(match read_any(path) {
        Ok(Ok(status)) if status.target.simulated != target.simulated => {
            let world = |simulated| {
                if simulated {
                    "a simulated account"
                } else {
                    "a real account"
                }
            };
            return Err(StoreError::OtherWorld {
                path: shown(path),
                found: world(status.target.simulated),
                wanted: world(target.simulated),
            });
        }
        Ok(Ok(status)) if status.is_foreign_to(target) => empty(Some(foreign(&status.target))),
        Ok(Ok(status)) => Read {
            status,
            unusable: None,
        },
        Ok(Err(why)) => empty(Some(why)),
        Err(StoreError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            empty(None)
        }
        Err(error) => return Err(error),
    })
}

/// Reads a status file of any target; the inner error says why the file is none of this version.
pub fn read_any(path: &Path) -> Result<Result<Status, String>, StoreError> {
    let bytes = match read_limited(path, MAX_STATUS) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            return Ok(Err(error.to_string()));
        }
        Err(error) => return Err(failed("read", path)(error)),
    };
    let status: Status = match serde_json::from_slice(&bytes) {
        Ok(status) => status,
        Err(error) => {
            return Ok(Err(format!(
                "it is no status file of this version: {error}"
            )));
        }
    };
    if status.api_version != API_VERSION || status.kind != KIND {
        return Ok(Err(format!(
            "it is a {} of {}",
            status.kind, status.api_version
        )));
    }
    Ok(Ok(status))
}

fn foreign(target: &Target) -> String {
    match &target.account_id {
        Some(account) => format!("it is about account {account} in {}", target.region),
        None => format!("it is about {}", target.region),
    }
}

/// Reads a regular file of at most `limit` bytes.
pub fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // Asked before it is opened: to open a pipe is to wait for its other end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let message = format!("it is larger than {} MiB", limit / 1024 / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// The status file of a run that writes it: locked for as long as this lives.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// What the file says, so that saving the same again writes nothing.
    saved: Option<Status>,
    /// The file that says it.
    stamp: Option<Stamp>,
    /// What another process is told about this one.
    holder: String,
    /// The lock ends with the process or with this, whichever comes first; it can't go stale.
    lock: File,
}

impl Store {
    /// Takes the lock beside the status file, making its folder where needed.
    ///
    /// `holder` is what another process is told about this one.
    pub fn lock(path: &Path, holder: &str) -> Result<Self, StoreError> {
        if path.file_name().is_none() || path.is_dir() {
            return Err(StoreError::NoFile { path: shown(path) });
        }
        let lock = Self::take_lock(path, holder)?;
        Ok(Self {
            path: path.to_owned(),
            saved: None,
            stamp: None,
            holder: holder.to_owned(),
            lock,
        })
    }

    fn take_lock(path: &Path, holder: &str) -> Result<File, StoreError> {
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
                return Err(StoreError::Locked {
                    path: shown(&lock_path),
                    holder,
                });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", &lock_path)(error)),
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

    /// Makes sure that lock and file are still those that this left, as someone may have removed or replaced them, and
    /// says what was found. `status` is what the file should say.
    ///
    /// A file that says something else is set aside, and the next save writes the file anew.
    pub fn hold(&mut self, status: &Status) -> Result<Vec<String>, StoreError> {
        let mut found = Vec::new();
        let lock_path = beside(&self.path, "lock");
        let held = self
            .lock
            .metadata()
            .map_err(failed("look at", &lock_path))?;
        let still = fs::metadata(&lock_path)
            .is_ok_and(|there| Stamp::of(&there).is_same_file(&Stamp::of(&held)));
        if !still {
            // A lock on a file that has no name any more keeps nobody out.
            self.lock = Self::take_lock(&self.path, &self.holder)?;
            found.push(format!("{} was gone; it is locked anew", shown(&lock_path)));
        }
        let there = match fs::symlink_metadata(&self.path) {
            Ok(there) => Some(Stamp::of(&there)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("look at", &self.path)(error)),
        };
        if there == self.stamp {
            return Ok(found);
        }
        if there.is_none() {
            found.push(format!(
                "{} was gone; it is written anew",
                shown(&self.path)
            ));
            (self.saved, self.stamp) = (None, None);
            return Ok(found);
        }
        match read_any(&self.path) {
            // Touched, or copied and moved back; or a save of which only the end failed.
            Ok(Ok(says)) if Some(&says) == self.saved.as_ref() || says == *status => {
                (self.saved, self.stamp) = (Some(says), there);
            }
            Ok(_) | Err(_) => {
                let aside = self.set_aside()?;
                found.push(format!(
                    "{} was replaced by something else, which was set aside as {aside}; it is written anew",
                    shown(&self.path)
                ));
            }
        }
        Ok(found)
    }

    /// Reads the status; one that can't be used is set aside under another name, which is returned with the reason.
    pub fn load(&mut self, target: &Target) -> Result<(Status, Option<String>), StoreError> {
        let Read { status, unusable } = read(&self.path, target)?;
        let Some(why) = unusable else {
            // A file that is not there says nothing, not even that there is nothing to remember.
            self.stamp = self.look();
            self.saved = self.stamp.is_some().then(|| status.clone());
            return Ok((status, None));
        };
        let aside = self.set_aside()?;
        Ok((
            status,
            Some(format!(
                "{} was set aside as {aside}: {}",
                shown(&self.path),
                escape::escaped(&why, 500)
            )),
        ))
    }

    /// Renames the status file to the first free name of the kind `status.json.aside-1`.
    pub fn set_aside(&mut self) -> Result<String, StoreError> {
        let mut number = 1_u32;
        let aside = loop {
            let name = beside(&self.path, &format!("aside-{number}"));
            match name.symlink_metadata() {
                Err(error) if error.kind() == io::ErrorKind::NotFound => break name,
                _ => number += 1,
            }
        };
        fs::rename(&self.path, &aside).map_err(failed("rename", &self.path))?;
        (self.saved, self.stamp) = (None, None);
        Ok(shown(&aside))
    }

    /// The stamp of the file as it is now, if it is there.
    fn look(&self) -> Option<Stamp> {
        let file = fs::symlink_metadata(&self.path).ok()?;
        Some(Stamp::of(&file))
    }

    /// Saves the status, whole or not at all; nothing is written when nothing changed. Tells whether it wrote.
    pub fn save(&mut self, status: &Status) -> Result<bool, StoreError> {
        if self.saved.as_ref() == Some(status) {
            return Ok(false);
        }
        let bytes = escape::to_json(status).map_err(StoreError::Print)?;
        write_whole(&self.path, &bytes)?;
        self.stamp = self.look();
        self.saved = Some(status.clone());
        Ok(true)
    }
}

/// The path with `.suffix` appended to its file name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes the folder that the file is to stand in. The outermost new one ignores itself in Git, and so all below it:
/// status belongs to a machine.
pub fn make_folder(path: &Path) -> Result<(), StoreError> {
    match make_new_folder(path)? {
        Some(outermost) => ignore_in_git(&outermost),
        None => Ok(()),
    }
}

/// Makes the folder that the file is to stand in, and gives the outermost new one.
fn make_new_folder(path: &Path) -> Result<Option<PathBuf>, StoreError> {
    let folder = folder_of(path);
    let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let outermost = folder.ancestors().take_while(missing).last();
    fs::create_dir_all(folder).map_err(failed("make the folder", folder))?;
    Ok(outermost.map(Path::to_owned))
}

fn ignore_in_git(folder: &Path) -> Result<(), StoreError> {
    write_whole(&folder.join(".gitignore"), b"*\n")
}

/// Writes a file so that at every instant the old or the new one is there, whole: temporary file, sync, rename, sync of
/// the folder. The temporary file has a fixed name, so that a killed process leaves at most one behind, and the next
/// write replaces it; callers make sure that there is one writer.
#[expect(clippy::disallowed_methods, reason = "this is the door")]
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let temporary = beside(path, "tmp");
    let write = || -> io::Result<()> {
        // Whatever bears the name is removed, not opened: it may be a link or a pipe.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder_of(path))?.sync_all()
    };
    write().map_err(failed("write", path))
}

/// Appends to a file that others append to as well, as a forge's step summary is.
pub fn append(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(bytes)
    };
    write().map_err(failed("write", path))
}

/// How this process names itself in a lock file.
pub fn holder(command: &str, since: jiff::Timestamp) -> String {
    let mut text = format!("process {} ({command}) since {since}", std::process::id());
    if let Ok(name) = fs::read_to_string("/proc/sys/kernel/hostname") {
        let _ = write!(text, " on {}", name.trim());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(region: &str) -> Target {
        Target {
            region: region.into(),
            account_id: None,
            simulated: false,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn saving_the_same_twice_writes_once_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/deep/status.json");
        let status = Status::new(target("eu-west-1"));
        let mut store = Store::lock(&path, "me").unwrap();
        store.load(&target("eu-west-1")).unwrap();
        assert!(store.save(&status).unwrap());
        assert!(!store.save(&status).unwrap());
        drop(store);
        let mut store = Store::lock(&path, "me").unwrap();
        assert_eq!(
            store.load(&target("eu-west-1")).unwrap(),
            (status.clone(), None)
        );
        assert!(!store.save(&status).unwrap());
        assert_eq!(names(&folder.path().join("new")), [".gitignore", "deep"]);
        assert_eq!(
            names(path.parent().unwrap()),
            ["status.json", "status.json.lock"]
        );
    }

    #[test]
    fn a_second_process_is_told_who_holds_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        let _held = Store::lock(&path, "process 7 \u{1b}[31m").unwrap();
        let message = Store::lock(&path, "other").unwrap_err().to_string();
        assert!(message.contains("process 7 \\u{1b}[31m"), "{message}");
        // Given a folder that was there before, repave puts no .gitignore into it.
        assert_eq!(names(folder.path()), ["status.json.lock"]);
    }

    #[test]
    fn the_lock_names_its_holder_and_nobody_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        for holder in ["process 12345 (reconcile)", "process 1", "process 23"] {
            let _held = Store::lock(&path, holder).unwrap();
            let written = fs::read_to_string(beside(&path, "lock")).unwrap();
            assert_eq!(written, format!("{holder}\n"));
        }
    }

    #[test]
    fn a_file_is_read_up_to_its_limit_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (text, fits) in [
            ("", true),
            ("123", true),
            ("1234", true),
            ("12345", false),
            ("123456789", false),
        ] {
            write_whole(&path, text.as_bytes()).unwrap();
            let read = read_limited(&path, 4).map_err(|error| error.kind());
            let expected = if fits {
                Ok(text.as_bytes().to_vec())
            } else {
                Err(io::ErrorKind::FileTooLarge)
            };
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn an_unusable_status_is_set_aside_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        let ours =
            String::from_utf8(escape::to_json(&Status::new(target("eu-west-1"))).unwrap()).unwrap();
        for (number, text) in [
            String::new(),
            "{".into(),
            ours.replace("v1alpha1", "v9"),
            ours.replace("eu-west-1", "us-east-1"),
            ours.replace("\"images\"", "\"image\""),
        ]
        .iter()
        .enumerate()
        {
            write_whole(&path, text.as_bytes()).unwrap();
            let mut store = Store::lock(&path, "me").unwrap();
            let (status, warning) = store.load(&target("eu-west-1")).unwrap();
            assert_eq!(status, Status::new(target("eu-west-1")), "{text}");
            assert!(warning.is_some_and(|w| w.contains("set aside")), "{text}");
            let aside = folder
                .path()
                .join(format!("status.json.aside-{}", number + 1));
            assert_eq!(fs::read_to_string(aside).unwrap(), *text);
        }
    }

    #[test]
    fn reading_alone_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        assert!(read(&path, &target("r")).unwrap().unusable.is_none());
        write_whole(&path, b"no json").unwrap();
        assert!(read(&path, &target("r")).unwrap().unusable.is_some());
        assert_eq!(names(folder.path()), ["status.json"]);
    }
}
