//! Parses an AWS configuration file into sections, by the rules of `configparser` of Python, which boto3 and the AWS CLI use:
//! indented keys, `key : value` and values that continue in indented lines are allowed. A repeated key or section, or any
//! other line, is an error with its line number. It does not know profiles.

use std::collections::BTreeMap;

/// The values of a section, by key in lowercase.
pub(super) type Values = BTreeMap<String, String>;

/// A section with the name between the brackets.
pub(super) type Section = (String, Values);

/// A problem and its line, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) line: usize,
    pub(super) what: String,
}

/// The section with default values for all other sections.
const DEFAULTS: &str = "DEFAULT";

/// Parses the sections, in the order of the file.
pub(super) fn parse(text: &str) -> Result<Vec<Section>, Problem> {
    if text.starts_with('\u{feff}') {
        return problem(
            0,
            "the file begins with a byte order mark. Save it as UTF-8 without a byte order mark",
        );
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut sections: Vec<Section> = Vec::new();
    let mut key: Option<String> = None;
    // The lines of all keys, whose values may be nested blocks.
    let mut blocks: Vec<(usize, String, usize)> = Vec::new();
    let mut indent = 0;
    for (number, line) in text.split('\n').enumerate() {
        let value = line.trim();
        let is_comment = value.starts_with(['#', ';']);
        if value.is_empty() || is_comment {
            if let (Some(key), Some((_, values)), false) = (&key, sections.last_mut(), is_comment) {
                values.entry(key.clone()).or_default().push('\n');
            }
            continue;
        }
        let depth = line.chars().take_while(|c| c.is_whitespace()).count();
        if let (Some(key), Some((_, values)), true) = (&key, sections.last_mut(), depth > indent) {
            let whole = values.entry(key.clone()).or_default();
            whole.push('\n');
            whole.push_str(value);
            continue;
        }
        indent = depth;
        if let Some(name) = section_name(value) {
            if sections.iter().any(|(other, _)| other == name) && name != DEFAULTS {
                return problem(
                    number,
                    "the file has a second section with this name. Remove one of them",
                );
            }
            sections.push((name.to_owned(), Values::new()));
            key = None;
            continue;
        }
        let Some((_, values)) = sections.last_mut() else {
            return problem(number, "expected a [section] before the first key");
        };
        let Some((name, rest)) = value.split_once(['=', ':']) else {
            return problem(number, "expected key = value");
        };
        let name = name.trim().to_lowercase();
        if name.is_empty() {
            return problem(number, "expected a key before the =");
        }
        if values.contains_key(&name) {
            let what = format!(
                "the section has a second {}. Remove one of them",
                safe_key(&name)
            );
            return problem(number, &what);
        }
        values.insert(name.clone(), rest.trim().to_owned());
        key = Some(name.clone());
        blocks.push((sections.len() - 1, name, number));
    }
    for (_, values) in &mut sections {
        for value in values.values_mut() {
            value.truncate(value.trim_end().len());
        }
    }
    for (section, key, number) in blocks {
        let value = sections
            .get(section)
            .and_then(|(_, values)| values.get(&key));
        if value.is_some_and(|value| value.starts_with('\n') && nested(value).is_none()) {
            return problem(
                number,
                "expected key = value in each indented line below the key",
            );
        }
    }
    Ok(with_defaults(sections))
}

fn problem<T>(line: usize, what: &str) -> Result<T, Problem> {
    Err(Problem {
        line: line + 1,
        what: what.to_owned(),
    })
}

/// Returns the key if it is safe to show. Another text may be a misplaced secret.
fn safe_key(key: &str) -> &str {
    let plain = |c: char| c.is_ascii_lowercase() || c == '_';
    if key.len() <= 40 && key.chars().all(plain) {
        key
    } else {
        "key with this name"
    }
}

/// Returns the name between the brackets, if the line begins a section. Text after the last bracket is ignored.
fn section_name(line: &str) -> Option<&str> {
    let inner = line.strip_prefix('[')?;
    let name = &inner[..inner.rfind(']')?];
    (!name.is_empty()).then_some(name)
}

fn with_defaults(sections: Vec<Section>) -> Vec<Section> {
    let (defaults, mut sections): (Vec<_>, Vec<_>) =
        sections.into_iter().partition(|(name, _)| name == DEFAULTS);
    for (key, value) in defaults.into_iter().flat_map(|(_, values)| values) {
        for (_, values) in &mut sections {
            values.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    sections
}

/// Splits a text into words by the quoting rules of a POSIX shell, as `shlex.split` of Python. `#` does not begin a comment.
/// Returns `None` if a quote is not closed.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    const HASH: &str = "\u{1}";
    let words = shlex::split(&text.replace('#', HASH))?;
    Some(
        words
            .into_iter()
            .map(|word| word.replace(HASH, "#"))
            .collect(),
    )
}

/// Parses a value that is a block of `key = value` lines below its key, as below `s3 =`. Returns `None` for other values.
pub(super) fn nested(value: &str) -> Option<Values> {
    let block = value.strip_prefix('\n')?;
    block
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (key, value) = line.split_once('=')?;
            Some((key.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, Vec<(String, String)>)> {
        let sections = parse(text).unwrap();
        sections
            .into_iter()
            .map(|(name, values)| (name, values.into_iter().collect()))
            .collect()
    }

    fn one(section: &str, pairs: &[(&str, &str)]) -> Vec<(String, Vec<(String, String)>)> {
        let pairs = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into()));
        vec![(section.into(), pairs.collect())]
    }

    #[test]
    fn valid_files_are_parsed_as_by_configparser() {
        for (text, found) in [
            ("[a]\nk=v", one("a", &[("k", "v")])),
            ("[a]\r\nK = V \r\n", one("a", &[("k", "V")])),
            (
                "[a]\n  k = v\n  l = w\n",
                one("a", &[("k", "v"), ("l", "w")]),
            ),
            ("[a]\nk : v=w\n", one("a", &[("k", "v=w")])),
            (
                "# c\n; c\n[a] # c\nk = v # w\n",
                one("a", &[("k", "v # w")]),
            ),
            (
                "[a]\nk =\n  x = 1\n\n  y=2\nl=w\n",
                one("a", &[("k", "\nx = 1\n\ny=2"), ("l", "w")]),
            ),
            ("[a]\nk = v\n  w\n", one("a", &[("k", "v\nw")])),
            ("[a]\nk=\n", one("a", &[("k", "")])),
            (
                "[profile \"b c\"]\nk=v",
                one("profile \"b c\"", &[("k", "v")]),
            ),
            (
                "[DEFAULT]\nk=d\nl=d\n[a]\nk=v",
                one("a", &[("k", "v"), ("l", "d")]),
            ),
            ("", vec![]),
        ] {
            assert_eq!(values(text), found, "{text:?}");
        }
    }

    #[test]
    fn invalid_files_are_rejected_with_the_line() {
        for (text, line) in [
            ("\u{feff}[a]", 1),
            ("k = v", 1),
            ("[a]\nk = v\nbroken\n", 3),
            ("[a]\n= v\n", 2),
            ("[a]\nk=1\nK=2\n", 3),
            ("[a]\n[b]\n[a]\n", 3),
            ("[]\n", 1),
            ("[a]\nk = v\ns3 =\n  x\n", 3),
        ] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text:?}");
        }
    }

    #[test]
    fn words_are_split_as_by_python() {
        for (text, found) in [
            ("a  b", Some(vec!["a", "b"])),
            (
                "cmd --url 'a b' \"c d\"",
                Some(vec!["cmd", "--url", "a b", "c d"]),
            ),
            ("cmd a&b $c *", Some(vec!["cmd", "a&b", "$c", "*"])),
            ("cmd #x a#b", Some(vec!["cmd", "#x", "a#b"])),
            ("a\\ b", Some(vec!["a b"])),
            ("'open", None),
            ("", Some(vec![])),
        ] {
            let found = found.map(|words| words.into_iter().map(str::to_owned).collect());
            assert_eq!(words(text), found, "{text}");
        }
    }

    #[test]
    fn only_a_block_of_values_is_nested() {
        let found = nested("\nendpoint_url = http://a\nb=c\n").unwrap();
        assert_eq!(found["endpoint_url"], "http://a");
        assert_eq!((nested("v"), nested("\nbroken")), (None, None));
    }
}
