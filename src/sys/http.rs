//! HTTP/1.1 on a listener that it is given: connections, their limits and their ends. What is answered, the handler says.
//!
//! Whatever arrives on the wire is answered or ends its own connection; it never ends the server.

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

/// The rest after a connection that could not be accepted, as when there are no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How much clients may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The most connections at once.
    pub(crate) connections: usize,
    /// Whether a further one ends the oldest; else it waits.
    pub(crate) drops_oldest: bool,
    /// The longest wait for a request's head, and so the rest of a kept connection.
    pub(crate) head_timeout: Duration,
    /// If set, a connection serves one request and lasts no longer than this, whatever its client does. If not, it is
    /// kept for as long as requests come.
    pub(crate) single_request: Option<Duration>,
}

/// A handler's word that the connection is to be cut without an answer. As a service's error, it makes hyper close the
/// socket.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut on purpose")]
pub struct Cut;

/// A server that runs until it is dropped; its connections end with it.
#[derive(Debug)]
#[must_use = "a server that is dropped ends"]
pub struct Server {
    address: SocketAddr,
    task: JoinHandle<Infallible>,
}

impl Server {
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Runs for ever, or until the runtime ends.
    pub async fn run(mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves the listener, on the tokio runtime that this is called on. Each request is given to a clone of `handler`.
#[expect(
    clippy::unused_async,
    reason = "it needs a runtime, and says so by its type"
)]
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
    // Dropped with this task, which ends every connection.
    let mut connections = JoinSet::new();
    // The oldest first; those that have ended are taken out as they end.
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
                    // Once, not ten times a second for as long as there are no file descriptors.
                    if !is_failing {
                        tracing::warn!(%error, "a connection could not be accepted");
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
    // Small answers must not wait for an acknowledgement; without the option they are only slower.
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
                tracing::debug!("a connection ended: its client was too slow");
                Ok(())
            }),
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
