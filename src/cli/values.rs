//! What the values of flags may be.

use std::path::PathBuf;

use jiff::SignedDuration;

use crate::cloud::aws::region;
use crate::model::reason::Reason;
use crate::model::value::is_account_id;
use crate::sys::digest;
use crate::sys::similar::{did_you_mean, similar};

/// The value of `--simulate`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Simulation {
    Off,
    /// With the source images that the manifests name.
    Derived,
    /// With the account of this file.
    Seeded(PathBuf),
}

/// The value of `--expect-plan`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExpectPlan {
    /// `sha256:` and 64 digits.
    Checksum(String),
    /// The file with the JSON of the plan.
    File(PathBuf),
}

pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let most = SignedDuration::from_hours(24 * 7);
    match text.parse::<SignedDuration>() {
        Ok(duration) if duration >= SignedDuration::from_secs(1) && duration <= most => {
            Ok(duration)
        }
        Ok(_) => Err("must be from 1s to 7 days (168h)".into()),
        Err(_) => Err("must be a number with a unit, such as 30s, 15m or 1h 30m".into()),
    }
}

/// An address with a port, or a bare port such as `8080` or `:8080`, which binds to 127.0.0.1.
pub(super) fn health_address(text: &str) -> Result<std::net::SocketAddr, String> {
    let port = text.strip_prefix(':').unwrap_or(text);
    match (text.parse(), port.parse()) {
        (Ok(address), _) => Ok(address),
        (Err(_), Ok(port)) => Ok((std::net::Ipv4Addr::LOCALHOST, port).into()),
        (Err(_), Err(_)) => Err(
            "must be a port such as 8080, or an IP address and a port such as 0.0.0.0:8080".into(),
        ),
    }
}

/// A Boolean as variables have them, or the path of a seed.
pub(super) fn simulation(text: &str) -> Result<Simulation, String> {
    Ok(match text.to_ascii_lowercase().as_str() {
        "" => return Err("must not be empty: use the path of a seed, true or false".into()),
        "0" | "n" | "no" | "f" | "false" | "off" => Simulation::Off,
        "1" | "y" | "yes" | "t" | "true" | "on" => Simulation::Derived,
        _ => Simulation::Seeded(text.into()),
    })
}

pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.1..=1000.0).contains(&rate) => Ok(rate),
        Ok(_) | Err(_) => Err("must be a number of requests per second, from 0.1 to 1000".into()),
    }
}

/// The name of a branch, without `refs/heads/`.
pub(super) fn branch(text: &str) -> Result<String, String> {
    let name = text.strip_prefix("refs/heads/").unwrap_or(text);
    let refused = |c: char| c.is_whitespace() || c.is_control() || r"~^:?*[\".contains(c);
    if name.is_empty() || name.starts_with('-') || name.contains(refused) {
        return Err("must be the name of a branch, such as main".into());
    }
    Ok(name.to_owned())
}

pub(super) fn expected_plan(text: &str) -> Result<ExpectPlan, String> {
    let is_hex = text.chars().all(|c| c.is_ascii_hexdigit());
    match digest::parse(text) {
        Some(checksum) => Ok(ExpectPlan::Checksum(checksum)),
        None if text.starts_with("sha256:") || (is_hex && text.len() > 16) => Err(
            "must be the 64 hexadecimal digits that plan prints, or a file of plan --json-into"
                .into(),
        ),
        None => Ok(ExpectPlan::File(text.into())),
    }
}

pub(super) fn reason(text: &str) -> Result<Reason, String> {
    let names = Reason::ALL.map(|reason| (reason.to_string(), reason));
    let mut same = names
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(text));
    if let Some((_, reason)) = same.next() {
        return Ok(*reason);
    }
    let names: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
    let meant = match similar(text, &names).as_slice() {
        [] => "; repave explain lists all reasons".to_owned(),
        meant => did_you_mean(meant),
    };
    Err(format!("unknown reason{meant}"))
}

pub(super) fn region(text: &str) -> Result<String, String> {
    region::check(text).map(|()| text.to_owned())
}

pub(super) fn profile(text: &str) -> Result<String, String> {
    if text.is_empty() || text.chars().any(char::is_control) {
        return Err("must be the name of a profile".into());
    }
    Ok(text.to_owned())
}

pub(super) fn account_id(text: &str) -> Result<String, String> {
    if is_account_id(text) {
        return Ok(text.to_owned());
    }
    Err("must be 12 digits, such as 111122223333".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_before_anything_runs() {
        for (text, valid) in [
            ("30s", true),
            ("1h 30m", true),
            ("168h", true),
            ("168h 1s", false),
            ("1s", true),
            ("999ms", false),
            ("0s", false),
            ("-5m", false),
            ("10", false),
            ("1e9h", false),
            ("99999999999999999h", false),
        ] {
            assert_eq!(
                duration(text).is_ok(),
                valid,
                "{text}: {:?}",
                duration(text)
            );
        }
        for (text, valid) in [
            ("2", true),
            ("0.1", true),
            ("0.09", false),
            ("1000", true),
            ("1000.1", false),
            ("0", false),
            ("-1", false),
            ("NaN", false),
            ("inf", false),
        ] {
            assert_eq!(rate(text).is_ok(), valid, "{text}");
        }
        for (text, valid) in [
            ("111122223333", true),
            ("11112222333", false),
            ("1111222233334", false),
            ("1111-2222-3333", false),
            ("*", false),
        ] {
            assert_eq!(account_id(text).is_ok(), valid, "{text}");
        }
        let digits = |count: usize| expected_plan(&"a".repeat(count));
        for (count, is_checksum, is_file) in [
            (16, false, true),
            (17, false, false),
            (63, false, false),
            (64, true, false),
            (65, false, false),
        ] {
            let found = digits(count);
            let as_checksum = matches!(found, Ok(ExpectPlan::Checksum(_)));
            assert_eq!(as_checksum, is_checksum, "{count}: {found:?}");
            let as_file = matches!(found, Ok(ExpectPlan::File(_)));
            assert_eq!(as_file, is_file, "{count}: {found:?}");
        }
        assert!(region("").is_err());
        assert!(region("eu-west-1").is_ok());
        assert!(region("eu-west-1.evil.example/").is_err());
    }

    #[test]
    fn a_bare_port_binds_to_loopback() {
        for (text, address) in [
            ("8080", Some("127.0.0.1:8080")),
            (":8080", Some("127.0.0.1:8080")),
            ("0.0.0.0:8080", Some("0.0.0.0:8080")),
            ("[::1]:0", Some("[::1]:0")),
            ("localhost:8080", None),
            ("70000", None),
            ("", None),
        ] {
            let found = health_address(text).ok().map(|address| address.to_string());
            assert_eq!(found.as_deref(), address, "{text}");
        }
    }
}
