//! Stories of whole runs against the simulator's account, with no socket and on a paused clock.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use repave::cloud::aws::RateLimiter;
use repave::cloud::{ApiError, Ask, Cloud, Gate, Receipt, Step};
use repave::model::image::{Desired, DesiredImage, Observed, Source};
use repave::model::target::Target;
use repave::model::value::{ImageId, ImageName};
use repave::plan::Totals;
use repave::run::once::{self, End};
use repave::run::reconcile::Reconciler;
use repave::show::live::Progress;
use repave::simulator::{Account, DirectApi, SharedAccount, seed};
use repave::state::status::{ImageStatus, ManifestsStatus, Status};
use repave::sys::clock::Clock;
use repave::sys::stop::{Stop, StopReason, Stopper};

use crate::heard::Heard;
use crate::world::{GOLD, SETTLE, lock, noon, run, want, want_from};

/// An account on a paused clock, a checkout, and what was called.
struct Story {
    clock: Clock,
    account: SharedAccount,
    calls: Arc<Mutex<Vec<&'static str>>>,
    saved: Arc<Mutex<Vec<Saved>>>,
    /// Of each plan with creates that was reviewed: how many, and after how many attempts.
    reviewed: Mutex<Vec<(usize, usize)>>,
    folder: tempfile::TempDir,
    desired: Desired,
    stop: Stop,
    wait: bool,
    /// Whether somebody listens to the log. A line that is first written where nobody does stays unheard everywhere: tracing
    /// remembers that for the whole process.
    heard: bool,
    rate: f64,
}

/// What the status file says while a create waits for its turn and while it is on its way: how many marks, ids and failures.
type Saved = (usize, usize, usize);

/// The simulator without a socket, counting calls and keeping to a pace.
struct Counted {
    api: DirectApi,
    limiter: Arc<RateLimiter>,
    calls: Arc<Mutex<Vec<&'static str>>>,
    path: PathBuf,
    saved: Arc<Mutex<Vec<Saved>>>,
}

impl Cloud for Counted {
    async fn observe(&self, ask: &Ask) -> Result<Observed, ApiError> {
        self.limiter.take().await;
        self.calls.lock().unwrap().push(match ask {
            Ask::Images => "list",
            Ask::Questions(_) => "ask",
        });
        self.api.observe(ask).await
    }

    async fn perform(&self, step: &Step) -> Result<Receipt, ApiError> {
        self.limiter.take().await;
        self.calls.lock().unwrap().push("create");
        note_saved(&self.path, &self.saved);
        self.api.perform(step).await
    }
}

fn note_saved(path: &Path, saved: &Mutex<Vec<Saved>>) {
    let images = read(path).images;
    let count = |is: fn(&ImageStatus) -> bool| images.iter().filter(|image| is(image)).count();
    saved.lock().unwrap().push((
        count(|image| image.create_requested_at.is_some()),
        count(|image| image.image_id.is_some()),
        count(|image| image.last_error.is_some()),
    ));
}

impl Story {
    /// These manifests, and an account that has their source; `seed` is YAML that sets more.
    fn new(manifests: impl IntoIterator<Item = DesiredImage>, seed: &str) -> Self {
        let mut account = match seed {
            "" => Account::default(),
            seed => seed::parse(seed).unwrap(),
        };
        account.ensure_source_id(&ImageId::parse(GOLD).unwrap(), noon());
        Self {
            clock: Clock::following_runtime(noon()),
            account: Arc::new(Mutex::new(account)),
            calls: Arc::default(),
            saved: Arc::default(),
            reviewed: Mutex::default(),
            folder: tempfile::tempdir().unwrap(),
            desired: Desired::new(manifests.into_iter().collect()).unwrap(),
            stop: Stop::never(),
            wait: false,
            heard: false,
            rate: 1e6,
        }
    }

    /// The run gives up after so long.
    fn within(mut self, duration: Duration) -> Self {
        self.stop = self.stop.or_at(tokio::time::Instant::now() + duration);
        self
    }

    /// The run waits for builds.
    fn waiting(mut self) -> Self {
        self.wait = true;
        self
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("status.json")
    }

    /// Runs once in a new process's place; gives the end, the totals, and how often each call was made.
    async fn run(&self) -> (End, Totals, (usize, usize)) {
        self.calls.lock().unwrap().clear();
        let limiter = Arc::new(RateLimiter::new(self.rate, RateLimiter::BURST));
        let (path, saved) = (self.path(), Arc::clone(&self.saved));
        let turn = Arc::clone(&limiter);
        let gate = Gate::new(move || {
            note_saved(&path, &saved);
            let turn = Arc::clone(&turn);
            async move { turn.ready().await }
        });
        let api = Counted {
            api: DirectApi::new(Arc::clone(&self.account), self.clock),
            limiter: Arc::clone(&limiter),
            calls: Arc::clone(&self.calls),
            path: self.path(),
            saved: Arc::clone(&self.saved),
        };
        let store = lock(&self.path());
        let target = Target {
            region: "eu-west-1".into(),
            account_id: None,
            simulated: true,
            credentials: None,
        };
        let stop = self.stop.clone();
        let about = (&target, run());
        let reconciler = Reconciler::new((api, gate), store, about, SETTLE, self.clock, stop);
        let mut reconciler = reconciler.await.unwrap();
        let manifests = ManifestsStatus::default();
        let mut progress = if self.heard {
            Progress::in_log()
        } else {
            Progress::silent()
        };
        let ended = once::run(
            &mut reconciler,
            &self.desired,
            &manifests,
            self.wait,
            &mut progress,
            |plan, _, attempts| {
                let creates = plan.totals().create;
                if creates > 0 {
                    let mut reviewed = self.reviewed.lock().unwrap();
                    reviewed.push((creates, attempts.len()));
                }
                Ok(())
            },
        )
        .await
        .unwrap();
        let calls = self.calls.lock().unwrap();
        let count = |what| calls.iter().filter(|call| **call == what).count();
        let totals = ended.left.map(|left| left.totals()).unwrap_or_default();
        (ended.end, totals, (count("list"), count("create")))
    }

    /// Runs to the end, then again: nothing may be left to do.
    async fn settles(&self, lists: usize, creates: usize) {
        let (end, totals, calls) = self.run().await;
        assert!(matches!(end, End::Finished), "{end:?}");
        assert_eq!((totals.create, totals.blocked), (0, 0), "{totals:?}");
        assert_eq!(calls, (lists, creates));
        assert_eq!(self.each_name_once(), self.desired.len());
        let (_, totals, (_, creates)) = self.run().await;
        assert_eq!((totals.create, creates), (0, 0), "planned again");
    }

    /// How many creates took effect; no name twice.
    fn each_name_once(&self) -> usize {
        let account = self.account.lock().unwrap();
        let mut names: Vec<&str> = account
            .created()
            .iter()
            .map(|record| record.name.as_str())
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "created twice: {names:?}");
        all
    }

    fn status(&self) -> Status {
        read(&self.path())
    }
}

fn read(status: &Path) -> Status {
    serde_json::from_slice(&std::fs::read(status).unwrap()).unwrap()
}

fn three() -> [DesiredImage; 3] {
    [want("a"), want("b"), want("c")]
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_is_created_in_one_pass() {
    Story::new(three(), "").settles(1, 3).await;
}

#[tokio::test(start_paused = true)]
async fn creates_take_the_time_of_their_rate_and_are_not_throttled() {
    let names: Vec<String> = (0..30).map(|n| format!("i{n}")).collect();
    let mut story = Story::new(names.iter().map(|name| want(name)), "");
    story.rate = 2.0;
    let start = story.clock.now();
    let (_, totals, calls) = story.run().await;
    assert_eq!((totals.building, calls), (30, (1, 30)));
    // 31 calls, of which the burst takes no time, at 2 a second: 13 s, and at most 5 % more.
    let took = story.clock.now().duration_since(start).as_secs_f64();
    assert!((13.0..=13.0 * 1.05).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_builds_ends_with_every_image_ready() {
    let story = Story::new(three(), "").waiting();
    let (end, totals, (_, creates)) = story.run().await;
    assert!(matches!(end, End::Finished), "{end:?}");
    assert_eq!((totals.ready, creates), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_chain_is_built_link_by_link() {
    let story = Story::new([want("a"), want_from("b", "a"), want_from("c", "b")], "");
    let (end, totals, (_, creates)) = story.run().await;
    assert!(matches!(end, End::Finished), "{end:?}");
    assert_eq!((totals.ready, totals.building, creates), (2, 1, 3));
    assert_eq!(*story.reviewed.lock().unwrap(), [(1, 0), (1, 1), (1, 2)]);
}

#[tokio::test(start_paused = true)]
async fn each_mark_is_on_disk_before_its_create_and_each_result_before_the_next() {
    let refused = "faults: [{ operation: CreateUpdatedWorkspaceImage, fault: Error, code: ResourceLimitExceededException }]";
    for (seed, saved) in [
        (
            "",
            [
                (0, 0, 0),
                (1, 0, 0),
                (1, 1, 0),
                (2, 1, 0),
                (2, 2, 0),
                (3, 2, 0),
            ],
        ),
        (
            refused,
            [
                (0, 0, 0),
                (1, 0, 0),
                (0, 0, 1),
                (1, 0, 1),
                (1, 1, 1),
                (2, 1, 1),
            ],
        ),
    ] {
        let story = Story::new(three(), seed);
        story.run().await;
        assert_eq!(*story.saved.lock().unwrap(), saved, "{seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_build_ends_when_it_is_overdue_and_not_before() {
    for (skip, by, ready, blocked) in [(0, "10h", 1, 1), (1, "10h", 1, 1), (0, "3h", 2, 0)] {
        let seed = format!(
            "faults: [{{ operation: CreateUpdatedWorkspaceImage, skip: {skip}, fault: LongBuild, by: {by} }}]"
        );
        let story = Story::new([want("a"), want("b")], &seed).waiting();
        let start = story.clock.now();
        let (end, totals, _) = story.run().await;
        assert!(matches!(end, End::Finished), "{end:?}");
        assert_eq!((totals.ready, totals.blocked), (ready, blocked), "{seed}");
        assert!(story.clock.now().duration_since(start).as_hours() < 5);
    }
}

#[tokio::test(start_paused = true)]
async fn listings_that_fail_again_are_tried_again_as_soon_as_at_first() {
    let seed = "images: [{ id: wsi-source000, name: source, state: PENDING, pendingFor: 2h }]
faults:
- { operation: DescribeWorkspaceImages, times: 2, fault: InternalErrorBefore }
- { operation: DescribeWorkspaceImages, skip: 1, fault: InternalErrorBefore }";
    // Listings fail at 0, 5 and 20 s, and succeed at 15 and 25 s.
    for (seconds, lists, is_failing) in [
        (4, 1, true),
        (6, 2, true),
        (14, 2, true),
        (16, 3, false),
        (21, 4, true),
        (26, 5, false),
    ] {
        let story = Story::new([want_from("a", "source")], seed);
        let story = story.within(Duration::from_secs(seconds));
        let (end, _, calls) = story.run().await;
        let End::Stopped(StopReason::Timeout, error) = end else {
            panic!("{seconds}: {end:?}");
        };
        assert_eq!((calls.0, error.is_some()), (lists, is_failing), "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn faults_that_pass_are_outlived_within_the_run() {
    // Each fault, and how many creates are sent for three images because of it.
    for (fault, creates) in [
        (
            "{ operation: CreateUpdatedWorkspaceImage, fault: Throttle }",
            4,
        ),
        (
            "{ operation: CreateUpdatedWorkspaceImage, times: 4, fault: Throttle }",
            7,
        ),
        (
            "{ operation: CreateUpdatedWorkspaceImage, fault: Error, code: InvalidResourceStateException }",
            4,
        ),
        (
            "{ operation: CreateUpdatedWorkspaceImage, fault: InternalErrorBefore }",
            4,
        ),
        (
            "{ operation: CreateUpdatedWorkspaceImage, fault: InternalErrorAfter }",
            3,
        ),
        (
            "{ operation: CreateUpdatedWorkspaceImage, fault: DropBefore }",
            4,
        ),
        (
            "{ operation: CreateUpdatedWorkspaceImage, fault: DropAfter }",
            3,
        ),
        ("{ operation: DescribeWorkspaceImages, fault: Throttle }", 3),
        (
            "{ operation: DescribeWorkspaceImages, times: 3, fault: InternalErrorBefore }",
            3,
        ),
        (
            "{ operation: DescribeWorkspaceImages, fault: DropBefore }",
            3,
        ),
        (
            "{ operation: DescribeWorkspaceImages, fault: EmptyPageWithToken }",
            3,
        ),
        (
            "{ operation: DescribeWorkspaceImages, fault: RepeatedToken }",
            3,
        ),
    ] {
        let story = Story::new(three(), &format!("faults: [{fault}]"));
        let (end, totals, (_, sent)) = story.run().await;
        assert!(matches!(end, End::Finished), "{fault}: {end:?}");
        assert_eq!(
            (totals.create, totals.blocked, sent),
            (0, 0, creates),
            "{fault}: {totals:?}"
        );
        assert_eq!(story.each_name_once(), 3, "{fault}");
        assert_eq!(story.run().await.2.1, 0, "{fault}: planned again");
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_turns_available_later_is_waited_for_and_used() {
    let seed = "images: [{ id: wsi-source000, name: source, state: PENDING, pendingFor: 5m }]";
    let story = Story::new([want_from("a", "source")], seed).within(Duration::from_mins(15));
    let (end, totals, (_, creates)) = story.run().await;
    assert!(matches!(end, End::Finished), "{end:?}");
    assert_eq!((totals.building, creates), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn action_required_is_reported_at_once_and_the_rest_is_done() {
    let images = 38;
    let full: Vec<String> = (0..images)
        .map(|n| format!("{{ id: wsi-full{n:05}, name: full{n} }}"))
        .collect();
    let story = Story::new(three(), &format!("images: [{}]", full.join(", ")));
    let (end, totals, (lists, creates)) = story.run().await;
    assert!(matches!(end, End::Finished), "{end:?}");
    assert_eq!((totals.blocked, totals.building), (2, 1));
    // One listing takes two pages, but is one observation.
    assert_eq!((lists, creates), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn one_stale_listing_never_makes_a_second_image() {
    let story = Story::new(three(), "listingLag: 3")
        .waiting()
        .within(Duration::from_mins(30));
    let (end, totals, (_, creates)) = story.run().await;
    assert!(matches!(end, End::Finished), "{end:?}");
    assert_eq!((totals.ready, creates), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn an_image_deleted_by_hand_is_made_again_after_the_settle_window() {
    let story = Story::new([want("a")], "")
        .waiting()
        .within(Duration::from_hours(1));
    story.run().await;
    let id = story
        .account
        .lock()
        .unwrap()
        .named(&ImageName::parse("a").unwrap())
        .next()
        .unwrap()
        .0
        .clone();
    assert!(story.account.lock().unwrap().delete_by_hand(&id));
    let before = story.clock.now();
    let (end, totals, (_, creates)) = story.run().await;
    assert!(matches!(end, End::Finished), "{end:?}");
    assert_eq!((totals.ready, creates), (1, 1));
    assert!(story.clock.now().duration_since(before) >= SETTLE);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_names_what_is_left() {
    let seed = "images: [{ id: wsi-source000, name: source, state: PENDING, pendingFor: 2h }]";
    let story = Story::new([want_from("a", "source")], seed).within(Duration::from_mins(15));
    let start: Timestamp = story.clock.now();
    let (end, totals, (lists, creates)) = story.run().await;
    assert!(
        matches!(end, End::Stopped(StopReason::Timeout, None)),
        "{end:?}"
    );
    assert_eq!((totals.waiting, creates), (1, 0));
    assert_eq!(story.clock.now().duration_since(start).as_mins(), 15);
    // 5, 10, 20, 40 seconds, then every minute.
    assert_eq!(lists, 18);
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_signal_the_call_in_flight_is_recorded_and_nothing_new_begins() {
    for (by, accepted) in [("2s", true), ("5s", true), ("7s", false), ("1h", false)] {
        let seed = format!(
            "faults: [{{ operation: CreateUpdatedWorkspaceImage, fault: Slow, by: {by} }}]"
        );
        let mut story = Story::new(three(), &seed);
        let (stopper, stop) = Stopper::new();
        story.stop = stop;
        let start = story.clock.now();
        let run = story.run();
        let (ended, ()) = tokio::join!(run, async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stopper.stop();
        });
        let (end, _, (_, creates)) = ended;
        assert!(
            matches!(end, End::Stopped(StopReason::Signal, None)),
            "{end:?}"
        );
        assert_eq!(creates, 1);
        assert!(story.clock.now().duration_since(start).as_secs() <= 6);
        let status = story.status();
        assert_eq!(status.images[0].image_id.is_some(), accepted, "{by}");
        assert!(status.images[0].create_requested_at.is_some(), "{by}");
        story.stop = Stop::never();
        story.run().await;
        assert_eq!(story.each_name_once(), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_memory_of_another_account_is_set_aside() {
    let story = Story::new([want("a")], "");
    story.run().await;
    let other = Story {
        folder: story.folder,
        ..Story::new([want("a")], "accountId: '999999999999'")
    };
    other.run().await;
    assert_eq!(
        other.status().target.account_id.as_deref(),
        Some("999999999999")
    );
    assert!(other.folder.path().join("status.json.aside-1").exists());
}

#[tokio::test(start_paused = true)]
async fn an_empty_listing_does_not_make_an_account_unknown() {
    let story = Story::new([], "accountId: '111122223333'");
    let account = |story: &Story| story.status().target.account_id;
    story.run().await;
    assert_eq!(account(&story).as_deref(), Some("111122223333"));
    let gold = ImageId::parse(GOLD).unwrap();
    assert!(story.account.lock().unwrap().delete_by_hand(&gold));
    story.run().await;
    assert_eq!(account(&story).as_deref(), Some("111122223333"));
    let aside = story.folder.path().join("status.json.aside-1");
    assert!(!aside.exists());
    let other = Story {
        folder: story.folder,
        ..Story::new([], "accountId: '999999999999'")
    };
    other.run().await;
    assert_eq!(account(&other).as_deref(), Some("999999999999"));
    assert!(aside.exists());
}

#[tokio::test(start_paused = true)]
async fn a_wait_is_logged_less_and_less_often() {
    let seed = "buildTime: 20m\napiRate: { perSecond: 0 }\n";
    let mut story = Story::new([want("a"), want("b")], seed).waiting();
    story.heard = true;
    let (heard, _guard) = Heard::listen();
    story.run().await;
    let lines = heard.lines();
    let waiting: Vec<&String> = lines
        .iter()
        .filter(|line| line.contains("waiting for"))
        .collect();
    insta::assert_debug_snapshot!(waiting, @r#"
    [
        "INFO waiting for 2 images: a (Building for 15s), b (Building for 15s); checked 5s ago",
        "INFO waiting for 2 images: a (Building for 1m 15s), b (Building for 1m 15s); checked 35s ago",
        "INFO waiting for 2 images: a (Building for 6m 15s), b (Building for 6m 15s); checked 55s ago",
        "INFO waiting for 2 images: a (Building for 11m 15s), b (Building for 11m 15s); checked 55s ago",
        "INFO waiting for 2 images: a (Building for 16m 15s), b (Building for 16m 15s); checked 55s ago",
    ]
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_new_memory_is_about_the_manifests_of_its_pass() {
    let story = Story::new([want("a")], "");
    story.run().await;
    let other = Story {
        folder: story.folder,
        ..Story::new([want("a")], "accountId: '999999999999'")
    };
    let api = DirectApi::new(Arc::clone(&other.account), other.clock);
    let target = other.status().target;
    let (locked, stop) = (lock(&other.path()), Stop::never());
    let (cloud, about) = ((api, Gate::default()), (&target, run()));
    let reconciler = Reconciler::new(cloud, locked, about, SETTLE, other.clock, stop);
    let mut reconciler = reconciler.await.unwrap();
    let manifests = ManifestsStatus {
        revision: Some("main@sha1:1".into()),
        dirty: Some(false),
        digest: Some("sha256:1".into()),
        held_back: Some("a reason".into()),
        problems: Vec::new(),
    };
    let pass = reconciler.pass(&other.desired, &manifests, |_, _| Ok(()));
    assert_eq!(pass.await.unwrap().attempts.len(), 1);
    let status = reconciler.status();
    assert_eq!(status.target.account_id.as_deref(), Some("999999999999"));
    assert_eq!(status.manifests, manifests);
    assert_eq!(status.run, Some(run()));
}

#[tokio::test(start_paused = true)]
async fn a_source_of_another_account_is_asked_about_once_a_pass() {
    let from = |name: &str, id: &str| DesiredImage {
        source: Source::ImageId(ImageId::parse(id).unwrap()),
        ..want(name)
    };
    let seed = "images: [{ id: wsi-shared0001, name: theirs, sharedBy: '999988887777' }]";
    let manifests = [
        want("a"),
        from("b", "wsi-shared0001"),
        from("c", "wsi-nowhere001"),
    ];
    let story = Story::new(manifests, seed);
    let (end, totals, _) = story.run().await;
    assert!(matches!(end, End::Finished), "{end:?}");
    assert_eq!((totals.building, totals.blocked), (1, 2));
    let calls = story.calls.lock().unwrap().clone();
    let asked = calls.iter().filter(|call| **call == "ask").count();
    let listed = calls.iter().filter(|call| **call == "list").count();
    assert_eq!(asked, listed, "{calls:?}");
    let status = story.status();
    let message = |name: &str| {
        let entry = status.images.iter().find(|i| i.name.as_str() == name);
        entry.unwrap().conditions[0].message.clone()
    };
    assert!(
        message("b").contains("shared image of account 999988887777"),
        "{}",
        message("b")
    );
    assert!(
        message("c").contains("owns or that is shared with it"),
        "{}",
        message("c")
    );
}
