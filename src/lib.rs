//! repave keeps Amazon WorkSpaces images as Git says they should be.
//!
//! YAML manifests declare *updated images*. A pass compares them with what `DescribeWorkspaceImages` lists, calls
//! `CreateUpdatedWorkspaceImage` for those that are missing, and records what it knows in a status file.
//!
//! ```text
//!  manifests/*.yaml -- manifest ---> Desired --+
//!  DescribeWorkspaceImages -- aws -> Observed -+--> plan(&desired, &observed, &status, now) --> Plan --> apply --> report
//!  status file -- store -----------> Status ---+         pure, sync                            |     (ImageApi)
//!                                       ^                                                      |
//!                                       +-- save (atomic) <-- status: observe, mark, record, pure <------+
//! ```
//!
//! | file | its one job |
//! |---|---|
//! | `main.rs` | parse, start the log, wire, map the outcome to an exit code |
//! | [`cli`] | what was typed, resolved into what it means; the only reader of the environment |
//! | [`command`] | what each command does: wires the parts below |
//! | [`name`] | names, ids and other values, with the service's limits |
//! | [`image`] | the nouns: desired and observed images |
//! | [`manifest`] | YAML to [`Desired`](image::Desired); every problem with its place |
//! | [`checkout`] | the manifests of a process that stays: read at rest, and the last valid set |
//! | [`reason`] | every reason that is ever given |
//! | [`cloud`] | the boundary: [`ImageApi`](cloud::ImageApi), and what a failed call means |
//! | [`aws`] | `ImageApi` over the SDK: paging, mapping, the token bucket |
//! | [`mod@plan`] | pure: what is to be done, and why not |
//! | [`retry`] | pure: when a failed call may be tried again |
//! | [`status`] | what is remembered: records, conditions, pure transitions |
//! | [`store`] | the door to files that are written: load, atomic save, lock |
//! | [`changes`] | what changed from pass to pass, one line each |
//! | [`mod@apply`] | mark, call, record; one attempt a step |
//! | [`reconcile`] | one pass |
//! | [`progress`] | what a run that waits shows of it |
//! | [`once`] | passes until nothing is owed |
//! | [`daemon`] | *when* a pass runs: file events, timers, signals |
//! | [`digest`] | digests, as they are written |
//! | [`stamp`] | whether a file is still the one it was |
//! | [`stop`] | the word to stop, and the word to look at once |
//! | [`systemd`] | the door to systemd: ready, status, still moving |
//! | [`outcome`] | exit codes |
//! | [`schema`] | the manifest's JSON Schema, for editors |
//! | [`policy`] | the IAM policy with the permissions that repave needs, and no others |
//! | [`report`] | text and JSON forms |
//! | [`mod@explain`] | what reasons, error codes and exit codes mean |
//! | [`similar`] | the word that somebody may have meant |
//! | [`terminal`] | how large the terminal is |
//! | [`http`] | HTTP connections: their limits and their ends |
//! | [`health`] | alive, ready, and HTTP that says so; counts the service's calls |
//! | [`metrics`] | what is counted, as OpenMetrics text |
//! | [`escape`] | text from outside, safe to print |
//! | [`clock`] | the door to the wall clock |
//! | [`git`] | what Git says of a checkout: its commit, and whether Git is at work |
//! | [`simulator`] | the image API, embedded: a pure account, and HTTP in front of it |
//! | [`environment`] | the environment's variables, read once |
//! | [`panics`] | a panic becomes an error |
//! | [`embedded`] | the simulator in place of AWS for one run |
//!
//! What holds, whatever fails: a create is marked on disk before it is sent and sent once per attempt; nothing is
//! created while an image of its name is listed; a listing is whole or an error; nothing is ever deleted or renamed.

pub mod apply;
pub mod aws;
pub mod changes;
pub mod checkout;
pub mod cli;
pub mod clock;
pub mod cloud;
pub mod command;
pub mod daemon;
pub mod digest;
pub mod embedded;
pub mod environment;
pub mod escape;
pub mod explain;
pub mod git;
pub mod health;
pub mod http;
pub mod image;
pub mod manifest;
pub mod metrics;
pub mod name;
pub mod once;
pub mod outcome;
pub mod panics;
pub mod plan;
pub mod policy;
pub mod progress;
pub mod reason;
pub mod reconcile;
pub mod report;
pub mod retry;
pub mod schema;
pub mod similar;
pub mod simulator;
pub mod stamp;
pub mod status;
pub mod stop;
pub mod store;
pub mod systemd;
pub mod terminal;
