//! YAML to [`Desired`]: reads a folder of manifests and reports every problem with its position. It changes nothing and
//! does not know the account.
//!
//! | file | its job |
//! |---|---|
//! | `read.rs` | finds and reads the files: what may be opened, how much of it |
//! | `touch.rs` | whether files were touched, without reading them |
//! | `yaml/` | text to a tree with a span for each node: `characters.rs` and `walk.rs` refuse, `tree.rs` has `serde_yaml` decode |
//! | `shape.rs` | the header, and the names of the fields |
//! | `header.rs` | whether a document is a manifest |
//! | `decode.rs` | tree to [`DesiredImage`]; `fields.rs` is its vocabulary |
//! | `digest.rs` | digests of a manifest and of the set |
//! | `conflict.rs` | problems between manifests |
//! | `problem.rs` | what a problem is; `span.rs` where it is, `excerpt.rs` its line, `help.rs` what may have been meant |
//! | `schema.rs` | the manifest's JSON Schema |

mod conflict;
mod decode;
mod digest;
mod excerpt;
mod fields;
mod header;
mod help;
mod problem;
mod read;
pub mod schema;
pub(crate) mod shape;
mod span;
mod touch;
mod yaml;

use std::path::Path;

use crate::model::image::{Desired, DesiredImage};

use conflict::Claim;
use decode::{Decoded, Origin};
pub(crate) use excerpt::Excerpt;
pub use problem::Problem;
use problem::Report;
pub(crate) use problem::Severity;
pub use shape::KIND;
pub use span::Span;
pub(crate) use touch::{Touched, touched};
pub use yaml::limits::MAX_FILE_BYTES;

/// What [`load`] allows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether a folder without manifests is valid.
    pub allow_empty: bool,
}

/// The manifests of a folder without problems.
#[derive(Debug)]
pub struct Loaded {
    /// The manifests.
    pub desired: Desired,
    /// `sha256:` and the digest of all manifests, independent of their files.
    pub(crate) digest: String,
    /// How many files were read.
    pub(crate) files: usize,
    /// How many documents of other API groups were ignored.
    pub(crate) skipped: usize,
    /// What is allowed but likely unwanted.
    pub(crate) warnings: Vec<Problem>,
    /// The files whose last line has no line break: if something is writing them now, the end is missing.
    pub(crate) unended: Vec<String>,
}

/// The problems of a folder whose manifests cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}", summary(problems))]
pub struct Invalid {
    /// Every problem, in the order of files and their text.
    pub problems: Vec<Problem>,
    /// What is allowed but likely unwanted.
    pub(crate) warnings: Vec<Problem>,
    /// How many files were found.
    pub(crate) files: usize,
}

fn summary(problems: &[Problem]) -> String {
    match problems {
        [] => "the manifests are invalid".into(),
        [one] => format!("the manifests have a problem: {one}"),
        [first, ..] => format!(
            "the manifests have {} problems, the first: {first}",
            problems.len()
        ),
    }
}

/// The content of one file.
#[derive(Debug, Default)]
pub struct FileResult {
    /// The valid manifests, even if others in the file have problems.
    pub images: Vec<DesiredImage>,
    /// How many documents of other API groups were ignored.
    pub(crate) skipped: usize,
    /// Everything that is wrong, in the order of the text.
    pub problems: Vec<Problem>,
    /// What is allowed but likely unwanted.
    pub warnings: Vec<Problem>,
    /// Whether the last line has no line break, so that a value on it may be shorter than intended.
    pub is_unended: bool,
    /// Where each of `images` declares what others may contradict.
    origins: Vec<Origin>,
}

/// Reads every manifest below the folder.
///
/// Either all of them are valid or none is returned: a broken file never means "absent".
pub fn load(folder: &Path, options: &Options) -> Result<Loaded, Invalid> {
    let read::Tree {
        files,
        mut problems,
        folders: _,
    } = read::find(folder);
    let mut warnings = Vec::new();
    let mut unended = Vec::new();
    let mut skipped = 0;
    let mut images = Vec::with_capacity(files.len());
    let mut claims = Vec::with_capacity(files.len());
    for (file, result) in read_all(&files).into_iter().enumerate() {
        skipped += result.skipped;
        problems.extend(result.problems);
        warnings.extend(result.warnings);
        if result.is_unended {
            unended.push(files[file].shown.clone());
        }
        for (image, origin) in result.images.into_iter().zip(result.origins) {
            claims.push(Claim {
                name: image.subject.name.clone(),
                image_name: image.image_name.clone(),
                file,
                document: image.place.document,
                origin,
            });
            images.push(image);
        }
    }
    if images.is_empty() && problems.is_empty() && !options.allow_empty {
        let skipped = match skipped {
            0 => String::new(),
            n => format!(" ({n} documents of other API groups were ignored)"),
        };
        problems.push(Problem::of_file(
            folder.display().to_string(),
            format!("no manifest found{skipped}"),
            "at least one *.yaml or *.yml file with a manifest; add --allow-empty if none is meant",
        ));
    }
    let desired = Desired::new(images).unwrap_or_else(|conflicts| {
        problems.extend(conflict::problems(&conflicts, &claims, &files));
        Desired::default()
    });
    problem::sort(&mut problems);
    problem::sort(&mut warnings);
    if !problems.is_empty() {
        let files = files.len();
        return Err(Invalid {
            problems,
            warnings,
            files,
        });
    }
    Ok(Loaded {
        digest: digest::of_set(&desired),
        desired,
        files: files.len(),
        skipped,
        warnings,
        unended,
    })
}

/// Reads one file's text; `file` is only its name in problems and places.
///
/// Costs at most some tens of milliseconds and MiB for any text up to [`MAX_FILE_BYTES`].
pub fn parse(file: &str, text: &str) -> FileResult {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut report = Report::default();
    let mut result = FileResult::default();
    let read = yaml::read(text, &mut report.problems);
    let source = span::Source::new(text);
    for (number, root) in &read.documents {
        match decode::document(root, file, *number, &source, &mut report) {
            Decoded::Image(image, origin) => {
                result.images.push(image);
                result.origins.push(origin);
            }
            Decoded::Foreign => result.skipped += 1,
            Decoded::Nothing => {}
        }
    }
    // A value on the last line can be cut, and valid. Files of other tools alone are not checked.
    result.is_unended = read.is_whole && !result.images.is_empty() && !text.ends_with(['\n', '\r']);
    if result.is_unended {
        report.warnings.push(|| Problem {
            document: read.documents.last().map(|(number, _)| *number),
            span: Some(Span::after(text)),
            found: "found no line break at the end of the file, so the file may be incomplete"
                .to_owned(),
            allowed: "a line break at the end of the last line".to_owned(),
            ..Problem::default()
        });
    }
    if report.problems.count() + report.warnings.count() > 0 {
        let lines = source.lines();
        result.problems = report.problems.finish(Severity::Error, file, lines);
        result.warnings = report.warnings.finish(Severity::Warning, file, lines);
    }
    result
}

/// Fewer files than this are read by one thread: starting another would cost more than it saves.
const FILES_PER_THREAD: usize = 32;
/// More threads than this gain nothing noticeable; each may need 32 MiB.
const MAX_THREADS: usize = 8;

/// Reads the files, in their order.
fn read_all(files: &[read::Found]) -> Vec<FileResult> {
    let threads = std::thread::available_parallelism()
        .map_or(1, std::num::NonZero::get)
        .min(MAX_THREADS)
        .min(files.len().div_ceil(FILES_PER_THREAD));
    if threads <= 1 {
        return read_some(files);
    }
    let share = files.len().div_ceil(threads);
    std::thread::scope(|scope| {
        let workers: Vec<_> = files
            .chunks(share)
            .map(|files| scope.spawn(|| read_some(files)))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
            .collect()
    })
}

fn read_some(files: &[read::Found]) -> Vec<FileResult> {
    let mut buffer = Vec::new();
    files
        .iter()
        .map(|file| match read::text(file, &mut buffer) {
            Ok(text) => parse(&file.shown, text),
            Err(problem) => FileResult {
                problems: vec![*problem],
                ..FileResult::default()
            },
        })
        .collect()
}

#[cfg(test)]
mod tests;
