//! Finds similar words, to suggest a correction.

/// The minimum Jaro-Winkler similarity, from 0 to 1, of a suggestion. Lower values match words that share only letters.
const MIN_SIMILARITY: f64 = 0.84;

/// The maximum number of suggestions.
const MAX_SUGGESTIONS: usize = 3;

/// Returns the most similar words, ignoring case, the most similar first.
pub(crate) fn similar<'a>(word: &str, among: &[&'a str]) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let mut found: Vec<(f64, &str)> = among
        .iter()
        .map(|candidate| {
            (
                strsim::jaro_winkler(&word, &candidate.to_lowercase()),
                *candidate,
            )
        })
        .filter(|(similarity, _)| *similarity >= MIN_SIMILARITY)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    found.dedup_by_key(|(_, candidate)| *candidate);
    found
        .into_iter()
        .take(MAX_SUGGESTIONS)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// The maximum number of typing errors in one word: letters that are missing, added, replaced or swapped.
const MAX_TYPOS: usize = 2;

/// Returns whether a word is the intended word, ignoring case and a few typing errors.
pub(crate) fn is_typo(word: &str, intended: &str) -> bool {
    // The distance costs the product of both lengths.
    word.len() <= intended.len() + MAX_TYPOS
        && strsim::osa_distance(&word.to_lowercase(), &intended.to_lowercase()) <= MAX_TYPOS
}

/// Returns "; did you mean a, b or c?", or an empty text.
pub(crate) fn did_you_mean<S: AsRef<str>>(words: &[S]) -> String {
    let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    match words.as_slice() {
        [] => String::new(),
        [one] => format!("; did you mean {one}?"),
        [first @ .., last] => format!("; did you mean {} or {last}?", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_corrected_and_another_word_is_not() {
        let words = [
            "Building",
            "BuildFailed",
            "BuildOverdue",
            "QuotaExceeded",
            "Suspended",
        ];
        for (word, found) in [
            ("bulding", &["Building"][..]),
            ("build", &["Building", "BuildFailed", "BuildOverdue"]),
            ("suspend", &["Suspended"]),
            ("QuotaExeeded", &["QuotaExceeded"]),
            ("finance", &[]),
            ("", &[]),
        ] {
            assert_eq!(similar(word, &words), found, "{word}");
        }
        for (word, found) in [
            ("suspend", true),
            ("SUSPENDED", true),
            ("sspneded", true),
            ("suspen", false),
            ("", false),
            ("suspended by", false),
        ] {
            assert_eq!(is_typo(word, "Suspended"), found, "{word}");
        }
        assert_eq!(did_you_mean(&["a", "b", "c"]), "; did you mean a, b or c?");
    }
}
