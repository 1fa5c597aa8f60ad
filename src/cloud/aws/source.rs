//! Where credentials come from. Which source is used is decided elsewhere, and fetching from it as well.

use std::path::PathBuf;

use aws_credential_types::Credentials;

use super::failure::without_passwords;
use super::instance::Metadata;
use super::{container, sso};

/// Where credentials come from, complete: fetching them needs nothing else. `from` names the origin in errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Keys {
        keys: Credentials,
        from: String,
    },
    Role(Box<Role>),
    WebIdentity {
        token_file: PathBuf,
        role_arn: String,
        session_name: Option<String>,
        from: String,
    },
    Sso(sso::Session),
    Process {
        /// The program and its arguments.
        command: Vec<String>,
        from: String,
    },
    Container(container::Agent),
    Instance {
        metadata: Metadata,
        /// Where credentials were looked for before, if nothing asks for the instance's by name.
        last_resort: Option<String>,
    },
}

/// A role that other credentials assume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) external_id: Option<String>,
    pub(super) session_name: Option<String>,
    /// Seconds.
    pub(super) duration: Option<i32>,
    pub(super) base: Source,
    pub(super) from: String,
}

impl Source {
    /// Tells whether it always gives credentials of one account, whatever their key.
    pub(super) fn has_fixed_account(&self) -> bool {
        match self {
            Self::Keys { .. }
            | Self::Role(_)
            | Self::WebIdentity { .. }
            | Self::Sso(_)
            | Self::Instance { .. } => true,
            Self::Process { .. } | Self::Container(_) => false,
        }
    }

    /// Notes that it has given credentials: if it cannot be reached later, it is not taken for one that never was there.
    pub(super) fn settle(&mut self) {
        match self {
            Self::Instance { last_resort, .. } => *last_resort = None,
            Self::Role(role) => role.base.settle(),
            Self::Keys { .. }
            | Self::WebIdentity { .. }
            | Self::Sso(_)
            | Self::Process { .. }
            | Self::Container(_) => {}
        }
    }

    /// Names the origin, for people.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Keys { from, .. } => from.clone(),
            Self::WebIdentity { from, role_arn, .. } => format!("{from}, role {role_arn}"),
            Self::Role(role) => format!("role {} of {}", role.arn, role.from),
            Self::Sso(sso) => format!(
                "SSO session {} of profile {} (role {} in account {})",
                sso.name, sso.profile, sso.role_name, sso.account_id
            ),
            Self::Process { from, .. } => format!("credential_process of {from}"),
            Self::Container(agent) => agent.name(),
            Self::Instance { metadata, .. } => {
                let endpoint = without_passwords(&metadata.endpoint);
                format!("the instance's role ({endpoint})")
            }
        }
    }
}
