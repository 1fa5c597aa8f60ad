//! What the flags, the environment and the AWS configuration files mean together: who signs, for which Region, at which
//! endpoints. It reads files and calls nothing; what cannot be used is refused here, before anything is asked.
//!
//! The order is boto3's, but for the differences that docs/credentials.md names.

use aws_credential_types::Credentials;

use super::config_error::ConfigError;
use super::instance::Metadata;
use super::lookup::{Lookup, Said, Selected, checked_region, truth, unusable};
use super::network::{Endpoints, Network};
use super::profiles::{Profile, Profiles};
use super::source::Source;
use super::{endpoint, find, ini};
use crate::sys::environment::Environment;

/// Which target, and how to reach it. What is `None` is left to the environment and the AWS configuration files.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Connection {
    pub(crate) region: Option<String>,
    /// The profile in the shared configuration files.
    pub(crate) profile: Option<String>,
    /// The endpoint, in place of the Region's own.
    pub(crate) endpoint_url: Option<String>,
    /// Requests per second.
    pub(crate) api_rate: f64,
    /// The account that the credentials must belong to.
    pub(crate) expected_account: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// The Region; or, unless the instance knows it, where a Region was looked for.
    pub(super) region: Result<String, String>,
    pub(super) source: Source,
    pub(super) metadata: Metadata,
    pub(super) network: Network,
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
            network: Network {
                endpoints: lookup.endpoints(connection.endpoint_url.as_deref())?,
                use_fips: lookup.switch("AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint")?,
                use_dual_stack: lookup
                    .switch("AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint")?,
                trust: lookup.trust()?,
            },
            source: find::find(&lookup, &metadata)?,
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
            metadata: Metadata::default(),
            network: Network::default(),
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
                .and_then(|services| ini::nested(services.get(service)?))
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
