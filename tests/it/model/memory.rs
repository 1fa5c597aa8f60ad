//! What a controller remembers, cut down to what the plan reads, with times as ages in ticks: finitely many values.

use jiff::{SignedDuration, Timestamp};
use repave::cloud::{ALREADY_EXISTS, FailureKind, Verb};
use repave::model::group::Group;
use repave::model::image::DesiredImage;
use repave::model::reason::Reason;
use repave::state::status::{ImageStatus, LastError, ManifestsStatus, Status};

use super::names::{NAMES, declared, name_of, target};
use crate::world::noon;

/// One tick of the model: half the settle window.
pub const TICK: SignedDuration = SignedDuration::from_mins(5);

/// Longer than any window that the rules know.
pub const LEAP: SignedDuration = SignedDuration::from_hours(25);

/// Ticks after which "missing since" has reached the settle window; until a leap, more ticks make no difference.
const SETTLED: u8 = 2;

/// "Missing since" before a leap.
const LONG: u8 = 3;

/// Failures in a row beyond which no schedule changes.
const COUNT: u32 = 7;

/// Failures in a row, result unknown, beyond which nothing changes.
const UNKNOWN_COUNT: u32 = 3;

/// What is remembered of each name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Memory(pub [Option<Entry>; NAMES]);

/// What is remembered of one name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Which version of the manifest it is about.
    pub generation: u8,
    /// An id is known.
    pub id: bool,
    /// A create was marked that was not refused.
    pub requested: bool,
    /// The image was listed after that.
    pub seen: bool,
    /// Ticks since when listings lack it.
    pub missing: Option<u8>,
    /// The manifest is gone; whether it has been for longer than a leap.
    pub withdrawn: Option<bool>,
    /// Ticks until the next try; 0 if none is waited for.
    pub retry: u8,
    /// The last failure: its kind, whether the name was taken, how often in a row.
    pub error: Option<(Failed, bool, u8)>,
}

/// [`FailureKind`], which has no hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Failed {
    Transient,
    SourceBusy,
    OutcomeUnknown,
    Blocked,
    Rejected,
}

impl From<FailureKind> for Failed {
    fn from(kind: FailureKind) -> Self {
        match kind {
            FailureKind::Transient => Self::Transient,
            FailureKind::SourceBusy => Self::SourceBusy,
            FailureKind::OutcomeUnknown => Self::OutcomeUnknown,
            FailureKind::Blocked => Self::Blocked,
            FailureKind::Rejected => Self::Rejected,
        }
    }
}

/// How the things that the model leaves out are filled in: no choice may change what a pass does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filling {
    Plain,
    Odd,
}

impl Memory {
    /// The same, so many ticks later.
    pub fn aged(mut self, ticks: u8) -> Self {
        for entry in self.0.iter_mut().flatten() {
            entry.retry = entry.retry.saturating_sub(ticks);
            entry.missing = entry.missing.map(|age| match age {
                LONG => LONG,
                age => (age + ticks).min(SETTLED),
            });
        }
        self
    }

    /// The same, a leap later.
    pub fn long_ago(mut self) -> Self {
        for entry in self.0.iter_mut().flatten() {
            entry.retry = 0;
            entry.missing = entry.missing.map(|_| LONG);
            entry.withdrawn = entry.withdrawn.map(|_| true);
        }
        self
    }

    /// The status that this stands for at noon.
    pub fn status(&self, filling: Filling) -> Status {
        let mut status = Status::new(target());
        let entries = self.0.iter().enumerate();
        status.images = entries
            .filter_map(|(name, entry)| Some(entry.as_ref()?.status(name, filling)))
            .collect();
        status.manifests = ManifestsStatus::default();
        status
    }

    /// What is left of a status, read at this time.
    pub fn of(status: &Status, now: Timestamp) -> Self {
        let mut memory = Self::default();
        for entry in &status.images {
            memory.0[name_of(entry.image_name.as_str())] = Some(Entry::of(entry, now));
        }
        memory
    }
}

impl Entry {
    fn status(&self, name: usize, filling: Filling) -> ImageStatus {
        let odd = filling == Filling::Odd;
        let manifest: DesiredImage = declared(name, self.generation, false);
        let ago = |hours| noon() - SignedDuration::from_hours(hours);
        let long = if odd { ago(999) } else { ago(1) };
        let missing = |age| match age {
            LONG => noon() - LEAP - if odd { LEAP } else { SignedDuration::ZERO },
            SETTLED if odd => noon() - TICK * 20,
            age => noon() - TICK * i32::from(age),
        };
        ImageStatus {
            kind: manifest.subject.kind,
            name: manifest.subject.name,
            image_name: manifest.image_name,
            manifest: odd.then(|| "elsewhere.yaml#3".into()),
            withdrawn_at: self
                .withdrawn
                .map(|is_long| missing(if is_long { LONG } else { 0 })),
            observed_digest: manifest.digest,
            image_id: self.id.then(|| {
                if odd {
                    "wsi-another00".into()
                } else {
                    "wsi-made".into()
                }
            }),
            created_with: None,
            drift: Vec::new(),
            group: if odd { Group::Ready } else { Group::Waiting },
            due: odd.then_some(Verb::Create),
            conditions: Vec::new(),
            create_requested_at: self.requested.then_some(long),
            first_seen_at: self.seen.then_some(long),
            missing_since: self.missing.map(missing),
            attempts: if odd { u32::MAX } else { 1 },
            next_retry_at: (self.retry > 0).then(|| {
                let sooner = i64::from(odd);
                noon() + TICK * i32::from(self.retry) - SignedDuration::from_secs(sooner)
            }),
            last_error: self.error.map(|(kind, taken, count)| LastError {
                kind: kind.into(),
                reason: if odd {
                    Reason::Throttled
                } else {
                    Reason::CreateResultUnknown
                },
                code: taken.then(|| ALREADY_EXISTS.into()),
                message: if odd { "odd".into() } else { String::new() },
                request_id: odd.then(|| "r-9".into()),
                at: long,
                count: match kind {
                    // Every delay of these schedules is at most a tick.
                    Failed::Transient | Failed::SourceBusy if odd => 99,
                    Failed::OutcomeUnknown if odd && u32::from(count) == UNKNOWN_COUNT => 99,
                    _ => count.into(),
                },
            }),
        }
    }

    fn of(entry: &ImageStatus, now: Timestamp) -> Self {
        let age = |since: Timestamp| {
            let age = now.duration_since(since);
            if age >= LEAP {
                return LONG;
            }
            ticks(age).min(SETTLED)
        };
        Self {
            generation: u8::from(entry.observed_digest != declared(0, 0, false).digest),
            id: entry.image_id.is_some(),
            requested: entry.create_requested_at.is_some(),
            seen: entry.first_seen_at.is_some(),
            missing: entry.missing_since.map(age),
            withdrawn: entry.withdrawn_at.map(|since| age(since) == LONG),
            // Rounded up: it is looked at in whole ticks only.
            retry: entry.next_retry_at.map_or(0, |until| {
                ticks(until.duration_since(now) + TICK - SignedDuration::from_secs(1))
            }),
            error: entry.last_error.as_ref().map(|error| {
                let kind = Failed::from(error.kind);
                let most = match kind {
                    Failed::Transient | Failed::SourceBusy | Failed::Rejected => 1,
                    Failed::OutcomeUnknown => UNKNOWN_COUNT,
                    Failed::Blocked => COUNT,
                };
                let taken = error.code.as_deref() == Some(ALREADY_EXISTS);
                let count = u8::try_from(error.count.min(most)).unwrap();
                (kind, taken, count)
            }),
        }
    }
}

impl From<Failed> for FailureKind {
    fn from(kind: Failed) -> Self {
        match kind {
            Failed::Transient => Self::Transient,
            Failed::SourceBusy => Self::SourceBusy,
            Failed::OutcomeUnknown => Self::OutcomeUnknown,
            Failed::Blocked => Self::Blocked,
            Failed::Rejected => Self::Rejected,
        }
    }
}

/// Whole ticks in a duration, rounded down; none if it is negative.
fn ticks(duration: SignedDuration) -> u8 {
    u8::try_from((duration.as_secs() / TICK.as_secs()).max(0)).unwrap_or(u8::MAX)
}
