//! Random ids, which distinguish one start of a process from all others.

use std::fmt::Write as _;

/// Returns 128 random bits as 32 hexadecimal digits.
pub(crate) fn id() -> String {
    let mut bytes = [0; 16];
    // Without a system source, the address space layout and the time still differ between two starts.
    if getrandom::getrandom(&mut bytes).is_err() {
        bytes = fastrand::u128(..).to_be_bytes();
    }
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_two_ids_are_equal_and_each_has_32_digits() {
        let ids: BTreeSet<String> = (0..100).map(|_| super::id()).collect();
        assert_eq!(ids.len(), 100);
        let is_hex = |id: &String| id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit());
        assert!(ids.iter().all(is_hex), "{ids:?}");
    }
}
