//! Tells whether manifest files were touched, without reading them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::problem::{self, Problem};
use super::read;
use crate::sys::stamp::Stamp;

/// The files and folders that [`load`](super::load) would read, as they are now: equal to another of the same folder
/// if nothing was touched in between.
///
/// Of a symbolic link it is the file at its end that counts. Hidden files and whatever is no manifest do not count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Touched {
    files: Vec<(PathBuf, Result<Stamp, io::ErrorKind>)>,
    folders: Vec<PathBuf>,
    problems: Vec<Problem>,
}

impl Touched {
    /// Every folder that a new manifest could appear in, the outermost first.
    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }
}

/// Looks at everything that [`load`](super::load) would read.
pub(crate) fn touched(folder: &Path) -> Touched {
    let read::Tree {
        files,
        folders,
        mut problems,
    } = read::find(folder);
    problem::sort(&mut problems);
    let stamp = |path: &Path| match fs::metadata(path) {
        Ok(file) => Ok(Stamp::of(&file)),
        Err(error) => Err(error.kind()),
    };
    Touched {
        files: files
            .into_iter()
            .map(|found| (stamp(&found.path), found.path))
            .map(|(stamp, path)| (path, stamp))
            .collect(),
        folders,
        problems,
    }
}
