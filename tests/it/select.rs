//! NAME and PATH on the binary: what is shown, and what stays about all images.

use crate::binary::{Checkout, SOURCE, created, manifest};
use crate::wire::{Server, page};
use serde_json::Value;

fn names(json: &Value) -> String {
    let items = json["items"].as_array().unwrap();
    let names = items.iter().map(|item| item["name"].as_str().unwrap());
    names.collect::<Vec<_>>().join(" ")
}

/// A checkout whose images are finance (ready), labs (created now) and sales (made from labs), after one pass.
async fn after_a_pass() -> Checkout {
    let sales = manifest("sales").replace("imageId: wsi-source000", "imageName: Labs_1");
    let labs = manifest("labs").replace("source:", "imageName: Labs_1, source:");
    let checkout = Checkout::new(&[manifest("finance"), labs, sales].concat());
    let server = Server::start(vec![
        page(&[SOURCE, "wsi-finance00 finance AVAILABLE"], None),
        created("wsi-labs00000"),
    ])
    .await;
    let arguments = "reconcile --once --timeout 1s";
    let ran = checkout.run_at(&server, arguments).await;
    assert_eq!(ran.code, 9, "{ran:?}");
    checkout
}

#[tokio::test]
async fn status_shows_the_named_images_and_counts_all() {
    let checkout = after_a_pass().await;
    for (arguments, shown) in [
        ("finance", "finance"),
        ("Labs_1", "labs"),
        ("wsi-finance00 labs finance", "finance labs"),
        // The source of an image that was created.
        ("wsi-source000", "labs"),
        ("", "finance labs sales"),
        // Both must apply.
        ("finance labs --reason available", "finance"),
        ("sales --reason available", ""),
    ] {
        let ran = checkout.run(&format!("status {arguments} -o json")).await;
        let json = ran.json();
        assert_eq!((ran.code, names(&json).as_str()), (0, shown), "{arguments}");
        let totals = &json["totals"];
        assert_eq!(
            (&totals["ready"], &totals["building"], &totals["waiting"]),
            (&1.into(), &1.into(), &1.into()),
            "{arguments}: {totals}"
        );
        assert_eq!(&json["targets"][0]["totals"], totals, "{arguments}");
    }
    let ran = checkout.run("status labs finance").await;
    assert!(ran.out.contains("\nfinance ") && !ran.out.contains("\nsales "));
    let last = "repave: 2 of 3 images in .repave/status.json, 1 not ready";
    assert!(ran.last_line().starts_with(last), "{ran:?}");
    for (arguments, words) in [
        (
            "status finanse",
            "no image in .repave/status.json has the name or ID \"finanse\"; did you mean finance?",
        ),
        (
            "status finance zzz",
            "\"zzz\"; without NAME, the command shows all images",
        ),
        ("status --watch zzz", "has the name or ID \"zzz\""),
    ] {
        let ran = checkout.run(arguments).await;
        assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{ran:?}");
        assert!(ran.last_line().contains(words), "{ran:?}");
    }
    let json = checkout.run("status zzz -o json").await.json();
    assert_eq!(json["kind"], "Error");
}

#[tokio::test]
async fn explain_finds_an_image_by_each_of_its_names_and_every_image_of_a_name() {
    let checkout = after_a_pass().await;
    let explained = async |word: &str| {
        let ran = checkout.run(&format!("explain {word} -o json")).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let json = ran.json();
        let images = json["images"].as_array().unwrap().iter();
        let images = images.map(|image| image["name"].as_str().unwrap().to_owned());
        let manifests = json["manifests"].as_array().unwrap().iter();
        let manifests = manifests.map(|place| place.as_str().unwrap().to_owned());
        images.chain(manifests).collect::<Vec<_>>().join(" ")
    };
    for (word, found) in [
        ("labs", "labs"),
        ("Labs_1", "labs"),
        ("wsi-labs00000", "labs"),
        ("wsi-source000", "labs"),
        // Its manifest and its image have this name.
        ("finance", "finance"),
    ] {
        assert_eq!(explained(word).await, found, "{word}");
    }
    let ran = checkout.run("explain finance").await;
    assert!(
        ran.out.starts_with("image finance, declared as finance in"),
        "{ran:?}"
    );
    let ran = checkout.run("explain wsi-source000").await;
    let first = "wsi-source000 is the ID of the source of an image.\n\nimage Labs_1, ";
    assert!(ran.out.starts_with(first), "{ran:?}");
    // A name that two images have, and a name that is also a reason.
    let image = manifest("throttled").replace("source:", "imageName: labs, source:");
    checkout.write("manifests/b.yaml", &image);
    let server = Server::start(vec![page(&[SOURCE, "wsi-labs00001 labs AVAILABLE"], None)]).await;
    // Before the next pass, the manifests have the image.
    assert_eq!(explained("throttled").await, "manifests/b.yaml#1");
    checkout
        .run_at(&server, "reconcile --once --timeout 1s")
        .await;
    assert_eq!(explained("labs").await, "labs throttled");
    let ran = checkout.run("explain labs").await;
    assert!(ran.out.starts_with("labs is the name of 2 images.\n\n"));
    let ran = checkout.run("explain throttled").await;
    let first = "throttled is the name of an image, and a topic.\n\nimage labs, ";
    assert!(ran.out.starts_with(first), "{ran:?}");
    assert!(ran.out.contains("\nreason Throttled\n"), "{ran:?}");
    let ran = checkout.run("explain wsi-labs0000").await;
    assert!(
        ran.code == 64 && ran.last_line().contains("did you mean wsi-labs00000"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn an_image_whose_source_is_only_declared_is_explained_from_the_status() {
    let checkout = Checkout::of(&["finance"]);
    let server = Server::start(vec![page(&["wsi-other0000 other AVAILABLE"], None)]).await;
    let ran = checkout.run_at(&server, "reconcile --once").await;
    assert_eq!(ran.code, 4, "{ran:?}");
    let ran = checkout.run("explain wsi-source000").await;
    let first = "wsi-source000 is the ID of the source of an image.\n\nimage finance, declared";
    assert!(
        ran.out.starts_with(first) && !ran.out.contains("no pass has"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn validate_checks_paths_below_the_folder_and_elsewhere() {
    let checkout = Checkout::of(&["finance"]);
    checkout.write("manifests/b.yaml", "kind: Other\n");
    checkout.write("new.yaml", &manifest("finance"));
    let ran = checkout.run("validate manifests/a.yaml").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let words = "1 manifest in 1 file valid; not shown: 2 problems in other files of manifests";
    assert_eq!(ran.last_line(), format!("repave: {words}"));
    assert_eq!(ran.out, format!("{words}.\n"));
    for (arguments, code, counts) in [
        ("manifests/a.yaml", 0, [1, 1, 0, 2]),
        ("manifests/b.yaml", 65, [1, -1, 2, 0]),
        ("manifests/a.yaml manifests/b.yaml", 65, [2, -1, 2, 0]),
        ("manifests", 65, [2, -1, 2, 0]),
        ("", 65, [2, -1, 2, 0]),
        ("new.yaml", 0, [1, 1, 0, 0]),
        // Both are below this folder and declare finance: one conflict, which concerns both.
        ("new.yaml manifests/a.yaml --manifests .", 65, [2, -1, 1, 2]),
        ("manifests/a.yaml --manifests none", 0, [1, 1, 0, 0]),
    ] {
        let ran = checkout.run(&format!("validate {arguments} -o json")).await;
        let json = ran.json();
        let problems = json["problems"].as_array().unwrap().len();
        let count = |field: &str| json[field].as_i64().unwrap_or(-1);
        let found = [
            count("files"),
            count("manifests"),
            i64::try_from(problems).unwrap(),
            count("otherProblems"),
        ];
        assert_eq!((ran.code, found), (code, counts), "{arguments}: {json}");
    }
    for (arguments, words) in [
        ("validate none.yaml", "cannot find none.yaml"),
        (
            "validate new.yaml manifests/a.yaml",
            "Validate them with two commands",
        ),
    ] {
        let ran = checkout.run(arguments).await;
        assert!(ran.code == 64 && ran.last_line().contains(words), "{ran:?}");
    }
}
