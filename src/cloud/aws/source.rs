//! The sources of credentials. `find` selects the source, and `credentials` fetches from it.

use std::path::PathBuf;

use aws_credential_types::Credentials;

use super::failure::without_passwords;
use super::instance::Metadata;
use super::{container, sso};

/// A source of credentials, with everything needed to fetch them. `from` is the name of the source in errors.
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
        /// The places that were searched before, if the configuration does not name the instance.
        last_resort: Option<String>,
    },
}

/// A role that other credentials assume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) external_id: Option<String>,
    pub(super) session_name: Option<String>,
    /// In seconds.
    pub(super) duration: Option<i32>,
    pub(super) base: Source,
    pub(super) from: String,
}

impl Source {
    /// Returns whether all credentials of the source belong to one account.
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

    /// Records that the source has returned credentials. If the instance is unreachable later, it still counts as an instance.
    pub(super) fn mark_reached(&mut self) {
        match self {
            Self::Instance { last_resort, .. } => *last_resort = None,
            Self::Role(role) => role.base.mark_reached(),
            Self::Keys { .. }
            | Self::WebIdentity { .. }
            | Self::Sso(_)
            | Self::Process { .. }
            | Self::Container(_) => {}
        }
    }

    /// Returns the name of the source in messages.
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
                format!("the instance role ({endpoint})")
            }
        }
    }
}
