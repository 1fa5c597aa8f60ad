//! Hears that something in the manifests' folders was touched. An event only ever means "look again soon": what it says
//! happened is not believed, and one that is lost costs time, not correctness.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use notify::{ErrorKind, Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::sys::escape::escaped;

/// Events of the manifests' folders.
#[derive(Debug)]
pub struct Watch {
    source: Source,
    heard: Arc<Heard>,
}

#[derive(Debug)]
enum Source {
    /// The operating system's, once they could be had.
    System {
        folder: PathBuf,
        watcher: Option<RecommendedWatcher>,
        followed: BTreeSet<PathBuf>,
        failing: bool,
    },
    /// None, or whoever has the handle.
    Given,
}

/// What was heard since anybody listened.
#[derive(Debug, Default)]
struct Heard {
    something: Notify,
    /// Folders may have come, gone or changed places, or events were lost: what is watched must be asked for anew.
    stale: AtomicBool,
}

/// Makes a [`Watch`] hear something.
#[derive(Debug, Clone)]
pub struct Poke(Arc<Heard>);

impl Poke {
    /// As if a file had been touched.
    pub fn poke(&self) {
        self.0.something.notify_one();
    }
}

impl Watch {
    /// The operating system's events about the folder with manifests and those in it.
    pub fn system(folder: &Path) -> Self {
        Self {
            source: Source::System {
                // Events bear absolute paths, and a relative one has no parent to watch.
                folder: std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned()),
                watcher: None,
                followed: BTreeSet::new(),
                failing: false,
            },
            heard: Arc::default(),
        }
    }

    /// No events but those that the handle makes: for file systems that have none.
    pub fn given() -> (Self, Poke) {
        let heard = Arc::<Heard>::default();
        let watch = Self {
            source: Source::Given,
            heard: Arc::clone(&heard),
        };
        (watch, Poke(heard))
    }

    /// Waits until something was touched; several events before anyone waits are one.
    pub async fn heard(&self) {
        self.heard.something.notified().await;
    }

    /// Watches these folders, the manifests' own first, and whatever one of them may come back in. Tells whether every
    /// change will be heard; where not, somebody must look from time to time. The reason is logged once.
    ///
    /// Folders that are watched already cost nothing, so this can be asked after every look.
    pub fn follow(&mut self, folders: &[PathBuf]) -> bool {
        let Source::System {
            folder,
            watcher,
            followed,
            failing,
        } = &mut self.source
        else {
            return false;
        };
        if self.heard.stale.swap(false, Ordering::Relaxed) {
            forget(watcher.as_mut(), followed);
        }
        match watch(folder, folders, watcher, followed, &self.heard) {
            Ok(anew) => {
                if anew {
                    // What was touched before it was watched was not heard.
                    self.heard.something.notify_one();
                }
                if std::mem::take(failing) {
                    tracing::info!("changes of the manifests are heard of again");
                }
                true
            }
            Err(error) => {
                forget(watcher.as_mut(), followed);
                if !std::mem::replace(failing, true) {
                    let why = escaped(&error.to_string(), 300);
                    let advice = match error.kind {
                        ErrorKind::MaxFilesWatch => {
                            "; raise fs.inotify.max_user_watches or fs.inotify.max_user_instances"
                        }
                        _ => "",
                    };
                    tracing::warn!(
                        "changes of the manifests are not heard of, so they are looked for every few seconds: {why}{advice}"
                    );
                }
                false
            }
        }
    }
}

/// Watches what is wanted and no more; tells whether any of it was not watched before.
fn watch(
    folder: &Path,
    folders: &[PathBuf],
    watcher: &mut Option<RecommendedWatcher>,
    followed: &mut BTreeSet<PathBuf>,
    heard: &Arc<Heard>,
) -> notify::Result<bool> {
    let watcher = match watcher {
        Some(watcher) => watcher,
        None => watcher.insert(new_watcher(folder, heard)?),
    };
    let mut wanted: BTreeSet<PathBuf> = folders
        .iter()
        .filter_map(|folder| std::path::absolute(folder).ok())
        .collect();
    wanted.insert(folder.to_owned());
    // The nearest folder above that is there: the manifests' own may be removed and come back.
    wanted.extend(
        folder
            .ancestors()
            .skip(1)
            .find(|above| above.is_dir())
            .map(Path::to_owned),
    );
    for gone in followed.difference(&wanted) {
        // It may be gone for good, and its watch with it.
        let _ = watcher.unwatch(gone);
    }
    followed.retain(|path| wanted.contains(path));
    let mut anew = false;
    for path in wanted {
        if followed.contains(&path) {
            continue;
        }
        match watcher.watch(&path, RecursiveMode::NonRecursive) {
            Ok(()) => anew |= followed.insert(path),
            Err(error) if is_missing(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(anew)
}

/// Ends every watch: a folder that took another's place would be watched under one name with it.
fn forget(watcher: Option<&mut RecommendedWatcher>, followed: &mut BTreeSet<PathBuf>) {
    let paths = std::mem::take(followed);
    if let Some(watcher) = watcher {
        for path in paths {
            // It may have ended with its folder.
            let _ = watcher.unwatch(&path);
        }
    }
}

fn new_watcher(folder: &Path, heard: &Arc<Heard>) -> notify::Result<RecommendedWatcher> {
    let heard = Arc::clone(heard);
    let folder = folder.to_owned();
    notify::recommended_watcher(move |event: notify::Result<Event>| {
        let (relevant, stale) = match &event {
            Ok(event) => (is_relevant(event, &folder), makes_stale(event)),
            Err(_) => (true, true),
        };
        if relevant {
            if stale {
                heard.stale.store(true, Ordering::Relaxed);
            }
            heard.something.notify_one();
        }
    })
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

/// Tells what may change the manifests: something was written, and either below their folder or to one above it.
fn is_relevant(event: &Event, folder: &Path) -> bool {
    match event.kind {
        // Reading them is no change; repave does that itself.
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => {}
        EventKind::Access(_) => return false,
        _ => {}
    }
    event.need_rescan()
        || event.paths.is_empty()
        || event
            .paths
            .iter()
            .any(|path| path.starts_with(folder) || folder.starts_with(path))
}

fn makes_stale(event: &Event) -> bool {
    event.need_rescan()
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
    fn only_what_may_change_the_manifests_is_heard() {
        let data = EventKind::Modify(ModifyKind::Data(DataChange::Any));
        let closed = |mode| EventKind::Access(AccessKind::Close(mode));
        for (kind, path, relevant) in [
            (data, "/w/manifests/a.yaml", true),
            (data, "/w/manifests/deep/a.yaml", true),
            (EventKind::Create(CreateKind::Folder), "/w/manifests", true),
            (EventKind::Remove(RemoveKind::Folder), "/w", true),
            (data, "/w/README.md", false),
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
            assert_eq!(
                is_relevant(&event, Path::new("/w/manifests")),
                relevant,
                "{event:?}"
            );
        }
        let lost = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(is_relevant(&lost, Path::new("/w/manifests")) && makes_stale(&lost));
    }
}
