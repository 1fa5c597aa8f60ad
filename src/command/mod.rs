//! What each command does: wires the parts and says how it ended. It decides nothing about images.

use std::io::Write;

use crate::cli::{Command, Config, Copies, Output};
use crate::model::outcome::{ExitCode, Outcome};
use crate::show;
use crate::sys::clock::Clock;
use crate::sys::stop::Stop;

mod completions;
mod connect;
mod daemon;
mod document;
mod expected;
mod explain;
mod failure;
mod iam_policy;
mod man;
mod once;
mod plan;
mod schema;
mod screen;
mod simulate;
mod status;
mod validate;

use screen::{Empty, Screen};

/// Runs the command: data goes to `out`, and the outcome says the rest.
pub async fn run(config: &Config, out: &mut dyn Write, clock: Clock, stop: Stop) -> Outcome {
    let copies = match &config.command {
        Command::Plan(arguments) => arguments.copies.clone(),
        Command::Reconcile(arguments) => arguments.copies.clone(),
        Command::Validate
        | Command::Status(_)
        | Command::Explain(_)
        | Command::Simulate(_)
        | Command::IamPolicy(_)
        | Command::Schema
        | Command::Completions(_)
        | Command::Man(_) => Copies::default(),
    };
    let mut screen = Screen::new(out, config.output, copies);
    if let Err(why) = screen.check() {
        let outcome = Outcome::new(ExitCode::Usage, why);
        screen.refuse(&outcome);
        return outcome;
    }
    let outcome = match &config.command {
        Command::Validate => Ok(validate::run(config, &mut screen)),
        Command::Plan(arguments) => plan::run(config, arguments, &mut screen, clock, &stop).await,
        Command::Reconcile(arguments) if arguments.once => {
            once::run(config, arguments, &mut screen, clock, stop).await
        }
        Command::Reconcile(arguments) => {
            Box::pin(daemon::run(config, arguments, &mut screen, clock, stop)).await
        }
        Command::Status(arguments) => {
            status::run(config, arguments, &mut screen, clock, &stop).await
        }
        Command::Explain(arguments) => explain::run(config, arguments, &mut screen, clock),
        Command::Simulate(arguments) => simulate::run(arguments, &mut screen, clock, &stop).await,
        Command::IamPolicy(arguments) => iam_policy::run(config, arguments, &mut screen),
        Command::Schema => schema::run(&mut screen),
        Command::Completions(arguments) => completions::run(arguments, &mut screen),
        Command::Man(arguments) => man::run(arguments, &mut screen),
    };
    let outcome = outcome.unwrap_or_else(|outcome| {
        screen.json("Error", &outcome, &Empty {});
        screen.markdown(|| show::outcome_markdown(&outcome));
        outcome
    });
    screen.end(outcome)
}

/// Shows an error from before any command began, where JSON is wanted.
pub fn show_error(out: &mut dyn Write, output: Output, outcome: &Outcome) {
    Screen::new(out, output, Copies::default()).refuse(outcome);
}
