//! The JSON Schema of the output against what the program prints, judged by a validator that is not ours.

use std::collections::BTreeSet;
use std::io::Read as _;

use boon::{Compiler, SchemaIndex, Schemas};
use repave::cloud::{FailureKind, Verb};
use repave::model::group::Group;
use repave::model::outcome::ExitCode;
use repave::model::reason::Reason;
use repave::model::subject::Kind;
use repave::plan::Totals;
use repave::show::DocumentKind;
use repave::state::status::{ConditionStatus, ConditionType};
use serde_json::{Value, json};

use crate::binary::{Checkout, Ran, created};
use crate::wire::{Server, error, page};

fn schema() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/output.schema.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

struct Judge(Schemas, SchemaIndex);

impl Judge {
    fn new() -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.add_resource("output.json", schema()).unwrap();
        let index = compiler.compile("output.json", &mut schemas).unwrap();
        Self(schemas, index)
    }

    fn check(&self, document: &Value) -> Result<(), String> {
        self.0
            .validate(document, self.1)
            .map_err(|error| error.to_string())
    }
}

/// What the commands print: a plan, a run and a status with images in each group, then what has a body of its own, and
/// errors.
async fn documents() -> Vec<Value> {
    let checkout = Checkout::of(&["a", "b", "c", "d", "z"]);
    let source = "wsi-source000 source AVAILABLE";
    let built = ["wsi-1 b ERROR", "wsi-2 c PENDING", "wsi-3 d AVAILABLE"];
    let listing = || page(&[source, built[0], built[1], built[2]], None);
    let server = Server::start(vec![
        listing(),
        listing(),
        error(400, "ResourceLimitExceededException"),
        created("wsi-9"),
        error(400, "AccessDeniedException"),
    ])
    .await;
    let mut documents = Vec::new();
    for command in ["plan -o json", "reconcile --once -o json"] {
        documents.push(checkout.run_at(&server, command).await.json());
    }
    documents.push(checkout.run("status -o json").await.json());
    // What the manifests are warned of, and a listing that failed.
    let dash = "---\napiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: { name: e }\n\
                spec: { source: { imageId: wsi-source000 }, description: a-b }\n";
    checkout.write("manifests/e.yaml", dash);
    documents.push(
        checkout
            .run_at(&server, "reconcile --once -o json")
            .await
            .json(),
    );
    documents.push(checkout.run("status -o json").await.json());
    documents.push(checkout.run("validate -o json").await.json());
    checkout.write("manifests/f.yaml", "kind: UpdatedImage\n");
    documents.push(checkout.run("validate -o json").await.json());
    for command in [
        "plan -o json",
        "explain nothing -o json",
        "explain nowhere -o json",
        "status --status-file nowhere -o json",
        "explain QuotaExceeded -o json",
    ] {
        documents.push(checkout.run(command).await.json());
    }
    documents.push(daemon(&checkout, "").await.json());
    // Its status file can't be used, so it waits, and no pass begins.
    documents.push(
        daemon(&checkout, "--status-file manifests/e.yaml/s.json")
            .await
            .json(),
    );
    documents.push(simulator(&checkout));
    documents
}

/// Starts a daemon without a valid manifest, and stops it.
async fn daemon(checkout: &Checkout, arguments: &str) -> Ran {
    let arguments = format!("reconcile -o json {arguments}");
    let mut child = checkout.command(&arguments).spawn().unwrap();
    let mut first = [0; 1];
    let stderr = child.stderr.as_mut().unwrap();
    stderr.read_exact(&mut first).unwrap();
    let id = child.id().to_string();
    let kill = std::process::Command::new("kill")
        .args(["-s", "INT", &id])
        .status();
    assert!(kill.unwrap().success());
    Ran::ended(child).await
}

/// Reads what a simulator prints when it listens.
fn simulator(checkout: &Checkout) -> Value {
    let arguments = "simulate --listen 127.0.0.1:0 -o json";
    let mut child = checkout.command(arguments).spawn().unwrap();
    let stdout = child.stdout.take().unwrap();
    let printed = serde_json::Deserializer::from_reader(stdout)
        .into_iter()
        .next();
    child.kill().unwrap();
    child.wait().unwrap();
    printed.unwrap().unwrap()
}

#[tokio::test]
async fn what_is_printed_is_valid_and_what_lacks_a_field_is_not() {
    let judge = Judge::new();
    let documents = documents().await;
    let of = |document: &Value, field: &str| -> Vec<String> {
        let items = document["items"].as_array().unwrap();
        let text = |item: &Value| item[field].as_str().unwrap().to_owned();
        items.iter().map(text).collect()
    };
    assert_eq!(
        of(&documents[0], "group"),
        ["due", "blocked", "building", "ready", "due"]
    );
    assert_eq!(
        of(&documents[1], "group"),
        ["blocked", "blocked", "building", "ready", "building"]
    );
    assert_eq!(of(&documents[2], "group"), of(&documents[1], "group"));
    let attempts = documents[1]["attempts"].as_array().unwrap().iter();
    let accepted: Vec<_> = attempts.map(|attempt| &attempt["accepted"]).collect();
    assert_eq!(accepted, [false, true]);
    assert!(documents[4]["listingError"].is_object());
    assert_eq!(documents[5]["warnings"].as_array().unwrap().len(), 1);
    let ends = |document: &Value| format!("{} {}", document["kind"], document["exitCode"]);
    let ends: Vec<String> = documents.iter().map(ends).collect();
    insta::assert_snapshot!(ends.join("\n").replace('"', ""), @r"
    Plan 0
    Reconciliation 4
    StatusReport 0
    Reconciliation 3
    StatusReport 0
    Validation 0
    Validation 65
    Validation 65
    Error 64
    Error 64
    Error 1
    Explanation 0
    Daemon 0
    Daemon 0
    Simulator 0
    ");
    for document in &documents {
        assert_eq!(judge.check(document), Ok(()), "{document:#}");
    }
    let is_explanation = |document: &&Value| document["kind"] == "Explanation";
    for document in documents.iter().filter(|it| !is_explanation(it)) {
        for place in places(document, "") {
            let (parent, field) = place.rsplit_once('/').unwrap();
            let mut lacks = document.clone();
            let object = lacks.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            object.remove(field);
            assert!(judge.check(&lacks).is_err(), "{} {place}", document["kind"]);
            // Of another type: no field takes both of these, and no list holds them.
            let value = document.pointer(&place).unwrap();
            let other = if value.is_boolean() || field == "dirty" {
                json!(7)
            } else {
                json!(true)
            };
            let others = value.is_array().then(|| json!([other]));
            for other in others.into_iter().chain([other]) {
                let mut wrong = document.clone();
                *wrong.pointer_mut(&place).unwrap() = other;
                assert!(judge.check(&wrong).is_err(), "{} {place}", document["kind"]);
            }
        }
    }
    for (number, place, value) in [
        (0, "/items/0/group", json!("other")),
        (0, "/items/0/reason", json!("Other")),
        (0, "/items/0/step/verb", json!("delete")),
        (0, "/items/1/conditions/0/status", json!("Perhaps")),
        (0, "/targets/0/exitCode", json!(6)),
        (0, "/totals/due", json!(-1)),
        (0, "/kind", json!("Other")),
        (0, "/apiVersion", json!("repave.dev/v2")),
        (0, "/checksum", json!("sha256:1")),
        (1, "/attempts/0/reason", json!("Other")),
        (1, "/items/0/lastError/kind", json!("Other")),
        (1, "/items/0/lastError/count", json!(-1)),
        (2, "/items/0/until", json!("soon")),
        (4, "/listingError", json!({})),
        (4, "/listingError/since", json!("today")),
        (5, "/warnings/0/severity", json!("hint")),
        (8, "/exitCode", json!(0)),
    ] {
        let mut wrong = documents[number].clone();
        *wrong.pointer_mut(place).unwrap() = value;
        assert!(judge.check(&wrong).is_err(), "{place}");
    }
}

/// The place of every field of every object.
fn places(value: &Value, at: &str) -> Vec<String> {
    let inner = |key: &str, value: &Value| places(value, &format!("{at}/{key}"));
    match value {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(key, value)| [vec![format!("{at}/{key}")], inner(key, value)].concat())
            .collect(),
        Value::Array(list) => (0..)
            .zip(list)
            .flat_map(|(index, value)| inner(&index.to_string(), value))
            .collect(),
        _ => Vec::new(),
    }
}

#[test]
fn its_lists_are_the_programs() {
    let schema = schema();
    let of = |place: &str| schema.pointer(place).unwrap().clone();
    let definitions = |name: &str| of(&format!("/definitions/{name}/enum"));
    assert_eq!(definitions("reason"), json!(Reason::ALL));
    assert_eq!(definitions("exitCode"), json!(ExitCode::ALL));
    let names = ExitCode::ALL.map(|code| format!("{code:?}"));
    assert_eq!(definitions("outcome"), json!(names));
    let of_item = |field: &str| of(&format!("/definitions/item/properties/{field}/enum"));
    assert_eq!(of_item("group"), json!(Group::ALL));
    assert_eq!(of_item("kind"), json!(variants::<Kind>()));
    let of_other = |place: &str| of(&format!("/definitions/{place}/enum"));
    for (place, variants) in [
        ("attempt/properties/kind", variants::<Kind>()),
        ("step/properties/verb", variants::<Verb>()),
        ("condition/properties/type", variants::<ConditionType>()),
        ("condition/properties/status", variants::<ConditionStatus>()),
        ("lastError/properties/kind", variants::<FailureKind>()),
    ] {
        assert_eq!(of_other(place), json!(variants), "{place}");
    }
    assert_eq!(of("/properties/kind/enum"), json!(DocumentKind::ALL));
    let counted = json!(Totals::default());
    let counted: BTreeSet<&String> = counted.as_object().unwrap().keys().collect();
    let totals = of("/definitions/totals/properties");
    assert_eq!(
        totals.as_object().unwrap().keys().collect::<BTreeSet<_>>(),
        counted
    );
}

/// The names of an enum's variants, as serde lists them when it knows none of that name.
fn variants<T: serde::de::DeserializeOwned>() -> Vec<String> {
    let error = serde_json::from_value::<T>(json!("?"))
        .err()
        .unwrap()
        .to_string();
    let names = error.split('`').skip(1).step_by(2);
    names.skip(1).map(str::to_owned).collect()
}
