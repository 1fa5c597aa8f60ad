//! Each outside thing enters by one door; these tests read the sources.

use std::collections::BTreeMap;
use std::path::Path;

/// The library's sources without comments and tests, by path below `src/`.
fn sources() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(&root)
                .unwrap()
                .to_string_lossy()
                .into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if !name.ends_with("tests.rs") {
                let text = std::fs::read_to_string(path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                let lines = code
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                sources.insert(name, lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    sources
}

/// Which files use the word, as a word.
fn users(word: &str) -> Vec<String> {
    let edge = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let uses = |text: &str| {
        text.match_indices(word).any(|(at, _)| {
            edge(text[..at].chars().next_back()) && edge(text[at + word.len()..].chars().next())
        })
    };
    sources()
        .into_iter()
        .filter(|(_, text)| uses(text))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn each_outside_thing_has_its_door() {
    for (word, doors) in [
        (
            "aws_config",
            vec![
                "aws.rs",
                "aws/credentials.rs",
                "aws/instance.rs",
                "aws/sso.rs",
            ],
        ),
        ("aws_sdk_sts", vec!["aws/credentials.rs"]),
        ("aws_sdk_sso", vec!["aws/sso.rs"]),
        ("rustls", vec!["aws/checks.rs"]),
        ("shlex", vec!["aws/ini.rs"]),
        ("catch_unwind", vec!["panics.rs"]),
        (
            "aws_sdk_workspaces",
            vec!["aws.rs", "aws/failure.rs", "aws/listed.rs"],
        ),
        ("aws_smithy_http_client", vec!["aws/pace.rs"]),
        (
            "serde_yaml",
            vec!["manifest/yaml.rs", "simulator/seed/mod.rs"],
        ),
        ("saphyr_parser", vec!["manifest/locate.rs"]),
        ("annotate_snippets", vec!["report/diagnostics.rs"]),
        ("indicatif", vec!["progress.rs"]),
        ("backoff", vec!["retry.rs"]),
        // In aws/ it parses addresses.
        (
            "hyper",
            vec![
                "aws/container.rs",
                "aws/endpoint.rs",
                "health.rs",
                "http.rs",
                "simulator/server.rs",
                "simulator/sts.rs",
            ],
        ),
        ("prometheus_client", vec!["metrics.rs"]),
        (
            "clap",
            vec![
                "cli.rs",
                "cli/arguments.rs",
                "cli/help.rs",
                "cli/pages.rs",
                "cli/show.rs",
            ],
        ),
        ("clap_complete", vec!["cli/pages.rs"]),
        ("clap_mangen", vec!["cli/pages.rs"]),
        ("sd_notify", vec!["systemd.rs"]),
        ("strsim", vec!["similar.rs"]),
        ("terminal_size", vec!["terminal.rs"]),
        ("textwrap", vec!["report/wrap.rs"]),
        ("SystemTime", vec![]),
        // In arguments.rs and show.rs it is the name of a flag's variable, in the others the version at compile time.
        (
            "env",
            vec![
                "cli.rs",
                "cli/arguments.rs",
                "cli/show.rs",
                "metrics.rs",
                "report/sarif.rs",
            ],
        ),
        ("rand", vec![]),
        ("fastrand", vec!["command/daemon.rs", "daemon.rs"]),
        ("unsafe", vec![]),
    ] {
        assert_eq!(users(word), doors, "{word}");
    }
    for (path, doors) in [
        ("Timestamp::now", vec!["clock.rs"]),
        ("use notify::", vec!["daemon/watch.rs"]),
        ("fs::rename", vec!["store.rs"]),
        (".write(true)", vec!["store.rs"]),
        ("create_dir", vec!["store.rs"]),
    ] {
        let users: Vec<String> = sources()
            .into_iter()
            .filter(|(_, text)| text.contains(path))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(users, doors, "{path}");
    }
}

#[test]
fn what_is_pure_is_not_async() {
    for (name, text) in sources() {
        let pure = [
            "plan",
            "retry.rs",
            "image.rs",
            "name.rs",
            "manifest",
            "status.rs",
            "report",
            "simulator/account.rs",
        ];
        if pure.iter().any(|pure| name.starts_with(pure)) {
            assert!(!text.contains("async "), "{name} is async");
        }
    }
}

/// The modules that each file uses, its own folder's aside.
#[test]
fn there_are_no_circles_between_files() {
    let module = |name: &str| {
        name.trim_end_matches(".rs")
            .split('/')
            .next()
            .unwrap()
            .to_owned()
    };
    let mut uses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, text) in sources() {
        let from = module(&name);
        let named = text.split("crate::").skip(1).map(|rest| {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            rest[..end].to_owned()
        });
        uses.entry(from.clone())
            .or_default()
            .extend(named.filter(|to| *to != from));
    }
    assert!(uses["apply"].iter().any(|to| to == "status"), "{uses:?}");
    // Take away, again and again, what uses nothing that is left: only circles remain.
    loop {
        let free: Vec<String> = uses
            .iter()
            .filter(|(_, used)| used.iter().all(|to| !uses.contains_key(to)))
            .map(|(from, _)| from.clone())
            .collect();
        if free.is_empty() {
            break;
        }
        for from in free {
            uses.remove(&from);
        }
    }
    assert!(uses.is_empty(), "circles among {uses:?}");
}
