//! Checks settings that only the SDK or its HTTP client uses. An invalid value is an error here, before the first request,
//! instead of in the middle of a run.

use super::config_error::ConfigError;
use super::endpoint;
use super::http::Trust;
use super::lookup::{Lookup, invalid_setting};
use crate::sys::files;

/// The largest certificate bundle, in bytes. The bundle of a system has about 220 KiB.
const MAX_CA_BUNDLE: u64 = 4 << 20;

impl Lookup<'_> {
    pub(super) fn trust(&self) -> Result<Option<Trust>, ConfigError> {
        let Some(setting) = self.environment_or_profile("AWS_CA_BUNDLE", "ca_bundle")? else {
            return Ok(None);
        };
        let path = self.environment.path(setting.value);
        let refused = |why: String| {
            ConfigError::new(format!(
                "cannot use the certificates in {} ({}): {why}. Give a PEM file with the certificates of your CA",
                path.display(),
                setting.origin
            ))
        };
        let bytes = files::read_limited(&path, MAX_CA_BUNDLE)
            .map_err(|error| refused(error.to_string()))?;
        check_certificates(&bytes).map_err(refused)?;
        Trust::from_pem(bytes).map(Some).map_err(refused)
    }

    /// Checks the variables that the SDK and its HTTP client read themselves. They would fail late, or ignore the value.
    pub(super) fn check_sdk_variables(&self) -> Result<(), ConfigError> {
        if let Some(setting) = self.in_environment("AWS_EXECUTION_ENV")?
            && !setting.value.is_ascii()
        {
            return Err(invalid_setting(&setting, "ASCII text"));
        }
        for name in [
            "HTTPS_PROXY",
            "https_proxy",
            "HTTP_PROXY",
            "http_proxy",
            "ALL_PROXY",
            "all_proxy",
        ] {
            let Some(setting) = self.in_environment(name)? else {
                continue;
            };
            let url = if setting.value.contains("://") {
                setting.value.to_owned()
            } else {
                format!("http://{}", setting.value)
            };
            // The error does not repeat the value: it may contain a password.
            endpoint::check(&url).map_err(|_| {
                ConfigError::new(format!(
                    "{name} is not the URL of a proxy. Set it to a URL like http://proxy:8080, or unset it"
                ))
            })?;
        }
        Ok(())
    }

    /// repave has its own retries, so these values have no effect. An invalid value is still an error, as in boto3.
    pub(super) fn check_retries(&self) -> Result<(), ConfigError> {
        if let Some(setting) = self.environment_or_profile("AWS_RETRY_MODE", "retry_mode")?
            && !["legacy", "standard", "adaptive"].contains(&setting.value)
        {
            return Err(invalid_setting(&setting, "legacy, standard or adaptive"));
        }
        if let Some(setting) = self.environment_or_profile("AWS_MAX_ATTEMPTS", "max_attempts")?
            && !setting
                .value
                .trim()
                .parse::<u32>()
                .is_ok_and(|number| number > 0)
        {
            return Err(invalid_setting(&setting, "a whole number above 0"));
        }
        Ok(())
    }
}

/// Checks that a PEM text has certificates and that all are readable. The HTTP client would panic otherwise.
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
