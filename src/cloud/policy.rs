//! The IAM policy with only the permissions that repave needs.

use serde::Serialize;

use crate::cloud::Operation;

/// The action that a create with tags needs in addition. repave does not call it.
pub(crate) const CREATE_TAGS: &str = "workspaces:CreateTags";

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: String,
    resource: String,
}

/// The scope of the permissions. Without a Region or account they apply everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scope<'a> {
    pub region: Option<&'a str>,
    pub account_id: Option<&'a str>,
    /// Whether any image gets tags.
    pub tags: bool,
}

impl Policy {
    /// Returns the policy for the scope. Listing and tagging have no resource type, so their resource is `*` (AWS service
    /// authorization reference).
    pub(crate) fn new(scope: Scope<'_>) -> Self {
        let allow = |sid, action: String, resource: String| Statement {
            sid,
            effect: "Allow",
            action,
            resource,
        };
        let any = || String::from("*");
        let mut statement = vec![
            allow(
                "ListImages",
                action(Operation::DescribeWorkspaceImages),
                any(),
            ),
            allow(
                "CreateUpdatedImages",
                action(Operation::CreateUpdatedWorkspaceImage),
                format!(
                    "arn:{}:workspaces:{}:{}:workspaceimage/*",
                    scope.region.map_or("aws", partition),
                    scope.region.unwrap_or("*"),
                    scope.account_id.unwrap_or("*"),
                ),
            ),
        ];
        if scope.tags {
            statement.push(allow("TagNewImages", CREATE_TAGS.into(), any()));
        }
        Self {
            version: "2012-10-17",
            statement,
        }
    }

    #[cfg(test)]
    fn actions(&self) -> impl Iterator<Item = &str> {
        self.statement
            .iter()
            .map(|statement| statement.action.as_str())
    }
}

/// Returns the IAM action of an operation.
pub fn action(operation: Operation) -> String {
    format!("workspaces:{operation}")
}

/// The prefixes of Region names outside the partition `aws` (endpoint rules of the SDK).
const PARTITIONS: [(&str, &str); 7] = [
    ("cn-", "aws-cn"),
    ("us-gov-", "aws-us-gov"),
    ("us-iso-", "aws-iso"),
    ("us-isob-", "aws-iso-b"),
    ("eu-isoe-", "aws-iso-e"),
    ("us-isof-", "aws-iso-f"),
    ("eusc-", "aws-eusc"),
];

/// Returns the partition of a Region, which is the second part of an ARN.
fn partition(region: &str) -> &'static str {
    PARTITIONS
        .into_iter()
        .find(|(start, _)| region.starts_with(start))
        .map_or("aws", |(_, partition)| partition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{ApiError, Delivery, Failure};

    fn text(scope: Scope<'_>) -> String {
        serde_json::to_string_pretty(&Policy::new(scope)).unwrap()
    }

    #[test]
    fn without_tags_there_are_two_statements() {
        insta::assert_snapshot!(text(Scope::default()), @r#"
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Sid": "ListImages",
              "Effect": "Allow",
              "Action": "workspaces:DescribeWorkspaceImages",
              "Resource": "*"
            },
            {
              "Sid": "CreateUpdatedImages",
              "Effect": "Allow",
              "Action": "workspaces:CreateUpdatedWorkspaceImage",
              "Resource": "arn:aws:workspaces:*:*:workspaceimage/*"
            }
          ]
        }
        "#);
    }

    #[test]
    fn tags_need_a_separate_action() {
        let scope = Scope {
            region: Some("eu-west-1"),
            account_id: Some("111122223333"),
            tags: true,
        };
        insta::assert_snapshot!(text(scope), @r#"
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Sid": "ListImages",
              "Effect": "Allow",
              "Action": "workspaces:DescribeWorkspaceImages",
              "Resource": "*"
            },
            {
              "Sid": "CreateUpdatedImages",
              "Effect": "Allow",
              "Action": "workspaces:CreateUpdatedWorkspaceImage",
              "Resource": "arn:aws:workspaces:eu-west-1:111122223333:workspaceimage/*"
            },
            {
              "Sid": "TagNewImages",
              "Effect": "Allow",
              "Action": "workspaces:CreateTags",
              "Resource": "*"
            }
          ]
        }
        "#);
    }

    #[test]
    fn the_partition_is_that_of_the_region() {
        for (region, start) in [
            ("us-east-1", "arn:aws:workspaces:us-east-1:*:"),
            (
                "us-gov-west-1",
                "arn:aws-us-gov:workspaces:us-gov-west-1:*:",
            ),
            ("cn-northwest-1", "arn:aws-cn:workspaces:cn-northwest-1:*:"),
            (
                "eusc-de-east-1",
                "arn:aws-eusc:workspaces:eusc-de-east-1:*:",
            ),
        ] {
            let scope = Scope {
                region: Some(region),
                ..Scope::default()
            };
            let found = text(scope);
            assert!(found.contains(start), "{found}");
        }
    }

    /// The advice after a denied call names exactly the actions of the policy.
    #[test]
    fn the_advice_names_these_actions() {
        let mut advised: Vec<String> = [
            Operation::DescribeWorkspaceImages,
            Operation::CreateUpdatedWorkspaceImage,
        ]
        .into_iter()
        .flat_map(|operation| {
            let denied = Failure {
                delivery: Delivery::Answered(400),
                code: Some("AccessDeniedException".into()),
                message: String::new(),
                service_reason: None,
                request_id: None,
            };
            let message = ApiError::new(operation, denied).message;
            let words = message.split_whitespace().filter_map(|word| {
                let name = word.strip_prefix("workspaces:")?;
                let end = name.find(|c: char| !c.is_ascii_alphabetic());
                Some(format!("workspaces:{}", &name[..end.unwrap_or(name.len())]))
            });
            words.collect::<Vec<_>>()
        })
        .collect();
        advised.sort_unstable();
        advised.dedup();
        let policy = Policy::new(Scope {
            tags: true,
            ..Scope::default()
        });
        let mut actions: Vec<&str> = policy.actions().collect();
        actions.sort_unstable();
        assert_eq!(advised, actions);
    }
}
