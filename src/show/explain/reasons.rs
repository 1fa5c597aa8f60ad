//! The texts of repave's reasons.

use super::text::Text;
use crate::model::reason::Reason;

/// The reason's text. Exhaustive: a reason without one does not compile.
#[expect(clippy::too_many_lines, reason = "one text for each reason")]
pub(super) fn text(reason: Reason) -> Text {
    match reason {
        Reason::Available => Text {
            means: "Exactly one image of the account bears the name, and the last complete listing showed it AVAILABLE. It is ready.",
            clears: "Nothing has to. If the image is deleted by hand, repave creates it again once it has been missing from complete listings for the settle window (--settle-time, 10 minutes).",
            look_for: "WorkSpaces console, Images; DescribeWorkspaceImages, State AVAILABLE",
        },
        Reason::Building => Text {
            means: "The service has the image and is building it: it is listed as PENDING. repave sends no second create while it is listed.",
            clears: "The end of the build. It takes tens of minutes, and the service announces its end to nobody: the daemon looks once a minute, and reconcile --once --wait waits for it. After 4 hours a person is asked to look (BuildOverdue).",
            look_for: "WorkSpaces console, Images; DescribeWorkspaceImages, State PENDING",
        },
        Reason::BuildOverdue => Text {
            means: "The image has been PENDING for more than 4 hours; AWS names 45 minutes for the making of a custom image. repave goes on looking, and creates no second image.",
            clears: "The image becomes AVAILABLE or ERROR, or somebody deletes it. Look at it in the console; if it does not move, ask AWS Support and give the image's id.",
            look_for: "WorkSpaces console, Images; AWS Support Center",
        },
        Reason::BuildFailed => Text {
            means: "The image exists and is in state ERROR. repave neither deletes nor replaces it, and makes no second image of its name beside it. The message has the service's codes; repave explain has a text for each of them.",
            clears: "Mend what the codes name in the system that the source was made from, and make a new source of it. Then delete the failed image, and repave creates it again; or declare another imageName in the manifest.",
            look_for: "WorkSpaces console, Images; Image Checker; workspaces:DeleteWorkspaceImage, for a person and never for repave",
        },
        Reason::Missing => Text {
            means: "No image bears the name, and nothing stands against a create: it is due. plan only says so; reconcile asks for the image in the same pass.",
            clears: "A create that the service accepts. If the status stays so, no reconcile is running, or --max-creates refuses the plan, or the run ended before it came to this image.",
            look_for: "workspaces:CreateUpdatedWorkspaceImage",
        },
        Reason::Suspended => Text {
            means: "The manifest says suspend: true. repave asks for nothing, and says nothing of how the image is.",
            clears: "Remove suspend: true from the manifest.",
            look_for: "",
        },
        Reason::NameConflict => Text {
            means: "Two or more images of the account bear the name, and nobody but you can say which one is meant. Or the service refuses the name as taken and never lists an image that bears it; then the create is tried once an hour.",
            clears: "Delete all but one of the images whose ids the message names. If it names none, declare another imageName.",
            look_for: "WorkSpaces console, Images; ResourceAlreadyExistsException",
        },
        Reason::UnknownImageState => Text {
            means: "The image is listed with a state that this version of repave does not know, or with none. repave takes that for neither ready nor failed, and leaves the image alone.",
            clears: "The service lists it as PENDING, AVAILABLE or ERROR. If it stays so, look at the image in the console, and for a newer repave.",
            look_for: "DescribeWorkspaceImages, State",
        },
        Reason::Settling => Text {
            means: "An image may exist that the listing does not show: a create was accepted, or its result was lost, or the image was listed before and is missing now. A listing can lag, and a second create could make a second image, so repave looks first.",
            clears: "A listing that shows the image, or complete listings that lack it for the settle window (--settle-time, 10 minutes). Then it is decided anew.",
            look_for: "DescribeWorkspaceImages",
        },
        Reason::RetryScheduled => Text {
            means: "The last create failed for a reason that time heals: throttling, an outage, or a busy source. The next create is not due yet. The message begins with the reason of the failure.",
            clears: "repave tries again at the time that is shown. A changed manifest is tried at once. A failure that needs action is never shown as RetryScheduled: the image is blocked with the reason of the failure.",
            look_for: "",
        },
        Reason::SourceImageNotFound => Text {
            means: "The image that the manifest names as its source is not among the images that this account owns in this Region. An image that another account shares is not one of them.",
            clears: "Correct spec.source, or the Region or account that repave uses. Copy an image of another account or Region into this one first.",
            look_for: "workspaces:CopyWorkspaceImage, for whoever copies; DescribeWorkspaceImages, ImageType OWNED; ResourceNotFoundException",
        },
        Reason::SourceImageNotAvailable => Text {
            means: "The source is there and cannot be used now: it is PENDING, or it is itself declared and not built yet, or the service says that its state does not allow an update, as while it is busy with another one.",
            clears: "The source becomes AVAILABLE. repave looks at each pass; a create that the service refused for this is tried again after 15 s, then after twice as long each time, up to every 5 minutes, without end. If the source itself waits for a person, so does this image.",
            look_for: "InvalidResourceStateException; DescribeWorkspaceImages, State of the source",
        },
        Reason::SourceImageFailed => Text {
            means: "The source is in state ERROR, so nothing can be made from it, and waiting does not help. The message has the service's codes.",
            clears: "Name another source in the manifest, or delete the failed source and make it anew.",
            look_for: "WorkSpaces console, Images; Image Checker",
        },
        Reason::SourceImageAmbiguous => Text {
            means: "The manifest names its source by name, and two or more images of the account bear that name.",
            clears: "Name the source by spec.source.imageId, or delete the images that are not meant.",
            look_for: "WorkSpaces console, Images",
        },
        Reason::UpdateNotSupported => Text {
            means: "The service does not update such an image. AWS names Windows 10, Windows Server 2016 and Windows Server 2019 as what it updates. repave sees no more than Windows or Linux: it refuses Linux itself, and for the rest the service's answer counts.",
            clears: "Another source in the manifest. A call that was refused is repeated once an hour, or as soon as the manifest changes.",
            look_for: "CreateUpdatedWorkspaceImage; Update a custom WorkSpaces image and bundle; OperationNotSupportedException",
        },
        Reason::NoUpdateAvailable => Text {
            means: "The manifest says createWhen: UpdateAvailable, and the service reports no update for the source. Nothing is owed.",
            clears: "The service reports an update for the source. To have the image now, say createWhen: Always.",
            look_for: "DescribeWorkspaceImages, Updates.UpdateAvailable",
        },
        Reason::Throttled => Text {
            means: "The service refused the call for its rate, before it had any effect. repave keeps its own calls to 2 a second after a burst of 5; others that use the account count too.",
            clears: "Time: the next try comes after 5 s, then after twice as long each time, up to every 5 minutes. If it comes back, lower --api-rate, or find out who else calls the service.",
            look_for: "ThrottlingException; API rate limits of WorkSpaces; Service Quotas",
        },
        Reason::ServiceUnavailable => Text {
            means: "The service could not be reached, or it failed on its side, while repave was asking for something that changes nothing; or a create never left this machine. Nothing was changed.",
            clears: "Time, if the service or the network is at fault. Otherwise look at Region, endpoint, proxy, DNS and the clock of this machine.",
            look_for: "AWS Health Dashboard; endpoint workspaces.REGION.amazonaws.com; HTTPS_PROXY",
        },
        Reason::CreateResultUnknown => Text {
            means: "A create was sent and nobody can say whether it took effect: the answer was lost, or was a failure of the service, or says that the name is taken, perhaps by the very image that was asked for.",
            clears: "The next listings. If the image shows up it is taken as what was asked for; if it has been missing for the settle window, repave decides anew. After three such creates in a row a person is asked to look, and repave tries once an hour.",
            look_for: "AWS CloudTrail, event CreateUpdatedWorkspaceImage",
        },
        Reason::QuotaExceeded => Text {
            means: "The account has as many images in this Region as it may have; 40 is the usual quota. This is no matter of rate. Images that failed may count as well.",
            clears: "Delete images that nobody uses any more, or have the quota raised. repave tries again after 1 minute, then after twice as long each time, up to every hour.",
            look_for: "Service Quotas, Amazon WorkSpaces, Images; ResourceLimitExceededException",
        },
        Reason::AccessDenied => Text {
            means: "AWS does not accept who is asking, or does not let them do this: credentials are missing, expired or wrong, or a policy lacks an action. The error code says which; repave explain has a text for each.",
            clears: "Give valid credentials, or allow the actions: workspaces:DescribeWorkspaceImages and, for manifests with tags, workspaces:CreateTags, both with Resource \"*\", since they know no other; and workspaces:CreateUpdatedWorkspaceImage on the account's images.",
            look_for: "workspaces:DescribeWorkspaceImages; workspaces:CreateUpdatedWorkspaceImage; workspaces:CreateTags; Actions, resources, and condition keys for Amazon WorkSpaces",
        },
        Reason::WrongAccount => Text {
            means: "The credentials belong to an account other than --expect-account, or the image list is from a different account. Nothing was created; STS was asked before any WorkSpaces call.",
            clears: "Give credentials of the expected account (--profile, or the keys in the environment), or correct --expect-account. aws sts get-caller-identity --profile NAME, with the profile that the message names, shows its account.",
            look_for: "GetCallerIdentity",
        },
        Reason::InvalidSpec => Text {
            means: "The service does not accept a value of the manifest. repave checks the limits of the API's model beforehand, so this is a rule that the model does not have.",
            clears: "Change the value that the message names; a changed manifest is tried at once, an unchanged one once an hour.",
            look_for: "CreateUpdatedWorkspaceImage, Request Parameters; InvalidParameterValuesException",
        },
    }
}
