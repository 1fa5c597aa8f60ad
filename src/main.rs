//! The repave command: parses, starts the log, runs the command, and maps the outcome to an exit code.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use repave::cli::{Cli, Color, Command, Console, LogFormat, LogLevel};
use repave::command::{self, Screen};
use repave::model::outcome::{self, Outcome};
use repave::sys::clock::Clock;
use repave::sys::panics;
use repave::sys::stop::Stopper;
use repave::sys::terminal::{self, Terminal};
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;

/// Signals that arrive this soon after the first count as the same signal: `timeout` sends one to the process and one to its
/// group.
const SAME_SIGNAL: Duration = Duration::from_millis(100);

/// The time to write the last line when a second signal ends the process.
const LAST_LINE: Duration = Duration::from_millis(100);

/// The same number on Linux (x86-64, ARM) and macOS.
const SIGXFSZ: i32 = 25;

fn main() -> ExitCode {
    let cli = match Cli::parse_arguments() {
        Ok(cli) => cli,
        Err(message) => {
            let _ = message.print();
            // Help and version are not errors; clap prints each where it belongs.
            if !message.use_stderr() {
                return outcome::ExitCode::Done.number().into();
            }
            let words = "wrong command line; nothing was done";
            return end(&Outcome::new(outcome::ExitCode::Usage, words));
        }
    };
    let Cli { command, console } = cli;
    match console.color {
        Color::Auto => {}
        Color::Never => anstream::ColorChoice::Never.write_global(),
        Color::Always => anstream::ColorChoice::AlwaysAnsi.write_global(),
    }
    start_log(console);
    panics::log_locations();
    let in_json = console.log_format == LogFormat::Json;
    let outcome = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let outcome = not_panicking(|| runtime.block_on(run(&command, console)));
            // A DNS lookup can still hold a thread; its answer is not needed any more.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Outcome::new(outcome::ExitCode::Failed, format!("cannot start: {error}")),
    };
    if command.is_page() && outcome.code == outcome::ExitCode::Done {
        // A shell that reads its completions at every start must not print a line each time.
        return outcome.code.number().into();
    }
    if in_json {
        end_in_json(&outcome)
    } else {
        end(&outcome)
    }
}

/// The maximum length of the last line, in characters.
const MAX_LAST_LINE: usize = 200;

/// Writes the last line on stderr, which describes the outcome, and returns the exit code. The log has a long
/// message whole.
fn end(outcome: &Outcome) -> ExitCode {
    let mut line = format!("repave: {outcome}");
    if line.chars().count() > MAX_LAST_LINE {
        match outcome.code {
            outcome::ExitCode::Done | outcome::ExitCode::ChangesPending => {
                tracing::info!("{outcome}");
            }
            _ => tracing::error!("{outcome}"),
        }
        line = line.chars().take(MAX_LAST_LINE - 1).collect();
        line.push('…');
    }
    let _ = writeln!(anstream::stderr(), "{line}");
    outcome.code.number().into()
}

/// Does the same with an object of the JSON log.
fn end_in_json(outcome: &Outcome) -> ExitCode {
    let line = outcome.log_line(Clock::wall().now());
    let _ = writeln!(anstream::stderr(), "{line}");
    outcome.code.number().into()
}

/// Turns a panic into an outcome, with an exit code and a last line.
fn not_panicking(work: impl FnOnce() -> Outcome) -> Outcome {
    panics::catch_panic_now(work)
        .unwrap_or_else(|panicked| Outcome::new(outcome::ExitCode::Failed, panicked.to_string()))
}

async fn run(command: &Command, console: Console) -> Outcome {
    let (stopper, stop) = Stopper::new();
    // A hangup ends every other command.
    let hangs_up = matches!(command, Command::Reconcile(reconcile) if !reconcile.once);
    if let Err(error) = listen_for_signals(stopper, hangs_up) {
        let words = format!("cannot listen for signals: {error}");
        return Outcome::new(outcome::ExitCode::Failed, words);
    }
    let terminal = Terminal::of_stdout();
    let stderr_size = match console.log_format {
        LogFormat::Text => terminal::of_stderr(),
        LogFormat::Json => None,
    };
    let mut out = anstream::stdout();
    let screen = Screen::new(&mut out, command.output(), terminal);
    command::run(command, screen, stderr_size, Clock::wall(), stop).await
}

/// Listens on a separate thread: a long read of manifests, or a reader of the output that does not read, must not keep a
/// second signal from ending the process.
fn listen_for_signals(stopper: Stopper, hangs_up: bool) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let (mut interrupt, mut terminate, mut hangup) = {
        let _inside = runtime.enter();
        // A file beyond the size limit is then an error of its write, and no end of the process.
        let _ = signal(SignalKind::from_raw(SIGXFSZ));
        let hangup = hangs_up.then(|| signal(SignalKind::hangup())).transpose()?;
        (
            signal(SignalKind::interrupt())?,
            signal(SignalKind::terminate())?,
            hangup,
        )
    };
    let listen = async move {
        let mut next = async || {
            loop {
                let hung_up = async {
                    match &mut hangup {
                        Some(hangup) => hangup.recv().await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    _ = interrupt.recv() => return,
                    _ = terminate.recv() => return,
                    _ = hung_up => stopper.hang_up(),
                }
            }
        };
        next().await;
        stopper.stop();
        let first = Instant::now();
        while first.elapsed() < SAME_SIGNAL {
            next().await;
        }
        end_at_once();
    };
    let thread = std::thread::Builder::new().name("signals".into());
    thread.spawn(move || runtime.block_on(listen))?;
    Ok(())
}

#[expect(clippy::exit, reason = "a second signal asks for this")]
fn end_at_once() {
    let (done, is_done) = std::sync::mpsc::sync_channel::<()>(1);
    // A write to a log that nobody reads can block: this must not keep the process from ending.
    let say = move || {
        let words = "stopped at once by a second signal; the next run checks calls in flight";
        end(&Outcome::new(outcome::ExitCode::Cancelled, words));
        let _ = done.send(());
    };
    if std::thread::Builder::new().spawn(say).is_ok() {
        let _ = is_done.recv_timeout(LAST_LINE);
    }
    std::process::exit(outcome::ExitCode::Cancelled.number().into());
}

/// Starts the log on stderr. It contains only repave's own messages: those of the SDK can contain requests.
fn start_log(console: Console) {
    let level = match console.log_level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let registry = tracing_subscriber::registry().with(Targets::new().with_target("repave", level));
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_target(false);
    let color = match console.color {
        Color::Never => false,
        Color::Always => true,
        Color::Auto => {
            anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
        }
    };
    // A test can have set a subscriber already.
    let _ = match console.log_format {
        LogFormat::Text => {
            tracing::subscriber::set_global_default(registry.with(layer.with_ansi(color)))
        }
        LogFormat::Json => tracing::subscriber::set_global_default(
            registry.with(layer.json().flatten_event(true).with_ansi(false)),
        ),
    };
}
