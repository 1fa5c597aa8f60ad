//! Credentials from the output of a program: `credential_process` of a profile.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use aws_credential_types::Credentials;
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

use super::failure::{Cause, CredentialsFailure};
use super::keys::parse_expiry;
use crate::sys::escape::escaped;

/// The timeout of the program. It may ask the user for a code.
const TIMEOUT: Duration = Duration::from_mins(5);

/// The maximum output that is read, in bytes.
const MAX_OUTPUT: u64 = 64 * 1024;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessOutput {
    version: u32,
    access_key_id: String,
    secret_access_key: String,
    session_token: Option<String>,
    expiration: Option<String>,
}

/// Runs the command without a shell, as boto3 does. Dropping the future stops the command.
pub(super) async fn fetch(
    command: &[String],
    source_name: &str,
) -> Result<Credentials, CredentialsFailure> {
    let refused = |why: &str| {
        let why = format!("{why}. Run the command in a shell to find the problem");
        CredentialsFailure::new(Cause::Refused, source_name, &why)
    };
    let [program, arguments @ ..] = command else {
        return Err(refused("the command is empty"));
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
                return Err(io::Error::other("it printed 64 KiB or more"));
            }
            Ok(printed)
        };
        let (printed, stderr) = tokio::try_join!(printed, read_beginning(err))?;
        Ok::<_, io::Error>((child.wait().await?, printed, stderr))
    };
    let (status, printed, stderr) = match tokio::time::timeout(TIMEOUT, run).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => return Err(refused(&format!("it failed: {error}"))),
        Err(_) => {
            let why = format!("it did not finish in {} minutes", TIMEOUT.as_secs() / 60);
            return Err(CredentialsFailure::new(
                Cause::Unavailable,
                source_name,
                &why,
            ));
        }
    };
    if !status.success() {
        let stderr = String::from_utf8_lossy(&stderr);
        let lines: Vec<&str> = stderr
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        let stderr = match lines.as_slice() {
            [] => "it printed nothing to stderr".to_owned(),
            lines => escaped(&lines.join("; "), 300),
        };
        return Err(refused(&format!("it failed with {status}: {stderr}")));
    }
    // The output may contain secrets, so no error repeats it.
    let printed: ProcessOutput = serde_json::from_slice(&printed)
        .map_err(|_| refused("its output is not the expected JSON with credentials"))?;
    if printed.version != 1 {
        return Err(refused("the Version in its output is not 1"));
    }
    let expiry = printed.expiration.as_deref().map(parse_expiry).transpose();
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

/// Reads the beginning and discards the rest, so that the program never waits for its reader.
async fn read_beginning(mut pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let bytes = read(pipe.as_mut()).await?;
    if let Some(pipe) = &mut pipe {
        tokio::io::copy(pipe, &mut tokio::io::sink()).await?;
    }
    Ok(bytes)
}
