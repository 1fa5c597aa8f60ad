//! The unit file as systemd's own tools read it, where they are installed.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The highest exposure of the service that is accepted, in tenths: `systemd-analyze security` counts from 0 to 10.
const MOST_EXPOSURE: &str = "15";

/// The unit file with a program that is on this machine in repave's place, for `verify` asks whether it is there.
#[expect(clippy::disallowed_methods, reason = "a copy for a test")]
fn installed(folder: &Path) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let unit = std::fs::read_to_string(root.join("examples/systemd/repave.service")).unwrap();
    let program = "ExecStart=/usr/local/bin/repave ";
    assert!(unit.contains(program), "{unit}");
    let stand_in = format!("ExecStart={} ", env!("CARGO_BIN_EXE_repave"));
    let path = folder.join("repave.service");
    std::fs::write(&path, unit.replace(program, &stand_in)).unwrap();
    path
}

/// What `systemd-analyze` prints about the unit, and whether it is content; nothing where it is not installed.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is to know")]
fn analyze(arguments: &[&str]) -> Option<(bool, String)> {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("systemd-analyze")
        .args(arguments)
        .arg(installed(folder.path()))
        .env("SYSTEMD_PAGER", "")
        .env("SYSTEMD_LOG_LEVEL", "info")
        .output();
    match output {
        Ok(output) => {
            let printed = [output.stdout, output.stderr].concat();
            Some((
                output.status.success(),
                String::from_utf8_lossy(&printed).into_owned(),
            ))
        }
        Err(error) => {
            eprintln!("systemd-analyze is not to be had, so the unit file is not checked: {error}");
            None
        }
    }
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    if let Some(verdict) = analyze(&["verify"]) {
        assert_eq!(verdict, (true, String::new()));
    }
}

#[test]
fn the_service_may_do_little_beyond_what_it_needs() {
    let threshold = format!("--threshold={MOST_EXPOSURE}");
    if let Some((is_below, table)) = analyze(&["security", "--offline=true", &threshold]) {
        assert!(is_below, "{table}");
    }
}
