//! What was typed becomes what is meant, or an error that says what does not fit together.

use jiff::SignedDuration;

use super::arguments::{self, Command as Typed, Common};
use super::command::{
    Command, Completions, Copies, Daemon, Explain, IamPolicy, Man, ManifestFolder, Memory, Once,
    Plan, Service, Simulate, Simulated, Status, Validate,
};
use super::output::Output;
use super::values::{Simulation, endpoint};
use crate::cloud::aws::Connection;
use crate::model::defaults::{INTERVAL, SETTLE, TIMEOUT};
use crate::sys::environment::variable;

/// Gives each command what it needs of what was typed.
pub(super) fn resolve(typed: Typed, common: Common) -> Result<Command, String> {
    check_output(&typed, common.console.output)?;
    let (manifests, memory, service) = shared(common)?;
    Ok(match typed {
        Typed::Reconcile(typed) => {
            check_once(&typed)?;
            if typed.once {
                Command::Once(Once {
                    manifests,
                    memory,
                    service,
                    wait: typed.wait,
                    timeout: typed.timeout.unwrap_or(TIMEOUT),
                    max_creates: typed.max_creates,
                    expect_plan: typed.expect_plan,
                    copies: copies(typed.copies)?,
                })
            } else {
                Command::Daemon(Daemon {
                    manifests,
                    memory,
                    service,
                    interval: typed
                        .interval
                        .map_or(INTERVAL, SignedDuration::unsigned_abs),
                    watch_poll: typed.watch_poll.map(SignedDuration::unsigned_abs),
                    max_creates: typed.max_creates,
                    health_addr: typed.health_addr,
                })
            }
        }
        Typed::Plan(typed) => Command::Plan(Plan {
            manifests,
            memory,
            service,
            detailed_exitcode: typed.detailed_exitcode,
            copies: copies(typed.copies)?,
        }),
        Typed::Validate => Command::Validate(Validate { manifests }),
        Typed::Status(typed) => Command::Status(Status {
            status_file: memory.status_file,
            simulated: service.simulated.is_some(),
            watch: typed.watch,
            reasons: typed.reasons,
        }),
        Typed::Explain(typed) => Command::Explain(Explain {
            topic: typed.topic,
            status_file: memory.status_file,
            manifests: manifests.path,
        }),
        Typed::Simulate(typed) => Command::Simulate(Simulate {
            seed: typed.seed,
            listen: typed.listen,
            public: typed.public,
            account_file: typed.account_file,
        }),
        Typed::IamPolicy(typed) => Command::IamPolicy(IamPolicy {
            manifests,
            region: service.connection.region,
            account_id: typed.account_id,
        }),
        Typed::Schema => Command::Schema,
        Typed::Completions(typed) => Command::Completions(Completions { shell: typed.shell }),
        Typed::Man(typed) => Command::Man(Man {
            page: typed.command,
        }),
    })
}

/// What several commands need.
fn shared(common: Common) -> Result<(ManifestFolder, Memory, Service), String> {
    // Checked here and not while parsing, whose errors repeat the value: an address may have a password in it.
    if let Some(url) = &common.endpoint_url {
        endpoint(url).map_err(|why| format!("--endpoint-url {why}"))?;
    }
    let seed = match common.simulate {
        None | Some(Simulation::Off) => None,
        Some(Simulation::Derived) => Some(None),
        Some(Simulation::Seeded(seed)) => Some(Some(seed)),
    };
    if seed.is_some() && (common.endpoint_url.is_some() || common.profile.is_some()) {
        return Err(
            "--simulate replaces AWS: it can't be given with --endpoint-url or --profile (REPAVE_ENDPOINT_URL, REPAVE_PROFILE)"
                .into(),
        );
    }
    let default_status = match seed {
        Some(_) => ".repave/simulated/status.json",
        None => ".repave/status.json",
    };
    let status_file = common.status_file.unwrap_or_else(|| default_status.into());
    let mut account_file = status_file.clone().into_os_string();
    account_file.push(".account");
    let account_file = account_file.into();
    let manifests = ManifestFolder {
        path: common.manifests,
        allow_empty: common.allow_empty,
    };
    let memory = Memory {
        status_file,
        settle: common.settle_time.unwrap_or(SETTLE),
    };
    let service = Service {
        connection: Connection {
            region: common.region,
            profile: common.profile,
            endpoint_url: common.endpoint_url,
            api_rate: common.api_rate,
            expected_account: common.expect_account,
        },
        simulated: seed.map(|seed| Simulated { seed, account_file }),
    };
    Ok((manifests, memory, service))
}

/// Finds the step's summary where it is wanted.
fn copies(typed: arguments::Copies) -> Result<Copies, String> {
    let mut copies = Copies {
        json_into: typed.json_into,
        markdown_into: typed.markdown_into,
        summary_file: None,
    };
    if typed.step_summary {
        let file = variable("GITHUB_STEP_SUMMARY").ok_or(
            "--step-summary: GITHUB_STEP_SUMMARY is not set, so this is no step of GitHub Actions",
        )?;
        copies.summary_file = Some(file.into());
    }
    Ok(copies)
}

/// Says that the command has no such form of output.
fn check_output(typed: &Typed, output: Output) -> Result<(), String> {
    let (name, has_it, of) = match output {
        Output::Text | Output::Json => return Ok(()),
        Output::Wide => ("wide", matches!(typed, Typed::Status(_)), "status"),
        Output::Yaml => ("yaml", matches!(typed, Typed::Status(_)), "status"),
        Output::Github => ("github", matches!(typed, Typed::Validate), "validate"),
        Output::Sarif => ("sarif", matches!(typed, Typed::Validate), "validate"),
    };
    if has_it {
        return Ok(());
    }
    let forms = match typed {
        Typed::Status(_) => "text, wide, json and yaml",
        Typed::Validate => "text, json, github and sarif",
        Typed::Reconcile(_)
        | Typed::Plan(_)
        | Typed::Explain(_)
        | Typed::Simulate(_)
        | Typed::IamPolicy(_)
        | Typed::Schema
        | Typed::Completions(_)
        | Typed::Man(_) => "text and json",
    };
    Err(format!(
        "-o {name} is for repave {of}; this command has {forms}"
    ))
}

/// Says which flag does not go with `--once`, or with its absence.
fn check_once(typed: &arguments::Reconcile) -> Result<(), String> {
    let given = if typed.once {
        vec![
            (typed.interval.is_some(), "--interval"),
            (typed.watch_poll.is_some(), "--watch-poll"),
            (typed.health_addr.is_some(), "--health-addr"),
        ]
    } else {
        vec![
            (typed.wait, "--wait"),
            (typed.timeout.is_some(), "--timeout"),
            (typed.expect_plan.is_some(), "--expect-plan"),
            (typed.copies.json_into.is_some(), "--json-into"),
            (typed.copies.markdown_into.is_some(), "--markdown-into"),
            (typed.copies.step_summary, "--step-summary"),
        ]
    };
    match (given.into_iter().find(|(given, _)| *given), typed.once) {
        (None, _) => Ok(()),
        (Some((_, flag)), true) => Err(format!(
            "{flag} is for the daemon and has no meaning with --once"
        )),
        (Some((_, flag)), false) => Err(format!(
            "{flag} needs --once: without it, reconcile runs until a signal ends it"
        )),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::arguments::Cli;

    fn resolved(words: &str) -> Result<Command, String> {
        let words = std::iter::once("repave").chain(words.split(' '));
        let Cli { command, common } = Cli::try_parse_from(words).unwrap();
        resolve(command, common)
    }

    #[test]
    fn flags_of_the_daemon_and_of_a_run_are_not_mixed() {
        for (arguments, valid) in [
            ("reconcile --once --wait --timeout 5m --max-creates 1", true),
            (
                "reconcile --interval 5m --watch-poll --health-addr 8080 --max-creates 1",
                true,
            ),
            ("reconcile --wait", false),
            ("reconcile --timeout 5m", false),
            ("reconcile --once --interval 5m", false),
            ("reconcile --once --watch-poll=1s", false),
            ("reconcile --once --health-addr 8080", false),
        ] {
            let resolved = resolved(arguments);
            assert_eq!(resolved.is_ok(), valid, "{arguments}: {resolved:?}");
        }
    }

    #[test]
    fn a_simulated_account_has_a_status_of_its_own() {
        let plan = |words: &str| match resolved(words) {
            Ok(Command::Plan(plan)) => (plan.memory.status_file, plan.service.simulated),
            other => panic!("{other:?}"),
        };
        let (real, _) = plan("plan");
        let (simulated, _) = plan("plan --simulate");
        assert_eq!(real.to_str(), Some(".repave/status.json"));
        assert_eq!(simulated.to_str(), Some(".repave/simulated/status.json"));
        let (_, seeded) = plan("--simulate=a.yaml plan");
        assert_eq!(seeded.unwrap().seed, Some("a.yaml".into()));
        assert!(plan("--simulate=false plan").1.is_none());
        assert!(resolved("--simulate --endpoint-url=http://localhost plan").is_err());
    }
}
