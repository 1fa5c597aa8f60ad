//! `repave completions`: prints shell completions.

use super::document;
use super::screen::Screen;
use crate::cli;
use crate::model::outcome::Outcome;

pub(super) fn run(
    arguments: &cli::Completions,
    screen: &mut Screen<'_>,
) -> Result<Outcome, Outcome> {
    document::print(screen, Ok(cli::completions(arguments)))
}
