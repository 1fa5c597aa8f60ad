//! What a run that waits shows of it, on stderr: a live line for each image at a terminal, and in a log a line now and
//! then. What changes is told by `changes.rs`; this only shows that nothing is stuck.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use super::waiting::{Waiting, waiting_lines, waiting_text};
use crate::model::reason::Reason;
use crate::model::value::ImageName;
use crate::plan::Plan;
use crate::sys::clock::Clock;
use crate::sys::terminal::Size;

/// When a log is told that the run still waits: after these, counted from the last change or line; the last one goes on.
const BEATS: [Duration; 3] = [
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(5),
];

/// How often a terminal's lines count on.
const TICK: Duration = Duration::from_secs(1);

/// Shows what a run waits for.
#[derive(Debug)]
pub struct Progress {
    form: Form,
    /// What the last pass left, and since when it is so.
    waiting: Vec<Waiting>,
    looked: Timestamp,
    beats: usize,
    next: Instant,
}

#[derive(Debug)]
enum Form {
    Silent,
    Log,
    Live(Live),
}

#[derive(Debug)]
struct Live {
    lines: Lines,
    /// How large the terminal is now.
    size: fn() -> Size,
}

/// Lines of a terminal that are written over.
#[derive(Debug)]
pub struct Lines(ProgressBar);

impl Lines {
    pub fn on(target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        // The only template there is, and a valid one; another would show the message all the same.
        let style = ProgressStyle::with_template("{msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        Self(bar.with_style(style))
    }

    pub(crate) fn at_stdout() -> Self {
        Self::on(ProgressDrawTarget::stdout())
    }

    /// Writes these lines over those before them.
    pub(crate) fn show(&self, lines: &[String]) {
        self.0.set_message(lines.join("\n"));
        self.0.tick();
    }

    /// Leaves the lines where they are.
    pub(crate) fn leave(self) {
        self.0.abandon();
    }
}

impl Progress {
    fn new(form: Form) -> Self {
        Self {
            form,
            waiting: Vec::new(),
            looked: Timestamp::UNIX_EPOCH,
            beats: 0,
            next: Instant::now(),
        }
    }

    pub fn silent() -> Self {
        Self::new(Form::Silent)
    }

    /// Writes a line into the log after 10 s without a change, another a minute later, and then one every 5 minutes.
    pub fn in_log() -> Self {
        Self::new(Form::Log)
    }

    /// Keeps a line for each image on this terminal.
    pub fn live(target: ProgressDrawTarget, size: fn() -> Size) -> Self {
        Self::new(Form::Live(Live {
            lines: Lines::on(target),
            size,
        }))
    }

    /// Keeps a line for each image on stderr.
    pub(crate) fn on_stderr(size: fn() -> Size) -> Self {
        Self::live(ProgressDrawTarget::stderr(), size)
    }

    /// Takes in what a pass left; `wait` tells whether builds are waited for.
    pub fn looked(&mut self, left: &Plan<'_>, wait: bool, now: Timestamp) {
        let before: BTreeMap<ImageName, (Reason, Timestamp)> = std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|waiting| (waiting.image_name, (waiting.reason, waiting.since)))
            .collect();
        self.looked = now;
        let mut changed = false;
        for mut waiting in Waiting::of(left, wait, now) {
            match before.get(&waiting.image_name) {
                Some((reason, since)) if *reason == waiting.reason => {
                    waiting.since = waiting.since.min(*since);
                }
                Some(_) | None => changed = true,
            }
            self.waiting.push(waiting);
        }
        if changed || self.waiting.len() != before.len() {
            self.beats = 0;
            self.next = Instant::now() + BEATS[0];
        }
    }

    /// Waits this long, and shows that. May be dropped at any time; then nothing of it stays on a terminal.
    pub async fn wait(&mut self, clock: Clock, delay: Duration) {
        let end = Instant::now() + delay;
        match &mut self.form {
            Form::Silent => {}
            Form::Log => {
                while !self.waiting.is_empty() && self.next < end {
                    sleep_until(self.next).await;
                    tracing::info!("{}", waiting_text(&self.waiting, self.looked, clock.now()));
                    self.beats += 1;
                    self.next = Instant::now() + BEATS[self.beats.min(BEATS.len() - 1)];
                }
            }
            Form::Live(live) => {
                let cleared = Cleared(&live.lines);
                while Instant::now() < end {
                    let (now, size) = (clock.now(), (live.size)());
                    let lines = waiting_lines(&self.waiting, self.looked, now, size);
                    live.lines.show(&lines);
                    sleep_until(end.min(Instant::now() + TICK)).await;
                }
                drop(cleared);
            }
        }
        sleep_until(end).await;
    }
}

/// Takes the lines away, whatever ends the wait.
struct Cleared<'a>(&'a Lines);

impl Drop for Cleared<'_> {
    fn drop(&mut self) {
        self.0.0.set_message("");
        self.0.0.tick();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use indicatif::{InMemoryTerm, TermLike};

    use super::*;
    use crate::model::group::Group;
    use crate::model::subject::{Kind, Subject};
    use crate::model::value::ManifestName;

    fn waiting(name: &str, reason: Reason, since: Timestamp) -> Waiting {
        Waiting {
            subject: Subject::new(Kind::UpdatedImage, ManifestName::parse(name).unwrap()),
            image_name: ImageName::parse(name).unwrap(),
            reason,
            group: Group::Building,
            message: format!("image of {name} \u{1b}[2J"),
            since,
            until: None,
        }
    }

    fn epoch() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_terminal_has_a_line_for_each_image_and_none_when_the_wait_ends() {
        let term = InMemoryTerm::new(10, 60);
        let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
        let mut progress = Progress::live(target, || Size {
            columns: 60,
            rows: 4,
        });
        let clock = Clock::following_runtime(epoch());
        progress.looked = epoch();
        for name in ["a", "bb", "c"] {
            progress
                .waiting
                .push(waiting(name, Reason::Building, epoch()));
        }
        {
            let wait = progress.wait(clock, Duration::from_mins(10));
            let wait = tokio::time::timeout(Duration::from_millis(65_500), wait);
            let seen = Arc::new(Mutex::new(String::new()));
            let watch = async {
                tokio::time::sleep(Duration::from_millis(65_200)).await;
                *seen.lock().unwrap() = term.contents();
                std::future::pending::<()>().await;
            };
            tokio::select! {
                ended = wait => assert!(ended.is_err()),
                () = watch => {}
            }
            insta::assert_snapshot!(seen.lock().unwrap(), @"
            ~ a  Building for 1m 5s; looked 1m 5s ago: image of...
              and 2 more
            ");
        }
        assert_eq!(term.contents(), "", "cleared when the wait is broken off");
        let _ = term.flush();
    }
}
