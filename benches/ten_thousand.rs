//! How long ten thousand images take: to read, to plan and to remember. docs/benchmarks.md has the goals and figures.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark that cannot set up its folder has nothing to measure"
)]

use std::fmt::Write as _;
use std::fs;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use divan::{Bencher, black_box};
use jiff::Timestamp;
use repave::manifest::{self, Loaded, Options};
use repave::model::defaults::SETTLE;
use repave::model::image::{Desired, ImageState, Observed, ObservedImage, OperatingSystem};
use repave::model::target::Target;
use repave::plan::{Plan, plan};
use repave::state::file::FileStore;
use repave::state::status::Status;
use repave::state::store::Store as _;
use tempfile::TempDir;

const IMAGES: usize = 10_000;
const GOLD: &str = "wsi-0123456789ab";

fn main() {
    divan::main();
}

/// A manifest as people write them: every field, and a comment.
fn text(number: usize) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "# The desktop of team {number}.
apiVersion: repave.dev/v1alpha1
kind: UpdatedImage
metadata:
  name: team-{number:05}-2026-11
spec:
  imageName: Team_{number:05}_2026-11
  source:
    imageId: {GOLD}
  description: Desktop of team {number} with the November WorkSpaces components
  tags: {{ team: team-{number:05}, cost-center: \"{number}\" }}
  createWhen: Always
"
    );
    text
}

fn texts() -> Vec<String> {
    (0..IMAGES).map(text).collect()
}

/// One file for each manifest, a hundred to a folder.
fn folder() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for (number, text) in texts().iter().enumerate() {
        let folder = root.path().join(format!("{:03}", number / 100));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{number:05}.yaml")), text).unwrap();
    }
    root
}

fn load(folder: &TempDir) -> Loaded {
    manifest::load(folder.path(), &Options { allow_empty: false }).unwrap()
}

fn desired() -> Desired {
    let images = texts()
        .iter()
        .enumerate()
        .flat_map(|(number, text)| manifest::parse(&format!("{number:05}.yaml"), text).images)
        .collect();
    Desired::new(images).unwrap()
}

fn image(id: String, name: String) -> ObservedImage {
    ObservedImage {
        description: None,
        id,
        name: Some(name),
        state: ImageState::Available,
        operating_system: OperatingSystem::Windows,
        update_available: Some(true),
        update: None,
        created: Some(now()),
        errors: Vec::new(),
        owner: Some("111122223333".into()),
    }
}

/// As many images as are declared: every other declared one, the source, and some that no manifest names.
fn observed(desired: &Desired) -> Observed {
    let present = desired
        .iter()
        .step_by(2)
        .map(|image| image.image_name.to_string());
    let others = (0..IMAGES / 2 - 1).map(|number| format!("Other_{number:05}"));
    let listed = present.chain(others).enumerate();
    let mut images: Vec<_> = listed
        .map(|(number, name)| image(format!("wsi-{number:09x}"), name))
        .collect();
    images.push(image(GOLD.into(), "Gold".into()));
    assert_eq!(images.len(), IMAGES);
    Observed::new(images)
}

fn now() -> Timestamp {
    Timestamp::from_second(1_795_000_000).unwrap()
}

fn target() -> Target {
    Target {
        region: "eu-west-1".into(),
        account_id: Some("111122223333".into()),
        simulated: false,
        credentials: None,
    }
}

fn status(desired: &Desired, observed: &Observed) -> Status {
    let mut status = Status::new(target());
    status.observe(desired, observed, now());
    let plan = planned(desired, observed, &status);
    plan.write_conditions(&mut status, now());
    status
}

fn planned<'a>(desired: &'a Desired, observed: &Observed, status: &Status) -> Plan<'a> {
    plan(desired, observed, status, SETTLE, now())
}

/// Reads and validates 10,000 files.
#[divan::bench(sample_count = 20)]
fn load_manifests(bencher: Bencher<'_, '_>) {
    let folder = folder();
    assert_eq!(load(&folder).desired.len(), IMAGES);
    bencher.bench_local(|| load(black_box(&folder)));
}

/// What `load_manifests` is held against: the YAML library alone, on texts in memory, in one thread.
#[divan::bench(sample_count = 20)]
fn parse_yaml_alone(bencher: Bencher<'_, '_>) {
    let texts = texts();
    bencher.bench_local(|| {
        for text in &texts {
            black_box(serde_yaml::from_str::<serde_yaml::Value>(text).unwrap());
        }
    });
}

/// The same texts as manifests: what validation costs without files and threads.
#[divan::bench(sample_count = 20)]
fn parse_manifests_alone(bencher: Bencher<'_, '_>) {
    let texts = texts();
    bencher.bench_local(|| {
        for text in &texts {
            black_box(manifest::parse("team.yaml", text));
        }
    });
}

/// Answers for 10,000 images, half of them missing.
#[divan::bench]
fn plan_images(bencher: Bencher<'_, '_>) {
    let desired = desired();
    let observed = observed(&desired);
    let status = status(&desired, &observed);
    let totals = planned(&desired, &observed, &status).totals();
    assert_eq!((totals.create, totals.ready), (IMAGES / 2, IMAGES / 2));
    bencher.bench_local(|| planned(black_box(&desired), &observed, &status));
}

/// Takes a listing into the status, as each pass does before it plans.
#[divan::bench]
fn observe_images(bencher: Bencher<'_, '_>) {
    let desired = desired();
    let observed = observed(&desired);
    let status = status(&desired, &observed);
    bencher
        .with_inputs(|| status.clone())
        .bench_local_values(|mut status| {
            status.observe(&desired, &observed, now());
            status
        });
}

/// Saves 10,000 entries of which one has changed: written whole and synced to the disk.
#[divan::bench]
fn save_changed_status(bencher: Bencher<'_, '_>) {
    let (mut store, mut status, _folder) = stored();
    let mut attempts = 0;
    bencher.bench_local(|| {
        attempts += 1;
        status.images[0].attempts = attempts;
        assert!(saved(&mut store, &status));
    });
}

/// Saves 10,000 entries of which none has changed: nothing is written.
#[divan::bench]
fn save_unchanged_status(bencher: Bencher<'_, '_>) {
    let (mut store, status, _folder) = stored();
    bencher.bench_local(|| assert!(!saved(&mut store, &status)));
}

/// Saves into the file store, which waits for nothing.
fn saved(store: &mut FileStore, status: &Status) -> bool {
    let mut saving = pin!(store.save(status));
    match saving
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(saved) => saved.unwrap(),
        Poll::Pending => unreachable!("a file is saved at once"),
    }
}

fn stored() -> (FileStore, Status, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let desired = desired();
    let status = status(&desired, &observed(&desired));
    let mut store = FileStore::lock(&folder.path().join("status.json"), "benchmark").unwrap();
    assert!(saved(&mut store, &status));
    (store, status, folder)
}
