//! Durations, counts and lists in words.

use jiff::SignedDuration;

/// Returns a duration in its two largest units, never negative: `1h 5m`, `25s`.
pub fn duration(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, _, _) => format!("{hours}h {minutes}m"),
        _ => format!("{days}d {hours}h"),
    }
}

/// Returns "1 image" or "3 images".
pub fn counted(count: usize, what: &str) -> String {
    if count == 1 {
        format!("1 {what}")
    } else {
        format!("{count} {what}s")
    }
}

/// Returns the first `most` items, then "and 3 more" for the others.
pub(crate) fn first(most: usize, items: impl ExactSizeIterator<Item = String>) -> Vec<String> {
    let more = items.len().saturating_sub(most);
    let mut shown: Vec<String> = items.take(most).collect();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_first_items_and_counts_the_others() {
        let list = |count: usize| first(2, (0..count).map(|n| n.to_string()));
        assert_eq!(list(0), [""; 0]);
        assert_eq!(list(2), ["0", "1"]);
        assert_eq!(list(3), ["0", "1", "and 1 more"]);
        assert_eq!(list(4), ["0", "1", "and 2 more"]);
    }
}
