//! `repave iam-policy`: prints the policy that the manifests need, offline.

use super::document;
use super::screen::Screen;
use super::validate::load;
use crate::cli::{IamPolicy, Output};
use crate::cloud::policy::{Policy, Scope};
use crate::model::outcome::{ExitCode, Outcome};
use crate::sys::escape::to_json;
use crate::sys::words::counted;

/// Prints the policy. Problems in manifests go to stderr, unless -o is json, so that stdout contains only a policy.
pub(super) fn run(arguments: &IamPolicy, screen: &mut Screen<'_>) -> Result<Outcome, Outcome> {
    let loaded = if arguments.format.output == Output::Json {
        load(&arguments.manifests, screen)
    } else {
        let mut stderr = anstream::stderr();
        let mut aside = Screen::new(&mut stderr, Some(Output::Text), screen.terminal());
        load(&arguments.manifests, &mut aside)
    };
    let loaded = match loaded {
        Ok(loaded) => loaded,
        Err(outcome) => return Ok(outcome),
    };
    let images = &loaded.desired;
    let tagged = images.into_iter().filter(|image| !image.tags.is_empty());
    let tagged = tagged.count();
    let policy = Policy::new(Scope {
        region: arguments.region.as_deref(),
        account_id: arguments.account_id.as_deref(),
        tags: tagged > 0,
    });
    document::print(screen, to_json(&policy).map_err(Into::into))?;
    let words = format!(
        "the policy covers {}, {tagged} of them with tags",
        counted(images.len(), "manifest")
    );
    Ok(Outcome::new(ExitCode::Done, words))
}
