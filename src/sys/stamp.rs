//! Detects whether a file has changed, without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// A value that changes with every write to a file, and when another file replaces it.
///
/// It contains the change time of the inode, because programs can set the modification time back. The kernel updates both
/// times once per tick: two writes a few milliseconds apart may have the same stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub(crate) fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    /// Returns whether both stamps are of the same file or directory, even if its content has changed.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        self.id() == other.id()
    }

    /// Returns what identifies the file or directory while it exists, whatever its path is.
    pub(crate) fn id(&self) -> FileId {
        FileId(self.device, self.inode)
    }
}

/// Identifies a file or directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileId(u64, u64);
