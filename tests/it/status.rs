//! What status remembers, and that it changes only when something did.

use repave::image::{Desired, DesiredImage, ImageState};
use repave::status::{ConditionType, ImageStatus};

use crate::world::{World, image, image_in, want};

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
        "Ready=False Settling @0, Reconciling=True Settling @0"
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
        name: repave::name::ManifestName::parse("b").unwrap(),
        ..want("a")
    };
    let back = World {
        desired: Desired::new(vec![renamed]).unwrap(),
        ..world.clone()
    };
    assert_eq!(back.answer(), "Settling Time");
    let seen = world.clone().with(image("wsi-1", "a")).look();
    assert_eq!(seen.status.images.len(), 0);
    // And not for ever, if the image is never listed.
    assert_eq!(world.after("25h").look().status.images.len(), 0);
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
        assert_ne!(ready.status, repave::status::ConditionStatus::True);
    }
}
