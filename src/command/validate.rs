//! `repave validate`, and how the other commands load their manifests.

use serde::Serialize;

use super::screen::Screen;
use crate::cli::{ManifestFolder, Validate, ValidateOutput};
use crate::manifest::{self, Checked, Invalid, Loaded, Problem};
use crate::model::outcome::{ExitCode, Outcome};
use crate::show;
use crate::sys::words::counted;

/// The result, for `-o json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Validation<'a> {
    files: usize,
    manifests: Option<usize>,
    skipped: Option<usize>,
    problems: &'a [Problem],
    warnings: &'a [Problem],
    /// How many problems are not shown, because they are in other files than the given paths.
    other_problems: usize,
}

pub(super) fn run(arguments: &Validate, screen: &mut Screen<'_>) -> Result<Outcome, Outcome> {
    let folder = &arguments.manifests;
    let checked = manifest::check(&folder.path, &arguments.paths, &options(folder))
        .map_err(|why| Outcome::new(ExitCode::Usage, why))?;
    let others = match checked.other_problems {
        0 => String::new(),
        count => format!(
            "; not shown: {} in other files of {}",
            counted(count, "problem"),
            folder.path.display()
        ),
    };
    let outcome = if checked.problems.is_empty() {
        Outcome::new(ExitCode::Done, format!("{}{others}", valid_text(&checked)))
    } else {
        invalid(&checked.problems, &others)
    };
    let Checked {
        files,
        manifests,
        skipped,
        problems,
        warnings,
        other_problems,
    } = &checked;
    show(screen, &outcome, problems.iter().chain(warnings));
    show_marks(arguments, screen, &outcome, problems, warnings);
    let is_valid = problems.is_empty();
    let body = Validation {
        files: *files,
        manifests: is_valid.then_some(*manifests),
        skipped: is_valid.then_some(*skipped),
        problems,
        warnings,
        other_problems: *other_problems,
    };
    screen.json(show::DocumentKind::Validation, &outcome, &body);
    Ok(outcome)
}

/// Returns "3 manifests in 2 files valid, 1 warning".
fn valid_text(checked: &Checked) -> String {
    let mut words = format!(
        "{} in {} valid",
        counted(checked.manifests, "manifest"),
        counted(checked.files, "file")
    );
    if checked.skipped > 0 {
        let skipped = counted(checked.skipped, "document");
        words = format!("{words}, {skipped} of other API groups skipped");
    }
    if !checked.warnings.is_empty() {
        words = format!("{words}, {}", counted(checked.warnings.len(), "warning"));
    }
    words
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
    manifest::load(&folder.path, &options(folder))
}

fn options(folder: &ManifestFolder) -> manifest::Options {
    manifest::Options {
        allow_empty: folder.allow_empty,
    }
}

fn invalid(problems: &[Problem], others: &str) -> Outcome {
    let problems = counted(problems.len(), "problem");
    let words = format!("invalid manifests: {problems}{others}; nothing was done");
    Outcome::new(ExitCode::InvalidManifests, words)
}

fn show_problems(screen: &mut Screen<'_>, found: &Invalid) -> Outcome {
    let Invalid {
        problems,
        warnings,
        files,
    } = found;
    let outcome = invalid(problems, "");
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
            other_problems: 0,
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
