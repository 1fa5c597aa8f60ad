//! Rules for what goes wrong before a request reaches an account: with a role, a Region or STS. It decides whether a rule
//! fires; the world does the rest.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

/// What goes wrong. A file has the kind in the field `fault`, as the faults of an account do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", deny_unknown_fields)]
pub enum Outage {
    /// `AccessDenied` for AssumeRole.
    RefuseRole {},
    /// `Throttling` for STS.
    ThrottleSts {},
    /// An answer of STS so much later.
    SlowSts { by: SignedDuration },
    /// No service of the Region answers.
    RegionDown {
        #[serde(default)]
        answer: Down,
    },
    /// The account has not enabled the Region.
    RegionNotEnabled {},
}

/// What a client gets from a Region that is down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Down {
    /// HTTP 503 without an error code.
    #[default]
    Unavailable,
    /// The connection is cut.
    Drop,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutageRule {
    /// Only AssumeRole of this role.
    pub role: Option<String>,
    /// Only requests signed for this Region.
    pub region: Option<String>,
    /// Only requests that this account signs, and AssumeRole of its roles.
    pub account_id: Option<String>,
    /// How many of these requests pass before the first that fails.
    #[serde(default)]
    pub skip: u32,
    /// How many fail then; all if `None`.
    pub times: Option<u32>,
    #[serde(flatten)]
    pub outage: Outage,
}

/// A request, as far as rules see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) is_sts: bool,
    pub(super) region: &'a str,
    /// The role that AssumeRole asks for, and its account.
    pub(super) role: Option<(&'a str, &'a str)>,
    /// The account that signs.
    pub(super) account_id: &'a str,
}

impl OutageRule {
    fn matches(&self, request: &Request<'_>) -> bool {
        let fits = match self.outage {
            Outage::RefuseRole {} => request.role.is_some(),
            Outage::ThrottleSts {} | Outage::SlowSts { .. } => request.is_sts,
            Outage::RegionDown { .. } | Outage::RegionNotEnabled {} => true,
        };
        let is = |only: &Option<String>, found: &str| only.as_ref().is_none_or(|it| it == found);
        let (role, role_account) = request.role.unzip();
        fits && is(&self.region, request.region)
            && (self.role.is_none() || self.role.as_deref() == role)
            && (is(&self.account_id, request.account_id)
                || self.account_id.as_deref() == role_account)
    }
}

/// Counts the request, and returns the rule that fires for it; also whether any count moved. Rules after that one don't see
/// the request, as with the faults of an account.
pub(super) fn take(
    rules: &mut Vec<OutageRule>,
    request: &Request<'_>,
) -> (Option<OutageRule>, bool) {
    let mut counted = false;
    let mut fired = None;
    for rule in rules.iter_mut().filter(|rule| rule.matches(request)) {
        if let Some(left) = rule.skip.checked_sub(1) {
            rule.skip = left;
            counted = true;
            continue;
        }
        fired = Some(rule.clone());
        if let Some(times) = &mut rule.times {
            *times = times.saturating_sub(1);
            counted = true;
        }
        break;
    }
    if counted {
        rules.retain(|rule| rule.times != Some(0));
    }
    (fired, counted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: (&str, &str) = ("arn:aws:iam::999988887777:role/hub", "999988887777");
    const OWN: &str = "111122223333";

    fn rule(outage: Outage) -> OutageRule {
        OutageRule {
            role: None,
            region: None,
            account_id: None,
            skip: 0,
            times: None,
            outage,
        }
    }

    #[test]
    fn a_rule_sees_only_the_requests_it_is_about() {
        let assume = Request {
            is_sts: true,
            region: "eu-west-1",
            role: Some(HUB),
            account_id: OWN,
        };
        let identify = Request {
            role: None,
            ..assume
        };
        let list = Request {
            is_sts: false,
            ..identify
        };
        let of = |rule: &OutageRule| [assume, identify, list].map(|request| rule.matches(&request));
        let down = Outage::RegionDown { answer: Down::Drop };
        for (outage, seen) in [
            (Outage::RefuseRole {}, [true, false, false]),
            (Outage::ThrottleSts {}, [true, true, false]),
            (down.clone(), [true, true, true]),
            (Outage::RegionNotEnabled {}, [true, true, true]),
        ] {
            assert_eq!(of(&rule(outage.clone())), seen, "{outage:?}");
        }
        let down = rule(down);
        let in_region = |region: &str| OutageRule {
            region: Some(region.into()),
            ..down.clone()
        };
        assert_eq!(of(&in_region("eu-west-1")), [true; 3]);
        assert_eq!(of(&in_region("us-east-1")), [false; 3]);
        let of_account = |account: &str| OutageRule {
            account_id: Some(account.into()),
            ..down.clone()
        };
        assert_eq!(of(&of_account(OWN)), [true; 3]);
        assert_eq!(of(&of_account(HUB.1)), [true, false, false]);
        assert_eq!(of(&of_account("0")), [false; 3]);
        let of_role = |role: &str| OutageRule {
            role: Some(role.into()),
            ..down.clone()
        };
        assert_eq!(of(&of_role(HUB.0)), [true, false, false]);
        assert_eq!(
            of(&of_role("arn:aws:iam::999988887777:role/other")),
            [false; 3]
        );
    }

    #[test]
    fn rules_skip_and_end_like_the_faults_of_an_account() {
        let request = Request {
            is_sts: true,
            region: "eu-west-1",
            role: None,
            account_id: OWN,
        };
        let script = OutageRule {
            skip: 1,
            times: Some(1),
            ..rule(Outage::ThrottleSts {})
        };
        let slow = Outage::SlowSts {
            by: SignedDuration::from_secs(1),
        };
        let mut rules = vec![script, rule(slow.clone())];
        let mut fired = || take(&mut rules, &request);
        let next = fired();
        assert_eq!((next.0.unwrap().outage, next.1), (slow.clone(), true));
        let next = fired();
        assert_eq!(
            (next.0.unwrap().outage, next.1),
            (Outage::ThrottleSts {}, true)
        );
        for _ in 0..2 {
            let next = fired();
            assert_eq!((next.0.unwrap().outage, next.1), (slow.clone(), false));
        }
        assert_eq!(rules.len(), 1);
    }
}
