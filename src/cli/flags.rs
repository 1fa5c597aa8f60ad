//! Flags that several commands share.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use clap::builder::FalseyValueParser;
use jiff::SignedDuration;

use super::values::{Simulation, account_id, duration, profile, rate, region, simulation};
use crate::cloud::aws::Connection;

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Manifests")]
pub(crate) struct ManifestFolder {
    /// Folder with the manifests
    ///
    /// repave reads all *.yaml and *.yml files below this folder. It skips names that begin with a dot, and documents
    /// of other API groups.
    #[arg(id = "manifests", long, env = "REPAVE_MANIFESTS", value_name = "DIR")]
    #[arg(default_value = "manifests")]
    pub(crate) path: PathBuf,
    /// Accept a folder without manifests
    ///
    /// Without this flag, a folder without manifests is an error, because it is usually the wrong folder.
    #[arg(long, env = "REPAVE_ALLOW_EMPTY", value_parser = FalseyValueParser::new())]
    pub(crate) allow_empty: bool,
}

/// The status file, which is another one for a simulated account.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Status")]
pub(crate) struct StatusFile {
    /// Status file [default: .repave/status.json, with --simulate .repave/simulated/status.json]
    ///
    /// repave keeps in this file what it must remember between passes. It replaces the file as a whole, and locks it
    /// with a second file beside it. If the file is lost, its history is lost.
    #[arg(long, env = "REPAVE_STATUS_FILE", value_name = "FILE")]
    status_file: Option<PathBuf>,
    /// Use a simulated account instead of AWS
    ///
    /// Commands that call AWS call a simulated account in this process instead. The account begins as SEED.yaml
    /// describes, or with the source images that the manifests name. repave keeps the account and its status file from
    /// run to run. They are separate from the status file of the real account. status and explain read this status file.
    #[arg(
        long,
        env = "REPAVE_SIMULATE",
        value_name = "SEED.yaml",
        help_heading = "Target"
    )]
    #[arg(num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(value_parser = simulation, default_value = "false", hide_default_value = true)]
    pub(crate) simulate: Simulation,
}

impl StatusFile {
    pub(crate) fn is_simulated(&self) -> bool {
        self.simulate != Simulation::Off
    }

    /// Returns the flags with which another command finds this status file, each after a space.
    pub(crate) fn flags(&self) -> String {
        let mut flags = String::new();
        if self.is_simulated() {
            flags += " --simulate";
        }
        if let Some(path) = &self.status_file {
            let _ = write!(flags, " --status-file {}", path.display());
        }
        flags
    }

    pub(crate) fn path(&self) -> PathBuf {
        let default = if self.is_simulated() {
            ".repave/simulated/status.json"
        } else {
            ".repave/status.json"
        };
        self.status_file.clone().unwrap_or_else(|| default.into())
    }

    /// Returns where the simulated account is kept between runs.
    pub(crate) fn account_file(&self) -> PathBuf {
        let mut path = self.path().into_os_string();
        path.push(".account");
        path.into()
    }
}

/// The account and Region, how to reach them, and what is remembered of them.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct Service {
    /// AWS Region [default: from the AWS configuration]
    ///
    /// The first of these sets the default: the profile of --profile, AWS_REGION, AWS_DEFAULT_REGION, the profile of
    /// AWS_PROFILE, the instance.
    #[arg(long, env = "REPAVE_REGION", value_parser = region)]
    pub(crate) region: Option<String>,
    /// Profile in the AWS configuration files
    ///
    /// The profile must exist. Its credentials and Region take precedence over AWS_* variables. The profile can use
    /// SSO, an assumed role, a web identity or a credential process.
    #[arg(long, env = "REPAVE_PROFILE", value_parser = profile)]
    pub(super) profile: Option<String>,
    /// Account ID that the credentials must belong to
    ///
    /// repave checks the account with STS GetCallerIdentity before the first WorkSpaces call and whenever the
    /// credentials change. On a mismatch, plan and reconcile --once exit with 3; the daemon creates nothing.
    #[arg(long, env = "REPAVE_EXPECT_ACCOUNT", value_name = "ID", value_parser = account_id)]
    expect_account: Option<String>,
    /// Override the service endpoint
    ///
    /// The URL applies to WorkSpaces, and to STS unless AWS_ENDPOINT_URL_STS is set. For a VPC endpoint, set
    /// AWS_ENDPOINT_URL_WORKSPACES instead, so that STS keeps its endpoint.
    #[arg(long, env = "REPAVE_ENDPOINT_URL", value_name = "URL")]
    pub(super) endpoint_url: Option<String>,
    /// Requests per second to the service, after a burst of 5
    ///
    /// The default is the documented limit of an account. If other tools use the account too, set a lower rate.
    #[arg(long, env = "REPAVE_API_RATE", value_name = "NUMBER", default_value = "2", value_parser = rate)]
    api_rate: f64,
    #[command(flatten)]
    pub(crate) status: StatusFile,
    /// Time that an image must be missing from listings before repave creates it again
    ///
    /// A listing can lag behind a create. If an image was created or listed before, repave does not create it again
    /// until complete listings have not contained it for this time.
    #[arg(
        long,
        env = "REPAVE_SETTLE_TIME",
        value_name = "DURATION",
        help_heading = "Status"
    )]
    #[arg(default_value = "10m", value_parser = duration)]
    pub(crate) settle_time: SignedDuration,
}

impl Service {
    pub(crate) fn connection(&self) -> Connection {
        Connection {
            region: self.region.clone(),
            profile: self.profile.clone(),
            endpoint_url: self.endpoint_url.clone(),
            api_rate: self.api_rate,
            expected_account: self.expect_account.clone(),
        }
    }
}

/// The files that are written beside stdout.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct Copies {
    /// Also write the JSON document to this file, whatever -o is
    ///
    /// repave writes the file as a whole, also when the command fails. With reconcile, needs --once.
    #[arg(long, env = "REPAVE_JSON_INTO", value_name = "FILE")]
    pub(crate) json_into: Option<PathBuf>,
    /// Also write Markdown for a pull request comment to this file
    ///
    /// The Markdown begins with the totals and folds the rest. It has at most 65,536 bytes, the longest comment that
    /// GitHub accepts. With reconcile, needs --once.
    #[arg(long, env = "REPAVE_MARKDOWN_INTO", value_name = "FILE")]
    pub(crate) markdown_into: Option<PathBuf>,
    /// Add the Markdown to the job summary of GitHub Actions
    ///
    /// repave appends the Markdown to the file in GITHUB_STEP_SUMMARY. With reconcile, needs --once.
    #[arg(long, env = "REPAVE_STEP_SUMMARY", value_parser = FalseyValueParser::new())]
    pub(crate) step_summary: bool,
}
