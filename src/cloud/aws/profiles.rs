//! Reads the profiles, SSO sessions and services in the AWS configuration files, as boto3 and the AWS CLI do.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::config_error::ConfigError;
use super::ini::{self, Values};
use crate::sys::environment::Environment;
use crate::sys::files;
use crate::sys::similar::{did_you_mean, similar};

/// The largest configuration file, in bytes. It has room for thousands of profiles.
const MAX_FILE: u64 = 1 << 20;

/// The location of a configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ConfigFile {
    path: PathBuf,
    /// The variable with the path, or `None` for the default path.
    variable: Option<&'static str>,
    exists: bool,
}

/// A profile from both files. The credentials file takes precedence over the configuration file.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    pub(super) values: Values,
    /// The values in the configuration file.
    pub(super) in_config: Values,
    /// The values in the credentials file.
    pub(super) in_credentials: Values,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Profiles {
    config: ConfigFile,
    credentials: ConfigFile,
    by_name: BTreeMap<String, Profile>,
    /// Sections of the configuration file that are not profiles, for a hint: `[profile ]` is easily forgotten.
    others: BTreeSet<String>,
    sso_sessions: BTreeMap<String, Values>,
    services: BTreeMap<String, Values>,
}

impl Profiles {
    /// Reads both files. A missing file has no profiles. A file that cannot be read or parsed is an error.
    pub(super) fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let file = |variable, usual| -> Result<ConfigFile, ConfigError> {
            let named = environment.text(variable)?;
            let path = match named {
                Some(text) => Some(environment.path(text)),
                None => environment.in_home(usual),
            };
            Ok(ConfigFile {
                path: path.unwrap_or_default(),
                variable: named.map(|_| variable),
                exists: false,
            })
        };
        let mut found = Self {
            config: file("AWS_CONFIG_FILE", ".aws/config")?,
            credentials: file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")?,
            ..Self::default()
        };
        for (name, values) in sections(&mut found.config)? {
            found.add_section(&name, values);
        }
        for (name, values) in sections(&mut found.credentials)? {
            let profile = found.by_name.entry(name).or_default();
            profile.values.extend(values.clone());
            profile.in_credentials = values;
        }
        Ok(found)
    }

    fn add_section(&mut self, name: &str, values: Values) {
        let named = || match ini::words(name).as_deref() {
            Some([_, name]) => Some(name.clone()),
            Some(_) | None => None,
        };
        if name == "default" {
            self.add_profile(name.to_owned(), values);
        } else if name.starts_with("profile") {
            if let Some(name) = named() {
                self.add_profile(name, values);
            }
        } else if name.starts_with("sso-session") {
            self.sso_sessions.extend(named().map(|name| (name, values)));
        } else if name.starts_with("services") {
            self.services.extend(named().map(|name| (name, values)));
        } else {
            self.others.insert(name.to_owned());
        }
    }

    /// Adds a profile of the configuration file. A later section of the same profile replaces an earlier one.
    fn add_profile(&mut self, name: String, values: Values) {
        let profile = Profile {
            values: values.clone(),
            in_config: values,
            in_credentials: Values::new(),
        };
        self.by_name.insert(name, profile);
    }

    /// Returns the profile, or an error that it does not exist.
    pub(super) fn named(&self, name: &str) -> Result<&Profile, ConfigError> {
        self.by_name.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
            let hint = if self.others.contains(name) {
                let config = self.config.path.display();
                format!(". {config} has a section [{name}]. Rename it to [profile {name}]")
            } else {
                did_you_mean(&similar(name, &names))
            };
            ConfigError::new(format!(
                "profile {name} does not exist in {}{hint}",
                self.files()
            ))
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<&Profile> {
        self.by_name.get(name)
    }

    /// Returns the values of `[sso-session NAME]`.
    pub(super) fn sso_session(&self, name: &str) -> Result<&Values, ConfigError> {
        self.section(&self.sso_sessions, "sso-session", name)
    }

    /// Returns the values of `[services NAME]`.
    pub(super) fn services(&self, name: &str) -> Result<&Values, ConfigError> {
        self.section(&self.services, "services", name)
    }

    fn section<'a>(
        &self,
        among: &'a BTreeMap<String, Values>,
        kind: &str,
        name: &str,
    ) -> Result<&'a Values, ConfigError> {
        among.get(name).ok_or_else(|| {
            let names: Vec<&str> = among.keys().map(String::as_str).collect();
            let meant = did_you_mean(&similar(name, &names));
            let path = self.config.path.display();
            ConfigError::new(format!(
                "section [{kind} {name}] does not exist in {path}{meant}"
            ))
        })
    }

    /// Returns an error text if a variable names a file that does not exist.
    pub(super) fn missing_named_file(&self) -> Option<String> {
        [&self.config, &self.credentials]
            .into_iter()
            .find_map(|file| {
                let variable = file.variable.filter(|_| !file.exists)?;
                let path = file.path.display();
                Some(format!("{variable} is {path}, which does not exist"))
            })
    }

    /// Returns the paths of both files, for errors.
    pub(super) fn files(&self) -> String {
        let name = |file: &ConfigFile| {
            let path = file.path.display();
            match file.variable.filter(|_| !file.exists) {
                Some(variable) => format!("{path} ({variable}; it does not exist)"),
                None => path.to_string(),
            }
        };
        format!("{} or {}", name(&self.config), name(&self.credentials))
    }

    /// Returns the path of the file in which the profile has this key, for errors.
    pub(super) fn file_of(&self, profile: &Profile, key: &str) -> String {
        let file = if profile.in_credentials.contains_key(key) {
            &self.credentials
        } else {
            &self.config
        };
        file.path.display().to_string()
    }

    pub(super) fn config_file(&self) -> &Path {
        &self.config.path
    }
}

/// Reads the sections of the file, and records whether it exists.
fn sections(file: &mut ConfigFile) -> Result<Vec<ini::Section>, ConfigError> {
    let path = file.path.display();
    if file.path.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    // Not a regular file, but the usual value for "no profiles".
    if file.path == Path::new("/dev/null") {
        file.exists = true;
        return Ok(Vec::new());
    }
    let bytes = match files::read_limited(&file.path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => {
            return Err(ConfigError::new(format!("cannot read {path}: {error}")));
        }
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        ConfigError::new(format!(
            "{path}, line {line}: the file is not UTF-8 text. Save it as UTF-8"
        ))
    })?;
    file.exists = true;
    ini::parse(&text).map_err(|problem| {
        ConfigError::new(format!("{path}, line {}: {}", problem.line, problem.what))
    })
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
