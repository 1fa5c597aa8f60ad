//! The manifest's JSON Schema against the decoder, judged by a validator that is not ours.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use proptest::sample::select;
use repave::manifest;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};

/// The schema, ready to ask.
struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn new() -> Self {
        let text = repave::manifest::schema::text().unwrap();
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        let schema = serde_json::from_slice(&text).unwrap();
        compiler.add_resource("schema.json", schema).unwrap();
        let index = compiler.compile("schema.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn accepts(&self, document: &Value) -> bool {
        self.schemas.validate(document, self.index).is_ok()
    }
}

/// What the decoder makes of the document, written as JSON that is YAML too.
fn decodes(document: &Value) -> bool {
    let mut text = String::new();
    for c in document.to_string().chars() {
        // YAML refuses some characters as they are, and knows no pairs of escapes for those beyond U+FFFF.
        match u32::from(c) {
            code @ 0x7f..=0xffff => write!(text, "\\u{code:04x}").unwrap(),
            _ => text.push(c),
        }
    }
    text.push('\n');
    let result = manifest::parse("a.yaml", &text);
    result.images.len() == 1 && result.problems.is_empty()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == ending) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn documents(yaml: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(yaml)
        .map(|document| Value::deserialize(document).unwrap())
        .collect()
}

#[test]
fn the_committed_schema_is_the_printed_one() {
    let committed = std::fs::read(root().join(repave::manifest::schema::FILE)).unwrap();
    assert!(
        committed == repave::manifest::schema::text().unwrap(),
        "run: repave schema > {}",
        repave::manifest::schema::FILE
    );
}

#[test]
fn every_sample_is_accepted_and_points_editors_to_the_schema() {
    let schema = Schema::new();
    let mut seen = 0;
    for file in ["manifests", "examples"]
        .iter()
        .flat_map(|folder| files(folder, "yaml"))
    {
        let text = std::fs::read_to_string(&file).unwrap();
        if !text.contains(manifest::KIND) {
            continue; // a simulator's seed, or a pipeline
        }
        seen += 1;
        let name = file.display();
        let first = text.lines().next().unwrap();
        let named = first.strip_prefix("# yaml-language-server: $schema=");
        let pointed = file.parent().unwrap().join(named.unwrap_or_default());
        assert_eq!(
            pointed.canonicalize().ok(),
            Some(root().join(repave::manifest::schema::FILE)),
            "{name}: {first}"
        );
        // They show what repave says about mistakes.
        let is_valid = !file.starts_with(root().join("examples/mistakes"));
        for document in documents(&text) {
            assert_eq!(schema.accepts(&document), is_valid, "{name}");
            assert_eq!(decodes(&document), is_valid, "{name}");
        }
    }
    assert!(seen >= 6, "{seen}");
}

#[test]
fn every_manifest_in_the_documents_is_accepted() {
    let schema = Schema::new();
    let mut seen = 0;
    for file in files("docs", "md")
        .into_iter()
        .chain([root().join("README.md")])
    {
        let text = std::fs::read_to_string(&file).unwrap();
        let blocks = text.split("```yaml\n").skip(1);
        for block in blocks.filter_map(|rest| rest.split("```").next()) {
            if !block.contains(&format!("\nkind: {}\n", manifest::KIND)) {
                continue;
            }
            for document in documents(block) {
                seen += 1;
                let name = file.display();
                assert!(schema.accepts(&document) && decodes(&document), "{name}");
            }
        }
    }
    assert!(seen >= 2, "{seen}");
}

fn sample() -> Value {
    json!({
        "apiVersion": "repave.dev/v1alpha1",
        "kind": "UpdatedImage",
        "metadata": { "name": "finance" },
        "spec": {
            "imageName": "Finance_2026-11",
            "source": { "imageId": "wsi-012345678" },
            "description": "Finance desktop",
            "tags": { "team": "finance" },
            "createWhen": "Always",
            "suspend": false,
        },
    })
}

/// Each side of each limit, one change of a valid manifest at a time.
#[test]
fn both_draw_the_same_line_at_every_limit() {
    let schema = Schema::new();
    let long = |length: usize| Value::from("a".repeat(length));
    let tags = |count: usize| -> Value {
        let tags = (0..count).map(|n| (format!("k{n}"), json!("")));
        tags.collect::<Map<_, _>>().into()
    };
    for (path, value, valid) in [
        ("/metadata/name", long(253), true),
        ("/metadata/name", long(254), false),
        ("/metadata/name", json!(""), false),
        ("/metadata/name", json!("a-"), false),
        ("/metadata/name", json!(".a"), false),
        ("/metadata/name", json!("A"), false),
        ("/metadata/name", json!("a\n"), false),
        ("/spec/imageName", long(64), true),
        ("/spec/imageName", long(65), false),
        ("/spec/imageName", json!("a_./()\\-Z9"), true),
        ("/spec/imageName", json!("a b"), false),
        ("/spec/imageName", json!("ä"), false),
        ("/spec/imageName", Value::Null, false),
        ("/spec/source", json!({}), false),
        ("/spec/source", json!({ "imageName": "a" }), true),
        (
            "/spec/source",
            json!({ "imageName": "a", "imageId": "wsi-012345678" }),
            false,
        ),
        ("/spec/source/imageId", json!("wsi-01234567"), false),
        ("/spec/source/imageId", json!("ami-012345678"), false),
        (
            "/spec/source/imageId",
            json!(format!("wsi-{}", "0".repeat(63))),
            true,
        ),
        (
            "/spec/source/imageId",
            json!(format!("wsi-{}", "0".repeat(64))),
            false,
        ),
        ("/spec/description", long(256), true),
        ("/spec/description", long(257), false),
        ("/spec/description", json!("a: b"), false),
        ("/spec/description", json!(7), false),
        ("/spec/tags", tags(50), true),
        ("/spec/tags", tags(51), false),
        ("/spec/tags", json!({ "aws:x": "" }), false),
        ("/spec/tags", json!({ "AwS:x": "" }), false),
        ("/spec/tags", json!({ "aws": "" }), true),
        ("/spec/tags", json!({ "": "" }), false),
        ("/spec/tags", json!({ "ä": "\u{1f600}" }), true),
        ("/spec/tags", json!({ "a\u{7f}": "" }), false),
        ("/spec/tags", json!({ "a": "\u{85}" }), false),
        ("/spec/tags", json!({ "a": "\u{2028}" }), true),
        ("/spec/tags", json!({ "a": 4711 }), false),
        ("/spec/tags/team", long(255), true),
        ("/spec/tags/team", long(256), false),
        ("/spec/createWhen", json!("UpdateAvailable"), true),
        ("/spec/createWhen", json!("always"), false),
        ("/spec/suspend", json!("true"), false),
        ("/apiVersion", json!("apps/v1"), false),
        ("/kind", json!("updatedimage"), false),
        ("", Value::Null, false),
    ] {
        let mut document = sample();
        *document.pointer_mut(path).unwrap() = value;
        let found = (schema.accepts(&document), decodes(&document));
        assert_eq!(found, (valid, valid), "{path}: {document}");
    }
    // The name of an image by default has an image name's limits.
    for (length, valid) in [(64, true), (65, false)] {
        let mut document = sample();
        document["metadata"]["name"] = long(length);
        document["spec"]
            .as_object_mut()
            .unwrap()
            .remove("imageName");
        let found = (schema.accepts(&document), decodes(&document));
        assert_eq!(found, (valid, valid), "{length}");
    }
}

/// A text near the limits of some kind, or far from all of them.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9]{1,12}",
        2 => "[a-z0-9.-]{0,70}",
        2 => "wsi-[a-z0-9]{7,12}",
        1 => "[a-zA-Z0-9 _./()-]{0,20}",
        1 => "[aA][wW][sS]:?[a-z]{0,3}",
        1 => "[ -~]{0,8}",
        1 => "[\\x00-\\xff]{0,4}",
        1 => "\\PC{0,6}",
        1 => (60_usize..260).prop_map(|length| "a".repeat(length)),
        1 => select(vec!["Always", "UpdateAvailable", "true", "<<", "null", "~"])
            .prop_map(str::to_owned),
    ]
}

/// Any value, mostly of the wrong type.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        6 => text().prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => (-1e6..1e6).prop_map(|number: f64| json!(number)),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..3)
                .prop_map(|map| map.into_iter().collect::<Map<_, _>>().into()),
        ]
    })
}

/// One change of a manifest: a field gets another value, goes, or comes.
#[derive(Debug, Clone)]
struct Change {
    path: &'static str,
    field: String,
    value: Option<Value>,
}

fn change() -> impl Strategy<Value = Change> {
    let known = select(vec![
        ("", "apiVersion"),
        ("", "kind"),
        ("", "metadata"),
        ("", "spec"),
        ("/metadata", "name"),
        ("/spec", "imageName"),
        ("/spec", "source"),
        ("/spec", "description"),
        ("/spec", "tags"),
        ("/spec", "createWhen"),
        ("/spec", "suspend"),
        ("/spec/source", "imageId"),
        ("/spec/source", "imageName"),
        ("/spec/tags", "team"),
    ])
    .prop_map(|(path, field)| (path, field.to_owned()));
    let other = (
        select(vec!["", "/metadata", "/spec", "/spec/source", "/spec/tags"]),
        text(),
    );
    // Many changes of tags: they have the widest range.
    let tag = (Just("/spec/tags"), text());
    let place = prop_oneof![8 => known, 1 => other, 3 => tag];
    let text_value = text().prop_map(|text| Some(Value::from(text)));
    let new = prop_oneof![4 => text_value, 1 => value().prop_map(Some), 1 => Just(None)];
    (place, new).prop_map(|((path, field), value)| Change { path, field, value })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// What one accepts, the other does: of single documents whose fields each occur once.
    #[test]
    fn the_schema_and_the_decoder_accept_the_same(changes in prop::collection::vec(change(), 0..4)) {
        thread_local!(static SCHEMA: Schema = Schema::new());
        let mut document = sample();
        for Change { path, field, value } in changes {
            let Some(map) = document.pointer_mut(path).and_then(Value::as_object_mut) else {
                continue;
            };
            match value {
                Some(value) => { map.insert(field, value); }
                None => { map.remove(&field); }
            }
        }
        let accepted = SCHEMA.with(|schema| schema.accepts(&document));
        prop_assert_eq!(accepted, decodes(&document), "{}", document);
    }
}
