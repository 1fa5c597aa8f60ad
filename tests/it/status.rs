//! What status remembers, and that it changes only when something did.

use repave::model::image::{Desired, DesiredImage, ImageState};
use repave::model::target::Target;
use repave::state::status::{ConditionType, ImageStatus, Status};

use crate::world::{World, image, image_in, noon, refusal, want};

fn entry(world: &World) -> &ImageStatus {
    &world.status.images[0]
}

/// The conditions in one line, with the minutes after noon at which each last changed.
fn conditions(world: &World) -> String {
    let noon = crate::world::noon();
    let shown: Vec<String> = entry(world)
        .conditions
        .iter()
        .map(|c| {
            let minutes = c.last_transition_time.duration_since(noon).as_mins();
            format!(
                "{:?}={:?} {} @{minutes}",
                c.condition_type, c.status, c.reason
            )
        })
        .collect();
    shown.join(", ")
}

#[test]
fn conditions_follow_an_image_from_missing_to_ready() {
    let world = World::new([want("a")]).look();
    assert_eq!(
        conditions(&world),
        "Ready=False Missing @0, Reconciling=True Missing @0"
    );
    let world = world.mark("a").record("a", Ok("wsi-1")).after("1m").look();
    assert_eq!(
        conditions(&world),
        "Ready=False AwaitingListing @0, Reconciling=True AwaitingListing @0"
    );
    let world = world
        .with(image_in(ImageState::Pending, "wsi-1", "a"))
        .after("1m")
        .look();
    assert_eq!(
        conditions(&world),
        "Ready=False Building @0, Reconciling=True Building @0"
    );
    let world = world.with(image("wsi-1", "a")).after("1m").look();
    assert_eq!(conditions(&world), "Ready=True Available @3");
    let world = world
        .with(image_in(ImageState::Error, "wsi-1", "a"))
        .after("1m")
        .look();
    assert_eq!(
        conditions(&world),
        "Ready=False BuildFailed @4, Stalled=True BuildFailed @4"
    );
}

#[test]
fn a_quiet_world_changes_nothing() {
    for world in [
        World::new([want("a")]),
        World::new([want("a")]).with(image_in(ImageState::Pending, "wsi-1", "a")),
        World::new([want("a")]).with(image("wsi-1", "a")),
        World::new([want("a")])
            .look()
            .mark("a")
            .record("a", Err("timeout"))
            .look(),
        World::new([want("a")])
            .look()
            .mark("a")
            .record("a", Err("ThrottlingException")),
        World::new([want("a")]).without(crate::world::GOLD),
    ] {
        let world = world.look();
        let later = world.clone().after("1s").look();
        assert_eq!(world.status, later.status);
    }
}

#[test]
fn failures_of_one_kind_are_counted_and_another_kind_starts_anew() {
    let fail = |world: World, code| world.mark("a").record("a", Err(code));
    let world = World::new([want("a")]).look();
    let world = fail(
        fail(world, "InvalidResourceStateException"),
        "InvalidResourceStateException",
    );
    let next = |world: &World| {
        entry(world)
            .next_retry_at
            .unwrap()
            .duration_since(world.now)
            .as_secs()
    };
    assert_eq!((entry(&world).attempts, next(&world)), (2, 30));
    let world = fail(world, "ThrottlingException");
    assert_eq!((entry(&world).attempts, next(&world)), (3, 5));
    let error = entry(&world).last_error.clone().unwrap();
    assert_eq!((error.count, error.request_id.as_deref()), (1, Some("r-1")));
    // Seen in a listing: the failures are history.
    let world = world.with(image("wsi-1", "a")).look();
    assert_eq!(
        (
            entry(&world).next_retry_at,
            entry(&world).last_error.clone()
        ),
        (None, None)
    );
}

#[test]
fn a_create_outlives_its_manifest_until_it_has_settled() {
    let mut world = World::new([want("a")]).look().mark("a");
    let none = Desired::new(Vec::new()).unwrap();
    world.desired = none.clone();
    let world = world.look();
    assert_eq!(
        (world.status.images.len(), entry(&world).manifest.as_deref()),
        (1, None)
    );
    // Under another manifest's name, the image is still the one that was asked for.
    let renamed = DesiredImage {
        subject: want("b").subject,
        ..want("a")
    };
    let back = World {
        desired: Desired::new(vec![renamed]).unwrap(),
        ..world.clone()
    };
    assert_eq!(back.answer(), "AwaitingListing Time");
    // And not for ever, if the image is never listed.
    let last = world.after("24h").look();
    assert_eq!(last.status.images.len(), 1);
    assert_eq!(last.after("1s").look().status.images.len(), 0);
}

#[test]
fn ready_is_never_said_of_an_image_that_was_not_seen_available() {
    for state in [
        ImageState::Pending,
        ImageState::Error,
        ImageState::Unknown("X".into()),
    ] {
        let world = World::new([want("a")])
            .with(image_in(state, "wsi-1", "a"))
            .look();
        let ready = entry(&world).condition(ConditionType::Ready).unwrap();
        assert_ne!(ready.status, repave::state::status::ConditionStatus::True);
    }
}

#[test]
fn of_manifests_that_are_gone_each_create_in_flight_is_kept() {
    let mut world = World::new(["a", "b", "c", "d"].map(want))
        .with(image("wsi-d", "d"))
        .look()
        .mark("a")
        .mark("b")
        .record("b", Ok("wsi-b"))
        .mark("c")
        .record("c", Err("ThrottlingException"));
    world.desired = Desired::default();
    let names = |world: &World| -> Vec<String> {
        let images = world.status.images.iter();
        images.map(|image| image.name.to_string()).collect()
    };
    let world = world.look();
    assert_eq!(names(&world), ["a", "b", "d"]);
    let world = world.with(image("wsi-b", "b")).look();
    assert_eq!(names(&world), ["a", "b", "d"]);
    // Of images that were listed only the memory is kept: there is nothing to report.
    let conditions = world
        .status
        .images
        .iter()
        .map(|image| image.conditions.len());
    assert_eq!(conditions.collect::<Vec<_>>(), [1, 0, 0]);
}

/// A listing can lack an image that exists, also in the pass in which its manifest comes back.
#[test]
fn a_manifest_that_comes_back_finds_its_image_though_the_listing_lacks_it() {
    let made = World::new([want("a")])
        .look()
        .mark("a")
        .record("a", Ok("wsi-1"));
    let by_repave = made.with(image("wsi-1", "a")).look();
    let by_others = World::new([want("a")]).with(image("wsi-1", "a")).look();
    let declared = by_repave.desired.clone();
    for world in [by_repave, by_others] {
        let withdrawn = |mut world: World| {
            world.desired = Desired::default();
            world.look()
        };
        let back = |world: &World, listed: bool| {
            let mut world = world.clone();
            world.desired = declared.clone();
            (if listed {
                world
            } else {
                world.without("wsi-1")
            })
            .look()
            .answer()
        };
        let missing = world.clone().without("wsi-1").look();
        for gone in [withdrawn(world.clone()), withdrawn(missing)] {
            assert_eq!(back(&gone, false), "AwaitingListing Time");
            // Withdrawn twice, it has been gone since the first time.
            let later = gone.after("24h").look();
            assert_eq!(later.status.images.len(), 1);
            assert_eq!(later.after("1s").look().status.images.len(), 0);
        }
        assert_eq!(back(&withdrawn(world.clone()), true), "Ready wsi-1");
        // Back in between, the time begins anew.
        let mut again = withdrawn(world).after("23h");
        again.desired = declared.clone();
        let again = withdrawn(again.look()).after("24h").look();
        assert_eq!(again.status.images.len(), 1);
    }
}

#[test]
fn a_listing_that_fails_alike_keeps_the_time_of_the_first_failure() {
    let mut status = Status::new(Target::default());
    let failures = [
        ("InternalFailure", 0, 0),
        ("InternalFailure", 1, 0),
        // Another code of the same reason, another reason, and the first one again.
        ("ServiceUnavailable", 2, 2),
        ("ServiceUnavailable", 3, 2),
        ("AccessDeniedException", 4, 4),
        ("InternalFailure", 5, 5),
    ];
    for (code, second, since) in failures {
        let at = |second| noon() + jiff::SignedDuration::from_secs(second);
        status.listing_failed(&refusal(code), at(second));
        let error = status.listing_error.as_ref().unwrap();
        assert_eq!(
            (error.code.as_deref(), error.since),
            (Some(code), at(since))
        );
    }
    let world = World::new([]);
    let observed = repave::model::image::Observed::new(Vec::new());
    status.observe(&world.desired, &observed, noon());
    assert_eq!(status.listing_error, None);
}

#[test]
fn another_region_or_another_known_account_is_foreign() {
    let target = |region: &str, account: Option<&str>| Target {
        region: region.into(),
        account_id: account.map(Into::into),
        simulated: false,
        credentials: None,
    };
    for (region, known, listed, is_foreign) in [
        ("eu-west-1", None, None, false),
        ("eu-west-1", Some("1"), None, false),
        ("eu-west-1", None, Some("1"), false),
        ("eu-west-1", Some("1"), Some("1"), false),
        ("eu-west-1", Some("1"), Some("2"), true),
        ("us-east-1", None, None, true),
        ("us-east-1", Some("1"), Some("1"), true),
    ] {
        let status = Status::new(target("eu-west-1", known));
        let foreign = status.is_foreign_to(&target(region, listed));
        assert_eq!(foreign, is_foreign, "{region} {known:?} {listed:?}");
    }
}

#[test]
fn an_image_keeps_its_id_and_the_time_it_was_first_seen() {
    let both = World::new([want("a")])
        .with(image("wsi-2", "a"))
        .with(image("wsi-1", "a"));
    assert_eq!(entry(&both.look()).image_id.as_deref(), Some("wsi-1"));
    let first = World::new([want("a")]).with(image("wsi-2", "a")).look();
    let twice = first.after("1m").with(image("wsi-1", "a")).look();
    assert_eq!(entry(&twice).image_id.as_deref(), Some("wsi-2"));
    let other = twice.without("wsi-2").look();
    assert_eq!(entry(&other).image_id.as_deref(), Some("wsi-1"));
    assert_eq!(entry(&other).first_seen_at, Some(noon()));
    // Missing twice, it has been missing since the first time.
    let missing = other.without("wsi-1").look().after("5m").look();
    let since = missing.now - jiff::SignedDuration::from_mins(5);
    assert_eq!(entry(&missing).missing_since, Some(since));
    let back = missing.with(image("wsi-1", "a")).look();
    assert_eq!(entry(&back).missing_since, None);
}

#[test]
fn of_a_create_whose_manifest_is_gone_nobody_knows_whether_it_is_ready() {
    let mut world = World::new(["a", "b"].map(want))
        .look()
        .mark("a")
        .mark("b")
        .record("b", Ok("wsi-b"));
    world.desired = Desired::default();
    let world = world.after("1m").look();
    assert_eq!(world.status.images.len(), 2);
    for image in &world.status.images {
        let [ready] = &image.conditions[..] else {
            panic!("{image:?}");
        };
        assert_eq!(
            (ready.condition_type, ready.status, ready.reason),
            (
                ConditionType::Ready,
                repave::state::status::ConditionStatus::Unknown,
                repave::model::reason::Reason::AwaitingListing
            )
        );
        assert!(ready.message.contains("manifest is gone"), "{ready:?}");
    }
}

/// The same images, declared by manifests of these names.
fn declared_as(world: &World, names: [&str; 2]) -> World {
    let manifests = ["a", "b"].into_iter().zip(names);
    let manifests = manifests.map(|(image, name)| DesiredImage {
        subject: want(name).subject,
        ..want(image)
    });
    World {
        desired: Desired::new(manifests.collect()).unwrap(),
        ..world.clone()
    }
}

#[test]
fn a_manifest_renamed_while_its_create_is_unresolved_makes_nothing_twice() {
    for result in [None, Some(Ok("wsi-1")), Some(Err("timeout"))] {
        let world = World::new([want("a"), want("b")]).look().mark("a");
        let world = match result {
            None => world,
            Some(result) => world.record("a", result),
        };
        let renamed = declared_as(&world, ["c", "b"]).look().after("9m 59s");
        // In the order of the manifests' names: b, then c, which is the image a.
        let answers = renamed.answers();
        assert!(
            answers[1].starts_with("AwaitingListing"),
            "{result:?}: {answers:?}"
        );
        assert_eq!(renamed.status.images.len(), 2, "{result:?}");
    }
}

#[test]
fn images_that_change_places_between_documents_keep_their_marks() {
    let world = World::new([want("a"), want("b")]).look();
    let world = world.mark("a").record("a", Err("timeout"));
    let moved = declared_as(&world, ["b", "a"]).look().after("9m 59s");
    // The manifest a declares the image b now, which was never asked for.
    let create = format!("Create from {}", crate::world::GOLD);
    assert_eq!(moved.answers(), [create.as_str(), "AwaitingListing Time"]);
}
