//! The blocking client: calls to one server, from any number of threads, over one connection.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client_call::ClientCall;
use super::drive::Inner;
use super::names::Resolver;
use super::tls::ClientTls;
use crate::call::{Limits, Metadata, Role, Status};
use crate::session::Protocol;

/// How a [`Channel`] is set up.
#[derive(Clone, Debug)]
pub struct ChannelOptions {
    /// The protocol. By default Agora's native one.
    pub protocol: Protocol,
    /// Limits on what the server can make the client spend.
    pub limits: Limits,
    /// TLS; without it the connection is cleartext.
    pub tls: Option<ClientTls>,
    /// How the server's name is looked up. Clones share a cache of results.
    pub resolver: Resolver,
    /// Timeout of one attempt to connect, including the look-up, all addresses and the TLS
    /// handshake. A call's deadline may end it sooner.
    pub connect_timeout: Duration,
    /// Which of the server's addresses may be dialed; all by default.
    pub address_filter: Option<fn(IpAddr) -> bool>,
    /// The role that the server's certificate must have, if it has roles at all.
    pub server_role: Option<Role>,
}

impl Default for ChannelOptions {
    fn default() -> ChannelOptions {
        ChannelOptions {
            protocol: Protocol::Native,
            limits: Limits::DEFAULT,
            tls: None,
            resolver: Resolver::default(),
            connect_timeout: Duration::from_secs(5),
            address_filter: None,
            server_role: None,
        }
    }
}

/// How one call is made.
#[derive(Clone, Debug)]
pub struct CallOptions {
    /// Metadata that is sent with the call.
    pub metadata: Metadata,
    /// Timeout of the whole call; 10 s by default. `None`: no timeout, for long-lived streams.
    pub timeout: Option<Duration>,
    /// Compress requests, where that is worth it, if the protocol is gRPC. The server must have gzip. A
    /// message must then not hold a secret beside what an attacker can choose: its length would give
    /// the secret away.
    pub compress: bool,
    /// Try to connect until the deadline, instead of failing when the server is not reachable.
    pub wait_for_ready: bool,
}

impl Default for CallOptions {
    fn default() -> CallOptions {
        CallOptions {
            metadata: Metadata::new(),
            timeout: Some(Duration::from_secs(10)),
            compress: false,
            wait_for_ready: false,
        }
    }
}

/// A unary call's response, with its metadata.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The server's initial metadata.
    pub headers: Metadata,
    /// The message.
    pub message: Vec<u8>,
    /// The server's trailing metadata.
    pub trailers: Metadata,
}

/// A client of one server. Clones share one connection. It is established for the first call, and
/// again, with exponential backoff, when it is lost.
#[derive(Clone)]
pub struct Channel {
    pub(super) inner: Arc<Inner>,
}

/// How often a unary call is retried that no server has started to process.
const MAX_RETRIES: usize = 5;

impl Channel {
    /// A client of the server at `target` (`host:port`). It does not connect yet.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the process has no file descriptor left.
    pub fn new(target: &str, options: ChannelOptions) -> Result<Channel, Status> {
        Inner::new(target, options).map(|inner| Channel { inner: Arc::new(inner) })
    }

    /// The server's address, as it was given to [`new`](Self::new).
    pub fn target(&self) -> &str {
        self.inner.target()
    }

    /// A call with one message in each direction.
    ///
    /// # Errors
    /// The server's status; `UNAVAILABLE` when it cannot be reached, `DEADLINE_EXCEEDED` after the
    /// timeout, `INTERNAL` when it does not answer with exactly one message.
    pub fn unary(
        &self,
        path: &str,
        message: &[u8],
        options: &CallOptions,
    ) -> Result<Vec<u8>, Status> {
        self.unary_with_metadata(path, message, options).map(|response| response.message)
    }

    /// [`unary`](Self::unary), with the server's metadata.
    ///
    /// # Errors
    /// As [`unary`](Self::unary).
    pub fn unary_with_metadata(
        &self,
        path: &str,
        message: &[u8],
        options: &CallOptions,
    ) -> Result<Response, Status> {
        let until = options.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut options = options.clone();
        let mut retries = 0;
        loop {
            let mut call = self.start(path, &options)?;
            match call.exchange(message) {
                Err(_) if retries < MAX_RETRIES && call.is_retriable() => retries += 1,
                result => return result,
            }
            options.timeout = until.map(|until| until.saturating_duration_since(Instant::now()));
        }
    }

    /// Starts a call of any shape.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the server cannot be reached, `DEADLINE_EXCEEDED` when the timeout passes
    /// before the call could start.
    pub fn start(&self, path: &str, options: &CallOptions) -> Result<ClientCall, Status> {
        ClientCall::start(&self.inner, path, options)
    }
}
