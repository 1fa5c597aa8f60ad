//! Which credentials are used: found from the environment and the profiles, without asking anybody. The order, and what
//! refuses, is boto3's; what a named profile lacks is refused here and never made up for by another identity.

use jiff::Timestamp;

use super::config_error::ConfigError;
use super::instance::Metadata;
use super::keys::{expiry_of, keys};
use super::lookup::{Lookup, Said};
use super::named::Named;
use super::profiles::Profile;
use super::source::{Role, Source};
use super::{container, ini};

/// Finds the source that the lookup's profile and environment mean.
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
    if let Some(found) = finder.own(&profile, uses_environment)? {
        return Ok(found);
    }
    if lookup.selected.name.is_some() {
        let by = lookup.selected.by;
        let ignored = lookup.selected.is_explicit && lookup.environment.has("AWS_ACCESS_KEY_ID");
        let ignored = if ignored {
            " (AWS_ACCESS_KEY_ID is not used with an explicit profile)"
        } else {
            ""
        };
        return Err(ConfigError::new(format!(
            "profile {name} ({by}) has no credentials in {}{ignored}. Add credentials to the profile; or, to use those of the \
             environment, container or instance, remove {by} and give --region",
            lookup.profiles.files()
        )));
    }
    if let Some(missing) = lookup.profiles.missing_named_file() {
        return Err(ConfigError::new(format!(
            "{missing}. Correct or unset it: repave does not use the credentials of this machine instead"
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
    fn profile(&self, name: &'a str, profile: &'a Profile) -> Named<'a> {
        Named {
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
        let half = |set: &str, unset: &str| {
            Err(ConfigError::new(format!(
                "{set} is set and {unset} is not. Set both or none of them"
            )))
        };
        match (id, secret) {
            (None, None) => Ok(None),
            (Some(_), None) => half("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            (None, Some(_)) => half("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
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
        let said = self.lookup.in_environment("AWS_CREDENTIAL_EXPIRATION")?;
        said.map(|said| {
            expiry_of(said.value).map_err(|_| {
                let found = said.value;
                ConfigError::new(format!(
                    "{}: expected a time such as 2026-11-26T09:00:00Z, found {found}",
                    said.by
                ))
            })
        })
        .transpose()
    }

    /// The role of a profile, and what assumes it. `visited` are the profiles on the way here, this one included.
    fn role(&self, profile: &Named<'_>, visited: &mut Vec<String>) -> Result<Source, ConfigError> {
        let arn = profile.needed("role_arn", "a role")?.to_owned();
        if profile.has("mfa_serial") {
            return Err(profile.error(
                "mfa_serial",
                "needs a code from a person, whom repave cannot ask. Use SSO, or a role without it",
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
                    "has neither source_profile nor credential_source, so nothing can assume it",
                ));
            }
            (None, Some(source)) => self.named_source(profile, source)?,
            (Some(source), None) => self.source_profile(profile, source, visited)?,
        };
        Ok(Source::Role(Box::new(Role {
            arn,
            external_id: profile.owned("external_id")?,
            session_name: profile.owned("role_session_name")?,
            duration,
            base,
            from: profile.origin("role_arn"),
        })))
    }

    fn named_source(&self, profile: &Named<'_>, source: &str) -> Result<Source, ConfigError> {
        let missing = |what: &str| {
            Err(profile.error("credential_source", &format!("is {source}, and {what}")))
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
            _ => missing("only Environment, Ec2InstanceMetadata and EcsContainer are known"),
        }
    }

    fn source_profile(
        &self,
        profile: &Named<'_>,
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
        let is_circle = visited.iter().any(|name| name == source);
        if is_circle && !(is_itself && found.has_keys()) {
            visited.push(source.to_owned());
            let way = visited.join(" -> ");
            return Err(profile.error("source_profile", &format!("makes a circle: {way}")));
        }
        visited.push(source.to_owned());
        if found.has_role() && !found.has_keys() {
            return self.role(&found, visited);
        }
        self.own(&found, false)?.ok_or_else(|| {
            profile.error(
                "source_profile",
                &format!("is {source}, a profile without credentials"),
            )
        })
    }

    /// The credentials of a profile, its role left out: of several kinds the first of boto3's order.
    fn own(
        &self,
        profile: &Named<'_>,
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
                    "was created by aws login, which repave does not support. Add another profile with credential_process = aws configure \
                     export-credentials --profile {}, and use that",
                    profile.name
                ),
            ));
        }
        if let Some(line) = profile.value("credential_process")? {
            let command = ini::words(line)
                .filter(|words| !words.is_empty())
                .ok_or_else(|| {
                    profile.error("credential_process", "has a quotation mark without an end")
                })?;
            let from = profile.origin("credential_process");
            return Ok(Some(Source::Process { command, from }));
        }
        profile.keys_in(&profile.profile.in_config)
    }

    /// A role by the token of a web identity: each part from the environment, or else from the profile.
    fn web_identity(
        &self,
        profile: &Named<'_>,
        uses_environment: bool,
    ) -> Result<Option<Source>, ConfigError> {
        let either = |variable: &str, key: &str| -> Result<Option<Said<'_>>, ConfigError> {
            let said = if uses_environment {
                self.lookup.in_environment(variable)?
            } else {
                None
            };
            match (said, profile.value(key)?) {
                (Some(said), _) => Ok(Some(said)),
                (None, Some(value)) => Ok(Some(Said {
                    value,
                    by: profile.place(key),
                })),
                (None, None) => Ok(None),
            }
        };
        let Some(token) = either("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file")? else {
            return Ok(None);
        };
        let Some(role) = either("AWS_ROLE_ARN", "role_arn")? else {
            return Err(ConfigError::new(format!(
                "{} names a token, and no role is given for it. Set AWS_ROLE_ARN, or role_arn in the profile",
                token.by
            )));
        };
        let token_file = self.lookup.environment.path(token.value);
        if !token_file.is_file() {
            return Err(token.names_no_file(&token_file));
        }
        let session = either("AWS_ROLE_SESSION_NAME", "role_session_name")?;
        Ok(Some(Source::WebIdentity {
            role_arn: role.value.to_owned(),
            session_name: session.map(|said| said.value.to_owned()),
            from: format!("web identity {} ({})", token_file.display(), token.by),
            token_file,
        }))
    }
}
