//! The target of an output: account, Region, and where the credentials come from.

use crate::model::target::Target;
use crate::state::status::ManifestsStatus;
use crate::sys::escape::Escaped;

/// Returns the first lines of a plan and a run: the target, and the revision of the manifests in a checkout.
pub(crate) fn head(target: &Target, manifests: &ManifestsStatus) -> String {
    let lines = std::iter::once(target_line(target)).chain(manifests_line(manifests));
    lines.map(|line| line + "\n").collect()
}

/// Returns "Manifests main@sha1:...", escaped, or `None` outside of a checkout.
pub(super) fn manifests_line(manifests: &ManifestsStatus) -> Option<String> {
    let revision = manifests.revision.as_ref()?;
    Some(format!("Manifests {}", Escaped(revision)))
}

/// Returns "Account 111122223333, Region eu-west-1, credentials of profile work", escaped.
pub(crate) fn target_line(target: &Target) -> String {
    let account = target.account_id.as_deref().unwrap_or("not known yet");
    let mut line = format!(
        "Account {}, Region {}",
        Escaped(account),
        Escaped(&target.region)
    );
    if target.simulated {
        line += ", simulated";
    }
    if let Some(credentials) = &target.credentials {
        line += ", credentials from ";
        line += &Escaped(credentials).to_string();
    }
    line
}
