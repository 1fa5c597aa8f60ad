//! The doors to the machine: the clock, files, processes, the network, the terminal. It knows nothing of images.

pub mod clock;
pub mod digest;
pub mod environment;
pub mod escape;
pub mod files;
pub mod git;
pub mod http;
pub mod lock;
pub mod panics;
pub mod similar;
pub mod stamp;
pub mod stop;
pub mod terminal;
