//! Problems in manifests as workflow commands of GitHub Actions: annotations at the lines of a pull request.
//!
//! A step can have ten errors and ten warnings. GitHub drops the rest silently. With more problems, the first annotation has
//! their number, and the log of the step has all of them.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>, and the limits of
//! check-run annotations for steps.

use std::fmt::Write as _;

use super::diagnostics::diagnostic_text;
use crate::manifest::{Problem, Severity};
use crate::model::outcome::Outcome;
use crate::sys::escape::escaped;
use crate::sys::words::counted;

/// The maximum number of annotations of one severity in a step.
const MAX_ANNOTATIONS: usize = 10;

/// The maximum length of an annotation in characters. The log has the complete text.
const MAX_TEXT: usize = 2000;

/// Returns the outcome and an annotation for each problem. If there are too many, a folded group has all problems.
pub fn annotations(outcome: &Outcome, problems: &[Problem], warnings: &[Problem]) -> String {
    let mut text = format!("{outcome}.\n");
    let mut is_cut = false;
    for (severity, problems) in [(Severity::Error, problems), (Severity::Warning, warnings)] {
        let command = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut most = MAX_ANNOTATIONS;
        if problems.len() > MAX_ANNOTATIONS {
            is_cut = true;
            most = MAX_ANNOTATIONS - 1;
            let what = match severity {
                Severity::Error => "problem",
                Severity::Warning => "warning",
            };
            let _ = writeln!(
                text,
                "::{command} title={} in the manifests::The first {most} have annotations. The log of this step has all of them.",
                counted(problems.len(), what)
            );
        }
        for problem in problems.iter().take(most) {
            text += &annotation(command, problem);
        }
    }
    if is_cut {
        text += "::group::All problems\n";
        for problem in problems.iter().chain(warnings) {
            text += &diagnostic_text(problem, None);
        }
        text += "::endgroup::\n";
    }
    // The older form of a command works anywhere in a line.
    text.replace("##[", "#\\u{23}[")
}

fn annotation(command: &str, problem: &Problem) -> String {
    let mut text = format!("::{command} file={}", property(&problem.file));
    if let Some(span) = problem.span {
        let _ = write!(text, ",line={},col={}", span.line, span.column);
    }
    let title = if problem.path.is_empty() {
        "manifest"
    } else {
        &problem.path
    };
    let mut words = problem.found.clone();
    if !problem.detail().is_empty() {
        words = format!("{words}; {}", problem.detail());
    }
    let words = escaped(&words, MAX_TEXT).replace('%', "%25");
    let _ = writeln!(text, ",title={}::{words}", property(title));
    text
}

/// Escapes the value of a property of a workflow command.
fn property(text: &str) -> String {
    escaped(text, MAX_TEXT)
        .replace('%', "%25")
        .replace(':', "%3A")
        .replace(',', "%2C")
}
