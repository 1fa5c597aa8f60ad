//! The command line: what was typed (`arguments`), and what it means to each command (`command`, by `resolve`). It reads
//! no manifest and no status, asks no service, and writes nothing.

use clap::{CommandFactory as _, FromArgMatches as _};

use crate::sys::environment::variable;

mod arguments;
mod command;
mod console;
mod help;
mod output;
mod pages;
mod resolve;
mod values;
mod words;

pub use arguments::Cli;
pub use command::Command;
pub(crate) use command::{
    Completions, Copies, Daemon, Explain, IamPolicy, Man, ManifestFolder, Once, Plan, Service,
    Simulate, Simulated, Status, Validate,
};
pub use console::{Color, Console, LogFormat, LogLevel};
pub use output::Output;
pub(crate) use values::ExpectPlan;

impl Cli {
    /// Parses the process's arguments and `REPAVE_*` variables; an empty variable counts as none.
    pub fn parse_arguments() -> Result<Self, clap::Error> {
        let definition = help::explained(Self::command());
        let matches = without_empty_variables(definition).try_get_matches()?;
        let mut cli = Self::from_arg_matches(&matches)?;
        if let (arguments::Command::Reconcile(reconcile), Some((_, matches))) =
            (&mut cli.command, matches.subcommand())
        {
            reconcile.forget_what_nobody_typed(matches);
        }
        Ok(cli)
    }

    /// Returns how repave is to write to stdout and stderr.
    pub fn console(&self) -> Console {
        self.common.console
    }

    /// Resolves what was typed into what it means, or says what does not fit together.
    pub fn resolve(self) -> Result<Command, String> {
        resolve::resolve(self.command, self.common)
    }
}

/// Returns the completions of a shell, as the shell reads them.
pub(crate) fn completions(arguments: &Completions) -> Vec<u8> {
    pages::completions(Cli::command(), arguments.shell)
}

/// Returns the manual page of a command, or of repave, as `man -l -` reads it.
pub(crate) fn man(arguments: &Man) -> std::io::Result<Vec<u8>> {
    pages::man(Cli::command(), arguments.page.as_deref())
}

/// Takes the variables that are empty out of the definition, and all of them out of the help, which tells the rule.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| {
            let argument = argument.hide_env(true);
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
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        help::explained(Cli::command()).debug_assert();
    }
}
