//! The paths that `repave validate` is given: parts of the folder of manifests, or a separate set.

use std::io;
use std::path::{Path, PathBuf};

use super::problem::Problem;

/// What the paths select.
#[derive(Debug)]
pub(super) enum Scope {
    /// The whole folder.
    Whole,
    /// Parts of the folder, as its problems name them.
    Parts(Vec<Part>),
    /// Files and folders that are a separate set.
    Own,
}

/// A file or folder below the folder of manifests.
#[derive(Debug)]
pub(super) struct Part {
    /// The path as it was given.
    pub(super) given: PathBuf,
    /// The path below the folder as the folder was named.
    shown: PathBuf,
}

impl Part {
    /// Returns whether the file is this part, or is below it.
    pub(super) fn contains(&self, file: &str) -> bool {
        Path::new(file).starts_with(&self.shown)
    }

    /// Returns whether the problem is about this part. A problem of a folder hides everything below.
    pub(super) fn concerns(&self, problem: &Problem) -> bool {
        let mut files = std::iter::once(&problem.file).chain(&problem.also_in);
        files.any(|file| self.contains(file)) || self.shown.starts_with(&problem.file)
    }
}

/// Returns what the paths select. Either all of them are below the folder, or none.
pub(super) fn scope(folder: &Path, paths: &[PathBuf]) -> Result<Scope, String> {
    let root = folder.canonicalize().ok();
    let mut parts = Vec::new();
    let mut other = None;
    for path in paths {
        let real =
            real(path).map_err(|error| format!("cannot find {}: {error}", path.display()))?;
        match root.as_ref().and_then(|root| real.strip_prefix(root).ok()) {
            Some(below) => parts.push(Part {
                given: path.clone(),
                // Joining an empty path would add a slash.
                shown: folder.join(below).components().collect(),
            }),
            None => other = Some(path),
        }
    }
    match (parts.first(), other) {
        (None, None) => Ok(Scope::Whole),
        (Some(_), None) => Ok(Scope::Parts(parts)),
        (None, Some(_)) => Ok(Scope::Own),
        (Some(part), Some(other)) => Err(format!(
            "{} is below the folder of the manifests ({}), but {} is not. Validate them with two commands",
            part.given.display(),
            folder.display(),
            other.display()
        )),
    }
}

/// Returns the path without symbolic links in its folders. A link at its end stays, because a manifest can be a link.
fn real(path: &Path) -> io::Result<PathBuf> {
    path.symlink_metadata()?;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return path.canonicalize();
    };
    let is_here = parent.as_os_str().is_empty();
    let parent = if is_here { Path::new(".") } else { parent };
    Ok(parent.canonicalize()?.join(name))
}
