//! The texts of exit codes. docs/exit-codes.md says which one wins where several apply.

use super::text::Text;
use crate::model::outcome::ExitCode;

/// The exit code's text. Exhaustive: a code without one does not compile.
pub(super) fn text(code: ExitCode) -> Text {
    let (means, clears) = match code {
        ExitCode::Done => (
            "The command did what it was asked. For reconcile --once: every declared image is AVAILABLE, or accepted and building, or waits for nothing that is owed; with --wait no build is left either.",
            "Nothing has to.",
        ),
        ExitCode::Failed => (
            "An error of no other kind: the service could not be reached, or a file could not be read or written.",
            "What the last line on stderr names.",
        ),
        ExitCode::ChangesPending => (
            "plan --detailed-exitcode: at least one image would be created now. It is an answer and no error.",
            "reconcile --once.",
        ),
        ExitCode::AccessDenied => (
            "AWS credentials are missing, expired, not allowed to do this, or of another account than --expect-account.",
            "See the reasons AccessDenied and WrongAccount.",
        ),
        ExitCode::Blocked => (
            "A person is needed for at least one image. The last line names each of them with its reason.",
            "Do what that reason asks for: repave explain REASON, or repave explain NAME for one of the images.",
        ),
        ExitCode::Refused => (
            "A guard refused the plan: --max-creates, or --expect-plan. Nothing was created by that plan.",
            "Look at the plan. If it is what you want, raise the limit that the last line names, or have the plan approved and give its checksum.",
        ),
        ExitCode::Locked => (
            "Another process holds the lock of the status file; the last line names it.",
            "That process ends. The lock ends with it, so no file has to be removed; another target needs a status file of its own.",
        ),
        ExitCode::Cancelled => (
            "SIGINT or SIGTERM ended the command before its end. What was in flight is in the status file, and the next run looks for it.",
            "Run it again.",
        ),
        ExitCode::TimedOut => (
            "--timeout was reached with work left. The last line names each image and what it waits for.",
            "Run it again, or give it more time with --timeout.",
        ),
        ExitCode::Usage => (
            "The command line, a variable or an AWS configuration file cannot be used, or nothing says which Region. No request was sent.",
            "What the last line on stderr names. repave help COMMAND lists the flags; docs/credentials.md has the rules for profiles, Regions and files.",
        ),
        ExitCode::InvalidManifests => (
            "The manifests have problems, or there are none. Nothing was done.",
            "repave validate shows every problem with its place.",
        ),
    };
    Text {
        means,
        clears,
        look_for: "",
    }
}
