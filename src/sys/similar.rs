//! Finds the words that somebody may have meant.

/// How alike two words must be, from 0 to 1, so that one is offered for the other. Below this, the Jaro-Winkler measure
/// finds likeness in words that share no more than their letters.
const ALIKE: f64 = 0.84;

/// The most that are offered.
const MOST: usize = 3;

/// Returns the words that are most like this one, whatever the case of letters, the likest first.
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
        .filter(|(alike, _)| *alike >= ALIKE)
        .collect();
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    found.dedup_by_key(|(_, candidate)| *candidate);
    found
        .into_iter()
        .take(MOST)
        .map(|(_, candidate)| candidate)
        .collect()
}

/// "; did you mean a, b or c?", or nothing.
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
    fn a_slip_is_found_and_another_word_is_not() {
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
        assert_eq!(did_you_mean(&["a", "b", "c"]), "; did you mean a, b or c?");
    }
}
