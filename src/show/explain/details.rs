//! The texts of the error codes that images in state ERROR bear, and where their meanings come from.
//!
//! The API model lists 48 codes without a word on any. They came in three lots: checks of the import of licensed Windows
//! systems (BYOL); checks at the making of an image from a WorkSpace, announced in November 2024 for `CreateWorkspaceImage`;
//! and three later ones. Which of them `CreateUpdatedWorkspaceImage` can lead to is not documented.

use super::details_byol::BYOL;
use super::text::{Detail, Text};

/// What to look for: AWS's guide to the import of licensed Windows systems.
const BYOL_GUIDE: &str =
    "BYOL Checker, in Bring Your Own Windows desktop licenses in WorkSpaces (Administration Guide)";

/// What to look for: AWS's guide to images that are made from a WorkSpace.
const IMAGE_CHECKER: &str = "Tips for resolving issues detected by the Image Checker, in Create a custom WorkSpaces image and bundle (Administration Guide)";

/// What to look for where no guide is known to name the check.
const NO_GUIDE: &str = "the message beside the code; AWS Support Center";

/// Every code with its text, in the order of the alphabet.
pub(super) fn all() -> impl Iterator<Item = (&'static str, Text)> {
    let with = |look_for| {
        move |&(code, means, clears): &Detail| {
            let text = Text {
                means,
                clears,
                look_for,
            };
            (code, text)
        }
    };
    let mut all: Vec<_> = BYOL
        .iter()
        .map(with(BYOL_GUIDE))
        .chain(CREATION.iter().map(with(IMAGE_CHECKER)))
        .chain(OTHER.iter().map(with(NO_GUIDE)))
        .collect();
    all.sort_by_key(|(code, _)| code.to_ascii_lowercase());
    all.into_iter()
}

/// Checks at the making of an image from a WorkSpace.
const CREATION: [Detail; 16] = [
    (
        "AdditionalDrivesPresent",
        "There are drives beside C and D, virtual ones perhaps.",
        "Remove all drives but C and D.",
    ),
    (
        "AmazonSsmAgentEnabled",
        "The service Amazon SSM Agent is enabled.",
        "Set its startup type to Disabled in services.msc before the image is made.",
    ),
    (
        "DomainAccountServicesFound",
        "A Windows service runs under an account of a domain.",
        "Let every service log on as Local System, Local Service or Network Service. The Image Checker's log lists those that do not.",
    ),
    (
        "EnvironmentVariablesPathMissingEntries",
        "The system's Path variable lacks System32 or Windows PowerShell.",
        "Add C:\\Windows\\System32 and C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\ to the system variable Path, and restart.",
    ),
    (
        "InsufficientDiskSpace",
        "Drive C has too little free space. AWS's guide names 12 GB for older systems, and more than 2 GB for Windows 10.",
        "Remove files from drive C.",
    ),
    (
        "InsufficientRearmCount",
        "Sysprep needs a Windows rearm, and too few are left.",
        "slmgr.vbs /dlv shows how many are left. Make the source from a system that was generalized less often.",
    ),
    (
        "InvalidIp",
        "A network adapter has an address that does not suit; the guide asks for DHCP on every adapter.",
        "Set every network adapter to obtain its IP address automatically.",
    ),
    (
        "MultipleUserProfiles",
        "There are more user profiles than that of the WorkSpace's user, Default and Administrator.",
        "Delete the other profiles in the advanced system settings, and restart.",
    ),
    (
        "RemoteDesktopServicesDisabled",
        "The service Remote Desktop Services is disabled.",
        "Set its startup type to Manual or Automatic in services.msc.",
    ),
    (
        "StagedAppxPackage",
        "An AppX package is staged: it is there and installed for nobody, or not for the user. Sysprep can fail over it.",
        "Remove staged packages with Get-AppxPackage -AllUsers and Remove-AppxPackage; the guide has the whole command.",
    ),
    (
        "SysPrepFileMissing",
        "The Sysprep answer file is missing or empty.",
        "AWS's guide says to let AWS Support repair EC2Config or EC2Launch, whose file it is.",
    ),
    (
        "UnsupportedOsUpgrade",
        "Windows was upgraded from one version to another, and no image is made from such a system. Cumulative and security updates are no upgrade.",
        "Begin with a system that was installed at that version.",
    ),
    (
        "UnsupportedSecurityProtocol",
        "A security protocol that the making of images needs is off. The guide names SSL 3 and TLS 1.2.",
        "Enable TLS 1.2 in Windows, and look at the Image Checker's result for the other one.",
    ),
    (
        "UserProfileMissing",
        "The WorkSpace has no user profile (D:\\Users\\NAME).",
        "Log in to the WorkSpace as its user once; if that gives no profile, AWS's guide says to ask AWS Support.",
    ),
    (
        "WindowsModulesInstallerDisabled",
        "The service Windows Modules Installer is disabled.",
        "Set its startup type to Manual or Automatic in services.msc.",
    ),
    (
        "WindowsUpdatesRequired",
        "Windows updates have to be installed, or to be finished by a restart.",
        "Install all cumulative and security updates, restart, and look that none is pending.",
    ),
];

/// Codes that came later, and the one that says nothing.
const OTHER: [Detail; 4] = [
    (
        "MemoryIntegrityIncompatibility",
        "By its name: memory integrity (core isolation in Windows Security) does not go with this image.",
        "Turn memory integrity off and restart, if the message beside the code agrees.",
    ),
    (
        "ProtocolOSIncompatibility",
        "By its name: the streaming protocol (PCoIP or DCV) and this version of Windows do not go together.",
        "Make the source with a protocol that is offered for its operating system; the guide to bundles and images lists them.",
    ),
    (
        "RestrictedDriveLetterInUse",
        "By its name: a drive has a letter that WorkSpaces keeps for itself.",
        "Remove the drive or give it another letter. A WorkSpace itself uses C and D.",
    ),
    (
        "UnknownError",
        "The service failed without saying at what.",
        "Look at the message beside the code. Delete the failed image to have it created once more; if it fails again, ask AWS Support and give the image's id.",
    ),
];
