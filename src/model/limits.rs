//! What a text may be to be a value of its kind. It knows no kind.

use std::ops::RangeInclusive;

use crate::sys::escape::Escaped;

/// Says why a text is no value of its kind, in words for the person who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; allowed: {allowed}")]
pub struct InvalidValue {
    /// What is wrong with the text, without repeating it whole.
    pub problem: String,
    /// What would be right.
    pub allowed: &'static str,
}

/// Which characters a text may have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Alphabet {
    /// These alone.
    Of(&'static [RangeInclusive<char>]),
    /// All but these.
    Without(&'static [RangeInclusive<char>]),
}

impl Alphabet {
    pub(super) fn has(self, c: char) -> bool {
        match self {
            Self::Of(ranges) => ranges.iter().any(|range| range.contains(&c)),
            Self::Without(ranges) => !ranges.iter().any(|range| range.contains(&c)),
        }
    }
}

/// What a text must be to be a value of its kind: parsing and the manifest's schema both go by it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// What it begins with, in these very letters.
    pub prefix: &'static str,
    /// The fewest characters after the prefix.
    pub least: usize,
    /// The most characters after the prefix.
    pub most: usize,
    /// What may stand after the prefix.
    pub alphabet: Alphabet,
    /// What the first and the last character must be, and what is wrong if they are not.
    pub edges: Option<(Alphabet, &'static str)>,
    /// What it must not begin with, in whatever case, and what is wrong if it does. ASCII letters and signs.
    pub reserved: Option<(&'static str, &'static str)>,
    /// The same in words.
    pub allowed: &'static str,
}

/// A text value within limits.
pub(crate) trait Limited: Sized {
    const LIMITS: Limits;

    /// Checks the text and keeps it.
    fn limited(text: String) -> Result<Self, InvalidValue>;
}

impl Limits {
    /// Between so many characters of the alphabet, and nothing else to heed.
    pub(super) const fn new(
        least: usize,
        most: usize,
        alphabet: Alphabet,
        allowed: &'static str,
    ) -> Self {
        Self {
            prefix: "",
            least,
            most,
            alphabet,
            edges: None,
            reserved: None,
            allowed,
        }
    }

    /// Checks length (in characters) and alphabet, and names the first character that does not belong.
    pub(super) fn check(&self, text: &str) -> Result<(), InvalidValue> {
        let invalid = |problem: String| {
            let allowed = self.allowed;
            Err(InvalidValue { problem, allowed })
        };
        let Some(rest) = text.strip_prefix(self.prefix) else {
            return invalid(format!("does not begin with {}", self.prefix));
        };
        let after = match self.prefix {
            "" => String::new(),
            prefix => format!("after {prefix}: "),
        };
        let count = rest.chars().count();
        if count == 0 && self.least > 0 {
            return invalid(format!("{after}empty"));
        }
        if !(self.least..=self.most).contains(&count) {
            return invalid(format!("{after}{count} characters long"));
        }
        if let Some((at, c)) = (1..)
            .zip(rest.chars())
            .find(|(_, c)| !self.alphabet.has(*c))
        {
            let shown = c.to_string();
            let shown = Escaped(&shown);
            return invalid(format!("{after}character {at} is \"{shown}\""));
        }
        if let Some((edge, problem)) = self.edges {
            let mut ends = rest.chars().next().into_iter().chain(rest.chars().last());
            if ends.any(|c| !edge.has(c)) {
                return invalid(problem.into());
            }
        }
        if let Some((reserved, problem)) = self.reserved
            && text
                .get(..reserved.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(reserved))
        {
            return invalid(problem.into());
        }
        Ok(())
    }
}
