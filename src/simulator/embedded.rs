//! The embedded API in place of AWS: an account that is kept in a file, served on loopback within this process.

use std::fmt::Write as _;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::model::image::{Desired, Source};
use crate::sys::clock::Clock;
use crate::sys::escape::escaped;
use crate::sys::files::{self, FileError};
use crate::sys::http::Server;

use super::account::Account;
use super::settings::Settings;
use super::shared::SharedAccount;
use super::{seed, server};

/// The largest account file or seed that is read.
const MAX_ACCOUNT: u64 = 64 * 1024 * 1024;

/// The simulated account could not be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmbeddedError {
    /// A file of it can't be read.
    #[error("cannot read {path}")]
    Read { path: String, source: io::Error },
    /// The seed is wrong.
    #[error("{path}: {problem}")]
    Seed {
        path: String,
        /// What is wrong, and where.
        problem: String,
    },
    /// The account of an earlier run is no such thing.
    #[error(
        "{path} is no simulated account of this version ({problem}); remove it to start afresh"
    )]
    Account { path: String, problem: String },
    /// The account of an earlier run began with another seed.
    #[error(
        "{path} keeps a simulated account that began with another seed, or with none; remove it and the status file beside it to start afresh"
    )]
    OtherSeed { path: String },
    /// The folder of the account file can't be made.
    #[error(transparent)]
    Store(#[from] FileError),
    /// The address can't be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
}

/// An account between runs, and the seed that it began with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Kept {
    /// The digest of the seed's text, in hexadecimal.
    seed: Option<String>,
    pub(crate) account: Account,
}

impl Kept {
    /// Finds the account as an earlier run left it in `file`, or begins one from the seed, or an empty one in `region`.
    /// Tells whether it is new.
    ///
    /// A seed is read in any case: an account that began with another one is refused, not used in its place.
    pub(crate) fn find(
        file: Option<&Path>,
        seed: Option<&Path>,
        region: Option<&str>,
    ) -> Result<(Self, bool), EmbeddedError> {
        let new = match seed {
            Some(seed) => Self::of_seed(seed)?,
            None => Self::empty(region),
        };
        let Some(path) = file else {
            return Ok((new, true));
        };
        let bytes = match files::read_limited(path, MAX_ACCOUNT) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((new, true)),
            Err(source) => {
                return Err(EmbeddedError::Read {
                    path: shown(path),
                    source,
                });
            }
        };
        let kept: Self =
            serde_json::from_slice(&bytes).map_err(|error| EmbeddedError::Account {
                path: shown(path),
                problem: error.to_string(),
            })?;
        if kept.seed != new.seed {
            return Err(EmbeddedError::OtherSeed { path: shown(path) });
        }
        Ok((kept, false))
    }

    fn of_seed(path: &Path) -> Result<Self, EmbeddedError> {
        let unread = |source| EmbeddedError::Read {
            path: shown(path),
            source,
        };
        let bytes = files::read_limited(path, MAX_ACCOUNT).map_err(unread)?;
        let text =
            String::from_utf8(bytes).map_err(|_| unread(io::Error::other("it is not UTF-8")))?;
        let account = seed::parse(&text).map_err(|error| EmbeddedError::Seed {
            path: shown(path),
            problem: error.to_string(),
        })?;
        let mut digest = String::new();
        for byte in Sha256::digest(&text) {
            let _ = write!(digest, "{byte:02x}");
        }
        Ok(Self {
            seed: Some(digest),
            account,
        })
    }

    fn empty(region: Option<&str>) -> Self {
        let mut settings = Settings::default();
        if let Some(region) = region {
            region.clone_into(&mut settings.region);
        }
        Self {
            seed: None,
            account: Account::new(settings),
        }
    }
}

/// Gives the account every source that the manifests name and do not declare: a rehearsal needs no seed.
pub(crate) fn add_sources(account: &mut Account, desired: &Desired, clock: Clock) {
    for image in desired {
        match &image.source {
            Source::ImageId(id) => account.ensure_source_id(id, clock.now()),
            Source::ImageName(name) if desired.position(name).is_none() => {
                account.ensure_source_name(name, clock.now());
            }
            Source::ImageName(_) => {}
        }
    }
}

/// Serves the account on any free port of loopback; with `file`, every change is kept there before it is answered.
pub(crate) async fn serve(
    kept: Kept,
    file: Option<&Path>,
    address: SocketAddr,
    clock: Clock,
) -> Result<(Server, SharedAccount), EmbeddedError> {
    if let Some(file) = file {
        files::make_folder(file)?;
    }
    let file = file.map(Path::to_owned);
    let Kept { seed, account } = kept;
    let save = move |account: &Account| match &file {
        Some(file) => {
            let bytes = serde_json::to_vec(&KeptRef {
                seed: seed.as_deref(),
                account,
            })?;
            files::write_whole(file, &bytes).map_err(io::Error::other)
        }
        None => Ok(()),
    };
    let listen = |source| EmbeddedError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let account = Arc::new(Mutex::new(account));
    let shared = Arc::clone(&account);
    let server = server::start(listener, shared, clock, Box::new(save)).await;
    Ok((server.map_err(listen)?, account))
}

/// What [`Kept`] is written as.
#[derive(Serialize)]
struct KeptRef<'a> {
    seed: Option<&'a str>,
    account: &'a Account,
}

/// Any free port of loopback.
pub(crate) const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn shown(path: &Path) -> String {
    escaped(&path.to_string_lossy(), 512)
}
