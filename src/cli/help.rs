//! Help in two levels: puts headings, explanations and examples into the definition of the command line.
//!
//! `-h` shows the line that stands at each flag's definition, `--help` and the manual pages all of it. A flag shows where
//! it means something; it is accepted everywhere, so that one set of flags does for a series of commands.

use clap::{Arg, Command};

use super::output::parser_of_forms;
use super::words::{COMMANDS, EXAMPLES, Examples, FLAGS, HEADINGS, MEANT, OWN};

/// The examples of a command, or of repave.
pub(super) fn examples(command: Option<&str>) -> Examples {
    match command {
        None => EXAMPLES,
        Some(name) => COMMANDS
            .iter()
            .find(|explained| explained.command == name)
            .map_or(&[], |explained| explained.examples),
    }
}

/// Puts it all into the definition.
pub(super) fn explained(root: Command) -> Command {
    with_copies(root, |flag, is_meant| Some(flag.hide(!is_meant)))
}

/// The definition for completions, which would offer hidden flags too: without those that mean nothing to a command.
pub(super) fn of_completions(root: Command) -> Command {
    with_copies(root, |flag, is_meant| is_meant.then_some(flag))
        .mut_args(|argument| argument.global(false))
}

/// `copy` makes of a flag of all commands, and of whether it means something to a command, what the command gets.
fn with_copies(root: Command, copy: fn(Arg, bool) -> Option<Arg>) -> Command {
    let names: Vec<String> = root
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    let root = root.mut_args(with_words);
    let globals: Vec<Arg> = root
        .get_arguments()
        .filter(|argument| argument.is_global_set())
        .cloned()
        .collect();
    // The short help of repave itself is a card of its commands.
    let mut root = root
        .mut_args(|argument| {
            let is_global = argument.is_global_set();
            argument.hide_short_help(is_global)
        })
        .after_help("repave COMMAND -h shows a command's flags; --help explains them.")
        .after_long_help(ending(EXAMPLES, true));
    for name in &names {
        root = root.mut_subcommand(name, |command| of_command(command, name, &globals, copy));
    }
    root.mut_subcommand("man", |man| {
        man.mut_arg("command", |argument| {
            argument.value_parser(clap::builder::PossibleValuesParser::new(
                COMMANDS.iter().map(|explained| explained.command),
            ))
        })
    })
}

fn of_command(
    command: Command,
    name: &str,
    globals: &[Arg],
    copy: fn(Arg, bool) -> Option<Arg>,
) -> Command {
    let meant = MEANT.iter().find(|(known, _)| *known == name);
    let is_meant = |id: &str| meant.is_none_or(|(_, ids)| ids.contains(&id));
    let of_its_own = |argument: Arg| {
        let id = argument.get_id().as_str();
        let own = OWN.iter().find(|own| own.0 == name && own.1 == id);
        match own {
            Some((_, _, short, more)) => {
                argument.help(*short).long_help(format!("{short}. {more}"))
            }
            None => argument,
        }
    };
    // A copy of a flag in the command itself takes the place of the one that would come from above.
    let of_its_forms = |argument: Arg| match argument.get_id().as_str() {
        "output" => argument.value_parser(parser_of_forms(name)),
        _ => argument,
    };
    let copies = globals
        .iter()
        .cloned()
        .map(of_its_forms)
        .filter_map(|argument| {
            let is_meant = is_meant(argument.get_id().as_str());
            copy(of_its_own(argument.clone()), is_meant)
        });
    let command = command.mut_args(with_words).args(copies);
    let Some(explained) = COMMANDS.iter().find(|known| known.command == name) else {
        return command;
    };
    let about = command.get_about().map(ToString::to_string);
    let has_flags = meant.is_none_or(|(_, ids)| !ids.is_empty());
    command
        .long_about(format!(
            "{}.\n\n{}",
            about.unwrap_or_default(),
            explained.words
        ))
        .after_long_help(ending(explained.examples, has_flags))
}

/// Heading and explanation of a flag.
fn with_words(mut argument: Arg) -> Arg {
    let id = argument.get_id().as_str().to_owned();
    let heading = HEADINGS.iter().find(|(_, ids)| ids.contains(&id.as_str()));
    if let Some((heading, _)) = heading {
        argument = argument.help_heading(*heading);
    }
    let short = argument.get_help().map(ToString::to_string);
    let more = FLAGS.iter().find(|(known, _)| *known == id);
    match (short, more) {
        (Some(short), Some((_, more))) => argument.long_help(format!("{short}. {more}")),
        _ => argument,
    }
}

/// The examples, and where to read on.
fn ending(examples: Examples, has_flags: bool) -> String {
    let mut text = String::from("Examples:");
    for (words, line) in examples {
        text.push_str("\n  # ");
        text.push_str(words);
        text.push_str("\n  ");
        text.push_str(&line.replace('\n', "\n  "));
    }
    if has_flags {
        text.push_str(
            "\n\nEvery flag has a variable, and the flag wins: --status-file is\n\
             REPAVE_STATUS_FILE. The last line on stderr says how the command ended;\n\
             repave man lists the exit codes.",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::cli::arguments::Cli;

    #[test]
    fn what_is_explained_is_there_and_the_other_way_round() {
        let plain = Cli::command();
        let names: Vec<&str> = plain.get_subcommands().map(Command::get_name).collect();
        let explained: Vec<&str> = COMMANDS.iter().map(|explained| explained.command).collect();
        assert_eq!(names, explained);

        let is_global = |id: &&str| plain.get_arguments().any(|a| a.get_id() == id);
        let ids: Vec<&str> = HEADINGS.iter().flat_map(|(_, ids)| *ids).copied().collect();
        for argument in plain.get_arguments() {
            assert!(ids.contains(&argument.get_id().as_str()), "{argument:?}");
        }
        for (name, meant) in MEANT {
            assert!(names.contains(&name), "{name}");
            assert!(meant.iter().all(is_global), "{name}: {meant:?}");
        }
        assert!(ids.iter().all(is_global));
        for (id, _) in FLAGS {
            let mut commands = plain.get_subcommands().chain([&plain]);
            let has = |command: &Command| command.get_arguments().any(|a| a.get_id() == id);
            assert!(commands.any(has), "{id}");
        }
        for (name, id, ..) in OWN {
            assert!(names.contains(&name) && is_global(&id), "{name} {id}");
        }
    }

    /// `VARIABLES` says so.
    #[test]
    fn every_flag_has_the_variable_of_its_name() {
        let mut root = explained(Cli::command());
        root.build();
        for command in root.get_subcommands().filter(|c| c.get_name() != "help") {
            for argument in command.get_opts() {
                let Some(long) = argument.get_long() else {
                    panic!("{argument:?} has no long form");
                };
                if ["help", "version"].contains(&long) {
                    continue;
                }
                let variable = format!("REPAVE_{}", long.replace('-', "_").to_uppercase());
                let found = argument.get_env().and_then(|name| name.to_str());
                assert_eq!(found, Some(variable.as_str()), "{}", command.get_name());
            }
        }
    }

    #[test]
    fn the_short_help_is_a_card() {
        let mut root = explained(Cli::command()).term_width(80);
        root.build();
        let command = root.find_subcommand_mut("iam-policy").unwrap();
        let command = command.clone().mut_args(|argument| argument.hide_env(true));
        insta::assert_snapshot!(command.clone().render_help(), @r"
        Print the least-privilege IAM policy for the manifests, offline

        Usage: repave iam-policy [OPTIONS]

        Options:
              --account-id <ID>  The account's id, 12 digits [default: any]
          -h, --help             Print help (see more with '--help')
          -V, --version          Print version

        Manifests:
              --manifests <DIR>  The folder with the manifests [default: manifests]
              --allow-empty      Accept a folder without any manifest

        Target:
              --region <REGION>  The Region that the policy is for [default: any]

        Output:
              --log-level <LEVEL>    The least severe messages to log [default: info]
                                     [possible values: error, warn, info, debug, trace]
              --log-format <FORMAT>  The form of the log, on stderr [default: text]
                                     [possible values: text, json]
              --color <WHEN>         Colours on a terminal, never, or always [default:
                                     auto] [possible values: auto, never, always]
        ");
    }

    #[test]
    fn every_flag_is_in_the_documents() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let page = std::fs::read_to_string(root.join("docs/configuration.md")).unwrap();
        let mut root = explained(Cli::command());
        root.build();
        let flags = root.get_subcommands().flat_map(Command::get_opts);
        for flag in flags.filter(|flag| flag.get_env().is_some()) {
            let long = format!("--{}", flag.get_long().unwrap());
            let variable = format!("`{}`", flag.get_env().unwrap().to_str().unwrap());
            let is_row = |line: &str| line.contains(&variable) && line.contains(&long);
            assert!(page.lines().any(is_row), "{long} {variable}");
        }
    }

    /// Nobody scrolls sideways: nothing is wider than a terminal of 80 columns but what has no space to break at.
    #[test]
    fn help_fits_in_80_columns() {
        for command in COMMANDS.iter().map(|explained| explained.command) {
            let mut root = explained(Cli::command()).term_width(80);
            root.build();
            let found = root.find_subcommand_mut(command).unwrap();
            for text in [found.render_help(), found.render_long_help()] {
                for line in text.to_string().lines() {
                    assert!(line.chars().count() <= 80, "{command}: {line}");
                }
            }
            let examples = examples(Some(command)).iter().flat_map(|(_, e)| e.lines());
            assert!(examples.clone().all(|line| line.len() <= 78), "{command}");
        }
    }
}
