//! The daemon on a paused clock, with real files and the simulator's account: hours pass in milliseconds.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use repave::cloud::aws::RateLimiter;
use repave::cloud::{ApiError, Ask, Cloud, Delivery, Failure, Gate, Operation, Receipt, Step};
use repave::manifest::Options;
use repave::model::image::Observed;
use repave::model::target::Target;
use repave::model::value::{ImageId, ImageName};
use repave::probe::health::Health;
use repave::run::checkout::Checkout;
use repave::run::daemon::{Daemon, Settings, Watch, WatchHandle};
use repave::run::reconcile::Reconciler;
use repave::simulator::{Account, DirectApi, SharedAccount, seed};
use repave::state::file::FileStore;
use repave::state::status::Status;
use repave::sys::clock::Clock;
use repave::sys::files::write_whole;
use repave::sys::stop::{Stop, Stopper};
use tokio::time::{Instant, sleep};

use crate::heard::Heard;
use crate::world::{GOLD, SETTLE, noon, run};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// A checkout, an account, and a daemon that a test can speak to while it runs.
struct House {
    folder: tempfile::TempDir,
    account: SharedAccount,
    clock: Clock,
    /// Seconds by which the daemon's wall clock is wrong.
    wrong: &'static AtomicI64,
    world: Arc<Mutex<World>>,
    heard: Heard,
    poke: WatchHandle,
    stopper: Stopper,
    stop: Stop,
    watch: Option<Watch>,
    settings: Settings,
    health: Arc<Health>,
    _listening: tracing::subscriber::DefaultGuard,
}

/// What stands between the daemon and the account.
#[derive(Default)]
struct World {
    /// Why no listing comes back, by turns, while none does.
    down: Vec<ApiError>,
    lists: usize,
    creates: usize,
}

struct Api {
    direct: DirectApi,
    limiter: Arc<RateLimiter>,
    world: Arc<Mutex<World>>,
}

impl Cloud for Api {
    async fn observe(&self, ask: &Ask) -> Result<Observed, ApiError> {
        self.limiter.take().await;
        let down = {
            let mut world = self.world.lock().unwrap();
            world.lists += 1;
            let turn = world.lists % world.down.len().max(1);
            world.down.get(turn).cloned()
        };
        match down {
            Some(error) => Err(error),
            None => self.direct.observe(ask).await,
        }
    }

    async fn perform(&self, step: &Step) -> Result<Receipt, ApiError> {
        self.limiter.take().await;
        self.world.lock().unwrap().creates += 1;
        self.direct.perform(step).await
    }
}

impl House {
    /// Manifests of these names, an account that has their source, and YAML that sets more of it.
    fn new(names: &[&str], more: &str) -> Self {
        let (heard, listening) = Heard::listen();
        let clock = Clock::following_runtime(noon());
        let mut account: Account =
            seed::parse(&format!("apiRate: {{ perSecond: 0 }}\n{more}")).unwrap();
        account.ensure_source_id(&ImageId::parse(GOLD).unwrap(), noon());
        let (stopper, stop) = Stopper::new();
        let (watch, poke) = Watch::manual();
        let house = Self {
            folder: tempfile::tempdir().unwrap(),
            account: Arc::new(Mutex::new(account)),
            clock,
            wrong: Box::leak(Box::default()),
            world: Arc::default(),
            heard,
            poke,
            stopper,
            stop,
            watch: Some(watch),
            settings: Settings {
                interval: 10 * MINUTE,
                // What is not poked is found at the next pass, as without events.
                poll: Some(1000 * HOUR),
                max_creates: None,
                seed: 7,
            },
            health: Arc::new(Health::new(10 * MINUTE)),
            _listening: listening,
        };
        std::fs::create_dir(house.path("manifests")).unwrap();
        for name in names {
            house.declare(name);
        }
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn declare(&self, name: &str) {
        self.write(&format!("{name}.yaml"), &manifest(name));
    }

    /// Writes a manifest's text, and the file system tells of it.
    #[expect(clippy::disallowed_methods, reason = "a person's editor")]
    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path("manifests").join(file), text).unwrap();
        self.poke.notify();
    }

    fn status(&self) -> Status {
        serde_json::from_slice(&std::fs::read(self.path("status.json")).unwrap()).unwrap()
    }

    fn api_is_down(&self, why: impl IntoIterator<Item = ApiError>) {
        self.world.lock().unwrap().down = why.into_iter().collect();
    }

    fn calls(&self) -> (usize, usize) {
        let world = self.world.lock().unwrap();
        (world.lists, world.creates)
    }

    /// The ids of the images of this name.
    fn ids(&self, name: &str) -> Vec<ImageId> {
        let account = self.account.lock().unwrap();
        let name = ImageName::parse(name).unwrap();
        let named = account.named(&name);
        named.map(|(id, _)| id.clone()).collect()
    }

    /// Runs the daemon while the story is told, and then ends it. Nothing may have been created twice.
    async fn live(&mut self, story: impl AsyncFnOnce(&Self)) {
        let limiter = Arc::new(RateLimiter::new(2.0, RateLimiter::BURST));
        let turn = Arc::clone(&limiter);
        let gate = Gate::new(move || {
            let turn = Arc::clone(&turn);
            async move { turn.ready().await }
        });
        let api = Api {
            direct: DirectApi::new(Arc::clone(&self.account), self.clock),
            limiter: Arc::clone(&limiter),
            world: Arc::clone(&self.world),
        };
        let lock = crate::world::lock(&self.path("status.json"));
        let target = Target {
            region: "eu-west-1".into(),
            account_id: None,
            simulated: true,
            credentials: None,
        };
        let clock = self.clock.shifted(self.wrong);
        let about = (&target, run());
        let reconciler =
            Reconciler::new((api, gate), lock, about, SETTLE, clock, self.stop.clone())
                .await
                .unwrap();
        let checkout = Checkout::new(&self.path("manifests"), Options { allow_empty: true });
        let watch = self.watch.take().unwrap();
        let daemon = Daemon::new(
            reconciler,
            checkout,
            watch,
            self.settings.clone(),
            Box::new(|_| ()),
            Arc::clone(&self.health),
        );
        tokio::join!(daemon.run(), async {
            story(self).await;
            self.stopper.stop();
        });
        let account = self.account.lock().unwrap();
        let mut names = BTreeSet::new();
        for image in account.images() {
            assert!(
                names.insert(image.1.name.clone()),
                "twice: {:?}",
                image.1.name
            );
        }
    }
}

fn manifest(name: &str) -> String {
    format!(
        "apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: {{ name: {name} }}\nspec: {{ source: {{ imageId: {GOLD} }}, description: one }}\n---\n"
    )
}

/// A listing that failed like this.
fn failure(code: Option<&str>) -> ApiError {
    let failure = Failure {
        delivery: code.map_or(Delivery::NotSent, |_| Delivery::Answered(400)),
        code: code.map(Into::into),
        message: "no".into(),
        service_reason: None,
        request_id: None,
    };
    ApiError::new(Operation::DescribeWorkspaceImages, failure)
}

/// The whole seconds at which passes began.
fn seconds(heard: &Heard) -> Vec<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small"
    )]
    heard.passes().iter().map(|(at, _)| *at as u64).collect()
}

#[tokio::test(start_paused = true)]
async fn a_quiet_daemon_passes_at_its_interval_and_says_and_writes_nothing() {
    let mut house = House::new(&["a"], "images: [{ name: a }]");
    house
        .live(async |house| {
            sleep(MINUTE).await;
            assert_eq!(house.heard.triggers(), ["start"]);
            let written = std::fs::metadata(house.path("status.json"))
                .unwrap()
                .modified();
            house.heard.forget();
            sleep(24 * HOUR).await;
            let passes = seconds(&house.heard);
            assert!((137..=152).contains(&passes.len()), "{}", passes.len());
            let rests: BTreeSet<u64> = passes.windows(2).map(|two| two[1] - two[0]).collect();
            assert!(
                rests.iter().all(|rest| (569..=631).contains(rest)),
                "{rests:?}"
            );
            assert!(rests.len() > 20, "no jitter: {rests:?}");
            assert!(
                house
                    .heard
                    .triggers()
                    .iter()
                    .all(|trigger| trigger == "interval")
            );
            assert_eq!(house.heard.lines(), [""; 0]);
            assert_eq!(house.health.is_ready(Instant::now()), Ok(()));
            assert_eq!(house.health.is_alive(Instant::now()), Ok(()));
            let after = std::fs::metadata(house.path("status.json"))
                .unwrap()
                .modified();
            assert_eq!(after.unwrap(), written.unwrap());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_build_is_checked_every_minute_until_it_ends() {
    let mut house = House::new(&["a"], "buildTime: 5m");
    house
        .live(async |house| {
            sleep(9 * MINUTE).await;
            assert_eq!(seconds(&house.heard), [0, 60, 120, 180, 240, 300]);
            assert_eq!(
                house.heard.triggers(),
                ["start", "build", "build", "build", "build", "build"]
            );
            assert_eq!(house.heard.count("create accepted"), 1);
            assert_eq!(house.heard.count("INFO ready:"), 1);
            // Started, read, accepted, ready: one line for each thing that changed.
            assert_eq!(house.heard.lines().len(), 4, "{:?}", house.heard.lines());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_create_is_tried_again_when_it_is_due() {
    let busy = "faults: [{ operation: CreateUpdatedWorkspaceImage, times: 3, fault: Error, code: InvalidResourceStateException }]";
    let mut house = House::new(&["a"], busy);
    house
        .live(async |house| {
            sleep(3 * MINUTE).await;
            // Due 15, 30 and 60 s after each try, in whole seconds; then the build.
            assert_eq!(seconds(&house.heard), [0, 15, 45, 105, 165]);
            assert_eq!(
                house.heard.triggers(),
                ["start", "retry", "retry", "retry", "build"]
            );
            assert_eq!(house.calls().1, 4);
            assert_eq!(house.heard.count("WARN"), 0, "{:?}", house.heard.lines());
            assert_eq!(house.heard.count("RetryScheduled"), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn action_required_is_logged_once_and_so_is_resolved() {
    let full: Vec<String> = (0..38).map(|n| format!("{{ name: full{n} }}")).collect();
    let seed = format!("imageLimit: 39\nimages: [{}]", full.join(", "));
    let mut house = House::new(&["a"], &seed);
    house
        .live(async |house| {
            sleep(12 * HOUR).await;
            let tries = house.calls().1;
            assert!((12..=24).contains(&tries), "{tries}");
            let id = house.ids("full7").remove(0);
            assert!(house.account.lock().unwrap().delete_by_hand(&id));
            sleep(2 * HOUR).await;
            let lines = house.heard.lines();
            assert_eq!(house.heard.count("WARN action required"), 1, "{lines:?}");
            assert_eq!(house.heard.count("QuotaExceeded"), 1, "{lines:?}");
            assert_eq!(house.heard.count("resolved: "), 1, "{lines:?}");
            assert_eq!(house.heard.count("INFO ready:"), 1, "{lines:?}");
            assert_eq!(lines.len(), 6, "{lines:?}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_starts_one_pass_once_it_is_stable() {
    let mut house = House::new(&["a"], "images: [{ name: a }, { name: b }, { name: c }]");
    house
        .live(async |house| {
            sleep(MINUTE).await;
            house.heard.forget();
            house.declare("b");
            sleep(Duration::from_millis(300)).await;
            assert_eq!(house.heard.triggers(), ["files"]);
            let at = house.heard.passes()[0].0;
            assert!((0.2..0.25).contains(&at), "{at}");
            // Events that mean nothing are looked at and make no pass.
            for _ in 0..100 {
                house.poke.notify();
                sleep(Duration::from_millis(5)).await;
            }
            house.write(".b.yaml.swp", "half");
            sleep(MINUTE).await;
            assert_eq!(house.heard.triggers(), ["files"]);
            // A hundred writes in two seconds.
            house.heard.forget();
            for number in 0..100 {
                house.write(
                    "c.yaml",
                    &manifest("c").replace("one", &format!("number {number}")),
                );
                sleep(Duration::from_millis(20)).await;
            }
            sleep(MINUTE).await;
            assert_eq!(house.heard.triggers(), ["files"]);
            let at = house.heard.passes()[0].0;
            assert!((2.1..2.3).contains(&at), "{at}");
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn what_comes_at_once_makes_one_pass() {
    let mut house = House::new(&["a"], "images: [{ name: a }, { name: b }]");
    house
        .live(async |house| {
            sleep(MINUTE).await;
            house.heard.forget();
            house.stopper.hang_up();
            sleep(MINUTE).await;
            assert_eq!(house.heard.triggers(), ["hangup"]);
            house.heard.forget();
            house.declare("b");
            house.stopper.hang_up();
            house.stopper.hang_up();
            sleep(MINUTE).await;
            assert_eq!(house.heard.triggers(), ["files+hangup"]);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_planned_from_a_file_that_is_half_written() {
    let mut house = House::new(&[], "");
    house
        .live(async |house| {
            sleep(MINUTE).await;
            // Each half is a valid manifest of its own.
            let whole = manifest("a").replace("one", "a description that is written in two halves");
            let half = manifest("a").replace("one", "a description");
            house.write("a.yaml", "");
            sleep(Duration::from_millis(150)).await;
            house.write("a.yaml", &half);
            sleep(Duration::from_millis(150)).await;
            house.write("a.yaml", &whole);
            sleep(MINUTE).await;
            let account = house.account.lock().unwrap();
            let created = account
                .images()
                .find(|(_, image)| image.name.as_str() == "a");
            let description = created.unwrap().1.description.as_ref().unwrap().as_str();
            assert_eq!(description, "a description that is written in two halves");
        })
        .await;
}

/// The same with halves that end within a line, and long pauses.
#[tokio::test(start_paused = true)]
async fn a_file_without_its_last_line_break_is_used_after_a_rest() {
    let mut house = House::new(&["b"], "");
    house
        .live(async |house| {
            sleep(MINUTE).await;
            let text = |description: &str| {
                format!(
                    "apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: {{ name: a }}\n\
                     spec:\n  source: {{ imageId: {GOLD} }}\n  description: {description}"
                )
            };
            for part in ["Fin", "Finance"] {
                house.write("a.yaml", &text(part));
                sleep(Duration::from_secs(25)).await;
                assert_eq!(house.ids("a").len(), 0, "{part}");
            }
            // A pass that is due meanwhile uses the last valid set and reports the file.
            house.stopper.hang_up();
            house.write("a.yaml", &text("Finance desktop"));
            sleep(Duration::from_secs(25)).await;
            assert_eq!(house.ids("a").len(), 0);
            let problems = house.status().manifests.problems;
            assert!(
                problems[0].contains("a.yaml: found no line break"),
                "{problems:?}"
            );
            sleep(Duration::from_secs(10)).await;
            assert_eq!(house.status().manifests.problems, [""; 0]);
            assert_eq!(
                house
                    .heard
                    .count("so the file may be incomplete; repave uses"),
                1
            );
            let id = house.ids("a").remove(0);
            let account = house.account.lock().unwrap();
            let (_, image) = account.images().find(|(known, _)| **known == id).unwrap();
            assert_eq!(
                image.description.as_ref().unwrap().as_str(),
                "Finance desktop"
            );
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn files_that_keep_changing_are_logged_and_do_not_delay_passes() {
    let mut house = House::new(&["a"], "images: [{ name: a }]");
    house
        .live(async |house| {
            sleep(MINUTE).await;
            for number in 0..9000 {
                house.write("log.yaml", &format!("number: {number}"));
                if number == 0 {
                    house.stopper.hang_up();
                }
                sleep(Duration::from_millis(100)).await;
            }
            // Asked for at 60 s, it waited ten seconds for the files and no longer.
            let passes = house.heard.passes();
            let held = passes.iter().find(|(_, trigger)| trigger == "hangup");
            assert!((70.0..70.5).contains(&held.unwrap().0), "{passes:?}");
            assert_eq!(house.heard.count("keep changing"), 1);
            let passes = house.heard.triggers();
            assert!(passes.contains(&"interval".to_owned()), "{passes:?}");
            assert!(passes.len() < 6, "{passes:?}");
            let held_back = house.status().manifests.held_back.unwrap();
            assert!(held_back.contains("keep changing"), "{held_back}");
            house.write("log.yaml", &manifest("b"));
            sleep(MINUTE).await;
            assert_eq!(house.status().manifests.held_back, None);
            assert_eq!(house.ids("b").len(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn while_manifests_are_invalid_the_last_valid_set_stays_in_use() {
    let mut house = House::new(&["a"], "");
    house
        .live(async |house| {
            sleep(10 * MINUTE).await;
            assert_eq!(house.ids("a").len(), 1);
            house.heard.forget();
            house.declare("b");
            house.write("bad.yaml", "kind: [");
            sleep(3 * HOUR).await;
            assert_eq!(house.ids("b").len(), 0);
            assert_eq!(house.status().manifests.problems.len(), 1);
            assert_eq!(house.heard.count("WARN the manifests are invalid"), 1);
            assert_eq!(house.heard.lines().len(), 2, "{:?}", house.heard.lines());
            assert!(house.heard.passes().len() > 15);
            // The set that is in force is kept in force.
            let id = house.ids("a").remove(0);
            assert!(house.account.lock().unwrap().delete_by_hand(&id));
            sleep(HOUR).await;
            assert_eq!(house.ids("a").len(), 1);
            std::fs::rename(house.path("manifests/bad.yaml"), house.path("bad")).unwrap();
            house.poke.notify();
            sleep(MINUTE).await;
            assert_eq!(house.ids("b").len(), 1);
            assert_eq!(house.status().manifests.problems, [""; 0]);
            assert_eq!(house.heard.count("INFO the manifests are valid again"), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_valid_set_nothing_is_called_and_the_reason_is_logged() {
    for missing in [false, true] {
        let mut house = House::new(&["a"], "");
        if missing {
            std::fs::rename(house.path("manifests"), house.path("gone")).unwrap();
        } else {
            house.write("bad.yaml", "kind: [");
        }
        house
            .live(async |house| {
                sleep(3 * HOUR).await;
                assert_eq!(house.calls(), (0, 0));
                let metrics = house.health.metrics().text();
                assert!(
                    !metrics.contains("{result=\"invalid_manifests\"} 0"),
                    "{metrics}"
                );
                assert_eq!(house.status().manifests.problems.len(), 1);
                assert_eq!(
                    house
                        .heard
                        .count("repave does nothing until they are valid"),
                    1
                );
                if missing {
                    std::fs::rename(house.path("gone"), house.path("manifests")).unwrap();
                } else {
                    std::fs::rename(house.path("manifests/bad.yaml"), house.path("bad")).unwrap();
                }
                house.poke.notify();
                sleep(MINUTE).await;
                assert_eq!(house.ids("a").len(), 1);
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_that_is_down_is_called_less_and_less_and_logged_twice() {
    let mut house = House::new(&["a"], "images: [{ name: a }]");
    house
        .live(async |house| {
            sleep(MINUTE).await;
            house.heard.forget();
            house.api_is_down(Some(failure(None)));
            house.stopper.hang_up();
            // 155 s after the first failure comes the sixth, and with it the warning.
            sleep(Duration::from_secs(150)).await;
            assert_eq!(house.heard.count("WARN"), 0);
            sleep(Duration::from_secs(10)).await;
            assert_eq!(house.heard.count("WARN"), 1);
            sleep(4 * HOUR).await;
            assert!(house.health.is_ready(Instant::now()).is_err());
            assert_eq!(house.health.is_alive(Instant::now()), Ok(()));
            let rests: Vec<u64> = seconds(&house.heard)
                .windows(2)
                .map(|two| two[1] - two[0])
                .collect();
            assert_eq!(rests[..7], [5, 10, 20, 40, 80, 160, 300]);
            assert!(rests[7..].iter().all(|rest| *rest == 300), "{rests:?}");
            let lines = house.heard.lines();
            assert_eq!(lines.len(), 2, "{lines:?}");
            assert!(lines[0].starts_with("INFO listing failed") && lines[1].starts_with("WARN"));
            let error = house.status().listing_error.unwrap();
            assert_eq!(error.reason.to_string(), "ServiceUnavailable");
            house.api_is_down(None);
            sleep(6 * MINUTE).await;
            assert_eq!(house.heard.count("INFO reconciliation recovered"), 1);
            assert_eq!(house.heard.lines().len(), 3);
            assert_eq!(house.status().listing_error, None);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn troubles_that_take_turns_are_one_outage() {
    let mut house = House::new(&["a"], "images: [{ name: a }]");
    house
        .live(async |house| {
            sleep(MINUTE).await;
            house.heard.forget();
            let by_turns = ["ThrottlingException", "AccessDeniedException"];
            house.api_is_down(by_turns.map(|code| failure(Some(code))));
            house.stopper.hang_up();
            sleep(4 * HOUR).await;
            let lines = house.heard.lines();
            assert_eq!(lines.len(), 3, "{lines:?}");
            for begin in [
                "INFO listing failed",
                "WARN action required",
                "WARN listing is still failing",
            ] {
                assert_eq!(house.heard.count(begin), 1, "{lines:?}");
            }
            // Each trouble by its own schedule: four hours hold some sixty tries and not three thousand.
            assert!(
                seconds(&house.heard).len() < 100,
                "{:?}",
                seconds(&house.heard)
            );
            house.api_is_down(None);
            sleep(11 * MINUTE).await;
            assert_eq!(house.heard.count("INFO reconciliation recovered"), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn expired_credentials_are_loaded_again() {
    let mut house = House::new(&["a"], "images: [{ name: a }]");
    house
        .live(async |house| {
            sleep(MINUTE).await;
            house.heard.forget();
            house.api_is_down(Some(failure(Some("ExpiredTokenException"))));
            sleep(2 * HOUR).await;
            let lines = house.heard.lines();
            assert_eq!(lines.len(), 1, "{lines:?}");
            assert!(lines[0].starts_with("WARN action required"), "{lines:?}");
            house.api_is_down(None);
            sleep(11 * MINUTE).await;
            assert_eq!(house.heard.count("INFO reconciliation recovered"), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_status_file_that_is_gone_or_replaced_is_written_anew() {
    let mut house = House::new(&["a"], "images: [{ name: a }]");
    house
        .live(async |house| {
            sleep(MINUTE).await;
            let ours = house.status();
            std::fs::rename(house.path("status.json"), house.path("moved")).unwrap();
            sleep(11 * MINUTE).await;
            assert_eq!(house.status(), ours);
            assert_eq!(house.heard.count("WARN"), 1, "{:?}", house.heard.lines());
            write_whole(&house.path("status.json"), b"something else").unwrap();
            sleep(11 * MINUTE).await;
            assert_eq!(house.status(), ours);
            let aside = std::fs::read(house.path("status.json.aside-1")).unwrap();
            assert_eq!(aside, b"something else");
            assert_eq!(house.heard.count("WARN"), 2);
            // The same file copied and moved back is no news.
            std::fs::copy(house.path("status.json"), house.path("copy")).unwrap();
            std::fs::rename(house.path("copy"), house.path("status.json")).unwrap();
            sleep(HOUR).await;
            assert_eq!(house.heard.count("WARN"), 2, "{:?}", house.heard.lines());
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_lost_its_lock_does_nothing_until_it_has_it_again() {
    let mut house = House::new(&["a"], "");
    house
        .live(async |house| {
            sleep(10 * MINUTE).await;
            std::fs::rename(house.path("status.json.lock"), house.path("moved")).unwrap();
            let other = FileStore::lock(&house.path("status.json"), "another").unwrap();
            let (lists, _) = house.calls();
            house.declare("b");
            sleep(HOUR).await;
            assert_eq!(house.calls(), (lists, 1));
            assert_eq!(house.heard.count("WARN"), 1, "{:?}", house.heard.lines());
            assert_eq!(house.heard.count("another repave process holds"), 1);
            drop(other);
            sleep(6 * MINUTE).await;
            assert_eq!(house.ids("b").len(), 1);
            assert_eq!(house.heard.count("INFO reconciliation recovered"), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_status_file_that_cannot_be_written_stops_creates_and_is_logged_once() {
    let mut house = House::new(&["a"], "");
    house
        .live(async |house| {
            sleep(10 * MINUTE).await;
            // A folder in the place of the temporary file: nothing can be written.
            std::fs::create_dir(house.path("status.json.tmp")).unwrap();
            house.declare("b");
            sleep(2 * HOUR).await;
            assert_eq!(house.calls().1, 1);
            assert_eq!(house.heard.count("WARN cannot use the status file"), 1);
            assert_eq!(house.heard.count("WARN"), 1);
            std::fs::remove_dir(house.path("status.json.tmp")).unwrap();
            sleep(6 * MINUTE).await;
            assert_eq!(house.ids("b").len(), 1);
            assert_eq!(house.heard.count("INFO reconciliation recovered"), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_costs_minutes_at_most() {
    let denied = "faults: [{ operation: CreateUpdatedWorkspaceImage, times: 6, fault: Error, code: AccessDeniedException }]";
    for jump in [3600_i64, 86400 * 365, -3600, -86400 * 365] {
        let mut house = House::new(&["a"], denied);
        house
            .live(async |house| {
                // The next try is half an hour away.
                sleep(45 * MINUTE).await;
                let (_, creates) = house.calls();
                house.wrong.store(jump, Ordering::Relaxed);
                sleep(2 * MINUTE).await;
                if jump > 0 {
                    assert_eq!(house.calls().1, creates + 1, "{jump}");
                }
                sleep(3 * HOUR).await;
                assert_eq!(house.ids("a").len(), 1, "{jump}");
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn more_creates_than_are_allowed_are_refused_and_logged_once() {
    let mut house = House::new(&["a", "b"], "");
    house.settings.max_creates = Some(1);
    house
        .live(async |house| {
            sleep(3 * HOUR).await;
            assert_eq!(house.calls().1, 0);
            assert_eq!(
                house.heard.count("--max-creates 2"),
                1,
                "{:?}",
                house.heard.lines()
            );
            std::fs::rename(house.path("manifests/b.yaml"), house.path("b")).unwrap();
            house.poke.notify();
            sleep(MINUTE).await;
            assert_eq!(house.ids("a").len(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn git_at_work_is_waited_for_but_not_for_ever() {
    let held_back = "WARN the manifests are held back, and the last valid set stays in use: Git";
    for (file, reported, bound, times) in [
        ("index.lock", 10, MINUTE, 1),
        ("MERGE_HEAD", 2, 15 * MINUTE, 2),
    ] {
        let mut house = House::new(&["a"], "");
        std::fs::create_dir_all(house.path(".git")).unwrap();
        let lock = house.path(".git").join(file);
        house
            .live(async |house| {
                sleep(MINUTE).await;
                write_whole(&lock, b"").unwrap();
                house.declare("b");
                // It is reported as soon as it takes longer than without a conflict.
                let reported = Duration::from_secs(reported);
                sleep(reported).await;
                assert_eq!(house.heard.count("WARN"), 0);
                assert_eq!(house.status().manifests.held_back, None);
                sleep(Duration::from_secs(2)).await;
                assert_eq!(house.heard.count(held_back), 1);
                let why = house.status().manifests.held_back.unwrap();
                assert!(why.starts_with("Git "), "{why}");
                sleep(bound.saturating_sub(reported + Duration::from_secs(3))).await;
                assert_eq!(house.ids("b").len(), 0, "{file}");
                assert_eq!(house.heard.count("WARN"), 1);
                sleep(Duration::from_secs(3)).await;
                assert_eq!(house.ids("b").len(), 1, "{file}");
                assert_eq!(house.status().manifests.held_back, None);
                assert_eq!(
                    house.heard.count("WARN Git"),
                    1,
                    "{:?}",
                    house.heard.lines()
                );
                // A lock that goes away is waited for and no more.
                std::fs::rename(&lock, house.path("gone")).unwrap();
                house.declare("c");
                sleep(Duration::from_secs(1)).await;
                assert_eq!(house.ids("c").len(), 1);
                write_whole(&lock, b"").unwrap();
                house.declare("d");
                sleep(Duration::from_secs(5)).await;
                assert_eq!(house.ids("d").len(), 0);
                std::fs::rename(&lock, house.path("gone")).unwrap();
                sleep(Duration::from_secs(2)).await;
                assert_eq!(house.ids("d").len(), 1);
                assert_eq!(house.heard.count(held_back), times);
                assert_eq!(house.heard.count("INFO the manifests are no longer"), times);
                assert_eq!(house.status().manifests.held_back, None);
            })
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_signal_ends_it_in_seconds_in_every_phase() {
    for (phase, seed, after) in [
        ("before the files rest", "", 100),
        ("idle", "", 60_000),
        (
            "in a listing",
            "faults: [{ operation: DescribeWorkspaceImages, fault: Slow, by: 1h }]",
            1000,
        ),
        (
            "in a create that ends",
            "faults: [{ operation: CreateUpdatedWorkspaceImage, fault: Slow, by: 4s }]",
            1000,
        ),
        (
            "in a create that hangs",
            "faults: [{ operation: CreateUpdatedWorkspaceImage, fault: Slow, by: 1h }]",
            1000,
        ),
        (
            "between retries",
            "faults: [{ operation: CreateUpdatedWorkspaceImage, times: 9, fault: Throttle }]",
            1000,
        ),
    ] {
        let mut house = House::new(&["a", "b"], seed);
        let mut said = house.clock.now();
        house
            .live(async |house| {
                sleep(Duration::from_millis(after)).await;
                said = house.clock.now();
            })
            .await;
        let took = house.clock.now().duration_since(said).as_secs_f64();
        assert!(took <= 5.0, "{phase}: {took}");
        let creates = house.calls().1;
        match phase {
            "in a create that ends" => {
                assert_eq!(creates, 1);
                assert!(house.status().images[0].image_id.is_some());
            }
            "in a create that hangs" => {
                assert_eq!(creates, 1);
                assert!(house.status().images[0].create_requested_at.is_some());
            }
            _ => {}
        }
    }
}

/// Weeks with whatever can go wrong at random times; then all is well again, and everything must come to rest.
///
/// `REPAVE_TEST_WEEKS` sets how many (2); `REPAVE_TEST_SEED` sets what happens in them (1).
#[tokio::test(start_paused = true)]
async fn weeks_with_faults_end_with_nothing_left_to_do() {
    #[expect(clippy::disallowed_methods, reason = "a campaign's size")]
    let setting = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u64>().ok())
    };
    let weeks = setting("REPAVE_TEST_WEEKS").unwrap_or(2);
    let chance = setting("REPAVE_TEST_SEED").unwrap_or(1);
    println!("REPAVE_TEST_SEED={chance}");
    let mut random = fastrand::Rng::with_seed(chance);
    let names = ["a", "b", "c", "d", "e"];
    let mut house = House::new(&names, "buildTime: 40m");
    house.settings.seed = chance;
    house
        .live(async |house| {
            let end = Instant::now() + 7 * 24 * HOUR * u32::try_from(weeks).unwrap();
            while Instant::now() < end {
                sleep(Duration::from_secs(random.u64(1..20_000))).await;
                let name = names[random.usize(..names.len())];
                match random.u8(..10) {
                    0 => house.api_is_down(Some(failure(None))),
                    1 => house.api_is_down(Some(failure(Some("ExpiredTokenException")))),
                    2 | 3 => house.api_is_down(None),
                    4 => house.write("bad.yaml", "kind: ["),
                    5 => house.write("bad.yaml", "# mended\n"),
                    6 => {
                        let ids = house.ids(name);
                        let mut account = house.account.lock().unwrap();
                        for id in ids {
                            account.delete_by_hand(&id);
                        }
                    }
                    7 => house.write(
                        &format!("{name}.yaml"),
                        &manifest(name).replace("one", &format!("text {}", random.u32(..))),
                    ),
                    8 => {
                        let _ = std::fs::rename(house.path("status.json"), house.path("lost"));
                    }
                    _ => {
                        let fault = [
                            "Throttle",
                            "DropAfter",
                            "DropBefore",
                            "InternalErrorAfter",
                            "MalformedBody",
                        ];
                        let fault = fault[random.usize(..fault.len())];
                        let rule =
                            format!("faults: [{{ fault: {fault}, times: {} }}]", random.u8(1..4));
                        let rules = seed::parse(&rule).unwrap();
                        let mut account = house.account.lock().unwrap();
                        for rule in rules.faults() {
                            account.add_fault(rule.clone());
                        }
                    }
                }
            }
            house.api_is_down(None);
            house.write("bad.yaml", "# mended\n");
            sleep(24 * HOUR).await;
            for name in names {
                assert_eq!(house.ids(name).len(), 1, "{name}, seed {chance}");
            }
            let status = house.status();
            assert!(status.listing_error.is_none() && status.manifests.problems.is_empty());
            house.heard.forget();
            let calls = house.calls().1;
            sleep(24 * HOUR).await;
            assert_eq!(house.heard.lines(), [""; 0], "seed {chance}");
            assert_eq!(
                (house.calls().1, house.status()),
                (calls, status),
                "seed {chance}"
            );
        })
        .await;
}
