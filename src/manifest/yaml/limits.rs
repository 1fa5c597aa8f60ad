//! How much a file may hold.

/// The largest file that is read, in bytes: about nine hundred manifests.
pub const MAX_FILE_BYTES: usize = 256 * 1024;
/// Most nodes (scalars, lists and maps, keys included) of a file: twice what 256 KiB of manifests have.
pub(crate) const MAX_NODES: usize = 32 * 1024;
/// Deepest nesting. Kubernetes schemas, which may share a folder with manifests, reach about 40.
pub(crate) const MAX_DEPTH: usize = 64;
/// Most structural characters of a file. The position-keeping parser keeps a flow list or map as tokens of about 100
/// bytes until it ends, at most two for each of these.
pub(super) const MAX_MARKS: usize = 64 * 1024;
