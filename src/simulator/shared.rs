//! An account that several clients call at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::account::Account;

/// A simulated account and its lock.
pub type SharedAccount = Arc<Mutex<Account>>;

/// Locks an account or the world. A panic elsewhere, while it was locked, leaves it usable: no call leaves half an effect.
pub(crate) fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
