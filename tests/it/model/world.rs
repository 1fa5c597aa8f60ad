//! The world: an account, requests on their way, controllers with their memories, and what may happen next.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use repave::cloud::{ApiError, Delivery, Failure, Operation, Receipt};
use repave::model::image::{Desired, ImageState, Observed, ObservedImage};
use repave::model::reason::Reason;
use repave::plan::{Answer, Awaits, plan};
use repave::state::status::{ConditionStatus, ConditionType};
use repave::sys::clock::Now;
use stateright::{Model, Property};

use super::memory::{Filling, Memory, TICK};
use super::names::{Declared, First, NAMES, text_of};
use crate::world::{GOLD, SETTLE, create, image, noon, receipt};

/// Ticks that a request may be on its way where delivery is bounded: the settle window.
const BOUND: u8 = 2;

/// Ticks from any state, all faults over, to a plan that is still: the longest retry of an hour, and a settle window.
const CALM: u8 = 24;

/// The most ticks that a pass is stopped for between the time that it reads and its plan: longer than the settle window.
const LONGEST_PAUSE: u8 = 3;

/// The most images of one name; more would be found long before.
const MOST: usize = 3;

/// What the service promises, and who asks it.
#[expect(clippy::struct_excessive_bools, reason = "each is a rule of its own")]
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub unique: bool,
    pub bounded: bool,
    pub controllers: usize,
    pub names: u8,
    pub chain: bool,
    /// Whether a manifest may be taken away and come back.
    pub withdraws: bool,
    /// What a pass knows of the time.
    pub reads: Reads,
}

/// When a pass reads the clock for its plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Before its listing and after it, as the shipped one does.
    Twice,
    /// Before its listing alone.
    Before,
    /// After its listing alone.
    After,
}

impl Rules {
    pub const fn unique(names: u8, controllers: usize) -> Self {
        Self {
            unique: true,
            bounded: false,
            controllers,
            names,
            chain: false,
            withdraws: true,
            reads: Reads::Twice,
        }
    }

    pub const fn chain() -> Self {
        Self {
            chain: true,
            ..Self::unique(2, 1)
        }
    }

    pub const fn bounded(names: u8) -> Self {
        Self {
            unique: false,
            bounded: true,
            controllers: 1,
            names,
            chain: false,
            withdraws: true,
            reads: Reads::Twice,
        }
    }

    pub const fn neither() -> Self {
        Self {
            unique: false,
            bounded: false,
            controllers: 1,
            names: 1,
            chain: false,
            withdraws: false,
            reads: Reads::Twice,
        }
    }
}

/// How much of what may go wrong is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Budget {
    pub faults: u8,
    pub crashes: u8,
    pub lost: u8,
    /// Images made or deleted by hand.
    pub hand: u8,
    /// Changes to the manifests.
    pub manifests: u8,
    /// Times that a process is stopped around its listing, or between a call and its record. Between a plan, its marks and
    /// its calls, time passes in every world.
    pub pauses: u8,
}

impl Budget {
    const NONE: Self = Self {
        faults: 0,
        crashes: 0,
        lost: 0,
        hand: 0,
        manifests: 0,
        pauses: 0,
    };
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct State {
    declared: Declared,
    images: Vec<Image>,
    requests: Vec<Request>,
    is_source_busy: bool,
    controllers: Vec<Controller>,
    left: Budget,
    /// Where delivery is bounded: ticks since listings lack an image of the name that was asked for.
    lacked: [Option<u8>; NAMES],
    /// The rule that an action broke.
    broken: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Image {
    name: u8,
    build: Build,
    /// Ticks until listings show it.
    lag: u8,
    /// Made by a controller's create.
    ours: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Build {
    Pending,
    Available,
    Error,
}

/// A create that was sent, will never be answered, and may still take effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Request {
    name: u8,
    age: u8,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Controller {
    /// In memory and on disk: every step below ends with a save. From the beginning of a pass to its plan it stays as it was
    /// when the pass began.
    memory: Memory,
    phase: Phase,
}

impl Phase {
    fn to_do(steps: Vec<u8>) -> Self {
        if steps.is_empty() {
            Self::Idle
        } else {
            Self::Steps(steps)
        }
    }
}

impl Listing {
    fn shows(&self, name: u8) -> bool {
        self.images.iter().any(|image| image.name == name)
    }

    fn observed(&self) -> Observed {
        let source = ObservedImage {
            state: if self.is_source_busy {
                ImageState::Pending
            } else {
                ImageState::Available
            },
            ..image(GOLD, "gold")
        };
        let made = self.images.iter().enumerate();
        let made = made.map(|(number, made)| ObservedImage {
            state: match made.build {
                Build::Pending => ImageState::Pending,
                Build::Available => ImageState::Available,
                Build::Error => ImageState::Error,
            },
            // A build that began just now: hours are not this model's matter.
            created: Some(noon()),
            ..image(&format!("wsi-made0000{number}"), text_of(made.name.into()))
        });
        Observed::new(std::iter::once(source).chain(made).collect())
    }
}

impl Controller {
    /// Records how the first step ended, and goes on to the next.
    fn recorded(&mut self, mut steps: Vec<u8>, outcome: Outcome) {
        let name = steps.remove(0);
        self.memory = World::record(self.memory, name, outcome);
        self.phase = Phase::to_do(steps);
    }

    /// What it remembers, by now.
    fn remembered(&self) -> Memory {
        match &self.phase {
            Phase::Begun(age) | Phase::Listed(age, _) => self.memory.aged(*age),
            Phase::Idle | Phase::Steps(_) | Phase::Marked(_) | Phase::Called(..) => self.memory,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Phase {
    Idle,
    /// So many ticks ago the time was read, and nothing has been listed yet.
    Begun(u8),
    /// So many ticks ago the time was read, and this is what was listed since.
    Listed(u8, Listing),
    /// Creates that the plan asks for and that have not been marked.
    Steps(Vec<u8>),
    /// The first of them is marked, and not sent.
    Marked(Vec<u8>),
    /// The first of them is sent and answered, and that is not recorded.
    Called(Vec<u8>, Outcome),
}

/// What a listing shows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Listing {
    images: Vec<Image>,
    is_source_busy: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A pass up to its plan, by a listing that is right or lacks this image.
    Passes(usize, Option<usize>),
    /// A pass reads the time, and is stopped.
    Begins(usize),
    /// It lists, and is stopped.
    Lists(usize, Option<usize>),
    /// It plans by what it listed.
    Plans(usize),
    Marks(usize),
    Calls(usize, Outcome),
    /// The same, and the process is stopped before it records how it ended.
    CallsAndStops(usize, Outcome),
    Records(usize),
    /// The same, and the process dies before it records how it ended.
    CallsAndDies(usize, Outcome),
    Dies(usize),
    Loses(usize),
    Arrives(usize),
    Tick,
    Leap,
    Builds(usize),
    Fails(usize),
    Deletes(usize),
    MadeByHand(u8),
    SourceTurns,
    ManifestTurns(First),
}

/// What becomes of a create.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Made, and listed after so many ticks.
    Made(u8),
    MadeAndLost,
    MadeAndFailed,
    OnItsWay,
    Failed,
    NotSent,
    Throttled,
    Busy,
    Quota,
    Taken,
}

/// That the model gets somewhere: each must have been seen.
#[derive(Debug, Default)]
pub struct Reached {
    settles: AtomicBool,
    asks_again: AtomicBool,
    arrives: AtomicBool,
    waits_for_retry: AtomicBool,
    is_ready: AtomicBool,
    needs_a_person: AtomicBool,
}

impl Reached {
    fn note(flag: &AtomicBool) {
        flag.store(true, Ordering::Relaxed);
    }

    pub fn assert_all(&self, name: &str) {
        for (flag, what) in [
            (&self.settles, "settles"),
            (&self.asks_again, "asks again"),
            (&self.arrives, "arrives late"),
            (&self.waits_for_retry, "waits for a retry"),
            (&self.is_ready, "is ready"),
            (&self.needs_a_person, "needs a person"),
        ] {
            assert!(flag.load(Ordering::Relaxed), "{name}: nothing ever {what}");
        }
    }
}

pub struct World {
    rules: Rules,
    budget: Budget,
    /// Whether each pass is made twice, with what the memory leaves out filled in differently.
    pub compares: bool,
    pub reached: Arc<Reached>,
    desired: HashMap<First, Desired>,
    /// How many calm ticks each state is away from being still.
    calm: Vec<Mutex<HashMap<u64, u8>>>,
}

impl World {
    pub fn new(rules: Rules, budget: Budget) -> Self {
        let declared = |first| Declared {
            names: rules.names,
            chain: rules.chain,
            first,
        };
        let desired = [First::Original, First::Changed, First::Withdrawn]
            .map(|first| (first, declared(first).desired()));
        Self {
            rules,
            budget,
            compares: false,
            reached: Arc::default(),
            desired: desired.into_iter().collect(),
            calm: (0..64).map(|_| Mutex::default()).collect(),
        }
    }

    fn desired(&self, declared: Declared) -> &Desired {
        &self.desired[&declared.first]
    }

    /// What a listing shows, but for one image.
    fn list(state: &State, lacking: Option<usize>) -> Listing {
        let images = state.images.iter().enumerate();
        Listing {
            images: images
                .filter(|(number, image)| image.lag == 0 && Some(*number) != lacking)
                .map(|(_, image)| *image)
                .collect(),
            is_source_busy: state.is_source_busy,
        }
    }

    /// Observes, plans, describes: the controller's memory, its steps, and whether nothing is owed any more. The pass began
    /// at noon, so many ticks ago; its memory is of that time.
    fn pass(
        &self,
        declared: Declared,
        (memory, age): (Memory, u8),
        listing: &Listing,
        filling: Filling,
    ) -> (Memory, Vec<u8>, bool, Option<&'static str>) {
        let desired = self.desired(declared);
        let listing = listing.observed();
        let mut status = memory.status(filling);
        let (before, after) = (noon(), noon() + TICK * i32::from(age));
        let now = match self.rules.reads {
            Reads::Twice => Now::new(before, after),
            Reads::Before => Now::from(before),
            Reads::After => Now::from(after),
        };
        status.observe(desired, &listing, now);
        let plan = plan(desired, &listing, &status, SETTLE, now);
        plan.write_conditions(&mut status, now.after());
        let (mut steps, mut is_still, mut broken) = (Vec::new(), true, None);
        let listed = listing.by_name();
        for planned in &plan.images {
            let name = planned.desired.image_name.as_str();
            let images = listed.get(name).map_or(&[][..], Vec::as_slice);
            let entry = status.image(&planned.desired.image_name).unwrap();
            match &planned.answer {
                Answer::Do(_) => {
                    if !images.is_empty() {
                        broken = Some("S2");
                    }
                    if entry.attempts > 0 && entry.create_requested_at.is_some() {
                        Reached::note(&self.reached.asks_again);
                    }
                    is_still = false;
                    steps.push(u8::try_from(super::names::name_of(name)).unwrap());
                }
                Answer::Ready(_) => Reached::note(&self.reached.is_ready),
                Answer::Wait(wait) => {
                    match wait.reason {
                        Reason::AwaitingListing => Reached::note(&self.reached.settles),
                        Reason::RetryScheduled => Reached::note(&self.reached.waits_for_retry),
                        _ => {}
                    }
                    is_still &= wait.awaits == Awaits::Change;
                }
                Answer::Blocked(blocked) => {
                    if blocked.until.is_some() {
                        Reached::note(&self.reached.waits_for_retry);
                    }
                    // It may be tried once an hour all the same; that is no work that is left.
                    Reached::note(&self.reached.needs_a_person);
                }
            }
            let ready = entry.condition(ConditionType::Ready).unwrap();
            let is_available = matches!(images, [one] if one.state == ImageState::Available);
            if (ready.status == ConditionStatus::True) != is_available {
                broken = Some("S4");
            }
        }
        (Memory::of(&status, after), steps, is_still, broken)
    }

    /// Plans by this listing, of a pass that began so many ticks ago, and goes on to its first step.
    fn plans(&self, state: &mut State, number: usize, age: u8, listing: &Listing) {
        if self.rules.bounded {
            self.take_in(state, listing);
        }
        let memory = (state.controllers[number].memory, age);
        let found = self.pass(state.declared, memory, listing, Filling::Plain);
        if self.compares {
            let other = self.pass(state.declared, memory, listing, Filling::Odd);
            assert_eq!(found, other, "{memory:?}");
        }
        let (memory, steps, _, broken) = found;
        state.broken = broken;
        let phase = Phase::to_do(steps);
        state.controllers[number] = Controller { memory, phase };
    }

    /// Marks, and gives what is on disk then.
    fn mark(memory: Memory, name: u8) -> Memory {
        let mut status = memory.status(Filling::Plain);
        status.mark(&create(text_of(name.into())), noon());
        Memory::of(&status, noon())
    }

    fn record(memory: Memory, name: u8, outcome: Outcome) -> Memory {
        let mut status = memory.status(Filling::Plain);
        status.record(
            &create(text_of(name.into())),
            &Self::answer(outcome),
            noon(),
        );
        Memory::of(&status, noon())
    }

    fn is_taken(state: &State, name: u8) -> bool {
        state.images.iter().any(|image| image.name == name)
    }

    fn make(&self, state: &mut State, name: u8, lag: u8, ours: bool) {
        let taken = Self::is_taken(state, name);
        let count = state
            .images
            .iter()
            .filter(|image| image.name == name)
            .count();
        if (self.rules.unique && taken) || count >= MOST {
            return;
        }
        state.images.push(Image {
            name,
            build: Build::Pending,
            lag,
            ours,
        });
    }

    /// Carries out a create.
    fn call(&self, state: &mut State, name: u8, outcome: Outcome) {
        match outcome {
            Outcome::Made(lag) => self.make(state, name, lag, true),
            Outcome::MadeAndLost | Outcome::MadeAndFailed => self.make(state, name, 1, true),
            Outcome::OnItsWay => state.requests.push(Request { name, age: 0 }),
            Outcome::Failed
            | Outcome::NotSent
            | Outcome::Throttled
            | Outcome::Busy
            | Outcome::Quota
            | Outcome::Taken => {}
        }
    }

    /// What the controller is told of a create.
    fn answer(outcome: Outcome) -> Result<Receipt, ApiError> {
        let (delivery, code) = match outcome {
            Outcome::Made(_) => return Ok(receipt("wsi-made")),
            Outcome::MadeAndLost | Outcome::OnItsWay => (Delivery::Unanswered, None),
            Outcome::MadeAndFailed => (Delivery::Answered(500), None),
            Outcome::Failed => (Delivery::Answered(503), Some("ServiceUnavailable")),
            Outcome::NotSent => (Delivery::NotSent, None),
            Outcome::Throttled => (Delivery::Answered(400), Some("ThrottlingException")),
            Outcome::Busy => (
                Delivery::Answered(400),
                Some("InvalidResourceStateException"),
            ),
            Outcome::Quota => (
                Delivery::Answered(400),
                Some("ResourceLimitExceededException"),
            ),
            Outcome::Taken => (
                Delivery::Answered(400),
                Some("ResourceAlreadyExistsException"),
            ),
        };
        Err(ApiError::new(
            Operation::CreateUpdatedWorkspaceImage,
            Failure {
                delivery,
                code: code.map(Into::into),
                message: "no".into(),
                service_reason: None,
                request_id: None,
            },
        ))
    }

    /// What may become of a create now; each but the first costs a fault.
    fn outcomes(&self, state: &State, name: u8) -> Vec<Outcome> {
        let first = if state.is_source_busy {
            Outcome::Busy
        } else if self.rules.unique && Self::is_taken(state, name) {
            Outcome::Taken
        } else {
            Outcome::Made(0)
        };
        let mut outcomes = vec![first];
        if state.left.faults > 0 {
            outcomes.extend([
                Outcome::Failed,
                Outcome::NotSent,
                Outcome::Throttled,
                Outcome::Quota,
                Outcome::OnItsWay,
            ]);
            if first == Outcome::Made(0) {
                outcomes.extend([
                    Outcome::Made(1),
                    Outcome::MadeAndLost,
                    Outcome::MadeAndFailed,
                ]);
            }
        }
        outcomes
    }

    /// Notes which names a listing lacks.
    fn look(&self, state: &mut State, listing: &Listing) {
        for name in 0..self.rules.names {
            if !listing.shows(name) {
                state.lacked[usize::from(name)].get_or_insert(0);
            }
        }
    }

    /// Notes which names a listing shows, once it has been taken in: of one that a process died with, nobody knows.
    fn take_in(&self, state: &mut State, listing: &Listing) {
        for name in 0..self.rules.names {
            if listing.shows(name) {
                state.lacked[usize::from(name)] = None;
            }
        }
    }

    fn tick(&self, state: &mut State) {
        for controller in &mut state.controllers {
            match &mut controller.phase {
                Phase::Begun(age) | Phase::Listed(age, _) => *age += 1,
                Phase::Idle | Phase::Steps(_) | Phase::Marked(_) | Phase::Called(..) => {
                    controller.memory = controller.memory.aged(1);
                }
            }
        }
        for image in &mut state.images {
            image.lag = image.lag.saturating_sub(1);
        }
        if self.rules.bounded {
            for age in state.lacked.iter_mut().flatten() {
                *age = (*age + 1).min(BOUND);
            }
            for request in &mut state.requests {
                request.age += 1;
            }
            state.requests.retain(|request| request.age < BOUND);
        }
    }

    /// One tick in which nothing goes wrong: what is on its way arrives, builds end, every controller runs a pass.
    fn calmed(&self, state: &State) -> (State, bool) {
        let mut next = state.clone();
        next.left = Budget::NONE;
        let mut is_still = next.requests.is_empty() && !next.is_source_busy;
        is_still &= next
            .images
            .iter()
            .all(|image| image.lag == 0 && image.build != Build::Pending);
        for request in std::mem::take(&mut next.requests) {
            self.make(&mut next, request.name, 0, true);
        }
        next.is_source_busy = false;
        for image in &mut next.images {
            image.lag = 0;
            if image.build == Build::Pending {
                image.build = Build::Available;
            }
        }
        for number in 0..next.controllers.len() {
            let before = next.controllers[number].remembered();
            let listing = Self::list(&next, None);
            let (mut memory, steps, is_done, broken) =
                self.pass(next.declared, (before, 0), &listing, Filling::Plain);
            is_still &= is_done && broken.is_none();
            for name in steps {
                memory = Self::mark(memory, name);
                let outcome = self.outcomes(&next, name)[0];
                self.call(&mut next, name, outcome);
                memory = Self::record(memory, name, outcome);
            }
            next.controllers[number] = Controller {
                memory,
                phase: Phase::Idle,
            };
        }
        self.tick(&mut next);
        (tidy(next), is_still)
    }

    /// Whether the world comes to rest from here within [`CALM`] ticks, and stays so for one more.
    fn calms_down(&self, state: &State) -> bool {
        let key = |state: &State| {
            let mut hasher = DefaultHasher::new();
            (
                &state.declared,
                &state.images,
                &state.requests,
                state.is_source_busy,
            )
                .hash(&mut hasher);
            for controller in &state.controllers {
                controller.remembered().hash(&mut hasher);
            }
            hasher.finish()
        };
        let known_at = |key: u64| &self.calm[usize::try_from(key % 64).unwrap()];
        let mut path = Vec::new();
        let mut now = state.clone();
        let mut left = loop {
            let here = key(&now);
            if let Some(known) = known_at(here).lock().unwrap().get(&here) {
                break *known;
            }
            let (next, is_still) = self.calmed(&now);
            path.push(here);
            // Still twice running: the plan after it is the same again.
            if is_still && self.calmed(&next).1 {
                break 0;
            }
            if path.len() > CALM.into() {
                return false;
            }
            now = next;
        };
        for here in path.into_iter().rev() {
            known_at(here).lock().unwrap().insert(here, left);
            left += 1;
        }
        left <= CALM
    }
}

/// What a listing may lack by a fault: what was listed before, but where delivery is bounded not for a whole window.
fn may_lack(state: &State) -> impl Iterator<Item = usize> {
    (0..state.images.len()).filter(|image| {
        let image = state.images[*image];
        let lacked = state.lacked[usize::from(image.name)];
        state.left.faults > 0 && image.lag == 0 && lacked.is_none_or(|age| age < BOUND)
    })
}

/// The same world in one form, whatever the order in which things came.
fn tidy(mut state: State) -> State {
    state.images.sort_unstable();
    state.requests.sort_unstable();
    state
}

impl Model for World {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let controller = Controller {
            memory: Memory::default(),
            phase: Phase::Idle,
        };
        vec![State {
            declared: Declared {
                names: self.rules.names,
                chain: self.rules.chain,
                first: First::Original,
            },
            images: Vec::new(),
            requests: Vec::new(),
            is_source_busy: false,
            controllers: vec![controller; self.rules.controllers],
            left: self.budget,
            lacked: [None; NAMES],
            broken: None,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let left = state.left;
        for (number, controller) in state.controllers.iter().enumerate() {
            match &controller.phase {
                Phase::Idle => {
                    let lacking = || std::iter::once(None).chain(may_lack(state).map(Some));
                    actions.extend(lacking().map(|image| Action::Passes(number, image)));
                    if left.pauses > 0 {
                        actions.push(Action::Begins(number));
                        actions.extend(lacking().map(|image| Action::Lists(number, image)));
                    }
                    if left.lost > 0 && controller.memory != Memory::default() {
                        actions.push(Action::Loses(number));
                    }
                }
                Phase::Begun(_) => {
                    let lacking = std::iter::once(None).chain(may_lack(state).map(Some));
                    actions.extend(lacking.map(|image| Action::Passes(number, image)));
                }
                Phase::Listed(..) => actions.push(Action::Plans(number)),
                Phase::Steps(_) => actions.push(Action::Marks(number)),
                Phase::Marked(steps) => {
                    for outcome in self.outcomes(state, steps[0]) {
                        actions.push(Action::Calls(number, outcome));
                        if left.pauses > 0 {
                            actions.push(Action::CallsAndStops(number, outcome));
                        }
                        if left.crashes > 0 {
                            actions.push(Action::CallsAndDies(number, outcome));
                        }
                    }
                }
                Phase::Called(..) => actions.push(Action::Records(number)),
            }
            if left.crashes > 0 && controller.phase != Phase::Idle {
                actions.push(Action::Dies(number));
            }
        }
        actions.extend((0..state.requests.len()).map(Action::Arrives));
        // While a process is between two steps, hours do not pass.
        let is_held = |controller: &Controller| match &controller.phase {
            Phase::Begun(age) | Phase::Listed(age, _) => *age == LONGEST_PAUSE,
            Phase::Idle | Phase::Steps(_) | Phase::Marked(_) | Phase::Called(..) => false,
        };
        if !state.controllers.iter().any(is_held) {
            actions.push(Action::Tick);
        }
        if state
            .controllers
            .iter()
            .all(|controller| controller.phase == Phase::Idle)
            && left.manifests > 0
        {
            actions.push(Action::Leap);
        }
        for (number, image) in state.images.iter().enumerate() {
            if image.build == Build::Pending {
                actions.push(Action::Builds(number));
                if left.faults > 0 {
                    actions.push(Action::Fails(number));
                }
            }
            if left.hand > 0 {
                actions.push(Action::Deletes(number));
            }
        }
        if left.hand > 0 {
            actions.extend((0..self.rules.names).map(Action::MadeByHand));
        }
        if state.is_source_busy || left.faults > 0 {
            actions.push(Action::SourceTurns);
        }
        if left.manifests > 0 {
            let turns = [First::Original, First::Changed, First::Withdrawn];
            let turns = turns.into_iter().filter(|first| {
                *first != state.declared.first
                    && (self.rules.withdraws || *first != First::Withdrawn)
            });
            actions.extend(turns.map(Action::ManifestTurns));
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Passes(number, lacking) | Action::Lists(number, lacking) => {
                state.left.faults -= u8::from(lacking.is_some());
                let listing = Self::list(&state, lacking);
                if self.rules.bounded {
                    self.look(&mut state, &listing);
                }
                let age = match state.controllers[number].phase {
                    Phase::Begun(age) => age,
                    _ => 0,
                };
                if matches!(action, Action::Lists(..)) {
                    state.left.pauses -= 1;
                    state.controllers[number].phase = Phase::Listed(age, listing);
                } else {
                    self.plans(&mut state, number, age, &listing);
                }
            }
            Action::Begins(number) => {
                state.left.pauses -= 1;
                state.controllers[number].phase = Phase::Begun(0);
            }
            Action::Plans(number) => {
                let Phase::Listed(age, listing) = state.controllers[number].phase.clone() else {
                    return None;
                };
                self.plans(&mut state, number, age, &listing);
            }
            Action::Marks(number) => {
                let controller = &mut state.controllers[number];
                let Phase::Steps(steps) = controller.phase.clone() else {
                    return None;
                };
                controller.memory = Self::mark(controller.memory, steps[0]);
                controller.phase = Phase::Marked(steps);
            }
            Action::Calls(number, outcome)
            | Action::CallsAndStops(number, outcome)
            | Action::CallsAndDies(number, outcome) => {
                let Phase::Marked(steps) = state.controllers[number].phase.clone() else {
                    return None;
                };
                let name = steps[0];
                if self.outcomes(&state, name)[0] != outcome {
                    state.left.faults -= 1;
                }
                let memory = state.controllers[number].memory;
                if !memory.0[usize::from(name)].is_some_and(|entry| entry.requested) {
                    state.broken = Some("S3");
                }
                self.call(&mut state, name, outcome);
                state.lacked[usize::from(name)] = None;
                let controller = &mut state.controllers[number];
                match action {
                    Action::CallsAndDies(..) => {
                        state.left.crashes -= 1;
                        controller.phase = Phase::Idle;
                    }
                    Action::CallsAndStops(..) => {
                        state.left.pauses -= 1;
                        controller.phase = Phase::Called(steps, outcome);
                    }
                    _ => controller.recorded(steps, outcome),
                }
            }
            Action::Records(number) => {
                let controller = &mut state.controllers[number];
                let Phase::Called(steps, outcome) = controller.phase.clone() else {
                    return None;
                };
                controller.recorded(steps, outcome);
            }
            Action::Dies(number) => {
                state.left.crashes -= 1;
                let controller = &mut state.controllers[number];
                controller.memory = controller.remembered();
                controller.phase = Phase::Idle;
            }
            Action::Loses(number) => {
                state.left.lost -= 1;
                state.controllers[number].memory = Memory::default();
            }
            Action::Arrives(number) => {
                let request = state.requests.remove(number);
                let before = state.images.len();
                self.make(&mut state, request.name, 1, true);
                if state.images.len() > before {
                    Reached::note(&self.reached.arrives);
                }
            }
            Action::Tick => self.tick(&mut state),
            Action::Leap => {
                state.left.manifests -= 1;
                for controller in &mut state.controllers {
                    controller.memory = controller.memory.long_ago();
                }
                for image in &mut state.images {
                    image.lag = 0;
                }
                for age in state.lacked.iter_mut().flatten() {
                    *age = BOUND;
                }
                if self.rules.bounded {
                    state.requests.clear();
                }
            }
            Action::Builds(number) => state.images[number].build = Build::Available,
            Action::Fails(number) => {
                state.left.faults -= 1;
                state.images[number].build = Build::Error;
            }
            Action::Deletes(number) => {
                state.left.hand -= 1;
                state.images.remove(number);
            }
            Action::MadeByHand(name) => {
                state.left.hand -= 1;
                self.make(&mut state, name, 0, false);
            }
            Action::SourceTurns => {
                state.left.faults -= u8::from(!state.is_source_busy);
                state.is_source_busy = !state.is_source_busy;
            }
            Action::ManifestTurns(first) => {
                state.left.manifests -= 1;
                state.declared.first = first;
            }
        }
        let state = tidy(state);
        (state != *last).then_some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("S1: one image a name", |_, state: &State| {
                (0..NAMES).all(|name| {
                    let ours = state
                        .images
                        .iter()
                        .filter(|image| usize::from(image.name) == name && image.ours);
                    ours.count() <= 1
                })
            }),
            Property::always("S2, S3, S4", |_, state: &State| state.broken.is_none()),
            Property::always("L1: it calms down", |world: &World, state: &State| {
                world.calms_down(state)
            }),
            Property::sometimes("a mark without a result", |_, state: &State| {
                let marked = |controller: &Controller| {
                    let entry = controller.memory.0[0];
                    controller.phase == Phase::Idle
                        && entry.is_some_and(|e| e.requested && !e.id && e.error.is_none())
                };
                state.controllers.iter().any(marked)
            }),
            Property::sometimes("all is built", |world: &World, state: &State| {
                let built = |name: u8| {
                    state
                        .images
                        .iter()
                        .any(|i| i.name == name && i.build == Build::Available)
                };
                (0..world.rules.names).all(built)
            }),
        ]
    }
}
