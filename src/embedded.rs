//! The embedded API in place of AWS: an account that is kept in a file, served on loopback within this process.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;

use crate::clock::Clock;
use crate::escape::escaped;
use crate::image::{Desired, Source};
use crate::simulator::{Account, Settings, seed, server};
use crate::store::{self, StoreError};

/// The largest account file or seed that is read.
const MAX_ACCOUNT: u64 = 64 * 1024 * 1024;

/// The simulated account could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    /// A file of it can't be read.
    #[error("cannot read {path}")]
    Read {
        /// Which file.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// The seed is wrong.
    #[error("{path}: {problem}")]
    Seed {
        /// Which file.
        path: String,
        /// What is wrong, and where.
        problem: String,
    },
    /// The account of an earlier run is no such thing.
    #[error(
        "{path} is no simulated account of this version ({problem}); remove it to start afresh"
    )]
    Account {
        /// Which file.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// The folder of the account file can't be made.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address can't be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// Which address.
        address: SocketAddr,
        /// Why not.
        source: io::Error,
    },
}

/// An account as it was found.
#[derive(Debug)]
pub struct Found {
    /// The account.
    pub account: Account,
    /// Whether it was kept from an earlier run; the seed was not read then.
    pub kept: bool,
}

/// Finds the account: as an earlier run left it, or from the seed, or an empty one in `region`.
pub fn find(
    file: Option<&Path>,
    seed: Option<&Path>,
    region: Option<&str>,
) -> Result<Found, EmbeddedError> {
    if let Some(path) = file {
        match store::read_limited(path, MAX_ACCOUNT) {
            Ok(bytes) => {
                let account =
                    serde_json::from_slice(&bytes).map_err(|error| EmbeddedError::Account {
                        path: shown(path),
                        problem: error.to_string(),
                    })?;
                return Ok(Found {
                    account,
                    kept: true,
                });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => {
                return Err(EmbeddedError::Read {
                    path: shown(path),
                    source,
                });
            }
        }
    }
    let account = if let Some(path) = seed {
        let read = |source| EmbeddedError::Read {
            path: shown(path),
            source,
        };
        let bytes = store::read_limited(path, MAX_ACCOUNT).map_err(read)?;
        let text =
            String::from_utf8(bytes).map_err(|_| read(io::Error::other("it is not UTF-8")))?;
        seed::parse(&text).map_err(|error| EmbeddedError::Seed {
            path: shown(path),
            problem: error.to_string(),
        })?
    } else {
        let mut settings = Settings::default();
        if let Some(region) = region {
            region.clone_into(&mut settings.region);
        }
        Account::new(settings)
    };
    Ok(Found {
        account,
        kept: false,
    })
}

/// Gives the account every source that the manifests name and do not declare: a rehearsal needs no seed.
pub fn add_sources(account: &mut Account, desired: &Desired, clock: Clock) {
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
pub async fn serve(
    account: Account,
    file: Option<&Path>,
    address: SocketAddr,
    clock: Clock,
) -> Result<server::Server, EmbeddedError> {
    if let Some(file) = file {
        store::make_folder(file)?;
    }
    let file = file.map(Path::to_owned);
    let save = move |account: &Account| match &file {
        Some(file) => {
            let bytes = serde_json::to_vec(account)?;
            store::write_whole(file, &bytes).map_err(io::Error::other)
        }
        None => Ok(()),
    };
    let listen = |source| EmbeddedError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    server::start(
        listener,
        Arc::new(Mutex::new(account)),
        clock,
        Box::new(save),
    )
    .await
    .map_err(listen)
}

/// Any free port of loopback.
pub const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn shown(path: &Path) -> String {
    escaped(&path.to_string_lossy(), 512)
}
