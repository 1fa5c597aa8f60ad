//! Many accounts and Regions: who signs a request, which account it is for, and the sessions of roles. Time is passed in;
//! nothing is read or waited for.
//!
//! Each account has a lock for itself, so that no account waits for another. A caller locks the world only to ask which
//! account a request is for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::cloud::aws::region;
use crate::sys::clock::whole_seconds;
use crate::sys::digest;

use super::account::Account;
use super::outage::{self, Down, Outage, OutageRule, Request};
use super::roles::{self, Arn, Caller, Principal, Role};
use super::shared::{SharedAccount, lock};
use super::signature::{Scope, Signed};
use super::sts::{Form, Identified, Issued};
use super::validate;
use super::wire::ServiceError;

/// How keys begin that the simulator issued, in this process or an earlier one.
const ISSUED: &str = "ASIASIM";
/// How long an expired session is remembered as expired.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(12);

/// A world in a file: docs/simulator.md lists the fields that a user writes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WorldForm {
    pub caller: Caller,
    #[serde(default)]
    pub roles: Vec<Role>,
    /// The longest session, whatever a request asks for.
    pub session_duration: Option<SignedDuration>,
    #[serde(default)]
    pub faults: Vec<OutageRule>,
    pub accounts: Vec<Account>,
}

impl WorldForm {
    /// Returns the first Region of the caller's account, or of any.
    pub(crate) fn region(&self) -> Option<&str> {
        let own = |account: &&Account| account.account_id == self.caller.account_id;
        let account = self.accounts.iter().find(own).or(self.accounts.first())?;
        Some(&account.region)
    }
}

/// Why a request does not reach an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The code is STS's.
    Error(ServiceError),
    /// HTTP 503 without an error code.
    Unavailable,
    DropConnection,
}

/// A world's answer, and how much later it comes.
#[derive(Debug)]
pub struct Admission<T> {
    pub delay: Duration,
    pub result: Result<T, Refusal>,
}

/// An account that everybody reaches from everywhere, or many.
#[derive(Debug)]
pub struct World(Extent);

#[derive(Debug)]
enum Extent {
    One(SharedAccount),
    Many(Box<Many>),
}

/// The accounts that an ID and a Region lead to, and what is between a request and them.
#[derive(Debug)]
struct Many {
    caller: Principal,
    roles: Vec<Role>,
    longest_session: Option<SignedDuration>,
    faults: Vec<OutageRule>,
    accounts: BTreeMap<(String, String), SharedAccount>,
    /// By access key.
    sessions: BTreeMap<String, Session>,
    /// How many sessions were issued.
    issued: u64,
    revision: u64,
}

#[derive(Debug)]
struct Session {
    token: String,
    expires: Timestamp,
    principal: Principal,
}

/// What a request asks for.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Images,
    Identity,
    /// A session of the role with this ARN.
    Session(&'a str),
}

/// A request after the gate.
struct Passed<'a> {
    principal: Principal,
    region: &'a str,
    refuses_role: bool,
}

impl From<SharedAccount> for World {
    fn from(account: SharedAccount) -> Self {
        Self(Extent::One(account))
    }
}

impl TryFrom<WorldForm> for World {
    type Error = String;

    /// The form's limits are the seed's to check; only a caller whose ARN cannot be read is refused.
    fn try_from(form: WorldForm) -> Result<Self, String> {
        let arn = form.caller.arn();
        let caller = Principal::of_arn(&arn).ok_or(format!("caller: {arn:?} is not an ARN"))?;
        let place = |account: &Account| (account.account_id.clone(), account.region.clone());
        let accounts = form.accounts.into_iter();
        let accounts = accounts.map(|account| (place(&account), Arc::new(Mutex::new(account))));
        Ok(Self(Extent::Many(Box::new(Many {
            caller,
            roles: form.roles,
            longest_session: form.session_duration,
            faults: form.faults,
            accounts: accounts.collect(),
            sessions: BTreeMap::new(),
            issued: 0,
            revision: 0,
        }))))
    }
}

impl World {
    /// Returns the account of a WorkSpaces request.
    pub fn account_of(&mut self, now: Timestamp, signed: &Signed<'_>) -> Admission<SharedAccount> {
        match &mut self.0 {
            Extent::One(account) => Admission {
                delay: Duration::ZERO,
                result: Ok(Arc::clone(account)),
            },
            Extent::Many(many) => {
                let (delay, passed) = many.pass(now, signed, Asked::Images);
                let result =
                    passed.map(|passed| many.account(&passed.principal.account_id, passed.region));
                Admission { delay, result }
            }
        }
    }

    /// Returns who signs a request to STS.
    pub fn identify(&mut self, now: Timestamp, signed: &Signed<'_>) -> Admission<Identified> {
        match &mut self.0 {
            Extent::One(account) => {
                let account_id = lock(account).account_id.clone();
                let result = Ok(Identified {
                    arn: format!("arn:aws:iam::{account_id}:user/simulated"),
                    user_id: "AIDASIMULATED".into(),
                    account_id,
                });
                Admission {
                    delay: Duration::ZERO,
                    result,
                }
            }
            Extent::Many(many) => {
                let (delay, passed) = many.pass(now, signed, Asked::Identity);
                let result = passed.map(|passed| Identified {
                    arn: passed.principal.arn,
                    user_id: passed.principal.user_id,
                    account_id: passed.principal.account_id,
                });
                Admission { delay, result }
            }
        }
    }

    /// Returns the credentials of a new session of a role.
    pub fn assume_role(
        &mut self,
        now: Timestamp,
        signed: &Signed<'_>,
        form: &Form,
    ) -> Admission<Issued> {
        let Extent::Many(many) = &mut self.0 else {
            let message = "The simulator of one account has no roles; a seed with accounts has";
            return Admission {
                delay: Duration::ZERO,
                result: Err(Refusal::Error(ServiceError::new("InvalidAction", message))),
            };
        };
        let role = form.get("RoleArn").unwrap_or_default();
        let (delay, passed) = many.pass(now, signed, Asked::Session(role));
        let issued = |passed| many.issue(now, &passed, form).map_err(Refusal::Error);
        Admission {
            delay,
            result: passed.and_then(issued),
        }
    }

    /// Returns the account with this ID in this Region; an empty one if there is none yet.
    pub fn account(&mut self, account_id: &str, region: &str) -> SharedAccount {
        match &mut self.0 {
            Extent::One(account) => Arc::clone(account),
            Extent::Many(many) => many.account(account_id, region),
        }
    }

    /// Returns a number that grows with every change of [`World::faults`].
    pub(super) fn revision(&self) -> u64 {
        match &self.0 {
            Extent::One(_) => 0,
            Extent::Many(many) => many.revision,
        }
    }

    /// Returns the rules that have not done all their work yet.
    pub(super) fn faults(&self) -> &[OutageRule] {
        match &self.0 {
            Extent::One(_) => &[],
            Extent::Many(many) => &many.faults,
        }
    }
}

impl Many {
    fn account(&mut self, account_id: &str, region: &str) -> SharedAccount {
        let place = (account_id.to_owned(), region.to_owned());
        let empty = || {
            let account = Account {
                account_id: account_id.to_owned(),
                region: region.to_owned(),
                ..Account::default()
            };
            Arc::new(Mutex::new(account))
        };
        Arc::clone(self.accounts.entry(place).or_insert_with(empty))
    }

    /// Checks what comes before the service itself: the Region, the signature, the session.
    fn pass<'a>(
        &mut self,
        now: Timestamp,
        signed: &Signed<'a>,
        asked: Asked<'_>,
    ) -> (Duration, Result<Passed<'a>, Refusal>) {
        let mut delay = Duration::ZERO;
        let scope = match Scope::parse(signed.authorization.unwrap_or_default()) {
            Ok(scope) => scope,
            Err(error) => return (delay, Err(Refusal::Error(error))),
        };
        let principal = self.principal(now, scope.access_key, signed.session_token);
        let (service, role) = match asked {
            Asked::Images => ("workspaces", None),
            Asked::Identity => ("sts", None),
            Asked::Session(arn) => ("sts", Arn::parse(arn).map(|role| (arn, role.account_id))),
        };
        let request = Request {
            is_sts: service == "sts",
            region: scope.region,
            role,
            account_id: principal.as_ref().map_or("", |by| &by.account_id),
        };
        let (fired, counted) = outage::take(&mut self.faults, &request);
        self.revision += u64::from(counted);
        let mut refuses_role = false;
        let refusal = match fired.as_ref().map(|fired| &fired.outage) {
            Some(Outage::RegionDown { answer: Down::Drop }) => Some(Refusal::DropConnection),
            Some(Outage::RegionDown { .. }) => Some(Refusal::Unavailable),
            Some(Outage::ThrottleSts {}) => {
                let error = ServiceError::new("Throttling", "Rate exceeded");
                Some(Refusal::Error(error))
            }
            Some(Outage::RegionNotEnabled {}) => {
                let only = fired.as_ref().and_then(|fired| fired.account_id.as_deref());
                let by_caller = only.is_none_or(|only| only == request.account_id);
                let role_account = request.role.map_or("", |(_, account)| account);
                Some(Refusal::Error(if by_caller {
                    invalid_token()
                } else {
                    region_disabled(role_account)
                }))
            }
            Some(Outage::SlowSts { by }) => {
                delay = Duration::try_from(*by).unwrap_or_default();
                None
            }
            Some(Outage::RefuseRole {}) => {
                refuses_role = true;
                None
            }
            None => None,
        };
        let passed = match refusal {
            Some(refusal) => Err(refusal),
            None => check_scope(&scope, service)
                .and(principal)
                .map_err(Refusal::Error)
                .map(|principal| Passed {
                    principal,
                    region: scope.region,
                    refuses_role,
                }),
        };
        (delay, passed)
    }

    /// Returns whom an access key belongs to.
    fn principal(
        &self,
        now: Timestamp,
        access_key: &str,
        token: Option<&str>,
    ) -> Result<Principal, ServiceError> {
        match self.sessions.get(access_key) {
            Some(session) if token != Some(&session.token) => Err(invalid_token()),
            Some(session) if now >= session.expires => Err(ServiceError {
                status: 403,
                ..ServiceError::new(
                    "ExpiredToken",
                    "The security token included in the request is expired",
                )
            }),
            Some(session) => Ok(session.principal.clone()),
            // Of an earlier process, or forgotten: never the caller's.
            None if access_key.starts_with(ISSUED) => Err(invalid_token()),
            None => Ok(self.caller.clone()),
        }
    }

    fn issue(
        &mut self,
        now: Timestamp,
        passed: &Passed<'_>,
        form: &Form,
    ) -> Result<Issued, ServiceError> {
        let wanted = validate::assume_role(form)?;
        if passed.refuses_role {
            return Err(roles::denied(&passed.principal, wanted.role_arn));
        }
        let principal = roles::assume(&self.roles, &passed.principal, &wanted)?;
        self.issued += 1;
        self.sessions
            .retain(|_, session| now.duration_since(session.expires) < REMEMBERED);
        let longest = self.longest_session.unwrap_or(wanted.duration);
        let expires = now.saturating_add(wanted.duration.min(longest));
        let expires = whole_seconds(expires.unwrap_or(now));
        let (issued, arn) = (self.issued, &principal.arn);
        let made = |what: &str, length| {
            digest::hexadecimal(format!("{what} {now} {issued} {arn}").as_bytes(), length)
        };
        let key = made("key", 7).to_ascii_uppercase();
        // As long as a key of AWS.
        let access_key = format!("{ISSUED}{}", key.get(..13).unwrap_or(&key));
        let token = format!("Simulated{}", made("token", 32));
        let answer = Issued {
            access_key: access_key.clone(),
            secret: made("secret", 20),
            token: token.clone(),
            expires,
            arn: principal.arn.clone(),
            role_id: principal.user_id.clone(),
        };
        let session = Session {
            token,
            expires,
            principal,
        };
        self.sessions.insert(access_key, session);
        Ok(answer)
    }
}

fn check_scope(scope: &Scope<'_>, service: &str) -> Result<(), ServiceError> {
    let message = if scope.service != service {
        format!("Credential should be scoped to correct service: '{service}'.")
    } else if region::check(scope.region).is_err() {
        "Credential should be scoped to a valid region.".to_owned()
    } else {
        return Ok(());
    };
    Err(ServiceError {
        status: 403,
        ..ServiceError::new("SignatureDoesNotMatch", message)
    })
}

fn invalid_token() -> ServiceError {
    ServiceError {
        status: 403,
        ..ServiceError::new(
            "InvalidClientTokenId",
            "The security token included in the request is invalid.",
        )
    }
}

fn region_disabled(account_id: &str) -> ServiceError {
    let message = format!(
        "STS is not activated in this region for account:{account_id}. Your account administrator can activate STS in \
         this region using the IAM Console."
    );
    ServiceError {
        status: 403,
        ..ServiceError::new("RegionDisabledException", message)
    }
}

#[cfg(test)]
#[path = "world_tests.rs"]
mod tests;
