//! The embedded API in place of AWS: an account or a world that is saved in a file, served by this process.

use std::collections::BTreeMap;
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
use super::seed::{self, Contents};
use super::server::{self, Change, Save};
use super::shared::{SharedAccount, lock};
use super::world::{World, WorldForm};

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

/// The file between runs: an account or a world, and the digest of the seed that it began with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedFile<A = Account, W = WorldForm> {
    seed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<A>,
    #[serde(skip_serializing_if = "Option::is_none")]
    world: Option<W>,
}

/// An account or a world between runs, and the digest of the seed that it began with.
#[derive(Debug)]
pub(crate) struct SavedAccount {
    seed: Option<String>,
    pub(crate) contents: Contents,
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
        let saved: SavedFile =
            serde_json::from_slice(&bytes).map_err(|error| refused(error.to_string()))?;
        let contents = match (saved.account, saved.world) {
            (Some(account), None) => Contents::Account(Box::new(account)),
            (None, Some(world)) => Contents::World(world),
            _ => return Err(refused("expected an account or a world".into())),
        };
        match &contents {
            Contents::Account(account) => seed::validate(account),
            Contents::World(form) => seed::validate_world(form),
        }
        .map_err(refused)?;
        if saved.seed != new.seed {
            return Err(EmbeddedError::OtherSeed { path: shown(path) });
        }
        let seed = saved.seed;
        Ok((Self { seed, contents }, false))
    }

    fn of_seed(path: &Path) -> Result<Self, EmbeddedError> {
        let bytes = files::read_limited(path, MAX_ACCOUNT).map_err(unread(path))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| unread(path)(io::Error::other("it is not UTF-8")))?;
        let contents = seed::read(&text).map_err(|problem| EmbeddedError::Seed {
            path: shown(path),
            problem,
        })?;
        Ok(Self {
            seed: Some(digest::sha256(text.as_bytes())),
            contents,
        })
    }

    fn empty(region: Option<&str>) -> Self {
        let mut account = Account::default();
        if let Some(region) = region {
            region.clone_into(&mut account.region);
        }
        Self {
            seed: None,
            contents: Contents::Account(Box::new(account)),
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

/// Serves the account or world at the address; with `file`, every change is saved there before it is answered. Returns the
/// account too, if it is one.
pub(crate) async fn serve(
    saved: SavedAccount,
    file: Option<&Path>,
    address: SocketAddr,
    clock: Clock,
) -> Result<(Server, Option<SharedAccount>), EmbeddedError> {
    if let Some(file) = file {
        files::make_folder(file)?;
    }
    let SavedAccount { seed, contents } = saved;
    let (save, world, account) = match contents {
        Contents::Account(account) => {
            let account = Arc::new(Mutex::new(*account));
            let world = World::from(Arc::clone(&account));
            (saving_account(seed, file), world, Some(account))
        }
        Contents::World(form) => {
            let world =
                World::try_from(form.clone()).map_err(|problem| EmbeddedError::Account {
                    path: file.map_or_else(String::new, shown),
                    problem,
                })?;
            (saving_world(seed, file, form), world, None)
        }
    };
    let listen = |source| EmbeddedError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let server = server::start(listener, world, clock, save).await;
    Ok((server.map_err(listen)?, account))
}

fn saving_account(seed: Option<String>, file: Option<&Path>) -> Save {
    let Some(file) = file.map(Path::to_owned) else {
        return Box::new(|_| Ok(()));
    };
    Box::new(move |change| match change {
        Change::Account(account) => {
            let bytes = serde_json::to_vec(&SavedFile {
                seed: seed.clone(),
                account: Some(account),
                world: None::<()>,
            })?;
            files::write_whole(&file, &bytes).map_err(io::Error::other)
        }
        Change::Faults(_) => Ok(()),
    })
}

/// Saves a world from the text of each account, so that a change of one account waits for no other account, and is the only
/// one to be written as JSON again.
fn saving_world(seed: Option<String>, file: Option<&Path>, mut form: WorldForm) -> Save {
    let Some(file) = file.map(Path::to_owned) else {
        return Box::new(|_| Ok(()));
    };
    let place = |account: &Account| (account.account_id.clone(), account.region.clone());
    let accounts = std::mem::take(&mut form.accounts).into_iter();
    let texts = accounts.filter_map(|a| Some((place(&a), serde_json::to_vec(&a).ok()?)));
    let texts: BTreeMap<_, _> = texts.collect();
    let state = Mutex::new((form, texts));
    Box::new(move |change| {
        let (form, texts) = &mut *lock(&state);
        match change {
            Change::Account(account) => {
                texts.insert(place(account), serde_json::to_vec(account)?);
            }
            Change::Faults(faults) => form.faults = faults.to_vec(),
        }
        let rest = serde_json::to_vec(&SavedFile {
            seed: seed.clone(),
            account: None::<()>,
            world: Some(&*form),
        })?;
        // The list of accounts is the last field of the world, and the world that of the file.
        let begin = rest
            .strip_suffix(b"]}}")
            .ok_or(io::ErrorKind::InvalidData)?;
        let texts: Vec<&[u8]> = texts.values().map(Vec::as_slice).collect();
        let bytes = [begin, &texts.join(&b","[..]), b"]}}"].concat();
        files::write_whole(&file, &bytes).map_err(io::Error::other)
    })
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
