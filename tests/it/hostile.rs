//! Hostile input: whatever manifests, the status file, the service's answers, requests to the simulator and the environment
//! hold, there is no panic, every problem has its place, and nothing of it acts on a terminal, a log or a reader.
//!
//! `REPAVE_TEST_TIMES` sets how many times the everyday number of cases each property gets (1); `REPAVE_TEST_SEED` chooses
//! others (1). A failure is told with its seed and made smaller.
//!
//! ```sh
//! REPAVE_TEST_TIMES=100 cargo test --profile proof --test it hostile::
//! ```
//!
//! The fuzz targets of `fuzz/` ask the same things of texts that coverage leads to.

#![expect(
    clippy::panic,
    reason = "a test that panics has failed; clippy sees tests only where #[test] stands"
)]

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

mod answers;
mod canaries;
mod checks;
mod cuts;
mod house;
mod manifests;
mod outputs;
mod raw;
mod requests;
mod statuses;

/// Runs a property over `cases` cases, times `REPAVE_TEST_TIMES`.
#[expect(clippy::print_stdout, reason = "shown with a failure")]
fn runner(cases: u32) -> TestRunner {
    #[expect(clippy::disallowed_methods, reason = "a campaign's size")]
    let setting = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse::<u32>().ok())
    };
    let times = setting("REPAVE_TEST_TIMES").unwrap_or(1);
    let seed = setting("REPAVE_TEST_SEED").unwrap_or(1);
    println!("REPAVE_TEST_SEED={seed}");
    let config = Config {
        cases: cases.saturating_mul(times.max(1)),
        failure_persistence: None,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(config, random)
}

/// Everything that stands in a JSON value, by its path from the top.
fn places(value: &serde_json::Value) -> Vec<String> {
    use serde_json::Value;
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), value))
            .collect(),
        Value::Array(items) => (0..).map(|n: usize| n.to_string()).zip(items).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let below = below.into_iter().flat_map(|(key, value)| {
        let rest = places(value);
        rest.into_iter().map(move |rest| format!("/{key}{rest}"))
    });
    std::iter::once(String::new()).chain(below).collect()
}
