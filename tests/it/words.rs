//! The words that repave uses in no text and no name: each of them needs a second reading, or has a plainer synonym.

use std::path::{Path, PathBuf};

const NOT_USED: [&str; 34] = [
    "person is needed",
    "owed",
    "settling",
    "listings that agree",
    "told",
    "said",
    "heard of",
    "word to stop",
    "bears the name",
    "is none of",
    "it is no",
    "passed over",
    "what comes of it",
    "how it is",
    "what clears it",
    "mend",
    "another endpoint than",
    "least severe",
    "machine s own",
    "come to their end",
    "goes on",
    "go on",
    "of no other kind",
    "looked at",
    "a look",
    "within",
    "thereof",
    "whoever",
    "so that they may",
    "of its own",
    "of their own",
    "behaviour",
    "colour",
    "tells whether",
];

/// Returns each word that is not used and yet stands in the text, with the words around it.
fn found(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let words: Vec<String> = words.map(str::to_ascii_lowercase).collect();
    let stand_at = |not_used: &str| {
        let not_used: Vec<&str> = not_used.split(' ').collect();
        let found = words.windows(not_used.len()).position(|at| at == not_used);
        found.map(|at| words[at.saturating_sub(6)..words.len().min(at + 9)].join(" "))
    };
    let each = |not_used| Some(format!("{not_used:?}: {}", stand_at(not_used)?));
    NOT_USED.into_iter().filter_map(each).collect()
}

fn files(at: &Path, files: &mut Vec<PathBuf>) {
    if at.is_file() {
        return files.push(at.to_owned());
    }
    for entry in std::fs::read_dir(at).unwrap() {
        self::files(&entry.unwrap().path(), files);
    }
}

#[test]
fn no_text_and_no_name_has_a_word_that_needs_a_second_reading() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    for at in "README.md CHANGELOG.md CONTRIBUTING.md docs examples manifests schema src".split(' ')
    {
        files(&root.join(at), &mut all);
    }
    assert!(all.len() > 150, "{}", all.len());
    let mut wrong = Vec::new();
    for file in all {
        let text = std::fs::read_to_string(&file).unwrap();
        let shown = file.strip_prefix(root).unwrap().display();
        wrong.extend(found(&text).iter().map(|found| format!("{shown}: {found}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_word_is_found_in_names_and_over_line_ends_and_not_in_other_words() {
    for text in ["fn is_told()", "It was\n/// told.", "This goes\non."] {
        assert_eq!(found(text).len(), 1, "{text}");
    }
    assert!(found("Amendments; tolder; \"goes\" without its other half").is_empty());
}
