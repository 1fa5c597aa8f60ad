//! Tells what changed from one pass to the next: one line of the log for each change, and none where nothing did.
//!
//! What was last told is what the status file says: a restart repeats nothing.

use std::collections::BTreeMap;

use crate::escape::escaped;
use crate::name::ImageName;
use crate::reason::Reason;
use crate::status::{ConditionStatus, ConditionType, ImageStatus, Status};

/// What was last told of each image.
#[derive(Debug, Default)]
pub struct Told(BTreeMap<ImageName, Seen>);

/// What makes a line worth writing when it changes. Messages, times and counts are no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    ready: bool,
    reason: Reason,
    /// The last failure's reason: a retry has the same reason whatever it waits out.
    cause: Option<Reason>,
    stalled: Option<Reason>,
}

/// An image's state, and whether the last that was told of it is that its create was accepted.
#[derive(Debug, Clone, Copy)]
struct Seen {
    state: State,
    accepted: bool,
}

/// How a change is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// A person is needed, for a reason that was not told before.
    Needed,
    /// No person is needed any more.
    Recovered,
    /// Something else.
    Changed,
    /// Nobody waits for this: an image that was there before repave looked.
    Found,
}

impl Told {
    /// What a status file that was loaded has told already.
    pub fn by(status: &Status) -> Self {
        let seen = status.images.iter().filter_map(|image| {
            let seen = Seen::of(image)?;
            Some((image.image_name.clone(), seen))
        });
        Self(seen.collect())
    }

    /// Logs what changed since, once.
    pub fn tell(&mut self, status: &Status) {
        let now = Self::by(status);
        for image in &status.images {
            let Some(seen) = now.0.get(&image.image_name) else {
                continue;
            };
            if let Some(line) = seen.line(self.0.get(&image.image_name).map(|seen| seen.state)) {
                log(line, image, seen.state);
            }
        }
        for gone in self.0.keys().filter(|name| !now.0.contains_key(*name)) {
            tracing::info!(
                image = gone.as_str(),
                "no longer declared; the image stays as it is"
            );
        }
        *self = now;
    }
}

impl Seen {
    fn of(image: &ImageStatus) -> Option<Self> {
        let ready = image.condition(ConditionType::Ready)?;
        let accepted = ready.reason == Reason::Settling && image.is_accepted();
        let state = State {
            ready: ready.status == ConditionStatus::True,
            // What was accepted and is listed at last is building, as it was before.
            reason: if accepted {
                Reason::Building
            } else {
                ready.reason
            },
            cause: image.last_error.as_ref().map(|error| error.reason),
            stalled: image.condition(ConditionType::Stalled).map(|c| c.reason),
        };
        Some(Self { state, accepted })
    }

    /// How the change from `before` to this is told, if it is one.
    fn line(self, before: Option<State>) -> Option<Line> {
        let now = self.state;
        match (before.and_then(|before| before.stalled), now.stalled) {
            (was, Some(is)) if was != Some(is) => Some(Line::Needed),
            // The same need, whatever is tried meanwhile.
            (Some(_), Some(_)) => None,
            (Some(_), None) => Some(Line::Recovered),
            (None, _) if self.accepted || before == Some(now) => None,
            (None, _) if before.is_some() => Some(Line::Changed),
            (None, _) if now.is_as_found() => Some(Line::Found),
            (None, _) => Some(Line::Changed),
        }
    }
}

impl State {
    /// Tells whether an image that is seen for the first time is so without any doing of repave's.
    fn is_as_found(self) -> bool {
        self.ready
            || matches!(
                self.reason,
                Reason::Building | Reason::Suspended | Reason::NoUpdateAvailable
            )
    }
}

fn log(line: Line, image: &ImageStatus, state: State) {
    let message = image
        .condition(ConditionType::Ready)
        .map(|ready| escaped(&ready.message, 500))
        .unwrap_or_default();
    let (name, image) = (image.name.as_str(), image.image_name.as_str());
    let reason = state.stalled.unwrap_or(state.reason);
    match line {
        Line::Needed => tracing::warn!(name, image, %reason, "a person is needed: {message}"),
        Line::Recovered => {
            tracing::info!(name, image, %reason, "no person is needed any more: {message}");
        }
        Line::Changed if state.ready => tracing::info!(name, image, %reason, "ready: {message}"),
        Line::Changed => tracing::info!(name, image, %reason, "not ready: {message}"),
        Line::Found => tracing::debug!(name, image, %reason, "found: {message}"),
    }
}
