//! Finds and reads manifest files. It waits only for the disk, and reads no more of a file than is allowed.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry, File, FileType};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::problem::Problem;
use super::span::Span;
use super::yaml::limits::MAX_FILE_BYTES;

/// Deepest nesting of folders that is followed.
const MAX_FOLDER_DEPTH: usize = 16;

/// A file that may hold manifests.
#[derive(Debug)]
pub(super) struct Found {
    pub(crate) path: PathBuf,
    /// Its path below the folder as it was named.
    pub(crate) shown: String,
    /// Whether the path is a symbolic link.
    pub(crate) is_link: bool,
}

/// The content of a folder.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Every manifest file, in the order of their paths.
    pub(crate) files: Vec<Found>,
    /// Every folder that was listed, the folder itself included.
    pub(crate) folders: Vec<PathBuf>,
    /// Everything that may hide a manifest file.
    pub(crate) problems: Vec<Problem>,
}

/// Finds every manifest file below the folder.
pub(super) fn find(folder: &Path) -> Tree {
    let mut walk = Walk::default();
    walk.folders.push((folder.to_owned(), 0));
    walk.tree()
}

/// Finds every manifest file below the path. A file is a manifest file, whatever its name is.
pub(super) fn find_at(path: &Path) -> Tree {
    if path.is_dir() {
        return find(path);
    }
    let mut walk = Walk::default();
    walk.files.push((path.to_owned(), path.is_symlink()));
    walk.tree()
}

impl Tree {
    /// Adds what another tree has more: trees can overlap.
    pub(super) fn add(&mut self, other: Self) {
        self.files.extend(other.files);
        self.files.sort_unstable_by(|a, b| a.shown.cmp(&b.shown));
        let mut seen = BTreeSet::new();
        let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        self.files.retain(|file| seen.insert(real(&file.path)));
        self.folders.extend(other.folders);
        for problem in other.problems {
            if !self.problems.contains(&problem) {
                self.problems.push(problem);
            }
        }
    }
}

impl Walk {
    fn tree(mut self) -> Tree {
        let walk = &mut self;
        let mut folders = Vec::new();
        while let Some((folder, depth)) = walk.folders.pop() {
            walk.folder(&folder, depth);
            folders.push(folder);
        }
        folders.sort_unstable();
        // By bytes: comparing by components would cost more than opening the files.
        walk.files.sort_unstable_by(|(a, _), (b, _)| {
            a.as_os_str()
                .as_encoded_bytes()
                .cmp(b.as_os_str().as_encoded_bytes())
        });
        let files = self
            .files
            .into_iter()
            .map(|(path, is_link)| Found {
                shown: path.display().to_string(),
                path,
                is_link,
            })
            .collect();
        Tree {
            files,
            folders,
            problems: self.problems,
        }
    }
}

/// Returns where a relative path was looked up, and what else it may mean.
fn missing(folder: &Path) -> String {
    let Ok(whole) = std::path::absolute(folder) else {
        return String::new();
    };
    if folder.is_absolute() {
        return "set --manifests to the folder of the manifests".to_owned();
    }
    let above = whole
        .ancestors()
        .skip(2)
        .find(|above| above.join(folder).is_dir());
    let instead = above.map_or_else(
        || "the folder of the manifests".to_owned(),
        |above| above.join(folder).display().to_string(),
    );
    format!(
        "repave checked {}. Set --manifests to {instead}",
        whole.display()
    )
}

#[derive(Default)]
struct Walk {
    folders: Vec<(PathBuf, usize)>,
    /// Each with whether it is a symbolic link.
    files: Vec<(PathBuf, bool)>,
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
                let mut problem = Problem::of_file(
                    folder.display().to_string(),
                    "no such folder",
                    "a folder of manifests",
                );
                problem.help = missing(folder);
                self.problems.push(problem);
            }
            Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
                self.problem(
                    folder,
                    "found a file",
                    "a folder of manifests: set --manifests to the folder of the file",
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
        // The kind comes with the listing; only a link costs a call for its target.
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
        let is_link = kind.is_symlink();
        let kind = if is_link {
            match fs::metadata(&path) {
                // Following it could run in a circle, ignoring it would make manifests absent silently.
                Ok(target) if target.is_dir() => {
                    return self.problem(
                        &path,
                        "found a symbolic link to a folder",
                        "folders and symbolic links to files; a name that begins with '.' is ignored",
                    );
                }
                Ok(target) => target.file_type(),
                Err(e) => {
                    let found = format!("found a broken symbolic link: {e}");
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
            self.files.push((path, is_link));
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

/// Returns whether the extension is `.yaml` or `.yml`, in any case: a file that one system reads must not be absent on another.
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
        "something that is not a file"
    }
}

#[cfg(not(unix))]
fn kind_in_words(_: FileType) -> &'static str {
    "something that is not a file"
}

/// Reads a file's text into the buffer, which may be used for many files.
pub(super) fn text<'a>(file: &Found, buffer: &'a mut Vec<u8>) -> Result<&'a str, Box<Problem>> {
    let problem =
        |found: String, allowed: &str| Box::new(Problem::of_file(&file.shown, found, allowed));
    let unreadable = |e: io::Error| problem(format!("cannot be read: {e}"), "");
    let too_large = |size: String| {
        let allowed = "at most 262144 bytes (256 KiB); split the file";
        Err(problem(format!("found {size} bytes"), allowed))
    };
    let mut opened = open(&file.path).map_err(unreadable)?;
    // The listing called it a file, but the name may have been given to something else since.
    let metadata = opened.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        let kind = kind_in_words(metadata.file_type());
        return Err(problem(format!("found {kind}"), "a regular file"));
    }
    if metadata.len() > MAX_FILE_BYTES as u64 {
        return too_large(metadata.len().to_string());
    }
    let size = usize::try_from(metadata.len()).unwrap_or(MAX_FILE_BYTES);
    // One byte more than is allowed shows that a file has grown since.
    buffer.resize(MAX_FILE_BYTES + 1, 0);
    let mut filled = 0;
    loop {
        match opened.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(unreadable(e)),
        }
        if filled == size {
            break; // asking for the end would cost a tenth of reading a small file
        }
    }
    if filled > MAX_FILE_BYTES {
        return too_large(format!("more than {MAX_FILE_BYTES}"));
    }
    let bytes = &buffer[..filled];
    std::str::from_utf8(bytes).map_err(|e| {
        let (valid, rest) = bytes.split_at(e.valid_up_to());
        let byte = rest.first().copied().unwrap_or_default();
        let found = format!("found the byte 0x{byte:02x}, which is not UTF-8");
        let mut problem = problem(found, "text in UTF-8");
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            "save the file as UTF-8: it is UTF-16, as some Windows programs write it"
                .clone_into(&mut problem.help);
        }
        problem.span = Some(Span::after(&String::from_utf8_lossy(valid)));
        problem
    })
}

/// Opens a file without waiting for a writer, should its name be a pipe's by now.
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
