//! The manifests of a run or a plan, with their revision.

use super::screen::Screen;
use super::validate;
use crate::cli::{ManifestFolder, Reconcile};
use crate::manifest::{Loaded, touched};
use crate::model::outcome::Outcome;
use crate::run::revision::{RequireClean, Revision};
use crate::state::status::ManifestsStatus;
use crate::sys::escape::escaped;
use crate::sys::git_command::Git;

/// Returns which manifests may be used, if --require-clean is set.
pub(super) fn rule(arguments: &Reconcile) -> Option<RequireClean> {
    let branch = arguments.branch.clone();
    arguments.require_clean.then_some(RequireClean { branch })
}

/// Loads the manifests and compares them with their commit, or shows every problem and returns the outcome. A run that `acts`
/// does not use a file that is being written.
pub(super) async fn load(
    folder: &ManifestFolder,
    screen: &mut Screen<'_>,
    acts: bool,
) -> Result<(Loaded, Revision), Outcome> {
    let mut seen = touched(&folder.path);
    let loaded = if acts {
        let loaded = validate::load_to_act(folder, screen).await?;
        if !loaded.unended.is_empty() {
            seen = touched(&folder.path);
        }
        loaded
    } else {
        validate::load(folder, screen)?
    };
    let revision = Revision::of(&folder.path, &seen, &Git::default()).await;
    if touched(&folder.path) == seen && revision.is_current() {
        return Ok((loaded, revision));
    }
    let why = "the files changed while repave read them. Run repave again";
    Ok((loaded, revision.unknown(why)))
}

/// Returns what the status file says about the manifests.
pub(super) fn status(loaded: &Loaded, revision: &Revision) -> ManifestsStatus {
    ManifestsStatus {
        revision: revision.text(),
        dirty: revision.dirty(),
        digest: Some(loaded.digest.clone()),
        held_back: None,
        problems: Vec::new(),
    }
}

/// Returns the line of the revision, or nothing outside of a checkout.
pub(super) fn text(manifests: &ManifestsStatus) -> String {
    let revision = manifests.revision.as_ref();
    let line = revision.map(|revision| format!("Manifests {}\n", escaped(revision, 300)));
    line.unwrap_or_default()
}
