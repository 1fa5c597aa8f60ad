//! Where a target's status is stored: the operations that a run needs.

use std::future::Future;

use super::document::DocumentError;
use super::status::Status;
use crate::model::target::Target;
use crate::sys::files::FileError;
use crate::sys::lock::LockError;

/// The claim on one target's status, and its document.
pub trait Store: Send {
    /// Reads the status. An unusable document is set aside, with a warning. A document of a newer version is an error and stays
    /// unchanged.
    fn load(&mut self, target: &Target) -> impl Future<Output = Result<Loaded, StoreError>> + Send;

    /// Checks that this process holds the claim, takes the claim again if it was lost, and returns warnings. `status` is the
    /// expected content of the document.
    fn claim(
        &mut self,
        status: &Status,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Saves the status atomically. Returns false if the document already has the same content, so nothing was written.
    fn save(&mut self, status: &Status) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Renames the document, and returns its new path.
    fn set_aside(&mut self) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Gives up the claim.
    fn release(&mut self) -> impl Future<Output = ()> + Send;
}

/// A loaded status.
#[derive(Debug, PartialEq)]
pub struct Loaded {
    /// The status, or an empty one.
    pub status: Status,
    /// Why the existing document is not used, and where it is now.
    pub warning: Option<String>,
}

/// Why the status could not be used or saved.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the lock, or the lock file cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A simulated account and a real account must not share a status.
    #[error(
        "{path} is the status of {found}, but this run uses {wanted}. Choose another file with --status-file"
    )]
    SimulatedMismatch {
        path: String,
        found: &'static str,
        /// The kind of account that the run uses.
        wanted: &'static str,
    },
    /// The document has another version, or is not a status. It stays unchanged.
    #[error("cannot use {path}: {error}")]
    Document { path: String, error: DocumentError },
    /// A file or folder cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The document cannot be printed.
    #[error("cannot print the status as JSON")]
    Print(#[source] serde_json::Error),
}
