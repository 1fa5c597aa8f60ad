//! Builders: a desired side, an observed side, and a memory, each in a few words.

use jiff::{SignedDuration, Timestamp};
use repave::cloud::{ApiError, CreateImage, Delivery, Failure, Operation, Receipt, Step};
use repave::model::image::{
    CreateWhen, Desired, DesiredImage, ImageState, Observed, ObservedImage, OperatingSystem, Place,
    Source,
};
use repave::model::subject::{Kind, Subject};
use repave::model::target::Target;
use repave::model::value::{Description, ImageId, ImageName, ManifestName, Tags};
use repave::plan::{Answer, Plan, plan};
use repave::state::file::FileStore;
use repave::state::status::{Run, Status};
use repave::state::store::StoreError;

/// The source that images are made from unless a test says otherwise.
pub const GOLD: &str = "wsi-gold00000";

/// The description of every manifest and image unless a test says otherwise.
pub const DESCRIPTION: &str = "Desktop with current components";

/// The settle window in tests.
pub const SETTLE: SignedDuration = SignedDuration::from_mins(10);

/// The time at which stories begin.
pub fn noon() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// A manifest `name` for the image of the same name, made from [`GOLD`].
pub fn want(name: &str) -> DesiredImage {
    DesiredImage {
        subject: Subject::new(Kind::UpdatedImage, ManifestName::parse(name).unwrap()),
        image_name: ImageName::parse(name).unwrap(),
        source: Source::ImageId(ImageId::parse(GOLD).unwrap()),
        description: Description::parse(DESCRIPTION).unwrap(),
        tags: Tags::default(),
        create_when: CreateWhen::Always,
        suspend: false,
        place: Place {
            file: "manifests/a.yaml".into(),
            document: 1,
        },
        digest: "sha256:1".into(),
    }
}

/// The same, made from the image of that name.
pub fn want_from(name: &str, source: &str) -> DesiredImage {
    DesiredImage {
        source: Source::ImageName(ImageName::parse(source).unwrap()),
        ..want(name)
    }
}

/// An image of the account: AVAILABLE, Windows, with an update at hand, seen since an hour.
pub fn image(id: &str, name: &str) -> ObservedImage {
    ObservedImage {
        id: id.into(),
        name: Some(name.into()),
        description: Some(DESCRIPTION.into()),
        state: ImageState::Available,
        operating_system: OperatingSystem::Windows,
        update_available: Some(true),
        update: None,
        created: Some(noon() - SignedDuration::from_hours(1)),
        errors: Vec::new(),
        owner: Some("111122223333".into()),
    }
}

/// The same in another state.
pub fn image_in(state: ImageState, id: &str, name: &str) -> ObservedImage {
    ObservedImage {
        state,
        ..image(id, name)
    }
}

/// A pure world: what is desired and observed, what is remembered, and the time.
#[derive(Clone)]
pub struct World {
    pub desired: Desired,
    pub observed: Vec<ObservedImage>,
    pub status: Status,
    pub now: Timestamp,
}

impl World {
    /// These manifests, and an account that has nothing but [`GOLD`].
    pub fn new(manifests: impl IntoIterator<Item = DesiredImage>) -> Self {
        Self {
            desired: Desired::new(manifests.into_iter().collect()).unwrap(),
            observed: vec![image(GOLD, "gold")],
            status: Status::new(Target {
                region: "eu-west-1".into(),
                account_id: None,
                simulated: false,
                credentials: None,
            }),
            now: noon(),
        }
    }

    /// Adds an image to the account.
    pub fn with(mut self, image: ObservedImage) -> Self {
        self.observed.retain(|other| other.id != image.id);
        self.observed.push(image);
        self
    }

    /// Takes an image out of the account.
    pub fn without(mut self, id: &str) -> Self {
        self.observed.retain(|image| image.id != id);
        self
    }

    /// Lets the time pass that `duration` says (`10m`), with no look at the account.
    pub fn after(mut self, duration: &str) -> Self {
        self.now += duration.parse::<SignedDuration>().unwrap();
        self
    }

    /// Sets the clock back.
    pub fn before(mut self, duration: &str) -> Self {
        self.now -= duration.parse::<SignedDuration>().unwrap();
        self
    }

    /// Looks at the account.
    pub fn look(mut self) -> Self {
        let observed = Observed::new(self.observed.clone());
        self.status.observe(&self.desired, &observed, self.now);
        let status = self.status.clone();
        plan(&self.desired, &observed, &status, SETTLE, self.now)
            .write_conditions(&mut self.status, self.now);
        self
    }

    /// Marks a create of the image.
    pub fn mark(mut self, name: &str) -> Self {
        self.status.mark(&create(name), self.now);
        self
    }

    /// Records how it ended.
    pub fn record(mut self, name: &str, result: Result<&str, &str>) -> Self {
        let result = result.map(receipt).map_err(refusal);
        self.status.record(&create(name), &result, self.now);
        self
    }

    /// Looks, and gives what `read` reads in the plan.
    pub fn planned<T>(&self, read: impl FnOnce(&Plan<'_>) -> T) -> T {
        let world = self.clone().look();
        let observed = Observed::new(world.observed.clone());
        let (desired, status) = (&world.desired, &world.status);
        read(&plan(desired, &observed, status, SETTLE, world.now))
    }

    /// Looks, and gives the answer for each image in one line: reason and what it waits for, `!` for action that is required.
    pub fn answers(&self) -> Vec<String> {
        self.planned(|plan| {
            plan.images
                .iter()
                .map(|image| shown(&image.answer))
                .collect()
        })
    }

    /// The answer for the first image.
    pub fn answer(&self) -> String {
        self.answers().swap_remove(0)
    }
}

fn shown(answer: &Answer) -> String {
    match answer {
        Answer::Do(step) => format!("Create from {}", step.from()),
        Answer::Ready(ready) => format!("Ready {}", ready.image_id),
        Answer::Wait(wait) => format!("{} {:?}", wait.reason, wait.awaits),
        Answer::Blocked(blocked) => format!("{} !", blocked.reason),
    }
}

/// The step that creates the image of this name from [`GOLD`].
pub fn create(name: &str) -> Step {
    Step::CreateImage(CreateImage {
        name: ImageName::parse(name).unwrap(),
        description: Description::parse(DESCRIPTION).unwrap(),
        source_id: GOLD.into(),
        tags: Tags::default(),
    })
}

/// The run of a test.
pub fn run() -> Run {
    Run {
        id: "0123456789abcdef0123456789abcdef".into(),
        url: None,
        host: None,
        pid: 7,
        version: "0.0.0".into(),
    }
}

/// A create that was accepted under this id.
pub fn receipt(id: &str) -> Receipt {
    Receipt {
        image_id: id.into(),
        request_id: None,
    }
}

/// A create that the service refused with this code, or (`timeout`) never answered.
pub fn refusal(code: &str) -> ApiError {
    let (delivery, code) = match code {
        "timeout" => (Delivery::Unanswered, None),
        code => (Delivery::Answered(400), Some(code.to_owned())),
    };
    let failure = Failure {
        delivery,
        code,
        message: "no".into(),
        service_reason: None,
        request_id: Some("r-1".into()),
    };
    ApiError::new(Operation::CreateUpdatedWorkspaceImage, failure)
}

/// Locks the store of a process that takes the place of another in this one. A test beside it that starts a program holds
/// every lock of this process too, for the moment until that program begins.
#[expect(
    clippy::disallowed_methods,
    reason = "no paused time holds that program up"
)]
pub fn lock(path: &std::path::Path) -> FileStore {
    let mut left = 200;
    loop {
        match FileStore::lock(path, "test") {
            Err(StoreError::Lock(_)) if left > 0 => {
                left -= 1;
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            locked => return locked.unwrap(),
        }
    }
}
