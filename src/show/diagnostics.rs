//! Problems in manifests as text: the position, the line with the wrong value underlined, the allowed values, and a
//! suggestion.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use crate::manifest::{Excerpt, Problem, Severity};
use crate::sys::escape::Escaped;

/// The maximum width of a shown line without a terminal, in characters.
const WIDTH: usize = 140;

/// The width of the line number, the bar and the spaces before a line. The library does not count them.
const MARGIN: usize = 12;

/// Returns a problem as text with colors, which are removed later if colors are off. Ends with an empty line.
pub fn diagnostic_text(problem: &Problem, columns: Option<usize>) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let escaped = |text: &str| Escaped(text).to_string();
    let title = level.primary_title(escaped(&problem.summary()));
    let file = escaped(&problem.file);
    let mut origin = Origin::path(file.clone());
    if let Some(span) = problem.span {
        origin = origin.line(span.line).char_column(span.column);
    }
    // The library shows the column in the line as it is shown here.
    let mut columns_shown = None;
    let mut group: Group<'_> = match (&problem.excerpt, problem.span) {
        (Some(excerpt), Some(span)) => {
            let (text, meant) = shown(excerpt);
            columns_shown = Some((span, text[..meant.start].chars().count() + 1));
            let meant = AnnotationKind::Primary.span(meant);
            let snippet = Snippet::source(text)
                .line_start(span.line)
                .annotation(meant);
            title.element(snippet.path(file.clone()))
        }
        (Some(_), None) | (None, _) => title.element(origin),
    };
    if !problem.allowed.is_empty() {
        let allowed = Level::NOTE.with_name("allowed");
        group = group.element(allowed.message(escaped(&problem.allowed)));
    }
    if !problem.help.is_empty() {
        group = group.element(Level::HELP.message(escaped(&problem.help)));
    }
    let renderer = Renderer::styled()
        .hyperlink(false)
        .term_width(columns.unwrap_or(WIDTH).saturating_sub(MARGIN));
    let mut text = renderer.render(&[group]);
    if let Some((span, shown)) = columns_shown
        && shown != span.column
        && let Some((title, rest)) = text.split_once('\n')
    {
        let place = |column| format!("{file}:{}:{column}", span.line);
        let rest = rest.replacen(&place(shown), &place(span.column), 1);
        text = format!("{title}\n{rest}");
    }
    text + "\n\n"
}

/// Returns the line in a form that is safe to print, and the range of the wrong value in it.
fn shown(excerpt: &Excerpt) -> (String, std::ops::Range<usize>) {
    let (start, end) = (excerpt.meant.start, excerpt.meant.end);
    let mut text = String::from(if excerpt.left_out > 0 { "…" } else { "" });
    text += &Escaped(&excerpt.text[..start]).to_string();
    let begin = text.len();
    text += &Escaped(&excerpt.text[start..end]).to_string();
    let behind = text.len();
    text += &Escaped(&excerpt.text[end..]).to_string();
    (text, begin..behind)
}
