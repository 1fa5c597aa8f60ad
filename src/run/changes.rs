//! Tells what changed from one pass to the next: one line of the log for each change, and none where nothing did.
//!
//! What was last told is what the status file says: a restart repeats nothing.

use std::collections::BTreeMap;

use crate::model::group::Group;
use crate::model::reason::Reason;
use crate::model::value::ImageName;
use crate::state::status::{ConditionStatus, ConditionType, ImageStatus, Status};
use crate::sys::escape::escaped;

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
    blocked: Option<Reason>,
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
        let accepted = ready.reason == Reason::AwaitingListing && image.is_accepted();
        let state = State {
            ready: ready.status == ConditionStatus::True,
            // What was accepted and is listed at last is building, as it was before.
            reason: if accepted {
                Reason::Building
            } else {
                ready.reason
            },
            cause: image.last_error.as_ref().map(|error| error.reason),
            blocked: (image.group == Group::Blocked).then_some(ready.reason),
        };
        Some(Self { state, accepted })
    }

    /// How the change from `before` to this is told, if it is one.
    fn line(self, before: Option<State>) -> Option<Line> {
        let now = self.state;
        match (before.and_then(|before| before.blocked), now.blocked) {
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
    let reason = state.reason;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{ApiError, Operation};
    use crate::model::defaults::SETTLE;
    use crate::model::image::{ImageState, Observed, ObservedImage, OperatingSystem};
    use crate::model::target::Target;
    use crate::plan::{plan, samples};
    use jiff::{SignedDuration, Timestamp};

    /// What happens to the image in a pass.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        /// A create is refused with this code.
        Refused(&'static str),
        Accepted,
        /// It is listed in this state.
        Listed(&'static str),
        /// Nothing but this many seconds.
        Later(i64),
    }

    /// An image and its status as pass follows pass.
    struct Story {
        status: Status,
        listed: Vec<ObservedImage>,
        now: Timestamp,
    }

    impl Story {
        fn new() -> Self {
            let gold = listed("wsi-gold00000", "gold", "AVAILABLE");
            let mut story = Self {
                status: Status::new(Target::default()),
                listed: vec![gold],
                now: Timestamp::from_second(1_800_000_000).unwrap(),
            };
            story.look();
            story
        }

        fn look(&mut self) {
            let desired = samples::desired(&["a"]);
            let observed = Observed::new(self.listed.clone());
            self.status.observe(&desired, &observed, self.now);
            let plan = plan(&desired, &observed, &self.status, SETTLE, self.now);
            plan.write_conditions(&mut self.status, self.now);
        }

        /// The pass in which this happens; gives how it is told.
        fn pass(&mut self, event: Event) -> Option<Line> {
            let before = Seen::of(&self.status.images[0]).map(|seen| seen.state);
            let create = samples::create("wsi-gold00000").step().cloned().unwrap();
            match event {
                Event::Refused(_) | Event::Accepted => {
                    self.status.mark(&create, self.now);
                    let result = match event {
                        Event::Refused(code) => Err(refusal(code)),
                        _ => Ok(samples::receipt("wsi-a")),
                    };
                    self.status.record(&create, &result, self.now);
                }
                Event::Listed(state) => {
                    self.listed.retain(|image| image.id != "wsi-a");
                    self.listed.push(listed("wsi-a", "a", state));
                }
                Event::Later(seconds) => self.now += SignedDuration::from_secs(seconds),
            }
            self.look();
            Seen::of(&self.status.images[0]).unwrap().line(before)
        }
    }

    fn listed(id: &str, name: &str, state: &str) -> ObservedImage {
        ObservedImage {
            id: id.into(),
            name: Some(name.into()),
            state: match state {
                "PENDING" => ImageState::Pending,
                "ERROR" => ImageState::Error,
                _ => ImageState::Available,
            },
            operating_system: OperatingSystem::Windows,
            update_available: None,
            created: None,
            errors: Vec::new(),
            owner: None,
        }
    }

    fn refusal(code: &str) -> ApiError {
        ApiError::answered(Operation::CreateUpdatedWorkspaceImage, Some(code))
    }

    #[test]
    fn a_line_is_written_for_each_change_and_for_nothing_else() {
        use Event::{Accepted, Later, Listed, Refused};
        use Line::{Changed, Needed, Recovered};
        const BUSY: &str = "InvalidResourceStateException";
        const THROTTLED: &str = "ThrottlingException";
        const QUOTA: &str = "ResourceLimitExceededException";
        const DENIED: &str = "AccessDeniedException";
        let stories: [&[(Event, Option<Line>)]; 8] = [
            &[
                (Refused(THROTTLED), Some(Changed)),
                (Refused(THROTTLED), None),
                (Refused(BUSY), Some(Changed)),
                (Refused(BUSY), None),
                (Refused(THROTTLED), Some(Changed)),
            ],
            &[
                (Refused(QUOTA), Some(Needed)),
                (Later(30), None),
                (Refused(QUOTA), None),
                (Refused(DENIED), Some(Needed)),
                (Refused(DENIED), None),
                (Refused(QUOTA), Some(Needed)),
                (Accepted, Some(Recovered)),
                (Listed("PENDING"), None),
                (Listed("AVAILABLE"), Some(Changed)),
            ],
            &[
                (Accepted, None),
                (Later(10), None),
                (Listed("PENDING"), None),
                (Later(4 * 3600 - 10), None),
                (Later(1), Some(Needed)),
                (Later(60), None),
                (Listed("AVAILABLE"), Some(Recovered)),
                (Later(60), None),
                (Listed("ERROR"), Some(Needed)),
            ],
            &[
                (Listed("ERROR"), Some(Needed)),
                (Later(60), None),
                (Listed("PENDING"), Some(Recovered)),
                (Listed("ERROR"), Some(Needed)),
            ],
            // A result that is not known is news, unlike one that was accepted.
            &[
                (Refused("SomethingNewException"), Some(Changed)),
                (Later(10), None),
                (Listed("AVAILABLE"), Some(Changed)),
            ],
            &[
                (Refused(BUSY), Some(Changed)),
                (Refused(QUOTA), Some(Needed)),
            ],
            &[
                (Refused(QUOTA), Some(Needed)),
                (Refused(BUSY), Some(Recovered)),
            ],
            &[
                (Later(60), None),
                (Listed("AVAILABLE"), Some(Changed)),
                (Later(60), None),
            ],
        ];
        for events in stories {
            let mut story = Story::new();
            for (number, (event, line)) in events.iter().enumerate() {
                assert_eq!(story.pass(*event), *line, "event {number} of {events:?}");
            }
        }
    }

    #[test]
    fn an_image_that_is_seen_for_the_first_time_is_news_unless_it_is_as_it_was_found() {
        for (state, line) in [
            ("AVAILABLE", Line::Found),
            ("PENDING", Line::Found),
            ("ERROR", Line::Needed),
        ] {
            let mut story = Story::new();
            story.pass(Event::Listed(state));
            let seen = Seen::of(&story.status.images[0]).unwrap();
            assert_eq!(seen.line(None), Some(line), "{state}");
        }
        let missing = Story::new();
        let seen = Seen::of(&missing.status.images[0]).unwrap();
        assert_eq!(seen.line(None), Some(Line::Changed));
    }
}
