//! The environment variables of the process; nothing else reads them. An empty variable is an unset one.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// Returns the value of a variable of the process, if the variable is set and not empty.
pub(crate) fn variable(name: impl AsRef<OsStr>) -> Option<OsString> {
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the page of the pipeline that this process runs in, where GitHub Actions, GitLab CI or Jenkins say so.
pub(crate) fn pipeline_url() -> Option<String> {
    let text = |name: &str| variable(name)?.into_string().ok();
    let github = || {
        let (server, repository) = (text("GITHUB_SERVER_URL")?, text("GITHUB_REPOSITORY")?);
        Some(format!(
            "{server}/{repository}/actions/runs/{}",
            text("GITHUB_RUN_ID")?
        ))
    };
    let url = github()
        .or_else(|| text("CI_JOB_URL"))
        .or_else(|| text("BUILD_URL"))?;
    is_plain_url(&url).then_some(url)
}

/// Tells whether a text is a web address that is safe to write down: no password in it, nothing that acts.
fn is_plain_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or(text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        text.len() <= 512 && !rest.contains('@') && rest.chars().all(|c| c.is_ascii_graphic())
    })
}

/// The variables that are set and not empty, and the home folder.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
    home: Option<PathBuf>,
}

/// A variable that cannot be used as text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VariableError {
    #[error("the variable {0} is not UTF-8 text. Correct or unset it")]
    NotUtf8(String),
    /// A control character stands in it, as a line break at its end.
    #[error(
        "the variable {0} has a line break or another control character in it. Correct or unset it"
    )]
    Control(String),
}

impl Environment {
    /// Reads all variables of the process, for what AWS tools read of them.
    pub(crate) fn of_process() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the door")]
        let (variables, home) = (std::env::vars_os(), std::env::home_dir());
        Self::new(variables, home)
    }

    /// Keeps the variables that are not empty.
    pub(crate) fn new(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        home: Option<PathBuf>,
    ) -> Self {
        Self {
            variables: variables
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            home: home.filter(|home| !home.as_os_str().is_empty()),
        }
    }

    /// Returns the variable's text, if it is set: without control characters, as no name, key, address or path has any.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, VariableError> {
        let Some(value) = self.variables.get(OsStr::new(name)) else {
            return Ok(None);
        };
        match value.to_str() {
            None => Err(VariableError::NotUtf8(name.into())),
            Some(text) if text.chars().any(char::is_control) => {
                Err(VariableError::Control(name.into()))
            }
            Some(text) => Ok(Some(text)),
        }
    }

    /// Tells whether the variable is set and not empty.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.variables.contains_key(OsStr::new(name))
    }

    /// Returns the path in the home folder.
    pub(crate) fn in_home(&self, path: &str) -> Option<PathBuf> {
        Some(self.home.as_deref()?.join(path))
    }

    /// Returns the path as a shell would read it: `~/` is the home folder, and `$NAME` or `${NAME}` a variable. A
    /// variable that is not set stays as it is written (as Python's `os.path.expandvars` does it, which boto3 uses).
    pub(crate) fn path(&self, text: &str) -> PathBuf {
        let text = self.expand_variables(text);
        match (text.strip_prefix('~'), &self.home) {
            (Some(""), Some(home)) => home.clone(),
            (Some(rest), Some(home)) if rest.starts_with('/') => {
                home.join(rest.trim_start_matches('/'))
            }
            _ => Path::new(&text).to_owned(),
        }
    }

    fn expand_variables(&self, text: &str) -> String {
        let mut expanded = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            let (before, after) = rest.split_at(at);
            expanded.push_str(before);
            let after = &after[1..];
            let braced = after
                .strip_prefix('{')
                .and_then(|inner| inner.split_once('}'));
            let (name, then) = braced.unwrap_or_else(|| {
                let end = after
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(after.len());
                after.split_at(end)
            });
            let value = self
                .variables
                .get(OsStr::new(name))
                .and_then(|v| v.to_str());
            match value {
                Some(value) if !name.is_empty() => {
                    expanded.push_str(value);
                    rest = then;
                }
                _ => {
                    expanded.push('$');
                    rest = after;
                }
            }
        }
        expanded.push_str(rest);
        expanded
    }
}

impl fmt::Debug for Environment {
    /// Names alone: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_is_written_down_only_if_it_is_plain() {
        for (text, plain) in [
            ("https://github.com/acme/vdi/actions/runs/7", true),
            ("http://jenkins:8080/job/vdi/7/", true),
            ("https://user:secret@jenkins/job/7", false),
            ("https://ci/\u{1b}[2J", false),
            ("https://ci/a b", false),
            ("ftp://ci/7", false),
            ("", false),
        ] {
            assert_eq!(super::is_plain_url(text), plain, "{text}");
        }
        let long = |length: usize| format!("https://{}", "a".repeat(length - 8));
        assert!(super::is_plain_url(&long(512)));
        assert!(!super::is_plain_url(&long(513)));
    }

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        let variables = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        Environment::new(variables, Some("/home/ann".into()))
    }

    #[test]
    fn an_empty_variable_is_an_unset_one() {
        let found = environment(&[("A", ""), ("B", "b")]);
        assert_eq!((found.text("A"), found.has("A")), (Ok(None), false));
        assert_eq!((found.text("B"), found.has("B")), (Ok(Some("b")), true));
    }

    #[test]
    fn a_value_that_is_no_text_is_refused_and_never_shown() {
        use std::os::unix::ffi::OsStringExt as _;
        let odd = Environment::new(
            [
                ("A".into(), OsString::from_vec(vec![0xff])),
                ("B".into(), "secret\n".into()),
            ],
            None,
        );
        assert_eq!(odd.text("A"), Err(VariableError::NotUtf8("A".into())));
        assert_eq!(odd.text("B"), Err(VariableError::Control("B".into())));
        assert!(!format!("{odd:?}").contains("secret"));
    }

    #[test]
    fn paths_are_read_as_a_shell_reads_them() {
        let found = environment(&[("D", "/data"), ("E", "e")]);
        for (text, path) in [
            ("~", "/home/ann"),
            ("~/.aws/config", "/home/ann/.aws/config"),
            ("~bob/x", "~bob/x"),
            ("$D/x", "/data/x"),
            ("${D}x/$E", "/datax/e"),
            ("$NONE/x", "$NONE/x"),
            ("${D", "${D"),
            ("a$", "a$"),
            ("/plain", "/plain"),
        ] {
            assert_eq!(found.path(text), Path::new(path), "{text}");
        }
    }
}
