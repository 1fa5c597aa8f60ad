//! Drift: how an image differs from its manifest, in every state of the image and in every output.

use repave::model::image::{Desired, DesiredImage, ImageState, ObservedImage, Source};
use repave::model::value::{Description, ImageId, TagKey, TagValue, Tags};
use repave::plan::Drift;

use crate::binary::Checkout;
use crate::world::{GOLD, World, image, image_in, want, want_from};

/// The manifest of `a` with other values of everything that an image has.
fn changed() -> DesiredImage {
    let tag = |key, value| (TagKey::parse(key).unwrap(), TagValue::parse(value).unwrap());
    DesiredImage {
        source: Source::ImageId(ImageId::parse("wsi-other0000").unwrap()),
        description: Description::parse("Another text").unwrap(),
        tags: Tags::new([tag("team", "x")].into()).unwrap(),
        digest: "sha256:2".into(),
        ..want("a")
    }
}

/// A world in which repave created `a`, and AWS accepted it as wsi-1.
fn accepted() -> World {
    World::new([want("a")])
        .look()
        .mark("a")
        .record("a", Ok("wsi-1"))
}

fn declares(mut world: World, image: DesiredImage) -> World {
    world.desired = Desired::new(vec![image]).unwrap();
    world
}

/// The drift of the only image: a line for each difference, and the id of an adopted image.
fn drift(world: &World) -> Vec<String> {
    let drift = world.planned(|plan| plan.images[0].drift.clone());
    let Drift {
        differences,
        adopted,
    } = drift;
    let value = |value: Option<String>| value.unwrap_or_else(|| "none".into());
    let differences = differences
        .into_iter()
        .map(|d| format!("{}: {} -> {}", d.field, value(d.image), value(d.manifest)));
    differences
        .chain(adopted.map(|id| format!("adopted {id}")))
        .collect()
}

const ALL: [&str; 3] = [
    "description: Desktop with current components -> Another text",
    "source: wsi-gold00000 -> wsi-other0000",
    "tags.team: none -> x",
];

#[test]
fn an_image_in_any_state_differs_from_a_manifest_that_changed_after_its_creation() {
    let unknown = || ImageState::Unknown("NEW".into());
    for (state, listed) in [
        ("ready", Some(image("wsi-1", "a"))),
        (
            "building",
            Some(image_in(ImageState::Pending, "wsi-1", "a")),
        ),
        ("failed", Some(image_in(ImageState::Error, "wsi-1", "a"))),
        ("unknown", Some(image_in(unknown(), "wsi-1", "a"))),
        ("accepted, not listed yet", None),
    ] {
        let world = listed.into_iter().fold(accepted(), World::with).look();
        assert_eq!(drift(&world), [""; 0], "{state}");
        assert_eq!(drift(&declares(world.clone(), changed())), ALL, "{state}");
        let suspended = DesiredImage {
            suspend: true,
            ..changed()
        };
        let suspended = declares(world.clone(), suspended);
        assert_eq!(drift(&suspended), ALL, "{state}, suspended");
        // The manifest goes back.
        assert_eq!(
            drift(&declares(suspended.look(), want("a"))),
            [""; 0],
            "{state}"
        );
    }
    // It was listed, and is missing: the next create makes it as the manifest says.
    let vanished = declares(
        accepted().with(image("wsi-1", "a")).look().without("wsi-1"),
        changed(),
    );
    let vanished = vanished.look();
    assert_eq!(drift(&vanished), ALL);
    assert_eq!(drift(&vanished.after("11m")), [""; 0]);
}

#[test]
fn only_what_is_known_is_compared() {
    let described = |description: Option<&str>| ObservedImage {
        description: description.map(str::to_owned),
        ..image("wsi-1", "a")
    };
    let world = declares(accepted(), changed());
    // AWS does not report the description: what the create had counts.
    assert_eq!(drift(&world.clone().with(described(None))), ALL);
    let edited = drift(&world.with(described(Some("Edited by hand"))));
    assert_eq!(edited[0], "description: Edited by hand -> Another text");
    // A listing without the id changes nothing.
    let without_id = |world: World| {
        world
            .with(image("wsi-1", "a"))
            .look()
            .without("wsi-1")
            .with(image("", "a"))
    };
    assert_eq!(drift(&without_id(declares(accepted(), changed()))), ALL);
    assert_eq!(drift(&without_id(accepted())), [""; 0]);
    // A source by name is compared if exactly one image has the name.
    let by_name = declares(accepted().with(image("wsi-1", "a")), want_from("a", "base"));
    assert_eq!(drift(&by_name), [""; 0]);
    let one = by_name.with(image("wsi-base00000", "base"));
    assert_eq!(drift(&one), ["source: wsi-gold00000 -> wsi-base00000"]);
    assert_eq!(drift(&one.with(image("wsi-base00002", "base"))), [""; 0]);
    let gold = declares(accepted().with(image("wsi-1", "a")), want_from("a", "gold"));
    assert_eq!(drift(&gold), [""; 0]);
}

#[test]
fn an_image_without_a_record_of_its_create_is_adopted() {
    let adopted = ["adopted wsi-1"];
    let found = World::new([want("a")]).with(image("wsi-1", "a")).look();
    assert_eq!(drift(&found), adopted);
    // Its description is known.
    let different = [
        "description: Desktop with current components -> Another text",
        "adopted wsi-1",
    ];
    assert_eq!(drift(&declares(found, changed())), different);
    let marked = || World::new([want("a")]).look().mark("a");
    let old = || image("wsi-1", "a");
    let new = || ObservedImage {
        created: Some(crate::world::noon()),
        ..old()
    };
    // The create was refused, or AWS says that the name is taken: someone else made the image.
    for code in ["ThrottlingException", "ResourceAlreadyExistsException"] {
        let refused = marked().record("a", Err(code)).with(new()).look();
        assert_eq!(drift(&refused), adopted, "{code}");
    }
    // The result is unknown: a new image is the create's, an old one is not.
    let unknown = || marked().record("a", Err("timeout"));
    assert_eq!(drift(&unknown().with(new()).look()), [""; 0]);
    assert_eq!(drift(&marked().with(new()).look()), [""; 0]);
    assert_eq!(drift(&unknown().with(old()).look()), adopted);
    // An earlier create with other values may have made it. With the same values, it does not matter which.
    let twice = |second: DesiredImage| {
        let world = declares(unknown().look().after("11m"), second).look();
        world.mark("a").record("a", Err("timeout"))
    };
    let made_now = || ObservedImage {
        created: Some(crate::world::noon() + jiff::SignedDuration::from_mins(11)),
        ..old()
    };
    assert_eq!(
        drift(&twice(changed()).with(made_now()).look())[1..],
        adopted
    );
    assert_eq!(drift(&twice(want("a")).with(made_now()).look()), [""; 0]);
    // AWS accepted the create as another image.
    let replaced = accepted().with(image("wsi-2", "a")).look();
    assert_eq!(drift(&replaced), ["adopted wsi-2"]);
    assert_eq!(
        drift(&replaced.without("wsi-2").with(image("wsi-1", "a"))),
        [""; 0]
    );
}

#[test]
fn two_images_of_one_name_are_compared_with_nothing() {
    let world = declares(accepted(), changed());
    let two = world.with(image("wsi-1", "a")).with(image("wsi-2", "a"));
    assert_eq!(drift(&two), [""; 0]);
    assert_eq!(drift(&two.without(GOLD)), [""; 0]);
}

const MANIFEST: &str = "apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: { name: a }\n\
    spec: { source: { imageId: wsi-source000 }, description: Before, tags: { team: x } }\n";

#[tokio::test]
async fn every_output_shows_drift_and_plan_fails_on_it_if_asked() {
    let checkout = Checkout::new(MANIFEST);
    assert_eq!(checkout.run("reconcile --once --simulate").await.code, 0);
    let same = checkout
        .run("plan --simulate --fail-on blocked,drift")
        .await;
    assert_eq!(
        (same.code, same.out.contains("rift")),
        (0, false),
        "{}",
        same.out
    );

    let edited = MANIFEST
        .replace("Before", "After")
        .replace("team: x", "team: y");
    checkout.write("manifests/a.yaml", &edited);
    let plan = checkout
        .run("plan --simulate --markdown-into plan.md")
        .await;
    let differs = "Drifted: description is \"Before\" in the image and \"After\" in the manifest; \
        tags.team is \"x\" in the image and \"y\" in the manifest";
    assert!(plan.out.contains(differs), "{}", plan.out);
    assert!(
        plan.out
            .contains("Nothing to create: 1 building, 0 waiting, 0 blocked, 0 ready, 1 drifted."),
        "{}",
        plan.out
    );
    assert_eq!(plan.code, 0);
    for (what, code) in [("blocked", 0), ("drift", 4), ("blocked,drift", 4)] {
        let plan = checkout
            .run(&format!(
                "plan --simulate --detailed-exitcode --fail-on {what}"
            ))
            .await;
        assert_eq!(plan.code, code, "{what}");
    }
    let markdown = std::fs::read_to_string(checkout.path().join("plan.md")).unwrap();
    assert!(markdown.contains("1 drifted</summary>"), "{markdown}");
    let once = checkout.run("reconcile --once --simulate").await;
    assert!(once.err.contains("0 ready, 1 drifted"), "{}", once.err);
    for command in ["status --simulate", "explain a --simulate"] {
        let shown = checkout.run(command).await.out;
        let shown: Vec<&str> = shown.split_whitespace().collect();
        let differs: Vec<&str> = differs.split_whitespace().collect();
        assert!(
            shown.windows(differs.len()).any(|words| words == differs),
            "{command}: {shown:?}"
        );
    }
    for command in ["plan --simulate -o json", "status --simulate -o json"] {
        let json = checkout.run(command).await.json();
        let differences = serde_json::json!([
            { "field": "description", "image": "Before", "manifest": "After" },
            { "field": "tags.team", "image": "x", "manifest": "y" },
        ]);
        assert_eq!(json["items"][0]["drift"], differences, "{command}");
        assert_eq!(json["totals"]["drifted"], 1, "{command}");
    }
}
