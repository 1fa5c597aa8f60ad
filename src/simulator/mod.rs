//! An embedded WorkSpaces image API: what the service is known or assumed to do, for tests, rehearsals and any AWS client.
//!
//! It calls no real service, knows no plan, reads no clock and no environment, and has no randomness: the same seed, calls
//! and times give the same answers. Only `server.rs` and `embedded.rs` touch the network or a file. docs/simulator.md
//! says where it differs from AWS.
//!
//! ```text
//!  seed.yaml -- seed --> Account <-- call(now, Call) -- direct: Cloud without a socket
//!                        pure, sync                  `- server: awsJson 1.1 over HTTP, for the SDKs and the AWS CLI
//! ```
//!
//! [`Account`] is also the form of the seed and of the file between runs: what is added to it can be written there.
//!
//! | file | its one job |
//! |---|---|
//! | `account.rs` | one account and Region, with what can be set: takes a call, asks the rules, answers |
//! | `operations.rs` | what each operation does to the account |
//! | `stock.rs` | the images it holds, and their state at a time |
//! | `rate.rs` | the rate limit |
//! | `wire.rs` | requests and answers in the model's words |
//! | `validate.rs` | the limits that the model sets on a request |
//! | `listing.rs` | pages and page tokens |
//! | `fault.rs` | rules for what goes wrong, and when |
//! | `seed.rs` | YAML to an account, and the limits of its fields |
//! | `shared.rs` | an account that several clients call |
//! | `direct.rs` | [`Cloud`](crate::cloud::Cloud) on a shared account |
//! | `sts.rs` | GetCallerIdentity of STS |
//! | `server.rs` | HTTP |
//! | `embedded.rs` | an account saved in a file, served by this process |

mod account;
pub(crate) mod direct;
pub(crate) mod embedded;
pub mod fault;
mod listing;
mod operations;
mod rate;
pub mod seed;
pub mod server;
mod shared;
mod stock;
mod sts;
mod validate;
pub mod wire;

pub use account::Account;
pub use direct::DirectApi;
pub use rate::ApiRate;
pub use shared::SharedAccount;
pub(crate) use shared::lock;
pub use stock::Image;
