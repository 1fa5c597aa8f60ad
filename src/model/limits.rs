//! The limits of text values: length and characters. It does not know the values.

use std::ops::RangeInclusive;

use crate::sys::escape::Escaped;

/// Why a text is not a valid value, for the author of the manifest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; allowed: {allowed}")]
pub struct InvalidValue {
    /// The problem, without the whole text.
    pub problem: String,
    pub allowed: &'static str,
}

/// Which characters a text may have.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Alphabet {
    /// Only these characters.
    Of(&'static [RangeInclusive<char>]),
    /// All characters except these.
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

/// The limits of a text value. The parser and the schema of manifests use them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The text before the value, case-sensitive.
    pub prefix: &'static str,
    /// The minimum number of characters after the prefix.
    pub least: usize,
    /// The maximum number of characters after the prefix.
    pub most: usize,
    /// The characters allowed after the prefix.
    pub alphabet: Alphabet,
    /// The characters allowed at the start and at the end, and the problem if another one is there.
    pub edges: Option<(Alphabet, &'static str)>,
    /// An ASCII text that the value must not begin with, in any case, and the problem if it does.
    pub reserved: Option<(&'static str, &'static str)>,
    pub allowed: &'static str,
}

/// A text value with limits.
pub(crate) trait Limited: Sized {
    const LIMITS: Limits;

    /// Checks the text and keeps it.
    fn limited(text: String) -> Result<Self, InvalidValue>;
}

impl Limits {
    /// Limits of length and alphabet, without other rules.
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

    /// Checks the length in characters and the alphabet. The error names the first invalid character.
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
