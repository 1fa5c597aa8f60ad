//! Credentials that a program prints: `credential_process` of a profile.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use aws_credential_types::Credentials;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::failure::{Cause, CredentialsFailure};
use super::keys::expiry_of;
use crate::sys::escape::escaped;

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
    expiration: Option<String>,
}

/// Runs the command, without a shell as boto3 does. It ends with this process's interest in it.
pub(super) async fn fetch(
    command: &[String],
    whose: &str,
) -> Result<Credentials, CredentialsFailure> {
    let refused = |why: &str| {
        let why = format!("{why}. Run the command by hand to see why");
        CredentialsFailure::new(Cause::Refused, whose, &why)
    };
    let [program, arguments @ ..] = command else {
        return Err(refused("there is no command"));
    };
    let run = async {
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let printed = async {
            let printed = read(out).await?;
            if printed.len() as u64 == MAX_OUTPUT {
                return Err(io::Error::other("it prints 64 KiB or more"));
            }
            Ok(printed)
        };
        let (printed, said) = tokio::try_join!(printed, read_beginning(err))?;
        Ok::<_, io::Error>((child.wait().await?, printed, said))
    };
    let (status, printed, said) = match tokio::time::timeout(TIMEOUT, run).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => return Err(refused(&format!("it does not work: {error}"))),
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
    let expiry = printed.expiration.as_deref().map(expiry_of).transpose();
    let expiry = expiry.map_err(|why| refused(&format!("its Expiration {why}")))?;
    Ok(Credentials::new(
        printed.access_key_id,
        printed.secret_access_key,
        printed.session_token.filter(|token| !token.is_empty()),
        expiry.map(Into::into),
        "process",
    ))
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(MAX_OUTPUT).read_to_end(&mut bytes).await?;
    }
    Ok(bytes)
}

/// Reads the beginning and ignores the rest: a program that prints much must not wait for its reader.
async fn read_beginning(mut pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let bytes = read(pipe.as_mut()).await?;
    if let Some(pipe) = &mut pipe {
        tokio::io::copy(pipe, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}
