//! One run of a schedule: processes come and go until every image is ready, and then nothing more may happen.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use aws_sdk_workspaces::config::retry::RetryPartition;
use aws_sdk_workspaces::config::{BehaviorVersion, Builder, Credentials, SharedHttpClient};
use aws_smithy_async::time::TimeSource;
use jiff::SignedDuration;
use repave::cloud::aws::AwsCloud;
use repave::manifest::Options;
use repave::model::target::Target;
use repave::model::value::{ImageId, ImageName};
use repave::plan::Answer;
use repave::probe::health::Health;
use repave::run::checkout::Checkout;
use repave::run::daemon::{Daemon, Settings as DaemonSettings, Watch};
use repave::run::once::{self, End};
use repave::run::reconcile::Reconciler;
use repave::show::live::Progress;
use repave::simulator::{Account, ApiRate, Image};
use repave::state::file::read_any;
use repave::state::status::{ConditionStatus, ConditionType};
use repave::sys::clock::Clock;
use repave::sys::stop::Stop;
use tokio::time::{Instant, sleep, timeout};

use super::network::{NAMES, Network};
use super::schedule::{Drive, Schedule, Verb};
use crate::world::{GOLD, SETTLE, lock, noon};

/// How long after the last fault everything is ready: repave's longest wait is an hour, after which a listing or two may
/// still be put off by a clock that was set back.
pub const REST: Duration = Duration::from_hours(3);

/// How long a run may take in all.
const END: Duration = Duration::from_hours(30 * 24);

/// A run that ended well.
#[derive(Debug, PartialEq, Eq)]
pub struct Report {
    pub trace: Vec<String>,
    pub verbs: Vec<Verb>,
    pub fired: usize,
    /// From the end of the last fault until all was ready.
    pub rested: Duration,
}

/// A run that did not.
#[derive(Debug)]
pub struct Failure {
    pub why: String,
    pub trace: Vec<String>,
}

/// Time as the SDK sees it: the runtime's.
#[derive(Debug)]
struct RuntimeTime(Instant);

impl TimeSource for RuntimeTime {
    fn now(&self) -> SystemTime {
        let epoch = u64::try_from(noon().as_second()).unwrap();
        SystemTime::UNIX_EPOCH + Duration::from_secs(epoch) + self.0.elapsed()
    }
}

/// A clock's error, one for each thread: a clock wants one that lives for ever.
fn shift() -> &'static AtomicI64 {
    thread_local! {
        static SHIFT: &'static AtomicI64 = Box::leak(Box::default());
    }
    SHIFT.with(|shift| {
        shift.store(0, Ordering::Relaxed);
        *shift
    })
}

/// Runs the schedule.
pub fn run(schedule: &Schedule) -> Result<Report, Failure> {
    // The SDK draws the jitter of its retries from this thread's chances.
    fastrand::seed(schedule.seed);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    };
    let world = {
        let _entered = runtime.enter();
        World::new(schedule, folder.path())
    };
    let ended = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async { timeout(END, Box::pin(world.live())).await })
    }));
    let mut state = world.network.state();
    let trace = std::mem::take(&mut state.trace);
    let why = match ended {
        Ok(Ok(Ok(rested))) => {
            return Ok(Report {
                trace,
                verbs: std::mem::take(&mut state.verbs),
                fired: state.fired,
                rested,
            });
        }
        Ok(Ok(Err(why))) => why,
        Ok(Err(_)) => "it never came to rest".to_owned(),
        Err(panic) => match panic.downcast_ref::<String>() {
            Some(text) => format!("panicked: {text}"),
            None => format!("panicked: {:?}", panic.downcast_ref::<&str>()),
        },
    };
    Err(Failure { why, trace })
}

struct World {
    network: Network,
    clock: Clock,
    shift: &'static AtomicI64,
    folder: PathBuf,
    drive: Drive,
    seed: u64,
}

/// How a process ended.
enum Ended {
    Killed(u32, bool),
    /// All is ready.
    Ready,
    /// It gave up until somebody starts the next one.
    Gone(String),
}

impl World {
    fn new(schedule: &Schedule, folder: &Path) -> Self {
        let mut account = Account::default();
        account.unique_names = schedule.unique;
        account.build_time = SignedDuration::from_secs(schedule.build.into());
        account.listing_lag = schedule.lag;
        account.page_size = schedule.page;
        if !schedule.rate {
            account.api_rate = ApiRate::NO_LIMIT;
        }
        account.ensure_source_id(&ImageId::parse(GOLD).unwrap(), noon());
        for number in 0..4 {
            let id = ImageId::parse(format!("wsi-other000{number}")).unwrap();
            let name = ImageName::parse(format!("other{number}")).unwrap();
            account.add_image(id, Image::new(name));
        }
        let clock = Clock::following_runtime(noon());
        let shift = shift();
        for name in NAMES {
            declare(folder, name);
        }
        let status = folder.join("status.json");
        Self {
            network: Network::new(schedule, account, clock, shift, &status),
            clock,
            shift,
            folder: folder.to_owned(),
            drive: schedule.drive,
            seed: schedule.seed,
        }
    }

    fn status(&self) -> PathBuf {
        self.folder.join("status.json")
    }

    /// Lives until all is ready and still; gives how long that took after the last fault.
    async fn live(&self) -> Result<Duration, String> {
        loop {
            self.network.birth();
            let ended = tokio::select! {
                biased;
                (down, forgets) = self.network.death() => Ended::Killed(down, forgets),
                ended = self.process() => ended?,
            };
            self.check()?;
            match ended {
                Ended::Ready => break,
                Ended::Killed(down, forgets) => {
                    if forgets {
                        let _ = std::fs::rename(self.status(), self.folder.join("lost"));
                    }
                    self.network.state().watch.restart(forgets);
                    sleep(Duration::from_secs(down.into())).await;
                }
                Ended::Gone(why) => {
                    self.network.state().note(&format!("gone: {why}"));
                    self.network.state().watch.restart(false);
                    sleep(Duration::from_mins(5)).await;
                }
            }
        }
        let ends = self.network.state().trouble_ends;
        let rested = Instant::now().saturating_duration_since(ends);
        if rested > REST {
            return Err(format!("all was ready only after {rested:?}"));
        }
        self.network.calm();
        // Whatever is late, and whatever keeps the status from being saved, has come to its end by then.
        sleep(Duration::from_secs(5000)).await;
        self.check()?;
        self.still().await?;
        Ok(rested)
    }

    /// What was found by now.
    fn check(&self) -> Result<(), String> {
        let mut state = self.network.state();
        state.deliver_late();
        let path = self.status();
        state.watch.look(&path);
        let state = &mut *state;
        state.watch.account(&state.account);
        state.watch.records(&state.account);
        match state.watch.found.first() {
            Some(found) => Err(found.clone()),
            None => Ok(()),
        }
    }

    async fn reconciler(&self) -> Result<Reconciler<AwsCloud>, String> {
        let config = Builder::new()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new(
                "simulated",
                "simulated",
                None,
                None,
                "simulated",
            ))
            .endpoint_url("http://workspaces.invalid")
            // Else all clients of this test's process would share one allowance of retries.
            .retry_partition(RetryPartition::custom("simulation").build())
            .time_source(RuntimeTime(Instant::now()));
        let http = SharedHttpClient::new(self.network.clone());
        let api = AwsCloud::with_http_client(http, config, "eu-west-1", 2.0);
        let store = lock(&self.status());
        let target = Target {
            region: "eu-west-1".into(),
            account_id: None,
            simulated: true,
            credentials: None,
        };
        let clock = self.clock.shifted(self.shift);
        let gate = api.gate();
        let about = (&target, crate::world::run());
        Reconciler::new((api, gate), store, about, SETTLE, clock, Stop::never())
            .await
            .map_err(|error| error.to_string())
    }

    /// The manifests, not read yet.
    fn checkout(&self) -> Checkout {
        Checkout::new(
            &self.folder.join("manifests"),
            Options { allow_empty: false },
        )
    }

    /// The manifests as a process reads them at its start.
    async fn manifests(&self) -> Checkout {
        let mut checkout = self.checkout();
        let now = Instant::now();
        checkout.check(true, now).await;
        checkout.check(true, now + Duration::from_secs(1)).await;
        checkout
    }

    async fn process(&self) -> Result<Ended, String> {
        let mut reconciler = self.reconciler().await?;
        match self.drive {
            Drive::Once => {
                let checkout = self.manifests().await;
                let set = checkout.set().ok_or("no manifests")?;
                let review = |plan: &repave::plan::Plan<'_>, _: &_, _: &[_]| {
                    self.network.review(plan.totals().create);
                    Ok(())
                };
                let manifests = checkout.manifests();
                let ended = once::run(
                    &mut reconciler,
                    &set.desired,
                    &manifests,
                    true,
                    &mut Progress::silent(),
                    review,
                )
                .await;
                Ok(match ended {
                    Err(error) => Ended::Gone(error.to_string()),
                    Ok(ended) => match ended.end {
                        End::Finished if self.is_ready() => Ended::Ready,
                        end => Ended::Gone(format!("{end:?}")),
                    },
                })
            }
            Drive::Daemon => {
                let settings = DaemonSettings {
                    interval: Duration::from_mins(10),
                    poll: Some(Duration::from_hours(10_000)),
                    max_creates: None,
                    seed: self.seed,
                };
                let (watch, _poke) = Watch::manual();
                let health = Arc::new(Health::new(Duration::from_mins(10)));
                let daemon = Daemon::new(
                    reconciler,
                    self.checkout(),
                    watch,
                    settings,
                    Box::new(|_| ()),
                    health,
                );
                let ready = async {
                    while !self.is_ready() && self.network.state().watch.found.is_empty() {
                        sleep(Duration::from_secs(20)).await;
                    }
                };
                tokio::select! {
                    biased;
                    passes = daemon.run() => Err(format!("the daemon ended after {passes} passes")),
                    () = ready => Ok(Ended::Ready),
                }
            }
        }
    }

    /// Whether the status says of every image that it is ready, and the last listing was whole: one that failed leaves its
    /// reason beside images that were ready before, and the next one takes it away.
    fn is_ready(&self) -> bool {
        let Ok(Ok(status)) = read_any(&self.status()) else {
            return false;
        };
        let ready = status.images.iter().filter(|entry| {
            entry
                .condition(ConditionType::Ready)
                .is_some_and(|ready| ready.status == ConditionStatus::True)
        });
        ready.count() == NAMES.len() && status.listing_error.is_none()
    }

    /// Without faults, a new process has nothing to do, and nothing to write.
    async fn still(&self) -> Result<(), String> {
        self.network.birth();
        self.network.state().watch.restart(false);
        let before = std::fs::read(self.status()).map_err(|error| error.to_string())?;
        let calls = self.network.state().verbs.len();
        let mut reconciler = self.reconciler().await?;
        let checkout = self.manifests().await;
        let set = checkout.set().ok_or("no manifests")?;
        let manifests = checkout.manifests();
        let pass = reconciler.pass(&set.desired, &manifests, |_, _| Ok(()));
        let pass = pass.await.map_err(|error| error.to_string())?;
        let ready =
            |image: &repave::plan::PlannedImage<'_>| matches!(image.answer, Answer::Ready(_));
        if !pass.planned.images.iter().all(ready)
            || pass.planned != pass.left
            || !pass.attempts.is_empty()
        {
            return Err(format!("the next plan is not empty: {:?}", pass.planned));
        }
        let created = self.network.state().verbs[calls..].contains(&Verb::Create);
        if created {
            return Err("a create after all was ready".into());
        }
        if std::fs::read(self.status()).map_err(|error| error.to_string())? != before {
            return Err("the status changed after all was ready".into());
        }
        let aside = std::fs::read_dir(&self.folder).unwrap().find_map(|file| {
            let name = file.unwrap().file_name().to_string_lossy().into_owned();
            name.contains("aside").then_some(name)
        });
        if let Some(aside) = aside {
            return Err(format!("a status was set aside as {aside}"));
        }
        self.check()
    }
}

#[expect(clippy::disallowed_methods, reason = "a checkout")]
fn declare(folder: &Path, name: &str) {
    let folder = folder.join("manifests");
    std::fs::create_dir_all(&folder).unwrap();
    let text = format!(
        "apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: {{ name: {name} }}\n\
         spec: {{ source: {{ imageId: {GOLD} }}, description: one, tags: {{ team: finance }} }}\n"
    );
    std::fs::write(folder.join(format!("{name}.yaml")), text).unwrap();
}
