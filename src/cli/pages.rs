//! What the definition of the command line gives besides parsing: completions and manual pages.

use std::io;

use clap::builder::PossibleValue;
use clap::{Arg, Command};
pub(super) use clap_complete::Shell;
use clap_mangen::roff::{Roff, bold, roman};

use super::{help, words};
use crate::model::outcome::ExitCode;

/// Returns the completions of a shell, as the shell reads them.
pub(super) fn completions(definition: Command, shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    let mut definition = help::of_completions(definition);
    clap_complete::generate(shell, &mut definition, "repave", &mut text);
    text
}

/// Returns the manual page of a command, or of repave, as `man -l -` reads it. The same version prints the same page:
/// it has no date.
pub(super) fn man(definition: Command, named: Option<&str>) -> io::Result<Vec<u8>> {
    let mut root = worded(help::explained(definition).disable_help_subcommand(true))
        .subcommand_help_heading("COMMANDS")
        .subcommand_value_name("command");
    root.build();
    let command = match named {
        None => root.clone(),
        Some(name) => root
            .find_subcommand(name)
            .cloned()
            .ok_or_else(|| io::Error::other("there is no such command"))?,
    };
    let name = named.map_or_else(|| "repave".into(), page_name);
    let has_commands = command.has_subcommands();
    let has_variables = command
        .get_opts()
        .any(|flag| !flag.is_hide_set() && flag.get_env().is_some());
    let page = clap_mangen::Man::new(command);
    // The library leaves an empty date out, and what follows would take its place.
    let title = format!(
        ".TH {} 1 \"\" \"repave {}\" \"repave\"\n",
        name.to_uppercase(),
        root.get_version().unwrap_or_default()
    );
    let mut text = title.into_bytes();
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    if has_commands {
        page.render_subcommands_section(&mut text)?;
    }
    page.render_options_section(&mut text)?;
    let mut roff = Roff::default();
    for (at, (words, line)) in help::examples(named).iter().enumerate() {
        match at {
            0 => roff.control("SH", ["EXAMPLES"]),
            _ => roff.control("PP", []),
        };
        roff.text([roman(format!("{words}:"))]);
        roff.control("RS", ["4"]);
        roff.control("nf", []);
        roff.text([bold(*line)]);
        roff.control("fi", []);
        roff.control("RE", []);
    }
    if has_variables {
        roff.control("SH", ["ENVIRONMENT"]);
        roff.text([roman(words::VARIABLES)]);
    }
    roff.control("SH", ["EXIT STATUS"]);
    for code in ExitCode::ALL {
        roff.control("TP", ["5"]);
        roff.text([bold(code.number().to_string())]);
        roff.text([roman(format!("{}.", code.meaning()))]);
    }
    let commands = root.get_subcommands().map(|sub| page_name(sub.get_name()));
    let others: Vec<String> = std::iter::once("repave".into())
        .chain(commands)
        .filter(|page| *page != name)
        .map(|page| format!("{page}(1)"))
        .collect();
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(others.join(", "))]);
    roff.to_writer(&mut text)?;
    Ok(text)
}

/// Says the values that a flag may have in its text: as lists they would fill the page.
fn worded(command: Command) -> Command {
    let words = |argument: Arg| {
        let values = argument.get_possible_values();
        let values: Vec<&str> = values.iter().map(PossibleValue::get_name).collect();
        let help = argument.get_long_help().or(argument.get_help());
        match help {
            Some(help) if argument.get_action().takes_values() && !values.is_empty() => {
                let help = help.to_string();
                let help = help.trim_end_matches('.');
                let help = format!("{help}. One of {}.", values.join(", "));
                argument.long_help(help).hide_possible_values(true)
            }
            _ => argument,
        }
    };
    command.mut_args(words).mut_subcommands(worded)
}

fn page_name(command: &str) -> String {
    format!("repave-{command}")
}
