//! What can be typed: each command's flags and words, as clap reads them. What they mean is in command.rs.

use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::builder::styling::Styles;
use clap::parser::ValueSource;
use clap::{Args, Parser, Subcommand};
use jiff::SignedDuration;

use super::console::Console;
use super::pages::Shell;
use super::values::{
    ExpectPlan, Simulation, account_id, duration, expected_plan, health_address, profile, rate,
    reason, region, simulation,
};
use crate::model::reason::Reason;

/// GitOps for Amazon WorkSpaces images.
///
/// YAML manifests declare updated images; repave compares them with what the account has and creates what is missing.
#[derive(Debug, Parser)]
#[command(name = "repave", version, styles = Styles::plain(), propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum Command {
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

/// Arguments that all commands understand.
#[derive(Debug, Clone, Args)]
pub(super) struct Common {
    /// The folder with the manifests
    #[arg(
        long,
        env = "REPAVE_MANIFESTS",
        value_name = "DIR",
        default_value = "manifests",
        global = true
    )]
    pub(super) manifests: PathBuf,
    /// Accept a folder without any manifest
    #[arg(long, env = "REPAVE_ALLOW_EMPTY", value_parser = FalseyValueParser::new(), global = true)]
    pub(super) allow_empty: bool,
    /// The status file [default: .repave/status.json, with --simulate .repave/simulated/status.json]
    #[arg(long, env = "REPAVE_STATUS_FILE", value_name = "FILE", global = true)]
    pub(super) status_file: Option<PathBuf>,
    /// The AWS Region [default: from the AWS configuration]
    #[arg(long, env = "REPAVE_REGION", global = true, value_parser = region)]
    pub(super) region: Option<String>,
    /// The profile in the AWS configuration files
    #[arg(long, env = "REPAVE_PROFILE", global = true, value_parser = profile)]
    pub(super) profile: Option<String>,
    /// Account ID that the credentials must belong to
    #[arg(long, env = "REPAVE_EXPECT_ACCOUNT", value_name = "ID", global = true, value_parser = account_id)]
    pub(super) expect_account: Option<String>,
    /// Override the service endpoint
    #[arg(long, env = "REPAVE_ENDPOINT_URL", value_name = "URL", global = true)]
    pub(super) endpoint_url: Option<String>,
    /// Use the embedded API instead of AWS, with the account in SEED.yaml or one that has the manifests' sources
    #[arg(
        long, env = "REPAVE_SIMULATE", value_name = "SEED.yaml", global = true, num_args = 0..=1,
        require_equals = true, default_missing_value = "true", value_parser = simulation
    )]
    pub(super) simulate: Option<Simulation>,
    /// Requests per second to the service, after a burst of 5
    #[arg(long, env = "REPAVE_API_RATE", value_name = "NUMBER", default_value = "2", global = true, value_parser = rate)]
    pub(super) api_rate: f64,
    /// How long an image must be missing from listings before it counts as gone [default: 10m]
    #[arg(long, env = "REPAVE_SETTLE_TIME", value_name = "DURATION", global = true, value_parser = duration)]
    pub(super) settle_time: Option<SignedDuration>,
    #[command(flatten)]
    pub(super) console: Console,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Reconcile {
    /// Run passes until no create is owed any more, then end
    #[arg(long, env = "REPAVE_ONCE", value_parser = FalseyValueParser::new())]
    pub(super) once: bool,
    /// Wait until builds have ended too
    #[arg(long, env = "REPAVE_WAIT", value_parser = FalseyValueParser::new())]
    pub(super) wait: bool,
    /// Refuse a plan with more creates than this
    #[arg(long, env = "REPAVE_MAX_CREATES", value_name = "NUMBER")]
    pub(super) max_creates: Option<usize>,
    /// Carry out only this plan: its checksum, or the file of plan --json-into; refuse any other
    #[arg(long, env = "REPAVE_EXPECT_PLAN", value_name = "SHA256|FILE", value_parser = expected_plan)]
    pub(super) expect_plan: Option<ExpectPlan>,
    /// The longest that the run may take [default: 15m]
    #[arg(long, env = "REPAVE_TIMEOUT", value_name = "DURATION", value_parser = duration)]
    pub(super) timeout: Option<SignedDuration>,
    /// The longest time between two passes of the daemon [default: 10m]
    #[arg(long, env = "REPAVE_INTERVAL", value_name = "DURATION", value_parser = duration)]
    pub(super) interval: Option<SignedDuration>,
    /// Look for changed manifests every so often [5s if not said] and not only when the file system tells of them
    #[arg(
        long, env = "REPAVE_WATCH_POLL", value_name = "DURATION", num_args = 0..=1, require_equals = true,
        default_missing_value = "5s", value_parser = duration
    )]
    pub(super) watch_poll: Option<SignedDuration>,
    /// Serve /healthz, /readyz and /metrics there; a port alone is this machine's own
    #[arg(long, env = "REPAVE_HEALTH_ADDR", value_name = "ADDRESS", value_parser = health_address)]
    pub(super) health_addr: Option<std::net::SocketAddr>,
    /// What is written beside stdout.
    #[command(flatten)]
    pub(super) copies: Copies,
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
}

/// What is written beside stdout, by the same run.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct Copies {
    /// Write the JSON into this file too, whatever -o says
    #[arg(long, env = "REPAVE_JSON_INTO", value_name = "FILE")]
    pub(super) json_into: Option<PathBuf>,
    /// Write Markdown for a pull request's comment into this file too
    #[arg(long, env = "REPAVE_MARKDOWN_INTO", value_name = "FILE")]
    pub(super) markdown_into: Option<PathBuf>,
    /// Add the Markdown to the step's summary in GitHub Actions ($GITHUB_STEP_SUMMARY)
    #[arg(long, env = "REPAVE_STEP_SUMMARY", value_parser = FalseyValueParser::new())]
    pub(super) step_summary: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Plan {
    /// Exit with 2 if images are to be created now
    #[arg(long, env = "REPAVE_DETAILED_EXITCODE", value_parser = FalseyValueParser::new())]
    pub(super) detailed_exitcode: bool,
    /// What is written beside stdout.
    #[command(flatten)]
    pub(super) copies: Copies,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Status {
    /// Stay, and show what changes, until a signal
    #[arg(short, long, env = "REPAVE_WATCH", value_parser = FalseyValueParser::new())]
    pub(super) watch: bool,
    /// Only images with this reason; may be given several times, or with commas
    #[arg(long = "reason", env = "REPAVE_REASON", value_name = "REASON", value_delimiter = ',', value_parser = reason)]
    pub(super) reasons: Vec<Reason>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Explain {
    /// A reason, an error code, an exit code, or the name of an image or of its manifest; without one, a list
    pub(super) topic: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Simulate {
    /// The account to begin with; without it, an empty one
    #[arg(long, env = "REPAVE_SEED", value_name = "FILE")]
    pub(super) seed: Option<PathBuf>,
    /// Where to listen; the address must be this machine's own unless --public is given
    #[arg(
        long,
        env = "REPAVE_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:4566"
    )]
    pub(super) listen: std::net::SocketAddr,
    /// Allow an address that other machines can reach; the simulator checks no credentials
    #[arg(long, env = "REPAVE_PUBLIC", value_parser = FalseyValueParser::new())]
    pub(super) public: bool,
    /// Keep the account in this file between runs; once it exists, the seed is not read
    #[arg(long, env = "REPAVE_ACCOUNT_FILE", value_name = "FILE")]
    pub(super) account_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct IamPolicy {
    /// The account's id, 12 digits [default: any]
    #[arg(long, env = "REPAVE_ACCOUNT_ID", value_name = "ID", value_parser = account_id)]
    pub(super) account_id: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Completions {
    /// The shell
    pub(super) shell: Shell,
}

#[derive(Debug, Clone, Args)]
pub(super) struct Man {
    /// The command whose page it is; without it, repave's own
    pub(super) command: Option<String>,
}
