//! Each outside thing enters by one door; these tests read the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The text of every file below the folder, by its path from there.
pub fn texts(folder: &str) -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut texts = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let (name, path) = (entry.file_name(), entry.path());
            // What insta and Python leave there.
            if name.to_string_lossy().starts_with('.') || name == "__pycache__" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy();
                let text = std::fs::read(&path).unwrap();
                texts.insert(name.into(), String::from_utf8_lossy(&text).into());
            }
        }
    }
    texts
}

/// The library's sources without comments and tests, by path below `src/`.
pub fn sources() -> BTreeMap<String, String> {
    let code = |text: String| {
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let lines = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        lines.collect::<Vec<_>>().join("\n")
    };
    texts("src")
        .into_iter()
        .filter(|(name, _)| !name.ends_with("tests.rs"))
        .map(|(name, text)| (name, code(text)))
        .collect()
}

/// Whether the text has the word, as a word.
pub fn has_word(text: &str, word: &str) -> bool {
    let edge = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word).any(|(at, _)| {
        edge(text[..at].chars().next_back()) && edge(text[at + word.len()..].chars().next())
    })
}

/// Which files use the word, as a word.
fn users(word: &str) -> Vec<String> {
    sources()
        .into_iter()
        .filter(|(_, text)| has_word(text, word))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn each_outside_thing_has_its_door() {
    for (word, doors) in [
        (
            "aws_config",
            &[
                "cloud/aws/calls.rs",
                "cloud/aws/instance.rs",
                "cloud/aws/mod.rs",
                "cloud/aws/network.rs",
                "cloud/aws/sso.rs",
            ][..],
        ),
        ("aws_sdk_sts", &["cloud/aws/credentials.rs"]),
        ("aws_sdk_sso", &["cloud/aws/sso.rs"]),
        ("rustls", &["cloud/aws/checks.rs"]),
        ("shlex", &["cloud/aws/ini.rs"]),
        ("catch_unwind", &["sys/panics.rs"]),
        (
            "aws_sdk_workspaces",
            &[
                "cloud/aws/calls.rs",
                "cloud/aws/failure.rs",
                "cloud/aws/listed.rs",
                "cloud/aws/mod.rs",
            ],
        ),
        ("aws_smithy_http_client", &["cloud/aws/http.rs"]),
        (
            "serde_yaml",
            &["manifest/yaml/tree.rs", "simulator/seed.rs"],
        ),
        ("saphyr_parser", &["manifest/yaml/walk.rs"]),
        ("annotate_snippets", &["show/diagnostics.rs"]),
        ("indicatif", &["show/live.rs"]),
        ("backoff", &["cloud/retry.rs"]),
        // In cloud/aws it parses addresses.
        (
            "hyper",
            &[
                "cloud/aws/container.rs",
                "cloud/aws/endpoint.rs",
                "probe/health.rs",
                "simulator/server.rs",
                "simulator/sts.rs",
                "sys/http.rs",
            ],
        ),
        ("prometheus_client", &["probe/metrics.rs"]),
        (
            "clap",
            &[
                "cli/arguments.rs",
                "cli/console.rs",
                "cli/flags.rs",
                "cli/mod.rs",
                "cli/pages.rs",
                "cli/tips.rs",
            ],
        ),
        ("clap_complete", &["cli/arguments.rs", "cli/pages.rs"]),
        ("clap_mangen", &["cli/pages.rs"]),
        ("sd_notify", &["probe/systemd.rs"]),
        ("strsim", &["sys/similar.rs"]),
        ("terminal_size", &["sys/terminal.rs"]),
        ("textwrap", &["show/wrap.rs"]),
        ("SystemTime", &[]),
        // In cli it is the name of a flag's variable, in probe and show the version at compile time.
        (
            "env",
            &[
                "cli/arguments.rs",
                "cli/console.rs",
                "cli/flags.rs",
                "cli/mod.rs",
                "cli/pages.rs",
                "command/this_run.rs",
                "probe/metrics.rs",
                "show/sarif.rs",
                "sys/environment.rs",
            ],
        ),
        ("rand", &[]),
        (
            "fastrand",
            &["command/daemon.rs", "run/daemon/mod.rs", "sys/random.rs"],
        ),
        ("getrandom", &["sys/random.rs"]),
        ("unsafe", &[]),
    ] {
        assert_eq!(users(word), doors, "{word}");
    }
    for (path, doors) in [
        ("Timestamp::now", &["sys/clock.rs"][..]),
        ("env::", &["sys/environment.rs"]),
        ("use notify::", &["run/daemon/watch.rs"]),
        (
            "process::Command",
            &["cloud/aws/process.rs", "sys/git_command.rs"],
        ),
        ("fs::rename", &["state/file.rs", "sys/files.rs"]),
        (".write(true)", &["sys/files.rs", "sys/lock.rs"]),
        ("create_dir", &["sys/files.rs"]),
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
            "cloud/retry.rs",
            "model/image.rs",
            "model/value.rs",
            "manifest",
            "state/document.rs",
            "state/history.rs",
            "state/status.rs",
            "state/transitions.rs",
            "show/json.rs",
            "show/markdown.rs",
            "show/row.rs",
            "show/status.rs",
            "show/text.rs",
            "simulator/account.rs",
            "simulator/outage.rs",
            "simulator/roles.rs",
            "simulator/world.rs",
        ];
        if pure.iter().any(|pure| name.starts_with(pure)) {
            assert!(!text.contains("async "), "{name} is async");
        }
    }
}

/// The rooms from the lowest to the highest: a room uses only rooms of lower rows.
const ROOMS: [&[&str]; 9] = [
    &["sys"],
    &["model"],
    &["manifest", "cloud"],
    &["state", "simulator"],
    &["plan"],
    &["show", "cli"],
    &["probe"],
    &["run"],
    &["command"],
];

/// Names a module by its path: `plan/mod.rs` is `plan`.
fn module(file: &str) -> String {
    let name = file.trim_end_matches(".rs");
    name.strip_suffix("/mod").unwrap_or(name).to_owned()
}

/// Takes a use tree apart: `a::{b, c::{d, e}}` is `a::b`, `a::c::d` and `a::c::e`.
fn paths(tree: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut prefixes = vec![String::new()];
    let mut path = String::new();
    for c in tree.chars().chain([',']) {
        match c {
            '{' => prefixes.push(prefixes.last().unwrap().clone() + &std::mem::take(&mut path)),
            ',' | '}' => {
                if !path.is_empty() {
                    found.push(prefixes.last().unwrap().clone() + &std::mem::take(&mut path));
                }
                if c == '}' {
                    prefixes.pop();
                }
            }
            c if c.is_whitespace() => {}
            c => path.push(c),
        }
    }
    found
}

/// The paths that a file names: what it imports, and what it names by a path within the crate.
fn named(text: &str) -> Vec<String> {
    let mut named = Vec::new();
    let mut rest = String::new();
    let mut statement: Option<String> = None;
    for line in text.lines() {
        let begins = ["use ", "pub use ", "pub(crate) use ", "pub(super) use "]
            .iter()
            .find_map(|word| line.trim_start().strip_prefix(word));
        let part = match (&mut statement, begins) {
            (Some(so_far), _) => {
                so_far.push_str(line);
                so_far
            }
            (None, Some(begin)) => statement.insert(begin.to_owned()),
            (None, None) => {
                rest.push_str(line);
                rest.push('\n');
                continue;
            }
        };
        if let Some(tree) = part.strip_suffix(';') {
            named.extend(paths(tree));
            statement = None;
        }
    }
    for root in ["crate::", "super::"] {
        for (at, _) in rest.match_indices(root) {
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            // A longer path that ends so has been found by its beginning.
            if rest[..at].ends_with(|c: char| is_word(c) || c == ':') {
                continue;
            }
            let end = rest[at..].find(|c: char| !is_word(c) && c != ':');
            named.push(rest[at..end.map_or(rest.len(), |end| at + end)].to_owned());
        }
    }
    named
}

/// The modules that each module uses: what stands in `mod.rs` is a module too.
fn arrows(sources: &BTreeMap<String, String>) -> BTreeMap<String, BTreeSet<String>> {
    let modules: BTreeSet<String> = sources.keys().map(|file| module(file)).collect();
    let mut arrows = BTreeMap::new();
    for (file, text) in sources {
        let here = module(file);
        let uses = named(text).into_iter().filter_map(|path| {
            let mut at: Vec<&str> = here.split('/').collect();
            let mut segments = path.split("::").peekable();
            match *segments.peek()? {
                "crate" => {
                    segments.next();
                    at.clear();
                }
                "super" => {
                    while segments.next_if_eq(&"super").is_some() {
                        at.pop();
                    }
                }
                "self" => {
                    segments.next();
                }
                // A child by its bare name, or another crate.
                first if modules.contains(&format!("{here}/{first}")) => {}
                _ => return None,
            }
            at.extend(segments);
            // The longest part of the path that is a module.
            (1..=at.len())
                .rev()
                .map(|length| at[..length].join("/"))
                .find(|module| modules.contains(module))
        });
        let mut uses: BTreeSet<String> = uses.collect();
        uses.remove(&here);
        arrows.insert(here, uses);
    }
    arrows
}

/// All modules that a module uses, and that they use in turn.
fn reached<'a>(arrows: &'a BTreeMap<String, BTreeSet<String>>, from: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&str> = vec![from];
    while let Some(module) = next.pop() {
        let uses = arrows.get(module).into_iter().flatten();
        next.extend(uses.map(String::as_str).filter(|to| reached.insert(*to)));
    }
    reached
}

/// What is wrong with the rooms: a file outside them, an arrow against their direction, or a circle, inside a room too.
fn disorder(sources: &BTreeMap<String, String>) -> Vec<String> {
    let room = |module: &str| module.split('/').next().unwrap().to_owned();
    let row = |module: &str| {
        let room = room(module);
        ROOMS.iter().position(|row| row.contains(&room.as_str()))
    };
    let mut found = Vec::new();
    let mut arrows = arrows(sources);
    for top in ["lib", "main"] {
        arrows.remove(top);
    }
    for (from, uses) in &arrows {
        let Some(above) = row(from) else {
            found.push(format!("{from} stands in no room"));
            continue;
        };
        for to in uses {
            if room(from) != room(to) && row(to).is_some_and(|below| below >= above) {
                found.push(format!("{from} uses {to}, which is not below it"));
            }
        }
        let back = |to: &&String| reached(&arrows, to).contains(from.as_str());
        let back: Vec<&str> = uses.iter().filter(back).map(String::as_str).collect();
        if !back.is_empty() {
            let back = back.join(", ");
            found.push(format!("{from} is part of a circle: it uses {back}"));
        }
    }
    found
}

#[test]
fn rooms_use_what_is_below_them_and_nothing_uses_each_other() {
    let found = disorder(&sources());
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn each_kind_of_disorder_is_found() {
    let with = |files: &[(&str, &str)]| {
        let mut sources = sources();
        for (file, text) in files {
            let old = sources.remove(*file).unwrap_or_default();
            sources.insert((*file).to_owned(), format!("{old}\n{text}"));
        }
        disorder(&sources)
    };
    for (files, says) in [
        (&[("helpers.rs", "")][..], "helpers stands in no room"),
        (
            &[("sys/clock.rs", "use crate::model::image::Observed;")],
            "sys/clock uses model/image, which is not below it",
        ),
        (
            &[("sys/clock.rs", "use crate::{\n    plan::checksum,\n};")],
            "sys/clock uses plan/checksum, which is not below it",
        ),
        (
            &[("manifest/read.rs", "fn f() -> crate::cloud::retry::X {}")],
            "manifest/read uses cloud/retry, which is not below it",
        ),
        (
            &[
                ("sys/stamp.rs", "use super::git;"),
                ("sys/git.rs", "use super::stamp;"),
            ],
            "sys/stamp is part of a circle",
        ),
        (
            &[
                ("plan/checksum.rs", "use super::Plan;"),
                ("plan/mod.rs", "use checksum::of;"),
            ],
            "plan is part of a circle",
        ),
    ] {
        let found = with(files);
        assert!(
            found.iter().any(|found| found.starts_with(says)),
            "{files:?}: {found:#?}"
        );
    }
}

#[test]
fn what_leads_to_a_circle_is_not_part_of_it() {
    let sources = [
        ("sys/a.rs", "use super::b::B;"),
        ("sys/b.rs", "use super::c::C;"),
        ("sys/c.rs", "use super::{a::A, d::D};"),
        ("sys/d.rs", ""),
        ("model/e.rs", "use crate::sys::a::A;"),
    ];
    let sources = sources.map(|(file, text)| (file.to_owned(), text.to_owned()));
    assert_eq!(
        disorder(&BTreeMap::from(sources)),
        [
            "sys/a is part of a circle: it uses sys/b",
            "sys/b is part of a circle: it uses sys/c",
            "sys/c is part of a circle: it uses sys/a",
        ]
    );
}
