//! How a group looks: its symbol, its word, its color.

use anstyle::{AnsiColor, Style};

use crate::model::group::Group;

/// Returns the symbol that stands for the group at the beginning of a line.
pub(super) fn symbol(group: Group) -> char {
    match group {
        Group::Due => '+',
        Group::Building => '~',
        Group::Waiting => '.',
        Group::Blocked => '!',
        Group::Ready => '=',
    }
}

/// Returns what the legend calls it; the totals use the same words.
pub(super) fn word(group: Group) -> &'static str {
    match group {
        Group::Due => "to create",
        Group::Building => "building",
        Group::Waiting => "waiting",
        Group::Blocked => "blocked: a person is needed",
        Group::Ready => "ready",
    }
}

pub(super) fn style(group: Group) -> Style {
    let color = match group {
        Group::Due | Group::Ready => AnsiColor::Green,
        Group::Building => AnsiColor::Cyan,
        Group::Waiting => AnsiColor::Yellow,
        Group::Blocked => AnsiColor::Red,
    };
    Style::new().fg_color(Some(color.into()))
}

/// Returns the symbol in its color; colors are taken out again where they are off.
pub(super) fn painted(group: Group) -> String {
    let style = style(group);
    format!("{style}{}{style:#}", symbol(group))
}
