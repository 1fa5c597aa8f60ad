//! CONTRIBUTING.md is a map: its paths exist, and its lists have every file for a change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::doors::{has_word, sources, texts};

/// A kind of change, and what the program has of that kind already.
struct Change {
    heading: &'static str,
    /// The file and the line after which each of the kind stands on a line.
    declared: (&'static str, &'static str),
    /// A file that has one of these must be listed.
    typical: &'static [&'static str],
}

const CHANGES: [Change; 4] = [
    Change {
        heading: "### A field of the manifest",
        declared: ("src/manifest/shape.rs", "const SPEC:"),
        typical: &["createWhen", "create_when", "CreateWhen"],
    },
    Change {
        heading: "### A reason",
        declared: ("src/model/reason.rs", "pub enum Reason {"),
        typical: &["BuildOverdue", "InvalidSpec", "Reason::AccessDenied"],
    },
    Change {
        heading: "### A verb, or another operation of AWS",
        declared: ("src/cloud/operation.rs", "pub enum Operation {"),
        typical: &[
            "Step::CreateImage",
            "Verb::Create",
            "Operation::CreateUpdatedWorkspaceImage",
            "CreateUpdatedImage",
            "creates_image",
        ],
    },
    Change {
        heading: "### A format of output",
        declared: ("src/cli/console.rs", "enum ValidateOutput {"),
        typical: &[
            "sarif",
            "Sarif",
            "::Github",
            "markdown-into",
            "markdown_into",
        ],
    },
];

/// The files that a change can touch, by path: code without its unit tests, everything else as it is.
fn files() -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for folder in [
        "benches",
        "docs",
        "examples",
        "fuzz/corpus",
        "fuzz/dictionaries",
        "fuzz/fuzz_targets",
        "manifests",
        "schema",
        "src",
        "tests",
    ] {
        let mut texts = texts(folder);
        if folder == "src" {
            texts.extend(sources());
        }
        let texts = texts
            .into_iter()
            .filter(|(name, _)| !name.contains("__pycache__"));
        files.extend(texts.map(|(name, text)| (format!("{folder}/{name}"), text)));
    }
    // It has the typical names to look for.
    files.remove("tests/it/map.rs");
    files
}

/// The paths that stand between backticks.
fn paths(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted
        .flat_map(str::split_whitespace)
        .filter(|word| word.contains('/') || Path::new(word).extension().is_some())
}

/// The names that a declaration has, each on its line.
fn declared<'a>(text: &'a str, begin: &str) -> Vec<&'a str> {
    let (_, rest) = text.split_once(begin).expect(begin);
    let lines = rest
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with(['}', ']']));
    lines
        .map(|line| line.trim_matches([' ', '"', ',']))
        .collect()
}

/// Whether the text has the name as it is declared, as a value in JSON, or as a variable.
fn names(text: &str, name: &str) -> bool {
    let camel = name[..1].to_lowercase() + &name[1..];
    let snake: String = camel
        .chars()
        .flat_map(|c| {
            c.is_uppercase()
                .then_some('_')
                .into_iter()
                .chain(c.to_lowercase())
        })
        .collect();
    [name, &camel, &snake]
        .iter()
        .any(|name| has_word(text, name))
}

/// What is wrong with a list: a file that is missing, or one in which something of the kind is missing.
fn wrong(change: &Change, map: &str, files: &BTreeMap<String, String>) -> Vec<String> {
    let Change {
        heading,
        declared: (file, begin),
        typical,
    } = change;
    let (_, list) = map.split_once(&format!("{heading}\n")).expect(heading);
    let list = list.split("\n#").next().unwrap();
    let listed: BTreeSet<&str> = paths(list).collect();
    let mut wrong = Vec::new();
    for (file, text) in files {
        let in_folder = |path: &&str| path.ends_with('/') && file.starts_with(*path);
        let found = typical.iter().find(|word| text.contains(**word));
        if let Some(word) = found
            && !listed.contains(&file[..])
            && !listed.iter().any(in_folder)
        {
            wrong.push(format!(
                "{file} has {word}: CONTRIBUTING.md must list it under \"{heading}\""
            ));
        }
    }
    let always = list.lines().filter(|line| !line.starts_with("| if "));
    for (path, text) in always
        .flat_map(paths)
        .filter_map(|path| files.get_key_value(path))
    {
        for name in declared(&files[*file], begin) {
            if !names(text, name) {
                wrong.push(format!("{path} lacks {name}: CONTRIBUTING.md lists it under \"{heading}\", without an \"if\""));
            }
        }
    }
    wrong
}

fn map() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("CONTRIBUTING.md")).unwrap()
}

#[test]
fn every_path_of_the_map_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for line in map().lines() {
        // A path begins at the root, in src/, or in the folder of the path before it.
        let mut folders = vec![root.to_owned(), root.join("src")];
        for path in paths(line).filter(|path| *path != "mod.rs") {
            let found = folders
                .iter()
                .map(|folder| folder.join(path))
                .find(|path| path.exists());
            let found =
                found.unwrap_or_else(|| panic!("CONTRIBUTING.md: {path} does not exist: {line}"));
            folders.truncate(2);
            folders.extend(found.parent().map(Path::to_owned));
        }
    }
}

#[test]
fn every_file_for_a_change_is_in_its_list() {
    let (map, files) = (map(), files());
    let wrong: Vec<String> = CHANGES
        .iter()
        .flat_map(|change| wrong(change, &map, &files))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_file_that_is_missing_and_a_name_that_is_missing_are_found() {
    let change = Change {
        heading: "### A",
        declared: ("d.rs", "enum D {"),
        typical: &["oneName"],
    };
    let files = |more: &[(&str, &str)]| {
        let files = [
            ("d.rs", "enum D {\n    oneName,\n    Two,\n}\n"),
            ("x.md", "no name"),
        ];
        let files = files
            .iter()
            .chain(more)
            .map(|(file, text)| ((*file).into(), (*text).into()));
        wrong(
            &change,
            "### A\n| a | `d.rs`, `f/` |\n| if b | `b.rs` |\n| c | `c.rs` |\n### B\n`z.rs`\n",
            &files.collect(),
        )
    };
    assert_eq!(
        files(&[
            ("b.rs", "oneName"),
            ("c.rs", "one_name, two"),
            ("f/f.rs", "oneName")
        ]),
        [""; 0]
    );
    for (file, text, says) in [
        (
            "z.rs",
            "oneName",
            "z.rs has oneName: CONTRIBUTING.md must list it under \"### A\"",
        ),
        (
            "c.rs",
            "one_name, Twofold",
            "c.rs lacks Two: CONTRIBUTING.md lists it under \"### A\", without an \"if\"",
        ),
    ] {
        assert_eq!(files(&[(file, text)]), [says]);
    }
}
