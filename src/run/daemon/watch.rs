//! Watches the manifests' folders. An event only means "check again soon": repave does not use its content, and a lost event
//! costs time, not correctness.

use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::sys::escape::escaped;
use crate::sys::git;

/// Events of the manifests' folders.
#[derive(Debug)]
pub struct Watch {
    source: Source,
    events: Arc<Events>,
}

#[derive(Debug)]
enum Source {
    /// The operating system's events.
    System {
        folder: PathBuf,
        watcher: Option<RecommendedWatcher>,
        active: BTreeSet<PathBuf>,
        failing: bool,
    },
    /// Only what a [`WatchHandle`] sends.
    Manual,
}

/// What happened since the last check.
#[derive(Debug, Default)]
struct Events {
    something: Notify,
    /// Folders may have been added, removed or moved, or events were lost: all watches must be renewed.
    stale: AtomicBool,
    /// The folders and links that lead to the manifests' folder.
    way: Mutex<BTreeSet<PathBuf>>,
}

/// Sends events to a [`Watch`].
#[derive(Debug, Clone)]
pub struct WatchHandle(Arc<Events>);

impl WatchHandle {
    /// Sends an event, as if a file had changed.
    pub fn notify(&self) {
        self.0.something.notify_one();
    }
}

impl Watch {
    /// Watches the manifests' folder and the folders in it, with the operating system's events.
    pub fn system(folder: &Path) -> Self {
        Self {
            source: Source::System {
                // Events have absolute paths, and a relative path has no parent folder to watch.
                folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
                watcher: None,
                active: BTreeSet::new(),
                failing: false,
            },
            events: Arc::default(),
        }
    }

    /// Returns a watch that gets its events from the handle only, for file systems that send none.
    pub fn manual() -> (Self, WatchHandle) {
        let events = Arc::<Events>::default();
        let watch = Self {
            source: Source::Manual,
            events: Arc::clone(&events),
        };
        (watch, WatchHandle(events))
    }

    /// Waits until something changed. Several events before the wait count as one.
    pub async fn changed(&self) {
        self.events.something.notified().await;
    }

    /// Watches these folders, and the folders that hold the folders and links on the way to the manifests' folder: any of these
    /// can be replaced, or come later. Returns whether events report every
    /// change; if not, the caller must check the files regularly. The reason is logged once.
    ///
    /// Folders that are already watched cost nothing, so this can be called after every check.
    pub fn watch(&mut self, folders: &[PathBuf]) -> bool {
        let Source::System {
            folder,
            watcher,
            active,
            failing,
        } = &mut self.source
        else {
            return false;
        };
        if self.events.stale.swap(false, Ordering::Relaxed) {
            unwatch_all(watcher.as_mut(), active);
        }
        match update(folder, folders, watcher, active, &self.events) {
            Ok(has_new) => {
                if has_new {
                    // A change before the watch began sent no event.
                    self.events.something.notify_one();
                }
                if std::mem::take(failing) {
                    tracing::info!("watching the manifests again");
                }
                true
            }
            Err(error) => {
                unwatch_all(watcher.as_mut(), active);
                if !std::mem::replace(failing, true) {
                    let why = escaped(&error.to_string(), 300);
                    let advice = match error.kind {
                        ErrorKind::MaxFilesWatch => {
                            ". Raise fs.inotify.max_user_watches or fs.inotify.max_user_instances"
                        }
                        _ => "",
                    };
                    tracing::warn!(
                        "cannot watch the manifests, so repave checks them every few seconds: {why}{advice}"
                    );
                }
                false
            }
        }
    }
}

/// Watches exactly the wanted folders; returns whether any of them was not watched before.
fn update(
    folder: &Path,
    folders: &[PathBuf],
    watcher: &mut Option<RecommendedWatcher>,
    active: &mut BTreeSet<PathBuf>,
    events: &Arc<Events>,
) -> notify::Result<bool> {
    let watcher = match watcher {
        Some(watcher) => watcher,
        None => watcher.insert(new_watcher(folder, events)?),
    };
    let mut wanted: BTreeSet<PathBuf> = folders
        .iter()
        .filter_map(|folder| std::path::absolute(folder).ok())
        .collect();
    wanted.insert(folder.to_owned());
    let way = way(folder);
    let above: BTreeSet<PathBuf> = way
        .iter()
        .filter_map(|place| place.parent())
        .map(Path::to_owned)
        .collect();
    wanted.extend(above.iter().cloned());
    *events.way.lock().unwrap_or_else(PoisonError::into_inner) = way;
    for gone in active.difference(&wanted) {
        // The folder may be deleted, and its watch with it.
        let _ = watcher.unwatch(gone);
    }
    active.retain(|path| wanted.contains(path));
    let mut has_new = false;
    for path in wanted {
        if active.contains(&path) {
            continue;
        }
        match watcher.watch(&path, RecursiveMode::NonRecursive) {
            Ok(()) => has_new |= active.insert(path),
            Err(error) if is_missing(&error) => {}
            // A folder that holds other users' files may not be readable. Few setups replace what is in it.
            Err(error) if above.contains(&path) && is_denied(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(has_new)
}

/// Ends every watch. A folder that replaced another one at the same path must be watched again.
fn unwatch_all(watcher: Option<&mut RecommendedWatcher>, active: &mut BTreeSet<PathBuf>) {
    let paths = std::mem::take(active);
    if let Some(watcher) = watcher {
        for path in paths {
            // The watch may have ended with its folder.
            let _ = watcher.unwatch(&path);
        }
    }
}

fn new_watcher(folder: &Path, events: &Arc<Events>) -> notify::Result<RecommendedWatcher> {
    let events = Arc::clone(events);
    let folder = folder.to_owned();
    notify::recommended_watcher(move |event: notify::Result<Event>| {
        let (relevant, stale) = match &event {
            Ok(event) => {
                let way = events.way.lock().unwrap_or_else(PoisonError::into_inner);
                (is_relevant(event, &folder, &way), makes_stale(event, &way))
            }
            Err(_) => (true, true),
        };
        if relevant {
            if stale {
                events.stale.store(true, Ordering::Relaxed);
            }
            events.something.notify_one();
        }
    })
}

/// Returns every folder and link that is passed on the way to the folder.
fn way(folder: &Path) -> BTreeSet<PathBuf> {
    /// More links than Linux follows.
    const MAX_LINKS: usize = 64;
    let parts = |path: &Path| -> Vec<OsString> {
        let parts = path.components();
        parts.map(|part| part.as_os_str().to_owned()).collect()
    };
    let mut left: VecDeque<OsString> = parts(folder).into();
    let (mut way, mut at, mut links) = (BTreeSet::new(), PathBuf::new(), 0);
    while let Some(part) = left.pop_front() {
        match Path::new(&part).components().next() {
            Some(Component::ParentDir) => {
                at.pop();
            }
            Some(Component::Normal(_)) => {
                at.push(&part);
                way.insert(at.clone());
                let Ok(target) = std::fs::read_link(&at) else {
                    continue;
                };
                links += 1;
                if links > MAX_LINKS {
                    break;
                }
                at.pop();
                for part in parts(&target).into_iter().rev() {
                    left.push_front(part);
                }
            }
            // A root begins anew.
            Some(Component::RootDir | Component::Prefix(_)) => at.push(&part),
            Some(Component::CurDir) | None => {}
        }
    }
    way
}

fn is_denied(error: &notify::Error) -> bool {
    matches!(&error.kind, ErrorKind::Io(error) if error.kind() == std::io::ErrorKind::PermissionDenied)
}

fn is_missing(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => matches!(
            error.kind(),
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
        ),
        _ => false,
    }
}

/// Returns whether the event may change the manifests or their commit: a write in their folder, to a folder or link on the way
/// to it, or to a file of Git.
fn is_relevant(event: &Event, folder: &Path, way: &BTreeSet<PathBuf>) -> bool {
    match event.kind {
        // Reading is not a change; repave reads the files itself.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => {}
        EventKind::Access(_) => return false,
        _ => {}
    }
    event.need_rescan()
        || event.paths.is_empty()
        || event
            .paths
            .iter()
            .any(|path| path.starts_with(folder) || way.contains(path) || git::is_state(path))
}

fn makes_stale(event: &Event, way: &BTreeSet<PathBuf>) -> bool {
    event.need_rescan()
        || event.paths.iter().any(|path| way.contains(path))
        || matches!(
            event.kind,
            EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(_))
        )
}

#[cfg(test)]
mod tests {
    use notify::event::{CreateKind, DataChange, Flag, RemoveKind};

    use super::*;

    #[test]
    fn only_events_that_may_change_the_manifests_count() {
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let closed = |mode| EventKind::Access(AccessKind::Close(mode));
        for (kind, path, relevant) in [
            (data, "/w/manifests/a.yaml", true),
            (data, "/w/manifests/deep/a.yaml", true),
            (EventKind::Create(CreateKind::Folder), "/w/manifests", true),
            (EventKind::Remove(RemoveKind::Folder), "/w", true),
            (data, "/w/README.md", false),
            (data, "/w/.git/index", true),
            (data, "/w/.git/refs/heads/main", true),
            (data, "/w/.git/MERGE_HEAD", true),
            (data, "/w/.git/FETCH_HEAD", false),
            (data, "/w/manifests2/a.yaml", false),
            (closed(AccessMode::Write), "/w/manifests/a.yaml", true),
            (closed(AccessMode::Read), "/w/manifests/a.yaml", false),
            (
                EventKind::Access(AccessKind::Open(AccessMode::Any)),
                "/w/manifests/a.yaml",
                false,
            ),
        ] {
            let event = Event::new(kind).add_path(path.into());
            let folder = Path::new("/w/manifests");
            let is = is_relevant(&event, folder, &way(folder));
            assert_eq!(is, relevant, "{event:?}");
        }
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        let none = BTreeSet::new();
        assert!(is_relevant(&lost, Path::new("/w/manifests"), &none) && makes_stale(&lost, &none));
    }
}
