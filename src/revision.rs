//! Names the commit that a folder is checked out at, from Git's own files. It runs no program and changes nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// The longest file of Git's that is read here. A packed list of references grows with their number.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The branch and commit of the checkout that holds `folder`, as `main@sha1:<commit>` (`HEAD@...` with no branch), or
/// nothing where there is no checkout or no commit.
pub fn of(folder: &Path) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    let git = folder.ancestors().find_map(git_folder)?;
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
            crate::store::write_whole(&path, text.as_bytes()).unwrap();
        }
        let inner = folder.path().join("manifests/deep");
        fs::create_dir_all(&inner).unwrap();
        of(&inner)
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
}
