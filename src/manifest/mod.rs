//! YAML to [`Desired`]: reads a folder of manifests and reports every problem with its place. It changes nothing and
//! knows nothing of the account.
//!
//! | file | its one job |
//! |---|---|
//! | `read.rs` | finds and reads the files: what may be opened, how much of it |
//! | `touch.rs` | tells whether anything was touched, without reading it |
//! | `yaml/tree.rs` | text to a tree with numbered nodes; the only user of `serde_yaml` |
//! | `yaml/locate.rs` | node number to line and column; reads every text before `serde_yaml`, and holds it to the limits |
//! | `yaml/characters.rs` | characters that hide something |
//! | `yaml/limits.rs` | how much a text may hold |
//! | `shape.rs` | the header, and the names of the fields |
//! | `decode.rs` | tree to [`DesiredImage`], collecting problems by node number; `fields.rs` is its vocabulary |
//! | `header.rs` | whose document it is |
//! | `digest.rs` | digests of a manifest and of the set |
//! | `conflict.rs` | problems between manifests |
//! | `problem.rs` | what a problem is |
//! | `place.rs` | line and column |
//! | `excerpt.rs` | the line that a problem stands in |
//! | `help.rs` | what somebody may have meant |
//! | `schema.rs` | the manifest's JSON Schema |

mod conflict;
mod decode;
mod digest;
mod excerpt;
mod fields;
mod header;
mod help;
mod place;
mod problem;
mod read;
pub mod schema;
pub(crate) mod shape;
mod touch;
mod yaml;

use std::path::Path;

use crate::model::image::{Desired, DesiredImage};

use conflict::{Claim, Conflicts};
use decode::Origin;
pub(crate) use excerpt::Excerpt;
use excerpt::Lines;
pub use problem::Problem;
use problem::Report;
pub(crate) use problem::Severity;
pub use shape::KIND;
pub(crate) use touch::{Touched, touched};
use yaml::Map;
pub use yaml::limits::MAX_FILE_BYTES;

/// What [`load`] is to let pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Whether no manifest at all is a valid set.
    pub allow_empty: bool,
}

/// A folder of manifests without a problem.
#[derive(Debug)]
pub struct Loaded {
    /// The manifests.
    pub desired: Desired,
    /// `sha256:` and the digest of all manifests' digests, in the order of their names, whatever the files are.
    pub(crate) digest: String,
    /// How many files were read.
    pub(crate) files: usize,
    /// How many documents belong to other API groups and were passed over.
    pub(crate) skipped: usize,
    /// What is allowed but likely unwanted.
    pub(crate) warnings: Vec<Problem>,
}

/// A folder of manifests that is no valid set.
#[derive(Debug, thiserror::Error)]
#[error("{}", summary(problems))]
pub struct Invalid {
    /// Every problem, by file, line and column.
    pub problems: Vec<Problem>,
    /// What is allowed but likely unwanted.
    pub(crate) warnings: Vec<Problem>,
    /// How many files were found.
    pub(crate) files: usize,
}

/// Counts the problems and shows the first one.
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

/// What one file holds.
#[derive(Debug, Default)]
pub struct FileResult {
    /// The valid manifests, even if others in the file have problems.
    pub images: Vec<DesiredImage>,
    /// How many documents belong to other API groups.
    pub(crate) skipped: usize,
    /// Everything that is wrong, by line and column.
    pub problems: Vec<Problem>,
    /// What is allowed but likely unwanted.
    pub warnings: Vec<Problem>,
    /// Where in its document each of `images` says what others may contradict.
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
    let mut skipped = 0;
    let mut images = Vec::with_capacity(files.len());
    let mut claims = Vec::with_capacity(files.len());
    for (file, result) in read_all(&files).into_iter().enumerate() {
        skipped += result.skipped;
        problems.extend(result.problems);
        warnings.extend(result.warnings);
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
            n => format!(" ({n} documents of other API groups were passed over)"),
        };
        problems.push(Problem::of_file(
            folder.display().to_string(),
            format!("no manifest found{skipped}"),
            "at least one *.yaml or *.yml file with a manifest; --allow-empty if none is meant",
        ));
    }
    let desired = Desired::new(images).unwrap_or_else(|conflicts| {
        problems.extend(Conflicts::new(&claims, &files).problems(&conflicts));
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
    })
}

/// Reads one file's text; `file` is only the name that problems and places bear.
///
/// Costs at most some tens of milliseconds and a few MiB for any text up to [`MAX_FILE_BYTES`].
pub fn parse(file: &str, text: &str) -> FileResult {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut report = Report::default();
    let mut result = FileResult::default();
    if let Some((found, position)) = yaml::hidden(text) {
        report
            .problems
            .push(|| problem::Draft::hidden(found, position));
        let lines = Lines::new(text);
        result.problems = report
            .problems
            .into_problems(Severity::Error, file, &lines, |_| None);
        return result;
    }
    let mut map = Map::new(text);
    report.problems = std::mem::take(&mut map.findings);
    let readable = &text[..map.readable];
    let mut counts: Vec<Option<u32>> = Vec::new();
    let skip = |document| map.has_aliases(document);
    yaml::read(readable, skip, |document, tree, count| {
        // A document that was skipped has no count.
        counts.resize(document - 1, None);
        counts.push(tree.is_ok().then_some(count));
        match tree {
            Ok(root) => {
                let skipped = &mut result.skipped;
                if let Some((image, origin)) =
                    decode::document(&root, file, document, &mut report, skipped)
                {
                    result.images.push(image);
                    result.origins.push(origin);
                }
            }
            Err(error) => {
                let draft = || yaml::draft(&error, document, readable);
                report.problems.push(draft);
            }
        }
    });
    if let Some(draft) = map.disagreement(&counts) {
        report.problems.push(|| draft);
    }
    // A value on a last line that does not end may have lost its own end. Where YAML itself breaks off, that is told;
    // files of other tools alone are none of repave's business.
    let is_read = readable.len() == text.len() && counts.iter().all(Option::is_some);
    if is_read && !result.images.is_empty() && !text.ends_with(['\n', '\r']) {
        let end = place::Position::of(text.as_bytes(), text.len());
        report
            .problems
            .push(|| problem::Draft::unended(counts.len(), end));
    }
    if report.problems.count() + report.warnings.count() == 0 {
        return result;
    }
    let lines = Lines::new(text);
    let spot = |draft: &problem::Draft| {
        let document = draft.document?;
        let count = counts.get(document - 1).copied().flatten();
        map.spot(document, draft.node, count)
    };
    let (problems, warnings) = (report.problems, report.warnings);
    result.problems = problems.into_problems(Severity::Error, file, &lines, spot);
    result.warnings = warnings.into_problems(Severity::Warning, file, &lines, spot);
    result
}

/// Fewer files than this are read by one thread: starting another would cost more than it saves.
const FILES_PER_THREAD: usize = 32;
/// More threads than this gain nothing that people notice; each may need 32 MiB.
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
        .map(|file| match read::text(&file.path, &mut buffer) {
            Ok(text) => parse(&file.shown, text),
            Err(trouble) => FileResult {
                problems: vec![trouble.into_problem(file.shown.clone())],
                ..FileResult::default()
            },
        })
        .collect()
}

#[cfg(test)]
mod tests;
