//! How much a text may hold: in bytes, in values and in depth.

/// The largest file that is read, in bytes: about nine hundred manifests.
pub const MAX_FILE_BYTES: usize = 256 * 1024;
/// Most nodes (scalars, lists and maps, keys included) of a file: twice what 256 KiB of manifests have.
///
/// Both parsers together take about 40 ms for as many in the costliest notation.
pub(crate) const MAX_NODES: u32 = 32 * 1024;
/// Deepest nesting. Kubernetes schemas, which may share a folder with manifests, reach about 40.
pub(crate) const MAX_DEPTH: usize = 64;
