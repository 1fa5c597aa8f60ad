//! The status file: it is read, locked, and saved atomically.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::document::{self, DocumentError, Unknown};
use super::status::Status;
use super::store::{Loaded, Store, StoreError};
use crate::model::target::Target;
use crate::sys::escape;
use crate::sys::files::{behind_links, beside, failed, read_limited, shown, write_whole};
use crate::sys::lock::Lock;
use crate::sys::stamp::Stamp;

/// The largest status file that is read. One entry takes about 1 KiB, so 60,000 images fit.
const MAX_STATUS: u64 = 64 * 1024 * 1024;

/// A status file that was read.
#[derive(Debug)]
pub struct Read {
    /// The status, or an empty one.
    pub status: Status,
    /// Why the existing file is not used: it is not JSON, or it is about another target.
    pub unusable: Option<String>,
}

/// Reads a status file without changing anything.
///
/// A file that is missing, not JSON or about another target gives an empty status: repave can work without its old status.
pub fn read(path: &Path, target: &Target) -> Result<Read, StoreError> {
    Ok(read_with_unknown(path, target)?.0)
}

fn read_with_unknown(path: &Path, target: &Target) -> Result<(Read, Unknown), StoreError> {
    let empty = |unusable| {
        let status = Status::new(target.clone());
        (Read { status, unusable }, Unknown::default())
    };
    Ok(match read_document(path) {
        Ok(Ok((status, _))) if status.target.simulated != target.simulated => {
            let account = |simulated| {
                if simulated {
                    "a simulated account"
                } else {
                    "a real account"
                }
            };
            return Err(StoreError::SimulatedMismatch {
                path: shown(path),
                found: account(status.target.simulated),
                wanted: account(target.simulated),
            });
        }
        Ok(Ok((status, _))) if status.is_foreign_to(target) => empty(Some(foreign(&status.target))),
        Ok(Ok((status, unknown))) => {
            let unusable = None;
            (Read { status, unusable }, unknown)
        }
        Ok(Err(why)) => empty(Some(why)),
        Err(StoreError::File(error)) if error.is_not_found() => empty(None),
        Err(error) => return Err(error),
    })
}

/// Reads a status file of any target; the inner error says why the file can be set aside.
pub fn read_any(path: &Path) -> Result<Result<Status, String>, StoreError> {
    Ok(read_document(path)?.map(|(status, _)| status))
}

fn read_document(path: &Path) -> Result<Result<(Status, Unknown), String>, StoreError> {
    let bytes = read_limited(path, MAX_STATUS).map_err(failed("read", path))?;
    match document::parse(&bytes) {
        Ok(read) => Ok(Ok(read)),
        Err(error @ DocumentError::NotJson(_)) => Ok(Err(error.to_string())),
        Err(error @ (DocumentError::Newer(_) | DocumentError::Other(_))) => {
            Err(StoreError::Document {
                path: shown(path),
                error,
            })
        }
    }
}

fn foreign(target: &Target) -> String {
    match &target.account_id {
        Some(account) => format!("it is about account {account} in {}", target.region),
        None => format!("it is about {}", target.region),
    }
}

/// The status file of a run that writes it. It is locked until it is released or dropped.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    /// The content of the file: saving the same content again writes nothing.
    saved: Option<Status>,
    unknown: Unknown,
    /// Identifies the file with that content.
    stamp: Option<Stamp>,
    lock: Option<Lock>,
}

impl FileStore {
    /// Takes the lock file beside the status file, and creates the folder if needed. If the path is a symbolic link, the lock
    /// and the status are those of the file that it leads to, so every name of the file has one lock.
    ///
    /// `holder` describes this process to other processes.
    pub fn lock(path: &Path, holder: &str) -> Result<Self, StoreError> {
        let path = behind_links(path);
        Ok(Self {
            lock: Some(Lock::beside(&path, holder)?),
            path,
            saved: None,
            unknown: Unknown::default(),
            stamp: None,
        })
    }

    /// Checks that the file is the one that this process wrote; returns a warning if not.
    fn check_file(&mut self, status: &Status) -> Result<Option<String>, StoreError> {
        let there = match fs::symlink_metadata(&self.path) {
            Ok(there) => Some(Stamp::of(&there)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed("check", &self.path)(error).into()),
        };
        if there == self.stamp {
            return Ok(None);
        }
        let found = match there {
            None => None,
            Some(_) => match read_document(&self.path) {
                Err(StoreError::File(error)) if error.is_not_found() => None,
                // A document of another version stays unchanged, and the pass fails.
                found => Some(found?),
            },
        };
        match found {
            None => {
                (self.saved, self.stamp) = (None, None);
                Ok(Some(format!(
                    "{} was removed; repave writes it again",
                    shown(&self.path)
                )))
            }
            // The file was touched, or copied and moved back, or only the last part of a save failed.
            Some(Ok((found, unknown)))
                if Some(&found) == self.saved.as_ref() || found == *status =>
            {
                (self.saved, self.unknown, self.stamp) = (Some(found), unknown, there);
                Ok(None)
            }
            Some(Ok(_) | Err(_)) => {
                let aside = self.move_aside()?;
                Ok(Some(format!(
                    "{} was replaced by another file, which was set aside as {aside}; repave writes its own again",
                    shown(&self.path)
                )))
            }
        }
    }

    /// Renames the status file to the first free name like `status.json.aside-1`.
    fn move_aside(&mut self) -> Result<String, StoreError> {
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
        self.unknown = Unknown::default();
        Ok(shown(&aside))
    }

    /// Returns the stamp of the file, if the file exists.
    fn current_stamp(&self) -> Option<Stamp> {
        let file = fs::symlink_metadata(&self.path).ok()?;
        Some(Stamp::of(&file))
    }

    fn read(&mut self, target: &Target) -> Result<Loaded, StoreError> {
        let (Read { status, unusable }, unknown) = read_with_unknown(&self.path, target)?;
        let warning = match unusable {
            None => {
                // A missing file counts as not saved, so the next save writes even an empty status.
                self.stamp = self.current_stamp();
                self.saved = self.stamp.is_some().then(|| status.clone());
                self.unknown = unknown;
                None
            }
            Some(why) => {
                let aside = self.move_aside()?;
                Some(format!(
                    "{} was set aside as {aside}: {}",
                    shown(&self.path),
                    escape::escaped(&why, 500)
                ))
            }
        };
        Ok(Loaded { status, warning })
    }

    fn write(&mut self, status: &Status) -> Result<bool, StoreError> {
        if self
            .saved
            .as_ref()
            .is_some_and(|saved| saved.has_same_content(status))
        {
            return Ok(false);
        }
        let bytes = document::print(status, &mut self.unknown).map_err(StoreError::Print)?;
        write_whole(&self.path, &bytes)?;
        self.stamp = self.current_stamp();
        self.saved = Some(status.clone());
        Ok(true)
    }
}

impl Store for FileStore {
    async fn load(&mut self, target: &Target) -> Result<Loaded, StoreError> {
        self.read(target)
    }

    async fn claim(&mut self, status: &Status) -> Result<Vec<String>, StoreError> {
        let lock = self
            .lock
            .as_mut()
            .map(Lock::ensure_held)
            .transpose()?
            .flatten();
        let file = self.check_file(status)?;
        Ok(lock.into_iter().chain(file).collect())
    }

    async fn save(&mut self, status: &Status) -> Result<bool, StoreError> {
        self.write(status)
    }

    async fn set_aside(&mut self) -> Result<String, StoreError> {
        self.move_aside()
    }

    async fn release(&mut self) {
        self.lock = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::status::Run;
    use serde_json::{Value, json};

    fn target(region: &str) -> Target {
        Target {
            region: region.into(),
            account_id: None,
            simulated: false,
            credentials: None,
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

    #[tokio::test]
    async fn saving_the_same_twice_writes_once_and_survives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/deep/status.json");
        let status = Status::new(target("eu-west-1"));
        let mut store = FileStore::lock(&path, "me").unwrap();
        store.load(&target("eu-west-1")).await.unwrap();
        assert!(store.save(&status).await.unwrap());
        assert!(!store.save(&status).await.unwrap());
        store.release().await;
        let mut store = FileStore::lock(&path, "me").unwrap();
        let loaded = store.load(&target("eu-west-1")).await.unwrap();
        assert_eq!(loaded.status, status);
        assert_eq!(loaded.warning, None);
        assert!(!store.save(&status).await.unwrap());
        assert_eq!(names(&folder.path().join("new")), [".gitignore", "deep"]);
        assert_eq!(
            names(path.parent().unwrap()),
            ["status.json", "status.json.lock"]
        );
    }

    #[tokio::test]
    async fn a_new_run_id_alone_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        let mut store = FileStore::lock(&path, "me").unwrap();
        let mut status = Status::new(target("eu-west-1"));
        let run = |id: &str| {
            Some(Run {
                id: id.into(),
                url: None,
                host: None,
                pid: 1,
                version: "1".into(),
            })
        };
        status.run = run("a");
        assert!(store.save(&status).await.unwrap());
        status.run = run("b");
        assert!(!store.save(&status).await.unwrap());
        status.manifests.digest = Some("sha256:1".into());
        assert!(store.save(&status).await.unwrap());
        assert!(fs::read_to_string(&path).unwrap().contains("\"id\": \"b\""));
    }

    fn ours() -> String {
        String::from_utf8(escape::to_json(&Status::new(target("eu-west-1"))).unwrap()).unwrap()
    }

    #[tokio::test]
    async fn a_broken_file_or_another_targets_file_is_set_aside_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        for (number, text) in [
            String::new(),
            "{".into(),
            ours().replace("eu-west-1", "us-east-1"),
        ]
        .iter()
        .enumerate()
        {
            write_whole(&path, text.as_bytes()).unwrap();
            let mut store = FileStore::lock(&path, "me").unwrap();
            let Loaded { status, warning } = store.load(&target("eu-west-1")).await.unwrap();
            assert_eq!(status, Status::new(target("eu-west-1")), "{text}");
            assert!(warning.is_some_and(|w| w.contains("set aside")), "{text}");
            let aside = folder
                .path()
                .join(format!("status.json.aside-{}", number + 1));
            assert_eq!(fs::read_to_string(aside).unwrap(), *text);
        }
    }

    #[tokio::test]
    async fn a_document_of_another_version_stops_the_run_and_stays_unchanged() {
        for (text, says) in [
            (
                ours().replace("\"formatVersion\": 1", "\"formatVersion\": 2"),
                "formatVersion 2",
            ),
            // The rest of a newer version's document may be unreadable.
            (
                ours()
                    .replace("\"formatVersion\": 1", "\"formatVersion\": 2")
                    .replace("\"images\": []", "\"images\": 7"),
                "formatVersion 2",
            ),
            (
                ours().replace("\"formatVersion\": 1", "\"formatVersion\": 0"),
                "formatVersion 0",
            ),
            (
                ours().replace("\"formatVersion\": 1,", ""),
                "formatVersion missing",
            ),
            (ours().replace("v1alpha1", "v9"), "apiVersion repave.dev/v9"),
            (
                ours().replace("\"images\"", "\"image\""),
                "missing field `images`",
            ),
            // JSON that the parser cannot hold is JSON all the same.
            (
                ours().replace("\"formatVersion\": 1", "\"x\": 1e999, \"formatVersion\": 2"),
                "formatVersion 2",
            ),
            (
                ours().replace(
                    "\"formatVersion\": 1",
                    "\"formatVersion\": 1, \"x\": \"\\ud800\"",
                ),
                "hex escape",
            ),
            (
                ours().replace(
                    "\"formatVersion\": 1",
                    &format!(
                        "\"formatVersion\": 1, \"x\": {}{}",
                        "[".repeat(200),
                        "]".repeat(200)
                    ),
                ),
                "recursion limit",
            ),
            ("{}".into(), "kind missing"),
            ("[]".into(), "kind missing"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("status.json");
            write_whole(&path, text.as_bytes()).unwrap();
            let mut store = FileStore::lock(&path, "me").unwrap();
            let error = store.load(&target("eu-west-1")).await.unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            // If it appears during a run, the pass fails.
            let status = Status::new(target("eu-west-1"));
            assert!(store.save(&status).await.unwrap());
            write_whole(&path, text.as_bytes()).unwrap();
            let error = store.claim(&status).await.unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
            assert_eq!(names(folder.path()), ["status.json", "status.json.lock"]);
        }
    }

    #[tokio::test]
    async fn a_link_to_a_status_file_stays_a_link_and_every_name_has_one_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (
            folder.path().join("real.json"),
            folder.path().join("link.json"),
        );
        let far = folder.path().join("far.json");
        std::os::unix::fs::symlink("link.json", &far).unwrap();
        std::os::unix::fs::symlink("real.json", &link).unwrap();
        for name in [&far, &link, &real] {
            let mut store = FileStore::lock(name, "me").unwrap();
            for other in [&far, &link, &real] {
                let busy = FileStore::lock(other, "other");
                assert!(matches!(busy, Err(StoreError::Lock(_))), "{busy:?}");
            }
            let status = store.load(&target("eu-west-1")).await.unwrap().status;
            store.save(&status).await.unwrap();
            store.release().await;
            assert!(link.is_symlink() && far.is_symlink() && !real.is_symlink());
            assert!(matches!(read_any(name), Ok(Ok(_))));
        }
    }

    #[tokio::test]
    async fn fields_of_a_newer_version_are_kept_with_their_object() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        let at = "2026-11-22T12:00:00Z";
        let condition = |kind: &str| json!({"type": kind, "status": "True", "reason": "Missing", "message": "m", "lastTransitionTime": at, "new": kind});
        let image = |name: &str| {
            json!({
                "kind": "UpdatedImage", "name": name, "imageName": name, "manifest": null, "withdrawnAt": null, "observedDigest": "",
                "imageId": null, "group": "due", "due": "create",
                "createdWith": {"imageId": null, "afterOther": false, "at": at, "digest": "", "sourceImageId": "", "description": "", "tags": {}, "new": name},
                "drift": [{"field": "source", "image": null, "manifest": null, "new": name}],
                "conditions": [condition("Ready"), condition("Stalled")], "createRequestedAt": null,
                "firstSeenAt": null, "missingSince": null, "attempts": 0, "nextRetryAt": null, "lastError": null,
                "new": {"of": name},
            })
        };
        let entry = |name: &str| {
            json!({
                "at": at, "subject": {"target": "default", "kind": "UpdatedImage", "name": name}, "step": "create",
                "from": "wsi-1", "to": name, "result": {"imageId": name, "reason": null, "code": null, "new": name}, "requestId": null, "revision": null, "run": null, "new": name,
            })
        };
        let mut document: Value = serde_json::from_str(&ours()).unwrap();
        document["new"] = json!([1, {"a": null}]);
        document["target"]["new"] = json!("t");
        document["images"] = json!([image("a"), image("b")]);
        document["history"] = json!([entry("a"), entry("b")]);
        write_whole(&path, document.to_string().as_bytes()).unwrap();

        let mut store = FileStore::lock(&path, "me").unwrap();
        let mut status = store.load(&target("eu-west-1")).await.unwrap().status;
        assert!(!store.save(&status).await.unwrap());
        // One image is removed; the other one loses a condition and changes.
        status.images.remove(0);
        status.images[0].conditions.remove(0);
        status.images[0].attempts = 7;
        assert!(store.save(&status).await.unwrap());
        let mut expected = document.clone();
        expected["images"] = json!([image("b")]);
        expected["images"][0]["conditions"] = json!([condition("Stalled")]);
        expected["images"][0]["attempts"] = json!(7);
        let saved: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!(saved, expected);
    }

    #[tokio::test]
    async fn fields_of_a_newer_version_are_dropped_with_their_object() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("status.json");
        let run = |id: &str| json!({"id": id, "url": null, "host": null, "pid": 1, "version": "1"});
        let entry = |at: &str| {
            json!({
                "at": at, "subject": {"target": "default", "kind": "UpdatedImage", "name": "a", "new": 1}, "step": "create",
                "from": "wsi-1", "to": "a", "result": null, "requestId": null, "revision": null, "run": null,
                "imageName": "x", "type": "y",
            })
        };
        let mut document: Value = serde_json::from_str(&ours()).unwrap();
        document["run"] = run("one");
        document["run"]["new"] = json!(1);
        document["manifests"]["new"] = json!(1);
        document["listingError"] = json!({"reason": "Throttled", "code": null, "message": "", "since": "2026-11-22T12:00:00+00:00", "new": 1});
        document["history"] = json!([
            entry("2026-11-22T13:00:00+01:00"),
            entry("2026-11-22T12:00:01.000Z")
        ]);
        write_whole(&path, document.to_string().as_bytes()).unwrap();
        let mut store = FileStore::lock(&path, "me").unwrap();
        let mut status = store.load(&target("eu-west-1")).await.unwrap().status;
        let read = || -> Value { serde_json::from_slice(&fs::read(&path).unwrap()).unwrap() };

        // Times are written in one form, and the fields of their objects stay.
        status.target.account_id = Some("111122223333".into());
        assert!(store.save(&status).await.unwrap());
        let mut expected = document.clone();
        expected["target"]["accountId"] = json!("111122223333");
        expected["listingError"]["since"] = json!("2026-11-22T12:00:00Z");
        expected["history"] = json!([entry("2026-11-22T12:00:00Z"), entry("2026-11-22T12:00:01Z")]);
        assert_eq!(read(), expected);

        // Another run, other manifests, another failure: the old objects' fields are dropped, even if the old objects come back.
        let before = status.clone();
        status.run = serde_json::from_value(run("two")).unwrap();
        status.manifests.revision = Some("main@sha1:1".into());
        status.listing_error = None;
        for status in [&status, &before] {
            assert!(store.save(status).await.unwrap());
            let read = read();
            let new = [
                &read["run"]["new"],
                &read["manifests"]["new"],
                &read["listingError"]["new"],
            ];
            assert_eq!(new, [&Value::Null; 3]);
            assert_eq!(read["history"], expected["history"]);
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
