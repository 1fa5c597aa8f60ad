//! The target of an output: account, Region, and where the credentials come from.

use crate::model::target::Target;
use crate::sys::escape::Escaped;

/// Returns the first line of a plan, a run and a status.
pub fn target_text(target: &Target) -> String {
    format!("{}\n", target_line(target))
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
