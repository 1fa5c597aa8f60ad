//! An embedded WorkSpaces image API: what the service is known or assumed to do, for tests, rehearsals and any AWS client.
//!
//! It calls no real service, reads no clock, no file and no environment, and has no randomness: the same seed, calls and
//! times give the same answers. docs/simulator.md says where it differs from AWS.
//!
//! ```text
//!  seed.yaml -- seed --> Account <-- call(now, Call) -- direct: ImageApi without a socket
//!                        pure, sync                  `- server: awsJson 1.1 over HTTP, for the SDKs and the AWS CLI
//! ```
//!
//! | file | its one job |
//! |---|---|
//! | `account.rs` | one account and Region: takes a call, asks the rules, answers |
//! | `operations.rs` | what each operation does to the account |
//! | `stock.rs` | the images it holds, and their state at a time |
//! | `settings.rs` | what can be set, and the rate limit |
//! | `wire.rs` | requests and answers in the model's words |
//! | `validate.rs` | the limits that the model sets on a request |
//! | `listing.rs` | pages and page tokens |
//! | `fault.rs` | rules for what goes wrong, and when |
//! | `seed/` | YAML to an account |
//! | `direct.rs` | [`ImageApi`](crate::cloud::ImageApi) on a shared account |
//! | `sts.rs` | whose credentials these are |
//! | `server.rs` | HTTP |

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

mod account;
pub mod direct;
pub mod embedded;
pub mod fault;
mod listing;
mod operations;
pub mod seed;
pub mod server;
mod settings;
mod stock;
mod sts;
mod validate;
pub mod wire;

pub use account::{Account, CreateRecord};
pub use direct::DirectApi;
pub use settings::{ApiRate, Settings};
pub use stock::{BuildError, Image, Moment, Tenancy, Update};
pub use wire::{Answer, Call, Reply};

/// An account that several clients call at once.
pub type SharedAccount = Arc<Mutex<Account>>;

/// Locks the account. A panic elsewhere, while it was locked, leaves a usable account: no call keeps half an effect.
pub fn lock(account: &SharedAccount) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}
