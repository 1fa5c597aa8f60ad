//! The one door to files that repave writes: the status file and its lock, and whatever else must be whole on disk.
//!
//! It knows what a document is, not what stands in it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::model::target::Target;
use crate::state::status::{API_VERSION, KIND, Status};
use crate::sys::escape;
use crate::sys::files::{FileError, beside, failed, read_limited, shown, write_whole};
use crate::sys::lock::{Lock, LockError};
use crate::sys::stamp::Stamp;

/// The largest status file that is read. One entry takes about 1 KiB; this is room for 60,000 images.
const MAX_STATUS: u64 = 64 * 1024 * 1024;

/// What went wrong with a file of repave's own.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the lock, or the lock file can't be used.
    #[error(transparent)]
    Lock(#[from] LockError),
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
    #[error(transparent)]
    File(#[from] FileError),
    /// The document can't be printed.
    #[error("cannot print the status as JSON")]
    Print(#[source] serde_json::Error),
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
        Err(StoreError::File(error)) if error.is_not_found() => empty(None),
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
        Err(error) => return Err(failed("read", path)(error).into()),
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

/// The status file of a run that writes it: locked for as long as this lives.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// What the file says, so that saving the same again writes nothing.
    saved: Option<Status>,
    /// The file that says it.
    stamp: Option<Stamp>,
    lock: Lock,
}

impl Store {
    /// Takes the lock beside the status file, making its folder where needed.
    ///
    /// `holder` is what another process is told about this one.
    pub fn lock(path: &Path, holder: &str) -> Result<Self, StoreError> {
        Ok(Self {
            path: path.to_owned(),
            saved: None,
            stamp: None,
            lock: Lock::beside(path, holder)?,
        })
    }

    /// Makes sure that lock and file are still those that this left, as someone may have removed or replaced them, and
    /// says what was found. `status` is what the file should say.
    ///
    /// A file that says something else is set aside, and the next save writes the file anew.
    pub fn hold(&mut self, status: &Status) -> Result<Vec<String>, StoreError> {
        let mut found: Vec<String> = self.lock.hold()?.into_iter().collect();
        let there = match fs::symlink_metadata(&self.path) {
            Ok(there) => Some(Stamp::of(&there)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("look at", &self.path)(error).into()),
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
