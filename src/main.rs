//! The repave command: parses, starts the log, wires, and maps the outcome to an exit code.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use repave::cli::{Cli, Color, Config, LogFormat, LogLevel};
use repave::clock::Clock;
use repave::command;
use repave::outcome::{self, Outcome};
use repave::stop::Stopper;
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(message) => {
            // Help and version are no errors; clap prints each where it belongs.
            let code = if message.use_stderr() {
                outcome::ExitCode::Usage
            } else {
                outcome::ExitCode::Done
            };
            let _ = message.print();
            return code.number().into();
        }
    };
    let config = match cli.resolve() {
        Ok(config) => config,
        Err(message) => return end(&Outcome::new(outcome::ExitCode::Usage, message)),
    };
    match config.color {
        Color::Auto => {}
        Color::Never => anstream::ColorChoice::Never.write_global(),
        Color::Always => anstream::ColorChoice::AlwaysAnsi.write_global(),
    }
    start_log(&config);
    let outcome = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(run(&config)),
        Err(error) => Outcome::new(outcome::ExitCode::Failed, format!("cannot start: {error}")),
    };
    end(&outcome)
}

/// The last line on stderr names the outcome in words; the exit code is its number.
fn end(outcome: &Outcome) -> ExitCode {
    let _ = writeln!(anstream::stderr(), "repave: {outcome}");
    outcome.code.number().into()
}

async fn run(config: &Config) -> Outcome {
    let (stopper, stop) = Stopper::new();
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    let (Ok(mut interrupt), Ok(mut terminate)) = signals else {
        return Outcome::new(outcome::ExitCode::Failed, "cannot listen for signals");
    };
    tokio::spawn(async move {
        let mut count = 0;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            count += 1;
            stopper.stop();
            if count > 1 {
                end_at_once();
            }
        }
    });
    let mut out = anstream::stdout();
    command::run(config, &mut out, Clock::wall(), stop).await
}

#[expect(clippy::exit, reason = "a second signal asks for just that")]
fn end_at_once() {
    std::process::exit(outcome::ExitCode::Cancelled.number().into());
}

/// Starts the log on stderr. Only repave's own messages pass: those of the SDK and below may hold requests.
fn start_log(config: &Config) {
    let level = match config.log_level {
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
    let color = match config.color {
        Color::Never => false,
        Color::Always => true,
        Color::Auto => {
            anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
        }
    };
    // A subscriber that is set already is a test's own.
    let _ = match config.log_format {
        LogFormat::Text => {
            tracing::subscriber::set_global_default(registry.with(layer.with_ansi(color)))
        }
        LogFormat::Json => tracing::subscriber::set_global_default(
            registry.with(layer.json().flatten_event(true).with_ansi(false)),
        ),
    };
}
