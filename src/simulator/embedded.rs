//! The embedded API in place of AWS: an account that is saved in a file, served by this process.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::model::image::{Desired, Source};
use crate::sys::clock::Clock;
use crate::sys::digest;
use crate::sys::escape::escaped;
use crate::sys::files::{self, FileError};
use crate::sys::http::Server;

use super::account::Account;
use super::shared::SharedAccount;
use super::{seed, server};

/// The largest account file or seed that is read.
const MAX_ACCOUNT: u64 = 64 * 1024 * 1024;

/// Why there is no simulated account.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmbeddedError {
    #[error("cannot read {path}")]
    Read { path: String, source: io::Error },
    #[error("{path}: {problem}")]
    Seed { path: String, problem: String },
    #[error(
        "{path} is not a simulated account of this version ({problem}); remove it to start with a new account"
    )]
    Account { path: String, problem: String },
    #[error(
        "{path} has a simulated account that began with another seed, or with none; remove it and the status file beside it to start with a new account"
    )]
    OtherSeed { path: String },
    #[error(transparent)]
    Store(#[from] FileError),
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
}

/// An account between runs, and the seed that it began with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SavedAccount<A = Account> {
    seed: Option<String>,
    pub(crate) account: A,
}

impl SavedAccount {
    /// Reads the account that an earlier run left in `file`, or begins one from the seed, or an empty one in `region`.
    /// Returns also whether it is new.
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
            Err(source) => return Err(unread(path)(source)),
        };
        let refused = |problem: String| EmbeddedError::Account {
            path: shown(path),
            problem,
        };
        let saved: Self =
            serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
        seed::validate(&saved.account).map_err(refused)?;
        if saved.seed != new.seed {
            return Err(EmbeddedError::OtherSeed { path: shown(path) });
        }
        Ok((saved, false))
    }

    fn of_seed(path: &Path) -> Result<Self, EmbeddedError> {
        let bytes = files::read_limited(path, MAX_ACCOUNT).map_err(unread(path))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| unread(path)(io::Error::other("it is not UTF-8")))?;
        let account = seed::parse(&text).map_err(|problem| EmbeddedError::Seed {
            path: shown(path),
            problem,
        })?;
        Ok(Self {
            seed: Some(digest::sha256(text.as_bytes())),
            account,
        })
    }

    fn empty(region: Option<&str>) -> Self {
        let mut account = Account::default();
        if let Some(region) = region {
            region.clone_into(&mut account.region);
        }
        Self {
            seed: None,
            account,
        }
    }
}

/// Adds every source that the manifests name and do not declare, so that a rehearsal needs no seed.
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

/// Serves the account at the address; with `file`, every change is saved there before it is answered.
pub(crate) async fn serve(
    saved: SavedAccount,
    file: Option<&Path>,
    address: SocketAddr,
    clock: Clock,
) -> Result<(Server, SharedAccount), EmbeddedError> {
    if let Some(file) = file {
        files::make_folder(file)?;
    }
    let file = file.map(Path::to_owned);
    let SavedAccount { seed, account } = saved;
    let save = move |account: &Account| match &file {
        Some(file) => {
            let bytes = serde_json::to_vec(&SavedAccount {
                seed: seed.clone(),
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

/// Any free port of loopback.
pub(crate) const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn unread(path: &Path) -> impl Fn(io::Error) -> EmbeddedError {
    move |source| EmbeddedError::Read {
        path: shown(path),
        source,
    }
}

fn shown(path: &Path) -> String {
    escaped(&path.to_string_lossy(), 512)
}
