//! Resolves flags, environment and AWS configuration files to settings: source of credentials, Region, endpoints. It reads
//! files and sends no request. Invalid settings are errors here, before the first request.
//!
//! The order is that of boto3, with the differences in docs/credentials.md.

use aws_credential_types::Credentials;

use super::config_error::ConfigError;
use super::instance::Metadata;
use super::lookup::{
    Lookup, SelectedProfile, Setting, checked_region, invalid_setting, parse_bool,
};
use super::network::{Endpoints, Network};
use super::profiles::{Profile, Profiles};
use super::source::Source;
use super::{endpoint, find, ini};
use crate::sys::environment::Environment;

/// The connection flags. For `None` the environment and the AWS configuration files apply.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Connection {
    pub(crate) region: Option<String>,
    /// The profile in the AWS configuration files.
    pub(crate) profile: Option<String>,
    /// The endpoint that overrides the service endpoint.
    pub(crate) endpoint_url: Option<String>,
    /// Requests per second.
    pub(crate) api_rate: f64,
    /// The account that the credentials must belong to.
    pub(crate) expected_account: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The Region, or the places that were searched. Then the instance metadata is the last place.
    pub(super) region: Result<String, String>,
    pub(super) source: Source,
    pub(super) metadata: Metadata,
    pub(super) network: Network,
}

impl Settings {
    /// Resolves the settings from all sources.
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
                .map_err(|error| ConfigError::new(format!("{}: {error}", selected.origin)))?,
            None => profiles.get("default").unwrap_or(&none),
        };
        let lookup = Lookup {
            environment,
            profiles: &profiles,
            profile,
            selected: &selected,
        };
        lookup.check_retries()?;
        lookup.check_sdk_variables()?;
        let metadata = lookup.metadata()?;
        Ok(Self {
            region: match lookup.region(connection.region.as_deref())? {
                Some(region) => Ok(region),
                None => Err(lookup.searched_for_region()?),
            },
            network: Network {
                endpoints: lookup.endpoints(connection.endpoint_url.as_deref())?,
                use_fips: lookup.bool_setting("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")?,
                use_dual_stack: lookup
                    .bool_setting("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")?,
                trust: lookup.trust()?,
            },
            source: find::find(&lookup, &metadata)?,
            metadata,
        })
    }

    /// Returns settings for the simulator, with keys that are valid only there.
    pub(super) fn simulated(region: &str) -> Self {
        Self {
            region: Ok(region.to_owned()),
            source: Source::Keys {
                keys: Credentials::new("simulated", "simulated", None, None, "simulated"),
                from: "the simulator".to_owned(),
            },
            metadata: Metadata::default(),
            network: Network::default(),
        }
    }
}

fn selected(
    connection: &Connection,
    environment: &Environment,
) -> Result<SelectedProfile, ConfigError> {
    if let Some(name) = &connection.profile {
        return Ok(SelectedProfile {
            name: Some(name.clone()),
            origin: "--profile",
            is_explicit: true,
        });
    }
    let named = environment.text("AWS_PROFILE")?;
    let older = environment.text("AWS_DEFAULT_PROFILE")?;
    match (named, older) {
        (Some(named), Some(older)) if named != older => Err(ConfigError::new(format!(
            "AWS_PROFILE is {named} and AWS_DEFAULT_PROFILE is {older}. Unset one of them, or give --profile"
        ))),
        (named, older) => Ok(SelectedProfile {
            name: named.or(older).map(str::to_owned),
            origin: match named {
                Some(_) => "AWS_PROFILE",
                None => "AWS_DEFAULT_PROFILE",
            },
            is_explicit: false,
        }),
    }
}

impl Lookup<'_> {
    fn region(&self, given: Option<&str>) -> Result<Option<String>, ConfigError> {
        if let Some(given) = given {
            return Ok(Some(given.to_owned()));
        }
        let explicit = if self.selected.is_explicit {
            self.in_profile("region")?
        } else {
            None
        };
        let setting = match explicit {
            Some(setting) => Some(setting),
            None => match self.in_environment("AWS_REGION")? {
                Some(setting) => Some(setting),
                None => self.environment_or_profile("AWS_DEFAULT_REGION", "region")?,
            },
        };
        setting.map(|setting| checked_region(&setting)).transpose()
    }

    /// Returns the places that were searched for a Region. Fails if a named configuration file does not exist: the Region of
    /// the instance must not replace it.
    fn searched_for_region(&self) -> Result<String, ConfigError> {
        if let Some(missing) = self.profiles.missing_named_file() {
            return Err(ConfigError::new(format!(
                "found no Region: {missing}. Correct or unset the variable, or give --region"
            )));
        }
        let files = self.profiles.files();
        Ok(format!(
            "AWS_REGION, AWS_DEFAULT_REGION, profile {} in {files}",
            self.profile_name()
        ))
    }

    fn endpoints(&self, given: Option<&str>) -> Result<Endpoints, ConfigError> {
        let ignored = self.bool_setting(
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
            "ignore_configured_endpoint_urls",
        )?;
        let services = match self.in_profile("services")? {
            Some(setting) => Some(self.profiles.services(setting.value)?),
            None => None,
        };
        let configured = |service: &str| -> Result<Option<String>, ConfigError> {
            if ignored == Some(true) {
                return Ok(None);
            }
            let own = format!("AWS_ENDPOINT_URL_{}", service.to_uppercase());
            let of_service = services
                .and_then(|services| ini::nested(services.get(service)?))
                .and_then(|values| values.get("endpoint_url").cloned())
                .filter(|url| !url.is_empty());
            let setting = match self.in_environment(&own)? {
                Some(setting) => Some(setting),
                None => match (self.in_environment("AWS_ENDPOINT_URL")?, &of_service) {
                    (Some(setting), _) => Some(setting),
                    (None, Some(url)) => Some(Setting {
                        value: url,
                        origin: format!(
                            "endpoint_url of {service} in {}",
                            self.profiles.config_file().display()
                        ),
                    }),
                    (None, None) => self.in_profile("endpoint_url")?,
                },
            };
            setting
                .map(|setting| match endpoint::check(setting.value) {
                    Ok(()) => Ok(setting.value.to_owned()),
                    Err(why) => Err(ConfigError::new(format!("{} {why}", setting.origin))),
                })
                .transpose()
        };
        let has_sts_endpoint =
            ignored != Some(true) && self.environment.has("AWS_ENDPOINT_URL_STS");
        Ok(Endpoints {
            workspaces: match given {
                Some(given) => Some(given.to_owned()),
                None => configured("workspaces")?,
            },
            // The flag also applies to STS, unless AWS_ENDPOINT_URL_STS is set.
            sts: match given {
                Some(given) if !has_sts_endpoint => Some(given.to_owned()),
                Some(_) | None => configured("sts")?,
            },
            sso: configured("sso")?,
            sso_oidc: configured("sso_oidc")?,
        })
    }

    fn metadata(&self) -> Result<Metadata, ConfigError> {
        let mode = self.environment_or_profile(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
            "ec2_metadata_service_endpoint_mode",
        )?;
        let usual = match mode {
            None => "http://169.254.169.254",
            Some(setting) if setting.value.eq_ignore_ascii_case("ipv4") => "http://169.254.169.254",
            Some(setting) if setting.value.eq_ignore_ascii_case("ipv6") => "http://[fd00:ec2::254]",
            Some(setting) => return Err(invalid_setting(&setting, "IPv4 or IPv6")),
        };
        let endpoint = match self.environment_or_profile(
            "AWS_EC2_METADATA_SERVICE_ENDPOINT",
            "ec2_metadata_service_endpoint",
        )? {
            Some(setting) => match endpoint::check(setting.value) {
                Ok(()) => setting.value.to_owned(),
                Err(why) => return Err(ConfigError::new(format!("{} {why}", setting.origin))),
            },
            None => usual.to_owned(),
        };
        let disabled = match self.in_environment("AWS_EC2_METADATA_DISABLED")? {
            Some(setting) => parse_bool(&setting)?,
            None => false,
        };
        Ok(Metadata {
            endpoint,
            is_disabled: disabled,
        })
    }
}
