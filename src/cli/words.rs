//! The words of the help beyond the one line that stands at each flag's definition. Tables and nothing else: help.rs
//! puts them in their places, and its tests hold them to the definition.

/// The rule by which variables are called.
pub(super) const VARIABLES: &str = "Every flag has a variable, and the flag wins: --status-file is REPAVE_STATUS_FILE. An empty variable counts as none. Region and credentials come by the usual variables and files of AWS tools, unless a flag says otherwise.";

/// The flags of all commands: the heading they stand under.
pub(super) const HEADINGS: [(&str, &[&str]); 4] = [
    ("Manifests", &["manifests", "allow_empty"]),
    (
        "Target",
        &[
            "region",
            "profile",
            "expect_account",
            "endpoint_url",
            "simulate",
            "api_rate",
        ],
    ),
    ("Status", &["status_file", "settle_time"]),
    ("Output", &["output", "color", "log_level", "log_format"]),
];

/// The flags of all commands that mean something to these; to the others all of them do.
pub(super) const MEANT: [(&str, &[&str]); 8] = [
    (
        "validate",
        &[
            "manifests",
            "allow_empty",
            "output",
            "color",
            "log_level",
            "log_format",
        ],
    ),
    (
        "status",
        &[
            "simulate",
            "status_file",
            "output",
            "color",
            "log_level",
            "log_format",
        ],
    ),
    (
        "explain",
        &[
            "manifests",
            "simulate",
            "status_file",
            "output",
            "color",
            "log_level",
            "log_format",
        ],
    ),
    ("simulate", &["output", "color", "log_level", "log_format"]),
    (
        "iam-policy",
        &[
            "manifests",
            "allow_empty",
            "region",
            "color",
            "log_level",
            "log_format",
        ],
    ),
    ("schema", &[]),
    ("completions", &[]),
    ("man", &[]),
];

/// Explanations of flags, below their one line.
pub(super) const FLAGS: [(&str, &str); 35] = [
    (
        "once",
        "Without it, reconcile stays: it runs a pass at the start, when manifests change, when a retry is due and at least every --interval, until a signal ends it.",
    ),
    ("wait", "Ends with 4 if a build fails. Needs --once."),
    (
        "max_creates",
        "A guard against a mistake that would declare very many images at once. A larger plan is refused with exit code 5, and the message has the number that would allow it. The daemon counts the creates of a pass, tells of a larger plan once, and stays.",
    ),
    (
        "expect_plan",
        "Take the checksum that plan prints, or the file of its --json-into. A run whose plan is another one creates nothing and ends with 5; given the file, it says what changed. Needs --once.",
    ),
    (
        "watch",
        "On a terminal it writes over in place; elsewhere it prints what changed. It looks once a second, and a signal ends it with 0.",
    ),
    (
        "reasons",
        "Any case of letters; several times, or with commas. The last error's reason counts too.",
    ),
    (
        "topic",
        "A reason, an error code, an exit code, or the name of an image or of its manifest.",
    ),
    (
        "json_into",
        "Written whole or not at all, and also when the command fails.",
    ),
    (
        "markdown_into",
        "The totals first, the rest folded, at most 65,536 bytes: the longest comment that GitHub takes.",
    ),
    (
        "step_summary",
        "Other steps' summaries stay: the Markdown is added at the end.",
    ),
    (
        "timeout",
        "Ends with 9 if work is left then, and names each image and what it waits for. A create in flight gets 5 s more. Needs --once.",
    ),
    (
        "interval",
        "The time varies by 5 %, so that several daemons do not ask at once. Not with --once.",
    ),
    (
        "watch_poll",
        "For network file systems, which do not tell of changes. Not with --once.",
    ),
    ("health_addr", "Not with --once."),
    (
        "detailed_exitcode",
        "Without it, a plan that could be computed ends with 0.",
    ),
    ("seed", "docs/simulator.md says what may stand in it."),
    (
        "listen",
        "Port 0 takes any free one; the first line on stdout names it.",
    ),
    (
        "account_id",
        "A policy is attached in one account and grants nothing in another: any account is that one.",
    ),
    (
        "shell",
        "The shell reads them from a file at its start, or from the command itself.",
    ),
    (
        "manifests",
        "All *.yaml and *.yml files below it are read. Names that begin with a dot are passed over, and so are documents of another API group.",
    ),
    (
        "allow_empty",
        "Otherwise a folder without any manifest is an error: it is more often the wrong folder than a wish.",
    ),
    (
        "status_file",
        "What repave remembers between passes: written whole or not at all. Losing it costs history. A lock beside it keeps a second process away.",
    ),
    (
        "region",
        "Default: the Region of an explicit profile, AWS_REGION, AWS_DEFAULT_REGION, the profile's Region, then the instance's.",
    ),
    (
        "profile",
        "Its credentials and Region take precedence over AWS_* variables, and it must exist. Profiles with SSO, assumed roles, web identity and credential processes work.",
    ),
    (
        "expect_account",
        "repave checks it with STS GetCallerIdentity before the first WorkSpaces call and whenever the credentials change, and exits with 3 on a mismatch.",
    ),
    (
        "endpoint_url",
        "For WorkSpaces, and for STS unless AWS_ENDPOINT_URL_STS is set. For a VPC endpoint, set AWS_ENDPOINT_URL_WORKSPACES instead: STS then keeps its own endpoint.",
    ),
    (
        "simulate",
        "The real client talks HTTP to an account in this process; no AWS account is involved. The account lasts from run to run, beside the status file, which is not that of the real account.",
    ),
    (
        "api_rate",
        "The service's documented default for an account is 2 a second after a burst of 5, so other tools of the account may need a share of it.",
    ),
    (
        "settle_time",
        "A listing may lag behind a create. An image that was created or listed before is not created again until complete listings have lacked it for so long.",
    ),
    (
        "log_level",
        "Only repave's own messages: those of the AWS SDK may hold what no log should.",
    ),
    ("log_format", "json is one object a line."),
    (
        "color",
        "auto heeds NO_COLOR and whether there is a terminal.",
    ),
    (
        "output",
        "json is one document with apiVersion, kind, exitCode, reason and message.",
    ),
    (
        "public",
        "Whoever reaches the simulator can change its account, and nothing else.",
    ),
    (
        "account_file",
        "The file belongs to the seed that it began with; another seed is refused.",
    ),
];

/// What a flag of all commands is to one of them: command, flag, its one line, and the explanation.
pub(super) const OWN: [(&str, &str, &str, &str); 1] = [(
    "iam-policy",
    "region",
    "The Region that the policy is for [default: any]",
    "It also says which partition: give it for China, GovCloud and the sovereign clouds.",
)];

/// What a command does, in more words, and examples.
pub(super) struct Explained {
    pub(super) command: &'static str,
    pub(super) words: &'static str,
    pub(super) examples: Examples,
}

/// What a command line does, and the command line.
pub(super) type Examples = &'static [(&'static str, &'static str)];

/// Examples of repave as a whole.
pub(super) const EXAMPLES: Examples = &[
    (
        "Rehearse against an embedded account",
        "repave reconcile --once --simulate",
    ),
    ("Check the manifests, offline", "repave validate"),
    ("See what a run would do", "repave plan"),
    (
        "Do it, and wait until the builds have ended",
        "repave reconcile --once --wait",
    ),
    ("Stay, and keep the account as declared", "repave reconcile"),
];

pub(super) const COMMANDS: [Explained; 10] = [
    Explained {
        command: "reconcile",
        words: "A pass lists the account's images, creates each declared one that is missing and whose source allows it, and records what it saw. A create is marked on disk before it is sent and sent once; if its result is unknown, repave looks before it asks again. Nothing is ever deleted, replaced or renamed.\n\nWith --once it runs passes, retries included, until no create is owed any more. Without it, it stays.",
        examples: &[
            (
                "In a pipeline",
                "repave reconcile --once --timeout 30m --max-creates 5",
            ),
            (
                "Wait for the builds too",
                "repave reconcile --once --wait --timeout 2h",
            ),
            (
                "As a daemon, with health and metrics",
                "repave reconcile --health-addr 8080",
            ),
        ],
    },
    Explained {
        command: "plan",
        words: "Lists the account's images once and says for every manifest what a pass would do: create the image, or the reason why not now. It changes nothing, the status file included.",
        examples: &[
            ("See what a run would do", "repave plan"),
            (
                "In a pipeline: end with 2 if there is something to create",
                "repave plan --detailed-exitcode -o json",
            ),
        ],
    },
    Explained {
        command: "validate",
        words: "Reads every manifest and tells every problem in one run, each with file, line, column and what is allowed. It needs no network and no credentials.",
        examples: &[
            ("Check a folder", "repave validate --manifests images"),
            ("For another program", "repave validate -o json"),
        ],
    },
    Explained {
        command: "status",
        words: "Shows what the last pass saw and did, and what each image waits for. It reads the status file alone: no network, no credentials.",
        examples: &[
            ("The images, and why they are not ready", "repave status"),
            ("With ids and last errors", "repave status -o wide"),
            ("Stay, and show what changes", "repave status --watch"),
            ("For another program", "repave status -o json"),
        ],
    },
    Explained {
        command: "explain",
        words: "Says what a reason, an error code of the service, an error code of an image or an exit code means, what clears it and where to look; for an image by its name or its manifest's, what holds it up. Without a word it lists all of them. It reads the status file and the manifests at most: no network, no credentials.",
        examples: &[
            ("A reason", "repave explain QuotaExceeded"),
            ("An image", "repave explain finance-2026-11"),
        ],
    },
    Explained {
        command: "simulate",
        words: "Speaks the WorkSpaces image operations as the service does, with its limits, delays and, if the seed asks for them, faults. It checks no credentials. A signal ends it.",
        examples: &[
            (
                "Serve an account with images in it",
                "repave simulate --seed examples/simulator/account.yaml",
            ),
            (
                "Ask it",
                "aws workspaces describe-workspace-images --endpoint-url http://127.0.0.1:4566",
            ),
        ],
    },
    Explained {
        command: "iam-policy",
        words: "The policy allows the calls that these manifests need, and no others. The action for tags is in it only if a manifest has tags. Stdout is the policy and nothing else, whatever -o says; problems in manifests go to stderr. docs/permissions.md tells what IAM does with it.",
        examples: &[
            (
                "For one account and Region",
                "repave iam-policy --region eu-west-1 --account-id 111122223333",
            ),
            (
                "Give it to a role",
                "aws iam put-role-policy --role-name repave --policy-name repave \\\n  --policy-document \"$(repave iam-policy)\"",
            ),
        ],
    },
    Explained {
        command: "schema",
        words: "A JSON Schema of draft-07 that accepts what repave validate accepts in a single document. Editors use it for completion and hovers. What concerns several documents, such as two of one name, it cannot say.",
        examples: &[
            (
                "Keep it beside the manifests",
                "repave schema > schema/updated-image.schema.json",
            ),
            (
                "Point an editor to it, in a manifest's first line",
                "# yaml-language-server: $schema=../schema/updated-image.schema.json",
            ),
        ],
    },
    Explained {
        command: "completions",
        words: "Completes commands, flags and those values that are known.",
        examples: &[
            ("bash, in ~/.bashrc", "source <(repave completions bash)"),
            (
                "zsh, in a folder of $fpath",
                "repave completions zsh > ~/.zfunc/_repave",
            ),
            (
                "fish",
                "repave completions fish > ~/.config/fish/completions/repave.fish",
            ),
            (
                "elvish, in rc.elv",
                "eval (repave completions elvish | slurp)",
            ),
            (
                "PowerShell, in $PROFILE",
                "repave completions powershell | Out-String | Invoke-Expression",
            ),
        ],
    },
    Explained {
        command: "man",
        words: "Prints the page in the language of man(1), to read at once or to keep.",
        examples: &[
            ("Read a page", "repave man plan | man -l -"),
            (
                "Keep it",
                "repave man plan > /usr/local/share/man/man1/repave-plan.1",
            ),
        ],
    },
];
