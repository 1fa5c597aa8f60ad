//! `repave validate`, and how the other commands load their manifests.

use serde::Serialize;

use super::screen::Screen;
use crate::cli::{ManifestFolder, Validate, ValidateOutput};
use crate::manifest::{self, Invalid, Loaded, Problem};
use crate::model::outcome::{ExitCode, Outcome};
use crate::show;
use crate::sys::words::counted;

/// The result, for `-o json`.
#[derive(Serialize)]
struct Validation<'a> {
    files: usize,
    manifests: Option<usize>,
    skipped: Option<usize>,
    problems: &'a [Problem],
    warnings: &'a [Problem],
}

pub(super) fn run(arguments: &Validate, screen: &mut Screen<'_>) -> Outcome {
    let loaded = match read(&arguments.manifests) {
        Ok(loaded) => loaded,
        Err(invalid) => {
            let outcome = show_problems(screen, &invalid);
            show_marks(
                arguments,
                screen,
                &outcome,
                &invalid.problems,
                &invalid.warnings,
            );
            return outcome;
        }
    };
    let mut words = format!(
        "{} in {} valid",
        counted(loaded.desired.len(), "manifest"),
        counted(loaded.files, "file")
    );
    if loaded.skipped > 0 {
        words = format!(
            "{words}, {} of other API groups skipped",
            counted(loaded.skipped, "document")
        );
    }
    if !loaded.warnings.is_empty() {
        words = format!("{words}, {}", counted(loaded.warnings.len(), "warning"));
    }
    let outcome = Outcome::new(ExitCode::Done, words);
    show(screen, &outcome, &loaded.warnings);
    show_marks(arguments, screen, &outcome, &[], &loaded.warnings);
    screen.json(
        show::DocumentKind::Validation,
        &outcome,
        &Validation {
            files: loaded.files,
            manifests: Some(loaded.desired.len()),
            skipped: Some(loaded.skipped),
            problems: &[],
            warnings: &loaded.warnings,
        },
    );
    outcome
}

/// Loads the manifests, or shows every problem and returns the outcome.
pub(super) fn load(folder: &ManifestFolder, screen: &mut Screen<'_>) -> Result<Loaded, Outcome> {
    match read(folder) {
        Ok(loaded) => {
            for warning in &loaded.warnings {
                tracing::warn!("{warning}");
            }
            Ok(loaded)
        }
        Err(invalid) => Err(show_problems(screen, &invalid)),
    }
}

fn read(folder: &ManifestFolder) -> Result<Loaded, Invalid> {
    let options = manifest::Options {
        allow_empty: folder.allow_empty,
    };
    manifest::load(&folder.path, &options)
}

fn show_problems(screen: &mut Screen<'_>, invalid: &Invalid) -> Outcome {
    let Invalid {
        problems,
        warnings,
        files,
    } = invalid;
    let outcome = Outcome::new(
        ExitCode::InvalidManifests,
        format!(
            "invalid manifests: {}; nothing was done",
            counted(problems.len(), "problem")
        ),
    );
    show(screen, &outcome, problems.iter().chain(warnings));
    screen.markdown(|| show::problems_markdown(&outcome, problems));
    screen.json(
        show::DocumentKind::Validation,
        &outcome,
        &Validation {
            files: *files,
            manifests: None,
            skipped: None,
            problems,
            warnings,
        },
    );
    outcome
}

fn show<'a>(
    screen: &mut Screen<'_>,
    outcome: &Outcome,
    problems: impl IntoIterator<Item = &'a Problem>,
) {
    if screen.is_text() {
        let columns = screen.columns();
        for problem in problems {
            screen.text(&show::diagnostic_text(problem, columns));
        }
        screen.text(&format!("{outcome}.\n"));
    }
}

/// Shows the problems in the formats that only validate has.
fn show_marks(
    arguments: &Validate,
    screen: &mut Screen<'_>,
    outcome: &Outcome,
    problems: &[Problem],
    warnings: &[Problem],
) {
    match arguments.format.output {
        ValidateOutput::Text | ValidateOutput::Json => {}
        ValidateOutput::Github => {
            screen.write(show::annotations(outcome, problems, warnings).as_bytes());
        }
        ValidateOutput::Sarif => screen.value(&show::sarif(problems, warnings)),
    }
}
