//! Finds and reads manifest files. It never waits on anything but a disk, and never reads more than one file may hold.

use std::fs::{self, DirEntry, File, FileType};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::place::Position;
use super::problem::Problem;
use super::yaml::limits::MAX_FILE_BYTES;

/// Deepest nesting of folders that is followed.
const MAX_FOLDER_DEPTH: usize = 16;

/// A file that may hold manifests.
#[derive(Debug)]
pub(super) struct Found {
    pub(crate) path: PathBuf,
    /// Its path as the person named the folder.
    pub(crate) shown: String,
}

/// What lies below a folder.
#[derive(Debug)]
pub(super) struct Tree {
    /// Every manifest file, in the order of their paths.
    pub(crate) files: Vec<Found>,
    /// Every folder that was looked into, itself included.
    pub(crate) folders: Vec<PathBuf>,
    /// Everything that hides a manifest file.
    pub(crate) problems: Vec<Problem>,
}

/// Finds every manifest file below the folder.
pub(super) fn find(folder: &Path) -> Tree {
    let mut walk = Walk::default();
    let mut folders = Vec::new();
    walk.folders.push((folder.to_owned(), 0));
    while let Some((folder, depth)) = walk.folders.pop() {
        walk.folder(&folder, depth);
        folders.push(folder);
    }
    folders.sort_unstable();
    // By bytes: comparing by components would cost more than opening the files.
    walk.files.sort_unstable_by(|a, b| {
        a.as_os_str()
            .as_encoded_bytes()
            .cmp(b.as_os_str().as_encoded_bytes())
    });
    let files = walk
        .files
        .into_iter()
        .map(|path| Found {
            shown: path.display().to_string(),
            path,
        })
        .collect();
    Tree {
        files,
        folders,
        problems: walk.problems,
    }
}

#[derive(Default)]
struct Walk {
    folders: Vec<(PathBuf, usize)>,
    files: Vec<PathBuf>,
    problems: Vec<Problem>,
}

impl Walk {
    fn folder(&mut self, folder: &Path, depth: usize) {
        match fs::read_dir(folder) {
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) => self.entry(&entry, depth),
                        Err(e) => self.unreadable(folder, &e),
                    }
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                self.problem(folder, "no such folder", "a folder of manifests");
            }
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
                self.problem(
                    folder,
                    "found a file",
                    "a folder of manifests: --manifests takes the one that the file is in",
                );
            }
            Err(e) => self.unreadable(folder, &e),
        }
    }

    fn entry(&mut self, entry: &DirEntry, depth: usize) {
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            return;
        }
        let path = entry.path();
        // The kind comes with the listing; only a link costs a look at what it points to.
        let kind = match entry.file_type() {
            Ok(kind) => kind,
            Err(e) => return self.unreadable(&path, &e),
        };
        if kind.is_dir() {
            if depth == MAX_FOLDER_DEPTH {
                let found = format!("found a folder nested deeper than {MAX_FOLDER_DEPTH}");
                return self.problem(&path, &found, "manifests in fewer levels of folders");
            }
            return self.folders.push((path, depth + 1));
        }
        let kind = if kind.is_symlink() {
            match fs::metadata(&path) {
                // Following could run in a circle, passing over would make manifests absent without a word.
                Ok(target) if target.is_dir() => {
                    return self.problem(
                        &path,
                        "found a symbolic link to a folder",
                        "folders and symbolic links to files; a name that begins with '.' is passed over",
                    );
                }
                Ok(target) => target.file_type(),
                Err(e) => {
                    let found = format!("found a symbolic link that leads nowhere: {e}");
                    return self.problem(&path, &found, "a link to a file");
                }
            }
        } else {
            kind
        };
        if !is_manifest_name(&path) {
            return;
        }
        if kind.is_file() {
            self.files.push(path);
        } else {
            let found = format!("found {}", kind_in_words(kind));
            self.problem(&path, &found, "a regular file");
        }
    }

    fn unreadable(&mut self, path: &Path, e: &io::Error) {
        self.problem(path, &format!("cannot be read: {e}"), "");
    }

    fn problem(&mut self, path: &Path, found: &str, allowed: &str) {
        let file = path.display().to_string();
        self.problems.push(Problem::of_file(file, found, allowed));
    }
}

/// Tells `.yaml` and `.yml`, in any case: a file that one system reads must not be absent on another.
fn is_manifest_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("yaml") || extension.eq_ignore_ascii_case("yml")
    })
}

#[cfg(unix)]
fn kind_in_words(kind: FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_block_device() || kind.is_char_device() {
        "a device"
    } else {
        "something that is no file"
    }
}

#[cfg(not(unix))]
fn kind_in_words(_: FileType) -> &'static str {
    "something that is no file"
}

/// Why a file's text could not be had.
#[derive(Debug)]
pub(super) enum Trouble {
    Unreadable(io::Error),
    NoFile(FileType),
    /// With the size, where it is known.
    TooLarge(Option<u64>),
    /// With the place and value of the first byte that does not belong.
    NotUtf8(Position, u8),
}

impl Trouble {
    pub(super) fn into_problem(self, file: String) -> Problem {
        match self {
            Self::Unreadable(e) => Problem::of_file(file, format!("cannot be read: {e}"), ""),
            Self::NoFile(kind) => Problem::of_file(
                file,
                format!("found {}", kind_in_words(kind)),
                "a regular file",
            ),
            Self::TooLarge(size) => Problem::of_file(
                file,
                match size {
                    Some(size) => format!("found {size} bytes"),
                    None => format!("found more than {MAX_FILE_BYTES} bytes"),
                },
                "at most 262144 bytes (256 KiB); split the file",
            ),
            Self::NotUtf8(position, byte) => Problem::of_file(
                file,
                format!("found the byte 0x{byte:02x}, which is no UTF-8"),
                "text in UTF-8",
            )
            .at(Some(position.into()), None),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(e: io::Error) -> Self {
        Self::Unreadable(e)
    }
}

/// Reads a file's text into the buffer, which may be used for many files.
pub(super) fn text<'a>(path: &Path, buffer: &'a mut Vec<u8>) -> Result<&'a str, Trouble> {
    let mut file = open(path)?;
    // The listing called it a file, but names can change hands; this asks the thing that was opened.
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Trouble::NoFile(metadata.file_type()));
    }
    if metadata.len() > MAX_FILE_BYTES as u64 {
        return Err(Trouble::TooLarge(Some(metadata.len())));
    }
    let size = usize::try_from(metadata.len()).unwrap_or(MAX_FILE_BYTES);
    // One byte more than may be tells a file that has grown since.
    buffer.resize(MAX_FILE_BYTES + 1, 0);
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => {
                filled += n;
                if filled == size {
                    break; // whole; asking again would cost a tenth of reading a small file
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e.into()),
        }
    }
    if filled > MAX_FILE_BYTES {
        return Err(Trouble::TooLarge(None));
    }
    let bytes = &buffer[..filled];
    std::str::from_utf8(bytes).map_err(|e| {
        let at = e.valid_up_to();
        Trouble::NotUtf8(Position::of(bytes, at), bytes[at])
    })
}

/// Opens a file; should its name have become a pipe's, opening that must not wait for a writer.
#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    /// From the kernel's `asm-generic/fcntl.h`, which both architectures use.
    const O_NONBLOCK: i32 = 0o4000;
    File::options()
        .read(true)
        .custom_flags(O_NONBLOCK)
        .open(path)
}

#[cfg(not(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
)))]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}
