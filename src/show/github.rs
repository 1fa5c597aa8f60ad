//! Manifests' problems as the workflow commands of GitHub Actions: marks at the lines of a pull request.
//!
//! A step may mark ten errors and ten warnings, and what comes after them is dropped without a word. So where there are
//! more, the first mark is their number, and the step's log has them all.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>, and the limits of
//! check-run annotations for steps.

use std::fmt::Write as _;

use super::diagnostics::diagnostic_text;
use super::words::counted;
use crate::manifest::{Problem, Severity};
use crate::model::outcome::Outcome;
use crate::sys::escape::escaped;

/// Most marks of one severity in a step.
const MOST: usize = 10;

/// Most characters of one mark's text: a page shows no more, and the log has the whole.
const LONGEST: usize = 2000;

/// The outcome, a mark for each problem as far as there may be, and where there are more, all of them in a folded part.
pub fn annotations(outcome: &Outcome, problems: &[Problem], warnings: &[Problem]) -> String {
    let mut text = format!("{outcome}.\n");
    let mut is_cut = false;
    for (severity, problems) in [(Severity::Error, problems), (Severity::Warning, warnings)] {
        let command = match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let mut most = MOST;
        if problems.len() > MOST {
            is_cut = true;
            most = MOST - 1;
            let what = match severity {
                Severity::Error => "problem",
                Severity::Warning => "warning",
            };
            let _ = writeln!(
                text,
                "::{command} title={} in the manifests::The first {most} are marked. The log of this step has all of them.",
                counted(problems.len(), what)
            );
        }
        for problem in problems.iter().take(most) {
            text += &mark(command, problem);
        }
    }
    if is_cut {
        text += "::group::Everything that was found\n";
        for problem in problems.iter().chain(warnings) {
            text += &diagnostic_text(problem, None);
        }
        text += "::endgroup::\n";
    }
    // The older form of a command is heard anywhere in a line.
    text.replace("##[", "#\\u{23}[")
}

fn mark(command: &str, problem: &Problem) -> String {
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
    let words = escaped(&words, LONGEST).replace('%', "%25");
    let _ = writeln!(text, ",title={}::{words}", property(title));
    text
}

/// A value between commas: escaped as the runner reads it.
fn property(text: &str) -> String {
    escaped(text, LONGEST)
        .replace('%', "%25")
        .replace(':', "%3A")
        .replace(',', "%2C")
}
