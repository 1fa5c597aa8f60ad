//! Tells whether a file is still the one it was, without reading it.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

/// What changes with every write to a file, and with every file that takes its place.
///
/// The time of the last change of the inode is part of it, since programs can set the time of modification back. Both
/// times come from the kernel's tick: two writes within some milliseconds may bear one stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// The stamp of the file that this is about.
    pub(crate) fn of(file: &Metadata) -> Self {
        Self {
            device: file.dev(),
            inode: file.ino(),
            bytes: file.len(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }

    /// Tells whether both are of one file or folder, whatever was done to it in between.
    pub(crate) fn is_same_file(&self, other: &Self) -> bool {
        (self.device, self.inode) == (other.device, other.inode)
    }
}
