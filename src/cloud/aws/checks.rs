//! Values that must be usable although repave does nothing else with them, or hands them on unread: found wrong here, before
//! anything is asked, and not by a library in the middle of a run.

use super::config_error::ConfigError;
use super::endpoint;
use super::lookup::{Lookup, unusable};
use super::pace::Trust;
use crate::sys::files;

/// The largest bundle of certificates that is read, in bytes: the system's own has about 220 KiB.
const MAX_CA_BUNDLE: u64 = 4 << 20;

impl Lookup<'_> {
    pub(super) fn trust(&self) -> Result<Option<Trust>, ConfigError> {
        let Some(said) = self.either("AWS_CA_BUNDLE", "ca_bundle")? else {
            return Ok(None);
        };
        let path = self.environment.path(said.value);
        let refused = |why: String| {
            ConfigError::new(format!(
                "cannot use the certificates of {} ({}): {why}",
                path.display(),
                said.by
            ))
        };
        let bytes = files::read_limited(&path, MAX_CA_BUNDLE)
            .map_err(|error| refused(error.to_string()))?;
        check_certificates(&bytes).map_err(refused)?;
        Trust::these(bytes).map(Some).map_err(refused)
    }

    /// What the SDK and its HTTP client read by themselves: there it would fail late, or go another way without a word.
    pub(super) fn check_what_the_sdk_reads(&self) -> Result<(), ConfigError> {
        if let Some(said) = self.in_environment("AWS_EXECUTION_ENV")?
            && !said.value.is_ascii()
        {
            return Err(unusable(&said, "ASCII text"));
        }
        for name in [
            "HTTPS_PROXY",
            "https_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            let Some(said) = self.in_environment(name)? else {
                continue;
            };
            let url = if said.value.contains("://") {
                said.value.to_owned()
            } else {
                format!("http://{}", said.value)
            };
            // No error repeats the value: it may have a password in it.
            endpoint::check(&url).map_err(|_| {
                ConfigError::new(format!(
                    "{name} is not the address of a proxy, such as http://proxy:8080"
                ))
            })?;
        }
        Ok(())
    }

    /// repave's own retries stand in place of the SDK's, so these values have no effect; a mistake in them is an
    /// error all the same, as for boto3.
    pub(super) fn check_retries(&self) -> Result<(), ConfigError> {
        if let Some(said) = self.either("AWS_RETRY_MODE", "retry_mode")?
            && !["legacy", "standard", "adaptive"].contains(&said.value)
        {
            return Err(unusable(&said, "legacy, standard or adaptive"));
        }
        if let Some(said) = self.either("AWS_MAX_ATTEMPTS", "max_attempts")?
            && !said
                .value
                .trim()
                .parse::<u32>()
                .is_ok_and(|number| number > 0)
        {
            return Err(unusable(&said, "a whole number above 0"));
        }
        Ok(())
    }
}

/// Checks that a text in PEM has certificates, each of them readable: the HTTP client would panic.
fn check_certificates(pem: &[u8]) -> Result<(), String> {
    use rustls::pki_types::CertificateDer;
    use rustls::pki_types::pem::PemObject as _;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| format!("it is not PEM: {error}"))?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("it contains no certificate".into());
    }
    Ok(())
}
