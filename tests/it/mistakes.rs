//! Mistakes that people make in manifests: the message alone leads to the fix.

use repave::manifest::{Options, Problem, load, parse};
use repave::show::{annotations, diagnostic_text, sarif};

const VALID: &str = "\
apiVersion: repave.dev/v1alpha1
kind: UpdatedImage
metadata:
  name: finance
spec:
  imageName: Finance_1
  source:
    imageId: wsi-0123456789ab
  description: Finance desktop
  tags:
    team: finance
  createWhen: Always
  suspend: false
";

fn text(problem: &Problem) -> String {
    let text = diagnostic_text(problem, Some(100));
    anstream::adapter::strip_str(&text).to_string()
}

#[test]
fn each_typical_mistake_says_its_mend() {
    // What is written in place of what, the line that the message tells, and its words; the mend is what stood there.
    for (right, wrong, line, words) in [
        ("imageName", "imageNam", 6, "did you mean imageName?"),
        ("imageId", "imageID", 8, "did you mean imageId?"),
        (
            "createWhen: Always",
            "createWhen: always",
            12,
            "did you mean Always?",
        ),
        ("suspend: false", "suspend: no", 13, "did you mean false?"),
        (
            "name: finance\n",
            "name: Finance\n",
            4,
            "did you mean finance?",
        ),
        (
            "v1alpha1",
            "v1alpha",
            1,
            "did you mean repave.dev/v1alpha1?",
        ),
        (
            "UpdatedImage",
            "updatedImage",
            2,
            "did you mean UpdatedImage?",
        ),
        (
            "source:\n    imageId: wsi-0123456789ab",
            "source: wsi-0123456789ab",
            7,
            "write { imageId: wsi-0123456789ab }",
        ),
        (
            "source:\n    imageId",
            "imageId",
            7,
            "imageId is a field of spec.source: check the indentation",
        ),
        (
            "  description",
            "\tdescription",
            9,
            "indent with spaces: YAML allows no tab there",
        ),
        (
            "Finance desktop",
            "Finance: desktop",
            9,
            "a text with ': ' in it needs quotes",
        ),
        (
            "Finance desktop",
            "Finance, desktop",
            9,
            "did you mean Finance desktop?",
        ),
        ("Finance_1", "Finance 1", 6, "did you mean Finance_1?"),
        (
            "wsi-0123456789ab",
            "wsb-0123456789ab",
            8,
            "wsb- is a bundle: use the id of the image",
        ),
        (
            "wsi-0123456789ab",
            "ami-0123456789ab",
            8,
            "use the id of the WorkSpaces image, which begins with wsi-",
        ),
        ("team: finance", "team: 4711", 11, "quote it: \"4711\""),
        (
            "team: finance",
            "- team: finance",
            11,
            "write the tags without hyphens",
        ),
        (
            "Always\n",
            "Always\n  createWhen: Always\n",
            13,
            "each field once",
        ),
        (
            "  description: Finance desktop\n",
            "",
            5,
            "spec.description: missing",
        ),
        (
            "false\n",
            "false",
            13,
            "a line break at the end of the last line",
        ),
    ] {
        assert!(VALID.contains(right), "{right}");
        let manifest = VALID.replacen(right, wrong, 1);
        let found = parse("finance.yaml", &manifest);
        let all = found.problems.iter().chain(&found.warnings);
        let shown: Vec<String> = all.clone().map(text).collect();
        let says = |(problem, shown): (&Problem, &String)| {
            problem.span.is_some_and(|span| span.line == line) && shown.contains(words)
        };
        assert!(all.zip(&shown).any(says), "{wrong}: {}", shown.concat());
    }
    assert!(parse("finance.yaml", VALID).problems.is_empty());
}

#[test]
fn a_problem_is_shown_where_it_stands() {
    let long = format!("{}: {}\n", "x".repeat(250), "y".repeat(300));
    let manifest = VALID
        .replace("imageName: Finance_1", "imageNam: Finance_1")
        .replace("Finance desktop", "\"Finance\u{202e} desktop\"")
        .replace("    team: finance\n", &format!("    {long}"));
    let found = parse("a b.yaml", &manifest);
    let shown: String = found.problems.iter().map(text).collect();
    insta::assert_snapshot!(shown, @r#"
    error: spec.imageNam: unknown field
     --> a b.yaml:6:3
      |
    6 |   imageNam: Finance_1
      |   ^^^^^^^^
      |
      = allowed: imageName, source, description, tags, createWhen, suspend
      = help: did you mean imageName?

    error: spec.description: found "Finance\u{202e} desktop": character 8 is "\u{202e}"
     --> a b.yaml:9:16
      |
    9 |   description: "Finance\u{202e} desktop"
      |                ^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = allowed: 1 to 256 of a-z, A-Z, 0-9, space and _ . / ( ) -
      = help: did you mean Finance desktop?

    error: spec.tags["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"]: found "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…": 250 characters long
      --> a b.yaml:11:5
       |
    11 |     xxxxxxxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxxxx
       |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^...^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = allowed: 1 to 127 characters, not beginning with aws:

    error: spec.tags["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…"]: found "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy…": 300 characters long
      --> a b.yaml:11:257
       |
    11 | ...x: yyyyyyyyyyyyyyyyyyyyyyyyyyy...yyyyyyyyyyyyyyyyyyyyyyyyyyy
       |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^...^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = allowed: 0 to 255 characters
    "#);
    let whole = load("no-such-folder".as_ref(), &Options::default()).unwrap_err();
    let shown = text(&whole.problems[0]);
    let shown = shown.replace(env!("CARGO_MANIFEST_DIR"), "HERE");
    insta::assert_snapshot!(shown, @"
    error: no such folder
    --> no-such-folder
     = allowed: a folder of manifests
     = help: repave checked HERE/no-such-folder. Set --manifests to the folder of the manifests
    ");
}

fn many(count: usize) -> Vec<Problem> {
    let manifest = |number: usize| {
        format!(
            "---\n{}",
            VALID.replace("finance\n", &format!("F{number}%\n"))
        )
    };
    let text: String = (0..count).map(manifest).collect();
    let mut problems = parse("a,b:c%.yaml", &text).problems;
    problems.truncate(count);
    problems
}

#[test]
fn marks_stay_within_what_a_step_may_mark() {
    let outcome = repave::model::outcome::Outcome::new(
        repave::model::outcome::ExitCode::InvalidManifests,
        "invalid manifests: nothing was done",
    );
    for (count, marks) in [(0, 0), (1, 1), (10, 10), (11, 10), (30, 10)] {
        let problems = many(count);
        let text = annotations(&outcome, &problems, &problems[..count.min(3)]);
        let begin = |what: &str| text.lines().filter(|line| line.starts_with(what)).count();
        assert_eq!(
            (begin("::error "), begin("::warning ")),
            (marks, count.min(3)),
            "{text}"
        );
        assert_eq!(begin("::group::"), usize::from(count > 10));
        let first = text
            .lines()
            .find(|line| line.starts_with("::error "))
            .unwrap_or("");
        assert_eq!(
            first.contains(&format!("title={count} problems")),
            count > 10,
            "{first}"
        );
    }
    let text = annotations(&outcome, &many(1), &[]);
    insta::assert_snapshot!(text, @r#"
    invalid manifests: nothing was done.
    ::error file=a%2Cb%3Ac%25.yaml,line=5,col=9,title=metadata.name::found "F0%25": character 1 is "F"; allowed: 1 to 253 of a-z, 0-9, '-' and '.', beginning and ending with a letter or digit
    "#);
}

#[test]
fn a_manifest_cannot_inject_workflow_commands() {
    let outcome = repave::model::outcome::Outcome::new(
        repave::model::outcome::ExitCode::InvalidManifests,
        "x",
    );
    let manifest = VALID.replace("Finance desktop", "\"##[error]x\\n::stop-commands::y\"");
    let problems = vec![parse("::a##[b].yaml", &manifest).problems.remove(0); 11];
    let text = annotations(&outcome, &problems, &[]);
    assert!(!text.contains("##["), "{text}");
    let orders = text
        .lines()
        .filter(|line| line.trim_start().starts_with("::"));
    let known = |line: &&str| {
        ["::error ", "::group::", "::endgroup::"]
            .iter()
            .any(|order| line.starts_with(order))
    };
    assert_eq!(orders.clone().count(), 12, "{text}");
    assert_eq!(orders.filter(known).count(), 12, "{text}");
}

#[test]
fn sarif_names_the_place_and_the_rule() {
    let value = sarif(&many(1), &[]);
    let result = &value["runs"][0]["results"][0];
    assert_eq!(result["level"], "error");
    let rules = value["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    assert!(rules.iter().any(|rule| rule["id"] == result["ruleId"]));
    insta::assert_snapshot!(result["locations"][0]["physicalLocation"], @r#"{"artifactLocation":{"uri":"a%2Cb%3Ac%25.yaml"},"region":{"startLine":5,"startColumn":9,"endColumn":12}}"#);
}
