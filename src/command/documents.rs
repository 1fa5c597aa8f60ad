//! The commands that print a document for another program. It goes to stdout as it is, whatever `-o` says: a pipeline
//! that sets `REPAVE_OUTPUT` for all its commands still gets what the other program reads.

use std::io;

use super::Screen;
use crate::cli::{self, Config, Output};
use crate::cloud::policy::{Policy, Scope};
use crate::manifest::schema;
use crate::model::outcome::{ExitCode, Outcome};
use crate::show::counted;

/// Prints the policy. Problems of manifests go to stderr, so that nobody takes them for one.
pub(super) fn iam_policy(
    config: &Config,
    arguments: &cli::IamPolicy,
    screen: &mut Screen<'_>,
) -> Result<Outcome, Outcome> {
    let loaded = if screen.output() == Output::Json {
        super::load(config, screen)
    } else {
        let mut stderr = anstream::stderr();
        let mut aside = Screen::new(&mut stderr, Output::Text, cli::Copies::default());
        super::load(config, &mut aside)
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let images = &loaded.desired;
    let tagged = images.into_iter().filter(|image| !image.tags.is_empty());
    let tagged = tagged.count();
    let policy = Policy::new(Scope {
        region: config.connection.region.as_deref(),
        account_id: arguments.account_id.as_deref(),
        tags: tagged > 0,
    });
    print(
        screen,
        crate::sys::escape::to_json(&policy).map_err(Into::into),
    )?;
    let words = format!(
        "the policy covers {}, {tagged} of them with tags",
        counted(images.len(), "manifest")
    );
    Ok(Outcome::new(ExitCode::Done, words))
}

/// Prints the manifests' schema.
pub(super) fn schema(screen: &mut Screen<'_>) -> Result<Outcome, Outcome> {
    print(screen, schema::text().map_err(Into::into))
}

/// Prints a shell's completions.
pub(super) fn completions(
    arguments: &cli::Completions,
    screen: &mut Screen<'_>,
) -> Result<Outcome, Outcome> {
    print(screen, Ok(cli::completions(arguments)))
}

/// Prints a manual page.
pub(super) fn man(arguments: &cli::Man, screen: &mut Screen<'_>) -> Result<Outcome, Outcome> {
    print(screen, cli::man(arguments))
}

fn print(screen: &mut Screen<'_>, text: io::Result<Vec<u8>>) -> Result<Outcome, Outcome> {
    let text = text.map_err(|error| {
        Outcome::new(
            ExitCode::Failed,
            format!("there is nothing to print: {error}"),
        )
    })?;
    screen.write(&text);
    Ok(Outcome::new(ExitCode::Done, "printed"))
}
