//! Every row of the plan's table, and the order of the rows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use repave::model::image::{
    CreateWhen, DesiredImage, ImageState, Observed, ObservedImage, OperatingSystem, Source,
};
use repave::model::subject::{Kind, Subject};
use repave::model::value::{ImageId, ImageName, ManifestName};
use repave::plan::Totals;
use repave::sys::clock::Now;

use repave::model::reason::Reason;
use repave::plan::{Answer, Wait, checksum, checksum_before, plan};

use crate::world::{GOLD, SETTLE, World, create, image, image_in, noon, want, want_from};

const BUSY: &str = "InvalidResourceStateException";

fn check(rows: Vec<(&str, World, &str)>) {
    for (row, world, answer) in rows {
        assert_eq!(world.answer(), answer, "row {row}");
    }
}

fn suspended() -> DesiredImage {
    DesiredImage {
        suspend: true,
        ..want("a")
    }
}

fn when_update() -> DesiredImage {
    DesiredImage {
        create_when: CreateWhen::UpdateAvailable,
        ..want("a")
    }
}

fn pending(id: &str, name: &str) -> ObservedImage {
    image_in(ImageState::Pending, id, name)
}

fn a() -> World {
    World::new([want("a")])
}

fn two() -> World {
    World::new([want("a"), want("b")])
}

/// The same image, listed without the time at which it was created.
fn undated(image: ObservedImage) -> ObservedImage {
    ObservedImage {
        created: None,
        ..image
    }
}

#[test]
fn each_row_has_its_answer() {
    let linux = ObservedImage {
        operating_system: OperatingSystem::Linux,
        ..image(GOLD, "gold")
    };
    let no_update = ObservedImage {
        update_available: Some(false),
        ..image(GOLD, "gold")
    };
    let silent = ObservedImage {
        update_available: None,
        ..image(GOLD, "gold")
    };
    let by_name = || World::new([want_from("a", "gold")]);
    let accepted = || a().look().mark("a").record("a", Ok("wsi-000000001"));
    let unknown = || a().look().mark("a").record("a", Err("timeout"));
    let seen = || {
        a().with(image("wsi-000000001", "a"))
            .look()
            .without("wsi-000000001")
    };
    let refused = |code| a().look().mark("a").record("a", Err(code));
    check(vec![
        ("1 suspended", World::new([suspended()]), "Suspended Change"),
        (
            "2 two of one name",
            a().with(image("wsi-1", "a")).with(image("wsi-2", "a")),
            "NameConflict !",
        ),
        ("3 available", a().with(image("wsi-1", "a")), "Ready wsi-1"),
        (
            "4 pending",
            a().with(pending("wsi-1", "a")),
            "Building Build",
        ),
        (
            "4 pending 4 h",
            a().with(pending("wsi-1", "a")).after("3h"),
            "Building Build",
        ),
        (
            "4 overdue",
            a().with(pending("wsi-1", "a")).after("3h 1s"),
            "BuildOverdue !",
        ),
        (
            "5 error",
            a().with(image_in(ImageState::Error, "wsi-1", "a")),
            "BuildFailed !",
        ),
        (
            "6 unknown state",
            a().with(image_in(
                ImageState::Unknown("COPYING".into()),
                "wsi-1",
                "a",
            )),
            "UnknownImageState Build",
        ),
        (
            "7 accepted, not listed",
            accepted(),
            "AwaitingListing Build",
        ),
        (
            "7 marked, then a crash",
            a().look().mark("a"),
            "AwaitingListing Time",
        ),
        ("7 unknown result", unknown(), "AwaitingListing Time"),
        (
            "7 window not over",
            unknown().look().after("9m 59s"),
            "AwaitingListing Time",
        ),
        (
            "7 window over",
            unknown().look().after("10m"),
            &format!("Create from {GOLD}"),
        ),
        (
            "7 accepted, window over",
            accepted().look().after("10m"),
            &format!("Create from {GOLD}"),
        ),
        ("7 was listed, is missing", seen(), "AwaitingListing Time"),
        (
            "7 gone for good",
            seen().look().after("10m"),
            &format!("Create from {GOLD}"),
        ),
        (
            "7 missing long, but one look only",
            seen().after("3h"),
            "AwaitingListing Time",
        ),
        (
            "7 marked long ago, but one look only",
            a().look().mark("a").after("3h"),
            "AwaitingListing Time",
        ),
        (
            "8 throttled",
            refused("ThrottlingException"),
            "RetryScheduled Time",
        ),
        (
            "8 throttled, due",
            refused("ThrottlingException").after("5s"),
            &format!("Create from {GOLD}"),
        ),
        (
            "8 source busy",
            refused(BUSY).after("14s"),
            "RetryScheduled Time",
        ),
        (
            "8 source busy, due",
            refused(BUSY).after("15s"),
            &format!("Create from {GOLD}"),
        ),
        (
            "8 quota",
            refused("ResourceLimitExceededException"),
            "QuotaExceeded !",
        ),
        (
            "8 rejected",
            refused("ValidationException").after("59m 59s"),
            "InvalidSpec !",
        ),
        (
            "8 rejected, due",
            refused("ValidationException").after("1h"),
            &format!("Create from {GOLD}"),
        ),
        ("9 no source", a().without(GOLD), "SourceImageNotFound !"),
        (
            "9 no source of the name",
            by_name().without(GOLD),
            "SourceImageNotFound !",
        ),
        (
            "10 source pending",
            a().with(pending(GOLD, "gold")),
            "SourceImageNotAvailable Time",
        ),
        (
            "10 source in an unknown state",
            a().with(image_in(ImageState::Unknown(String::new()), GOLD, "gold")),
            "SourceImageNotAvailable Time",
        ),
        (
            "11 source failed",
            a().with(image_in(ImageState::Error, GOLD, "gold")),
            "SourceImageFailed !",
        ),
        (
            "11 two sources",
            by_name().with(image("wsi-2", "gold")),
            "SourceImageAmbiguous !",
        ),
        ("12 Linux", a().with(linux), "UpdateNotSupported !"),
        (
            "13 no update",
            World::new([when_update()]).with(no_update),
            "NoUpdateAvailable Change",
        ),
        (
            "13 not said",
            World::new([when_update()]).with(silent),
            "NoUpdateAvailable Change",
        ),
        (
            "13 an update",
            World::new([when_update()]),
            &format!("Create from {GOLD}"),
        ),
        ("14 create", a(), &format!("Create from {GOLD}")),
        ("14 by name", by_name(), &format!("Create from {GOLD}")),
    ]);
}

#[test]
fn what_happened_before_decides_with_what_is_listed() {
    let accepted = || a().look().mark("a").record("a", Ok("wsi-000000001"));
    let unknown = || a().look().mark("a").record("a", Err("timeout"));
    let refused = |code| a().look().mark("a").record("a", Err(code));
    let gone = || {
        let seen = a().with(image("wsi-000000001", "a")).look();
        seen.without("wsi-000000001").look().after("10m").look()
    };
    let pending_undated = || undated(pending("wsi-000000001", "a"));
    check(vec![
        (
            "4 asked for 4 h ago, no creation time",
            accepted().with(pending_undated()).after("4h"),
            "Building Build",
        ),
        (
            "4 overdue since it was asked for",
            accepted().with(pending_undated()).after("4h 1s"),
            "BuildOverdue !",
        ),
        (
            "4 asked for 4 h ago, seen later",
            accepted()
                .after("2h")
                .with(pending_undated())
                .look()
                .after("2h 1s"),
            "BuildOverdue !",
        ),
        (
            "4 first seen 4 h ago, no creation time",
            a().with(pending_undated())
                .look()
                .after("2h")
                .look()
                .after("2h"),
            "Building Build",
        ),
        (
            "4 overdue since it was first seen",
            a().with(pending_undated())
                .look()
                .after("2h")
                .look()
                .after("2h 1s"),
            "BuildOverdue !",
        ),
        (
            "4 the service's time counts before repave's own",
            accepted()
                .with(pending("wsi-000000001", "a"))
                .after("3h 1s"),
            "BuildOverdue !",
        ),
        (
            "7 accepted, listed, and missing",
            accepted()
                .with(image("wsi-000000001", "a"))
                .look()
                .without("wsi-000000001"),
            "AwaitingListing Time",
        ),
        (
            "7 gone, asked for again, unknown result",
            gone().mark("a").record("a", Err("timeout")),
            "AwaitingListing Time",
        ),
        (
            "7 gone, asked for again, then a crash",
            gone().mark("a").after("9m 59s"),
            "AwaitingListing Time",
        ),
        (
            "7 gone, asked for again, window not over",
            gone()
                .mark("a")
                .record("a", Err("timeout"))
                .look()
                .after("9m 59s"),
            "AwaitingListing Time",
        ),
        (
            "7 gone, asked for again, accepted",
            gone().mark("a").record("a", Ok("wsi-000000002")),
            "AwaitingListing Build",
        ),
        (
            "7 clock set back, window not over",
            unknown().look().before("1s").look().after("9m 59s"),
            "AwaitingListing Time",
        ),
        (
            "7 clock set back, window over",
            unknown().look().before("1s").look().after("10m"),
            &format!("Create from {GOLD}"),
        ),
        (
            "8 quota, not due",
            refused("ResourceLimitExceededException").after("59s"),
            "QuotaExceeded !",
        ),
        (
            "8 quota, due",
            refused("ResourceLimitExceededException").after("1m"),
            &format!("Create from {GOLD}"),
        ),
        (
            "8 gone, asked for again, refused",
            gone().mark("a").record("a", Err(BUSY)).after("14s"),
            "RetryScheduled Time",
        ),
        (
            "8 the last of two failures decides",
            refused(BUSY)
                .mark("a")
                .record("a", Err("ThrottlingException"))
                .after("5s"),
            &format!("Create from {GOLD}"),
        ),
        (
            "8 clock set back a little",
            refused("ValidationException").before("5m"),
            "InvalidSpec !",
        ),
        (
            "8 clock set back more than that",
            refused("ValidationException").before("5m 1s"),
            &format!("Create from {GOLD}"),
        ),
    ]);
}

/// A world in which the rows from `row` on all match: whichever stands first answers.
fn from_row(row: usize) -> World {
    let linux_without_update = ObservedImage {
        operating_system: OperatingSystem::Linux,
        update_available: Some(false),
        ..image(GOLD, "gold")
    };
    let manifest = if row <= 1 {
        DesiredImage {
            suspend: true,
            ..when_update()
        }
    } else {
        when_update()
    };
    let mut world = World::new([manifest]);
    // Rows 12 and 13.
    if row <= 12 {
        world = world.with(linux_without_update.clone());
    } else {
        world = world.with(ObservedImage {
            operating_system: OperatingSystem::Windows,
            ..linux_without_update.clone()
        });
    }
    // Row 11 or 10 or 9: one source has one state.
    world = match row {
        ..=9 => world.without(GOLD),
        10 => world.with(ObservedImage {
            state: ImageState::Pending,
            ..linux_without_update
        }),
        11 => world.with(ObservedImage {
            state: ImageState::Error,
            ..linux_without_update
        }),
        _ => world,
    };
    if row <= 8 {
        world = world.look().mark("a").record("a", Err(BUSY));
    }
    if row <= 7 {
        let retry = world.status.images[0].next_retry_at;
        world = world.mark("a");
        world.status.images[0].next_retry_at = retry;
    }
    match row {
        ..=2 => world.with(pending("wsi-1", "a")).with(image("wsi-2", "a")),
        3 => world.with(image("wsi-1", "a")),
        4 => world.with(pending("wsi-1", "a")),
        5 => world.with(image_in(ImageState::Error, "wsi-1", "a")),
        6 => world.with(image_in(ImageState::Unknown("X".into()), "wsi-1", "a")),
        _ => world,
    }
}

#[test]
fn the_first_row_that_matches_wins() {
    let answers: Vec<String> = (1..=13).map(|row| from_row(row).answer()).collect();
    assert_eq!(
        answers,
        [
            "Suspended Change",
            "NameConflict !",
            "Ready wsi-1",
            "Building Build",
            "BuildFailed !",
            "UnknownImageState Build",
            "AwaitingListing Time",
            "RetryScheduled Time",
            "SourceImageNotFound !",
            "SourceImageNotAvailable Time",
            "SourceImageFailed !",
            "UpdateNotSupported !",
            "NoUpdateAvailable Change",
        ]
    );
}

#[test]
fn an_image_from_a_declared_source_depends_on_its_source() {
    let chain = |first: DesiredImage| World::new([first, want_from("b", "a"), want_from("c", "b")]);
    let waits = "SourceImageNotAvailable Time";
    for (first, world) in [
        (format!("Create from {GOLD}"), chain(want("a"))),
        (
            "Building Build".into(),
            chain(want("a")).with(pending("wsi-1", "a")),
        ),
        (
            "RetryScheduled Time".into(),
            chain(want("a")).look().mark("a").record("a", Err(BUSY)),
        ),
    ] {
        assert_eq!(world.answers(), [first.as_str(), waits, waits]);
    }
    let blocked = "SourceImageNotAvailable !";
    for (first, world) in [
        ("SourceImageNotFound !", chain(want("a")).without(GOLD)),
        (
            "BuildOverdue !",
            chain(want("a")).with(pending("wsi-1", "a")).after("3h 1s"),
        ),
        (
            "QuotaExceeded !",
            chain(want("a"))
                .look()
                .mark("a")
                .record("a", Err("ResourceLimitExceededException")),
        ),
    ] {
        assert_eq!(world.answers(), [first, blocked, blocked]);
    }
    let idle = "SourceImageNotAvailable Change";
    assert_eq!(
        chain(suspended()).answers(),
        ["Suspended Change", idle, idle]
    );
    let built = chain(want("a")).with(image("wsi-1", "a"));
    assert_eq!(built.answers(), ["Ready wsi-1", "Create from wsi-1", waits]);
}

#[test]
fn a_changed_manifest_is_tried_at_once() {
    let mut world = World::new([want("a")])
        .look()
        .mark("a")
        .record("a", Err("ValidationException"));
    assert_eq!(world.answer(), "InvalidSpec !");
    let changed = DesiredImage {
        digest: "sha256:2".into(),
        ..want("a")
    };
    world.desired = World::new([changed]).desired;
    assert_eq!(world.answer(), format!("Create from {GOLD}"));
    // But a create that may have had effect is waited for, whatever the manifest says now.
    let mut world = World::new([want("a")])
        .look()
        .mark("a")
        .record("a", Err("timeout"));
    world.desired = World::new([DesiredImage {
        digest: "sha256:2".into(),
        ..want("a")
    }])
    .desired;
    assert_eq!(world.answer(), "AwaitingListing Time");
}

#[test]
fn a_name_that_is_taken_but_never_listed_requires_action() {
    let world = a()
        .look()
        .mark("a")
        .record("a", Err("ResourceAlreadyExistsException"))
        .look();
    assert_eq!(world.answer(), "AwaitingListing Time");
    let settled = world.after("10m");
    assert_eq!(settled.answer(), "NameConflict !");
    let last = settled.after("49m 59s");
    assert_eq!(last.answer(), "NameConflict !");
    assert_eq!(last.after("1s").answer(), format!("Create from {GOLD}"));
}

#[test]
fn a_result_that_stays_unknown_requires_action() {
    let mut world = a().look();
    for round in 1..=3 {
        world = world
            .mark("a")
            .record("a", Err("SomethingNewException"))
            .look();
        assert_eq!(world.answer(), "AwaitingListing Time", "round {round}");
        world = world.after("10m");
        let answer = if round < 3 {
            format!("Create from {GOLD}")
        } else {
            "CreateResultUnknown !".into()
        };
        assert_eq!(world.answer(), answer, "round {round}");
    }
    let last = world.after("49m 59s");
    assert_eq!(last.answer(), "CreateResultUnknown !");
    assert_eq!(last.after("1s").answer(), format!("Create from {GOLD}"));
}

#[test]
fn times_written_under_another_clock_keep_nothing_waiting() {
    let early = a().look().mark("a").record("a", Err("timeout")).look();
    // The clock was a year ahead when these were written.
    let mut settling = early.clone();
    settling.now -= jiff::SignedDuration::from_hours(24 * 365);
    assert_eq!(
        settling.clone().look().after("10m").answer(),
        format!("Create from {GOLD}")
    );
    let mut retry = a()
        .look()
        .mark("a")
        .record("a", Err("ResourceLimitExceededException"));
    retry.now -= jiff::SignedDuration::from_hours(24 * 365);
    assert_eq!(retry.answer(), format!("Create from {GOLD}"));
}

/// The answer for the first image, by a listing that was begun and there so many minutes after noon.
fn answer_between(world: &World, before: i64, after: i64) -> Answer {
    let at = |minutes| noon() + SignedDuration::from_mins(minutes);
    let observed = Observed::new(world.observed.clone());
    let now = Now::new(at(before), at(after));
    let plan = plan(&world.desired, &observed, &world.status, SETTLE, now);
    plan.images[0].answer.clone()
}

fn wait(answer: Answer) -> Wait {
    let wait = match answer {
        Answer::Wait(wait) => Some(wait),
        Answer::Do(_) | Answer::Ready(_) | Answer::Blocked(_) => None,
    };
    wait.unwrap()
}

#[test]
fn a_window_ends_only_by_a_listing_that_began_after_its_end() {
    let missing = a().look().mark("a").record("a", Err("timeout")).look();
    assert_eq!(
        wait(answer_between(&missing, 9, 30)).reason,
        Reason::AwaitingListing
    );
    let create = Answer::Do(create("a"));
    assert_eq!(answer_between(&missing, 10, 30), create);

    let refused = a().look().mark("a").record("a", Err("ValidationException"));
    assert_eq!(
        answer_between(&refused, 59, 70).reason(),
        Reason::InvalidSpec
    );
    assert_eq!(answer_between(&refused, 60, 70), create);
}

#[test]
fn a_window_begins_no_earlier_than_its_listing_ended() {
    let mut world = a().look().mark("a").record("a", Err("timeout"));
    let now = Now::new(noon(), noon() + SignedDuration::from_mins(9));
    let observed = Observed::new(world.observed.clone());
    world.status.observe(&world.desired, &observed, now);
    let since = world.status.images[0].missing_since;
    assert_eq!(since, Some(now.after()));
    assert_eq!(
        wait(answer_between(&world, 18, 18)).reason,
        Reason::AwaitingListing
    );
    // In whole seconds, and never a part of one too early.
    let part = SignedDuration::from_millis(1);
    world.status.images[0].missing_since = None;
    let now = Now::new(noon() + part, noon() + part);
    world.status.observe(&world.desired, &observed, now);
    let since = world.status.images[0].missing_since;
    assert_eq!(since, Some(noon() + SignedDuration::from_secs(1)));
}

/// What is left after a pass is told by its listing, which is older than the marks and results of the pass.
#[test]
fn marks_and_retries_that_are_newer_than_the_listing_are_waited_for() {
    let later = a().look().after("20m").mark("a");
    let marked = wait(answer_between(&later, 0, 20));
    let mark = noon() + SignedDuration::from_mins(20);
    assert_eq!(
        (marked.reason, marked.since, marked.until),
        (Reason::AwaitingListing, Some(mark), Some(mark + SETTLE))
    );
    // An hour from then: no schedule reaches so far from the listing, and yet it is no other clock's.
    let refused = later.record("a", Err("ValidationException"));
    assert_eq!(
        answer_between(&refused, 0, 20).reason(),
        Reason::InvalidSpec
    );
}

#[test]
fn a_mark_of_a_clock_that_was_set_back_is_no_later_than_what_is_missing_since() {
    let mut world = a().look().mark("a");
    world.now -= SignedDuration::from_hours(2);
    let world = world.look();
    let entry = &world.status.images[0];
    assert_eq!(
        (entry.create_requested_at, entry.missing_since),
        (Some(world.now), Some(world.now))
    );
    assert_eq!(world.after("10m").answer(), format!("Create from {GOLD}"));
}

#[test]
fn images_listed_without_an_id_or_a_name_are_taken_for_what_they_are() {
    let nameless = ObservedImage {
        name: None,
        ..image("wsi-9", "")
    };
    let idless = |name| image("", name);
    let world = World::new([want("a"), want("b")]).with(nameless);
    let world = World {
        observed: [world.observed.clone(), vec![idless("a"), idless("b")]].concat(),
        ..world
    };
    assert_eq!(world.answers(), ["Ready ", "Ready "]);
}

#[test]
fn totals_count_every_image_once() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let suspended = DesiredImage {
        suspend: true,
        ..want("i")
    };
    let manifests = names.map(|name| {
        if name == "i" {
            suspended.clone()
        } else {
            want(name)
        }
    });
    let old = |image: ObservedImage| ObservedImage {
        created: Some(crate::world::noon() - jiff::SignedDuration::from_hours(5)),
        ..image
    };
    let world = World::new(manifests)
        .with(image("wsi-c", "c"))
        .with(pending("wsi-d", "d"))
        .with(pending("wsi-e", "e"))
        .with(old(pending("wsi-f", "f")))
        .with(old(pending("wsi-g", "g")))
        .with(image_in(ImageState::Error, "wsi-h", "h"))
        .look()
        .mark("j")
        .record("j", Err(BUSY))
        .mark("k")
        .record("k", Err("ResourceLimitExceededException"));
    let totals = Totals {
        drifted: 0,
        due: 2,
        create: 2,
        building: 2,
        waiting: 2,
        blocked: 4,
        ready: 1,
    };
    world.planned(|plan| assert_eq!(plan.totals(), totals));
}

/// The plan's checksum, had an earlier run not made these images.
fn approved_as(world: &World, made: &[&str]) -> String {
    let made: BTreeMap<_, _> = made
        .iter()
        .map(|name| ((*name).to_owned(), GOLD.to_owned()))
        .collect();
    world.planned(|plan| checksum_before(plan, "eu-west-1", false, &made))
}

#[test]
fn what_was_made_counts_as_carried_out_while_it_needs_nobody() {
    let refused = |name: &str, code| two().look().mark(name).record(name, Err(code));
    let approved = approved_as(&two(), &[]);
    for name in ["a", "b"] {
        let building = || two().with(pending("wsi-1", name));
        for (case, world, is_rest) in [
            ("available", two().with(image("wsi-1", name)), true),
            ("building 4 h", building().after("3h"), true),
            ("overdue", building().after("3h 1s"), false),
            (
                "failed",
                two().with(image_in(ImageState::Error, "wsi-1", name)),
                false,
            ),
            (
                "twice",
                two().with(image("wsi-1", name)).with(image("wsi-2", name)),
                false,
            ),
            (
                "accepted",
                two().look().mark(name).record(name, Ok("wsi-1")),
                true,
            ),
            ("throttled", refused(name, "ThrottlingException"), true),
            (
                "over the quota",
                refused(name, "ResourceLimitExceededException"),
                false,
            ),
            ("missing", two(), true),
        ] {
            assert_eq!(
                approved_as(&world, &[name]) == approved,
                is_rest,
                "{name} {case}"
            );
            // What nobody says was made is not in the plan that was approved.
            let is_approved = case == "missing";
            assert_eq!(
                approved_as(&world, &[]) == approved,
                is_approved,
                "{name} {case}"
            );
        }
    }
    let both = two().with(image("wsi-1", "a")).with(pending("wsi-2", "b"));
    assert_eq!(approved_as(&both, &["a", "b"]), approved);
    assert_ne!(approved_as(&both, &["b"]), approved);
    let overdue = two()
        .with(pending("wsi-1", "a"))
        .with(undated(pending("wsi-2", "b")));
    let overdue = overdue.look().after("3h 1s");
    assert_ne!(approved_as(&overdue, &["a", "b"]), approved);
}

#[test]
fn a_checksum_changes_with_everything_that_a_create_is_made_of() {
    let from = "wsi-silver000";
    let second = DesiredImage {
        source: Source::ImageId(ImageId::parse(from).unwrap()),
        ..want("b")
    };
    let changed = [
        want("b"),
        DesiredImage {
            digest: "sha256:2".into(),
            ..want("b")
        },
        DesiredImage {
            subject: Subject::new(Kind::UpdatedImage, ManifestName::parse("c").unwrap()),
            ..want("b")
        },
        DesiredImage {
            image_name: ImageName::parse("c").unwrap(),
            ..want("b")
        },
        second,
    ];
    let mut checksums = BTreeSet::new();
    for other in &changed {
        let world = World::new([want("a"), other.clone()]).with(image(from, "silver"));
        for region in ["eu-west-1", "us-east-1"] {
            for simulated in [false, true] {
                checksums.insert(world.planned(|plan| checksum(plan, region, simulated)));
            }
        }
    }
    checksums.insert(a().planned(|plan| checksum(plan, "eu-west-1", false)));
    assert_eq!(checksums.len(), changed.len() * 4 + 1);
}

#[test]
fn all_errors_of_a_build_are_reported_in_a_fixed_order() {
    let failed = |errors: &[(&str, &str)]| {
        let errors = errors
            .iter()
            .map(|(code, text)| ((*code).into(), (*text).into()));
        let image = ObservedImage {
            errors: errors.collect(),
            ..image_in(ImageState::Error, "wsi-1", "a")
        };
        let world = a().with(image).look();
        world.status.images[0].conditions[0].message.clone()
    };
    let message = failed(&[("B", "two"), ("A", "one")]);
    assert!(message.contains("A (one); B (two)"), "{message}");
    assert_eq!(message, failed(&[("A", "one"), ("B", "two")]));
}

#[test]
fn a_declared_source_that_is_listed_counts_as_it_is_listed() {
    let chain = |first: DesiredImage| World::new([first, want_from("b", "a"), want_from("c", "b")]);
    let failed = chain(want("a")).with(image_in(ImageState::Error, "wsi-1", "a"));
    assert_eq!(
        failed.answers(),
        [
            "BuildFailed !",
            "SourceImageFailed !",
            "SourceImageNotAvailable !"
        ]
    );
    // Nobody waits for it: it is there.
    let suspended = chain(suspended()).with(image("wsi-1", "a"));
    assert_eq!(
        suspended.answers(),
        [
            "Suspended Change",
            "Create from wsi-1",
            "SourceImageNotAvailable Time"
        ]
    );
}

#[test]
fn every_image_with_the_same_name_is_reported() {
    let message = |world: World| world.planned(|plan| plan.images[0].answer.message().into_owned());
    let conflict = message(a().with(image("wsi-1", "a")).with(image("wsi-2", "a")));
    assert!(
        conflict.starts_with("2 images are named a: wsi-1, wsi-2."),
        "{conflict}"
    );
    let from = World::new([want_from("a", "gold")]).with(image("wsi-2", "gold"));
    let ambiguous = message(from);
    assert!(
        ambiguous.starts_with("2 images are named gold, like the source: "),
        "{ambiguous}"
    );
    for id in [GOLD, "wsi-2"] {
        assert!(ambiguous.contains(id), "{ambiguous}");
    }
}
