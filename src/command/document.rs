//! Prints a document for another program to stdout, whatever `-o` is: a pipeline that sets `REPAVE_OUTPUT` for all its
//! commands still gets what the other program reads.

use std::io;

use super::screen::Screen;
use crate::model::outcome::{ExitCode, Outcome};

pub(super) fn print(
    screen: &mut Screen<'_>,
    text: io::Result<Vec<u8>>,
) -> Result<Outcome, Outcome> {
    let text = text.map_err(|error| {
        Outcome::new(ExitCode::Failed, format!("cannot make the text: {error}"))
    })?;
    screen.write(&text);
    Ok(Outcome::new(ExitCode::Done, "printed"))
}
