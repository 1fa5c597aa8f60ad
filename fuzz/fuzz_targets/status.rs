//! Any bytes as the status file, read as every command reads it.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

#[path = "../../tests/it/hostile/checks.rs"]
#[expect(dead_code, reason = "each target asks its own part")]
mod checks;

/// In memory where there is such a place: a million files are written.
static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    let memory = PathBuf::from("/dev/shm");
    let place = if memory.is_dir() {
        memory
    } else {
        std::env::temp_dir()
    };
    place.join(format!("repave-fuzz-{}.json", std::process::id()))
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    std::fs::write(&*PATH, bytes).expect("a place for the file");
    checks::status(&PATH);
});
