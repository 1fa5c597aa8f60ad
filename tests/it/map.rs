//! CONTRIBUTING.md is a map: its paths exist, and its lists name every file for a change.

use std::collections::BTreeMap;
use std::path::Path;

use crate::doors::{has_word, sources, texts};

/// The heading of each list, the file and the line that declare what the program has of this kind, each on a line, and
/// texts of one or two of the kind: a file that has such a text must be in the list.
const CHANGES: [[&str; 4]; 4] = [
    [
        "### A field of the manifest",
        "src/manifest/shape.rs",
        "const SPEC:",
        "createWhen create_when CreateWhen",
    ],
    [
        "### A reason",
        "src/model/reason.rs",
        "pub enum Reason {",
        "BuildOverdue InvalidSpec Reason::AccessDenied",
    ],
    [
        "### A verb, or another operation of AWS",
        "src/cloud/operation.rs",
        "pub enum Operation {",
        "Step::CreateImage Verb::Create Operation::CreateUpdatedWorkspaceImage CreateUpdatedImage creates_image",
    ],
    [
        "### A format of output",
        "src/cli/console.rs",
        "enum ValidateOutput {",
        "sarif Sarif ::Github markdown-into markdown_into",
    ],
];

const FOLDERS: &str = "benches docs examples fuzz/corpus fuzz/dictionaries fuzz/fuzz_targets manifests schema src tests";

const MAP: &str = include_str!("../../CONTRIBUTING.md");

type Files = BTreeMap<String, String>;

/// The files that a change can touch, by path: code without its unit tests, everything else as it is.
fn files() -> Files {
    let mut files = Files::new();
    for folder in FOLDERS.split(' ') {
        let mut texts = texts(folder);
        if folder == "src" {
            texts.extend(sources());
        }
        let of_root = |(name, text)| (format!("{folder}/{name}"), text);
        files.extend(texts.into_iter().map(of_root));
    }
    // It has the texts to look for.
    files.remove("tests/it/map.rs");
    files
}

/// The paths that stand between backticks.
fn paths(line: &str) -> impl Iterator<Item = &str> {
    let quoted = line.split('`').skip(1).step_by(2);
    let words = quoted.flat_map(str::split_whitespace);
    words.filter(|word| word.contains('/') || Path::new(word).extension().is_some())
}

/// Whether the text has the name, as a type, a value in JSON or a variable.
fn has_name(text: &str, name: &str) -> bool {
    let plain = |text: &str| text.replace('_', "").to_lowercase();
    has_word(&plain(text), &plain(name))
}

/// What is wrong with a list: a file is missing, or a file in it lacks one of the kind.
fn wrong([heading, declared, begin, typical]: [&str; 4], map: &str, files: &Files) -> Vec<String> {
    let after = |text: &str, begin: &str| {
        assert!(text.contains(begin), "{begin} is missing");
        text.split_once(begin).unwrap().1.to_owned()
    };
    let list = after(map, &format!("{heading}\n"));
    let list = list.split("\n#").next().unwrap();
    let listed: Vec<&str> = list.lines().flat_map(paths).collect();
    let has_file = |file: &str| {
        let mut listed = listed.iter();
        listed.any(|path| file == *path || path.ends_with('/') && file.starts_with(path))
    };
    let missing = files.iter().filter_map(|(file, text)| {
        let word = typical.split(' ').find(|word| text.contains(word))?;
        let words = format!("CONTRIBUTING.md must list {file} under \"{heading}\": it has {word}");
        (!has_file(file)).then_some(words)
    });
    let names = after(&files[declared], begin);
    let names = names.lines().skip(1);
    let names = names.take_while(|line| !line.starts_with(['}', ']']));
    let names: Vec<&str> = names
        .map(|line| line.trim_matches([' ', '"', ',']))
        .collect();
    let always = list.lines().filter(|line| !line.starts_with("| if "));
    let always = always
        .flat_map(paths)
        .filter_map(|path| files.get_key_value(path));
    let lacking = always.filter_map(|(file, text)| {
        let lacking = names.iter().filter(|name| !has_name(text, name));
        let lacking = lacking.copied().collect::<Vec<_>>().join(", ");
        let words = format!("{file} lacks {lacking}: see \"{heading}\" in CONTRIBUTING.md");
        (!lacking.is_empty()).then_some(words)
    });
    missing.chain(lacking).collect()
}

#[test]
fn every_path_of_the_map_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for line in MAP.lines() {
        // A path begins at the root, in src/, or in the folder of the path before it.
        let mut folders = vec![root.to_owned(), root.join("src")];
        for path in paths(line).filter(|path| *path != "mod.rs") {
            let mut places = folders.iter().map(|folder| folder.join(path));
            let Some(found) = places.find(|place| place.exists()) else {
                panic!("CONTRIBUTING.md: {path} does not exist: {line}");
            };
            folders.truncate(2);
            folders.extend(found.parent().map(Path::to_owned));
        }
    }
}

#[test]
fn every_file_for_a_change_is_in_its_list() {
    let files = files();
    let wrong = CHANGES.map(|change| wrong(change, MAP, &files)).concat();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_missing_file_and_a_missing_name_are_found() {
    let change = ["### A", "d.rs", "enum D {", "oneName"];
    let map = "### A\n| a | `d.rs`, `f/` |\n| if b | `b.rs` |\n| c | `c.rs` |\n### B\n`z.rs`\n";
    let enums = ("d.rs", "enum D {\n    oneName,\n    Two,\n}\n");
    for (file, text, says) in [
        ("b.rs", "oneName", ""),
        ("c.rs", "one_name, two", ""),
        ("f/f.rs", "oneName", ""),
        ("z.rs", "Two", ""),
        (
            "z.rs",
            "oneName",
            "CONTRIBUTING.md must list z.rs under \"### A\": it has oneName",
        ),
        (
            "c.rs",
            "one_name, Twofold",
            "c.rs lacks Two: see \"### A\" in CONTRIBUTING.md",
        ),
    ] {
        let files = [enums, (file, text)].map(|(file, text)| (file.into(), text.into()));
        assert_eq!(
            wrong(change, map, &files.into()).concat(),
            says,
            "{file}: {text}"
        );
    }
}
