//! An HTTP/1.1 server on a given listener, with limits on connections. A handler answers the requests.
//!
//! An invalid request can close its own connection, but never stops the server.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

/// The pause after a connection could not be accepted, for example because all file descriptors are in use.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The maximum number of open connections.
    pub(crate) connections: usize,
    /// Whether a connection above the maximum closes the oldest one. If not, it waits.
    pub(crate) drops_oldest: bool,
    /// The longest wait for the head of a request, and so the longest idle time of a connection.
    pub(crate) head_timeout: Duration,
    /// If set, a connection serves one request and is closed after this time. If not, it stays open while requests
    /// arrive.
    pub(crate) single_request: Option<Duration>,
}

/// Returned by a handler to close the connection without a response.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
pub struct Cut;

/// A server that runs until it is dropped. Dropping it closes its connections.
#[derive(Debug)]
#[must_use = "dropping the server stops it"]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<Infallible>,
}

impl Server {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs until the runtime stops.
    pub async fn run(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the listener on the current tokio runtime. A clone of `handler` answers each request.
#[expect(clippy::unused_async, reason = "it needs a tokio runtime")]
pub(crate) async fn serve<H, F>(
    listener: TcpListener,
    limits: Limits,
    handler: H,
) -> io::Result<Server>
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Full<Bytes>>, Cut>> + Send + 'static,
{
    let address = listener.local_addr()?;
    let task = tokio::spawn(accept(listener, limits, handler));
    Ok(Server { address, task })
}

async fn accept<H, F>(listener: TcpListener, limits: Limits, handler: H) -> Infallible
where
    H: Fn(Request<Incoming>) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Response<Full<Bytes>>, Cut>> + Send + 'static,
{
    // Dropped with this task, which closes every connection.
    let mut connections = JoinSet::new();
    // The oldest first. Finished connections are removed.
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    let mut is_failing = false;
    loop {
        let has_room = connections.len() < limits.connections;
        tokio::select! {
            accepted = listener.accept(), if has_room || limits.drops_oldest => match accepted {
                Ok((stream, _)) => {
                    if !has_room && let Some(oldest) = open.pop_front() {
                        oldest.abort();
                    }
                    open.push_back(connections.spawn(connection(stream, limits, handler.clone())));
                    is_failing = false;
                }
                Err(error) => {
                    // Log the first failure only, not ten failures a second.
                    if !is_failing {
                        tracing::warn!(%error, "cannot accept a connection");
                    }
                    is_failing = true;
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next(), if !connections.is_empty() => {
                open.retain(|connection| !connection.is_finished());
            }
        }
    }
}

async fn connection<H, F>(stream: TcpStream, limits: Limits, handler: H)
where
    H: Fn(Request<Incoming>) -> F + Send + 'static,
    F: Future<Output = Result<Response<Full<Bytes>>, Cut>> + Send + 'static,
{
    // Send small responses at once. If the option cannot be set, they are only slower.
    let _ = stream.set_nodelay(true);
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .keep_alive(limits.single_request.is_none())
        .serve_connection(TokioIo::new(stream), service_fn(handler));
    let ended = match limits.single_request {
        None => connection.await,
        Some(longest) => tokio::time::timeout(longest, connection)
            .await
            .unwrap_or_else(|_| {
                tracing::debug!("closed a connection: the client is too slow");
                Ok(())
            }),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection was closed early");
    }
}
