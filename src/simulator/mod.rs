//! An embedded WorkSpaces image API: what the service is known or assumed to do, for tests, rehearsals and any AWS client.
//!
//! It calls no real service, knows no plan, reads no clock and no environment, and has no randomness: the same seed, calls
//! and times give the same answers. Only `server.rs` and `embedded.rs` touch the network or a file. docs/simulator.md
//! says where it differs from AWS.
//!
//! ```text
//!  seed.yaml -- seed --> Account <-- call(now, Call) -- direct: Cloud without a socket
//!                   |    pure, sync                  `- server: awsJson 1.1 over HTTP, for the SDKs and the AWS CLI
//!                   `--> World: accounts, roles, sessions <-- who signed, and for which Region? -- server
//! ```
//!
//! [`Account`] and [`WorldForm`] are also the form of the seed and of the file between runs: what is added to them can be
//! written there.
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
//! | `seed.rs` | YAML to an account or a world, and the limits of its fields |
//! | `shared.rs` | an account that several clients call |
//! | `world.rs` | many accounts and Regions: which one a request is for, and the sessions of roles |
//! | `roles.rs` | identities, and which role trusts whom |
//! | `outage.rs` | rules for what goes wrong with roles, Regions and STS |
//! | `signature.rs` | the access key, Region and service in a request's signature |
//! | `direct.rs` | [`Cloud`](crate::cloud::Cloud) on a shared account |
//! | `sts.rs` | STS on the wire: forms and XML |
//! | `server.rs` | HTTP |
//! | `embedded.rs` | an account or a world saved in a file, served by this process |

mod account;
pub(crate) mod direct;
pub(crate) mod embedded;
pub mod fault;
mod listing;
mod operations;
pub mod outage;
mod rate;
mod roles;
pub mod seed;
pub mod server;
mod shared;
mod signature;
mod stock;
mod sts;
mod validate;
pub mod wire;
mod world;

pub use account::Account;
pub use direct::DirectApi;
pub use rate::ApiRate;
pub use roles::{Caller, Principal, Role};
pub use shared::SharedAccount;
pub(crate) use shared::lock;
pub use signature::Signed;
pub use stock::Image;
pub use sts::{Form, Identified, Issued};
pub use world::{Admission, Refusal, World, WorldForm};
