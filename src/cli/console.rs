//! How repave writes to stdout and stderr: the log flags of all commands, and the formats of each.

use clap::{Args, ValueEnum};

/// The flags that all commands have.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
pub struct Console {
    /// Minimum log level
    ///
    /// The log contains only repave's own messages, because messages of the AWS SDK can contain secrets.
    #[arg(long, env = "REPAVE_LOG_LEVEL", value_name = "LEVEL", global = true)]
    #[arg(value_enum, default_value_t = LogLevel::Info)]
    pub log_level: LogLevel,
    /// Log format on stderr
    #[arg(long, env = "REPAVE_LOG_FORMAT", value_name = "FORMAT", global = true)]
    #[arg(value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// When to use colors
    #[arg(long, env = "REPAVE_COLOR", value_name = "WHEN", global = true)]
    #[arg(value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    /// One object per line
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    Never,
    Always,
}

/// The flag of a command that has these formats.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Format<T: ValueEnum + Send + Sync + 'static> {
    /// Output format on stdout
    #[arg(short, long, env = "REPAVE_OUTPUT", value_name = "FORMAT")]
    #[arg(value_enum, default_value = "text")]
    pub(crate) output: T,
}

/// The formats of most commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Output {
    Text,
    /// One document with apiVersion, kind, exitCode, reason and message
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatusOutput {
    Text,
    /// Text with image IDs and last errors
    Wide,
    /// One document with apiVersion, kind, exitCode, reason and message
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValidateOutput {
    Text,
    /// One document with apiVersion, kind, exitCode, reason and message
    Json,
    /// Annotations on the lines of a pull request in GitHub Actions
    Github,
    /// SARIF 2.1.0, for code scanning services
    Sarif,
}
