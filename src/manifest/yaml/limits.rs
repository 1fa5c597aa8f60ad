//! How much a file may hold.

/// The largest file that is read, in bytes: about nine hundred manifests.
pub const MAX_FILE_BYTES: usize = 256 * 1024;
/// Most nodes (scalars, lists and maps, keys included) of a file: twice what 256 KiB of manifests have.
pub(crate) const MAX_NODES: usize = 32 * 1024;
/// Deepest nesting. Kubernetes schemas, which may share a folder with manifests, reach about 40.
pub(crate) const MAX_DEPTH: usize = 64;
/// Most structural characters of a file: three times what 256 KiB of manifests have. The position-keeping parser keeps a
/// flow list or map as tokens until it ends, which takes up to 20 MiB and 20 ms for as many.
pub(super) const MAX_MARKS: usize = 48 * 1024;
