//! Credentials from the agent of a container: ECS, EKS Pod Identity, and compatible agents.

use std::path::PathBuf;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_smithy_runtime_api::client::http::{HttpConnector as _, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use http_body_util::BodyExt as _;
use hyper::Uri;

use super::config_error::ConfigError;
use super::endpoint;
use super::failure::{Cause, CredentialsFailure, error_chain, is_unavailable};
use super::http::{Trust, connector};
use super::keys::CredentialsResponse;
use super::lookup::Lookup;
use crate::sys::files;

/// The host of a relative URI (AWS documentation of ECS task roles).
const ECS_HOST: &str = "http://169.254.170.2";

/// The timeout for the response of the agent.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest response, in bytes.
const MAX_RESPONSE: usize = 64 * 1024;

/// The largest token file, in bytes.
const MAX_TOKEN: u64 = 64 * 1024;

/// The URL of an agent, and its authorization.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Agent {
    url: String,
    token: Option<Token>,
    variable: &'static str,
}

/// The authorization token.
#[derive(Clone, PartialEq, Eq)]
enum Token {
    Given(String),
    InFile(PathBuf),
}

impl std::fmt::Debug for Agent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agent")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl Agent {
    /// Finds the agent in the environment.
    pub(super) fn find(lookup: &Lookup<'_>) -> Result<Option<Self>, ConfigError> {
        const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
        const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
        let (url, variable) = match (
            lookup.in_environment(RELATIVE)?,
            lookup.in_environment(FULL)?,
        ) {
            (Some(path), _) => (format!("{ECS_HOST}{}", path.value), RELATIVE),
            (None, Some(url)) => (url.value.to_owned(), FULL),
            (None, None) => return Ok(None),
        };
        // A path without a slash at the start would change the host.
        let is_path = variable == FULL || url[ECS_HOST.len()..].starts_with('/');
        if !is_path || !url.parse::<Uri>().is_ok_and(|url| is_agent(&url)) {
            return Err(ConfigError::new(format!(
                "{variable} is not the URL of a container agent. Use https, a loopback address, 169.254.170.2, \
                 169.254.170.23 or [fd00:ec2::23]"
            )));
        }
        let token = match lookup.in_environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")? {
            Some(file) => {
                let path = lookup.environment.path(file.value);
                if !path.is_file() {
                    return Err(file.not_a_file(&path));
                }
                Some(Token::InFile(path))
            }
            None => lookup
                .in_environment("AWS_CONTAINER_AUTHORIZATION_TOKEN")?
                .map(|token| Token::Given(token.value.to_owned())),
        };
        Ok(Some(Self {
            url,
            token,
            variable,
        }))
    }

    /// Returns the name of the agent in messages. The URL is left out: it may contain a password.
    pub(super) fn name(&self) -> String {
        format!("the container agent ({})", self.variable)
    }

    pub(super) async fn fetch(
        &self,
        trust: Option<&Trust>,
    ) -> Result<Credentials, CredentialsFailure> {
        let refused = |why: String| self.failure(Cause::Refused, &why);
        let mut request =
            HttpRequest::get(&self.url).map_err(|error| refused(error.to_string()))?;
        request.headers_mut().insert("accept", "application/json");
        if let Some(token) = self.token()? {
            let added = request.headers_mut().try_insert("authorization", token);
            added.map_err(|_| refused("its token (AWS_CONTAINER_AUTHORIZATION_TOKEN or _FILE) contains a character that is not allowed in a header".into()))?;
        }
        let tls = self.url.starts_with("https:");
        let connector = connector(tls, trust, &HttpConnectorSettings::default(), None);
        let ask = async {
            let answer = connector.call(request).await;
            let answer = answer.map_err(|error| error_chain(&error))?;
            let status = answer.status().as_u16();
            let body = http_body_util::Limited::new(answer.into_body(), MAX_RESPONSE);
            let body = body.collect().await;
            let body = body.map_err(|error| error.to_string())?.to_bytes();
            Ok::<_, String>((status, body))
        };
        let (status, body) = tokio::time::timeout(TIMEOUT, ask)
            .await
            .map_err(|_| self.failure(Cause::Unavailable, "it did not answer in 10 s"))?
            .map_err(|why| self.failure(Cause::Unavailable, &why))?;
        match status {
            200..300 => {}
            status if is_unavailable(status) => {
                return Err(self.failure(Cause::Unavailable, &format!("it answered HTTP {status}")));
            }
            _ => return Err(refused(format!("it answered HTTP {status}"))),
        }
        let response: CredentialsResponse = serde_json::from_slice(&body)
            .map_err(|_| refused("its response contains no credentials".into()))?;
        response.into_credentials(None).map_err(refused)
    }

    fn token(&self) -> Result<Option<String>, CredentialsFailure> {
        match &self.token {
            None => Ok(None),
            Some(Token::Given(token)) => Ok(Some(token.clone())),
            Some(Token::InFile(path)) => {
                let refused = |why: String| {
                    let path = path.display();
                    let file = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
                    self.failure(
                        Cause::Refused,
                        &format!("cannot read {path} ({file}): {why}"),
                    )
                };
                let bytes = files::read_limited(path, MAX_TOKEN)
                    .map_err(|error| refused(error.to_string()))?;
                let text =
                    String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8 text".into()))?;
                Ok(Some(text))
            }
        }
    }

    fn failure(&self, cause: Cause, why: &str) -> CredentialsFailure {
        CredentialsFailure::new(cause, &self.name(), why)
    }
}

/// Checks the URL of a container agent by the rules in the AWS documentation: HTTPS, a loopback address, or the address of
/// an agent.
fn is_agent(url: &Uri) -> bool {
    const AGENTS: [&str; 4] = [
        "169.254.170.2",
        "169.254.170.23",
        "[fd00:ec2::23]",
        "localhost",
    ];
    url.host().is_some_and(|host| {
        url.scheme_str() == Some("https") || AGENTS.contains(&host) || endpoint::is_loopback(host)
    })
}
