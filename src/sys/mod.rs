//! Access to the machine: the clock, files, processes, the network, the terminal. It does not know images.

pub mod clock;
pub(crate) mod digest;
pub(crate) mod environment;
pub mod escape;
pub mod files;
pub(crate) mod git;
pub(crate) mod git_command;
pub mod http;
pub(crate) mod lock;
#[cfg(target_os = "linux")]
pub(crate) mod mounts;
pub mod panics;
pub(crate) mod random;
pub(crate) mod similar;
pub(crate) mod stamp;
pub mod stop;
pub mod terminal;
pub mod words;
