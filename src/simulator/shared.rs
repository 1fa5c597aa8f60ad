//! An account that several clients call at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::account::Account;

/// A simulated account and its lock.
pub type SharedAccount = Arc<Mutex<Account>>;

/// Locks the account. A panic elsewhere, while it was locked, leaves a usable account: no call leaves half an effect.
pub(crate) fn lock(account: &SharedAccount) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}
