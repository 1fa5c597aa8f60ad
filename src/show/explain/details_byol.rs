//! The image error codes that name checks of the import of licensed Windows systems (bring your own license).

use super::text::Detail;

/// The checks, in the order of the alphabet.
pub(super) const BYOL: [Detail; 28] = [
    (
        "AdditionalDrivesAttached",
        "More than one drive is attached. The system must be on a single volume.",
        "Detach all drives but C.",
    ),
    (
        "AntiVirusInstalled",
        "Antivirus software is installed. An imported system may have none beyond what Windows brings.",
        "Uninstall it, and install it again on a WorkSpace that is made from the image.",
    ),
    (
        "AppXPackagesInstalled",
        "AppX packages are installed over which Sysprep fails, as it does for those that are not there for all users.",
        "Remove them with Remove-AppxPackage and Remove-AppxProvisionedPackage, and run Sysprep to see that it succeeds.",
    ),
    (
        "AutoLogonEnabled",
        "Windows logs a user on by itself.",
        "Turn automatic logon off (AutoAdminLogon in the registry's Winlogon key).",
    ),
    (
        "AutoMountDisabled",
        "Windows does not mount new volumes by itself.",
        "Run diskpart and say automount enable.",
    ),
    (
        "AzureDomainJoined",
        "The system is joined to Azure Active Directory (Microsoft Entra ID).",
        "Leave it: dsregcmd /leave, then restart.",
    ),
    (
        "DHCPDisabled",
        "A network adapter has a fixed IP address.",
        "Set every network adapter to use DHCP.",
    ),
    (
        "DiskFreeSpace",
        "The disk has too little free space. AWS's guide names 10 GB, and 20 GB with Office from AWS.",
        "Remove files, or enlarge the volume within the size that is allowed.",
    ),
    (
        "DiskSizeExceeded",
        "The disk is too large. AWS's guide names 70 GB.",
        "Shrink the volume and the virtual disk.",
    ),
    (
        "DomainJoined",
        "The system is joined to an Active Directory domain.",
        "Let it leave the domain, and restart.",
    ),
    (
        "FirewallEnabled",
        "A firewall is on that keeps the service out: that of Windows, by the code's name.",
        "Turn the Windows firewall off for the import; it can be on again in what is made from the image.",
    ),
    (
        "InPlaceUpgrade",
        "Windows was upgraded in place from another version, and no image is made from such a system.",
        "Begin with a system that was installed at that version. Cumulative and security updates are no upgrade.",
    ),
    (
        "IncompatiblePartitioning",
        "The disk's partitions do not suit how the system boots.",
        "Look in the guide for the partition style (MBR or GPT) that is wanted for this version of Windows.",
    ),
    (
        "MultipleBootPartition",
        "There is more than one partition to boot from.",
        "Leave one boot partition.",
    ),
    (
        "OSNotSupported",
        "The service does not take this version or edition of the operating system.",
        "Look in the guide for the versions that are supported, and begin with one of them.",
    ),
    (
        "OfficeInstalled",
        "Microsoft Office is installed.",
        "Uninstall it. Office can come with the image by subscription from AWS.",
    ),
    (
        "OutdatedPowershellVersion",
        "Windows PowerShell is too old. AWS's guides name version 4 for an import and version 3 elsewhere.",
        "Install a newer Windows PowerShell.",
    ),
    (
        "PCoIPAgentInstalled",
        "A PCoIP agent is installed already; the service brings its own.",
        "Uninstall it.",
    ),
    (
        "PendingReboot",
        "Windows waits for a restart to finish something.",
        "Restart, and look that no update is pending.",
    ),
    (
        "RealTimeUniversalDisabled",
        "Windows takes the hardware clock for local time and not for UTC.",
        "Set the registry value RealTimeIsUniversal to 1 under HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\TimeZoneInformation, and restart.",
    ),
    (
        "Requires64BitOS",
        "Windows is not a 64-bit system.",
        "Begin with a 64-bit Windows.",
    ),
    (
        "ReservedStorageInUse",
        "Windows' reserved storage is in use, and Sysprep does not run meanwhile.",
        "Let updates finish and restart; then DISM /Online /Set-ReservedStorageState /State:Disabled, if it stays so.",
    ),
    (
        "UEFINotSupported",
        "The system boots by UEFI, and that is not supported for it.",
        "Look in the guide for the boot mode that is wanted for this version of Windows.",
    ),
    (
        "VMWareToolsInstalled",
        "VMware Tools are installed.",
        "Uninstall them.",
    ),
    (
        "WindowsUpdatesEnabled",
        "The service Windows Update is enabled.",
        "Install the updates, then disable the service; the BYOL Checker does so while it runs.",
    ),
    (
        "WorkspacesBYOLAccountDisabled",
        "The local account WorkSpaces_BYOL is disabled.",
        "Enable the account. It must be a local administrator until the image has been made.",
    ),
    (
        "WorkspacesBYOLAccountNotFound",
        "The local account WorkSpaces_BYOL does not exist.",
        "Create the account, with local administrator access, and keep its password.",
    ),
    (
        "ZeroRearmCount",
        "No Windows rearm is left, and Sysprep needs one.",
        "slmgr.vbs /dlv shows how many are left. Begin with a system that was generalized less often.",
    ),
];
