//! Logs what changed from one pass to the next: one log line for each change.
//!
//! After a restart, the status file says what was already logged, so nothing is logged twice.

use std::collections::BTreeMap;

use crate::model::group::Group;
use crate::model::reason::Reason;
use crate::model::value::ImageName;
use crate::state::status::{ConditionStatus, ConditionType, Difference, ImageStatus, Status};
use crate::sys::escape::escaped;

/// What was last logged for each image.
#[derive(Debug, Default)]
pub struct ChangeLog(BTreeMap<ImageName, Logged>);

/// The part of an image's status whose change is logged. Changed messages, times and counts are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    ready: bool,
    reason: Reason,
    /// The last failure's reason: every image that waits for a retry has the same `reason`.
    cause: Option<Reason>,
    blocked: Option<Reason>,
}

/// The state last logged for an image, and whether the last log line was `create accepted`.
#[derive(Debug, Clone)]
struct Logged {
    state: State,
    accepted: bool,
    drift: Vec<Difference>,
}

/// The kind of log line for a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// The image is blocked, for a new reason.
    ActionRequired,
    /// The image is no longer blocked.
    Resolved,
    Changed,
    /// The image existed before repave's first pass.
    Found,
}

impl ChangeLog {
    /// Takes everything in a loaded status file as already logged.
    pub fn of(status: &Status) -> Self {
        let logged = status.images.iter().filter_map(|image| {
            let logged = Logged::of(image)?;
            Some((image.image_name.clone(), logged))
        });
        Self(logged.collect())
    }

    /// Logs what changed since the last call.
    pub fn log_changes(&mut self, status: &Status) {
        let now = Self::of(status);
        for image in &status.images {
            let Some(logged) = now.0.get(&image.image_name) else {
                continue;
            };
            let before = self.0.get(&image.image_name);
            if let Some(line) = logged.line(before.map(|before| before.state)) {
                log(line, image, logged.state);
            }
            if before.map_or(&[][..], |before| &before.drift) != logged.drift {
                log_drift(image);
            }
        }
        for gone in self.0.keys().filter(|name| !now.0.contains_key(*name)) {
            tracing::info!(
                image = gone.as_str(),
                "no manifest declares the image anymore; the image stays unchanged"
            );
        }
        *self = now;
    }
}

impl Logged {
    fn of(image: &ImageStatus) -> Option<Self> {
        let ready = image.condition(ConditionType::Ready)?;
        let accepted = ready.reason == Reason::AwaitingListing && image.is_accepted();
        let state = State {
            ready: ready.status == ConditionStatus::True,
            // An accepted image is building, whether it is listed yet or not.
            reason: if accepted {
                Reason::Building
            } else {
                ready.reason
            },
            cause: image.last_error.as_ref().map(|error| error.reason),
            blocked: (image.group == Group::Blocked).then_some(ready.reason),
        };
        Some(Self {
            state,
            accepted,
            drift: image.drift.clone(),
        })
    }

    /// Returns the log line for the change from `before` to this state, if anything changed.
    fn line(&self, before: Option<State>) -> Option<Line> {
        let now = self.state;
        match (before.and_then(|before| before.blocked), now.blocked) {
            (was, Some(is)) if was != Some(is) => Some(Line::ActionRequired),
            // Still blocked for the same reason.
            (Some(_), Some(_)) => None,
            (Some(_), None) => Some(Line::Resolved),
            (None, _) if self.accepted || before == Some(now) => None,
            (None, _) if before.is_some() => Some(Line::Changed),
            (None, _) if now.is_as_found() => Some(Line::Found),
            (None, _) => Some(Line::Changed),
        }
    }
}

impl State {
    /// Returns whether an image in this state needs no log line when repave sees it for the first time.
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
        Line::ActionRequired => tracing::warn!(name, image, %reason, "action required: {message}"),
        Line::Resolved => tracing::info!(name, image, %reason, "resolved: {message}"),
        Line::Changed if state.ready => tracing::info!(name, image, %reason, "ready: {message}"),
        Line::Changed => tracing::info!(name, image, %reason, "not ready: {message}"),
        Line::Found => tracing::debug!(name, image, %reason, "found: {message}"),
    }
}

fn log_drift(image: &ImageStatus) {
    let drifted = image.condition(ConditionType::Drifted);
    let (name, image) = (image.name.as_str(), image.image_name.as_str());
    if let Some(drifted) = drifted {
        let (reason, message) = (drifted.reason, escaped(&drifted.message, 500));
        tracing::warn!(name, image, %reason, "the image differs from its manifest: {message}");
    } else {
        tracing::info!(name, image, "the image no longer differs from its manifest");
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

    /// What happens to the image in one pass.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        /// A create is refused with this code.
        Refused(&'static str),
        Accepted,
        /// It is listed in this state.
        Listed(&'static str),
        /// Only this many seconds pass.
        Later(i64),
    }

    /// An image and its status over several passes.
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
            story.observe();
            story
        }

        fn observe(&mut self) {
            let desired = samples::desired(&["a"]);
            let observed = Observed::new(self.listed.clone());
            self.status.observe(&desired, &observed, self.now);
            let plan = plan(&desired, &observed, &self.status, SETTLE, self.now);
            plan.write_conditions(&mut self.status, self.now);
        }

        /// Runs one pass in which this happens; returns its log line.
        fn pass(&mut self, event: Event) -> Option<Line> {
            let before = Logged::of(&self.status.images[0]).map(|logged| logged.state);
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
            self.observe();
            Logged::of(&self.status.images[0]).unwrap().line(before)
        }
    }

    fn listed(id: &str, name: &str, state: &str) -> ObservedImage {
        ObservedImage {
            description: None,
            id: id.into(),
            name: Some(name.into()),
            state: match state {
                "PENDING" => ImageState::Pending,
                "ERROR" => ImageState::Error,
                _ => ImageState::Available,
            },
            operating_system: OperatingSystem::Windows,
            update_available: None,
            update: None,
            created: None,
            errors: Vec::new(),
            owner: None,
        }
    }

    fn refusal(code: &str) -> ApiError {
        ApiError::answered(Operation::CreateUpdatedWorkspaceImage, Some(code))
    }

    #[test]
    fn each_change_is_logged_and_nothing_else() {
        use Event::{Accepted, Later, Listed, Refused};
        use Line::{ActionRequired, Changed, Resolved};
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
                (Refused(QUOTA), Some(ActionRequired)),
                (Later(30), None),
                (Refused(QUOTA), None),
                (Refused(DENIED), Some(ActionRequired)),
                (Refused(DENIED), None),
                (Refused(QUOTA), Some(ActionRequired)),
                (Accepted, Some(Resolved)),
                (Listed("PENDING"), None),
                (Listed("AVAILABLE"), Some(Changed)),
            ],
            &[
                (Accepted, None),
                (Later(10), None),
                (Listed("PENDING"), None),
                (Later(4 * 3600 - 10), None),
                (Later(1), Some(ActionRequired)),
                (Later(60), None),
                (Listed("AVAILABLE"), Some(Resolved)),
                (Later(60), None),
                (Listed("ERROR"), Some(ActionRequired)),
            ],
            &[
                (Listed("ERROR"), Some(ActionRequired)),
                (Later(60), None),
                (Listed("PENDING"), Some(Resolved)),
                (Listed("ERROR"), Some(ActionRequired)),
            ],
            // An unknown result is logged, unlike an accepted create.
            &[
                (Refused("SomethingNewException"), Some(Changed)),
                (Later(10), None),
                (Listed("AVAILABLE"), Some(Changed)),
            ],
            &[
                (Refused(BUSY), Some(Changed)),
                (Refused(QUOTA), Some(ActionRequired)),
            ],
            &[
                (Refused(QUOTA), Some(ActionRequired)),
                (Refused(BUSY), Some(Resolved)),
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
    fn a_new_image_is_logged_unless_it_was_there_before() {
        for (state, line) in [
            ("AVAILABLE", Line::Found),
            ("PENDING", Line::Found),
            ("ERROR", Line::ActionRequired),
        ] {
            let mut story = Story::new();
            story.pass(Event::Listed(state));
            let logged = Logged::of(&story.status.images[0]).unwrap();
            assert_eq!(logged.line(None), Some(line), "{state}");
        }
        let missing = Story::new();
        let logged = Logged::of(&missing.status.images[0]).unwrap();
        assert_eq!(logged.line(None), Some(Line::Changed));
    }
}
