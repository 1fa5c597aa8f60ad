//! Tips for wrong command lines: the words of other tools, flags of another command, and flags with one dash.

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, Error, ErrorKind};
use clap::{ArgAction, Command};

/// Adds a tip to an error of clap, in place of clap's guess by similar letters, if the mistake is a known one.
pub(super) fn with_tip(mut error: Error, root: &Command, arguments: &[String]) -> Error {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        _ => None,
    };
    let command = arguments
        .iter()
        .find_map(|argument| root.find_subcommand(argument));
    let tip = one_dash(command.unwrap_or(root), arguments).or_else(|| match error.kind() {
        ErrorKind::InvalidSubcommand => other_command(&word(ContextKind::InvalidSubcommand)?, root),
        ErrorKind::UnknownArgument => {
            let argument = word(ContextKind::InvalidArg)?;
            match argument.strip_prefix('-') {
                Some(flag) => unknown_flag(flag, command, root),
                None => value_without_flag(&argument, command?, root, arguments),
            }
        }
        ErrorKind::InvalidValue => {
            let is_output = word(ContextKind::InvalidArg)?.contains("--output");
            let value = word(ContextKind::InvalidValue)?;
            is_output.then(|| other_output(&value, root, command))?
        }
        _ => None,
    });
    // A flag that no command has is not a NAME.
    error.remove(ContextKind::Suggested);
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        if error.kind() == ErrorKind::UnknownArgument {
            // That of clap can contain its guess.
            let usage = command.unwrap_or(root).clone().render_usage();
            error.insert(ContextKind::Usage, ContextValue::StyledStr(usage));
        }
        let tip = ContextValue::StyledStrs(vec![StyledStr::from(tip)]);
        error.insert(ContextKind::Suggested, tip);
    }
    error
}

/// The commands of other tools, and what to use.
const COMMANDS: [(&[&str], &str); 9] = [
    (
        &[
            "apply", "run", "create", "deploy", "sync", "up", "build", "make", "start", "once",
            "exec",
        ],
        "'repave reconcile --once' creates the images that are missing",
    ),
    (
        &[
            "daemon",
            "serve",
            "watch",
            "controller",
            "operator",
            "agent",
        ],
        "'repave reconcile' without --once is the daemon",
    ),
    (
        &["diff", "preview", "dry-run", "dryrun", "what-if", "whatif"],
        "'repave plan' shows what a run would do",
    ),
    (
        &[
            "get", "list", "ls", "images", "image", "describe", "show", "state", "ps", "logs",
            "log", "history",
        ],
        "'repave status' shows the images after the last run, 'repave plan' the images in the account",
    ),
    (
        &[
            "delete", "destroy", "rm", "remove", "down", "prune", "rename", "update",
        ],
        "repave only creates images; change or delete an image with the AWS console or CLI",
    ),
    (
        &["lint", "check", "test", "verify", "fmt", "vet"],
        "'repave validate' checks the manifests",
    ),
    (
        &["init", "new", "generate", "example", "import"],
        "write the first manifest as docs/manifests.md shows; 'repave schema' helps an editor to complete it",
    ),
    (
        &["login", "configure", "auth"],
        "repave uses the credentials of the AWS CLI: 'aws sso login' or 'aws configure'",
    ),
    (&["version"], "'repave --version' prints the version"),
];

fn other_command(word: &str, root: &Command) -> Option<String> {
    let word = word.to_ascii_lowercase();
    if root.find_subcommand(&word).is_some() {
        return Some(format!("write '{word}' in lower case"));
    }
    let mut known = COMMANDS.iter();
    let (_, tip) = known.find(|(words, _)| words.contains(&word.as_str()))?;
    Some((*tip).to_owned())
}

/// The flags of other tools, without dashes, and what to use.
const FLAGS: [(&[&str], &str); 11] = [
    (
        &[
            "dry-run", "dryrun", "diff", "preview", "check", "noop", "no-op",
        ],
        "'repave plan' shows what a run would do, and changes nothing",
    ),
    (
        &[
            "y",
            "yes",
            "auto-approve",
            "approve",
            "force",
            "no-input",
            "non-interactive",
        ],
        "leave it out: repave never asks. To allow only a reviewed plan, use 'reconcile --once --expect-plan'",
    ),
    (
        &[
            "f",
            "k",
            "R",
            "file",
            "filename",
            "folder",
            "dir",
            "directory",
            "path",
            "config",
            "recursive",
            "c",
        ],
        "use '--manifests DIR': repave reads all manifests of the folder",
    ),
    (
        &["v", "vv", "verbose", "debug", "trace", "d"],
        "use '--log-level debug'",
    ),
    (&["q", "quiet", "silent", "s"], "use '--log-level error'"),
    (&["json", "format", "out"], "use '-o json'"),
    (&["no-color", "no-colors", "nocolor"], "use '--color never'"),
    (
        &[
            "target", "only", "name", "l", "selector", "image", "limit", "include", "exclude",
        ],
        "a run is about all manifests of the folder; 'suspend: true' in a manifest leaves its image out",
    ),
    (
        &["account", "account-id", "aws-account", "expected-account"],
        "use '--expect-account ID'",
    ),
    (
        &["delete", "prune", "destroy", "replace", "refresh"],
        "leave it out: repave only creates images",
    ),
    (
        &["namespace", "n", "context", "all-namespaces", "A"],
        "leave it out: repave has no namespaces. Set the account with '--profile' and the Region with '--region'",
    ),
];

/// Returns what to use for a flag, without its first dash.
fn unknown_flag(flag: &str, command: Option<&Command>, root: &Command) -> Option<String> {
    let name = flag.trim_start_matches('-');
    let name = name.split_once('=').map_or(name, |(name, _)| name);
    let others: Vec<&str> = root
        .get_subcommands()
        .filter(|other| has_flag(other, name))
        .map(Command::get_name)
        .collect();
    if !others.is_empty() {
        let names = others.join(", ");
        return Some(match command {
            Some(_) => format!("'--{name}' is a flag of: {names}"),
            None => format!("write the command first: '--{name}' is a flag of: {names}"),
        });
    }
    let is_short = !flag.starts_with('-');
    if name == "port" || (name == "p" && is_short) {
        return Some(match command.map(Command::get_name) {
            Some("simulate") => "use '--listen 127.0.0.1:PORT'".into(),
            _ => "use '--health-addr PORT' with the daemon".into(),
        });
    }
    let known = FLAGS.iter().find(|(names, _)| names.contains(&name));
    known.map(|(_, tip)| (*tip).to_owned())
}

/// Returns what to use for a value that no flag is before.
fn value_without_flag(
    value: &str,
    command: &Command,
    root: &Command,
    arguments: &[String],
) -> Option<String> {
    let name = value.trim_start_matches(['\u{2013}', '\u{2014}']);
    if name.len() < value.len() {
        return Some(format!(
            "write '--{name}', with two hyphens in place of a dash"
        ));
    }
    if has_flag(command, value) {
        return Some(format!("write '--{value}'"));
    }
    if root.find_subcommand(value).is_some() {
        return Some(format!(
            "a run has one command: 'repave {value}' is another"
        ));
    }
    let at = arguments.iter().position(|argument| argument == value);
    let before = at.and_then(|at| arguments.get(at.checked_sub(1)?));
    if let Some(before) = before
        && let Some(name) = before.strip_prefix("--")
        && command
            .get_arguments()
            .any(|flag| flag.get_long() == Some(name) && flag.is_require_equals_set())
    {
        return Some(format!("write '{before}={value}', with an equals sign"));
    }
    has_flag(command, "manifests").then(|| {
        format!("use '--manifests {value}' for a folder; a run is about all its manifests")
    })
}

/// Returns what to use for a format that the command does not have.
fn other_output(value: &str, root: &Command, command: Option<&Command>) -> Option<String> {
    match value {
        "markdown" | "md" if has_flag(command?, "markdown-into") => {
            Some("use '--markdown-into FILE'".into())
        }
        "yaml" | "yml" => Some("use '-o json'".into()),
        "table" => Some("use '-o text'".into()),
        _ => {
            let has = |other: &&Command| {
                let output = other
                    .get_arguments()
                    .find(|flag| flag.get_long() == Some("output"));
                let values = output
                    .map(clap::Arg::get_possible_values)
                    .unwrap_or_default();
                values.iter().any(|known| known.matches(value, true))
            };
            let other = root.get_subcommands().find(has)?.get_name();
            Some(format!("'-o {value}' is a format of: {other}"))
        }
    }
}

/// Returns how to write a long flag that has only one dash.
fn one_dash(command: &Command, arguments: &[String]) -> Option<String> {
    arguments.iter().find_map(|argument| {
        let name = argument.strip_prefix('-')?;
        let name = name.split_once('=').map_or(name, |(name, _)| name);
        (name.len() > 1 && has_flag(command, name))
            .then(|| format!("write '--{name}', with two dashes"))
    })
}

/// Returns whether the command has a long flag of this name, except help and version.
fn has_flag(command: &Command, name: &str) -> bool {
    let is_own = |action: &ArgAction| !matches!(action, ArgAction::Help | ArgAction::Version);
    command
        .get_arguments()
        .any(|flag| flag.get_long() == Some(name) && is_own(flag.get_action()))
}
