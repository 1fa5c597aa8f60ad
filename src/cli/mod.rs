//! The command line: what each command takes, with its help. It reads no manifest and no status, asks no service, and
//! writes nothing.

use std::ffi::OsString;

use clap::builder::styling::Styles;
use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::cloud::aws::endpoint;
use crate::sys::environment::{self, variable};

mod arguments;
mod console;
mod flags;
mod pages;
mod tips;
mod values;

pub(crate) use arguments::{
    Completions, Explain, FailOn, IamPolicy, Man, Plan, Reconcile, Simulate, Status, Validate,
};
pub use console::{Color, Console, LogFormat, LogLevel, Output};
pub(crate) use console::{StatusOutput, ValidateOutput};
pub(crate) use flags::{Copies, ManifestFolder, Service, StatusFile};
pub(crate) use values::{ExpectPlan, Simulation};

/// GitOps for Amazon WorkSpaces images
///
/// YAML manifests declare updated images. repave compares the manifests with the account and creates the images that
/// are missing.
#[derive(Debug, Parser)]
#[command(name = "repave", version, styles = Styles::plain(), propagate_version = true)]
#[command(after_help = "repave COMMAND -h lists the flags of a command; --help explains them.")]
#[command(after_long_help = "\
Examples:
  # Rehearse with a simulated account
  repave reconcile --once --simulate
  # Check the manifests offline
  repave validate
  # Show what a run would do
  repave plan
  # Create the images, and wait for the builds to end
  repave reconcile --once --wait
  # Run as a daemon, and keep the account as declared
  repave reconcile")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to log.
    #[command(flatten)]
    pub console: Console,
}

/// The commands, each with its arguments.
#[derive(Debug, Clone, Subcommand)]
pub enum Command {
    /// Create the images that are missing, and keep running; with --once, exit when none is left to create
    ///
    /// A pass lists the images of the account, creates each declared image that is missing if its source allows it, and
    /// records the result. repave records each create on disk, and then sends it once. If the result is unknown, repave
    /// checks the account before it tries again. repave never deletes, replaces or renames an image.
    ///
    /// With --once, repave runs passes, including retries, until no image is left to create.
    #[command(after_long_help = "\
Examples:
  # In a pipeline
  repave reconcile --once --timeout 30m --max-creates 5
  # Wait for the builds too
  repave reconcile --once --wait
  # As a daemon, with health and metrics
  repave reconcile --health-addr 8080")]
    Reconcile(Reconcile),
    /// Show what a pass would do, without changing anything
    ///
    /// plan lists the images of the account once. For every manifest it shows whether a pass would create the image, or
    /// the reason why not. It changes nothing, not even the status file.
    #[command(after_long_help = "\
Examples:
  # Show what a run would do
  repave plan
  # Show one image of the plan
  repave plan finance-2026-11
  # In a pipeline: exit with 2 if there are images to create
  repave plan --detailed-exitcode -o json")]
    Plan(Plan),
    /// Check the manifests offline
    ///
    /// validate reads every manifest and reports every problem in one run, with file, line, column and what is allowed.
    /// It needs no network and no credentials.
    #[command(after_long_help = "\
Examples:
  # Check a folder
  repave validate --manifests images
  # Check the files of a commit
  repave validate manifests/finance.yaml
  # For another program
  repave validate -o json")]
    Validate(Validate),
    /// Show the status file
    ///
    /// status shows what the last pass found and did, and what each image waits for. It reads only the status file, and
    /// needs no network and no credentials.
    #[command(after_long_help = "\
Examples:
  # The images, and why they are not ready
  repave status
  # Some images
  repave status finance-2026-11 wsi-0123456789ab
  # With IDs and last errors
  repave status -o wide
  # Keep running, and show what changes
  repave status --watch
  # For another program
  repave status -o json")]
    Status(Status),
    /// Explain a reason, an error code, an exit code or an image, offline
    ///
    /// For a reason, an error code or an exit code, explain shows what it means, how to fix it and where to read more.
    /// For an image, named by its manifest, its name or its ID, explain shows why it is not ready. It reads the status file
    /// and the manifests, and needs no network and no credentials.
    #[command(after_long_help = "\
Examples:
  # A reason
  repave explain QuotaExceeded
  # An image
  repave explain finance-2026-11
  # An image ID
  repave explain wsi-0123456789ab")]
    Explain(Explain),
    /// Serve a simulated WorkSpaces account for any AWS client
    ///
    /// The API has the image operations of WorkSpaces, with the limits of the service, short builds, and faults if
    /// the seed sets them. It serves one account, or many accounts and Regions with the roles that lead to them. It checks no
    /// signatures. It prints the variables for its clients, and runs until a signal stops it.
    #[command(after_long_help = "\
Examples:
  # Serve an account with images
  repave simulate --seed examples/simulator/account.yaml
  # Serve many accounts and Regions, with roles
  repave simulate --seed examples/simulator/accounts.yaml
  # List the images
  aws workspaces describe-workspace-images --endpoint-url http://127.0.0.1:4566")]
    Simulate(Simulate),
    /// Print the least-privilege IAM policy for the manifests, offline
    ///
    /// The policy allows the calls that these manifests need, and no others. It contains the action for tags only if a
    /// manifest has tags. Stdout contains only the policy, whatever -o is; problems in manifests go to stderr.
    /// docs/permissions.md explains the policy.
    #[command(after_long_help = "\
Examples:
  # For one account and Region
  repave iam-policy --region eu-west-1 --account-id 111122223333
  # Attach the policy to a role
  aws iam put-role-policy --role-name repave --policy-name repave \\
    --policy-document \"$(repave iam-policy)\"")]
    IamPolicy(IamPolicy),
    /// Print the JSON Schema of the manifests, for editors
    ///
    /// The schema is of draft-07 and accepts what repave validate accepts in a single document. Editors use it for
    /// completion and hovers. It cannot check several documents together, such as two manifests with the same name.
    #[command(after_long_help = "\
Examples:
  # Keep it beside the manifests
  repave schema > schema/updated-image.schema.json
  # Point an editor to it, in the first line of a manifest
  # yaml-language-server: $schema=../schema/updated-image.schema.json")]
    Schema,
    /// Print shell completions
    ///
    /// The shell completes commands, flags and known values.
    #[command(after_long_help = "\
Examples:
  # bash, in ~/.bashrc
  source <(repave completions bash)
  # zsh, in a folder of $fpath
  repave completions zsh > ~/.zfunc/_repave
  # fish
  repave completions fish > ~/.config/fish/completions/repave.fish
  # elvish, in rc.elv
  eval (repave completions elvish | slurp)
  # PowerShell, in $PROFILE
  repave completions powershell | Out-String | Invoke-Expression")]
    Completions(Completions),
    /// Print a manual page
    ///
    /// The page is in the format of man(1).
    #[command(after_long_help = "\
Examples:
  # Read a page
  repave man plan | man -l -
  # Install a page
  repave man plan > /usr/local/share/man/man1/repave-plan.1")]
    Man(Man),
}

impl Command {
    /// Returns whether the command only prints a text of repave, as --help does. It then reports no outcome.
    pub fn is_page(&self) -> bool {
        match self {
            Self::Explain(_) | Self::Schema | Self::Completions(_) | Self::Man(_) => true,
            Self::Reconcile(_)
            | Self::Plan(_)
            | Self::Validate(_)
            | Self::Status(_)
            | Self::Simulate(_)
            | Self::IamPolicy(_) => false,
        }
    }

    /// Returns the format on stdout, or none if the format is the command's own.
    pub fn output(&self) -> Option<Output> {
        match self {
            Self::Reconcile(arguments) => Some(arguments.format.output),
            Self::Plan(arguments) => Some(arguments.format.output),
            Self::Explain(arguments) => Some(arguments.format.output),
            Self::Simulate(arguments) => Some(arguments.format.output),
            Self::IamPolicy(arguments) => Some(arguments.format.output),
            Self::Validate(arguments) => match arguments.format.output {
                ValidateOutput::Text => Some(Output::Text),
                ValidateOutput::Json => Some(Output::Json),
                ValidateOutput::Github | ValidateOutput::Sarif => None,
            },
            Self::Status(arguments) => match arguments.format.output {
                StatusOutput::Text | StatusOutput::Wide => Some(Output::Text),
                StatusOutput::Json => Some(Output::Json),
            },
            Self::Schema | Self::Completions(_) | Self::Man(_) => None,
        }
    }
}

impl Cli {
    /// Parses the arguments and `REPAVE_*` variables of the process.
    pub fn parse_arguments() -> Result<Self, clap::Error> {
        let definition = without_empty_variables(pages::with_rule(Self::command()));
        Self::from_definition(definition, &environment::arguments())
    }

    fn from_definition(
        mut definition: clap::Command,
        arguments: &[OsString],
    ) -> Result<Self, clap::Error> {
        let matches = definition.try_get_matches_from_mut(arguments);
        let matches = matches.map_err(|error| {
            let words = arguments.iter().skip(1);
            let words: Vec<_> = words.map(|word| word.to_string_lossy().into()).collect();
            tips::with_tip(error, &definition, &words)
        })?;
        Self::from_checked(&matches)
    }

    /// Checks what clap cannot express: rules that depend on the source of a value, or on the value.
    fn from_checked(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let cli = Self::from_arg_matches(matches)?;
        let checked = if let Command::Plan(arguments) = &cli.command {
            check_service(&arguments.service)
        } else if let (Command::Reconcile(arguments), Some((_, matches))) =
            (&cli.command, matches.subcommand())
        {
            let checked = arguments.check_mode(matches);
            checked.and_then(|()| check_service(&arguments.service))
        } else {
            Ok(())
        };
        let refused = |why| clap::Error::raw(ErrorKind::ArgumentConflict, format!("{why}\n"));
        checked.map_err(refused).map(|()| cli)
    }
}

fn check_service(service: &Service) -> Result<(), String> {
    // A value parser would repeat the URL in its error, and the URL can contain a password.
    if let Some(url) = &service.endpoint_url {
        endpoint::check(url).map_err(|why| format!("--endpoint-url {why}"))?;
    }
    let is_aws = service.endpoint_url.is_some() || service.profile.is_some();
    if service.status.is_simulated() && is_aws {
        return Err("--simulate replaces AWS and cannot be used with --endpoint-url or --profile (REPAVE_ENDPOINT_URL, REPAVE_PROFILE)".into());
    }
    Ok(())
}

/// Returns the completions in the language of the shell.
pub(crate) fn completions(arguments: &Completions) -> Vec<u8> {
    pages::completions(Cli::command(), arguments.shell)
}

/// Returns the manual page in the format of man(1).
pub(crate) fn man(arguments: &Man) -> std::io::Result<Vec<u8>> {
    pages::man(Cli::command(), arguments.command.as_deref())
}

/// Removes empty variables from the definition, so that they count as unset.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| {
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
    use std::path::Path;

    use clap::builder::PossibleValue;

    use super::*;
    use crate::model::defaults::SETTLE;

    fn parsed(words: &str) -> Result<Cli, clap::Error> {
        let words = std::iter::once("repave").chain(words.split(' '));
        let words: Vec<OsString> = words.map(Into::into).collect();
        Cli::from_definition(Cli::command(), &words)
    }

    fn definition() -> clap::Command {
        let mut root = pages::with_rule(Cli::command()).term_width(80);
        root.build();
        root
    }

    #[test]
    fn the_definition_is_sound() {
        let root = definition();
        root.clone().debug_assert();
        let names = root.get_subcommands().map(clap::Command::get_name);
        let names: Vec<&str> = names.filter(|name| *name != "help").collect();
        let man = root.find_subcommand("man").unwrap();
        let page = man.get_positionals().next().unwrap();
        let pages = page.get_possible_values();
        let pages: Vec<&str> = pages.iter().map(PossibleValue::get_name).collect();
        assert_eq!(pages, names);
    }

    #[test]
    fn each_command_has_its_own_flags() {
        for (arguments, valid) in [
            ("reconcile --once --wait --timeout 5m --max-creates 1", true),
            (
                "reconcile --interval 5m --watch-poll --health-addr 8080 --max-creates 1",
                true,
            ),
            ("reconcile --wait", false),
            ("reconcile --timeout 5m", false),
            ("reconcile --json-into a.json", false),
            ("reconcile --once --interval 5m", false),
            ("reconcile --once --watch-poll=1s", false),
            ("reconcile --once --health-addr 8080", false),
            ("--log-level debug plan -o json", true),
            ("plan --log-level debug -o json", true),
            ("plan -o wide", false),
            ("plan --max-creates 1", false),
            ("--manifests a plan", false),
            ("validate -o sarif", true),
            ("validate -o wide", false),
            ("validate --region eu-west-1", false),
            ("status -o wide --simulate", true),
            ("status -o yaml", false),
            ("status --manifests a", false),
            ("explain --simulate --manifests a", true),
            ("explain --allow-empty", false),
            ("simulate --simulate", false),
            ("iam-policy --region eu-west-1", true),
            ("iam-policy --profile a", false),
            ("schema -o json", false),
        ] {
            let parsed = parsed(arguments);
            assert_eq!(parsed.is_ok(), valid, "{arguments}: {parsed:?}");
        }
    }

    #[test]
    fn the_words_of_other_tools_lead_to_those_of_repave() {
        for (arguments, tip) in [
            ("apply", "'repave reconcile --once' creates the images"),
            ("daemon", "'repave reconcile' without --once is the daemon"),
            ("diff", "'repave plan' shows what a run would do"),
            ("get images", "'repave status' shows the images"),
            ("list", "'repave status' shows the images"),
            ("destroy", "repave only creates images"),
            ("lint", "'repave validate' checks the manifests"),
            (
                "init",
                "write the first manifest as docs/manifests.md shows",
            ),
            ("login", "'aws sso login'"),
            ("version", "'repave --version'"),
            ("help apply", "'repave reconcile --once' creates the images"),
            (
                "reconcile --dry-run",
                "'repave plan' shows what a run would do",
            ),
            ("plan --dry-run=client", "and changes nothing"),
            (
                "reconcile --once --auto-approve",
                "leave it out: repave never asks",
            ),
            ("reconcile --once -y", "leave it out: repave never asks"),
            ("plan -f a.yaml", "use '--manifests DIR'"),
            ("plan --verbose", "use '--log-level debug'"),
            ("plan -v", "use '--log-level debug'"),
            ("plan --json", "use '-o json'"),
            ("plan --target finance", "'suspend: true' in a manifest"),
            ("plan --account 111122223333", "use '--expect-account ID'"),
            ("plan -n prod", "repave has no namespaces"),
            ("simulate --port 80", "use '--listen 127.0.0.1:PORT'"),
            ("reconcile --port 80", "use '--health-addr PORT'"),
            ("iam-policy images", "use '--manifests images'"),
            // Flags of another command, and before the command.
            ("--once", "'--once' is a flag of: reconcile"),
            ("plan --once", "'--once' is a flag of: reconcile"),
            ("plan --watch", "'--watch' is a flag of: status"),
            (
                "status --manifests a",
                "is a flag of: reconcile, plan, validate, explain, iam-policy",
            ),
            // One dash: clap would read -o nce.
            ("reconcile -once", "write '--once', with two dashes"),
            (
                "plan -region eu-west-1",
                "write '--region', with two dashes",
            ),
            // Values without their flag, and other writings of flags and commands.
            ("reconcile once", "write '--once'"),
            (
                "reconcile —simulate",
                "write '--simulate', with two hyphens",
            ),
            (
                "reconcile --simulate seed.yaml",
                "write '--simulate=seed.yaml', with an equals sign",
            ),
            ("reconcile validate", "'repave validate' is another"),
            ("PLAN", "write 'plan' in lower case"),
            ("plan -o markdown", "use '--markdown-into FILE'"),
            ("status -o yaml", "use '-o json'"),
            ("plan -o table", "use '-o text'"),
            ("plan -o wide", "'-o wide' is a format of: status"),
            ("plan -o sarif", "'-o sarif' is a format of: validate"),
            // What clap itself knows.
            ("reconsile", "a similar subcommand exists: 'reconcile'"),
            (
                "plan --manifest a",
                "a similar argument exists: '--manifests'",
            ),
            ("plan --region eu-wst-1", "did you mean eu-west-1?"),
        ] {
            let error = parsed(arguments).unwrap_err();
            let shown = error.to_string();
            assert!(shown.contains(tip), "{arguments}: {shown}");
            assert_eq!(
                shown.matches("tip: ").count(),
                usize::from(!tip.starts_with("did"))
            );
            assert!(error.use_stderr(), "{arguments}");
        }
        // The usage does not contain another guess.
        let shown = parsed("plan --max-creates 3").unwrap_err().to_string();
        assert!(shown.contains("Usage: repave plan [OPTIONS]"), "{shown}");
        // No tip is better than a wrong one.
        for arguments in ["frobnicate", "plan --frobnicate"] {
            let shown = parsed(arguments).unwrap_err().to_string();
            assert!(!shown.contains("tip: "), "{arguments}: {shown}");
        }
    }

    #[test]
    fn a_simulated_account_has_another_status_file() {
        let service = |words: &str| match parsed(words).unwrap().command {
            Command::Plan(plan) => plan.service,
            other => panic!("{other:?}"),
        };
        let path = |words| service(words).status.path().display().to_string();
        assert_eq!(path("plan"), ".repave/status.json");
        assert_eq!(path("plan --simulate"), ".repave/simulated/status.json");
        assert_eq!(path("plan --simulate=false"), ".repave/status.json");
        let seeded = service("plan --simulate=a.yaml --status-file b.json").status;
        assert_eq!(seeded.simulate, Simulation::Seeded("a.yaml".into()));
        assert_eq!(seeded.account_file(), Path::new("b.json.account"));
        assert_eq!(seeded.flags(), " --simulate --status-file b.json");
        assert_eq!(service("plan").status.flags(), "");
        assert_eq!(service("plan").settle_time, SETTLE);
    }

    #[test]
    fn an_endpoint_is_checked_and_not_repeated() {
        let refused = |url| parsed(&format!("plan --endpoint-url {url}")).unwrap_err();
        for url in ["user:secret@host", "https://user:secret@"] {
            let error = refused(url).to_string();
            assert!(error.contains("--endpoint-url must begin with"), "{error}");
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(parsed("plan --endpoint-url http://localhost").is_ok());
        assert!(parsed("plan --endpoint-url http://localhost --simulate=off").is_ok());
        assert!(parsed("plan --endpoint-url http://localhost --simulate").is_err());
        assert!(parsed("reconcile --profile a --simulate").is_err());
    }

    /// The documents list each flag with its variable.
    #[test]
    fn every_flag_has_the_variable_of_its_name_and_a_row_in_the_documents() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(root.join("docs/configuration.md")).unwrap();
        for command in definition().get_subcommands() {
            for flag in command.get_opts() {
                let long = flag.get_long().unwrap();
                if ["help", "version"].contains(&long) {
                    continue;
                }
                let variable = format!("REPAVE_{}", long.replace('-', "_").to_uppercase());
                let found = flag.get_env().and_then(|name| name.to_str());
                assert_eq!(found, Some(variable.as_str()), "{}", command.get_name());
                let is_row = |line: &str| {
                    line.contains(&format!("`{variable}`")) && line.contains(&format!("--{long}"))
                };
                assert!(page.lines().any(is_row), "{long} {variable}");
            }
        }
    }

    #[test]
    fn the_short_help_is_a_card() {
        let root = definition();
        let command = root.find_subcommand("iam-policy").unwrap();
        insta::assert_snapshot!(command.clone().render_help(), @r"
        Print the least-privilege IAM policy for the manifests, offline

        Usage: repave iam-policy [OPTIONS]

        Options:
              --account-id <ID>  Account ID that the policy allows, 12 digits [default:
                                 any]
              --region <REGION>  Region that the policy allows [default: any]
          -h, --help             Print help (see more with '--help')
          -V, --version          Print version

        Manifests:
              --manifests <DIR>  Folder with the manifests [default: manifests]
              --allow-empty      Accept a folder without manifests

        Output:
          -o, --output <FORMAT>      Output format on stdout [default: text] [possible
                                     values: text, json]
              --log-level <LEVEL>    Minimum log level [default: info] [possible values:
                                     error, warn, info, debug, trace]
              --log-format <FORMAT>  Log format on stderr [default: text] [possible
                                     values: text, json]
              --color <WHEN>         When to use colors [default: auto] [possible
                                     values: auto, never, always]
        ");
    }

    /// A terminal of 80 columns shows every line whole, unless a line has no space to wrap at.
    #[test]
    fn help_fits_in_80_columns() {
        for mut command in definition().get_subcommands().cloned() {
            for text in [command.render_help(), command.render_long_help()] {
                for line in text.to_string().lines() {
                    assert!(line.chars().count() <= 80, "{line}");
                }
            }
            let examples = command.get_after_long_help().map(ToString::to_string);
            let examples = examples.unwrap_or_default();
            let mut examples = examples.lines().take_while(|line| !line.is_empty());
            assert!(examples.all(|line| line.len() <= 80), "{command}");
        }
    }
}
