//! What Git's own files say of a checkout: its commit, and whether Git is at work on it. It runs no program and changes
//! nothing.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// The longest file of Git's that is read here. A packed list of references grows with their number.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The branch and commit of the checkout that holds `folder`, as `main@sha1:<commit>` (`HEAD@...` with no branch), or
/// nothing where there is no checkout or no commit.
pub(crate) fn revision(folder: &Path) -> Option<String> {
    let git = checkout_of(folder)?;
    let head = read(&git.join("HEAD"))?;
    let (branch, commit) = match head.strip_prefix("ref: ") {
        Some(reference) => {
            // A linked worktree keeps its own HEAD, and shares its branches with the main one.
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

/// What Git is doing to a checkout. Files below it may be of one commit or the other, or hold conflicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// It holds the lock of its index: files are being written, or a Git that died left the lock behind.
    Index,
    /// A rebase, merge, cherry-pick or revert has begun and not ended: a person may be at work on it.
    Sequence(&'static str),
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index => f.write_str("holds its index.lock"),
            Self::Sequence(what) => write!(f, "is in the middle of a {what}"),
        }
    }
}

/// What is there while Git is in the middle of something, in its folder of the checkout.
const UNFINISHED: [(&str, &str); 5] = [
    ("rebase-merge", "rebase"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
];

/// Tells what Git is doing to the checkout that holds `folder`, if anything.
pub(crate) fn work(folder: &Path) -> Option<Work> {
    let git = checkout_of(folder)?;
    let has = |name: &str| git.join(name).symlink_metadata().is_ok();
    let sequence = UNFINISHED.iter().find(|(name, _)| has(name));
    sequence
        .map(|(_, what)| Work::Sequence(what))
        .or_else(|| has("index.lock").then_some(Work::Index))
}

/// Git's folder of the checkout that holds `folder`; one that is missing counts as being where it would be.
fn checkout_of(folder: &Path) -> Option<PathBuf> {
    let folder = std::path::absolute(folder).ok()?;
    let there = folder
        .ancestors()
        .find_map(|folder| fs::canonicalize(folder).ok())?;
    there.ancestors().find_map(git_folder)
}

/// The folder with Git's files, if `folder` is the top of a checkout. In a linked worktree `.git` is a file.
fn git_folder(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    if git.is_dir() {
        return Some(git);
    }
    let link = read(&git)?;
    Some(folder.join(link.strip_prefix("gitdir: ")?))
}

/// A reference's commit in the packed list.
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

    /// A folder with these files of Git's, and what it is at.
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
    fn the_commit_is_found_however_git_keeps_it() {
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
    fn git_at_work_is_seen_even_below_a_missing_folder() {
        for (file, expected) in [
            ("HEAD", None),
            ("index.lock", Some(Work::Index)),
            ("rebase-merge/done", Some(Work::Sequence("rebase"))),
            ("rebase-apply/next", Some(Work::Sequence("rebase"))),
            ("MERGE_HEAD", Some(Work::Sequence("merge"))),
            ("CHERRY_PICK_HEAD", Some(Work::Sequence("cherry-pick"))),
            ("REVERT_HEAD", Some(Work::Sequence("revert"))),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(".git").join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            crate::sys::files::write_whole(&path, b"x").unwrap();
            assert_eq!(
                work(&folder.path().join("manifests/deep")),
                expected,
                "{file}"
            );
        }
    }
}
