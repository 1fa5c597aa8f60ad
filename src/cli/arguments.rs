//! The arguments of each command, and which of them go together.

use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use jiff::SignedDuration;

use super::values::{account_id, duration, expected_plan, health_address};
use crate::sys::environment::variable;

/// Arguments of `reconcile`.
#[derive(Debug, Clone, Args)]
pub struct Reconcile {
    /// Run passes until no create is owed any more, then end
    #[arg(long, env = "REPAVE_ONCE", value_parser = FalseyValueParser::new())]
    pub once: bool,
    /// Wait until builds have ended too
    #[arg(long, env = "REPAVE_WAIT", value_parser = FalseyValueParser::new())]
    pub wait: bool,
    /// Refuse a plan with more creates than this
    #[arg(long, env = "REPAVE_MAX_CREATES", value_name = "NUMBER")]
    pub max_creates: Option<usize>,
    /// Carry out only this plan: its checksum, or the file of plan --json-into; refuse any other
    #[arg(long, env = "REPAVE_EXPECT_PLAN", value_name = "SHA256|FILE", value_parser = expected_plan)]
    pub expect_plan: Option<ExpectPlan>,
    /// The longest that the run may take [default: 15m]
    #[arg(long, env = "REPAVE_TIMEOUT", value_name = "DURATION", value_parser = duration)]
    pub timeout: Option<SignedDuration>,
    /// The longest time between two passes of the daemon [default: 10m]
    #[arg(long, env = "REPAVE_INTERVAL", value_name = "DURATION", value_parser = duration)]
    pub interval: Option<SignedDuration>,
    /// Look for changed manifests every so often [5s if not said] and not only when the file system tells of them
    #[arg(
        long, env = "REPAVE_WATCH_POLL", value_name = "DURATION", num_args = 0..=1, require_equals = true,
        default_missing_value = "5s", value_parser = duration
    )]
    pub watch_poll: Option<SignedDuration>,
    /// Serve /healthz, /readyz and /metrics there; a port alone is this machine's own
    #[arg(long, env = "REPAVE_HEALTH_ADDR", value_name = "ADDRESS", value_parser = health_address)]
    pub health_addr: Option<std::net::SocketAddr>,
    /// What is written beside stdout.
    #[command(flatten)]
    pub copies: Copies,
}

/// The plan that a run is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExpectPlan {
    /// Its checksum, as `sha256:` and 64 digits.
    Checksum(String),
    /// The file with its JSON.
    File(PathBuf),
}

/// What is written beside stdout, by the same run.
#[derive(Debug, Clone, Default, Args)]
pub struct Copies {
    /// Write the JSON into this file too, whatever -o says
    #[arg(long, env = "REPAVE_JSON_INTO", value_name = "FILE")]
    pub json_into: Option<PathBuf>,
    /// Write Markdown for a pull request's comment into this file too
    #[arg(long, env = "REPAVE_MARKDOWN_INTO", value_name = "FILE")]
    pub markdown_into: Option<PathBuf>,
    /// Add the Markdown to the step's summary in GitHub Actions ($GITHUB_STEP_SUMMARY)
    #[arg(long, env = "REPAVE_STEP_SUMMARY", value_parser = FalseyValueParser::new())]
    step_summary: bool,
    /// The step's summary, if it is wanted.
    #[arg(skip)]
    pub summary_file: Option<PathBuf>,
}

impl Copies {
    /// Finds the step's summary where it is wanted.
    pub(super) fn resolve(&mut self) -> Result<(), String> {
        if self.step_summary {
            let file = variable("GITHUB_STEP_SUMMARY").ok_or(
                "--step-summary: GITHUB_STEP_SUMMARY is not set, so this is no step of GitHub Actions",
            )?;
            self.summary_file = Some(file.into());
        }
        Ok(())
    }
}

impl Reconcile {
    /// Takes out what a variable says about the other of the two ways to run: one environment may serve both.
    pub(super) fn forget_what_nobody_typed(&mut self, matches: &clap::ArgMatches) {
        let typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        if self.once {
            self.interval = self.interval.filter(|_| typed("interval"));
            self.watch_poll = self.watch_poll.filter(|_| typed("watch_poll"));
            self.health_addr = self.health_addr.filter(|_| typed("health_addr"));
        } else {
            self.wait &= typed("wait");
            self.timeout = self.timeout.filter(|_| typed("timeout"));
        }
    }

    /// Says which flag does not go with `--once`, or with its absence.
    pub(super) fn check(&self) -> Result<(), String> {
        let given = if self.once {
            vec![
                (self.interval.is_some(), "--interval"),
                (self.watch_poll.is_some(), "--watch-poll"),
                (self.health_addr.is_some(), "--health-addr"),
            ]
        } else {
            vec![
                (self.wait, "--wait"),
                (self.timeout.is_some(), "--timeout"),
                (self.expect_plan.is_some(), "--expect-plan"),
                (self.copies.json_into.is_some(), "--json-into"),
                (self.copies.markdown_into.is_some(), "--markdown-into"),
                (self.copies.step_summary, "--step-summary"),
            ]
        };
        match (given.into_iter().find(|(given, _)| *given), self.once) {
            (None, _) => Ok(()),
            (Some((_, flag)), true) => Err(format!(
                "{flag} is for the daemon and has no meaning with --once"
            )),
            (Some((_, flag)), false) => Err(format!(
                "{flag} needs --once: without it, reconcile runs until a signal ends it"
            )),
        }
    }
}

/// Arguments of `plan`.
#[derive(Debug, Clone, Args)]
pub struct Plan {
    /// Exit with 2 if images are to be created now
    #[arg(long, env = "REPAVE_DETAILED_EXITCODE", value_parser = FalseyValueParser::new())]
    pub detailed_exitcode: bool,
    /// What is written beside stdout.
    #[command(flatten)]
    pub copies: Copies,
}

/// Arguments of `simulate`.
#[derive(Debug, Clone, Args)]
pub struct Simulate {
    /// The account to begin with; without it, an empty one
    #[arg(long, env = "REPAVE_SEED", value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// Where to listen; the address must be this machine's own unless --public is given
    #[arg(
        long,
        env = "REPAVE_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:4566"
    )]
    pub listen: std::net::SocketAddr,
    /// Allow an address that other machines can reach; the simulator checks no credentials
    #[arg(long, env = "REPAVE_PUBLIC", value_parser = FalseyValueParser::new())]
    pub public: bool,
    /// Keep the account in this file between runs; once it exists, the seed is not read
    #[arg(long, env = "REPAVE_ACCOUNT_FILE", value_name = "FILE")]
    pub account_file: Option<PathBuf>,
}

/// Arguments of `iam-policy`.
#[derive(Debug, Clone, Args)]
pub struct IamPolicy {
    /// The account's id, 12 digits [default: any]
    #[arg(long, env = "REPAVE_ACCOUNT_ID", value_name = "ID", value_parser = account_id)]
    pub account_id: Option<String>,
}
