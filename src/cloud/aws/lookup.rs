//! Looks values up in the environment and in the selected profile, and says who says them. What they mean together is
//! decided elsewhere.

use std::path::Path;

use super::config_error::ConfigError;
use super::profiles::{Profile, Profiles};
use super::region;
use crate::sys::environment::Environment;

/// The profile that is asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Selected {
    /// Its name; none if nothing names one, so that it is `default` if there is such a profile.
    pub(super) name: Option<String>,
    /// Who names it, for errors.
    pub(super) by: &'static str,
    /// Whether a flag of repave's names it: it then comes before everything in the environment.
    pub(super) is_explicit: bool,
}

/// Looks values up: in the environment, then in the selected profile.
pub(super) struct Lookup<'a> {
    pub(super) environment: &'a Environment,
    pub(super) profiles: &'a Profiles,
    /// The selected profile; an empty one if there is none.
    pub(super) profile: &'a Profile,
    pub(super) selected: &'a Selected,
}

/// A value and who says it, for errors.
pub(super) struct Said<'a> {
    pub(super) value: &'a str,
    pub(super) by: String,
}

impl Said<'_> {
    pub(super) fn names_no_file(&self, path: &Path) -> ConfigError {
        let path = path.display();
        ConfigError::new(format!(
            "{} names {path}, which is not a file. Correct or unset it",
            self.by
        ))
    }
}

impl<'a> Lookup<'a> {
    /// A value of the selected profile. An empty one is none; one of several lines is a slip of indentation.
    pub(super) fn in_profile(&self, key: &str) -> Result<Option<Said<'a>>, ConfigError> {
        let Some(value) = self
            .profile
            .values
            .get(key)
            .filter(|value| !value.is_empty())
        else {
            return Ok(None);
        };
        let file = self.profiles.file_of(self.profile, key);
        if value.contains('\n') {
            return Err(several_lines(key, self.profile_name(), &file));
        }
        let by = format!("{key} of profile {} in {file}", self.profile_name());
        Ok(Some(Said { value, by }))
    }

    pub(super) fn in_environment(&self, name: &str) -> Result<Option<Said<'a>>, ConfigError> {
        let value = self.environment.text(name)?;
        Ok(value.map(|value| Said {
            value,
            by: name.to_owned(),
        }))
    }

    /// A value of the environment, or else of the selected profile.
    pub(super) fn either(
        &self,
        variable: &str,
        key: &str,
    ) -> Result<Option<Said<'a>>, ConfigError> {
        match self.in_environment(variable)? {
            Some(said) => Ok(Some(said)),
            None => self.in_profile(key),
        }
    }

    pub(super) fn profile_name(&self) -> &str {
        self.selected.name.as_deref().unwrap_or("default")
    }

    /// A value that is true or false, in any case of letters.
    pub(super) fn switch(&self, variable: &str, key: &str) -> Result<Option<bool>, ConfigError> {
        let said = self.either(variable, key)?;
        said.map(|said| truth(&said)).transpose()
    }
}

pub(super) fn several_lines(key: &str, profile: &str, file: &str) -> ConfigError {
    ConfigError::new(format!(
        "{key} of profile {profile} in {file} has several lines. Indent the next key as its own key is indented"
    ))
}

pub(super) fn truth(said: &Said<'_>) -> Result<bool, ConfigError> {
    match said.value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(unusable(said, "true or false")),
    }
}

pub(super) fn unusable(said: &Said<'_>, expected: &str) -> ConfigError {
    ConfigError::new(format!(
        "{}: expected {expected}, found {}",
        said.by, said.value
    ))
}

/// The Region that is said, if it looks like one.
pub(super) fn checked_region(said: &Said<'_>) -> Result<String, ConfigError> {
    match region::check(said.value) {
        Ok(()) => Ok(said.value.to_owned()),
        Err(why) => Err(ConfigError::new(format!(
            "{} is \"{}\": {why}",
            said.by, said.value
        ))),
    }
}
