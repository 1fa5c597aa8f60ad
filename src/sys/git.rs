//! Reads the state of a Git checkout from the files in `.git`: its commit, and whether a Git operation is in progress. It
//! does not run Git and does not change files.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The largest Git file that is read, in bytes. `packed-refs` grows with the number of references.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Returns the branch and commit of the checkout that contains `folder`, as `main@sha1:<commit>`, or `HEAD@...` without a
/// branch. Returns `None` without a checkout or a commit.
pub(crate) fn revision(folder: &Path) -> Option<String> {
    let git = git_directory_of(folder)?;
    let head = read(&git.join("HEAD"))?;
    let (branch, commit) = match head.strip_prefix("ref: ") {
        Some(reference) => {
            // A linked worktree has its own HEAD. Its branches are in the main worktree.
            let common = match read(&git.join("commondir")) {
                Some(common) => git.join(common),
                None => git,
            };
            let commit = read(&common.join(reference)).or_else(|| packed(&common, reference))?;
            (
                reference
                    .strip_prefix("refs/heads/")
                    .unwrap_or(reference)
                    .to_owned(),
                commit,
            )
        }
        None => ("HEAD".to_owned(), head),
    };
    let algorithm = match commit.len() {
        40 => "sha1",
        64 => "sha256",
        _ => return None,
    };
    let hexadecimal = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    hexadecimal.then(|| format!("{branch}@{algorithm}:{commit}"))
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
    let folder = std::path::absolute(folder).ok()?;
    let there = folder
        .ancestors()
        .find_map(|folder| fs::canonicalize(folder).ok())?;
    there.ancestors().find_map(git_directory)
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
        super::revision(&inner)
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
