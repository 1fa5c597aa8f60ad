//! Credentials that a program prints: `credential_process` of a profile.

use std::process::Stdio;
use std::time::Duration;

use aws_credential_types::Credentials;
use jiff::Timestamp;
use serde::Deserialize;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::credentials::{Cause, CredentialsFailure};
use crate::escape::escaped;

/// How long the program may take: it may ask a person for a code.
const TIMEOUT: Duration = Duration::from_mins(5);

/// The most that is read of what it prints, in bytes.
const MAX_OUTPUT: u64 = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<Timestamp>,
}

/// Runs the command with a shell, as the other AWS SDKs do. It ends with this process's interest in it.
pub(super) async fn fetch(command: &str, whose: &str) -> Result<Credentials, CredentialsFailure> {
    let refused = |why: &str| {
        let why = format!("{why}. Run the command by hand to see why");
        CredentialsFailure::new(Cause::Refused, whose, &why)
    };
    let run = async {
        let mut child = Command::new("sh")
            .args(["-c", command])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| error.to_string())?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let read = async |pipe: Option<&mut (dyn tokio::io::AsyncRead + Unpin + Send)>| {
            let mut bytes = Vec::new();
            if let Some(pipe) = pipe {
                let _ = pipe.take(MAX_OUTPUT).read_to_end(&mut bytes).await;
            }
            bytes
        };
        let (mut out, mut err) = (out, err);
        let (printed, said) = tokio::join!(
            read(out.as_mut().map(|pipe| pipe as _)),
            read(err.as_mut().map(|pipe| pipe as _))
        );
        let status = child.wait().await.map_err(|error| error.to_string())?;
        Ok::<_, String>((status, printed, said))
    };
    let (status, printed, said) = match tokio::time::timeout(TIMEOUT, run).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(why)) => return Err(refused(&format!("it cannot be run: {why}"))),
        Err(_) => {
            let why = format!("it did not end within {} minutes", TIMEOUT.as_secs() / 60);
            return Err(CredentialsFailure::new(Cause::Unavailable, whose, &why));
        }
    };
    if !status.success() {
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let said = match lines.as_slice() {
            [] => "it printed nothing to stderr".to_owned(),
            lines => escaped(&lines.join("; "), 300),
        };
        return Err(refused(&format!("it ended with {status}: {said}")));
    }
    // What it printed may be secret in part: no error repeats it.
    let printed: Printed = serde_json::from_slice(&printed)
        .map_err(|_| refused("it printed no credentials in the expected JSON"))?;
    if printed.version != 1 {
        return Err(refused("it printed another Version than 1"));
    }
    Ok(Credentials::new(
        printed.access_key_id,
        printed.secret_access_key,
        printed.session_token.filter(|token| !token.is_empty()),
        printed.expiration.map(Into::into),
        "process",
    ))
}
