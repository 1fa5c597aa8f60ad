//! Checks endpoint URLs. A URL may contain a password, so no error repeats it.

use std::net::IpAddr;

use hyper::Uri;

/// Checks that a text is an endpoint URL.
pub(crate) fn check(url: &str) -> Result<(), String> {
    let parsed = url.parse::<Uri>().ok();
    let is_valid = parsed.is_some_and(|url| {
        let Some(authority) = url.authority() else {
            return false;
        };
        let host_and_port = authority.as_str().rsplit('@').next().unwrap_or_default();
        let host = authority.host();
        let has_port = match host_and_port.strip_prefix(host) {
            Some("") => true,
            Some(port) => port
                .strip_prefix(':')
                .is_some_and(|port| port.parse::<u16>().is_ok()),
            None => false,
        };
        matches!(url.scheme_str(), Some("http" | "https")) && !host.is_empty() && has_port
    });
    if is_valid {
        Ok(())
    } else {
        Err("must begin with http:// or https:// and a host".into())
    }
}

/// Returns whether the URL is plain HTTP on this machine.
pub(super) fn is_local(url: &str) -> bool {
    url.parse::<Uri>().is_ok_and(|url| {
        url.scheme_str() == Some("http")
            && url
                .host()
                .is_some_and(|host| host == "localhost" || is_loopback(host))
    })
}

/// Returns whether the host is a loopback address. A host name is not an address.
pub(super) fn is_loopback(host: &str) -> bool {
    let bare = host.trim_matches(['[', ']']);
    bare.parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_local() {
        for (url, local) in [
            ("http://127.0.0.1:4566", true),
            ("http://127.0.0.1", true),
            ("http://localhost:4566/x", true),
            ("http://[::1]:4566", true),
            ("http://[::1]", true),
            ("http://127.evil.example", false),
            ("http://localhost.evil", false),
            ("http://10.0.0.1", false),
            ("https://127.0.0.1", false),
        ] {
            assert_eq!(is_local(url), local, "{url}");
        }
    }

    #[test]
    fn an_endpoint_is_a_url_with_a_host() {
        for (url, valid) in [
            ("http://127.0.0.1:4566", true),
            (
                "https://vpce-1.workspaces.eu-west-1.vpce.amazonaws.com",
                true,
            ),
            ("https://user:secret@proxy.example:8080/path", true),
            ("http://[::1]:1", true),
            ("127.0.0.1", false),
            ("https://", false),
            ("http://a b", false),
            ("http://host:port", false),
            ("http://host:99999", false),
            ("http://[bad", false),
            ("unix:///run/x", false),
            ("ftp://host", false),
        ] {
            assert_eq!(check(url).is_ok(), valid, "{url}");
        }
        let error = check("https://user:secret@[bad").unwrap_err();
        assert!(!error.contains("secret"), "{error}");
    }
}
