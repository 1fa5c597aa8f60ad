//! How repave writes to stdout and stderr, whatever the command: main.rs sets it up before the command runs.

use clap::{Args, ValueEnum};

use super::output::Output;

/// The forms of stdout and stderr.
#[derive(Debug, Clone, Copy, Args)]
pub struct Console {
    /// The least severe messages to log
    #[arg(
        long,
        env = "REPAVE_LOG_LEVEL",
        value_name = "LEVEL",
        default_value = "info",
        global = true
    )]
    pub log_level: LogLevel,
    /// The form of the log, on stderr
    #[arg(
        long,
        env = "REPAVE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        global = true
    )]
    pub log_format: LogFormat,
    /// Colours on a terminal, never, or always
    #[arg(
        long,
        env = "REPAVE_COLOR",
        value_name = "WHEN",
        default_value = "auto",
        global = true
    )]
    pub color: Color,
    /// The form of the output, on stdout
    #[arg(
        short,
        long,
        env = "REPAVE_OUTPUT",
        value_name = "FORMAT",
        default_value = "text",
        global = true
    )]
    pub output: Output,
}

/// The least severe messages that are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Never,
    Always,
}
