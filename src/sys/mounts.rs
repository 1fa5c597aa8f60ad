//! The file system that holds a folder, from the table of mounts that Linux keeps.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

/// File systems whose files another machine can change without an event on this one.
const SHARED: [&str; 14] = [
    "9p",
    "afs",
    "beegfs",
    "ceph",
    "cifs",
    "gfs2",
    "glusterfs",
    "lustre",
    "nfs",
    "nfs4",
    "ocfs2",
    "smb3",
    "vboxsf",
    "virtiofs",
];

/// Returns the type of the folder's file system if not every change sends an event.
pub(crate) fn without_events(folder: &Path) -> Option<String> {
    let table = fs::read_to_string("/proc/self/mountinfo").ok()?;
    // A folder that comes later is on the file system of the nearest folder above that exists.
    let whole = std::path::absolute(folder).ok()?;
    let real = whole
        .ancestors()
        .find_map(|above| above.canonicalize().ok())?;
    let kind = type_of(&table, &real)?;
    (SHARED.contains(&kind) || kind.starts_with("fuse")).then(|| kind.to_owned())
}

/// Returns the type of the mount that holds the folder: the longest mount point, and the last of equal ones.
fn type_of<'a>(table: &'a str, folder: &Path) -> Option<&'a str> {
    let mounts = table.lines().filter_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        Some((
            unescaped(mount.split(' ').nth(4)?),
            file_system.split(' ').next()?,
        ))
    });
    mounts
        .filter(|(point, _)| folder.starts_with(point))
        .max_by_key(|(point, _)| point.components().count())
        .map(|(_, kind)| kind)
}

/// Decodes a path of the table, in which a backslash and three octal digits stand for a byte.
fn unescaped(text: &str) -> PathBuf {
    let (mut bytes, mut left) = (Vec::new(), text.as_bytes());
    while let Some((first, rest)) = left.split_first() {
        let code = rest.get(..3).filter(|_| *first == b'\\');
        let code = code.and_then(|code| std::str::from_utf8(code).ok());
        let byte = code.and_then(|code| u8::from_str_radix(code, 8).ok());
        bytes.push(byte.unwrap_or(*first));
        left = if byte.is_some() { &rest[3..] } else { rest };
    }
    OsString::from_vec(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_on_the_mount_with_the_longest_point() {
        let table = "\
            21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n\
            30 21 0:40 / /srv rw - nfs4 server:/srv rw\n\
            31 30 0:41 /x /srv/my\\040images rw master:1 - tmpfs tmpfs rw\n\
            32 21 0:42 / /home rw - ext4 a rw\n\
            33 32 0:43 / /home rw - fuse.sshfs b rw\n\
            broken\n";
        for (folder, kind) in [
            ("/", "ext4"),
            ("/srv", "nfs4"),
            ("/srv/my images/a", "tmpfs"),
            ("/srv/my", "nfs4"),
            ("/srvx", "ext4"),
            ("/home/me", "fuse.sshfs"),
        ] {
            assert_eq!(type_of(table, Path::new(folder)), Some(kind), "{folder}");
        }
        assert_eq!(type_of("", Path::new("/")), None);
    }

    #[test]
    fn a_path_with_odd_backslashes_is_kept() {
        for (text, path) in [("/a\\134b", "/a\\b"), ("/a\\9", "/a\\9"), ("/a\\", "/a\\")] {
            assert_eq!(unescaped(text), Path::new(path), "{text}");
        }
    }
}
