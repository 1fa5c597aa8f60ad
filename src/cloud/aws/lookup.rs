//! Looks up settings in the environment and in the selected profile, each with its origin for errors.

use std::path::Path;

use super::config_error::ConfigError;
use super::profiles::{Profile, Profiles};
use super::region;
use crate::sys::environment::Environment;

/// The selected profile.
#[derive(Debug, Clone, Default)]
pub(super) struct SelectedProfile {
    /// The name, or `None` for the default profile.
    pub(super) name: Option<String>,
    /// The flag or variable that selects it, for errors.
    pub(super) origin: &'static str,
    /// Whether a flag of repave selects it. It then takes precedence over the environment.
    pub(super) is_explicit: bool,
}

/// Looks up settings in the environment, then in the selected profile.
pub(super) struct Lookup<'a> {
    pub(super) environment: &'a Environment,
    pub(super) profiles: &'a Profiles,
    /// The selected profile, or an empty profile without one.
    pub(super) profile: &'a Profile,
    pub(super) selected: &'a SelectedProfile,
}

/// A value, and where it is set, for errors.
pub(super) struct Setting<'a> {
    pub(super) value: &'a str,
    pub(super) origin: String,
}

impl Setting<'_> {
    pub(super) fn not_a_file(&self, path: &Path) -> ConfigError {
        let path = path.display();
        ConfigError::new(format!(
            "{} is {path}, which is not a file. Correct or unset it",
            self.origin
        ))
    }
}

impl<'a> Lookup<'a> {
    /// Returns a setting of the selected profile. An empty value counts as unset. A value with several lines is an indentation
    /// mistake.
    pub(super) fn in_profile(&self, key: &str) -> Result<Option<Setting<'a>>, ConfigError> {
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
        let origin = format!("{key} of profile {} in {file}", self.profile_name());
        Ok(Some(Setting { value, origin }))
    }

    pub(super) fn in_environment(&self, name: &str) -> Result<Option<Setting<'a>>, ConfigError> {
        let value = self.environment.text(name)?;
        Ok(value.map(|value| Setting {
            value,
            origin: name.to_owned(),
        }))
    }

    /// Returns a setting of the environment, or else of the selected profile.
    pub(super) fn environment_or_profile(
        &self,
        variable: &str,
        key: &str,
    ) -> Result<Option<Setting<'a>>, ConfigError> {
        match self.in_environment(variable)? {
            Some(setting) => Ok(Some(setting)),
            None => self.in_profile(key),
        }
    }

    pub(super) fn profile_name(&self) -> &str {
        self.selected.name.as_deref().unwrap_or("default")
    }

    /// Returns a setting that is true or false, in any case.
    pub(super) fn bool_setting(
        &self,
        variable: &str,
        key: &str,
    ) -> Result<Option<bool>, ConfigError> {
        let setting = self.environment_or_profile(variable, key)?;
        setting.map(|setting| parse_bool(&setting)).transpose()
    }
}

pub(super) fn several_lines(key: &str, profile: &str, file: &str) -> ConfigError {
    ConfigError::new(format!(
        "{key} of profile {profile} in {file} has several lines. Give the next key the same indentation"
    ))
}

pub(super) fn parse_bool(setting: &Setting<'_>) -> Result<bool, ConfigError> {
    match setting.value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(invalid_setting(setting, "true or false")),
    }
}

pub(super) fn invalid_setting(setting: &Setting<'_>, expected: &str) -> ConfigError {
    ConfigError::new(format!(
        "{}: expected {expected}, found {}. Correct or unset it",
        setting.origin, setting.value
    ))
}

/// Returns the setting, if it is the name of a Region.
pub(super) fn checked_region(setting: &Setting<'_>) -> Result<String, ConfigError> {
    match region::check(setting.value) {
        Ok(()) => Ok(setting.value.to_owned()),
        Err(why) => Err(ConfigError::new(format!(
            "{} is \"{}\": {why}",
            setting.origin, setting.value
        ))),
    }
}
