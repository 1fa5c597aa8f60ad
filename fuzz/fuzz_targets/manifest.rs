//! Any text as a manifest file.
#![no_main]

#[path = "../../tests/it/hostile/checks.rs"]
#[expect(dead_code, reason = "each target asks its own part")]
mod checks;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    // The file's reader refuses what is no UTF-8 or too large.
    if let Ok(text) = std::str::from_utf8(bytes)
        && text.len() <= repave::manifest::MAX_FILE_BYTES
    {
        checks::manifest(text);
    }
});
