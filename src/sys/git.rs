//! Reads the state of a Git checkout from the files in `.git`: its commit, and whether a Git operation is in progress. It
//! does not run Git and does not change files.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use super::stamp::Stamp;

/// The largest Git file that is read, in bytes. `packed-refs` grows with the number of references.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The commit of a checkout, and its branch. It is shown as `main@sha1:<commit>`, or `HEAD@...` without a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// None if the checkout is not on a branch.
    pub(crate) branch: Option<String>,
    /// The algorithm and the digits.
    commit: String,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let branch = self.branch.as_deref().unwrap_or("HEAD");
        write!(f, "{branch}@{}", self.commit)
    }
}

/// Returns the commit of the checkout that contains `folder`. Returns `None` without a checkout or a commit.
pub(crate) fn head(folder: &Path) -> Option<Head> {
    let git = git_directory_of(folder)?;
    let head = read(&git.join("HEAD"))?;
    let (branch, commit) = match head.strip_prefix("ref: ") {
        Some(reference) => {
            let common = common_directory(&git);
            let commit = read(&common.join(reference)).or_else(|| packed(&common, reference))?;
            let branch = reference.strip_prefix("refs/heads/").unwrap_or(reference);
            (Some(branch.to_owned()), commit)
        }
        None => (None, head),
    };
    let algorithm = match commit.len() {
        40 => "sha1",
        64 => "sha256",
        _ => return None,
    };
    let hexadecimal = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then(|| Head {
        branch,
        commit: format!("{algorithm}:{commit}"),
    })
}

/// A value that changes with each commit, each checkout of another commit, and each change of the index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GitStamp {
    pub(crate) head: Option<Head>,
    index: Option<Stamp>,
}

/// Returns the stamp of the checkout that contains `folder`.
pub(crate) fn stamp(folder: &Path) -> GitStamp {
    let index = git_directory_of(folder).and_then(|git| fs::metadata(git.join("index")).ok());
    GitStamp {
        head: head(folder),
        index: index.map(|index| Stamp::of(&index)),
    }
}

/// Returns the top of the checkout that contains `folder`. `folder` need not exist.
pub(crate) fn top(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    let there = folder
        .ancestors()
        .find_map(|folder| fs::canonicalize(folder).ok())?;
    let top = there.ancestors().find(|top| git_directory(top).is_some());
    top.map(Path::to_owned)
}

/// Returns the folders in which a commit or a Git operation changes files: the Git directory, and the folder of the branch.
pub(crate) fn folders(folder: &Path) -> Vec<PathBuf> {
    let Some(git) = git_directory_of(folder) else {
        return Vec::new();
    };
    let head = read(&git.join("HEAD")).unwrap_or_default();
    let branch = head.strip_prefix("ref: ").and_then(|reference| {
        let file = common_directory(&git).join(reference);
        // Git makes the folder of a branch that is only in `packed-refs` at the next commit.
        let above = file.ancestors().skip(1).find(|above| above.is_dir());
        above.map(Path::to_owned)
    });
    [Some(git), branch].into_iter().flatten().collect()
}

/// Returns whether a path in one of [`folders`] may tell of a commit or a Git operation.
pub(crate) fn is_state(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| {
        ["HEAD", "index", "index.lock", "packed-refs"].contains(&name)
            || UNFINISHED.iter().any(|(unfinished, _)| *unfinished == name)
    }) || path.components().any(|part| part.as_os_str() == "refs")
}

/// A Git operation in progress. Files in the checkout may be of different commits, or contain conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GitOperation {
    /// `index.lock` exists: Git is writing files, or a Git process died and left the lock.
    IndexLock,
    /// An unfinished rebase, merge, cherry-pick or revert.
    Unfinished(&'static str),
}

impl fmt::Display for GitOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IndexLock => f.write_str("holds its index.lock"),
            Self::Unfinished(what) => write!(f, "is in the middle of a {what}"),
        }
    }
}

/// Files in the Git directory that show an unfinished operation.
const UNFINISHED: [(&str, &str); 5] = [
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
];

/// Returns the Git operation in progress in the checkout that contains `folder`.
pub(crate) fn operation_in_progress(folder: &Path) -> Option<GitOperation> {
    let git = git_directory_of(folder)?;
    let has = |name: &str| git.join(name).symlink_metadata().is_ok();
    let sequence = UNFINISHED.iter().find(|(name, _)| has(name));
    sequence
        .map(|(_, what)| GitOperation::Unfinished(what))
        .or_else(|| has("index.lock").then_some(GitOperation::IndexLock))
}

/// Returns the Git directory of the checkout that contains `folder`. `folder` need not exist.
fn git_directory_of(folder: &Path) -> Option<PathBuf> {
    git_directory(&top(folder)?)
}

/// Returns the directory of the branches. A linked worktree has its own HEAD; its branches are in the main worktree.
fn common_directory(git: &Path) -> PathBuf {
    match read(&git.join("commondir")) {
        Some(common) => git.join(common),
        None => git.to_owned(),
    }
}

/// Returns the Git directory if `folder` is the top of a checkout. In a linked worktree `.git` is a file.
fn git_directory(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let link = read(&git)?;
    Some(folder.join(link.strip_prefix("gitdir: ")?))
}

/// Returns the commit of a reference in `packed-refs`.
fn packed(git: &Path, reference: &str) -> Option<String> {
    let list = read(&git.join("packed-refs"))?;
    let mut lines = list.lines().filter_map(|line| line.split_once(' '));
    lines
        .find(|(_, name)| *name == reference)
        .map(|(commit, _)| commit.to_owned())
}

fn read(path: &Path) -> Option<String> {
    let about = fs::metadata(path).ok()?;
    if !about.is_file() || about.len() > MAX_FILE {
        return None;
    }
    Some(fs::read_to_string(path).ok()?.trim_end().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789012345678901234567890123456789";

    /// Writes these files into a new directory and returns its revision.
    fn revision(files: &[(&str, &str)]) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            crate::sys::files::write_whole(&path, text.as_bytes()).unwrap();
        }
        let inner = folder.path().join("manifests/deep");
        fs::create_dir_all(&inner).unwrap();
        head(&inner).map(|head| head.to_string())
    }

    #[test]
    fn the_commit_is_found_in_loose_and_packed_references() {
        let head = "ref: refs/heads/topic/a\n";
        let line = format!("{COMMIT}\n");
        let packed = format!("# pack-refs\n{COMMIT} refs/heads/topic/a\n");
        let found = Some(format!("topic/a@sha1:{COMMIT}"));
        for (files, expected) in [
            (
                &[(".git/HEAD", head), (".git/refs/heads/topic/a", &line)][..],
                &found,
            ),
            (
                &[(".git/HEAD", head), (".git/packed-refs", &packed)],
                &found,
            ),
            (
                &[(".git/HEAD", COMMIT)],
                &Some(format!("HEAD@sha1:{COMMIT}")),
            ),
            (&[(".git/HEAD", head)], &None),
            (
                &[
                    (".git", "gitdir: elsewhere/worktrees/w\n"),
                    ("elsewhere/worktrees/w/HEAD", head),
                    ("elsewhere/worktrees/w/commondir", "../..\n"),
                    ("elsewhere/refs/heads/topic/a", COMMIT),
                ],
                &found,
            ),
        ] {
            assert_eq!(revision(files), *expected, "{files:?}");
        }
    }

    #[test]
    fn a_git_operation_is_detected_even_below_a_missing_directory() {
        for (file, expected) in [
            ("HEAD", None),
            ("index.lock", Some(GitOperation::IndexLock)),
            (
                "rebase-merge/done",
                Some(GitOperation::Unfinished("rebase")),
            ),
            (
                "rebase-apply/next",
                Some(GitOperation::Unfinished("rebase")),
            ),
            ("MERGE_HEAD", Some(GitOperation::Unfinished("merge"))),
            (
                "CHERRY_PICK_HEAD",
                Some(GitOperation::Unfinished("cherry-pick")),
            ),
            ("REVERT_HEAD", Some(GitOperation::Unfinished("revert"))),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(".git").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            crate::sys::files::write_whole(&path, b"x").unwrap();
            assert_eq!(
                operation_in_progress(&folder.path().join("manifests/deep")),
                expected,
                "{file}"
            );
        }
    }
}
