//! The texts of error codes that answers to requests bear.

use super::text::Text;

/// The errors that the service's model gives `CreateUpdatedWorkspaceImage`.
pub(super) const MODELLED: [&str; 7] = [
    "AccessDeniedException",
    "InvalidParameterValuesException",
    "InvalidResourceStateException",
    "OperationNotSupportedException",
    "ResourceAlreadyExistsException",
    "ResourceLimitExceededException",
    "ResourceNotFoundException",
];

pub(super) fn text(code: &str) -> Option<Text> {
    TEXTS
        .iter()
        .find(|(codes, _)| codes.contains(&code))
        .map(|(_, text)| *text)
}

const TEXTS: [(&[&str], Text); 19] = [
    (
        &["AccessDeniedException", "AccessDenied", "NotAuthorized"],
        Text {
            means: "AWS knows who is asking and no policy lets them do this. Reason AccessDenied. The message says which action; Describe, and tags at a create, are refused where a policy names image ARNs for them.",
            clears: "Allow workspaces:DescribeWorkspaceImages and workspaces:CreateTags (for manifests with tags) with Resource \"*\", and workspaces:CreateUpdatedWorkspaceImage on arn:aws:workspaces:REGION:ACCOUNT:workspaceimage/*. A service control policy or a permissions boundary can forbid it too.",
            look_for: "Actions, resources, and condition keys for Amazon WorkSpaces; IAM policy simulator; AWS CloudTrail",
        },
    ),
    (
        &["InvalidParameterValuesException"],
        Text {
            means: "The service does not accept a value of the request. Reason InvalidSpec. repave checks the limits of the model before it asks, so this is a rule that the model does not have.",
            clears: "Change the manifest where the message points. It is tried at once when it changed, and once an hour as it is.",
            look_for: "CreateUpdatedWorkspaceImage, Request Parameters",
        },
    ),
    (
        &["InvalidResourceStateException"],
        Text {
            means: "The source is in a state that allows no update. AWS says no more than that; by all appearance it is PENDING, in ERROR, or busy with another update. Reason SourceImageNotAvailable.",
            clears: "Time, unless the source is in ERROR. repave tries again after 15 s, then after twice as long each time, up to every 5 minutes, without end. The SDK does not retry it by itself.",
            look_for: "DescribeWorkspaceImages, State of the source",
        },
    ),
    (
        &["OperationNotSupportedException"],
        Text {
            means: "The service does not update this kind of image. Reason UpdateNotSupported. The answer may carry a reason of the service's own, which repave shows.",
            clears: "Another source: AWS names Windows 10, Windows Server 2016 and Windows Server 2019. As it is, the call is repeated once an hour.",
            look_for: "Update a custom WorkSpaces image and bundle",
        },
    ),
    (
        &["ResourceAlreadyExistsException"],
        Text {
            means: "An image of this name exists already, says the service. It may be the very image that was asked for, by a create whose answer was lost. Reason CreateResultUnknown, and NameConflict if no listing ever shows it.",
            clears: "repave looks before it asks again. If an image of the name is listed, it is taken as what was declared. If none is, declare another imageName.",
            look_for: "DescribeWorkspaceImages; WorkSpaces console, Images",
        },
    ),
    (
        &["ResourceLimitExceededException"],
        Text {
            means: "The account may have no more images in this Region; 40 is the usual quota. It is no matter of rate. Reason QuotaExceeded.",
            clears: "Delete images that nobody uses any more, or have the quota raised. repave tries again after 1 minute, then after twice as long each time, up to every hour.",
            look_for: "Service Quotas, Amazon WorkSpaces, Images",
        },
    ),
    (
        &["ResourceNotFoundException"],
        Text {
            means: "The service does not know the source's id in this account and Region. Reason SourceImageNotFound. repave saw it in its listing, so it was likely deleted in between.",
            clears: "Name another source. An image that another account shares must be copied into this one first.",
            look_for: "workspaces:CopyWorkspaceImage, for whoever copies",
        },
    ),
    (
        &["ValidationException"],
        Text {
            means: "The request is not of the form that the service wants. Reason InvalidSpec. AWS gives this code for any of its services; the model of this one does not list it.",
            clears: "Change the manifest where the message points. If it names nothing of the manifest, it is a defect of repave.",
            look_for: "CreateUpdatedWorkspaceImage, Request Parameters; Common Errors",
        },
    ),
    (
        &[
            "BandwidthLimitExceeded",
            "EC2ThrottledException",
            "LimitExceededException",
            "PriorRequestNotComplete",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "RequestThrottled",
            "RequestThrottledException",
            "SlowDown",
            "ThrottledException",
            "Throttling",
            "ThrottlingException",
            "TooManyRequestsException",
            "TransactionInProgressException",
        ],
        Text {
            means: "Too many requests. It is one of the codes that AWS's SDKs take for throttling; this service is known to use ThrottlingException. The call was refused before it had any effect. Reason Throttled.",
            clears: "Time: repave tries again after 5 s, then after twice as long each time, up to every 5 minutes. If it comes back, lower --api-rate, or find out who else calls the service.",
            look_for: "API rate limits of WorkSpaces; Service Quotas",
        },
    ),
    (
        &["ExpiredToken", "ExpiredTokenException"],
        Text {
            means: "The session that the credentials belong to has ended. Reason AccessDenied.",
            clears: "New credentials: aws sso login, or a new session of the role. The daemon looks for them anew at its next try.",
            look_for: "Temporary security credentials; AWS IAM Identity Center",
        },
    ),
    (
        &["RequestExpired"],
        Text {
            means: "The request was signed more than 15 minutes before it arrived, or after, as AWS's clock has it. Reason AccessDenied.",
            clears: "Set this machine's clock right. If it is, look for what holds requests up, as a proxy may.",
            look_for: "Signature Version 4; NTP; Common Errors",
        },
    ),
    (
        &["InvalidClientTokenId", "UnrecognizedClientException"],
        Text {
            means: "AWS does not know the access key. It was deleted or deactivated, is mistyped, belongs to another partition of AWS, or to a Region that the account has not enabled; or its session token is missing. Reason AccessDenied.",
            clears: "Valid credentials for this account and Region. AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of a session need AWS_SESSION_TOKEN too.",
            look_for: "IAM access keys; Enable Regions in your account",
        },
    ),
    (
        &["InvalidSignatureException", "SignatureDoesNotMatch"],
        Text {
            means: "The signature is not what AWS computes: the secret key is wrong, the clock is, or something changed the request on its way. Reason AccessDenied.",
            clears: "Give the secret key that belongs to the access key, set the clock, and look for a proxy that rewrites headers.",
            look_for: "Signature Version 4, troubleshooting",
        },
    ),
    (
        &["IncompleteSignature", "IncompleteSignatureException"],
        Text {
            means: "The request's signature lacks a part, or is not of the form that AWS wants. Reason AccessDenied.",
            clears: "Look at the credentials for stray characters, such as a line break at the end, and for a proxy that rewrites headers.",
            look_for: "Signature Version 4, troubleshooting; Common Errors",
        },
    ),
    (
        &[
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
        ],
        Text {
            means: "The request arrived without a signature, or at an endpoint that wants another one. Reason AccessDenied.",
            clears: "Look at --endpoint-url and the AWS_ENDPOINT_URL variables, and for a proxy that drops headers.",
            look_for: "Signature Version 4; Common Errors",
        },
    ),
    (
        &["OptInRequired"],
        Text {
            means: "The account is not signed up for the service, or has not enabled the Region. Reason AccessDenied.",
            clears: "Enable the Region in the account's settings, or name another one with --region.",
            look_for: "Enable Regions in your account; Common Errors",
        },
    ),
    (
        &["NoCredentials"],
        Text {
            means: "repave found no credentials that can be used, or the credential provider refused the request, so nothing was sent to WorkSpaces. The code is repave's own. Reason AccessDenied.",
            clears: "The message names the profile, session, file, variable or role, and what to do. Common: run aws sso login, set AWS_PROFILE, check AWS_CONFIG_FILE.",
            look_for: "Standardized credential providers, AWS SDKs and Tools Reference Guide",
        },
    ),
    (
        &["CredentialsUnavailable"],
        Text {
            means: "STS, SSO, the instance's metadata or the container's credentials endpoint is down, busy or not reached, so nothing was sent to WorkSpaces. The code is repave's own. Reason ServiceUnavailable.",
            clears: "Time: repave tries again. If it lasts, the message names who was asked and at which endpoint: check the network, the proxy and the endpoint variables.",
            look_for: "AWS Health Dashboard; AWS_ENDPOINT_URL_STS; HTTPS_PROXY; NO_PROXY",
        },
    ),
    (
        &["WrongAccount"],
        Text {
            means: "The credentials belong to an account other than --expect-account. The code is repave's own. Reason WrongAccount.",
            clears: "Give credentials of the expected account, or correct --expect-account.",
            look_for: "GetCallerIdentity",
        },
    ),
];
