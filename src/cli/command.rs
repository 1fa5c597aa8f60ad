//! What each command is to do, as it was meant: each has its own arguments, and no more.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;

use super::pages::Shell;
use super::values::ExpectPlan;
use crate::cloud::aws::Connection;
use crate::model::reason::Reason;

/// The commands, each with its arguments.
#[derive(Debug, Clone)]
pub enum Command {
    Once(Once),
    Daemon(Daemon),
    Plan(Plan),
    Validate(Validate),
    Status(Status),
    Explain(Explain),
    Simulate(Simulate),
    IamPolicy(IamPolicy),
    Schema,
    Completions(Completions),
    Man(Man),
}

impl Command {
    /// Tells whether it prints a text of repave's own, as --help does. Such a command has nothing to say about its end.
    pub fn is_page(&self) -> bool {
        match self {
            Self::Explain(_) | Self::Schema | Self::Completions(_) | Self::Man(_) => true,
            Self::Once(_)
            | Self::Daemon(_)
            | Self::Plan(_)
            | Self::Validate(_)
            | Self::Status(_)
            | Self::Simulate(_)
            | Self::IamPolicy(_) => false,
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ManifestFolder {
    pub(crate) path: PathBuf,
    /// Whether a folder without manifests is accepted.
    pub(crate) allow_empty: bool,
}

/// Which service: AWS, or the embedded API in its place.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub(crate) connection: Connection,
    pub(crate) simulated: Option<Simulated>,
}

#[derive(Debug, Clone)]
pub(crate) struct Simulated {
    /// The account to begin with.
    pub(crate) seed: Option<PathBuf>,
    /// Where the account is kept between runs.
    pub(crate) account_file: PathBuf,
}

/// What is remembered between passes, and how long an image must be missing before it counts as gone.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    pub(crate) status_file: PathBuf,
    pub(crate) settle: SignedDuration,
}

/// The files that are written beside stdout, by the same run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Copies {
    pub(crate) json_into: Option<PathBuf>,
    pub(crate) markdown_into: Option<PathBuf>,
    /// The summary of a step in GitHub Actions, which Markdown is added to.
    pub(crate) summary_file: Option<PathBuf>,
}

/// Arguments of `reconcile --once`.
#[derive(Debug, Clone)]
pub struct Once {
    pub(crate) manifests: ManifestFolder,
    pub(crate) memory: Memory,
    pub(crate) service: Service,
    /// Whether the run waits for builds too.
    pub(crate) wait: bool,
    pub(crate) timeout: SignedDuration,
    pub(crate) max_creates: Option<usize>,
    pub(crate) expect_plan: Option<ExpectPlan>,
    pub(crate) copies: Copies,
}

/// Arguments of `reconcile` without `--once`.
#[derive(Debug, Clone)]
pub struct Daemon {
    pub(crate) manifests: ManifestFolder,
    pub(crate) memory: Memory,
    pub(crate) service: Service,
    /// The longest time between two passes.
    pub(crate) interval: Duration,
    /// How often the manifests are looked at, if the file system is not to report changes.
    pub(crate) watch_poll: Option<Duration>,
    pub(crate) max_creates: Option<usize>,
    pub(crate) health_addr: Option<SocketAddr>,
}

#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) manifests: ManifestFolder,
    pub(crate) memory: Memory,
    pub(crate) service: Service,
    pub(crate) detailed_exitcode: bool,
    pub(crate) copies: Copies,
}

#[derive(Debug, Clone)]
pub struct Validate {
    pub(crate) manifests: ManifestFolder,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_field_names, reason = "it is the flag's name")]
pub struct Status {
    pub(crate) status_file: PathBuf,
    /// Whether it is the status of a simulated account.
    pub(crate) simulated: bool,
    /// Whether the command stays and shows each change.
    pub watch: bool,
    /// Only images with one of these; all if there are none.
    pub(crate) reasons: Vec<Reason>,
}

#[derive(Debug, Clone)]
pub struct Explain {
    pub(crate) topic: Option<String>,
    pub(crate) status_file: PathBuf,
    pub(crate) manifests: PathBuf,
}

#[derive(Debug, Clone)]
pub struct Simulate {
    pub(crate) seed: Option<PathBuf>,
    pub(crate) listen: SocketAddr,
    /// Whether other machines may reach the address.
    pub(crate) public: bool,
    pub(crate) account_file: Option<PathBuf>,
}

#[derive(Debug, Clone)]
pub struct IamPolicy {
    pub(crate) manifests: ManifestFolder,
    pub(crate) region: Option<String>,
    pub(crate) account_id: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Completions {
    pub(crate) shell: Shell,
}

#[derive(Debug, Clone)]
pub struct Man {
    /// The command whose page it is; without it, repave's own.
    pub(crate) page: Option<String>,
}
