//! What the definition of the command line gives besides parsing: completions, manual pages, and the end of the help.

use std::io;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::roff::{Roff, bold, roman};

use crate::model::outcome::ExitCode;

const VARIABLES: &str = "Every flag has a variable; for example, --log-level has REPAVE_LOG_LEVEL. The flag takes precedence. An empty variable counts as unset. Region and credentials come from the variables and files of AWS tools, unless a flag overrides them.";

pub(super) fn completions(mut definition: Command, shell: Shell) -> Vec<u8> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut definition, "repave", &mut text);
    text
}

pub(super) fn man(definition: Command, named: Option<&str>) -> io::Result<Vec<u8>> {
    let mut root = definition
        .disable_help_subcommand(true)
        .subcommand_help_heading("COMMANDS");
    root.build();
    let command = named.and_then(|name| root.find_subcommand(name));
    let command = command.unwrap_or(&root).clone();
    let examples = examples(&command);
    let name = command.get_display_name().unwrap_or("repave");
    // The library would leave the empty date out. A real date would make the page differ from build to build.
    let version = env!("CARGO_PKG_VERSION");
    let title = format!(".TH {} 1 \"\" \"repave {version}\"\n", name.to_uppercase());
    let mut text = title.into_bytes();
    let has_commands = command.has_subcommands();
    let page = clap_mangen::Man::new(command);
    page.render_name_section(&mut text)?;
    page.render_synopsis_section(&mut text)?;
    page.render_description_section(&mut text)?;
    page.render_options_section(&mut text)?;
    if has_commands {
        page.render_subcommands_section(&mut text)?;
    }
    let mut roff = Roff::default();
    roff.control("SH", ["EXAMPLES"]);
    roff.control("nf", []);
    roff.text([roman(examples.trim_start_matches("Examples:\n"))]);
    roff.control("fi", []);
    roff.control("SH", ["ENVIRONMENT"]);
    roff.text([roman(VARIABLES)]);
    roff.control("SH", ["EXIT STATUS"]);
    for code in ExitCode::ALL {
        roff.control("TP", ["5"]);
        roff.text([bold(code.number().to_string())]);
        roff.text([roman(format!("{}.", code.meaning()))]);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman("repave(1)")]);
    roff.to_writer(&mut text)?;
    Ok(text)
}

fn examples(command: &Command) -> String {
    let text = command.get_after_long_help();
    text.map(ToString::to_string).unwrap_or_default()
}

/// Puts the rule of variables at the end of every help, in place of a variable at every flag.
pub(super) fn with_rule(root: Command) -> Command {
    let end = |command: Command| {
        let text = format!("{}\n\n{VARIABLES}", examples(&command));
        command
            .mut_args(|argument| argument.hide_env(true))
            .after_long_help(text)
    };
    end(root).mut_subcommands(end)
}
