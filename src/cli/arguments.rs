//! The arguments of each command.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::builder::FalseyValueParser;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, ValueEnum};
use clap_complete::Shell;
use jiff::SignedDuration;

use super::console::{Format, Output, StatusOutput, ValidateOutput};
use super::flags::{Copies, ManifestFolder, Service, StatusFile};
use super::values::{
    ExpectPlan, account_id, branch, duration, expected_plan, health_address, reason, region,
};
use crate::model::reason::Reason;

#[derive(Debug, Clone, Args)]
pub struct Reconcile {
    /// Exit when no image is left to create
    ///
    /// Without --once, reconcile is a daemon: it runs a pass at the start, when manifests change, when a retry is due
    /// and at least every --interval, until a signal stops it.
    #[arg(long, env = "REPAVE_ONCE", value_parser = FalseyValueParser::new())]
    pub once: bool,
    /// Also wait for builds to end
    ///
    /// If a build fails, the exit code is 4. Needs --once.
    #[arg(long, env = "REPAVE_WAIT", value_parser = FalseyValueParser::new())]
    pub(crate) wait: bool,
    /// Refuse a plan that creates more images than this
    ///
    /// The limit guards against a mistake that declares very many images at once. repave refuses a larger plan with
    /// exit code 5; the message contains the number that allows the plan. The daemon counts the creates of one pass,
    /// logs a larger plan once, and keeps running.
    #[arg(long, env = "REPAVE_MAX_CREATES", value_name = "NUMBER")]
    pub(crate) max_creates: Option<usize>,
    /// Carry out only this plan: the checksum that plan prints, or the file of plan --json-into
    ///
    /// A run with another plan creates nothing and exits with 5. With a file, it also reports what changed. Needs
    /// --once.
    #[arg(long, env = "REPAVE_EXPECT_PLAN", value_name = "SHA256|FILE", value_parser = expected_plan)]
    pub(crate) expect_plan: Option<ExpectPlan>,
    /// Maximum time of the run [default: 15m, with --wait 2h]
    ///
    /// The run exits with 9 if work remains, and names each image and what it waits for. A create in flight gets 5 s
    /// more. Needs --once.
    #[arg(long, env = "REPAVE_TIMEOUT", value_name = "DURATION", value_parser = duration)]
    timeout: Option<SignedDuration>,
    /// Time between two passes of the daemon, if nothing starts a pass earlier
    ///
    /// The time varies by up to 5 % up or down, so that several daemons do not send requests at the same time. Not with
    /// --once.
    #[arg(long, env = "REPAVE_INTERVAL", value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub(crate) interval: SignedDuration,
    /// Check the manifests for changes at this interval [default without a value: 5s]
    ///
    /// Use this flag for a network file system that repave does not recognize, or for another interval. Not with --once.
    #[arg(long, env = "REPAVE_WATCH_POLL", value_name = "DURATION", num_args = 0..=1)]
    #[arg(require_equals = true, default_missing_value = "5s", value_parser = duration)]
    pub(crate) watch_poll: Option<SignedDuration>,
    /// Serve /healthz, /readyz and /metrics on this address; a bare port binds to 127.0.0.1
    ///
    /// Not with --once.
    #[arg(long, env = "REPAVE_HEALTH_ADDR", value_name = "ADDRESS", value_parser = health_address)]
    pub(crate) health_addr: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) copies: Copies,
    #[command(flatten)]
    pub(crate) manifests: ManifestFolder,
    /// Use manifests only if they are those of the commit
    ///
    /// repave asks Git whether the manifests differ from the commit of the checkout. While they differ, or Git has no
    /// answer, the daemon keeps the last valid set in use and is not ready, and a run with --once creates nothing and
    /// exits with 5.
    #[arg(long, env = "REPAVE_REQUIRE_CLEAN", value_parser = FalseyValueParser::new())]
    #[arg(help_heading = "Manifests")]
    pub(crate) require_clean: bool,
    /// Use manifests only while the checkout is on this branch
    ///
    /// Needs --require-clean. Some pipelines check out a commit without a branch; repave refuses such a checkout.
    #[arg(long, env = "REPAVE_BRANCH", value_name = "NAME", value_parser = branch)]
    #[arg(help_heading = "Manifests")]
    pub(crate) branch: Option<String>,
    #[command(flatten)]
    pub(crate) service: Service,
    #[command(flatten)]
    pub(crate) format: Format<Output>,
}

impl Reconcile {
    /// Returns the maximum time of the run. Builds take tens of minutes.
    pub(crate) fn timeout(&self) -> SignedDuration {
        let default = if self.wait {
            SignedDuration::from_hours(2)
        } else {
            SignedDuration::from_mins(15)
        };
        self.timeout.unwrap_or(default)
    }

    /// Refuses flags of a run without --once, and flags of the daemon with it. Variables of the other mode are
    /// ignored, so that one environment can serve both, unless they bind the run or name its files.
    pub(super) fn check_mode(&self, matches: &ArgMatches) -> Result<(), String> {
        let typed = |id: &str| matches.value_source(id) == Some(ValueSource::CommandLine);
        let of_daemon = [
            (typed("interval"), "--interval"),
            (typed("watch_poll"), "--watch-poll"),
            (typed("health_addr"), "--health-addr"),
        ];
        let of_run = [
            (typed("wait"), "--wait"),
            (typed("timeout"), "--timeout"),
            (self.expect_plan.is_some(), "--expect-plan"),
            (self.copies.json_into.is_some(), "--json-into"),
            (self.copies.markdown_into.is_some(), "--markdown-into"),
            (self.copies.step_summary, "--step-summary"),
        ];
        let (flags, why) = if self.once {
            (&of_daemon[..], "cannot be used with --once")
        } else {
            (&of_run[..], "needs --once")
        };
        match flags.iter().find(|(given, _)| *given) {
            Some((_, flag)) => Err(format!("{flag} {why}")),
            // Alone it would look like a protection.
            None if self.branch.is_some() && !self.require_clean => Err(
                "--branch (REPAVE_BRANCH) needs --require-clean (REPAVE_REQUIRE_CLEAN)".to_owned(),
            ),
            None => Ok(()),
        }
    }
}

#[derive(Debug, Clone, Args)]
pub struct Plan {
    /// Show only these images: manifest name, image name or image ID [default: all images]
    ///
    /// Totals, checksum and exit code are of all images. An ID that no image of the plan has means the images that are
    /// created from it. repave refuses a NAME that matches nothing with exit code 64.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Exit with 2 if there are images to create now
    ///
    /// Without this flag, the exit code is 0 if repave can compute the plan.
    #[arg(long, env = "REPAVE_DETAILED_EXITCODE", value_parser = FalseyValueParser::new())]
    pub(crate) detailed_exitcode: bool,
    /// Exit with 4 if an image is blocked (blocked), or differs from its manifest (drift)
    ///
    /// Several values are separated by commas.
    #[arg(
        long,
        env = "REPAVE_FAIL_ON",
        value_name = "WHAT",
        value_delimiter = ',',
        value_enum
    )]
    pub(crate) fail_on: Vec<FailOn>,
    #[command(flatten)]
    pub(crate) copies: Copies,
    #[command(flatten)]
    pub(crate) manifests: ManifestFolder,
    #[command(flatten)]
    pub(crate) service: Service,
    #[command(flatten)]
    pub(crate) format: Format<Output>,
}

/// What ends `plan` with exit code 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Blocked,
    Drift,
}

#[derive(Debug, Clone, Args)]
pub struct Validate {
    /// Files or folders to check [default: the folder of the manifests]
    ///
    /// If PATH is below the folder of --manifests, repave reads the whole folder and shows only problems that concern
    /// PATH. Other paths are a separate set. repave refuses a PATH that does not exist with exit code 64.
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) manifests: ManifestFolder,
    #[command(flatten)]
    pub(crate) format: Format<ValidateOutput>,
}

#[derive(Debug, Clone, Args)]
pub struct Status {
    /// Show only these images: manifest name, image name or image ID [default: all images]
    ///
    /// An ID that no image of the status has means the images that were created from it. repave refuses a NAME that
    /// matches nothing with exit code 64.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
    /// Keep running and show changes until a signal
    ///
    /// On a terminal, repave updates the table in place; elsewhere it prints what changed. It checks the status file
    /// once per second. A signal ends it with exit code 0.
    #[arg(short, long, env = "REPAVE_WATCH", value_parser = FalseyValueParser::new())]
    pub watch: bool,
    /// Show only images with this reason; repeat the flag or use commas for more
    ///
    /// Case does not matter. The reason of the last error counts too.
    #[arg(long = "reason", env = "REPAVE_REASON", value_name = "REASON")]
    #[arg(value_delimiter = ',', value_parser = reason)]
    pub(crate) reasons: Vec<Reason>,
    /// Check that the status is about this Region
    ///
    /// A status file is about one account and Region.
    #[arg(long, env = "REPAVE_REGION", value_parser = region, help_heading = "Target")]
    pub(crate) region: Option<String>,
    #[command(flatten)]
    pub(crate) file: StatusFile,
    #[command(flatten)]
    pub(crate) format: Format<StatusOutput>,
}

#[derive(Debug, Clone, Args)]
pub struct Explain {
    /// Reason, error code, exit code, manifest name, image name or image ID [default: list all topics]
    #[arg(value_name = "NAME")]
    pub(crate) topic: Option<String>,
    /// Folder with the manifests
    #[arg(
        long,
        env = "REPAVE_MANIFESTS",
        value_name = "DIR",
        default_value = "manifests"
    )]
    #[arg(help_heading = "Manifests")]
    pub(crate) manifests: PathBuf,
    #[command(flatten)]
    pub(crate) status: StatusFile,
    #[command(flatten)]
    pub(crate) format: Format<Output>,
}

#[derive(Debug, Clone, Args)]
pub struct Simulate {
    /// File that describes the accounts at the start [default: an empty account]
    ///
    /// docs/simulator.md describes the format.
    #[arg(long, env = "REPAVE_SEED", value_name = "FILE")]
    pub(crate) seed: Option<PathBuf>,
    /// Address to listen on
    ///
    /// Port 0 selects a free port; the first line on stdout contains it. An address that other machines can reach
    /// needs --public.
    #[arg(
        long,
        env = "REPAVE_LISTEN",
        value_name = "ADDRESS:PORT",
        default_value = "127.0.0.1:4566"
    )]
    pub(crate) listen: SocketAddr,
    /// Allow an address that other machines can reach
    ///
    /// The simulator checks no signatures. Everyone who can reach it can change its accounts, and nothing else.
    #[arg(long, env = "REPAVE_PUBLIC", value_parser = FalseyValueParser::new())]
    pub(crate) public: bool,
    /// Keep the accounts in this file between runs
    ///
    /// If the file exists, the accounts continue from it. repave refuses a file that began with another seed.
    #[arg(long, env = "REPAVE_ACCOUNT_FILE", value_name = "FILE")]
    pub(crate) account_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) format: Format<Output>,
}

#[derive(Debug, Clone, Args)]
pub struct IamPolicy {
    /// Account ID that the policy allows, 12 digits [default: any]
    ///
    /// A policy grants access only in the account that it is attached in.
    #[arg(long, env = "REPAVE_ACCOUNT_ID", value_name = "ID", value_parser = account_id)]
    pub(crate) account_id: Option<String>,
    /// Region that the policy allows [default: any]
    ///
    /// The Region also selects the partition: set it for China, GovCloud and the sovereign clouds.
    #[arg(long, env = "REPAVE_REGION", value_parser = region)]
    pub(crate) region: Option<String>,
    #[command(flatten)]
    pub(crate) manifests: ManifestFolder,
    #[command(flatten)]
    pub(crate) format: Format<Output>,
}

#[derive(Debug, Clone, Args)]
pub struct Completions {
    /// Shell that reads the completions
    pub(crate) shell: Shell,
}

#[derive(Debug, Clone, Args)]
pub struct Man {
    /// Command that the page describes [default: repave]
    #[arg(value_parser = [
        "reconcile", "plan", "validate", "status", "explain", "simulate", "iam-policy", "schema", "completions", "man",
    ])]
    pub(crate) command: Option<String>,
}
