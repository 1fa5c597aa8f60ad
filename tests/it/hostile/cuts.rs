//! A manifest cut at every byte: told, or without effect on what is left; and exactly which cuts neither parser nor person
//! could notice.
//!
//! YAML has no mark at its end, so a cut between two lines can leave a whole manifest that says less. Those cuts are
//! pinned here, word by word, as docs/manifests.md tells them ("What cannot be noticed").

use std::fmt::Write as _;
use std::path::Path;

use insta::assert_snapshot;
use repave::manifest::{Options, load, parse};
use repave::model::image::DesiredImage;

use super::checks;

/// Every field, in the order of docs/manifests.md.
pub const FULL: &str = "\
# The finance desktop.
apiVersion: repave.dev/v1alpha1
kind: UpdatedImage
metadata:
  name: finance
spec:
  imageName: Finance_2026-11
  source:
    imageId: wsi-0123456789ab
  description: Finance desktop
  tags:
    team: finance
    cost-center: \"4711\"
  createWhen: UpdateAvailable
  suspend: true
";

/// The same as a program that sorts by key prints it.
pub const SORTED: &str = "\
apiVersion: repave.dev/v1alpha1
kind: UpdatedImage
metadata:
  name: finance
spec:
  createWhen: UpdateAvailable
  description: >-
    Finance
    desktop
  imageName: Finance_2026-11
  source:
    imageId: wsi-0123456789ab
  suspend: true
  tags: { team: finance, cost-center: \"4711\" }
";

/// The same with what must not get lost in front, as docs/manifests.md advises.
pub const SUSPEND_FIRST: &str = "\
apiVersion: repave.dev/v1alpha1
kind: UpdatedImage
spec:
  suspend: true
  createWhen: UpdateAvailable
  tags: { team: finance, cost-center: \"4711\" }
  imageName: Finance_2026-11
  source: { imageId: wsi-0123456789ab }
  description: Finance desktop
metadata: { name: finance }
";

/// What is left of a text that was cut.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    /// A problem tells of it.
    Told,
    /// The same as of the whole text.
    Same,
    /// No manifest at all, as of comments.
    Nothing,
    /// The same but for documents at the end.
    Fewer(usize),
    /// Something else.
    Other(String),
}

fn left(whole: &[DesiredImage], cut: &str) -> Left {
    let result = parse("f", cut);
    if !result.problems.is_empty() {
        return Left::Told;
    }
    let images = result.images;
    if images.is_empty() {
        return Left::Nothing;
    }
    let differences: Vec<String> = whole
        .iter()
        .zip(&images)
        .filter(|(a, b)| !checks::same(a, b))
        .map(|(a, b)| differences(a, b))
        .collect();
    match (differences.is_empty(), whole.len() - images.len()) {
        (true, 0) => Left::Same,
        (true, missing) => Left::Fewer(missing),
        (false, _) => Left::Other(differences.join(" and ")),
    }
}

fn differences(whole: &DesiredImage, cut: &DesiredImage) -> String {
    let tags = |image: &DesiredImage| -> Vec<String> {
        image.tags.iter().map(|(key, _)| key.to_string()).collect()
    };
    let mut said = Vec::new();
    for (field, a, b) in [
        (
            "name",
            whole.subject.name.to_string(),
            cut.subject.name.to_string(),
        ),
        (
            "imageName",
            whole.image_name.to_string(),
            cut.image_name.to_string(),
        ),
        ("source", whole.source.to_string(), cut.source.to_string()),
        (
            "description",
            whole.description.to_string(),
            cut.description.to_string(),
        ),
        ("tags", tags(whole).join(" "), tags(cut).join(" ")),
        (
            "createWhen",
            format!("{:?}", whole.create_when),
            format!("{:?}", cut.create_when),
        ),
        (
            "suspend",
            whole.suspend.to_string(),
            cut.suspend.to_string(),
        ),
    ] {
        if a != b {
            said.push(format!("{field} {a:?} -> {b:?}"));
        }
    }
    said.join(", ")
}

/// What every cut that is not told leaves, a line for each that means something else; the others are counted.
fn untold(text: &str) -> String {
    let whole = parse("f", text);
    assert!(whole.problems.is_empty(), "{:?}", whole.problems);
    let (mut told, mut same, mut nothing) = (0, 0, 0);
    let mut said = String::new();
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        let cut = &text[..end];
        let between_lines = cut.is_empty() || cut.ends_with(['\n', '\r']);
        match left(&whole.images, cut) {
            Left::Told => told += 1,
            Left::Same => {
                same += 1;
                assert!(between_lines, "not told: {cut}");
            }
            Left::Nothing => {
                nothing += 1;
                let only_comments = cut.lines().all(|line| {
                    line.is_empty() || "---".starts_with(line) || line.starts_with('#')
                });
                assert!(only_comments, "not told, and there is nothing: {cut}");
            }
            Left::Fewer(_) | Left::Other(_) if !between_lines => panic!("not told: {cut}"),
            Left::Fewer(missing) => {
                let line = cut.lines().last().unwrap_or_default();
                writeln!(said, "after {}: {missing} fewer", line.trim()).unwrap();
            }
            Left::Other(what) => {
                let line = cut.lines().last().unwrap_or_default();
                writeln!(said, "after {}: {what}", line.trim()).unwrap();
            }
        }
    }
    format!("{said}{told} told, {same} the same, {nothing} nothing")
}

#[test]
fn a_cut_in_a_line_is_reported_and_a_cut_between_lines_drops_what_follows() {
    assert_snapshot!(untold(FULL), @r#"
    after description: Finance desktop: tags "cost-center team" -> "", createWhen "UpdateAvailable" -> "Always", suspend "true" -> "false"
    after team: finance: tags "cost-center team" -> "team", createWhen "UpdateAvailable" -> "Always", suspend "true" -> "false"
    after cost-center: "4711": createWhen "UpdateAvailable" -> "Always", suspend "true" -> "false"
    after createWhen: UpdateAvailable: suspend "true" -> "false"
    274 told, 0 the same, 24 nothing
    "#);
}

#[test]
fn the_order_of_a_program_is_no_better() {
    assert_snapshot!(untold(SORTED), @r#"
    after imageId: wsi-0123456789ab: tags "cost-center team" -> "", suspend "true" -> "false"
    after suspend: true: tags "cost-center team" -> ""
    284 told, 0 the same, 1 nothing
    "#);
}

#[test]
fn a_description_of_several_lines_can_lose_some_of_them() {
    let last = |description: &str| {
        FULL.replace("  description: Finance desktop\n", "")
            .replace("  tags:", &format!("  description: {description}\n  tags:"))
    };
    let last = |description: &str| {
        last(description)
            .split("  tags:")
            .next()
            .unwrap()
            .to_owned()
    };
    assert_snapshot!(untold(&last(">-\n    Finance\n    desktop")), @r#"
    after Finance: description "Finance desktop" -> "Finance"
    192 told, 0 the same, 24 nothing
    "#);
    assert_snapshot!(untold(&last("Finance\n    desktop")), @r#"
    after description: Finance: description "Finance desktop" -> "Finance"
    185 told, 0 the same, 24 nothing
    "#);
    assert_snapshot!(untold(&last("\"Finance\n    desktop\"")), @"188 told, 0 the same, 24 nothing");
}

#[test]
fn nothing_gets_lost_of_a_manifest_that_ends_with_what_is_required() {
    assert_snapshot!(untold(SUSPEND_FIRST), @"277 told, 0 the same, 1 nothing");
    // The same in one line, and with the line breaks of other systems.
    assert_snapshot!(untold(&FULL.replace('\n', "\r\n")), @r#"
    after description: Finance desktop: tags "cost-center team" -> "", createWhen "UpdateAvailable" -> "Always", suspend "true" -> "false"
    after description: Finance desktop: tags "cost-center team" -> "", createWhen "UpdateAvailable" -> "Always", suspend "true" -> "false"
    after team: finance: tags "cost-center team" -> "team", createWhen "UpdateAvailable" -> "Always", suspend "true" -> "false"
    after team: finance: tags "cost-center team" -> "team", createWhen "UpdateAvailable" -> "Always", suspend "true" -> "false"
    after cost-center: "4711": createWhen "UpdateAvailable" -> "Always", suspend "true" -> "false"
    after cost-center: "4711": createWhen "UpdateAvailable" -> "Always", suspend "true" -> "false"
    after createWhen: UpdateAvailable: suspend "true" -> "false"
    after createWhen: UpdateAvailable: suspend "true" -> "false"
    283 told, 1 the same, 25 nothing
    "#);
}

#[test]
fn the_samples() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut said = String::new();
    for file in [
        "manifests/engineering.yaml",
        "manifests/finance.yaml",
        "examples/chain/base.yaml",
        "examples/chain/finance.yaml",
    ] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        writeln!(said, "{file}\n{}", untold(&text)).unwrap();
    }
    assert_snapshot!(said, @r#"
    manifests/engineering.yaml
    after description: Engineering desktop with the November WorkSpaces components: tags "team" -> ""
    after tags: { team: engineering }: 1 fewer
    after ---: 1 fewer
    after # The laboratory's image follows only when the service has an update for it.: 1 fewer
    after description: Laboratory desktop with the November WorkSpaces components: tags "team" -> "", createWhen "UpdateAvailable" -> "Always"
    after tags: { team: engineering }: createWhen "UpdateAvailable" -> "Always"
    647 told, 0 the same, 69 nothing
    manifests/finance.yaml
    after description: Finance desktop with the November WorkSpaces components: tags "cost-center team" -> ""
    after team: finance: tags "cost-center team" -> "team"
    278 told, 0 the same, 69 nothing
    examples/chain/base.yaml
    after description: Base desktop with the November WorkSpaces components: tags "team" -> ""
    247 told, 0 the same, 138 nothing
    examples/chain/finance.yaml
    after description: Finance desktop on the November base: tags "team" -> ""
    234 told, 0 the same, 168 nothing
    "#);
}

/// Through the files, every byte of them: nothing but these cuts lets a set come into force.
#[test]
#[expect(clippy::disallowed_methods, reason = "a file that is being written")]
fn a_file_cut_at_any_byte_is_read_as_its_text_is() {
    let text = FULL.replace("The finance desktop", "Fürs 漢 😀");
    let whole = parse("f", &text).images;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    for end in 0..text.len() {
        std::fs::write(&path, &text.as_bytes()[..end]).unwrap();
        let loaded = load(folder.path(), &Options::default());
        let expected = if text.is_char_boundary(end) {
            left(&whole, &text[..end])
        } else {
            Left::Told
        };
        match (loaded, expected) {
            (Err(invalid), Left::Told | Left::Nothing) => {
                assert!(!invalid.problems.is_empty());
            }
            (Ok(loaded), Left::Same | Left::Other(_)) => assert_eq!(loaded.desired.len(), 1),
            (loaded, expected) => panic!("at {end}: {expected:?}, but {loaded:?}"),
        }
    }
}
