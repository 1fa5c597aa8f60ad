//! The progress of a waiting run on stderr: a live line for each image in a terminal, or a line in the log from time to time.
//! `changes.rs` logs the changes. This only shows that the run is not stuck.

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

/// The delays between two progress lines in the log, counted from the last change or line. The last one repeats.
const LOG_DELAYS: [Duration; 3] = [
    Duration::from_secs(10),
    Duration::from_mins(1),
    Duration::from_mins(5),
];

/// The time between two updates of the terminal.
const REFRESH: Duration = Duration::from_secs(1);

/// Shows the progress of a waiting run.
#[derive(Debug)]
pub struct Progress {
    form: Form,
    /// The images that the last pass left waiting.
    waiting: Vec<Waiting>,
    checked_at: Timestamp,
    lines_logged: usize,
    next_line: Instant,
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
    /// Returns the current size of the terminal.
    size: fn() -> Size,
}

/// Lines of a terminal that are overwritten.
#[derive(Debug)]
pub struct Lines(ProgressBar);

impl Lines {
    pub fn on(target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        // The template is valid. The default style shows the message too.
        let style = ProgressStyle::with_template("{msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        Self(bar.with_style(style))
    }

    pub(crate) fn at_stdout() -> Self {
        Self::on(ProgressDrawTarget::stdout())
    }

    /// Overwrites the previous lines.
    pub(crate) fn show(&self, lines: &[String]) {
        self.0.set_message(lines.join("\n"));
        self.0.tick();
    }

    /// Stops the updates and keeps the lines on the terminal.
    pub(crate) fn keep(self) {
        self.0.abandon();
    }
}

impl Progress {
    fn new(form: Form) -> Self {
        Self {
            form,
            waiting: Vec::new(),
            checked_at: Timestamp::UNIX_EPOCH,
            lines_logged: 0,
            next_line: Instant::now(),
        }
    }

    pub fn silent() -> Self {
        Self::new(Form::Silent)
    }

    /// Logs a line after 10 s without a change, after another minute, and then every 5 minutes.
    pub fn in_log() -> Self {
        Self::new(Form::Log)
    }

    /// Shows a line for each image on this terminal.
    pub fn live(target: ProgressDrawTarget, size: fn() -> Size) -> Self {
        Self::new(Form::Live(Live {
            lines: Lines::on(target),
            size,
        }))
    }

    /// Shows a line for each image on stderr.
    pub(crate) fn on_stderr(size: fn() -> Size) -> Self {
        Self::live(ProgressDrawTarget::stderr(), size)
    }

    /// Sets the plan that a pass left. `wait` is whether the run waits for builds.
    pub fn update(&mut self, left: &Plan<'_>, wait: bool, now: Timestamp) {
        let before: BTreeMap<ImageName, (Reason, Timestamp)> = std::mem::take(&mut self.waiting)
            .into_iter()
            .map(|waiting| (waiting.image_name, (waiting.reason, waiting.since)))
            .collect();
        self.checked_at = now;
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
            self.lines_logged = 0;
            self.next_line = Instant::now() + LOG_DELAYS[0];
        }
    }

    /// Waits and shows the progress. If it is dropped, it removes its lines from the terminal.
    pub async fn wait(&mut self, clock: Clock, delay: Duration) {
        let end = Instant::now() + delay;
        match &mut self.form {
            Form::Silent => {}
            Form::Log => {
                while !self.waiting.is_empty() && self.next_line < end {
                    sleep_until(self.next_line).await;
                    tracing::info!(
                        "{}",
                        waiting_text(&self.waiting, self.checked_at, clock.now())
                    );
                    self.lines_logged += 1;
                    self.next_line =
                        Instant::now() + LOG_DELAYS[self.lines_logged.min(LOG_DELAYS.len() - 1)];
                }
            }
            Form::Live(live) => {
                let clear = ClearOnDrop(&live.lines);
                while Instant::now() < end {
                    let (now, size) = (clock.now(), (live.size)());
                    let lines = waiting_lines(&self.waiting, self.checked_at, now, size);
                    live.lines.show(&lines);
                    sleep_until(end.min(Instant::now() + REFRESH)).await;
                }
                drop(clear);
            }
        }
        sleep_until(end).await;
    }
}

/// Removes the lines from the terminal when it is dropped.
struct ClearOnDrop<'a>(&'a Lines);

impl Drop for ClearOnDrop<'_> {
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
    async fn a_terminal_has_a_line_for_each_image_and_none_after_the_wait() {
        let term = InMemoryTerm::new(10, 60);
        let target = ProgressDrawTarget::term_like(Box::new(term.clone()));
        let mut progress = Progress::live(target, || Size {
            columns: 60,
            rows: 4,
        });
        let clock = Clock::following_runtime(epoch());
        progress.checked_at = epoch();
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
            ~ a  Building for 1m 5s; checked 1m 5s ago: image o...
            and 2 more
            ");
        }
        assert_eq!(term.contents(), "", "cleared when the wait is dropped");
        let _ = term.flush();
    }
}
