//! One profile with its name: its values, checked, and errors that say where they stand. Which profile is used, and in
//! which order its values count, is decided elsewhere.

use super::config_error::ConfigError;
use super::ini::Values;
use super::keys::keys;
use super::lookup::{Lookup, Said, checked_region, several_lines};
use super::profiles::Profile;
use super::source::Source;
use super::sso;

/// A profile by its name, with errors that say where its values stand.
pub(super) struct Named<'a> {
    pub(super) name: &'a str,
    pub(super) profile: &'a Profile,
    pub(super) lookup: &'a Lookup<'a>,
}

impl<'a> Named<'a> {
    pub(super) fn value(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        self.checked(key, self.profile.values.get(key))
    }

    /// The value of a key that says who signs: there it must not be empty.
    fn checked<'v>(
        &self,
        key: &str,
        value: Option<&'v String>,
    ) -> Result<Option<&'v str>, ConfigError> {
        match value.map(String::as_str) {
            Some("") => Err(self.error(key, "is empty")),
            Some(value) if value.contains('\n') => {
                let file = self.lookup.profiles.file_of(self.profile, key);
                Err(several_lines(key, self.name, &file))
            }
            value => Ok(value),
        }
    }

    pub(super) fn owned(&self, key: &str) -> Result<Option<String>, ConfigError> {
        Ok(self.value(key)?.map(str::to_owned))
    }

    pub(super) fn needed(&self, key: &str, what_for: &str) -> Result<&'a str, ConfigError> {
        self.value(key)?.ok_or_else(|| {
            ConfigError::new(format!(
                "profile {} in {} has no {key}, which {what_for} needs",
                self.name,
                self.lookup.profiles.config_file().display()
            ))
        })
    }

    /// Where the value stands, as errors name it.
    pub(super) fn place(&self, key: &str) -> String {
        let file = self.lookup.profiles.file_of(self.profile, key);
        format!("{key} of profile {} in {file}", self.name)
    }

    pub(super) fn error(&self, key: &str, what: &str) -> ConfigError {
        ConfigError::new(format!("{} {what}", self.place(key)))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.profile.values.contains_key(key)
    }

    /// A role together with a web identity is that identity's; it is not assumed by other credentials.
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

    /// The keys that stand in one of the two files.
    pub(super) fn keys_in(&self, values: &Values) -> Result<Option<Source>, ConfigError> {
        let get = |key: &str| -> Result<Option<Said<'_>>, ConfigError> {
            let value = self.checked(key, values.get(key))?;
            Ok(value.map(|value| Said {
                value,
                by: self.place(key),
            }))
        };
        let half = |key: &str, other: &str| {
            Err(self.error(
                key,
                &format!("is there and {other} is not. Give both or none"),
            ))
        };
        // An empty token is none: to write it so is how a profile drops one.
        let has = |key: &str| values.get(key).is_some_and(|value| !value.is_empty());
        let token = ["aws_security_token", "aws_session_token"];
        let token = match token.into_iter().find(|key| has(key)) {
            Some(key) => get(key)?,
            None => None,
        };
        match (get("aws_access_key_id")?, get("aws_secret_access_key")?) {
            (None, None) => Ok(None),
            (Some(_), None) => half("aws_access_key_id", "aws_secret_access_key"),
            (None, Some(_)) => half("aws_secret_access_key", "aws_access_key_id"),
            (Some(id), Some(secret)) => Ok(Some(Source::Keys {
                keys: keys(&id, &secret, token.as_ref(), None)?,
                from: self.origin("aws_access_key_id"),
            })),
        }
    }

    /// The SSO session or start URL of the profile, and the role in it.
    pub(super) fn sso(&self) -> Result<Source, ConfigError> {
        if !self.lookup.environment.has("HOME") {
            let why = "SSO keeps its token in the home folder. Set HOME";
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
                (Some(own), Some(shared)) if own != shared => {
                    Err(self.error(key, &format!("is {own}, and {shared} in its sso-session")))
                }
                (_, Some(shared)) => Ok(shared),
                (Some(own), None) => Ok(own),
                (None, None) => match name {
                    Some(name) => Err(ConfigError::new(format!(
                        "section [sso-session {name}] in {}, which profile {} uses, has no {key}",
                        self.lookup.profiles.config_file().display(),
                        self.name
                    ))),
                    None => self.needed(key, "SSO"),
                },
            }
        };
        let start_url = of_session("sso_start_url")?.to_owned();
        let region = checked_region(&Said {
            value: of_session("sso_region")?,
            by: format!("sso_region of profile {}", self.name),
        })?;
        Ok(Source::Sso(sso::Session {
            name: name.map_or_else(|| start_url.clone(), str::to_owned),
            start_url,
            region,
            account_id: self.needed("sso_account_id", "SSO")?.to_owned(),
            role_name: self.needed("sso_role_name", "SSO")?.to_owned(),
            profile: self.name.to_owned(),
        }))
    }
}
