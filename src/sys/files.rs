//! Reads files with a size limit, and writes files atomically. No other module writes files.
//!
//! It does not know the content of the files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::escape;

#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}")]
pub struct FileError {
    pub(crate) action: &'static str,
    pub(crate) path: String,
    pub(crate) source: io::Error,
}

impl FileError {
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// Returns a function that adds the action and the path to an I/O error.
pub(crate) fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = shown(path);
    move |source| FileError {
        action,
        path,
        source: with_advice(source),
    }
}

/// Adds what to do, where the kind of the error says it.
fn with_advice(error: io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::ResourceBusy => {
            "If the file is mounted alone, as in a container, mount its folder instead"
        }
        io::ErrorKind::ReadOnlyFilesystem => "Choose a folder that is not read-only",
        io::ErrorKind::PermissionDenied => {
            "Give the user of repave access to the file and its folder"
        }
        _ => return error,
    };
    io::Error::new(error.kind(), format!("{error}. {advice}"))
}

/// Returns the file that a symbolic link leads to, or the path itself: replacing the link would not replace that file.
pub(crate) fn behind_links(path: &Path) -> PathBuf {
    /// More links than Linux follows.
    const MAX_LINKS: usize = 64;
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            Err(_) => break,
        }
    }
    path
}

/// Returns the path as text that is safe to print.
pub(crate) fn shown(path: &Path) -> String {
    escape::escaped(&path.to_string_lossy(), 512)
}

/// Reads a regular file of at most `limit` bytes.
pub(crate) fn read_limited(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // Check first: opening a pipe waits for the other end.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let file = File::open(path)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let message = format!("it is larger than {} MiB", limit / 1024 / 1024);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(bytes)
}

/// Returns the path with `.suffix` appended to the file name.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(suffix);
    path.with_file_name(name)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Creates the parent directory of the file. If it is new, adds a `.gitignore`: the status belongs to one machine, not to
/// the repository.
pub(crate) fn make_folder(path: &Path) -> Result<(), FileError> {
    match make_new_folder(path)? {
        Some(outermost) => ignore_in_git(&outermost),
        None => Ok(()),
    }
}

/// Creates the parent directory of the file. Returns the topmost directory that is new.
pub(super) fn make_new_folder(path: &Path) -> Result<Option<PathBuf>, FileError> {
    let folder = folder_of(path);
    let missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
    let outermost = folder.ancestors().take_while(missing).last();
    fs::create_dir_all(folder).map_err(failed("create the directory", folder))?;
    Ok(outermost.map(Path::to_owned))
}

pub(super) fn ignore_in_git(folder: &Path) -> Result<(), FileError> {
    write_whole(&folder.join(".gitignore"), b"*\n")
}

/// Replaces a file atomically: writes a temporary file, syncs it, renames it, and syncs the directory. At every moment the
/// old or the new file is there, complete. The temporary file has a fixed name: a killed process leaves at most one, and the
/// next write replaces it. Callers must make sure that there is only one writer.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the only writer of files"
)]
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let temporary = beside(path, "tmp");
    let write = || -> io::Result<()> {
        // Remove an existing file instead of opening it: it may be a link or a pipe.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(folder_of(path))?.sync_all()
    };
    write().map_err(failed("write", path))
}

/// Appends to a file that other programs append to as well, such as the step summary of GitHub Actions.
pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(path)?;
        file.write_all(bytes)
    };
    write().map_err(failed("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_above_the_limit_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (text, fits) in [
            ("", true),
            ("123", true),
            ("1234", true),
            ("12345", false),
            ("123456789", false),
        ] {
            write_whole(&path, text.as_bytes()).unwrap();
            let read = read_limited(&path, 4).map_err(|error| error.kind());
            let expected = if fits {
                Ok(text.as_bytes().to_vec())
            } else {
                Err(io::ErrorKind::FileTooLarge)
            };
            assert_eq!(read, expected, "{text}");
        }
    }
}
