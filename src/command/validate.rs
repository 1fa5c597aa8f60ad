//! `repave validate`, and how the other commands load their manifests.

use std::time::Duration;

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

/// The time between two reads of a file that may be incomplete.
const REREAD: Duration = Duration::from_secs(2);

/// Loads the manifests for a run that acts on them. If the last line of a file has no line break, something may be writing
/// the file: the manifests must then be the same at the next read.
pub(super) async fn load_to_act(
    folder: &ManifestFolder,
    screen: &mut Screen<'_>,
) -> Result<Loaded, Outcome> {
    let mut before = None;
    loop {
        let loaded = read(folder).map_err(|invalid| show_problems(screen, &invalid))?;
        if loaded.unended.is_empty() || before.as_ref() == Some(&loaded.digest) {
            log_warnings(&loaded);
            return Ok(loaded);
        }
        before = Some(loaded.digest);
        tokio::time::sleep(REREAD).await;
    }
}

/// Loads the manifests, or shows every problem and returns the outcome.
pub(super) fn load(folder: &ManifestFolder, screen: &mut Screen<'_>) -> Result<Loaded, Outcome> {
    match read(folder) {
        Ok(loaded) => {
            log_warnings(&loaded);
            Ok(loaded)
        }
        Err(invalid) => Err(show_problems(screen, &invalid)),
    }
}

fn log_warnings(loaded: &Loaded) {
    for warning in &loaded.warnings {
        tracing::warn!("{warning}");
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Output;
    use crate::sys::files::write_whole;
    use crate::sys::terminal::Terminal;

    const PART: &str = "apiVersion: repave.dev/v1alpha1\nkind: UpdatedImage\nmetadata: { name: a }\n\
        spec:\n  source: { imageId: wsi-gold00000 }\n  description: Fin";

    #[tokio::test(start_paused = true)]
    async fn a_run_never_acts_on_a_part_of_a_line_that_is_written_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.yaml");
        let write = |text: &str| write_whole(&file, text.as_bytes()).unwrap();
        write(PART);
        let folder = ManifestFolder {
            path: dir.path().to_owned(),
            allow_empty: false,
        };
        let mut out = Vec::new();
        let mut screen = Screen::new(&mut out, Some(Output::Text), Terminal::None);
        let writer = async {
            tokio::time::sleep(REREAD / 2).await;
            write(&format!("{PART}ance"));
            tokio::time::sleep(REREAD).await;
            write(&format!("{PART}ance desktop\n"));
        };
        let load = load_to_act(&folder, &mut screen);
        let (loaded, ()) = tokio::join!(load, writer);
        let loaded = loaded.unwrap();
        let image = loaded.desired.iter().next().unwrap();
        assert_eq!(image.description.as_str(), "Finance desktop");

        // A file that only lacks the line break is used, with a warning.
        write(&format!("{PART}ance"));
        let loaded = load_to_act(&folder, &mut screen).await.unwrap();
        assert_eq!((loaded.desired.len(), loaded.warnings.len()), (1, 1));
    }
}
