//! The JSON Schema of the output against what the program prints, judged by a validator that is not ours.

use boon::{Compiler, SchemaIndex, Schemas};
use repave::model::group::Group;
use repave::model::outcome::ExitCode;
use repave::model::reason::Reason;
use serde_json::{Value, json};

use crate::binary::Checkout;
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

/// What the commands print: a plan, a run with an image in each group but one, a status, and errors.
async fn documents() -> Vec<Value> {
    let checkout = Checkout::of(&["a", "b", "c"]);
    let source = "wsi-source000 source AVAILABLE";
    let listing = || page(&[source, "wsi-1 b ERROR", "wsi-2 c PENDING"], None);
    let server = Server::start(vec![
        listing(),
        listing(),
        error(400, "ResourceLimitExceededException"),
    ])
    .await;
    let mut documents = Vec::new();
    for command in ["plan -o json", "reconcile --once -o json"] {
        documents.push(checkout.run_at(&server, command).await.json());
    }
    for command in [
        "status -o json",
        "plan --manifests nowhere -o json",
        "explain nothing -o json",
    ] {
        documents.push(checkout.run(command).await.json());
    }
    documents
}

#[tokio::test]
async fn what_is_printed_is_valid_and_what_lacks_a_field_is_not() {
    let judge = Judge::new();
    let documents = documents().await;
    let groups = |document: &Value| -> Vec<String> {
        let items = document["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["group"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(groups(&documents[0]), ["due", "blocked", "building"]);
    assert_eq!(groups(&documents[1]), ["blocked", "blocked", "building"]);
    assert_eq!(groups(&documents[2]), groups(&documents[1]));
    for document in &documents {
        assert_eq!(judge.check(document), Ok(()), "{document:#}");
    }
    // Each field of each object that the program wrote, but what only some documents have.
    let free = ["/attempts", "/warnings", "/checksum", "/message"];
    for document in &documents[..3] {
        for place in places(document, "") {
            if place.contains("/warnings/") {
                continue;
            }
            let (parent, field) = place.rsplit_once('/').unwrap();
            let mut lacks = document.clone();
            let object = lacks.pointer_mut(parent).unwrap().as_object_mut().unwrap();
            object.remove(field);
            let is_needed = judge.check(&lacks).is_err();
            assert!(
                is_needed || free.contains(&place.as_str()) || place == "/items",
                "{place}"
            );
        }
    }
    for (place, value) in [
        ("/items/0/group", json!("other")),
        ("/items/0/reason", json!("Other")),
        ("/items/0/step/verb", json!("delete")),
        ("/items/0/since", json!(7)),
        ("/items/1/conditions/0/status", json!("Perhaps")),
        ("/targets/0/exitCode", json!(6)),
        ("/totals/due", json!(-1)),
        ("/kind", json!("Other")),
        ("/apiVersion", json!("repave.dev/v2")),
    ] {
        let mut wrong = documents[0].clone();
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
    let groups = of("/definitions/item/properties/group/enum");
    assert_eq!(groups, json!(Group::ALL));
}
