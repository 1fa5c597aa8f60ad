//! The AWS configuration files: which profiles, SSO sessions and services they have, as boto3 and the AWS CLI read them.
//! It decides nothing about which of them is used.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::config_error::ConfigError;
use super::ini::{self, Values};
use crate::sys::environment::Environment;
use crate::sys::files;
use crate::sys::similar::{did_you_mean, similar};

/// The largest configuration file that is read, in bytes: thousands of profiles.
const MAX_FILE: u64 = 1 << 20;

/// Where a file is, who says so, and whether it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    path: PathBuf,
    /// The variable that names it; none for the usual place.
    variable: Option<&'static str>,
    exists: bool,
}

/// A profile, from both files: a value of the credentials file comes before the same one of the configuration file.
#[derive(Debug, Clone, Default)]
pub(super) struct Profile {
    pub(super) values: Values,
    /// What stands in the configuration file alone.
    pub(super) in_config: Values,
    /// What stands in the credentials file alone.
    pub(super) in_credentials: Values,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Profiles {
    config: Place,
    credentials: Place,
    by_name: BTreeMap<String, Profile>,
    /// Sections of the configuration file that are no profiles, which is how a profile is easily missed.
    others: BTreeSet<String>,
    sso_sessions: BTreeMap<String, Values>,
    services: BTreeMap<String, Values>,
}

impl Profiles {
    /// Reads both files. A file that is not there has no profiles; one that cannot be read or parsed is an error.
    pub(super) fn read(environment: &Environment) -> Result<Self, ConfigError> {
        let place = |variable, usual| -> Result<Place, ConfigError> {
            let named = environment.text(variable)?;
            let path = match named {
                Some(text) => Some(environment.path(text)),
                None => environment.in_home(usual),
            };
            Ok(Place {
                path: path.unwrap_or_default(),
                variable: named.map(|_| variable),
                exists: false,
            })
        };
        let mut found = Self {
            config: place("AWS_CONFIG_FILE", ".aws/config")?,
            credentials: place("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials")?,
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

    /// A section of the configuration file; a later one of the same profile takes the earlier one's place.
    fn add_profile(&mut self, name: String, values: Values) {
        let profile = Profile {
            values: values.clone(),
            in_config: values,
            in_credentials: Values::new(),
        };
        self.by_name.insert(name, profile);
    }

    /// The profile, or why there is none.
    pub(super) fn named(&self, name: &str) -> Result<&Profile, ConfigError> {
        self.by_name.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.by_name.keys().map(String::as_str).collect();
            let hint = if self.others.contains(name) {
                let config = self.config.path.display();
                format!(". {config} has a section [{name}]: write [profile {name}] there")
            } else {
                did_you_mean(&similar(name, &names))
            };
            ConfigError::new(format!(
                "there is no profile {name} in {}{hint}",
                self.files()
            ))
        })
    }

    /// The profile, if there is one.
    pub(super) fn get(&self, name: &str) -> Option<&Profile> {
        self.by_name.get(name)
    }

    /// The values of `[sso-session NAME]`, or why there are none.
    pub(super) fn sso_session(&self, name: &str) -> Result<&Values, ConfigError> {
        self.section(&self.sso_sessions, "sso-session", name)
    }

    /// The values of `[services NAME]`, or why there are none.
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
                "there is no section [{kind} {name}] in {path}{meant}"
            ))
        })
    }

    /// A file that a variable names and that is not there: nobody named it in order to do without.
    pub(super) fn missing_named_file(&self) -> Option<String> {
        [&self.config, &self.credentials]
            .into_iter()
            .find_map(|place| {
                let variable = place.variable.filter(|_| !place.exists)?;
                let path = place.path.display();
                Some(format!("{variable} names {path}, which does not exist"))
            })
    }

    /// Both files, as errors name them.
    pub(super) fn files(&self) -> String {
        let name = |place: &Place| {
            let path = place.path.display();
            match place.variable.filter(|_| !place.exists) {
                Some(variable) => format!("{path} ({variable}; it does not exist)"),
                None => path.to_string(),
            }
        };
        format!("{} or {}", name(&self.config), name(&self.credentials))
    }

    /// The file in which the profile has this key, as errors name it.
    pub(super) fn file_of(&self, profile: &Profile, key: &str) -> String {
        let place = if profile.in_credentials.contains_key(key) {
            &self.credentials
        } else {
            &self.config
        };
        place.path.display().to_string()
    }

    /// The path of the configuration file.
    pub(super) fn config_file(&self) -> &Path {
        &self.config.path
    }
}

/// Reads the file's sections, and notes whether it is there.
fn sections(place: &mut Place) -> Result<Vec<ini::Section>, ConfigError> {
    let path = place.path.display();
    if place.path.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    // Not a file of profiles, but the usual way to say that there is none.
    if place.path == Path::new("/dev/null") {
        place.exists = true;
        return Ok(Vec::new());
    }
    let bytes = match files::read_limited(&place.path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(error) if is_absent(&error) => return Ok(Vec::new()),
        Err(error) => {
            return Err(ConfigError::new(format!("cannot read {path}: {error}")));
        }
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.split(|byte| *byte == b'\n').count();
        ConfigError::new(format!("{path}, line {line}: the file is not UTF-8 text"))
    })?;
    place.exists = true;
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
