//! What each command does: one file per command, which gets its own arguments, wires the rooms and returns the outcome.
//! It decides nothing about images, and parses no argument.

use crate::cli::Command;
use crate::model::outcome::Outcome;
use crate::show;
use crate::sys::clock::Clock;
use crate::sys::stop::Stop;
use crate::sys::terminal::Size;

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
mod revision;
mod schema;
mod screen;
mod select;
mod simulate;
mod status;
mod this_run;
mod validate;

use screen::Empty;
pub use screen::Screen;

/// Runs the command: data goes to the screen. A run that waits shows its progress on stderr, if that is a terminal of this
/// size.
pub async fn run(
    command: &Command,
    mut screen: Screen<'_>,
    stderr_size: Option<fn() -> Size>,
    clock: Clock,
    stop: Stop,
) -> Outcome {
    let outcome = match command {
        Command::Reconcile(arguments) if arguments.once => {
            once::run(arguments, &mut screen, stderr_size, clock, stop).await
        }
        Command::Reconcile(arguments) => {
            Box::pin(daemon::run(arguments, &mut screen, clock, stop)).await
        }
        Command::Plan(arguments) => plan::run(arguments, &mut screen, clock, &stop).await,
        Command::Validate(arguments) => validate::run(arguments, &mut screen),
        Command::Status(arguments) => status::run(arguments, &mut screen, clock, &stop).await,
        Command::Explain(arguments) => explain::run(arguments, &mut screen, clock),
        Command::Simulate(arguments) => simulate::run(arguments, &mut screen, clock, &stop).await,
        Command::IamPolicy(arguments) => iam_policy::run(arguments, &mut screen),
        Command::Schema => schema::run(&mut screen),
        Command::Completions(arguments) => completions::run(arguments, &mut screen),
        Command::Man(arguments) => man::run(arguments, &mut screen),
    };
    let outcome = outcome.unwrap_or_else(|outcome| {
        screen.json(show::DocumentKind::Error, &outcome, &Empty {});
        screen.markdown(|| show::outcome_markdown(&outcome));
        outcome
    });
    screen.end(outcome)
}
