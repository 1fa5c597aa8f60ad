//! Plans and outcomes in Markdown, for a comment on a pull request or a step summary: the totals first, the rest folded, and
//! never longer than the maximum of GitHub.
//!
//! Texts from manifests and from the service are always in code spans, where they cannot be links, mentions or HTML.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::group::word;
use super::row::{Row, shown_text, totals};
use super::target::{manifests_line, target_line};
use super::text::totals_text;
use crate::manifest::Problem;
use crate::model::group::Group;
use crate::model::outcome::Outcome;
use crate::model::target::Target;
use crate::state::status::{ConditionType, ManifestsStatus};
use crate::sys::escape::Escaped;
use crate::sys::words::{counted, duration};

/// The maximum length of a comment on GitHub, in characters. repave counts bytes, which are never fewer.
const MAX_PAGE: usize = 65_536;

/// The space reserved for the last line, which has the number of omitted rows.
const RESERVE: usize = 256;

/// Returns a plan: title and totals of all images, then a folded section for each group of the shown images. Groups that
/// need action come first.
///
/// Above 65,536 bytes, rows are omitted and counted.
pub fn plan_markdown(
    title: &str,
    (target, manifests): (&Target, &ManifestsStatus),
    outcome: &Outcome,
    rows: &[Row<'_>],
    checksum: Option<&str>,
    now: Timestamp,
) -> String {
    let totals = totals(rows);
    let mut page = Page::new(title, &totals_text(totals));
    let _ = writeln!(page.text, "{}\n", code(&target_line(target)));
    if let Some(line) = manifests_line(manifests) {
        let _ = writeln!(page.text, "{}\n", code(&line));
    }
    if let Some(checksum) = checksum {
        let _ = writeln!(page.text, "Checksum {}\n", code(checksum));
    }
    if let Some(count) = shown_text(rows) {
        let _ = writeln!(page.text, "{count}. The totals are of all images.\n");
    }
    let planned = format!("planned: {}", totals_text(totals));
    if outcome.message != planned {
        let _ = writeln!(page.text, "{}\n", code(&outcome.message));
    }
    let shown = || rows.iter().filter(|row| row.is_shown());
    let drifted = || shown().filter(|row| !row.drift.is_empty());
    let title = format!("{} drifted", drifted().count());
    let heads = ["Manifest", "Image", "Differences", "File"];
    page.section(&title, true, &heads, drifted().map(drift_cells));
    for group in [
        Group::Blocked,
        Group::Due,
        Group::Building,
        Group::Waiting,
        Group::Ready,
    ] {
        let images = || shown().filter(|row| row.group == group);
        let heads = match group {
            Group::Due => ["Manifest", "Image", "Source", "File"],
            Group::Ready => ["Manifest", "Image", "Id", "File"],
            Group::Blocked | Group::Building | Group::Waiting => {
                ["Manifest", "Image", "Why", "File"]
            }
        };
        let title = format!("{} {}", images().count(), word(group));
        let open = matches!(group, Group::Blocked | Group::Due);
        let cells = images().map(|image| cells(image, now));
        page.section(&title, open, &heads, cells);
    }
    page.end()
}

/// Returns the problems of invalid manifests, a row for each problem.
pub(crate) fn problems_markdown(outcome: &Outcome, problems: &[Problem]) -> String {
    let mut page = Page::new(
        "repave: invalid manifests",
        &counted(problems.len(), "problem"),
    );
    let _ = writeln!(page.text, "{}\n", code(&outcome.message));
    let rows = problems.iter().map(|problem| {
        let place = match problem.span {
            Some(span) => format!("{}:{}:{}", problem.file, span.line, span.column),
            None => problem.file.clone(),
        };
        [
            place,
            problem.path.clone(),
            problem.found.clone(),
            [problem.allowed.as_str(), &problem.help]
                .into_iter()
                .filter(|words| !words.is_empty())
                .collect::<Vec<_>>()
                .join("; "),
        ]
        .map(|cell| code(&cell))
    });
    page.section(
        "Problems",
        true,
        &["Where", "Field", "Found", "Allowed"],
        rows,
    );
    page.end()
}

/// Returns the outcome of a command that ended before it had a plan.
pub(crate) fn outcome_markdown(outcome: &Outcome) -> String {
    let mut page = Page::new(
        "repave",
        &format!("{} (exit {})", outcome.reason(), outcome.code.number()),
    );
    let _ = writeln!(page.text, "{}\n", code(&outcome.message));
    page.end()
}

/// A page of at most [`MAX_PAGE`] bytes.
struct Page {
    text: String,
    omitted: usize,
}

impl Page {
    fn new(title: &str, totals: &str) -> Self {
        Self {
            text: format!("### {title}\n\n**{totals}**\n\n"),
            omitted: 0,
        }
    }

    /// Adds a folded table, or nothing if it has no rows. Omits the rows that do not fit.
    fn section(
        &mut self,
        title: &str,
        open: bool,
        heads: &[&str],
        rows: impl Iterator<Item = [String; 4]>,
    ) {
        const CLOSE: &str = "\n</details>\n\n";
        let mut rows = rows.peekable();
        if rows.peek().is_none() {
            return;
        }
        let open = if open { " open" } else { "" };
        let head = format!(
            "<details{open}><summary>{title}</summary>\n\n| {} |\n|{}\n",
            heads.join(" | "),
            "---|".repeat(heads.len())
        );
        let room = |text: &str, more: usize| text.len() + more + CLOSE.len() + RESERVE <= MAX_PAGE;
        let mut is_begun = false;
        for row in rows {
            let line = format!("| {} |\n", row.join(" | "));
            let more = if is_begun {
                line.len()
            } else {
                head.len() + line.len()
            };
            if !room(&self.text, more) {
                self.omitted += 1;
                continue;
            }
            if !is_begun {
                self.text.push_str(&head);
                is_begun = true;
            }
            self.text.push_str(&line);
        }
        if is_begun {
            self.text.push_str(CLOSE);
        }
    }

    fn end(mut self) -> String {
        if self.omitted > 0 {
            let rows = counted(self.omitted, "row");
            let _ = writeln!(
                self.text,
                "{rows} omitted: the comment would be too long. The JSON output has all rows."
            );
        }
        self.text
    }
}

fn cells(row: &Row<'_>, now: Timestamp) -> [String; 4] {
    let what = match row.group {
        Group::Due => code(row.source.as_deref().unwrap_or_default()),
        Group::Ready => code(row.image_id.unwrap_or_default()),
        Group::Building | Group::Waiting | Group::Blocked => {
            let mut why = format!("{} {}", row.reason, code(&row.message));
            if let (Some(until), false) = (row.until, row.group == Group::Building) {
                let _ = write!(
                    why,
                    " until {until} ({})",
                    duration(until.duration_since(now))
                );
            }
            why
        }
    };
    [
        code(row.subject.name.as_str()),
        code(row.image_name),
        what,
        code(row.manifest.as_deref().unwrap_or_default()),
    ]
}

fn drift_cells(row: &Row<'_>) -> [String; 4] {
    let drifted = row.condition(ConditionType::Drifted);
    let message = drifted.map_or("", |drifted| &drifted.message);
    [
        code(row.subject.name.as_str()),
        code(row.image_name),
        code(message),
        code(row.manifest.as_deref().unwrap_or_default()),
    ]
}

/// The maximum length of a cell, in characters.
const MAX_CELL: usize = 500;

/// Returns the text as a code span for a table cell, so that it cannot be Markdown, HTML, a mention or a link.
fn code(text: &str) -> String {
    let mut shown: String = text.chars().take(MAX_CELL).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    // In a table, a bar ends a cell even in code. Escaping it with a backslash fails after another backslash.
    let shown = Escaped(&shown).to_string().replace('|', "\\u{7c}");
    if shown.trim().is_empty() {
        return String::new();
    }
    let mut longest = 0;
    let mut run = 0;
    for c in shown.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    if longest == 0 {
        format!("{fence}{shown}{fence}")
    } else {
        format!("{fence} {shown} {fence}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_escape_from_a_code_span() {
        for (text, shown) in [
            ("plain @team #1", "`plain @team #1`"),
            ("a`b``c", "``` a`b``c ```"),
            ("`", "`` ` ``"),
            ("a|b\nc", "`a\\u{7c}b\\nc`"),
            ("\u{202e}<img>", "`\\u{202e}<img>`"),
            ("  ", ""),
        ] {
            assert_eq!(code(text), shown);
        }
    }

    #[test]
    fn a_page_is_limited_for_every_width_of_rows() {
        for width in 1..40 {
            for sections in [1, 3] {
                let mut page = Page::new("t", "n");
                for _ in 0..sections {
                    let rows = (0..5000).map(|_| {
                        [
                            "x".repeat(width),
                            String::new(),
                            String::new(),
                            String::new(),
                        ]
                    });
                    page.section("s", false, &["a", "b", "c", "d"], rows);
                }
                let text = page.end();
                let used = MAX_PAGE - 2 * RESERVE..=MAX_PAGE;
                assert!(used.contains(&text.len()), "{width}: {}", text.len());
                assert!(text.ends_with("The JSON output has all rows.\n"), "{width}");
            }
        }
    }

    #[test]
    fn a_page_with_enough_space_omits_no_row() {
        let page = |width: usize| {
            let mut page = Page::new("t", "n");
            let row = [
                "x".repeat(width),
                String::new(),
                String::new(),
                String::new(),
            ];
            page.section("s", false, &["a", "b", "c", "d"], [row].into_iter());
            page.end()
        };
        let most = MAX_PAGE - RESERVE - page(1).len() + 1;
        assert_eq!(page(most).len(), MAX_PAGE - RESERVE);
        assert!(
            page(most + 1).contains("1 row omitted"),
            "{}",
            page(most + 1)
        );
    }

    #[test]
    fn a_long_cell_is_cut() {
        let longest = "é".repeat(MAX_CELL);
        assert_eq!(code(&longest), format!("`{longest}`"));
        assert_eq!(code(&format!("{longest}e")), format!("`{longest}…`"));
    }

    #[test]
    fn a_page_is_limited_by_omitting_rows() {
        let mut page = Page::new("t", "n");
        for _ in 0..3 {
            let rows =
                (0..300).map(|n| [n.to_string(), "x".repeat(200), String::new(), String::new()]);
            page.section("s", false, &["a", "b", "c", "d"], rows);
        }
        let text = page.end();
        assert!(
            text.len() <= MAX_PAGE && text.len() > MAX_PAGE - 2 * RESERVE - 300,
            "{}",
            text.len()
        );
        assert_eq!(
            text.matches("<details>").count(),
            text.matches("</details>").count()
        );
        let rows = text
            .lines()
            .filter(|line| line.starts_with("| ") && line.contains("xxx"))
            .count();
        assert!(text.ends_with(&format!(
            "{} rows omitted: the comment would be too long. The JSON output has all rows.\n",
            900 - rows
        )));
    }
}
