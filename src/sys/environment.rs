//! The only module that reads the environment variables and the arguments of the process. An empty variable counts as unset.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};

/// Returns the value of a variable of the process, if the variable is set and not empty.
pub(crate) fn variable(name: impl AsRef<OsStr>) -> Option<OsString> {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the only reader of the environment"
    )]
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Returns the URL of the pipeline run, if this process runs in GitHub Actions, GitLab CI or Jenkins.
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

/// Returns whether a text is an HTTP URL that is safe to log: no password, no control characters.
fn is_plain_url(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or(text.strip_prefix("http://"));
    rest.is_some_and(|rest| {
        text.len() <= 512 && !rest.contains('@') && rest.chars().all(|c| c.is_ascii_graphic())
    })
}

/// The variables that are set and not empty, and the home directory.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    variables: BTreeMap<OsString, OsString>,
    home: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VariableError {
    #[error("the environment variable {0} is not UTF-8 text. Correct or unset it")]
    NotUtf8(String),
    #[error(
        "the environment variable {0} contains a line break or another control character. Correct or unset it"
    )]
    Control(String),
}

impl Environment {
    /// Reads all environment variables of the process.
    pub(crate) fn of_process() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the only reader of the environment"
        )]
        let (variables, home) = (std::env::vars_os(), std::env::home_dir());
        Self::new(variables, home)
    }

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

    /// Returns the text of the variable, if it is set. A control character is an error: no name, key, URL or path has one.
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

    pub(crate) fn has(&self, name: &str) -> bool {
        self.variables.contains_key(OsStr::new(name))
    }

    pub(crate) fn in_home(&self, path: &str) -> Option<PathBuf> {
        Some(self.home.as_deref()?.join(path))
    }

    /// Expands a path as a shell does: `~/` is the home directory, `$NAME` and `${NAME}` are variables. A variable that is not
    /// set stays unexpanded, as in `os.path.expandvars` of Python, which boto3 uses.
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
    /// Shows the names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

/// Returns the command line of the process, its name first.
pub(crate) fn arguments() -> Vec<OsString> {
    std::env::args_os().collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_a_plain_url_is_safe_to_log() {
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
    fn an_empty_variable_counts_as_unset() {
        let found = environment(&[("A", ""), ("B", "b")]);
        assert_eq!((found.text("A"), found.has("A")), (Ok(None), false));
        assert_eq!((found.text("B"), found.has("B")), (Ok(Some("b")), true));
    }

    #[test]
    fn a_value_that_is_not_text_is_an_error_and_is_never_shown() {
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
    fn paths_are_expanded_as_in_a_shell() {
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
