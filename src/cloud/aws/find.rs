//! Selects the source of credentials from the environment and the profiles, without network access. The order and the
//! errors are those of boto3. If a named profile is incomplete, that is an error: repave does not use another identity.

use jiff::Timestamp;

use super::config_error::ConfigError;
use super::instance::Metadata;
use super::keys::{keys, parse_expiry};
use super::lookup::{Lookup, Setting};
use super::named_profile::NamedProfile;
use super::profiles::Profile;
use super::source::{Role, Source};
use super::{container, ini};

pub(super) fn find(lookup: &Lookup<'_>, metadata: &Metadata) -> Result<Source, ConfigError> {
    let finder = Finder { lookup, metadata };
    let name = lookup.profile_name();
    let uses_environment = !lookup.selected.is_explicit;
    if uses_environment && let Some(keys) = finder.keys_of_environment()? {
        return Ok(keys);
    }
    let profile = finder.profile(name, lookup.profile);
    if profile.has_role() {
        return finder.role(&profile, &mut vec![name.to_owned()]);
    }
    if let Some(found) = finder.profile_source(&profile, uses_environment)? {
        return Ok(found);
    }
    if lookup.selected.name.is_some() {
        let by = lookup.selected.origin;
        let ignored = lookup.selected.is_explicit && lookup.environment.has("AWS_ACCESS_KEY_ID");
        let ignored = if ignored {
            " (AWS_ACCESS_KEY_ID is not used with an explicit profile)"
        } else {
            ""
        };
        return Err(ConfigError::new(format!(
            "profile {name} ({by}) has no credentials in {}{ignored}. Add credentials to the profile. Or remove {by} and give --region, \
             to use the credentials of the environment, container or instance",
            lookup.profiles.files()
        )));
    }
    if let Some(missing) = lookup.profiles.missing_named_file() {
        return Err(ConfigError::new(format!(
            "{missing}. Correct or unset the variable. repave does not use the credentials of this machine instead"
        )));
    }
    match container::Agent::find(lookup)? {
        Some(agent) => Ok(Source::Container(agent)),
        None => Ok(Source::Instance {
            metadata: metadata.clone(),
            last_resort: Some(format!(
                "the environment and profile default in {}",
                lookup.profiles.files()
            )),
        }),
    }
}

struct Finder<'a> {
    lookup: &'a Lookup<'a>,
    metadata: &'a Metadata,
}

impl<'a> Finder<'a> {
    fn profile(&self, name: &'a str, profile: &'a Profile) -> NamedProfile<'a> {
        NamedProfile {
            name,
            profile,
            lookup: self.lookup,
        }
    }

    fn keys_of_environment(&self) -> Result<Option<Source>, ConfigError> {
        let id = self.lookup.in_environment("AWS_ACCESS_KEY_ID")?;
        let secret = self.lookup.in_environment("AWS_SECRET_ACCESS_KEY")?;
        let token = match self.lookup.in_environment("AWS_SECURITY_TOKEN")? {
            Some(token) => Some(token),
            None => self.lookup.in_environment("AWS_SESSION_TOKEN")?,
        };
        let incomplete = |set: &str, unset: &str| {
            Err(ConfigError::new(format!(
                "{set} is set and {unset} is not. Set both or neither"
            )))
        };
        match (id, secret) {
            (None, None) => Ok(None),
            (Some(_), None) => incomplete("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            (None, Some(_)) => incomplete("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
            (Some(id), Some(secret)) => {
                let expiry = self.expiry_of_environment()?;
                let expires = expiry.map_or("", |_| ", AWS_CREDENTIAL_EXPIRATION");
                Ok(Some(Source::Keys {
                    keys: keys(&id, &secret, token.as_ref(), expiry)?,
                    from: format!("the environment (AWS_ACCESS_KEY_ID{expires})"),
                }))
            }
        }
    }

    fn expiry_of_environment(&self) -> Result<Option<Timestamp>, ConfigError> {
        let setting = self.lookup.in_environment("AWS_CREDENTIAL_EXPIRATION")?;
        setting.map(|setting| {
            parse_expiry(setting.value).map_err(|_| {
                let found = setting.value;
                ConfigError::new(format!(
                    "{}: expected a time like 2026-11-26T09:00:00Z, found {found}. Correct or unset it",
                    setting.origin
                ))
            })
        })
        .transpose()
    }

    /// Returns the role of a profile and the source that assumes it. `visited` has the profiles on the path to it.
    fn role(
        &self,
        profile: &NamedProfile<'_>,
        visited: &mut Vec<String>,
    ) -> Result<Source, ConfigError> {
        let arn = profile.required("role_arn", "a role")?.to_owned();
        if profile.has("mfa_serial") {
            return Err(profile.error(
                "mfa_serial",
                "needs an MFA code, and repave cannot ask for one. Use SSO, or a role without MFA",
            ));
        }
        let duration = match profile.value("duration_seconds")? {
            None => None,
            Some(text) => Some(
                text.parse()
                    .ok()
                    .filter(|s| (900..=43_200).contains(s))
                    .ok_or_else(|| {
                        profile.error(
                            "duration_seconds",
                            "must be a whole number from 900 to 43200",
                        )
                    })?,
            ),
        };
        let base = match (
            profile.value("source_profile")?,
            profile.value("credential_source")?,
        ) {
            (Some(_), Some(_)) => {
                return Err(profile.error(
                    "role_arn",
                    "has both source_profile and credential_source. Remove one of them",
                ));
            }
            (None, None) => {
                return Err(profile.error(
                    "role_arn",
                    "has neither source_profile nor credential_source. Add one of them",
                ));
            }
            (None, Some(source)) => self.named_source(profile, source)?,
            (Some(source), None) => self.source_profile(profile, source, visited)?,
        };
        Ok(Source::Role(Box::new(Role {
            arn,
            external_id: profile.owned_value("external_id")?,
            session_name: profile.owned_value("role_session_name")?,
            duration,
            base,
            from: profile.origin("role_arn"),
        })))
    }

    fn named_source(
        &self,
        profile: &NamedProfile<'_>,
        source: &str,
    ) -> Result<Source, ConfigError> {
        let missing = |what: &str| {
            Err(profile.error("credential_source", &format!("is {source}, but {what}")))
        };
        match source {
            "Environment" => match self.keys_of_environment()? {
                Some(found) => Ok(found),
                None => missing("AWS_ACCESS_KEY_ID is not set"),
            },
            "EcsContainer" => match container::Agent::find(self.lookup)? {
                Some(agent) => Ok(Source::Container(agent)),
                None => missing("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set"),
            },
            "Ec2InstanceMetadata" if self.metadata.is_disabled => {
                missing("AWS_EC2_METADATA_DISABLED is true")
            }
            "Ec2InstanceMetadata" => Ok(Source::Instance {
                metadata: self.metadata.clone(),
                last_resort: None,
            }),
            _ => {
                missing("the allowed values are Environment, Ec2InstanceMetadata and EcsContainer")
            }
        }
    }

    fn source_profile(
        &self,
        profile: &NamedProfile<'_>,
        source: &str,
        visited: &mut Vec<String>,
    ) -> Result<Source, ConfigError> {
        let Some(found) = self.lookup.profiles.get(source) else {
            let why = self.lookup.profiles.named(source).err();
            let why = why.map(|why| why.to_string()).unwrap_or_default();
            return Err(profile.error("source_profile", &format!("is {source}: {why}")));
        };
        let found = self.profile(source, found);
        let is_itself = source == profile.name;
        let is_cycle = visited.iter().any(|name| name == source);
        if is_cycle && !(is_itself && found.has_keys()) {
            visited.push(source.to_owned());
            let path = visited.join(" -> ");
            return Err(profile.error(
                "source_profile",
                &format!("is part of a cycle: {path}. Remove one of its source_profile settings"),
            ));
        }
        visited.push(source.to_owned());
        if found.has_role() && !found.has_keys() {
            return self.role(&found, visited);
        }
        self.profile_source(&found, false)?.ok_or_else(|| {
            profile.error(
                "source_profile",
                &format!("is {source}, and that profile has no credentials. Add credentials to it"),
            )
        })
    }

    /// Returns the credentials of a profile, without its role. If it has several kinds, boto3 defines the order.
    fn profile_source(
        &self,
        profile: &NamedProfile<'_>,
        uses_environment: bool,
    ) -> Result<Option<Source>, ConfigError> {
        if let Some(found) = self.web_identity(profile, uses_environment)? {
            return Ok(Some(found));
        }
        if profile.has("sso_account_id") || profile.has("sso_role_name") {
            return profile.sso().map(Some);
        }
        if let Some(found) = profile.keys_in(&profile.profile.in_credentials)? {
            return Ok(Some(found));
        }
        if profile.has("login_session") {
            return Err(profile.error(
                "login_session",
                &format!(
                    "was created by aws login, which repave does not support. Add a profile with credential_process = aws configure \
                     export-credentials --profile {}, and use that profile",
                    profile.name
                ),
            ));
        }
        if let Some(line) = profile.value("credential_process")? {
            let command = ini::words(line)
                .filter(|words| !words.is_empty())
                .ok_or_else(|| {
                    profile.error(
                        "credential_process",
                        "has an unclosed quotation mark. Close it",
                    )
                })?;
            let from = profile.origin("credential_process");
            return Ok(Some(Source::Process { command, from }));
        }
        profile.keys_in(&profile.profile.in_config)
    }

    /// Returns the role of a web identity token. Each setting comes from the environment, or else from the profile.
    fn web_identity(
        &self,
        profile: &NamedProfile<'_>,
        uses_environment: bool,
    ) -> Result<Option<Source>, ConfigError> {
        let environment_or_profile =
            |variable: &str, key: &str| -> Result<Option<Setting<'_>>, ConfigError> {
                let setting = if uses_environment {
                    self.lookup.in_environment(variable)?
                } else {
                    None
                };
                match (setting, profile.value(key)?) {
                    (Some(setting), _) => Ok(Some(setting)),
                    (None, Some(value)) => Ok(Some(Setting {
                        value,
                        origin: profile.location(key),
                    })),
                    (None, None) => Ok(None),
                }
            };
        let Some(token) =
            environment_or_profile("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file")?
        else {
            return Ok(None);
        };
        let Some(role) = environment_or_profile("AWS_ROLE_ARN", "role_arn")? else {
            return Err(ConfigError::new(format!(
                "{} is set, but no role is set. Set AWS_ROLE_ARN, or role_arn in the profile",
                token.origin
            )));
        };
        let token_file = self.lookup.environment.path(token.value);
        if !token_file.is_file() {
            return Err(token.not_a_file(&token_file));
        }
        let session = environment_or_profile("AWS_ROLE_SESSION_NAME", "role_session_name")?;
        Ok(Some(Source::WebIdentity {
            role_arn: role.value.to_owned(),
            session_name: session.map(|setting| setting.value.to_owned()),
            from: format!("web identity {} ({})", token_file.display(), token.origin),
            token_file,
        }))
    }
}
