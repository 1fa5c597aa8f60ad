//! What Git says of the manifests: their branch and commit, and whether the files are those of the commit. It changes
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use crate::manifest::Touched;
use crate::sys::escape::escaped;
use crate::sys::git::{self, GitStamp, Head};
use crate::sys::git_command::Git;

/// `--require-clean`: which manifests may be used.
#[derive(Debug, Clone, Default)]
pub struct RequireClean {
    /// The branch that the checkout must be on, if any.
    pub branch: Option<String>,
}

/// The revision of the manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Revision {
    files: Files,
    /// The checkouts that hold the manifests, as they were before Git was asked: the one of the folder comes first.
    checkouts: Vec<(PathBuf, GitStamp)>,
}

/// Whether the manifests are those of the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Files {
    Committed,
    /// What differs.
    Different(String),
    /// Why it is not known.
    Unknown(String),
}

impl Revision {
    /// Compares the files in the folder with their commit.
    pub(crate) async fn of(folder: &Path, seen: &Touched, git: &Git) -> Self {
        let mut checkouts = vec![(folder.to_owned(), git::stamp(folder))];
        let is_committed = checkouts.iter().any(|(_, stamp)| stamp.head.is_some());
        let files = match parts(folder, seen) {
            Ok(_) if !is_committed => {
                Files::Unknown("the checkout has no commit that repave can read".into())
            }
            Ok(parts) => {
                let others = parts.iter().filter(|part| !part.is_top);
                checkouts.extend(others.map(|part| (part.top.clone(), git::stamp(&part.top))));
                compare(&parts, git).await
            }
            Err(why) => Files::Unknown(why),
        };
        Self { files, checkouts }
    }

    /// Returns the same revision, where it is not known whether the files differ from it.
    pub(crate) fn unknown(self, why: &str) -> Self {
        Self {
            files: Files::Unknown(why.to_owned()),
            ..self
        }
    }

    /// Returns whether no commit, checkout or index has changed since.
    pub(crate) fn is_current(&self) -> bool {
        let mut checkouts = self.checkouts.iter();
        checkouts.all(|(folder, stamp)| git::stamp(folder) == *stamp)
    }

    /// Returns true if the files differ from the commit, and `None` if that is not known.
    pub(crate) fn dirty(&self) -> Option<bool> {
        match self.files {
            Files::Committed => Some(false),
            Files::Different(_) => Some(true),
            Files::Unknown(_) => None,
        }
    }

    /// Returns the branch and commit, with `+dirty` if the files differ from them.
    pub(crate) fn text(&self) -> Option<String> {
        let head = self.head()?;
        let dirty = if self.dirty() == Some(true) {
            "+dirty"
        } else {
            ""
        };
        Some(format!("{head}{dirty}"))
    }

    /// Returns why these manifests may not be used.
    pub(crate) fn objection(&self, rule: &RequireClean) -> Option<String> {
        if let (Some(wanted), Some(head)) = (&rule.branch, self.head())
            && head.branch.as_ref() != Some(wanted)
        {
            let found = match &head.branch {
                Some(branch) => format!("on branch {}", escaped(branch, 200)),
                None => "not on a branch".to_owned(),
            };
            let wanted = escaped(wanted, 200);
            return Some(format!(
                "the checkout is {found}, but --branch requires {wanted}. Check out {wanted}"
            ));
        }
        match &self.files {
            Files::Committed => None,
            Files::Different(what) => Some(format!("{what}. Commit or undo the change")),
            Files::Unknown(why) => Some(format!(
                "it is unknown whether the manifests differ from the commit: {why}"
            )),
        }
    }

    fn head(&self) -> Option<&Head> {
        self.checkouts.first()?.1.head.as_ref()
    }
}

/// The part of the manifests that is in one checkout.
#[derive(Debug)]
struct Part {
    /// The top of the checkout.
    top: PathBuf,
    /// Whether this is the checkout of the folder, and not a submodule.
    is_top: bool,
    /// The folder in the checkout that repave reads as a whole.
    folder: Option<PathBuf>,
    /// The files that repave reads, and the submodules that it reads files of, as paths below the top.
    expected: BTreeSet<PathBuf>,
    /// What is outside of the folder: targets of links, and submodules.
    others: Vec<PathBuf>,
}

/// The parts of the manifests, one for each checkout: a submodule or another repository may lie below the folder.
struct Parts {
    /// The folder of the manifests.
    folder: PathBuf,
    by_top: BTreeMap<PathBuf, Part>,
    /// The tops of the checkouts, by folders in them.
    tops: BTreeMap<PathBuf, Option<PathBuf>>,
}

fn parts(folder: &Path, seen: &Touched) -> Result<Vec<Part>, String> {
    let real = |path: &Path| fs::canonicalize(path).map_err(|error| error.to_string());
    let real_folder = real(folder)?;
    let top = git::top(&real_folder).ok_or("the folder is not in a Git checkout")?;
    let main = Part {
        is_top: true,
        folder: Some(real_folder.clone()),
        ..Part::new(top.clone())
    };
    let mut parts = Parts {
        folder: real_folder.clone(),
        by_top: BTreeMap::from([(top, main)]),
        tops: BTreeMap::new(),
    };
    for file in seen.files() {
        let below = file.strip_prefix(folder).unwrap_or(file);
        parts.add(real_folder.join(below), false)?;
    }
    for link in seen.links() {
        parts.add(real(link)?, true)?;
    }
    Ok(parts.by_top.into_values().collect())
}

impl Parts {
    /// Adds a file that repave reads, or a submodule that has such a file.
    fn add(&mut self, path: PathBuf, is_outside: bool) -> Result<(), String> {
        let outside = || format!("{} is not in the checkout", shown(&path));
        let top = self.top_of(&path).ok_or_else(outside)?;
        if !self.by_top.contains_key(&top) {
            self.add(top.clone(), true)?;
            let part = Part {
                folder: top.starts_with(&self.folder).then(|| top.clone()),
                ..Part::new(top.clone())
            };
            self.by_top.insert(top.clone(), part);
        }
        if let (Some(part), Ok(below)) = (self.by_top.get_mut(&top), path.strip_prefix(&top)) {
            part.expected.insert(below.to_owned());
            if is_outside {
                part.others.push(path);
            }
        }
        Ok(())
    }

    /// Returns the top of the checkout that a file is in.
    fn top_of(&mut self, file: &Path) -> Option<PathBuf> {
        let folder = file.parent()?;
        if let Some(top) = self.tops.get(folder) {
            return top.clone();
        }
        let top = git::top(folder);
        self.tops.insert(folder.to_owned(), top.clone());
        top
    }
}

impl Part {
    fn new(top: PathBuf) -> Self {
        Self {
            top,
            is_top: false,
            folder: None,
            expected: BTreeSet::new(),
            others: Vec::new(),
        }
    }
}

fn shown(path: &Path) -> String {
    escaped(&path.to_string_lossy(), 200)
}

async fn compare(parts: &[Part], git: &Git) -> Files {
    let main = parts.iter().find(|part| part.is_top);
    let main = main.map_or(Path::new(""), |part| &part.top);
    for part in parts {
        let show = |path: &Path| {
            let path = part.top.join(path);
            shown(path.strip_prefix(main).unwrap_or(&path))
        };
        match part.first_difference(git, show).await {
            Ok(None) => {}
            Ok(Some(what)) => return Files::Different(what),
            Err(why) => return Files::Unknown(why),
        }
    }
    Files::Committed
}

impl Part {
    /// Returns what differs from the commit, or why that is not known.
    async fn first_difference(
        &self,
        git: &Git,
        show: impl Fn(&Path) -> String,
    ) -> Result<Option<String>, String> {
        let folder = self.folder.as_ref().unwrap_or(&self.top);
        let status = ["status", "--porcelain", "-z", "--untracked-files=no"];
        let status = [&status[..], &["--ignore-submodules=dirty", "--"]].concat();
        let files = ["ls-files", "-v", "-z", "--full-name", "--"];
        let (changed, tracked) = tokio::join!(
            git.run(folder, self.arguments(&status)),
            git.run(folder, self.arguments(&files)),
        );
        let (changed, tracked) = (changed?, tracked?);
        // "XY path", for each file that is not the same in the folder, in the index and in the commit.
        let mut changed = records(&changed).map(|record| record.get(3..).unwrap_or_default());
        if let Some(path) = changed.find_map(|path| self.is_read(path).then(|| path_of(path))) {
            return Ok(Some(format!("{} differs from the commit", show(path))));
        }
        // "H path", for each file in the index. Git does not compare a file with another letter.
        let tracked: BTreeMap<&Path, u8> = records(&tracked)
            .filter_map(|record| Some((path_of(record.get(2..)?), *record.first()?)))
            .collect();
        for path in &self.expected {
            match tracked.get(path.as_path()) {
                Some(b'H') => {}
                Some(_) => {
                    return Err(format!(
                        "Git does not compare {}: git update-index has set assume-unchanged or skip-worktree",
                        show(path)
                    ));
                }
                None => return Ok(Some(format!("{} is not in the commit", show(path)))),
            }
        }
        Ok(None)
    }

    /// Returns the arguments of a Git command for all paths of this part.
    fn arguments(&self, command: &[&str]) -> Vec<OsString> {
        let manifests: &[&str] = match &self.folder {
            Some(_) => &[":(glob,icase)**/*.yaml", ":(glob,icase)**/*.yml"],
            None => &[],
        };
        let others = self.others.iter().map(|path| {
            let mut argument = OsString::from(":(literal)");
            argument.push(path);
            argument
        });
        let words = command.iter().chain(manifests);
        words.map(OsString::from).chain(others).collect()
    }

    /// Returns whether repave reads this file, or would if it were not deleted. It skips names that begin with a dot.
    fn is_read(&self, path: &[u8]) -> bool {
        let path = path_of(path);
        let is_hidden = |part: &OsStr| part.as_bytes().starts_with(b".");
        let folder = self.folder.as_ref();
        let folder = folder.and_then(|folder| folder.strip_prefix(&self.top).ok());
        match folder.map(|folder| path.strip_prefix(folder)) {
            Some(Ok(below)) => self.expected.contains(path) || !below.iter().any(is_hidden),
            Some(Err(_)) | None => true,
        }
    }
}

/// Splits output that ends each record with a null byte.
fn records(printed: &[u8]) -> impl Iterator<Item = &[u8]> {
    let records = printed.split(|byte| *byte == 0);
    records.filter(|record| !record.is_empty())
}

fn path_of(bytes: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(bytes))
}
