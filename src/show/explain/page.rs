//! All texts as one page of Markdown: docs/reasons.md.

use std::fmt::Write as _;

use super::topic::{Group, topics};

/// The page.
pub fn markdown() -> String {
    let mut page = "# What reasons and codes mean\n\n\
        `repave explain TOPIC` says the same at a terminal, without a network. `repave explain NAME` says what holds an image \
        up, by its name or its manifest's. This page is made from the program's own texts; a test compares them.\n"
        .to_owned();
    let topics = topics();
    for group in Group::ALL {
        let _ = write!(page, "\n## {}\n\n{}\n", group.heading(), group.note());
        for topic in topics.iter().filter(|topic| topic.kind == group) {
            let alias = topic.alias.as_ref();
            let alias = alias.map(|alias| format!(": {alias}")).unwrap_or_default();
            let _ = write!(
                page,
                "\n### {}{alias}\n\n{}\n\n*Cleared by:* {}\n",
                topic.name,
                escaped(topic.means),
                escaped(topic.clears)
            );
            if !topic.look_for.is_empty() {
                let _ = write!(page, "\n*Look for:* {}\n", escaped(topic.look_for));
            }
        }
    }
    page
}

/// Markdown would take the star of a resource for emphasis, and a backslash for an escape.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('*', "\\*")
        .replace('_', "\\_")
}
