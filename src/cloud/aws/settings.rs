//! What the flags, the environment and the AWS configuration files mean together: who signs, for which Region, at which
//! endpoints. It reads files and calls nothing; what cannot be used is refused here, before anything is asked.
//!
//! The order is boto3's, but for the differences that docs/credentials.md names.

use std::path::Path;

use aws_credential_types::Credentials;

use super::pace::Trust;
use super::profiles::{Profile, Profiles};
use super::source::{self, Source};
use super::{Connection, endpoint, region};
use crate::sys::environment::{Environment, VariableError};

/// The configuration cannot be used. The text says what is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl ConfigError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl From<VariableError> for ConfigError {
    fn from(error: VariableError) -> Self {
        Self(error.to_string())
    }
}

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

/// Endpoints in place of the Region's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Endpoints {
    pub(super) workspaces: Option<String>,
    pub(super) sts: Option<String>,
    pub(super) sso: Option<String>,
    pub(super) sso_oidc: Option<String>,
}

/// Where the instance's metadata is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) endpoint: String,
    pub(super) is_disabled: bool,
}

/// What everything means together.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The Region; or, unless the instance knows it, where a Region was looked for.
    pub(super) region: Result<String, String>,
    pub(super) source: Source,
    pub(super) endpoints: Endpoints,
    pub(super) metadata: Metadata,
    pub(super) use_fips: Option<bool>,
    pub(super) use_dual_stack: Option<bool>,
    /// Certificates to trust in place of the system's.
    pub(super) trust: Option<Trust>,
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

impl Settings {
    /// Finds out what everything means together, or why it means nothing.
    pub(super) fn resolve(
        connection: &Connection,
        environment: &Environment,
    ) -> Result<Self, ConfigError> {
        let profiles = Profiles::read(environment)?;
        let selected = selected(connection, environment)?;
        let none = Profile::default();
        let profile = match &selected.name {
            Some(name) => profiles
                .named(name)
                .map_err(|error| ConfigError::new(format!("{}: {error}", selected.by)))?,
            None => profiles.get("default").unwrap_or(&none),
        };
        let lookup = Lookup {
            environment,
            profiles: &profiles,
            profile,
            selected: &selected,
        };
        lookup.check_retries()?;
        lookup.check_what_the_sdk_reads()?;
        let metadata = lookup.metadata()?;
        Ok(Self {
            region: match lookup.region(connection.region.as_deref())? {
                Some(region) => Ok(region),
                None => Err(lookup.without_region()?),
            },
            endpoints: lookup.endpoints(connection.endpoint_url.as_deref())?,
            use_fips: lookup.switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")?,
            use_dual_stack: lookup
                .switch("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")?,
            trust: lookup.trust()?,
            source: source::find(&lookup, &metadata)?,
            metadata,
        })
    }

    /// Settings with keys that open nothing but a simulated account, and no configuration at all.
    pub(super) fn simulated(region: &str) -> Self {
        Self {
            region: Ok(region.to_owned()),
            source: Source::Keys {
                keys: Credentials::new("simulated", "simulated", None, None, "simulated"),
                from: "the simulator".to_owned(),
            },
            endpoints: Endpoints::default(),
            metadata: Metadata::default(),
            use_fips: None,
            use_dual_stack: None,
            trust: None,
        }
    }
}

fn selected(connection: &Connection, environment: &Environment) -> Result<Selected, ConfigError> {
    if let Some(name) = &connection.profile {
        return Ok(Selected {
            name: Some(name.clone()),
            by: "--profile",
            is_explicit: true,
        });
    }
    let named = environment.text("AWS_PROFILE")?;
    let older = environment.text("AWS_DEFAULT_PROFILE")?;
    match (named, older) {
        (Some(named), Some(older)) if named != older => Err(ConfigError::new(format!(
            "AWS_PROFILE is {named} and AWS_DEFAULT_PROFILE is {older}. Unset one of them, or give --profile"
        ))),
        (named, older) => Ok(Selected {
            name: named.or(older).map(str::to_owned),
            by: match named {
                Some(_) => "AWS_PROFILE",
                None => "AWS_DEFAULT_PROFILE",
            },
            is_explicit: false,
        }),
    }
}

impl<'a> Lookup<'a> {
    /// A value of the selected profile. An empty one is none; one of several lines is a slip of indentation.
    fn in_profile(&self, key: &str) -> Result<Option<Said<'a>>, ConfigError> {
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

    /// A variable's value.
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

    fn region(&self, given: Option<&str>) -> Result<Option<String>, ConfigError> {
        if let Some(given) = given {
            return Ok(Some(given.to_owned()));
        }
        let explicit = if self.selected.is_explicit {
            self.in_profile("region")?
        } else {
            None
        };
        let said = match explicit {
            Some(said) => Some(said),
            None => match self.in_environment("AWS_REGION")? {
                Some(said) => Some(said),
                None => self.either("AWS_DEFAULT_REGION", "region")?,
            },
        };
        said.map(|said| checked_region(&said)).transpose()
    }

    /// Where a Region was looked for; an error if the instance's would stand in for that of a file that is not there.
    fn without_region(&self) -> Result<String, ConfigError> {
        if let Some(missing) = self.profiles.missing_named_file() {
            return Err(ConfigError::new(format!(
                "no Region: {missing}. Correct or unset it, or give --region"
            )));
        }
        let files = self.profiles.files();
        Ok(format!(
            "AWS_REGION, AWS_DEFAULT_REGION, profile {} in {files}",
            self.profile_name()
        ))
    }

    fn endpoints(&self, given: Option<&str>) -> Result<Endpoints, ConfigError> {
        let ignored = self.switch(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
            "ignore_configured_endpoint_urls",
        )?;
        let services = match self.in_profile("services")? {
            Some(said) => Some(self.profiles.services(said.value)?),
            None => None,
        };
        let configured = |service: &str| -> Result<Option<String>, ConfigError> {
            if ignored == Some(true) {
                return Ok(None);
            }
            let own = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
            let of_service = services
                .and_then(|services| super::ini::nested(services.get(service)?))
                .and_then(|values| values.get("endpoint_url").cloned())
                .filter(|url| !url.is_empty());
            let said = match self.in_environment(&own)? {
                Some(said) => Some(said),
                None => match (self.in_environment("AWS_ENDPOINT_URL")?, &of_service) {
                    (Some(said), _) => Some(said),
                    (None, Some(url)) => Some(Said {
                        value: url,
                        by: format!(
                            "endpoint_url of {service} in {}",
                            self.profiles.config_file().display()
                        ),
                    }),
                    (None, None) => self.in_profile("endpoint_url")?,
                },
            };
            said.map(|said| match endpoint::check(said.value) {
                Ok(()) => Ok(said.value.to_owned()),
                Err(why) => Err(ConfigError::new(format!("{} {why}", said.by))),
            })
            .transpose()
        };
        let own_sts = ignored != Some(true) && self.environment.has("AWS_ENDPOINT_URL_STS");
        Ok(Endpoints {
            workspaces: match given {
                Some(given) => Some(given.to_owned()),
                None => configured("workspaces")?,
            },
            // The flag covers STS as well, unless STS has an endpoint of its own.
            sts: match given {
                Some(given) if !own_sts => Some(given.to_owned()),
                Some(_) | None => configured("sts")?,
            },
            sso: configured("sso")?,
            sso_oidc: configured("sso_oidc")?,
        })
    }

    /// A value that is true or false, in any case of letters.
    fn switch(&self, variable: &str, key: &str) -> Result<Option<bool>, ConfigError> {
        let said = self.either(variable, key)?;
        said.map(|said| truth(&said)).transpose()
    }

    fn metadata(&self) -> Result<Metadata, ConfigError> {
        let mode = self.either(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            "ec2_metadata_service_endpoint_mode",
        )?;
        let usual = match mode {
            None => "http://169.254.169.254",
            Some(said) if said.value.eq_ignore_ascii_case("ipv4") => "http://169.254.169.254",
            Some(said) if said.value.eq_ignore_ascii_case("ipv6") => "http://[fd00:ec2::254]",
            Some(said) => return Err(unusable(&said, "IPv4 or IPv6")),
        };
        let endpoint = match self.either(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "ec2_metadata_service_endpoint",
        )? {
            Some(said) => match endpoint::check(said.value) {
                Ok(()) => said.value.to_owned(),
                Err(why) => return Err(ConfigError::new(format!("{} {why}", said.by))),
            },
            None => usual.to_owned(),
        };
        let disabled = match self.in_environment("AWS_EC2_METADATA_DISABLED")? {
            Some(said) => truth(&said)?,
            None => false,
        };
        Ok(Metadata {
            endpoint,
            is_disabled: disabled,
        })
    }
}

pub(super) fn several_lines(key: &str, profile: &str, file: &str) -> ConfigError {
    ConfigError::new(format!(
        "{key} of profile {profile} in {file} has several lines. Indent the next key as its own key is indented"
    ))
}

fn truth(said: &Said<'_>) -> Result<bool, ConfigError> {
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
