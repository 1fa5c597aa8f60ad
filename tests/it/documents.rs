//! What repave prints for other programs, given to those programs where a test can count on them.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

/// Runs repave in the folder, with nothing of this machine's configuration.
fn repave(folder: &Path, arguments: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_repave"))
        .args(arguments.split_whitespace())
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

#[expect(clippy::disallowed_methods, reason = "a person's editor")]
fn checkout(manifests: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("manifests")).unwrap();
    std::fs::write(folder.path().join("manifests/a.yaml"), manifests).unwrap();
    folder
}

fn manifest(name: &str, more: &str) -> String {
    format!(
        "---\napiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: {{ name: {name} }}\n\
         spec: {{ source: {{ imageId: wsi-source000 }}, description: Desktop{more} }}\n"
    )
}

fn actions(output: &Output) -> Vec<String> {
    let policy: Value = serde_json::from_slice(&output.stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap();
    let action = |statement: &Value| statement["Action"].as_str().unwrap().to_owned();
    statements.iter().map(action).collect()
}

#[test]
fn the_policy_has_the_action_for_tags_if_any_manifest_has_tags() {
    let plain = manifest("a", "");
    let suspended = manifest("b", ", tags: { team: b }, suspend: true");
    for (manifests, tags, words) in [
        (
            plain.clone(),
            false,
            "repave: the policy covers 1 manifest, 0 of them with tags\n",
        ),
        (
            plain + &suspended,
            true,
            "repave: the policy covers 2 manifests, 1 of them with tags\n",
        ),
    ] {
        let folder = checkout(&manifests);
        let output = repave(folder.path(), "iam-policy");
        let has = actions(&output).contains(&"workspaces:CreateTags".into());
        assert_eq!((output.status.code(), has), (Some(0), tags), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), words);
    }
}

#[test]
fn the_policy_is_all_of_stdout_whatever_the_output() {
    let folder = checkout(&manifest("a", ""));
    let place = "--region us-gov-west-1 --account-id 111122223333";
    let text = repave(folder.path(), &format!("iam-policy {place}"));
    let json = repave(folder.path(), &format!("iam-policy -o json {place}"));
    assert_eq!(text.stdout, json.stdout);
    let policy: Value = serde_json::from_slice(&text.stdout).unwrap();
    assert_eq!(
        policy["Statement"][1]["Resource"],
        "arn:aws-us-gov:workspaces:us-gov-west-1:111122223333:workspaceimage/*"
    );

    let broken = checkout("kind: UpdatedImage\n");
    let text = repave(broken.path(), "iam-policy");
    assert_eq!(text.status.code(), Some(65));
    assert!(text.stdout.is_empty(), "nobody takes problems for a policy");
    let told = String::from_utf8_lossy(&text.stderr).into_owned();
    assert!(told.contains("apiVersion"), "{told}");
    let json = repave(broken.path(), "iam-policy -o json");
    let document: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(document["exitCode"], json!(65));
}

#[test]
fn pages_come_alone() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in ["schema", "completions fish", "man", "man plan"] {
        let output = repave(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments}: {output:?}");
        assert!(output.stderr.is_empty() && !output.stdout.is_empty());
    }
    for arguments in ["completions tcsh", "man plam"] {
        let output = repave(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments}: {output:?}");
        assert!(output.stdout.is_empty());
    }
}

/// bash itself loads the completions and completes words by them.
#[test]
fn bash_completes() {
    let script = r#"
        source <("$0" completions bash) || exit 1
        complete_last() {
            COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
            _repave repave "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
            echo "${COMPREPLY[*]}"
        }
        complete_last repave iam
        complete_last repave plan --det
        complete_last repave validate -o ""
        complete_last repave schema --man
        complete_last repave man sche
    "#;
    let output = Command::new("bash")
        .args(["--norc", "-c", script, env!("CARGO_BIN_EXE_repave")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "iam-policy\n--detailed-exitcode\ntext json github sarif\n\nschema\n"
    );
}

/// Pages have their sections, and name a variable for each flag.
#[test]
fn manual_pages_say_all() {
    let folder = tempfile::tempdir().unwrap();
    let page = |arguments: &str| {
        let output = repave(folder.path(), arguments);
        String::from_utf8(output.stdout).unwrap().replace('\\', "")
    };
    let root = page("man");
    assert!(root.starts_with(".TH REPAVE 1 \"\" \"repave "), "{root}");
    for part in [
        ".SH COMMANDS",
        "repave-plan(1)",
        ".SH EXAMPLES",
        ".SH \"EXIT STATUS\"",
    ] {
        assert!(root.contains(part), "{part}: {root}");
    }
    let reconcile = page("man reconcile");
    for part in ["REPAVE_MAX_CREATES", "REPAVE_API_RATE", "repave(1)"] {
        assert!(reconcile.contains(part), "{part}: {reconcile}");
    }
    let schema = page("man schema");
    assert!(!schema.contains("REPAVE_MANIFESTS"), "{schema}");
}

/// The documents' list of exit codes is the program's.
#[test]
fn every_exit_code_is_in_the_documents() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).unwrap();
    let (page, card) = (read("docs/exit-codes.md"), read("README.md"));
    for code in repave::model::outcome::ExitCode::ALL {
        let number = code.number();
        let row = format!("\n| {number} | `{code:?}` |");
        assert!(page.contains(&row), "{row}");
        let is_in_card = card.lines().any(|line| {
            let first = line
                .strip_prefix("| ")
                .and_then(|rest| rest.split('|').next());
            first.is_some_and(|cell| cell.split(',').any(|n| n.trim() == number.to_string()))
        });
        assert!(is_in_card, "{number}");
    }
}
