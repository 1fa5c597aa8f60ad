//! What `repave status` shows: the table in each width, what changed, and the file as it changes.

use std::io::{self, Read as _};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clap::Parser as _;
use indicatif::{InMemoryTerm, ProgressDrawTarget};
use repave::cli::Cli;
use repave::command::{self, Screen};
use repave::model::image::{DesiredImage, ImageState};
use repave::model::outcome::{ExitCode, Outcome};
use repave::show::live::Lines;
use repave::show::{View, status_changes, status_text};
use repave::state::status::{ListingError, Status};
use repave::sys::clock::Clock;
use repave::sys::escape::to_json;
use repave::sys::files::write_whole;
use repave::sys::stop::Stopper;
use repave::sys::terminal::{Size, Terminal};

use crate::binary::Checkout;
use crate::wire::{Server, error, page};
use crate::world::{World, image, image_in, noon, want};

/// One image in each way to be or not to be ready.
fn team() -> World {
    let mut broken = image_in(ImageState::Error, "wsi-2", "broken");
    broken.errors = vec![("DomainJoined".into(), "joined to \u{1b}[31mcorp".into())];
    let wanted = [
        "accepted", "broken", "building", "held", "lost", "new", "refused", "retried", "there",
    ];
    let world = World::new(wanted.map(|name| DesiredImage {
        suspend: name == "held",
        ..want(name)
    }))
    .with(broken)
    .with(image_in(ImageState::Pending, "wsi-3", "building"))
    .with(image("wsi-1", "there"))
    .look()
    .after("65s")
    .mark("accepted")
    .record("accepted", Ok("wsi-4"))
    .mark("lost")
    .record("lost", Err("timeout"))
    .mark("retried")
    .record("retried", Err("InvalidResourceStateException"))
    .mark("refused")
    .record("refused", Err("ResourceLimitExceededException"))
    .after("5s")
    .look();
    let mut world = world.after("2s");
    world.status.target.account_id = Some("111122223333".into());
    world.status.manifests.revision = Some("main@sha1:2be07bf".into());
    world
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn shown(world: &World, view: View) -> String {
    plain(&status_text(&world.status, world.now, view))
}

#[test]
fn without_a_terminal_no_line_is_wrapped() {
    insta::assert_snapshot!(shown(&team(), View::default()), @r"
    Account 111122223333, Region eu-west-1
    Manifests main@sha1:2be07bf
    NAME      IMAGE     READY    REASON                   AGE    NEXT TRY
    accepted  accepted  False    AwaitingListing          1m12s  -
        waiting for AWS to list the image: accepted as wsi-4, not listed yet; requested 7s ago
    broken    broken    False    BuildFailed              1m12s  -
        action required: wsi-2 is in state ERROR: DomainJoined (joined to \u{1b}[31mcorp). repave does not replace it. Delete the image, or declare another imageName
    building  building  False    Building                 1m12s  -
        waiting for AWS: wsi-3 is PENDING
    held      held      Unknown  Suspended                1m12s  -
        nothing to create: suspended in its manifest
    lost      lost      False    AwaitingListing          1m12s  -
        waiting for AWS to list the image: a create was sent, and its result is unknown (no. The image may have been created: repave checks the image list before it tries again); not listed yet; requested 7s ago
    new       new       False    Missing                  1m12s  -
        due at the next pass: missing; to be created from wsi-gold00000
    refused   refused   False    QuotaExceeded            1m12s  in 53s
        action required: ResourceLimitExceededException: no. Delete images that are no longer used, or ask for a higher quota of WorkSpaces images in Service Quotas
    retried   retried   False    SourceImageNotAvailable  1m12s  in 8s
        waiting for the next try: SourceImageNotAvailable: InvalidResourceStateException: no
    there     there     True     Available                1m12s  -
    ");
}

#[test]
fn the_wide_table_has_ids_and_the_last_error() {
    let view = View {
        wide: true,
        columns: Some(80),
    };
    let text = shown(&team(), view);
    let table: Vec<&str> = text
        .lines()
        .filter(|line| !line.starts_with("  "))
        .collect();
    insta::assert_snapshot!(table.join("\n"), @"
    Account 111122223333, Region eu-west-1
    Manifests main@sha1:2be07bf
    NAME      IMAGE     READY    REASON                   AGE    NEXT TRY  ID     SOURCE         TRIES  LAST ERROR
    accepted  accepted  False    AwaitingListing          1m12s  -         wsi-4  wsi-gold00000  1      -
    broken    broken    False    BuildFailed              1m12s  -         wsi-2  -              0      -
    building  building  False    Building                 1m12s  -         wsi-3  -              0      -
    held      held      Unknown  Suspended                1m12s  -         -      -              0      -
    lost      lost      False    AwaitingListing          1m12s  -         -      wsi-gold00000  1      CreateResultUnknown 7s ago, request r-1
    new       new       False    Missing                  1m12s  -         -      -              0      -
    refused   refused   False    QuotaExceeded            1m12s  in 53s    -      wsi-gold00000  1      ResourceLimitExceededException 7s ago, request r-1
    retried   retried   False    SourceImageNotAvailable  1m12s  in 8s     -      wsi-gold00000  1      InvalidResourceStateException 7s ago, request r-1
    there     there     True     Available                1m12s  -         wsi-1  -              0      -
    ");
}

#[test]
fn the_status_fits_a_terminal_of_80_columns() {
    let long = "engineering-workstation-windows-server-2019-november-2026";
    let world = World::new([want(long), want("a")])
        .look()
        .mark(long)
        .record(long, Err("InvalidResourceStateException"))
        .look();
    let view = View {
        wide: false,
        columns: Some(80),
    };
    let text = shown(&world, view);
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    insta::assert_snapshot!(text, @"
    Account not known yet, Region eu-west-1
    NAME              IMAGE            READY  REASON                   AGE  NEXT TRY
    a                 a                False  Missing                  0s   -
        due at the next pass: missing; to be created from wsi-gold00000
    enginee..er-2026  enginee..r-2026  False  SourceImageNotAvailable  0s   in 15s
        waiting for the next try: SourceImageNotAvailable:
        InvalidResourceStateException: no
    ");
}

#[test]
fn an_overdue_retry_asks_to_check_that_repave_is_running() {
    let world = team().after("16m");
    let text = shown(&world, View::default());
    assert!(
        text.contains("the next try was due 15m 52s ago. Check that repave is running"),
        "{text}"
    );
    for (after, asks) in [("1m", false), ("15m 8s", false), ("15m 9s", true)] {
        let text = shown(&team().after(after), View::default());
        assert_eq!(
            text.contains("Check that repave is running"),
            asks,
            "{text}"
        );
    }
}

#[test]
fn a_failed_listing_is_shown_above_the_table() {
    let mut world = team();
    world.status.manifests.problems = vec!["a.yaml:1:1: \u{202e}no".into()];
    world.status.listing_error = Some(ListingError {
        reason: repave::model::reason::Reason::AccessDenied,
        code: None,
        message: "No credentials.".into(),
        since: noon(),
    });
    let text = shown(&world, View::default());
    let head: Vec<&str> = text
        .lines()
        .take_while(|line| !line.starts_with("NAME"))
        .collect();
    insta::assert_snapshot!(head.join("\n"), @r"
    Account 111122223333, Region eu-west-1
    Manifests main@sha1:2be07bf
    Problem: a.yaml:1:1: \u{202e}no
    Listing the images has failed for 1m 12s (AccessDenied): No credentials. The table shows the last known status.
    ");
}

#[test]
fn a_change_shows_the_images_that_changed() {
    let before = team();
    let after = before
        .clone()
        .after("1m")
        .with(image("wsi-3", "building"))
        .look();
    let changes = |status: &Status| {
        plain(&status_changes(
            &before.status,
            status,
            after.now,
            View::default(),
        ))
    };
    insta::assert_snapshot!(changes(&after.status), @"
    building  building  True     Available        0s     -
    refused   refused   False    Missing          2m12s  due
        due at the next pass: missing; to be created from wsi-gold00000
    retried   retried   False    Missing          2m12s  due
        due at the next pass: missing; to be created from wsi-gold00000
    ");
    assert_eq!(changes(&before.status), "");
}

/// Where a command writes, and a test reads meanwhile.
#[derive(Clone, Default)]
struct Out(Arc<Mutex<Vec<u8>>>);

impl io::Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Out {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Saved without the lock: a process that another test starts meanwhile would hold it until it is on its feet.
fn save(path: &Path, status: &Status) {
    write_whole(path, &to_json(status).unwrap()).unwrap();
}

const SIZE: Size = Size {
    columns: 80,
    rows: 10,
};

/// Watches while the first image becomes ready; what was written, and how it ended.
async fn watch(arguments: &str, terminal: Option<&InMemoryTerm>) -> (String, Outcome) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("status.json");
    let words = [
        "repave",
        "status",
        "--watch",
        "--status-file",
        path.to_str().unwrap(),
    ];
    let cli = Cli::try_parse_from(words.into_iter().chain(arguments.split_whitespace())).unwrap();
    let command = cli.command;
    let (stopper, stop) = Stopper::new();
    let out = Out::default();
    let before = team();
    let clock = Clock::following_runtime(before.now);
    let mut target = out.clone();
    let text = || match terminal {
        Some(terminal) => terminal.contents(),
        None => out.text(),
    };
    let until = async |from: usize, what: &str| {
        while !text().get(from..).is_some_and(|text| text.contains(what)) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let story = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(text(), "", "there is no file");
        save(&path, &before.status);
        until(0, "accepted").await;
        let first = text();
        save(
            &path,
            &before.with(image("wsi-4", "accepted")).look().status,
        );
        // What was written over is gone.
        until(if terminal.is_some() { 0 } else { first.len() }, "True").await;
        stopper.stop();
        first
    };
    let screen = match terminal {
        None => Screen::new(&mut target, command.output(), Terminal::None),
        Some(terminal) => Screen::new(&mut target, command.output(), Terminal::Sized(SIZE))
            .drawing_on(Lines::on(ProgressDrawTarget::term_like(Box::new(
                terminal.clone(),
            )))),
    };
    let run = command::run(&command, screen, None, clock, stop);
    let (outcome, first) = tokio::join!(run, story);
    (terminal.map_or_else(|| out.text(), |_| first), outcome)
}

#[tokio::test(start_paused = true)]
async fn a_watch_in_json_prints_one_document_per_change() {
    let (text, outcome) = watch("-o json --reason awaitinglisting,available", None).await;
    assert!(!text.contains("\"held\""), "{text}");
    let documents = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
    let building =
        documents.map(|document| document.unwrap()["items"][0]["conditions"][0]["status"].clone());
    assert_eq!(building.collect::<Vec<_>>(), ["False", "True"]);
    assert_eq!(outcome.code, ExitCode::Done);
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_a_name_counts_all_images_and_outlives_the_image() {
    let (text, outcome) = watch("-o json accepted", None).await;
    assert_eq!(outcome.code, ExitCode::Done);
    let documents = serde_json::Deserializer::from_str(&text).into_iter::<serde_json::Value>();
    let shown = documents.map(|document| {
        let document = document.unwrap();
        let items = document["items"].as_array().unwrap().iter();
        let names: Vec<&str> = items.map(|item| item["name"].as_str().unwrap()).collect();
        format!("{} {}", names.join(" "), document["totals"]["ready"])
    });
    assert_eq!(shown.collect::<Vec<_>>(), ["accepted 1", "accepted 2"]);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("status.json");
    let file = path.to_str().unwrap();
    let words = ["repave", "status", "-w", "broken", "there", "--status-file"];
    let words = words.into_iter().chain([file]);
    let command = Cli::try_parse_from(words).unwrap().command;
    let (stopper, stop) = Stopper::new();
    let out = Out::default();
    let world = team();
    let clock = Clock::following_runtime(world.now);
    let mut target = out.clone();
    save(&path, &world.status);
    let story = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let mut status = world.status.clone();
        status.images.retain(|image| image.name.as_str() != "there");
        save(&path, &status);
        tokio::time::sleep(Duration::from_secs(5)).await;
        stopper.stop();
    };
    let screen = Screen::new(&mut target, command.output(), Terminal::None);
    let run = command::run(&command, screen, None, clock, stop);
    let (outcome, ()) = tokio::join!(run, story);
    assert_eq!(outcome.code, ExitCode::Done, "{outcome}");
    let text = out.text();
    assert!(text.contains("\nbroken ") && !text.contains("\naccepted "));
    assert!(
        text.ends_with("there was removed from the status\n"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_watched_terminal_is_overwritten() {
    let terminal = InMemoryTerm::new(10, 80);
    let (first, outcome) = watch("", Some(&terminal)).await;
    assert_eq!(outcome.code, ExitCode::Done);
    let last = terminal.contents();
    assert_eq!(last.matches("NAME").count(), 1, "{last}");
    assert_eq!(last.lines().count(), 9, "{last}");
    assert!(last.contains("accepted  accepted  True"), "{last}");
    insta::assert_snapshot!(first, @"
    Account 111122223333, Region eu-west-1
    Manifests main@sha1:2be07bf
    NAME      IMAGE     READY    REASON                   AGE    NEXT TRY
    accepted  accepted  False    AwaitingListing          1m43s  -
        waiting for AWS to list the image: accepted as wsi-4, not listed yet;
        requested 38s ago
    broken    broken    False    BuildFailed              1m43s  -
        action required: wsi-2 is in state ERROR: DomainJoined (joined to
    (20 more lines: a name or --reason shows fewer images)
    ");
}

#[tokio::test]
async fn reasons_filter_and_forms_that_a_command_lacks_are_refused() {
    let checkout = Checkout::of(&["finance", "labs"]);
    let ran = checkout.run("status").await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let server = Server::start(vec![
        page(
            &["wsi-source000 source AVAILABLE", "wsi-1 labs AVAILABLE"],
            None,
        ),
        error(400, "ResourceLimitExceededException"),
    ])
    .await;
    checkout.run_at(&server, "reconcile --once").await;
    // The reason of the last error counts too.
    for (reasons, images) in [
        ("--reason QuotaExceeded", "finance"),
        ("--reason quotaexceeded,building", "finance"),
        ("--reason Available --reason Missing", "labs"),
        ("--reason Suspended", ""),
    ] {
        let ran = checkout.run(&format!("status -o json {reasons}")).await;
        let json = ran.json();
        let shown = json["items"].as_array().unwrap();
        let names: Vec<&str> = shown
            .iter()
            .map(|image| image["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            (names.join(" "), ran.code),
            (images.to_owned(), 0),
            "{reasons}"
        );
    }
    for (arguments, said) in [
        (
            "status --reason QuotaExeeded",
            "did you mean QuotaExceeded?",
        ),
        ("status --reason zzz", "repave explain lists all reasons"),
        ("plan -o wide", "[possible values: text, json]"),
        (
            "validate -o wide",
            "[possible values: text, json, github, sarif]",
        ),
    ] {
        let ran = checkout.run(arguments).await;
        assert!(
            ran.code == 64 && ran.err.contains(said),
            "{arguments}: {ran:?}"
        );
    }
}

#[tokio::test]
async fn a_watch_ends_with_0_by_a_signal_and_by_a_reader_that_is_gone() {
    let checkout = Checkout::of(&["a"]);
    let folder = checkout.path().join(".repave");
    std::fs::create_dir(&folder).unwrap();
    save(&folder.join("status.json"), &team().status);
    let mut child = checkout.command("status --watch").spawn().unwrap();
    let mut first = [0; 8];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    let id = child.id().to_string();
    std::process::Command::new("kill")
        .args(["-s", "INT", &id])
        .status()
        .unwrap();
    let ran = tokio::task::spawn_blocking(move || child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");

    let mut child = checkout.command("status --watch").spawn().unwrap();
    drop(child.stdout.take());
    save(
        &folder.join("status.json"),
        &team().with(image("wsi-3", "building")).look().status,
    );
    let ran = tokio::task::spawn_blocking(move || child.wait_with_output())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
}
