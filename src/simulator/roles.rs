//! Who a request comes from: the caller that the seed names, or the session of a role; and who may assume which role.
//! Permissions are not simulated, only trust.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::model::value::is_account_id;
use crate::sys::digest;

use super::wire::ServiceError;

/// The longest session of a role that a session of another role assumes.
const LONGEST_CHAINED: SignedDuration = SignedDuration::from_hours(1);

/// The identity of every access key that the simulator did not issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Caller {
    pub account_id: String,
    /// If `None`, a user of the account.
    pub arn: Option<String>,
}

impl Caller {
    pub(super) fn arn(&self) -> String {
        let user = || format!("arn:aws:iam::{}:user/simulated", self.account_id);
        self.arn.clone().unwrap_or_else(user)
    }
}

/// A role that can be assumed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Role {
    pub arn: String,
    /// Account IDs, and ARNs of users, roles and sessions.
    pub trusts: Vec<String>,
    pub external_id: Option<String>,
    /// The longest session. Default 1 h (docs).
    #[serde(default = "one_hour")]
    pub max_session: SignedDuration,
}

fn one_hour() -> SignedDuration {
    SignedDuration::from_hours(1)
}

/// The parts of an ARN of IAM or STS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arn<'a> {
    pub(super) partition: &'a str,
    pub(super) service: &'a str,
    pub(super) account_id: &'a str,
    pub(super) resource: &'a str,
}

impl<'a> Arn<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        match parts.as_slice() {
            [
                "arn",
                partition,
                service @ ("iam" | "sts"),
                "",
                account_id,
                resource,
            ] if !partition.is_empty() && !resource.is_empty() && is_account_id(account_id) => {
                Some(Self {
                    partition,
                    service,
                    account_id,
                    resource,
                })
            }
            _ => None,
        }
    }

    /// Returns the name of a role, without its path.
    pub(super) fn role_name(self) -> Option<&'a str> {
        let role = self.resource.strip_prefix("role/")?;
        let name = role.rsplit('/').next()?;
        let is_name = (1..=64).contains(&name.len()) && name.bytes().all(is_name_byte);
        (self.service == "iam" && is_name).then_some(name)
    }
}

/// Returns whether names of roles and sessions can have this byte: `[\w+=,.@-]`.
pub(super) fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte)
}

/// Who signs a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    pub account_id: String,
    pub arn: String,
    pub user_id: String,
    /// The role of a session.
    role_arn: Option<String>,
}

impl Principal {
    /// Returns the principal of an ARN. The session of a role has the role's ARN without its path, which is not known.
    pub(super) fn of_arn(arn: &str) -> Option<Self> {
        let parsed = Arn::parse(arn)?;
        let Arn {
            partition,
            account_id,
            resource,
            ..
        } = parsed;
        let session = resource
            .strip_prefix("assumed-role/")
            .and_then(|role| role.rsplit_once('/'));
        let role =
            |(role, _): (&str, &str)| format!("arn:{partition}:iam::{account_id}:role/{role}");
        let user_id = match session {
            Some((role, session)) => format!("{}:{session}", role_id(account_id, role)),
            None if resource == "root" => account_id.to_owned(),
            None => "AIDASIMULATED".to_owned(),
        };
        Some(Self {
            account_id: account_id.to_owned(),
            arn: arn.to_owned(),
            user_id,
            role_arn: session.map(role),
        })
    }

    /// Returns the session of a role.
    pub(super) fn of_role(role: &Role, session: &str) -> Option<Self> {
        let arn = Arn::parse(&role.arn)?;
        let name = arn.role_name()?;
        let Arn {
            partition,
            account_id,
            ..
        } = arn;
        let arn = format!("arn:{partition}:sts::{account_id}:assumed-role/{name}/{session}");
        Some(Self {
            role_arn: Some(role.arn.clone()),
            ..Self::of_arn(&arn)?
        })
    }

    /// Returns the ID of the role and the name of the session.
    pub(super) fn is_session(&self) -> bool {
        self.role_arn.is_some()
    }

    fn is_meant_by(&self, trusted: &str) -> bool {
        let is_account = |arn: Arn<'_>| arn.resource == "root" && arn.account_id == self.account_id;
        trusted == self.account_id
            || trusted == self.arn
            || Some(trusted) == self.role_arn.as_deref()
            || Arn::parse(trusted).is_some_and(is_account)
    }
}

/// IDs of roles have this form; one name always has one ID.
fn role_id(account_id: &str, role: &str) -> String {
    let text = format!("role {account_id} {role}");
    let digits = digest::hexadecimal(text.as_bytes(), 8);
    format!("AROA{}", digits.to_ascii_uppercase())
}

/// A valid request for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted<'a> {
    pub(super) role_arn: &'a str,
    pub(super) session: &'a str,
    pub(super) external_id: Option<&'a str>,
    pub(super) duration: SignedDuration,
}

/// Returns the session that a principal gets, if the role trusts it.
pub(super) fn assume(
    roles: &[Role],
    by: &Principal,
    wanted: &Wanted<'_>,
) -> Result<Principal, ServiceError> {
    // AWS does not say whether the role exists, does not trust the caller, or wants an external ID.
    let denied = || denied(by, wanted.role_arn);
    let role = roles.iter().find(|role| role.arn == wanted.role_arn);
    let role = role.ok_or_else(denied)?;
    let is_trusted = role.trusts.iter().any(|trusted| by.is_meant_by(trusted));
    let external_id = role.external_id.as_deref();
    if !is_trusted || external_id.is_some_and(|id| wanted.external_id != Some(id)) {
        return Err(denied());
    }
    let invalid = |message: &str| Err(ServiceError::new("ValidationError", message));
    if by.is_session() && wanted.duration > LONGEST_CHAINED {
        return invalid(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        );
    }
    if wanted.duration > role.max_session {
        return invalid(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        );
    }
    Principal::of_role(role, wanted.session).ok_or_else(denied)
}

pub(super) fn denied(by: &Principal, role_arn: &str) -> ServiceError {
    let message = format!(
        "User: {} is not authorized to perform: sts:AssumeRole on resource: {role_arn}",
        by.arn
    );
    ServiceError {
        status: 403,
        ..ServiceError::new("AccessDenied", message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "arn:aws:iam::999988887777:role/vdi/hub";
    const TARGET: &str = "arn:aws-cn:iam::111122223333:role/repave";

    fn roles(trusts: &[&str], external_id: Option<&str>) -> Vec<Role> {
        let role = |arn: &str| Role {
            arn: arn.into(),
            trusts: trusts.iter().map(ToString::to_string).collect(),
            external_id: external_id.map(str::to_owned),
            max_session: SignedDuration::from_hours(2),
        };
        vec![role(HUB), role(TARGET)]
    }

    fn wanted(role_arn: &str) -> Wanted<'_> {
        Wanted {
            role_arn,
            session: "me",
            external_id: None,
            duration: SignedDuration::from_hours(1),
        }
    }

    #[test]
    fn a_session_has_the_arn_of_its_role_without_the_path() {
        let roles = roles(&["999988887777"], None);
        let user = Principal::of_arn("arn:aws:iam::999988887777:user/ci").unwrap();
        let hub = assume(&roles, &user, &wanted(HUB)).unwrap();
        assert_eq!(hub.arn, "arn:aws:sts::999988887777:assumed-role/hub/me");
        assert_eq!(hub.account_id, "999988887777");
        assert!(hub.user_id.starts_with("AROA") && hub.user_id.ends_with(":me"));
        let target = assume(&roles, &hub, &wanted(TARGET)).unwrap();
        assert_eq!(
            target.arn,
            "arn:aws-cn:sts::111122223333:assumed-role/repave/me"
        );
        let denied = assume(&roles, &target, &wanted(HUB)).unwrap_err();
        assert_eq!((denied.status, &*denied.code), (403, "AccessDenied"));
        assert_eq!(
            denied.message,
            format!(
                "User: {} is not authorized to perform: sts:AssumeRole on resource: {HUB}",
                target.arn
            )
        );
    }

    #[test]
    fn a_role_trusts_accounts_users_roles_and_sessions() {
        let user = Principal::of_arn("arn:aws:iam::999988887777:user/ci").unwrap();
        let hub = assume(&roles(&["999988887777"], None), &user, &wanted(HUB)).unwrap();
        let ci = Principal::of_arn("arn:aws:sts::999988887777:assumed-role/ci/run-1").unwrap();
        for (trusted, by, is_trusted) in [
            ("999988887777", &user, true),
            ("999988887778", &user, false),
            ("arn:aws:iam::999988887777:root", &user, true),
            ("arn:aws:iam::999988887777:root", &hub, true),
            ("arn:aws:iam::999988887778:root", &hub, false),
            ("arn:aws:iam::999988887777:user/ci", &user, true),
            ("arn:aws:iam::999988887777:user/ci", &hub, false),
            (HUB, &hub, true),
            (HUB, &user, false),
            ("arn:aws:iam::999988887777:role/hub", &hub, false),
            ("arn:aws:sts::999988887777:assumed-role/hub/me", &hub, true),
            (
                "arn:aws:sts::999988887777:assumed-role/hub/you",
                &hub,
                false,
            ),
            ("arn:aws:iam::999988887777:role/ci", &ci, true),
            ("", &user, false),
        ] {
            let assumed = assume(&roles(&[trusted], None), by, &wanted(TARGET));
            assert_eq!(assumed.is_ok(), is_trusted, "{trusted} {}", by.arn);
        }
        assert!(assume(&roles(&[], None), &user, &wanted(TARGET)).is_err());
        let unknown = wanted("arn:aws:iam::111122223333:role/other");
        assert!(assume(&roles(&["999988887777"], None), &user, &unknown).is_err());
    }

    #[test]
    fn external_ids_and_durations_are_checked() {
        let user = Principal::of_arn("arn:aws:iam::999988887777:user/ci").unwrap();
        let hub = Principal::of_arn("arn:aws:sts::999988887777:assumed-role/hub/me").unwrap();
        let by_id = |set: Option<&str>, given: Option<&'static str>| {
            let wanted = Wanted {
                external_id: given,
                ..wanted(TARGET)
            };
            assume(&roles(&["999988887777"], set), &user, &wanted).is_ok()
        };
        assert!(by_id(Some("r-1"), Some("r-1")));
        assert!(!by_id(Some("r-1"), Some("R-1")));
        assert!(!by_id(Some("r-1"), None));
        assert!(by_id(None, Some("r-1")));
        for (by, minutes, says) in [
            (&user, 120, None),
            (
                &user,
                121,
                Some("exceeds the MaxSessionDuration set for this role"),
            ),
            (&hub, 60, None),
            (&hub, 61, Some("exceeds the 1 hour session limit")),
        ] {
            let wanted = Wanted {
                duration: SignedDuration::from_mins(minutes),
                ..wanted(TARGET)
            };
            let error = assume(&roles(&["999988887777"], None), by, &wanted).err();
            let error = error.map(|error| format!("{} {}", error.code, error.message));
            assert_eq!(error.is_some(), says.is_some(), "{minutes} {error:?}");
            let has = |says| error.as_ref().is_none_or(|error| error.contains(says));
            assert!(says.is_none_or(has), "{error:?}");
        }
    }
}
