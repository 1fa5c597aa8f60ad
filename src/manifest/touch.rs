//! Whether manifest files were touched, without reading them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::problem::{self, Problem};
use super::read;
use crate::sys::stamp::Stamp;

/// The files and folders that [`load`](super::load) would read: equal to a later one of the same folder if nothing was
/// touched in between. A symbolic link counts as its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Touched {
    files: Vec<(Result<Stamp, io::ErrorKind>, PathBuf)>,
    links: Vec<PathBuf>,
    folders: Vec<PathBuf>,
    problems: Vec<Problem>,
}

impl Touched {
    /// Returns every file.
    pub(crate) fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|(_, path)| path.as_path())
    }

    /// Returns the files that are symbolic links.
    pub(crate) fn links(&self) -> &[PathBuf] {
        &self.links
    }

    /// Returns every folder that a new manifest could appear in, the outermost first.
    pub(crate) fn folders(&self) -> &[PathBuf] {
        &self.folders
    }
}

pub(crate) fn touched(folder: &Path) -> Touched {
    let read::Tree {
        files,
        folders,
        mut problems,
    } = read::find(folder);
    problem::sort(&mut problems);
    let stamp = |path: &Path| {
        let metadata = fs::metadata(path).map_err(|e| e.kind())?;
        Ok(Stamp::of(&metadata))
    };
    let links = files.iter().filter(|found| found.is_link);
    Touched {
        links: links.map(|found| found.path.clone()).collect(),
        files: files
            .into_iter()
            .map(|found| (stamp(&found.path), found.path))
            .collect(),
        folders,
        problems,
    }
}
