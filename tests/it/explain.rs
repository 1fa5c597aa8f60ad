//! What `repave explain` knows: nothing that repave or the service shows lacks a text, and each text is one of its own.

use std::collections::BTreeSet;

use aws_sdk_workspaces::types::WorkspaceImageErrorDetailCode;
use repave::cloud;
use repave::model::outcome::ExitCode;
use repave::model::reason::Reason;
use repave::show;
use repave::show::explain::{self, Group};

use crate::binary::Checkout;
use crate::wire::{Server, error, page};
use crate::world::{World, want};

fn names(group: Group) -> BTreeSet<String> {
    let topics = explain::topics().into_iter();
    topics
        .filter(|topic| topic.kind == group)
        .map(|topic| topic.name)
        .collect()
}

fn set<T: ToString>(names: impl IntoIterator<Item = T>) -> BTreeSet<String> {
    names.into_iter().map(|name| name.to_string()).collect()
}

#[test]
fn every_reason_and_every_code_has_its_text() {
    assert_eq!(names(Group::Reason), set(Reason::ALL));
    assert_eq!(
        names(Group::ExitCode),
        set(ExitCode::ALL.map(ExitCode::number))
    );
    let details = WorkspaceImageErrorDetailCode::values();
    assert_eq!(
        (details.len(), names(Group::ImageErrorCode)),
        (48, set(details))
    );
    let codes = names(Group::ErrorCode);
    assert_eq!(codes, set(cloud::known_codes()));
    // What the model gives CreateUpdatedWorkspaceImage; the SDK has no list of it that a program could read.
    for code in [
        "AccessDeniedException",
        "InvalidParameterValuesException",
        "InvalidResourceStateException",
        "OperationNotSupportedException",
        "ResourceAlreadyExistsException",
        "ResourceLimitExceededException",
        "ResourceNotFoundException",
    ] {
        assert!(codes.contains(code), "{code}");
    }
}

#[test]
fn no_topic_stands_twice_and_no_text_is_missing_or_pointless() {
    let topics = explain::topics();
    let mut seen = BTreeSet::new();
    for topic in &topics {
        assert!(
            seen.insert((topic.kind, &topic.name)),
            "{topic:?} is there twice"
        );
        for text in [&topic.means, &topic.clears] {
            assert!(text.is_ascii() && text.ends_with('.'), "{topic:?}");
        }
        assert_ne!(topic.means, topic.clears, "{topic:?}");
        assert!(
            topic.look_for.is_ascii() && !topic.look_for.ends_with('.'),
            "{topic:?}"
        );
        let is_ours = matches!(topic.kind, Group::ExitCode)
            || topic.name == "Suspended"
            || topic.name == "RetryScheduled";
        assert_eq!(topic.look_for.is_empty(), is_ours, "{topic:?}");
    }
    // Only codes that mean the same may share a text.
    let details: Vec<_> = topics
        .iter()
        .filter(|topic| topic.kind != Group::ErrorCode)
        .collect();
    let texts: BTreeSet<_> = details.iter().map(|topic| &topic.means).collect();
    assert_eq!(texts.len(), details.len());
}

/// What one topic says of another is there to be found.
#[test]
fn every_word_that_a_text_names_is_one() {
    let known: BTreeSet<String> = explain::topics()
        .into_iter()
        .flat_map(|topic| std::iter::once(topic.name).chain(topic.alias))
        .collect();
    for topic in explain::topics() {
        if let Some((_, rest)) = topic.means.split_once(" Reason ") {
            let named: String = rest
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            assert!(names(Group::Reason).contains(&named), "{topic:?}");
        }
        for term in topic
            .look_for
            .split("; ")
            .filter(|term| term.ends_with("Exception"))
        {
            assert!(known.contains(term), "{term} in {topic:?}");
        }
    }
}

#[test]
fn a_word_is_found_in_any_case_and_under_all_of_its_meanings() {
    let found = |word: &str| {
        let found = explain::find(word);
        let found: Vec<String> = found
            .iter()
            .map(|topic| format!("{} {}", topic.kind, topic.name))
            .collect();
        found.join(", ")
    };
    assert_eq!(found("quotaexceeded"), "reason QuotaExceeded");
    assert_eq!(
        found("accessdenied"),
        "reason AccessDenied, error code AccessDenied, exit code 3"
    );
    assert_eq!(found("64"), "exit code 64");
    assert_eq!(found("DomainJoin"), "");
    assert_eq!(explain::like("DomainJoin", &[]), ["DomainJoined"]);
    assert_eq!(explain::like("finanse", &["finance", "labs"]), ["finance"]);
}

#[test]
fn a_text_fits_its_terminal_and_is_the_same_without_one() {
    let topics = explain::find("UpdateNotSupported");
    insta::assert_snapshot!(show::explained_text(&topics, None), @"
    reason UpdateNotSupported

      What it means
        The service does not update this kind of image. AWS documents updates for
        Windows 10, Windows Server 2016 and Windows Server 2019. A listing shows
        only whether an image is Windows or Linux. repave refuses a Linux image
        without a call. For a Windows image, the service decides.

      How to fix it
        Name another source in the manifest. repave repeats a refused call once an
        hour, or as soon as the manifest changes.

      What to search for at AWS
        CreateUpdatedWorkspaceImage
        Update a custom WorkSpaces image and bundle
        OperationNotSupportedException
    ");
    let narrow = show::explained_text(&topics, Some(40));
    assert!(
        narrow
            .lines()
            .all(|line| line.len() <= 40 || !line.trim().contains(' ')),
        "{narrow}"
    );
    assert_eq!(
        show::explained_text(&topics, Some(200)),
        show::explained_text(&topics, None)
    );
}

#[test]
fn codes_in_a_message_are_found_as_words() {
    let found = explain::image_errors_in(
        "wsi-0 is in state ERROR: DomainJoined (corp); PendingRebootX (no)",
    );
    let found: Vec<_> = found.iter().map(|topic| topic.name.as_str()).collect();
    assert_eq!(found, ["DomainJoined"]);
}

/// What stands on the page is in a topic: a label that is misspelled would be lost.
#[test]
fn every_paragraph_of_the_page_is_in_a_text() {
    let page = include_str!("../../docs/reasons.md");
    let (_, page) = page.split_once("\n## ").unwrap();
    let texts: BTreeSet<String> = explain::topics()
        .into_iter()
        .flat_map(|topic| [topic.means, topic.clears, topic.look_for])
        .collect();
    let mut sections = page.split("\n### ");
    sections.next();
    for section in sections {
        let (heading, text) = section.split_once('\n').unwrap();
        // The next group's heading and note.
        let text = text.split("\n## ").next().unwrap();
        for paragraph in text.trim().split("\n\n") {
            let plain = paragraph.replace('`', "");
            let text = plain
                .split_once(":** ")
                .map_or(plain.as_str(), |(_, text)| text);
            assert!(texts.contains(text), "{heading}: {paragraph}");
        }
    }
}

#[test]
fn an_image_is_explained_by_what_the_status_remembers_of_it() {
    let world = World::new([want("a")])
        .look()
        .after("1m")
        .mark("a")
        .record("a", Err("InvalidResourceStateException"))
        .look()
        .after("5s");
    let text = show::image_text(&world.status.images[0], world.now, Some(80));
    insta::assert_snapshot!(text, @r"
    image a, declared as a in manifests/a.yaml#1

      Status
        not ready, RetryScheduled, since 2026-11-22T12:00:00Z (1m 5s ago)

      Why
        waiting for the next try: SourceImageNotAvailable:
        InvalidResourceStateException: no

      Next try
        2026-11-22T12:01:15Z, in 10s

      Last error
        SourceImageNotAvailable, InvalidResourceStateException at
        2026-11-22T12:01:00Z (5s ago), request r-1
        InvalidResourceStateException: no

      History
        2026-11-22T12:00:00Z  Ready became False
        2026-11-22T12:00:00Z  Reconciling became True
        2026-11-22T12:01:00Z  create failed: SourceImageNotAvailable
    ");
}

#[tokio::test]
async fn the_command_explains_images_words_and_near_misses() {
    let checkout = Checkout::of(&["finance", "labs"]);
    // Declared, and no pass has run.
    let ran = checkout.run("explain finance").await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("declared in manifests/a.yaml#1")
            && ran.out.contains("no pass has checked"),
        "{ran:?}"
    );
    for (word, said) in [
        (
            "finanse",
            "no topic or image has the name or ID \"finanse\"; did you mean finance?",
        ),
        ("Bulding", "did you mean Building?"),
        ("zzz", "repave explain lists all topics"),
    ] {
        let ran = checkout.run(&format!("explain {word} -o json")).await;
        assert_eq!(
            (ran.code, ran.json()["kind"].as_str()),
            (64, Some("Error")),
            "{ran:?}"
        );
        assert!(ran.last_line().contains(said), "{ran:?}");
    }
    // A pass, whose image is explained with its reasons and codes.
    let server = Server::start(vec![
        page(
            &["wsi-source000 source AVAILABLE", "wsi-1 labs AVAILABLE"],
            None,
        ),
        error(400, "ResourceLimitExceededException"),
    ])
    .await;
    let ran = checkout.run_at(&server, "reconcile --once").await;
    assert_eq!(ran.code, 4, "{ran:?}");
    let ran = checkout.run("explain finance -o json").await;
    let json = ran.json();
    let topics: Vec<&str> = json["topics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|topic| topic["name"].as_str().unwrap())
        .collect();
    assert_eq!(topics, ["QuotaExceeded", "ResourceLimitExceededException"]);
    assert_eq!(
        json["images"][0]["lastError"]["code"],
        "ResourceLimitExceededException"
    );
    // Words need no manifests and no status.
    checkout.write("manifests/a.yaml", "no: [");
    let ran = checkout.run("explain SlowDown").await;
    assert_eq!(
        (ran.code, ran.out.starts_with("error code SlowDown\n")),
        (0, true),
        "{ran:?}"
    );
    let ran = checkout.run("explain nothing-such").await;
    assert!(
        ran.code == 64 && ran.err.contains("were not searched"),
        "{ran:?}"
    );
}
