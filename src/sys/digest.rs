//! SHA-256 digests, written as `sha256:` and 64 hexadecimal digits.

use sha2::{Digest as _, Sha256};

const PREFIX: &str = "sha256:";

pub(crate) fn sha256(bytes: &[u8]) -> String {
    PREFIX.to_owned() + &hexadecimal(bytes, 32)
}

/// Returns the first `length` bytes of the digest in hexadecimal digits, without `sha256:`.
pub(crate) fn hexadecimal(bytes: &[u8], length: usize) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * length);
    for byte in Sha256::digest(bytes).into_iter().take(length) {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// Parses a digest from user input, with or without `sha256:`.
pub(crate) fn parse(text: &str) -> Option<String> {
    let digits = text.strip_prefix(PREFIX).unwrap_or(text);
    let is_digest = digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit());
    is_digest.then(|| format!("{PREFIX}{}", digits.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_digest_can_be_parsed() {
        let digest = sha256(b"abc");
        // The first test vector of FIPS 180-2.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest, format!("sha256:{known}"));
        for text in [digest.clone(), known.to_owned(), known.to_uppercase()] {
            assert_eq!(parse(&text), Some(digest.clone()));
        }
        for text in [
            "",
            "sha256:",
            &known[1..],
            "sha1:ba78",
            &format!("{known}0"),
            &known.replace('b', "g"),
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
