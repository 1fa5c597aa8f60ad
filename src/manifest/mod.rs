//! YAML to [`Desired`]: reads a folder of manifests and reports every problem with its position. It changes nothing and
//! does not know the account.
//!
//! | file | its job |
//! |---|---|
//! | `read.rs` | finds and reads the files: what may be opened, how much of it |
//! | `paths.rs` | which part of the folder the paths of `repave validate` are |
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
mod paths;
mod problem;
mod read;
pub mod schema;
pub(crate) mod shape;
mod span;
mod touch;
mod yaml;

use std::path::{Path, PathBuf};

use crate::model::image::{Desired, DesiredImage};
use crate::sys::words::counted;

use conflict::Claim;
use decode::{Decoded, Origin};
pub(crate) use excerpt::Excerpt;
use paths::{Part, Scope};
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
    let mut set = Set::read(read::find(folder));
    if set.is_wrongly_empty(*options) {
        set.problems.push(nothing_in(folder, set.skipped()));
    }
    let Set {
        files,
        counts,
        desired,
        problems,
        warnings,
    } = set;
    if !problems.is_empty() {
        return Err(Invalid {
            problems,
            warnings,
            files: files.len(),
        });
    }
    Ok(Loaded {
        digest: digest::of_set(&desired),
        desired,
        unended: unended(&files, &counts),
        files: files.len(),
        warnings,
    })
}

/// What `repave validate` reports.
#[derive(Debug)]
pub struct Checked {
    /// How many files the paths select.
    pub files: usize,
    /// How many valid manifests these files have, even if there are problems.
    pub manifests: usize,
    /// How many documents of other API groups were ignored in these files.
    pub skipped: usize,
    /// Every problem that concerns the paths, in the order of files and their text.
    pub problems: Vec<Problem>,
    /// What is allowed but likely unwanted.
    pub warnings: Vec<Problem>,
    /// How many problems the other files of the folder have.
    pub other_problems: usize,
}

/// Reads the whole folder and returns what concerns the paths. Paths outside of the folder are a separate set.
///
/// Fails if a path is nowhere, or has no manifest file.
pub fn check(folder: &Path, paths: &[PathBuf], options: &Options) -> Result<Checked, String> {
    let scope = paths::scope(folder, paths)?;
    let (tree, parts) = match scope {
        Scope::Whole => (read::find(folder), None),
        Scope::Parts(parts) => (read::find(folder), Some(parts)),
        Scope::Own => (tree_of(paths, *options)?, None),
    };
    let has_own_paths = parts.is_none() && !paths.is_empty();
    let mut set = Set::read(tree);
    if set.is_wrongly_empty(*options) {
        let skipped = set.skipped();
        if has_own_paths {
            let nothing = paths.iter().map(|path| nothing_in(path, skipped));
            set.problems.extend(nothing);
        } else {
            set.problems.push(nothing_in(folder, skipped));
        }
    }
    if !options.allow_empty {
        for part in parts.iter().flatten() {
            let mut files = set.files.iter();
            let mut problems = set.problems.iter();
            if !files.any(|file| part.contains(&file.shown))
                && !problems.any(|problem| part.concerns(problem))
            {
                return Err(no_file_in(&part.given));
            }
        }
    }
    let is_in_part = |is: &dyn Fn(&Part) -> bool| match &parts {
        None => true,
        Some(parts) => parts.iter().any(is),
    };
    let all = set.problems.len();
    set.problems
        .retain(|problem| is_in_part(&|part| part.concerns(problem)));
    set.warnings
        .retain(|warning| is_in_part(&|part| part.concerns(warning)));
    let counts = set.files.iter().zip(&set.counts);
    let counts: Vec<&Count> = counts
        .filter(|(file, _)| is_in_part(&|part| part.contains(&file.shown)))
        .map(|(_, count)| count)
        .collect();
    Ok(Checked {
        files: counts.len(),
        manifests: counts.iter().map(|count| count.manifests).sum(),
        skipped: counts.iter().map(|count| count.skipped).sum(),
        other_problems: all - set.problems.len(),
        problems: set.problems,
        warnings: set.warnings,
    })
}

/// Finds the files of paths that are a separate set.
fn tree_of(paths: &[PathBuf], options: Options) -> Result<read::Tree, String> {
    let mut all = read::Tree::default();
    for path in paths {
        let tree = read::find_at(path);
        if tree.files.is_empty() && tree.problems.is_empty() && !options.allow_empty {
            return Err(no_file_in(path));
        }
        all.add(tree);
    }
    Ok(all)
}

fn no_file_in(path: &Path) -> String {
    format!(
        "{} has no manifest file. repave reads *.yaml and *.yml files, and skips names that begin with a dot",
        path.display()
    )
}

fn nothing_in(folder: &Path, skipped: usize) -> Problem {
    let skipped = match skipped {
        0 => String::new(),
        n => format!(" (ignored: {} of other API groups)", counted(n, "document")),
    };
    Problem::of_file(
        folder.display().to_string(),
        format!("no manifest found{skipped}"),
        "at least one *.yaml or *.yml file with a manifest; add --allow-empty if the folder is empty on purpose",
    )
}

/// What was read of a set of files.
struct Set {
    files: Vec<read::Found>,
    /// For each file.
    counts: Vec<Count>,
    /// The manifests, or none if they are in conflict.
    desired: Desired,
    problems: Vec<Problem>,
    warnings: Vec<Problem>,
}

/// Returns the files whose last line has no line break.
fn unended(files: &[read::Found], counts: &[Count]) -> Vec<String> {
    let files = files.iter().zip(counts);
    let unended = files.filter(|(_, count)| count.is_unended);
    unended.map(|(file, _)| file.shown.clone()).collect()
}

/// What one file has.
#[derive(Debug, Clone, Copy)]
struct Count {
    /// The valid manifests.
    manifests: usize,
    /// The documents of other API groups.
    skipped: usize,
    /// Whether the last line has no line break.
    is_unended: bool,
}

impl Set {
    fn read(tree: read::Tree) -> Self {
        let read::Tree {
            files,
            mut problems,
            folders: _,
        } = tree;
        let mut warnings = Vec::new();
        let mut counts = Vec::with_capacity(files.len());
        let mut images = Vec::with_capacity(files.len());
        let mut claims = Vec::with_capacity(files.len());
        for (file, result) in read_all(&files).into_iter().enumerate() {
            counts.push(Count {
                manifests: result.images.len(),
                skipped: result.skipped,
                is_unended: result.is_unended,
            });
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
        let desired = Desired::new(images).unwrap_or_else(|conflicts| {
            problems.extend(conflict::problems(&conflicts, &claims, &files));
            Desired::default()
        });
        problem::sort(&mut problems);
        problem::sort(&mut warnings);
        Self {
            files,
            counts,
            desired,
            problems,
            warnings,
        }
    }

    fn skipped(&self) -> usize {
        self.counts.iter().map(|count| count.skipped).sum()
    }

    /// Returns whether there is no manifest, although one is expected.
    fn is_wrongly_empty(&self, options: Options) -> bool {
        let has_manifests = self.counts.iter().any(|count| count.manifests > 0);
        !has_manifests && self.problems.is_empty() && !options.allow_empty
    }
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
