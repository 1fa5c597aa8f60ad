//! Hears what is logged on this thread: which passes ran when and why, and the lines that people see.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;
use tracing::field::{Field, Visit};
use tracing::{Level, Subscriber, span};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// What was heard so far.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Log>>);

#[derive(Default)]
struct Log {
    start: Option<Instant>,
    passes: Vec<(f64, String)>,
    lines: Vec<(f64, Level, String)>,
}

impl Heard {
    /// Listens until the guard is dropped; times count from now.
    pub fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        let heard = Self::default();
        heard.0.lock().unwrap().start = Some(Instant::now());
        let subscriber = tracing_subscriber::registry().with(heard.clone());
        (heard, tracing::subscriber::set_default(subscriber))
    }

    /// Each pass: when it began, in seconds, and what triggered it.
    pub fn passes(&self) -> Vec<(f64, String)> {
        self.0.lock().unwrap().passes.clone()
    }

    /// What triggered the passes, in order.
    pub fn triggers(&self) -> Vec<String> {
        self.passes()
            .into_iter()
            .map(|(_, trigger)| trigger)
            .collect()
    }

    /// The lines at INFO and above, as `INFO message field=value`.
    pub fn lines(&self) -> Vec<String> {
        let log = self.0.lock().unwrap();
        let seen = log
            .lines
            .iter()
            .filter(|(_, level, _)| *level <= Level::INFO);
        seen.map(|(_, level, line)| format!("{level} {line}"))
            .collect()
    }

    /// How many lines at INFO and above have this in them.
    pub fn count(&self, what: &str) -> usize {
        self.lines()
            .iter()
            .filter(|line| line.contains(what))
            .count()
    }

    /// Begins anew, at a time that counts as zero.
    pub fn forget(&self) {
        *self.0.lock().unwrap() = Log {
            start: Some(Instant::now()),
            ..Log::default()
        };
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
    trigger: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            "trigger" => {
                format!("{value:?}")
                    .trim_matches('"')
                    .clone_into(&mut self.trigger);
            }
            name => write!(self.fields, " {name}={value:?}").unwrap(),
        }
    }
}

impl<S: Subscriber> Layer<S> for Heard {
    fn on_new_span(&self, attributes: &span::Attributes<'_>, _: &span::Id, _: Context<'_, S>) {
        if attributes.metadata().name() == "reconcile" {
            let mut text = Text::default();
            attributes.record(&mut text);
            let mut log = self.0.lock().unwrap();
            let at = log.start.unwrap().elapsed().as_secs_f64();
            log.passes.push((at, text.trigger));
        }
    }

    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if !event.metadata().target().starts_with("repave") {
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let mut log = self.0.lock().unwrap();
        let at = log.start.unwrap().elapsed().as_secs_f64();
        let line = format!("{}{}", text.message, text.fields);
        log.lines.push((at, *event.metadata().level(), line));
    }
}
