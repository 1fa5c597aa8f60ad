//! A profile with its name: checked values, and errors with their location. `find` selects the profile.

use super::config_error::ConfigError;
use super::ini::Values;
use super::keys::keys;
use super::lookup::{Lookup, Setting, checked_region, several_lines};
use super::profiles::Profile;
use super::source::Source;
use super::sso;

pub(super) struct NamedProfile<'a> {
    pub(super) name: &'a str,
    pub(super) profile: &'a Profile,
    pub(super) lookup: &'a Lookup<'a>,
}

impl<'a> NamedProfile<'a> {
    pub(super) fn value(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        self.checked(key, self.profile.values.get(key))
    }

    /// Checks a value of a key for credentials: it must not be empty.
    fn checked<'v>(
        &self,
        key: &str,
        value: Option<&'v String>,
    ) -> Result<Option<&'v str>, ConfigError> {
        match value.map(String::as_str) {
            Some("") => Err(self.error(key, "is empty. Set or remove it")),
            Some(value) if value.contains('\n') => {
                let file = self.lookup.profiles.file_of(self.profile, key);
                Err(several_lines(key, self.name, &file))
            }
            value => Ok(value),
        }
    }

    pub(super) fn owned_value(&self, key: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.value(key)?.map(str::to_owned))
    }

    pub(super) fn required(&self, key: &str, what_for: &str) -> Result<&'a str, ConfigError> {
        self.value(key)?.ok_or_else(|| {
            ConfigError::new(format!(
                "profile {} in {} has no {key}. Add it: {what_for} needs it",
                self.name,
                self.lookup.profiles.config_file().display()
            ))
        })
    }

    /// Returns the location of the value, for errors.
    pub(super) fn location(&self, key: &str) -> String {
        let file = self.lookup.profiles.file_of(self.profile, key);
        format!("{key} of profile {} in {file}", self.name)
    }

    pub(super) fn error(&self, key: &str, what: &str) -> ConfigError {
        ConfigError::new(format!("{} {what}", self.location(key)))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.profile.values.contains_key(key)
    }

    /// Returns whether other credentials assume the role of the profile. A role with a web identity token belongs to the token.
    pub(super) fn has_role(&self) -> bool {
        self.has("role_arn") && !self.has("web_identity_token_file")
    }

    pub(super) fn has_keys(&self) -> bool {
        self.has("aws_access_key_id") || self.has("aws_secret_access_key")
    }

    pub(super) fn origin(&self, key: &str) -> String {
        format!(
            "profile {} ({})",
            self.name,
            self.lookup.profiles.file_of(self.profile, key)
        )
    }

    /// Returns the keys in one of the two files.
    pub(super) fn keys_in(&self, values: &Values) -> Result<Option<Source>, ConfigError> {
        let get = |key: &str| -> Result<Option<Setting<'_>>, ConfigError> {
            let value = self.checked(key, values.get(key))?;
            Ok(value.map(|value| Setting {
                value,
                origin: self.location(key),
            }))
        };
        let incomplete = |key: &str, other: &str| {
            Err(self.error(
                key,
                &format!("is set and {other} is not. Set both or neither"),
            ))
        };
        // An empty token counts as unset, so that a profile can remove a token.
        let has = |key: &str| values.get(key).is_some_and(|value| !value.is_empty());
        let token = ["aws_security_token", "aws_session_token"];
        let token = match token.into_iter().find(|key| has(key)) {
            Some(key) => get(key)?,
            None => None,
        };
        match (get("aws_access_key_id")?, get("aws_secret_access_key")?) {
            (None, None) => Ok(None),
            (Some(_), None) => incomplete("aws_access_key_id", "aws_secret_access_key"),
            (None, Some(_)) => incomplete("aws_secret_access_key", "aws_access_key_id"),
            (Some(id), Some(secret)) => Ok(Some(Source::Keys {
                keys: keys(&id, &secret, token.as_ref(), None)?,
                from: self.origin("aws_access_key_id"),
            })),
        }
    }

    /// Returns the SSO session or start URL of the profile, and its role.
    pub(super) fn sso(&self) -> Result<Source, ConfigError> {
        if !self.lookup.environment.has("HOME") {
            let why = "SSO stores its token in the home directory. Set HOME";
            return Err(ConfigError::new(format!("HOME is not set: {why}")));
        }
        let name = self.value("sso_session")?;
        let session = match name {
            Some(name) => Some(
                self.lookup
                    .profiles
                    .sso_session(name)
                    .map_err(|why| self.error("sso_session", &format!("is {name}: {why}")))?,
            ),
            None => None,
        };
        let of_session = |key: &str| -> Result<&str, ConfigError> {
            let own = self.value(key)?;
            let shared = session
                .and_then(|values| values.get(key))
                .map(String::as_str);
            match (own, shared.filter(|value| !value.is_empty())) {
                (Some(own), Some(shared)) if own != shared => Err(self.error(
                    key,
                    &format!("is {own}, but it is {shared} in the sso-session. Remove one of them"),
                )),
                (_, Some(shared)) => Ok(shared),
                (Some(own), None) => Ok(own),
                (None, None) => match name {
                    Some(name) => Err(ConfigError::new(format!(
                        "section [sso-session {name}] in {} has no {key}. Add it: profile {} needs it",
                        self.lookup.profiles.config_file().display(),
                        self.name
                    ))),
                    None => self.required(key, "SSO"),
                },
            }
        };
        let start_url = of_session("sso_start_url")?.to_owned();
        let region = checked_region(&Setting {
            value: of_session("sso_region")?,
            origin: format!("sso_region of profile {}", self.name),
        })?;
        Ok(Source::Sso(sso::Session {
            name: name.map_or_else(|| start_url.clone(), str::to_owned),
            start_url,
            region,
            account_id: self.required("sso_account_id", "SSO")?.to_owned(),
            role_name: self.required("sso_role_name", "SSO")?.to_owned(),
            profile: self.name.to_owned(),
        }))
    }
}
