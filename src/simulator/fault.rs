//! Rules for what goes wrong: which call, how often, and how. It decides whether a rule fires; the account does the rest.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::stock::BuildError;
use super::wire::{Call, CodePlacement, ListedImage, Operation};

/// What goes wrong with a call. A file has the kind in the field `fault`, with the kind's own fields beside it.
///
/// Kinds without fields have braces because serde accepts any field beside a kind without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", deny_unknown_fields)]
pub enum Fault {
    /// `ThrottlingException`, without effect and beside the account's own rate limit.
    Throttle {},
    Error {
        code: String,
        #[serde(default = "error_message")]
        message: String,
        #[serde(default = "error_status")]
        status: u16,
        #[serde(default)]
        placement: CodePlacement,
    },
    /// HTTP 500 without effect.
    InternalErrorBefore {
        #[serde(default)]
        body: ErrorBody,
    },
    /// The effect, then HTTP 500.
    InternalErrorAfter {
        #[serde(default)]
        body: ErrorBody,
    },
    /// HTTP 500; the create takes effect later, if it then can.
    LateEffect { by: SignedDuration },
    /// The connection is cut without effect.
    DropBefore {},
    /// The effect, then the connection is cut.
    DropAfter {},
    /// The effect, and an answer so much later.
    Slow { by: SignedDuration },
    /// The effect, and an answer of status 200 whose JSON ends in its middle.
    MalformedBody {},
    /// `AccessDeniedException` for `workspaces:CreateTags`; only for calls that carry tags.
    DenyTags {},
    /// The create takes effect, and the image's build ends in ERROR.
    FailedBuild(BuildError),
    /// The create takes effect, and the image's build takes so long.
    LongBuild { by: SignedDuration },
    /// A page without images, whose token leads to the page that was asked for.
    EmptyPageWithToken {},
    /// From this page on, the listing gives the same page and the same token for ever.
    RepeatedToken {},
    /// The page's images lack members.
    MissingMembers {
        #[serde(default = "Member::all_but_id")]
        members: Vec<Member>,
    },
    /// The page's images have a state that the model does not know.
    UnknownEnumValue {
        #[serde(default = "unknown_state")]
        value: String,
    },
    /// The page lacks images that exist, as a stale listing does.
    HiddenImages {},
}

fn error_message() -> String {
    "This error is simulated".into()
}

fn error_status() -> u16 {
    400
}

fn unknown_state() -> String {
    "COPYING".into()
}

/// What the body of an HTTP 500 holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ErrorBody {
    /// The service's JSON, with the code `InternalFailure`.
    #[default]
    Json,
    /// A load balancer's page, which carries no code.
    Html,
    /// Nothing.
    Empty,
}

/// A member of a listed image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Member {
    ImageId,
    Name,
    Description,
    OperatingSystem,
    State,
    RequiredTenancy,
    ErrorCode,
    ErrorMessage,
    ErrorDetails,
    Created,
    OwnerAccountId,
    Updates,
}

impl Member {
    pub(crate) fn all_but_id() -> Vec<Self> {
        vec![
            Self::Name,
            Self::Description,
            Self::OperatingSystem,
            Self::State,
            Self::RequiredTenancy,
            Self::ErrorCode,
            Self::ErrorMessage,
            Self::ErrorDetails,
            Self::Created,
            Self::OwnerAccountId,
            Self::Updates,
        ]
    }

    pub(super) fn remove(self, image: &mut ListedImage) {
        match self {
            Self::ImageId => image.image_id = None,
            Self::Name => image.name = None,
            Self::Description => image.description = None,
            Self::OperatingSystem => image.operating_system = None,
            Self::State => image.state = None,
            Self::RequiredTenancy => image.required_tenancy = None,
            Self::ErrorCode => image.error_code = None,
            Self::ErrorMessage => image.error_message = None,
            Self::ErrorDetails => image.error_details = Vec::new(),
            Self::Created => image.created = None,
            Self::OwnerAccountId => image.owner_account_id = None,
            Self::Updates => image.updates = None,
        }
    }
}

impl Fault {
    /// Returns whether the fault can happen to calls of this operation.
    pub(crate) fn fits(&self, operation: Operation) -> bool {
        match self {
            Self::Throttle {}
            | Self::Error { .. }
            | Self::InternalErrorBefore { .. }
            | Self::InternalErrorAfter { .. }
            | Self::DropBefore {}
            | Self::DropAfter {}
            | Self::Slow { .. }
            | Self::MalformedBody {} => true,
            Self::DenyTags {} => matches!(
                operation,
                Operation::CreateUpdatedWorkspaceImage | Operation::CreateTags
            ),
            Self::LateEffect { .. } | Self::FailedBuild(_) | Self::LongBuild { .. } => {
                operation == Operation::CreateUpdatedWorkspaceImage
            }
            Self::EmptyPageWithToken {}
            | Self::RepeatedToken {}
            | Self::MissingMembers { .. }
            | Self::UnknownEnumValue { .. }
            | Self::HiddenImages {} => operation == Operation::DescribeWorkspaceImages,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Only calls of this operation; if `None`, of every one that the fault fits.
    pub(crate) operation: Option<Operation>,
    /// Only calls about the image of this name. A listing is about all: there, the only image that the fault touches.
    pub(crate) image_name: Option<String>,
    /// How many of these calls pass before the first that fails.
    #[serde(default)]
    pub(crate) skip: u32,
    /// How many fail then.
    #[serde(default = "once")]
    pub(crate) times: u32,
    /// An unknown field of the rule is refused here, where the fields that the rule does not know arrive.
    #[serde(flatten)]
    pub(crate) fault: Fault,
}

fn once() -> u32 {
    1
}

impl Rule {
    /// Returns the rule that the next call of the operation fails.
    pub fn next(operation: Operation, fault: Fault) -> Self {
        Self {
            operation: Some(operation),
            image_name: None,
            skip: 0,
            times: 1,
            fault,
        }
    }

    /// Returns whether the rule counts the call.
    fn matches(&self, call: &Call, about: Option<&str>) -> bool {
        let operation = call.operation();
        let listing = operation == Operation::DescribeWorkspaceImages;
        self.fault.fits(operation)
            && self.operation.is_none_or(|only| only == operation)
            && (self.fault != Fault::DenyTags {} || call.has_tags())
            && (listing || self.image_name.is_none() || self.image_name.as_deref() == about)
    }
}

/// Counts the call, and returns the rule that fires for it. Rules after that one don't see the call, so that rules of one
/// operation follow one another like the lines of a script. Returns also whether any count moved.
pub(super) fn take(
    rules: &mut Vec<Rule>,
    call: &Call,
    about: Option<&str>,
) -> (Option<Rule>, bool) {
    let mut counted = false;
    let mut fired = None;
    for rule in rules.iter_mut() {
        if rule.times == 0 || !rule.matches(call, about) {
            continue;
        }
        counted = true;
        if let Some(left) = rule.skip.checked_sub(1) {
            rule.skip = left;
            continue;
        }
        rule.times -= 1;
        fired = Some(rule.clone());
        break;
    }
    rules.retain(|rule| rule.times > 0);
    (fired, counted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulator::wire::{CreateUpdatedImage, DescribeImages, Tag};

    fn create(tagged: bool) -> Call {
        Call::CreateUpdatedImage(CreateUpdatedImage {
            tags: tagged.then(|| vec![Tag::default()]),
            ..Default::default()
        })
    }

    /// Which of so many calls the rules fire for, and with what.
    fn fired(mut rules: Vec<Rule>, calls: &[(Call, &str)]) -> Vec<Option<Fault>> {
        calls
            .iter()
            .map(|(call, about)| take(&mut rules, call, Some(about)).0.map(|rule| rule.fault))
            .collect()
    }

    #[test]
    fn rules_follow_one_another_like_the_lines_of_a_script() {
        let create_op = Operation::CreateUpdatedWorkspaceImage;
        let rules = vec![
            Rule {
                skip: 1,
                times: 2,
                ..Rule::next(create_op, Fault::Throttle {})
            },
            Rule::next(create_op, Fault::DropAfter {}),
        ];
        let calls: Vec<_> = (0..5).map(|_| (create(false), "a")).collect();
        // The second rule sees the first call, which the first one only counts.
        assert_eq!(
            fired(rules, &calls),
            [
                Some(Fault::DropAfter {}),
                Some(Fault::Throttle {}),
                Some(Fault::Throttle {}),
                None,
                None
            ]
        );
    }

    #[test]
    fn a_rule_sees_only_the_calls_it_is_about() {
        let describe = || Call::DescribeImages(DescribeImages::default());
        let named = Rule {
            image_name: Some("b".into()),
            ..Rule::next(Operation::CreateUpdatedWorkspaceImage, Fault::DropBefore {})
        };
        let calls = [
            (create(false), "a"),
            (describe(), "b"),
            (create(false), "b"),
        ];
        assert_eq!(
            fired(vec![named], &calls),
            [None, None, Some(Fault::DropBefore {})]
        );

        let tags = Rule {
            operation: None,
            ..Rule::next(Operation::CreateTags, Fault::DenyTags {})
        };
        let calls = [
            (create(false), "a"),
            (create(true), "a"),
            (create(true), "a"),
        ];
        assert_eq!(
            fired(vec![tags], &calls),
            [None, Some(Fault::DenyTags {}), None]
        );

        let pages = Rule {
            operation: None,
            ..Rule::next(Operation::CreateTags, Fault::HiddenImages {})
        };
        let calls = [(create(false), "a"), (describe(), "")];
        assert_eq!(
            fired(vec![pages], &calls),
            [None, Some(Fault::HiddenImages {})]
        );
    }
}
