//! A manifest cut at every byte: reported, or without effect on the rest; and exactly which cuts neither a parser nor a
//! reader could notice. A cut within a line can leave a valid manifest with a shorter value: the daemon uses that only
//! after the files have not changed for a long time.
//!
//! YAML has no mark at its end, so a cut between two lines can leave a whole manifest that says less. Those cuts are
//! pinned here, word by word, as docs/manifests.md tells them ("What cannot be noticed").

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use insta::assert_snapshot;
use repave::manifest::{Options, load, parse};
use repave::model::image::DesiredImage;
use repave::run::checkout::{Check, Checkout, QUIET_TIME, UNENDED_REST};
use tokio::time::Instant;

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
    /// A problem reports it, or the warning of a file that may be incomplete.
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
    if !result.problems.is_empty() || result.is_unended {
        assert!(result.problems.len() + result.warnings.len() > 0, "{cut}");
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
    after # Created only when AWS reports an update for the source image.: 1 fewer
    after description: Laboratory desktop with the November WorkSpaces components: tags "team" -> "", createWhen "UpdateAvailable" -> "Always"
    after tags: { team: engineering }: createWhen "UpdateAvailable" -> "Always"
    634 told, 0 the same, 69 nothing
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

/// Through the files, every byte of them: nothing but these cuts becomes the set of the daemon at once, and no valid part of
/// a line before the files have rested.
#[test]
#[expect(clippy::disallowed_methods, reason = "a file that is being written")]
fn a_file_cut_at_any_byte_is_read_as_its_text_is() {
    let text = FULL.replace("The finance desktop", "Fürs 漢 😀");
    let whole = parse("f", &text).images;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    let (mut now, mut rested) = (Instant::now(), 0);
    for end in 0..text.len() {
        std::fs::write(&path, &text.as_bytes()[..end]).unwrap();
        let mut checkout = Checkout::new(folder.path(), Options::default());
        let mut used_after = |waited: Duration| {
            block_on(checkout.check(true, now + waited));
            checkout.set().is_some()
        };
        assert!(!used_after(Duration::ZERO));
        let at_once = used_after(QUIET_TIME);
        let almost = used_after(UNENDED_REST.saturating_sub(Duration::from_millis(1)));
        let at_last = used_after(UNENDED_REST);
        now += UNENDED_REST;
        let loaded = load(folder.path(), &Options::default());
        let expected = if text.is_char_boundary(end) {
            left(&whole, &text[..end])
        } else {
            Left::Told
        };
        match (loaded, expected) {
            (Err(invalid), Left::Told | Left::Nothing) => {
                assert!(!invalid.problems.is_empty());
                assert!(!at_last, "at {end}");
            }
            (Ok(loaded), Left::Told) => {
                assert_eq!(loaded.desired.len(), 1);
                assert_eq!((at_once, almost, at_last), (false, false, true), "at {end}");
                rested += 1;
            }
            (Ok(loaded), Left::Same | Left::Other(_)) => {
                assert_eq!(loaded.desired.len(), 1);
                assert!(at_once, "at {end}");
            }
            (loaded, expected) => panic!("at {end}: {expected:?}, but {loaded:?}"),
        }
    }
    // Within the description, the tags and createWhen, and at the ends of lines.
    assert_snapshot!(rested, @"35");
}

/// Runs what waits only for Git, of which there is none in a folder of its own.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(work)
}

/// A write that stops within a value, and ends later: the part is never used.
#[test]
#[expect(clippy::disallowed_methods, reason = "a file that is being written")]
fn the_rest_begins_again_with_every_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.yaml");
    let whole = SUSPEND_FIRST.replace("metadata: { name: finance }\n", "");
    let whole = format!("metadata: {{ name: finance }}\n{whole}");
    let part = whole.trim_end().strip_suffix("desktop").unwrap().trim_end();
    let mut checkout = Checkout::new(folder.path(), Options::default());
    let start = Instant::now();
    let mut check = |text: &str, seconds: u64| {
        if std::fs::read_to_string(&path).ok().as_deref() != Some(text) {
            std::fs::write(&path, text).unwrap();
        }
        let found = block_on(checkout.check(false, start + Duration::from_secs(seconds)));
        let set = checkout.set().and_then(|set| set.desired.iter().next());
        (found, set.map(|image| image.description.to_string()))
    };
    let rest = |seconds| Check::NotYet(Duration::from_secs(seconds));
    assert_eq!(check(part, 0), (Check::NotYet(QUIET_TIME), None));
    assert_eq!(check(part, 1), (rest(29), None));
    assert_eq!(check(part, 29), (rest(1), None));
    let longer = format!("{part} desk");
    assert_eq!(check(&longer, 29), (Check::NotYet(QUIET_TIME), None));
    assert_eq!(check(&longer, 31), (rest(28), None));
    assert_eq!(check(&longer, 58), (rest(1), None));
    // A whole file is read at once.
    assert_eq!(check(&whole, 58).0, Check::NotYet(QUIET_TIME));
    let desktop = Some("Finance desktop".to_owned());
    assert_eq!(check(&whole, 59), (Check::Changed, desktop.clone()));
    // The last valid set stays in use until the rest is over.
    assert_eq!(check(part, 60).1, desktop);
    assert_eq!(check(part, 89), (rest(1), desktop));
    assert_eq!(check(part, 90), (Check::Changed, Some("Finance".into())));
    assert_eq!(check(part, 91).0, Check::Unchanged);
}
