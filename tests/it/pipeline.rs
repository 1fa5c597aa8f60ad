//! What a pipeline does with one run: a plan bound to its checksum, and JSON and Markdown beside stdout.

use crate::binary::{Checkout, Ran, SOURCE, created, manifest};
use crate::wire::{Server, page};

/// A plan of the checkout against an account with these images.
async fn plan(checkout: &Checkout, images: &[&str], arguments: &str) -> Ran {
    let server = Server::start(vec![page(images, None)]).await;
    checkout.run_at(&server, &format!("plan {arguments}")).await
}

fn checksum(ran: &Ran) -> String {
    let line = ran
        .out
        .lines()
        .find_map(|line| line.strip_prefix("Checksum: "));
    line.unwrap().to_owned()
}

fn read(checkout: &Checkout, name: &str) -> String {
    std::fs::read_to_string(checkout.path().join(name)).unwrap()
}

#[tokio::test]
async fn what_was_approved_is_carried_out() {
    let checkout = Checkout::of(&["a", "b"]);
    let planned = plan(&checkout, &[SOURCE], "").await;
    for expected in [
        checksum(&planned),
        checksum(&planned).replace("sha256:", ""),
    ] {
        let server = Server::start(vec![
            page(&[SOURCE], None),
            created("wsi-a"),
            created("wsi-b"),
        ])
        .await;
        let arguments = format!(
            "reconcile --once --status-file s-{} --expect-plan {expected}",
            expected.len()
        );
        let ran = checkout.run_at(&server, &arguments).await;
        assert_eq!((ran.code, server.operations().len()), (0, 3), "{ran:?}");
    }
}

#[tokio::test]
async fn a_name_narrows_what_is_shown_and_not_what_is_decided() {
    let checkout = Checkout::of(&["a", "b", "c"]);
    let images = [SOURCE, "wsi-b00000000 b AVAILABLE", "wsi-c00000000 c ERROR"];
    let flags = "--fail-on blocked --json-into plan.json --markdown-into plan.md";
    let whole = plan(&checkout, &images, flags).await;
    let whole_json: serde_json::Value =
        serde_json::from_str(&read(&checkout, "plan.json")).unwrap();
    let has = |text: &str, name: &str| text.contains(&format!(" {name}  "));
    // The source is the one of all images: none of them has this ID.
    for (names, shown) in [
        ("a", "a"),
        ("b", "b"),
        ("wsi-b00000000 a", "a b"),
        ("wsi-source000", "a b c"),
    ] {
        let ran = plan(&checkout, &images, &format!("{names} {flags}")).await;
        assert_eq!((ran.code, whole.code), (4, 4), "{ran:?}");
        assert_eq!(checksum(&ran), checksum(&whole));
        assert_eq!(ran.last_line(), whole.last_line());
        let json: serde_json::Value = serde_json::from_str(&read(&checkout, "plan.json")).unwrap();
        for field in ["checksum", "totals", "targets", "exitCode", "message"] {
            assert_eq!(json[field], whole_json[field], "{field}");
        }
        let items = json["items"].as_array().unwrap().iter();
        let items: Vec<&str> = items.map(|item| item["name"].as_str().unwrap()).collect();
        assert_eq!(items.join(" "), shown);
        let given: Vec<&str> = names.split(' ').collect();
        assert_eq!(json["names"], serde_json::json!(given));
        let markdown = read(&checkout, "plan.md");
        for name in ["a", "b", "c"] {
            let is_shown = items.contains(&name);
            assert_eq!(has(&ran.out, name), is_shown, "{names}: {}", ran.out);
            let cell = format!("| `{name}` |");
            assert_eq!(markdown.contains(&cell), is_shown, "{names}: {markdown}");
        }
        let count = format!(
            "Shown: {} of 3 images. The totals are of all images.",
            items.len()
        );
        let is_narrowed = items.len() < 3;
        assert_eq!(ran.out.contains(&count), is_narrowed, "{}", ran.out);
        assert_eq!(markdown.contains(&count), is_narrowed, "{markdown}");
        assert!(markdown.contains("**1 to create, 0 building, 0 waiting, 1 blocked, 1 ready**"));
    }
    // A narrowed file is not the plan that was reviewed.
    let server = Server::start(vec![page(&images, None)]).await;
    let ran = checkout
        .run_at(
            &server,
            "reconcile --once --expect-plan plan.json --timeout 1s",
        )
        .await;
    assert!(
        ran.code == 64 && ran.last_line().contains("without NAME"),
        "{ran:?}"
    );
    let ran = plan(&checkout, &images, "a bb --json-into plan.json").await;
    let words = "no image in the plan has the name or ID \"bb\"";
    assert_eq!((ran.code, ran.out.as_str()), (64, ""), "{ran:?}");
    assert!(ran.last_line().contains(words), "{ran:?}");
    assert!(read(&checkout, "plan.json").contains("\"kind\": \"Error\""));
}

#[tokio::test]
async fn the_checksum_covers_creates_and_not_waits() {
    let checkout = Checkout::of(&["a", "b"]);
    let of = async |images: &[&str]| checksum(&plan(&checkout, images, "").await);
    let building = of(&[SOURCE, "wsi-b b PENDING"]).await;
    assert_eq!(building, of(&[SOURCE, "wsi-b b AVAILABLE"]).await);
    assert_ne!(building, of(&[SOURCE]).await);
    checkout.write(
        "manifests/a.yaml",
        &[manifest("a").replace("Desktop", "Desk"), manifest("b")].concat(),
    );
    assert_ne!(building, of(&[SOURCE, "wsi-b b PENDING"]).await);
}

#[tokio::test]
async fn exit_5_when_the_plan_is_not_the_approved_plan() {
    let checkout = Checkout::of(&["a", "b"]);
    let planned = plan(&checkout, &[SOURCE], "--json-into plan.json").await;
    let sum = checksum(&planned);
    checkout.write("manifests/a.yaml", &[manifest("b"), manifest("c")].concat());
    for (expected, says) in [
        (
            sum.as_str(),
            "the plan now creates b from wsi-source000; c from wsi-source000",
        ),
        (
            "plan.json",
            "it no longer creates a from wsi-source000; it now creates c from wsi-source000",
        ),
    ] {
        let server = Server::start(vec![page(&[SOURCE], None)]).await;
        let ran = checkout
            .run_at(
                &server,
                &format!("reconcile --once --expect-plan {expected}"),
            )
            .await;
        assert_eq!((ran.code, server.operations().len()), (5, 1), "{ran:?}");
        assert!(ran.last_line().contains(says), "{}", ran.err);
        assert!(ran.last_line().contains(&sum), "{}", ran.err);
    }
}

#[tokio::test]
async fn what_an_earlier_run_left_of_the_plan_is_carried_out_by_its_file() {
    let checkout = Checkout::of(&["a", "b"]);
    plan(&checkout, &[SOURCE], "--json-into plan.json").await;
    for (images, answers, code) in [
        // One is made, and then both.
        (&[SOURCE, "wsi-a a PENDING"][..], 1, 0),
        (&[SOURCE, "wsi-a a AVAILABLE", "wsi-b b PENDING"], 0, 0),
        // The one that is missing from the plan needs a person: that is another plan.
        (&[SOURCE, "wsi-a a ERROR"], 0, 5),
    ] {
        let mut pages = vec![page(images, None)];
        pages.extend((0..answers).map(|_| created("wsi-b")));
        let server = Server::start(pages).await;
        let status = format!("--status-file s{answers}{code}");
        let ran = checkout
            .run_at(
                &server,
                &format!("reconcile --once --expect-plan plan.json {status}"),
            )
            .await;
        assert_eq!(
            (ran.code, server.operations().len()),
            (code, 1 + answers),
            "{ran:?}"
        );
    }
    // The one that was made is declared otherwise by now: nobody has approved that.
    checkout.write(
        "manifests/a.yaml",
        &[manifest("a").replace("Desktop", "Desk"), manifest("b")].concat(),
    );
    let server = Server::start(vec![page(&[SOURCE, "wsi-a a PENDING"], None)]).await;
    let ran = checkout
        .run_at(&server, "reconcile --once --expect-plan plan.json")
        .await;
    assert_eq!((ran.code, server.operations().len()), (5, 1), "{ran:?}");
}

#[tokio::test]
async fn exit_64_for_an_invalid_expected_plan() {
    let checkout = Checkout::of(&["a"]);
    checkout.write("other.json", r#"{"kind":"Validation"}"#);
    for (expected, says) in [
        ("sha256:12", "64 hexadecimal digits"),
        ("0123456789abcdef0123456789abcdef", "64 hexadecimal digits"),
        ("missing.json", "missing.json"),
        ("other.json", "no checksum of a plan"),
        ("manifests/a.yaml", "not the JSON of a plan"),
    ] {
        let server = Server::start(vec![]).await;
        let ran = checkout
            .run_at(
                &server,
                &format!("reconcile --once --expect-plan {expected}"),
            )
            .await;
        assert_eq!((ran.code, server.operations().len()), (64, 0), "{ran:?}");
        assert!(ran.err.contains(says), "{expected}: {}", ran.err);
    }
}

#[tokio::test]
async fn one_run_writes_every_form() {
    let checkout = Checkout::of(&["a", "b"]);
    checkout.write("summary.md", "# before\n");
    let server = Server::start(vec![page(&[SOURCE, "wsi-b b ERROR"], None)]).await;
    let arguments = format!(
        "plan -o text --json-into plan.json --markdown-into plan.md --step-summary --endpoint-url {} --api-rate 1000",
        server.url
    );
    let mut command = checkout.command(&arguments);
    command.env("GITHUB_STEP_SUMMARY", "summary.md");
    let output = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let out = String::from_utf8(output.stdout).unwrap();
    let sum = out.lines().last().unwrap().replace("Checksum: ", "");
    insta::assert_snapshot!(out.replace(&sum, "sha256:<digits>"), @"
    Account 111122223333, Region eu-west-1, credentials from the environment (AWS_ACCESS_KEY_ID)
      + a  create a from source (wsi-source000)
      ! b  BuildFailed: wsi-b is in state ERROR. repave does not replace it. Delete the image, or declare another imageName
    (+ to create, ! blocked: action required)
    Plan: 1 to create, 0 building, 0 waiting, 1 blocked, 0 ready.
    Images in the account: 2, and 3 after this plan. The default quota is 40.
    Checksum: sha256:<digits>
    ");
    let json: serde_json::Value = serde_json::from_str(&read(&checkout, "plan.json")).unwrap();
    assert_eq!(
        (&json["kind"], &json["checksum"]),
        (&"Plan".into(), &sum.clone().into())
    );
    let markdown = read(&checkout, "plan.md");
    assert_eq!(
        read(&checkout, "summary.md"),
        format!("# before\n{markdown}")
    );
    insta::assert_snapshot!(markdown.replace(&sum, "sha256:<digits>"), @"
    ### repave plan

    **1 to create, 0 building, 0 waiting, 1 blocked, 0 ready**

    `Account 111122223333, Region eu-west-1, credentials from the environment (AWS_ACCESS_KEY_ID)`

    Checksum `sha256:<digits>`

    <details open><summary>1 blocked: action required</summary>

    | Manifest | Image | Why | File |
    |---|---|---|---|
    | `b` | `b` | BuildFailed `wsi-b is in state ERROR. repave does not replace it. Delete the image, or declare another imageName` | `manifests/a.yaml#2` |

    </details>

    <details open><summary>1 to create</summary>

    | Manifest | Image | Source | File |
    |---|---|---|---|
    | `a` | `a` | `wsi-source000` | `manifests/a.yaml#1` |

    </details>
    ");
}

#[tokio::test]
async fn what_was_asked_for_is_written_when_the_command_fails_too() {
    let checkout = Checkout::new("kind: UpdatedImage\n");
    let into = "--json-into out.json --markdown-into out.md";
    for (arguments, code, kind) in [
        (format!("plan {into}"), 65, "Validation"),
        (
            format!("reconcile --once {into} --allow-empty --manifests empty"),
            3,
            "Reconciliation",
        ),
    ] {
        std::fs::create_dir_all(checkout.path().join("empty")).unwrap();
        let server = Server::start(vec![crate::wire::error(400, "AccessDeniedException")]).await;
        let ran = checkout.run_at(&server, &arguments).await;
        assert_eq!(ran.code, code, "{ran:?}");
        let json: serde_json::Value = serde_json::from_str(&read(&checkout, "out.json")).unwrap();
        assert_eq!(
            (&json["kind"], &json["exitCode"]),
            (&kind.into(), &code.into())
        );
        assert!(
            read(&checkout, "out.md").starts_with("### repave"),
            "{}",
            read(&checkout, "out.md")
        );
    }
}

#[tokio::test]
async fn an_unwritable_output_file_is_reported_before_the_first_call() {
    let checkout = Checkout::of(&["a"]);
    for into in [
        "--json-into manifests",
        "--markdown-into none/plan.md",
        "--step-summary",
    ] {
        let server = Server::start(vec![]).await;
        let ran = checkout
            .run_at(&server, &format!("reconcile --once {into}"))
            .await;
        assert_eq!((ran.code, server.operations().len()), (64, 0), "{ran:?}");
        assert!(
            ran.last_line().contains("--json-into")
                || ran.last_line().contains("--markdown-into")
                || ran.last_line().contains("GITHUB_STEP_SUMMARY"),
            "{ran:?}"
        );
    }
}

#[tokio::test]
async fn the_remaining_plan_is_shown_after_the_attempts() {
    let checkout = Checkout::of(&["a", "b"]);
    let server = Server::start(vec![
        page(&[SOURCE], None),
        created("wsi-a"),
        created("wsi-b"),
    ])
    .await;
    let ran = checkout.run_at(&server, "reconcile --once").await;
    let (before, after) = ran.out.split_once("2 creates accepted:\n").unwrap();
    assert!(before.contains("Plan: 2 to create"), "{before}");
    for image in ["wsi-a", "wsi-b"] {
        assert!(after.contains(image), "{after}");
    }
    assert!(after.contains("Nothing to create: 2 building"), "{after}");
}
