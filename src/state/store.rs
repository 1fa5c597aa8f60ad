//! Where a target's status is kept: the verbs that a run needs of it.

use std::future::Future;

use super::document::DocumentError;
use super::status::Status;
use crate::model::target::Target;
use crate::sys::files::FileError;
use crate::sys::lock::LockError;

/// The right to write one target's status, and its one document.
pub trait Store: Send {
    /// Reads the status; one that cannot be used is set aside, and the warning says so. A document of a newer version is an
    /// error, and stays as it is.
    fn load(&mut self, target: &Target) -> impl Future<Output = Result<Loaded, StoreError>> + Send;

    /// Makes sure that the right to write is held, takes it again where it was lost, and says what was found. `status` is
    /// what the document should say.
    fn claim(
        &mut self,
        status: &Status,
    ) -> impl Future<Output = Result<Vec<String>, StoreError>> + Send;

    /// Saves the status, whole or not at all. What says the same as the document writes nothing. Tells whether it wrote.
    fn save(&mut self, status: &Status) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Puts the document out of the way, and returns where it is now.
    fn set_aside(&mut self) -> impl Future<Output = Result<String, StoreError>> + Send;

    /// Gives the right to write back.
    fn release(&mut self) -> impl Future<Output = ()> + Send;
}

/// A status as it was read.
#[derive(Debug, PartialEq)]
pub struct Loaded {
    /// The status, or an empty one.
    pub status: Status,
    /// Why what was there is not used, and where it is now.
    pub warning: Option<String>,
}

/// What went wrong with a status document.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process holds the lock, or the lock file cannot be used.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// A rehearsal and a real account must not share a status.
    #[error(
        "{path} is about {found}, and this run is about {wanted}; give it another --status-file"
    )]
    OtherWorld {
        path: String,
        found: &'static str,
        /// What the run is about.
        wanted: &'static str,
    },
    /// It was written by another version, or is no status at all. Nothing of it was touched.
    #[error("{path} is left as it is: {error}")]
    Document {
        path: String,
        /// What is wrong with it.
        error: DocumentError,
    },
    /// A file or folder cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// The document cannot be printed.
    #[error("cannot print the status as JSON")]
    Print(#[source] serde_json::Error),
}
