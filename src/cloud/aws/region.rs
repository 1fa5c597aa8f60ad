//! The names of Regions.

use crate::sys::similar::similar;

/// The known Regions, from the partitions of botocore 1.44. Other names of the same form are accepted, because AWS adds
/// Regions.
const KNOWN: [&str; 48] = [
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-isoe-west-1",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "eusc-de-east-1",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "me-west-1",
    "mx-central-1",
    "sa-east-1",
    "sa-west-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
    "us-west-1",
    "us-west-2",
];

/// The directions before the number in the name of a Region.
const DIRECTIONS: [&str; 9] = [
    "central",
    "east",
    "north",
    "northeast",
    "northwest",
    "south",
    "southeast",
    "southwest",
    "west",
];

/// Checks that a text is the name of a Region, like eu-west-1. The error suggests a correction.
pub(crate) fn check(text: &str) -> Result<(), String> {
    if KNOWN.contains(&text) || has_region_form(text) {
        return Ok(());
    }
    let bare = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
    let nearest = match similar(bare, &KNOWN).first() {
        Some(known) => format!("; did you mean {known}?"),
        None => " like eu-west-1".to_owned(),
    };
    Err(format!("expected the name of a Region{nearest}"))
}

pub(super) fn is_known(region: &str) -> bool {
    KNOWN.contains(&region)
}

/// Returns the known Regions that may have been meant.
pub(super) fn similar_known(region: &str) -> Vec<&'static str> {
    similar(region, &KNOWN)
}

/// Returns whether a text has an area of two to four letters, an optional part like gov or iso, a direction, and a number.
fn has_region_form(text: &str) -> bool {
    let letters = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_lowercase())
    };
    let parts: Vec<&str> = text.split('-').collect();
    let (area, middle, direction, number) = match parts.as_slice() {
        [area, direction, number] => (area, None, direction, number),
        [area, middle, direction, number] => (area, Some(middle), direction, number),
        _ => return false,
    };
    letters(area, 2..=4)
        && middle.is_none_or(|middle| letters(middle, 2..=5))
        && DIRECTIONS.contains(direction)
        && (1..=2).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_region_has_a_valid_form() {
        for known in KNOWN {
            assert!(has_region_form(known), "{known}");
        }
        assert!(KNOWN.is_sorted());
    }

    #[test]
    fn a_region_that_is_not_known_is_like_known_ones() {
        assert!(is_known("eu-west-1") && !is_known("eu-west-11"));
        assert_eq!(similar_known("zz-southwest-99"), [""; 0]);
        for (text, meant) in [("ue-west-1", "eu-west-1"), ("us-west-11", "us-west-1")] {
            assert_eq!(similar_known(text).first(), Some(&meant), "{text}");
        }
    }

    #[test]
    fn a_wrong_region_is_corrected() {
        for text in ["eu-west-1", "eu-west-9", "us-gov-west-1", "xx-southwest-12"] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for (text, meant) in [
            ("eu-wst-1", "eu-west-1"),
            ("\"eu-west-1\"", "eu-west-1"),
            ("eu-west-1 ", "eu-west-1"),
            ("us-east1", "us-east-1"),
            ("EU-WEST-1", "eu-west-1"),
            ("eu-west-1a", "eu-west-1"),
            ("eu-west-111", "eu-west-1"),
            ("eu-west-1.evil.example/", "eu-west-1"),
            ("", "like eu-west-1"),
            ("Ireland", "like eu-west-1"),
        ] {
            let problem = check(text).unwrap_err();
            assert!(problem.contains(meant), "{text}: {problem}");
        }
    }
}
