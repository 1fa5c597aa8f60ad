//! Rules of a seed: the flat form in which people write faults, and which field belongs to which.

use jiff::SignedDuration;
use serde::{Deserialize, Deserializer};

use crate::model::value::ImageName;
use crate::simulator::fault::{ErrorBody, Fault, Member, Rule};
use crate::simulator::stock::BuildError;
use crate::simulator::wire::{CodePlacement, Operation};

use super::values::{
    Checked, DEFAULT_BUILD_ERROR, Detail, Printable, Whole, Written, checked, text_or,
};

/// The kinds of [`Fault`], without what belongs to some of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Kind {
    Throttle,
    Error,
    InternalErrorBefore,
    InternalErrorAfter,
    LateEffect,
    DropBefore,
    DropAfter,
    Slow,
    MalformedBody,
    DenyTags,
    FailedBuild,
    LongBuild,
    EmptyPageWithToken,
    RepeatedToken,
    MissingMembers,
    UnknownEnumValue,
    HiddenImages,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawRule {
    operation: Option<Operation>,
    image_name: Option<Written<ImageName>>,
    skip: Option<Whole<0, { u32::MAX }>>,
    times: Option<Whole<1, { u32::MAX }>>,
    fault: Kind,
    code: Option<Written<Printable<256>>>,
    message: Option<Written<Printable<1024>>>,
    status: Option<Whole<400, 599>>,
    placement: Option<Placement>,
    body: Option<ErrorBody>,
    by: Option<Written<SignedDuration>>,
    members: Option<Vec<Member>>,
    value: Option<Written<Printable<64>>>,
    details: Option<Vec<Detail>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Placement {
    Body,
    Namespaced,
    Header,
}

#[derive(Debug)]
pub(super) struct SeedRule(pub(super) Rule);

impl Checked for SeedRule {
    type Raw = RawRule;

    fn check(mut raw: RawRule) -> Result<Self, String> {
        let kind = raw.fault;
        let fault = raw.fault(kind)?;
        // Each kind has taken what is its own; the rest belongs to others.
        if let Some(field) = raw.left() {
            return Err(format!("fault {kind:?} has no {field}"));
        }
        if let Some(operation) = raw.operation
            && !fault.fits(operation)
        {
            return Err(format!("fault {kind:?} cannot happen to {operation}"));
        }
        Ok(Self(Rule {
            operation: raw.operation,
            image_name: raw.image_name.map(|name| name.0.to_string()),
            skip: raw.skip.map_or(0, |it| it.0),
            times: raw.times.map_or(1, |it| it.0),
            fault,
        }))
    }
}

impl<'de> Deserialize<'de> for SeedRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        checked(deserializer)
    }
}

impl RawRule {
    /// Takes the fields of the fault of this kind.
    fn fault(&mut self, kind: Kind) -> Result<Fault, String> {
        let mut by = || match self.by.take() {
            Some(by) => Ok(by.0),
            None => Err(format!("fault {kind:?} needs `by`, such as 30s")),
        };
        Ok(match kind {
            Kind::Throttle => Fault::Throttle,
            Kind::Error => Fault::Error {
                code: self.take_code()?,
                message: text_or(self.message.take(), "This error is simulated"),
                status: self
                    .status
                    .take()
                    .and_then(|it| u16::try_from(it.0).ok())
                    .unwrap_or(400),
                placement: match self.placement.take() {
                    None | Some(Placement::Body) => CodePlacement::Body,
                    Some(Placement::Namespaced) => CodePlacement::Namespaced,
                    Some(Placement::Header) => CodePlacement::Header,
                },
            },
            Kind::InternalErrorBefore => Fault::InternalErrorBefore {
                body: self.body.take().unwrap_or_default(),
            },
            Kind::InternalErrorAfter => Fault::InternalErrorAfter {
                body: self.body.take().unwrap_or_default(),
            },
            Kind::LateEffect => Fault::LateEffect { by: by()? },
            Kind::DropBefore => Fault::DropBefore,
            Kind::DropAfter => Fault::DropAfter,
            Kind::Slow => Fault::Slow { by: by()? },
            Kind::MalformedBody => Fault::MalformedBody,
            Kind::DenyTags => Fault::DenyTags,
            Kind::FailedBuild => Fault::FailedBuild(BuildError {
                code: text_or(self.code.take(), DEFAULT_BUILD_ERROR.0),
                message: text_or(self.message.take(), DEFAULT_BUILD_ERROR.1),
                details: self
                    .details
                    .take()
                    .unwrap_or_default()
                    .into_iter()
                    .map(|it| (it.code.0.0, it.message.0.0))
                    .collect(),
            }),
            Kind::LongBuild => Fault::LongBuild { by: by()? },
            Kind::EmptyPageWithToken => Fault::EmptyPageWithToken,
            Kind::RepeatedToken => Fault::RepeatedToken,
            Kind::MissingMembers => Fault::MissingMembers {
                members: self
                    .members
                    .take()
                    .unwrap_or_else(|| Member::ALL_BUT_ID.to_vec()),
            },
            Kind::UnknownEnumValue => Fault::UnknownEnumValue {
                value: text_or(self.value.take(), "COPYING"),
            },
            Kind::HiddenImages => Fault::HiddenImages,
        })
    }

    /// The code of an error, which must fit into a header.
    fn take_code(&mut self) -> Result<String, String> {
        match self.code.take() {
            None => Err("fault Error needs `code`, such as ExpiredTokenException".into()),
            Some(Written(code)) if code.0.bytes().all(|b| b.is_ascii_graphic()) => Ok(code.0),
            Some(Written(code)) => Err(format!(
                "code is {:?}; allowed: ASCII characters without spaces",
                code.0
            )),
        }
    }

    /// A field that was given and not taken.
    fn left(&self) -> Option<&'static str> {
        [
            (self.code.is_some(), "code"),
            (self.message.is_some(), "message"),
            (self.status.is_some(), "status"),
            (self.placement.is_some(), "placement"),
            (self.body.is_some(), "body"),
            (self.by.is_some(), "by"),
            (self.members.is_some(), "members"),
            (self.value.is_some(), "value"),
            (self.details.is_some(), "details"),
        ]
        .into_iter()
        .find_map(|(left, field)| left.then_some(field))
    }
}
