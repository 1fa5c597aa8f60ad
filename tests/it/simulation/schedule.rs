//! What goes wrong in a run, and in which world: the whole input of a run, so that the same schedule gives the same trace.

use repave::simulator::fault::ErrorBody;

/// What goes wrong with one call, or at its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No connection is made.
    Refused,
    /// The connection is cut before the request had effect.
    Reset,
    /// 500 with the service's code, without effect.
    Internal,
    /// 503 with a load balancer's page, without effect.
    Unavailable,
    /// The request never arrives, and nothing comes back.
    Lost,
    /// It has effect, and then the connection is cut.
    ResetAfter,
    /// It has effect, and is answered with 500.
    InternalAfter(ErrorBody),
    /// It has effect, and nothing comes back.
    Unheard,
    /// It has effect, and the answer's body never ends.
    Trickle,
    /// It has effect, and half of the answer's body comes back, as if it were all.
    Half,
    /// It has effect, and the answer is 200 without a body.
    Empty,
    /// Nothing comes back; it has effect so many seconds later.
    Late(u32),
    /// It has effect, and the answer comes after so many seconds.
    Slow(u32),
    /// This call and so many after it are throttled.
    Throttled(u32),
    /// The credentials have expired.
    Expired,
    /// Permission is denied.
    Denied,
    /// The source is busy.
    Busy,
    /// "It exists already", without truth.
    Taken,
    /// The quota is used up.
    Full,
    /// The rest of this listing lacks every image that was created.
    Stale,
    /// The rest of this listing lacks the image of the manifest with this number.
    Misses(usize),
    /// The listing gives one page token for ever.
    RepeatedToken,
    /// A page without images, and a token to the next.
    EmptyPage,
    /// The page's images have a state that is not known.
    UnknownState,
    /// The machine's clock jumps by so many seconds.
    Clock(i64),
    /// The process is killed.
    Crash {
        /// At which moment of the call.
        when: Moment,
        /// How many seconds later it is started again.
        down: u32,
        /// Whether the status file is gone by then.
        forgets: bool,
    },
    /// The status can't be saved for so many seconds.
    SaveFails(u32),
    /// The next mark can't be saved, nor anything for so many seconds.
    MarkFails(u32),
    /// The process is stopped for so many seconds, as by SIGSTOP or a machine that sleeps: between the time that a pass reads
    /// and its listing, or between a mark and its call.
    StopsBefore(u32),
    /// The same, between a listing and its plan, or between a call and its record.
    StopsAfter(u32),
    /// The same, between the next plan and its first mark.
    StopsAtPlan(u32),
}

/// A moment of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before it arrives.
    Before,
    /// After it had effect, before the answer.
    After,
    /// So many milliseconds after it arrived; it fares well.
    Soon(u32),
}

/// Which calls a fault can happen to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    /// A page of a listing.
    List,
    /// A create.
    Create,
}

impl Fault {
    /// Tells whether it can happen to such a call.
    pub fn fits(self, verb: Verb) -> bool {
        match self {
            Self::Stale
            | Self::Misses(_)
            | Self::RepeatedToken
            | Self::EmptyPage
            | Self::UnknownState => verb == Verb::List,
            // What has no effect has none later either.
            Self::ResetAfter
            | Self::InternalAfter(_)
            | Self::Unheard
            | Self::Late(_)
            | Self::Busy
            | Self::Taken
            | Self::Full => verb == Verb::Create,
            Self::Refused
            | Self::Reset
            | Self::Internal
            | Self::Unavailable
            | Self::Lost
            | Self::Trickle
            | Self::Half
            | Self::Empty
            | Self::Slow(_)
            | Self::Throttled(_)
            | Self::Expired
            | Self::Denied
            | Self::Clock(_)
            | Self::Crash { .. }
            | Self::SaveFails(_)
            | Self::MarkFails(_)
            | Self::StopsBefore(_)
            | Self::StopsAfter(_)
            | Self::StopsAtPlan(_) => true,
        }
    }

    /// Tells whether the rule "delivered and listed within the settle window, by repave's clock and memory" allows it.
    /// Where names are not unique, repave promises one image of a name under this rule alone.
    pub fn is_bounded(self) -> bool {
        match self {
            Self::Late(seconds) => seconds <= 240,
            Self::Clock(seconds) => seconds < 0,
            Self::Crash { forgets, .. } => !forgets,
            _ => true,
        }
    }
}

/// Every fault that the campaign of pairs tries.
pub const EACH: [Fault; 39] = [
    Fault::Refused,
    Fault::Reset,
    Fault::Internal,
    Fault::Unavailable,
    Fault::Lost,
    Fault::ResetAfter,
    Fault::InternalAfter(ErrorBody::Json),
    Fault::InternalAfter(ErrorBody::Html),
    Fault::InternalAfter(ErrorBody::Empty),
    Fault::Unheard,
    Fault::Trickle,
    Fault::Half,
    Fault::Empty,
    Fault::Late(240),
    Fault::Late(3600),
    Fault::Slow(20),
    Fault::Throttled(1),
    Fault::Throttled(8),
    Fault::Expired,
    Fault::Denied,
    Fault::Busy,
    Fault::Taken,
    Fault::Full,
    Fault::Stale,
    Fault::Misses(0),
    Fault::RepeatedToken,
    Fault::EmptyPage,
    Fault::UnknownState,
    Fault::Clock(7200),
    Fault::Clock(-7200),
    Fault::Crash {
        when: Moment::Before,
        down: 1,
        forgets: false,
    },
    Fault::Crash {
        when: Moment::After,
        down: 1200,
        forgets: false,
    },
    Fault::Crash {
        when: Moment::After,
        down: 1,
        forgets: true,
    },
    Fault::Crash {
        when: Moment::Soon(2),
        down: 5,
        forgets: false,
    },
    Fault::SaveFails(30),
    Fault::MarkFails(30),
    Fault::StopsBefore(599),
    Fault::StopsAfter(599),
    Fault::StopsAtPlan(599),
];

/// Who runs the passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drive {
    /// One-shot runs that wait for builds, started again every five minutes until all is done.
    Once,
    /// The daemon.
    Daemon,
}

/// One run's whole input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Of the client's own chances.
    pub seed: u64,
    /// Who runs the passes.
    pub drive: Drive,
    /// Whether the service refuses a second image of one name.
    pub unique: bool,
    /// How many seconds a build takes.
    pub build: u32,
    /// How many listings lack a new image.
    pub lag: u64,
    /// Whether the service limits the rate.
    pub rate: bool,
    /// Images on a page.
    pub page: u8,
    /// What goes wrong, each with the number of the call (from 1) at which it does.
    pub faults: Vec<(u32, Fault)>,
}

impl Schedule {
    /// The world of the campaign of pairs.
    pub fn plain(drive: Drive, unique: bool, faults: Vec<(u32, Fault)>) -> Self {
        Self {
            seed: 1,
            drive,
            unique,
            build: 8,
            lag: 0,
            rate: false,
            page: 4,
            faults,
        }
    }

    /// Any world, and up to ten faults.
    pub fn random(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let unique = random.u8(..3) > 0;
        let drive = if random.u8(..3) == 0 {
            Drive::Daemon
        } else {
            Drive::Once
        };
        let mut faults = Vec::new();
        let span = random.u32(5..40);
        for _ in 0..random.u8(..=10) {
            let call = random.u32(1..=span);
            let fault = any(&mut random);
            if (unique || fault.is_bounded()) && faults.iter().all(|(at, _)| *at != call) {
                faults.push((call, fault));
            }
        }
        faults.sort_by_key(|(at, _)| *at);
        Self {
            seed,
            drive,
            unique,
            build: [1, 8, 90, 1200][random.usize(..4)],
            // Counted in listings, a lag has no bound in time.
            lag: if unique { random.u64(..4) } else { 0 },
            rate: random.bool(),
            page: [1, 3, 4, 25][random.usize(..4)],
            faults,
        }
    }

    /// Tells whether a listing may lack an image of any age.
    pub fn hides_any_age(&self) -> bool {
        self.unique || self.faults.len() == 1
    }

    /// Tells whether repave's clock jumps.
    pub fn jumps(&self) -> bool {
        let jump = |fault: &Fault| matches!(fault, Fault::Clock(_));
        self.faults.iter().any(|(_, fault)| jump(fault))
    }

    /// Takes faults away, one after the other, while it still `fails`.
    pub fn shortened(mut self, fails: impl Fn(&Self) -> bool) -> Self {
        loop {
            let shorter = (0..self.faults.len()).find_map(|at| {
                let mut shorter = self.clone();
                shorter.faults.remove(at);
                fails(&shorter).then_some(shorter)
            });
            match shorter {
                Some(shorter) => self = shorter,
                None => return self,
            }
        }
    }
}

/// Any fault, its numbers included.
fn any(random: &mut fastrand::Rng) -> Fault {
    match EACH[random.usize(..EACH.len())] {
        Fault::Late(_) => Fault::Late([20, 90, 240, 700, 3600][random.usize(..5)]),
        Fault::Slow(_) => Fault::Slow(random.u32(1..29)),
        Fault::Throttled(_) => Fault::Throttled(random.u32(1..12)),
        Fault::Misses(_) => Fault::Misses(random.usize(..3)),
        Fault::Clock(_) => Fault::Clock([-90_000, -3600, -30, 30, 700, 90_000][random.usize(..6)]),
        Fault::Crash { when, .. } => Fault::Crash {
            when: match when {
                Moment::Soon(_) => Moment::Soon(random.u32(..90_000)),
                Moment::Before | Moment::After => when,
            },
            down: [0, 5, 60, 599, 1200, 90_000][random.usize(..6)],
            forgets: random.u8(..4) == 0,
        },
        Fault::SaveFails(_) => Fault::SaveFails(random.u32(1..900)),
        Fault::MarkFails(_) => Fault::MarkFails(random.u32(1..900)),
        Fault::StopsBefore(_) => Fault::StopsBefore(random.u32(1..2000)),
        Fault::StopsAfter(_) => Fault::StopsAfter(random.u32(1..2000)),
        Fault::StopsAtPlan(_) => Fault::StopsAtPlan(random.u32(1..2000)),
        fault => fault,
    }
}
