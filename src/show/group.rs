//! The symbol, the word and the color of a group.

use anstyle::{AnsiColor, Style};

use crate::model::group::Group;

/// Returns the symbol at the beginning of a line.
pub(super) fn symbol(group: Group) -> char {
    match group {
        Group::Due => '+',
        Group::Building => '~',
        Group::Waiting => '.',
        Group::Blocked => '!',
        Group::Ready => '=',
    }
}

/// Returns the word in the legend and in the totals.
pub(super) fn word(group: Group) -> &'static str {
    match group {
        Group::Due => "to create",
        Group::Building => "building",
        Group::Waiting => "waiting",
        Group::Blocked => "blocked: action required",
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

/// Returns the symbol with its color, which is removed later if colors are off.
pub(super) fn painted(group: Group) -> String {
    let style = style(group);
    format!("{style}{}{style:#}", symbol(group))
}
