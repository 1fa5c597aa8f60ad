//! `repave man`: prints a manual page.

use super::document;
use super::screen::Screen;
use crate::cli;
use crate::model::outcome::Outcome;

pub(super) fn run(arguments: &cli::Man, screen: &mut Screen<'_>) -> Result<Outcome, Outcome> {
    document::print(screen, cli::man(arguments))
}
