//! The command line: what was typed, resolved once into what it means.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::builder::styling::Styles;
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;

use crate::cloud::aws::Connection;
use crate::model::defaults::SETTLE;
use crate::sys::environment::variable;
use crate::sys::terminal::{Size, Terminal};

mod arguments;
mod help;
mod pages;
mod show;
mod values;
mod words;

pub use arguments::*;
pub use pages::{Completions, Man, completions, man};
pub use show::{Explain, Output, Status};
use values::{account_id, duration, endpoint, profile, rate, region, simulation};

/// GitOps for Amazon WorkSpaces images.
///
/// YAML manifests declare updated images; repave compares them with what the account has and creates what is missing.
#[derive(Debug, Parser)]
#[command(name = "repave", version, styles = Styles::plain(), propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    common: Common,
}

/// The commands.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Create the declared images that are missing, and keep watching; with --once, end when nothing is owed
    Reconcile(Reconcile),
    /// Show what a pass would do; changes nothing
    Plan(Plan),
    /// Check the manifests alone, offline
    Validate,
    /// Show the status file
    Status(Status),
    /// Say what a reason, an error code or an exit code means, or what holds an image up; offline
    Explain(Explain),
    /// Serve the embedded WorkSpaces image API, for any AWS client
    Simulate(Simulate),
    /// Print the least-privilege IAM policy for the manifests, offline
    IamPolicy(IamPolicy),
    /// Print the manifests' JSON Schema, for editors
    Schema,
    /// Print a shell's completions
    Completions(Completions),
    /// Print a manual page
    Man(Man),
}

impl Command {
    /// Tells whether it prints a text of repave's own, as --help does. Such a command has nothing to say about its end.
    pub fn is_page(&self) -> bool {
        match self {
            Self::Explain(_) | Self::Schema | Self::Completions(_) | Self::Man(_) => true,
            Self::Reconcile(_)
            | Self::Plan(_)
            | Self::Validate
            | Self::Status(_)
            | Self::Simulate(_)
            | Self::IamPolicy(_) => false,
        }
    }
}

/// What `--simulate` was given.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Simulation {
    Off,
    Derived,
    Seeded(PathBuf),
}

/// Arguments that all commands understand.
#[derive(Debug, Clone, Args)]
struct Common {
    /// The folder with the manifests
    #[arg(
        long,
        env = "REPAVE_MANIFESTS",
        value_name = "DIR",
        default_value = "manifests",
        global = true
    )]
    manifests: PathBuf,
    /// Accept a folder without any manifest
    #[arg(long, env = "REPAVE_ALLOW_EMPTY", value_parser = FalseyValueParser::new(), global = true)]
    allow_empty: bool,
    /// The status file [default: .repave/status.json, with --simulate .repave/simulated/status.json]
    #[arg(long, env = "REPAVE_STATUS_FILE", value_name = "FILE", global = true)]
    status_file: Option<PathBuf>,
    /// The AWS Region [default: from the AWS configuration]
    #[arg(long, env = "REPAVE_REGION", global = true, value_parser = region)]
    region: Option<String>,
    /// The profile in the AWS configuration files
    #[arg(long, env = "REPAVE_PROFILE", global = true, value_parser = profile)]
    profile: Option<String>,
    /// Account ID that the credentials must belong to
    #[arg(long, env = "REPAVE_EXPECT_ACCOUNT", value_name = "ID", global = true, value_parser = account_id)]
    expect_account: Option<String>,
    /// Override the service endpoint
    #[arg(long, env = "REPAVE_ENDPOINT_URL", value_name = "URL", global = true)]
    endpoint_url: Option<String>,
    /// Use the embedded API instead of AWS, with the account in SEED.yaml or one that has the manifests' sources
    #[arg(
        long, env = "REPAVE_SIMULATE", value_name = "SEED.yaml", global = true, num_args = 0..=1,
        require_equals = true, default_missing_value = "true", value_parser = simulation
    )]
    simulate: Option<Simulation>,
    /// Requests per second to the service, after a burst of 5
    #[arg(long, env = "REPAVE_API_RATE", value_name = "NUMBER", default_value = "2", global = true, value_parser = rate)]
    api_rate: f64,
    /// How long an image must be missing from listings before it counts as gone [default: 10m]
    #[arg(long, env = "REPAVE_SETTLE_TIME", value_name = "DURATION", global = true, value_parser = duration)]
    settle_time: Option<SignedDuration>,
    /// The least severe messages to log
    #[arg(
        long,
        env = "REPAVE_LOG_LEVEL",
        value_name = "LEVEL",
        default_value = "info",
        global = true
    )]
    log_level: LogLevel,
    /// The form of the log, on stderr
    #[arg(
        long,
        env = "REPAVE_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text",
        global = true
    )]
    log_format: LogFormat,
    /// Colours on a terminal, never, or always
    #[arg(
        long,
        env = "REPAVE_COLOR",
        value_name = "WHEN",
        default_value = "auto",
        global = true
    )]
    color: Color,
    /// The form of the output, on stdout
    #[arg(
        short,
        long,
        env = "REPAVE_OUTPUT",
        value_name = "FORMAT",
        default_value = "text",
        global = true
    )]
    output: Output,
}

/// The least severe messages that are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum LogFormat {
    Text,
    Json,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Color {
    Auto,
    Never,
    Always,
}

/// The embedded API in place of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// The account to begin with.
    pub seed: Option<PathBuf>,
    /// Where the account is kept between runs.
    pub account_file: PathBuf,
}

/// What was typed, resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// What to do.
    pub command: Command,
    /// The folder with the manifests.
    pub manifests: PathBuf,
    /// Whether a folder without manifests is accepted.
    pub allow_empty: bool,
    /// The status file.
    pub status_file: PathBuf,
    /// Which target, and how to reach it.
    pub connection: Connection,
    /// The embedded API, if it is to be used.
    pub simulated: Option<Simulated>,
    /// The settle window.
    pub settle: SignedDuration,
    /// The least severe messages to log.
    pub log_level: LogLevel,
    /// The form of the log.
    pub log_format: LogFormat,
    /// When to use colours.
    pub color: Color,
    /// The form of the output.
    pub output: Output,
    /// Where the output is read. Nobody has typed that: whoever runs the command finds it out.
    pub terminal: Terminal,
    /// The size of stderr, if it is a terminal whose lines can be written over.
    pub stderr_size: Option<fn() -> Size>,
}

impl Cli {
    /// Parses the process's arguments and `REPAVE_*` variables; an empty variable counts as none.
    pub fn parse_arguments() -> Result<Self, clap::Error> {
        let definition = help::explained(Self::command());
        let matches = without_empty_variables(definition).try_get_matches()?;
        let mut cli = Self::from_arg_matches(&matches)?;
        if let (Command::Reconcile(reconcile), Some((_, matches))) =
            (&mut cli.command, matches.subcommand())
        {
            reconcile.forget_what_nobody_typed(matches);
        }
        Ok(cli)
    }

    /// The form of the output.
    pub fn output(&self) -> Output {
        self.common.output
    }

    /// Resolves what was typed into what it means, or says what does not fit together.
    pub fn resolve(self) -> Result<Config, String> {
        let Self {
            mut command,
            common,
        } = self;
        command.check_output(common.output)?;
        match &mut command {
            Command::Reconcile(reconcile) => {
                reconcile.check()?;
                reconcile.copies.resolve()?;
            }
            Command::Plan(plan) => plan.copies.resolve()?,
            Command::Validate
            | Command::Status(_)
            | Command::Explain(_)
            | Command::Simulate(_)
            | Command::IamPolicy(_)
            | Command::Schema
            | Command::Completions(_)
            | Command::Man(_) => {}
        }
        // Checked here and not while parsing, whose errors repeat the value: an address may have a password in it.
        if let Some(url) = &common.endpoint_url {
            endpoint(url).map_err(|why| format!("--endpoint-url {why}"))?;
        }
        let seed = match common.simulate {
            None | Some(Simulation::Off) => None,
            Some(Simulation::Derived) => Some(None),
            Some(Simulation::Seeded(seed)) => Some(Some(seed)),
        };
        if seed.is_some() && (common.endpoint_url.is_some() || common.profile.is_some()) {
            return Err(
                "--simulate replaces AWS: it can't be given with --endpoint-url or --profile (REPAVE_ENDPOINT_URL, REPAVE_PROFILE)"
                    .into(),
            );
        }
        let default_status = match seed {
            Some(_) => ".repave/simulated/status.json",
            None => ".repave/status.json",
        };
        let status_file = common.status_file.unwrap_or_else(|| default_status.into());
        let mut account_file = status_file.clone().into_os_string();
        account_file.push(".account");
        let account_file = account_file.into();
        let simulated = seed.map(|seed| Simulated { seed, account_file });
        Ok(Config {
            command,
            manifests: common.manifests,
            allow_empty: common.allow_empty,
            status_file,
            connection: Connection {
                region: common.region,
                profile: common.profile,
                endpoint_url: common.endpoint_url,
                api_rate: common.api_rate,
                expected_account: common.expect_account,
            },
            simulated,
            settle: common.settle_time.unwrap_or(SETTLE),
            log_level: common.log_level,
            log_format: common.log_format,
            color: common.color,
            output: common.output,
            terminal: Terminal::None,
            stderr_size: None,
        })
    }
}

/// Takes the variables that are empty out of the definition, and all of them out of the help, which tells the rule.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| {
            let argument = argument.hide_env(true);
            if argument.get_env().and_then(variable).is_some() {
                argument
            } else {
                argument.env(None::<&str>)
            }
        })
        .mut_subcommands(without_empty_variables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        help::explained(Cli::command()).debug_assert();
    }

    #[test]
    fn flags_of_the_daemon_and_of_a_run_are_not_mixed() {
        for (arguments, valid) in [
            ("reconcile --once --wait --timeout 5m --max-creates 1", true),
            (
                "reconcile --interval 5m --watch-poll --health-addr 8080 --max-creates 1",
                true,
            ),
            ("reconcile --wait", false),
            ("reconcile --timeout 5m", false),
            ("reconcile --once --interval 5m", false),
            ("reconcile --once --watch-poll=1s", false),
            ("reconcile --once --health-addr 8080", false),
        ] {
            let words = std::iter::once("repave").chain(arguments.split(' '));
            let resolved = Cli::try_parse_from(words).unwrap().resolve();
            assert_eq!(resolved.is_ok(), valid, "{arguments}: {resolved:?}");
        }
    }

    #[test]
    fn a_simulated_account_has_a_status_of_its_own() {
        let config = |args: &[&str]| Cli::try_parse_from(args).unwrap().resolve().unwrap();
        let real = config(&["repave", "plan"]);
        let simulated = config(&["repave", "plan", "--simulate"]);
        assert_eq!(real.status_file.to_str(), Some(".repave/status.json"));
        assert_eq!(
            simulated.status_file.to_str(),
            Some(".repave/simulated/status.json")
        );
        let seeded = config(&["repave", "--simulate=a.yaml", "plan"])
            .simulated
            .unwrap();
        assert_eq!(seeded.seed, Some("a.yaml".into()));
        assert_eq!(
            config(&["repave", "--simulate=false", "plan"]).simulated,
            None
        );
        let both = [
            "repave",
            "--simulate",
            "--endpoint-url=http://localhost",
            "plan",
        ];
        assert!(Cli::try_parse_from(both).unwrap().resolve().is_err());
    }
}
