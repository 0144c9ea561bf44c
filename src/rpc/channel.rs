//! The blocking client: calls to one server, from any number of threads, over one connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::client_call::ClientCall;
use super::drive::Inner;
use super::names::Resolver;
use super::tls::ClientTls;
use crate::call::{Limits, Metadata, Status};
use crate::session::Protocol;

/// How a [`Channel`] is set up.
#[derive(Clone, Debug)]
pub struct ChannelOptions {
    /// What is spoken. Agora's own protocol by default.
    pub protocol: Protocol,
    /// What the server may make us spend.
    pub limits: Limits,
    /// With what TLS is spoken; without it the connection is in the clear.
    pub tls: Option<ClientTls>,
    /// How the server's name is looked up. What was found is shared by all that have a clone of it.
    pub resolver: Resolver,
    /// How long one attempt to connect (the look-up, all addresses and the TLS handshake included) may take; a call's own deadline may end it sooner.
    pub connect_timeout: Duration,
}

impl Default for ChannelOptions {
    fn default() -> ChannelOptions {
        ChannelOptions {
            protocol: Protocol::Native,
            limits: Limits::DEFAULT,
            tls: None,
            resolver: Resolver::default(),
            connect_timeout: Duration::from_secs(5),
        }
    }
}

/// How one call is made.
#[derive(Clone, Debug)]
pub struct CallOptions {
    /// What travels beside the messages.
    pub metadata: Metadata,
    /// How long the whole call may take; 10 s by default. `None`: as long as it likes, which is
    /// for streams that go on.
    pub timeout: Option<Duration>,
    /// Try to connect until the deadline, instead of failing when the server is not there.
    pub wait_for_ready: bool,
}

impl Default for CallOptions {
    fn default() -> CallOptions {
        CallOptions {
            metadata: Metadata::new(),
            timeout: Some(Duration::from_secs(10)),
            wait_for_ready: false,
        }
    }
}

/// A unary call's answer with everything that came with it.
#[derive(Clone, Debug, Default)]
pub struct Response {
    /// The server's initial metadata.
    pub headers: Metadata,
    /// The message.
    pub message: Vec<u8>,
    /// The server's trailing metadata.
    pub trailers: Metadata,
}

/// A client of one server. Clones share the connection; it is made when the first call needs it,
/// and made anew, with growing pauses, when it is lost.
#[derive(Clone)]
pub struct Channel {
    pub(super) inner: Arc<Inner>,
}

/// How often a unary call is sent again that no server has begun to work on.
const MAX_RETRIES: usize = 5;

impl Channel {
    /// A client of the server at `target` (`host:port`). Nothing is connected yet.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the process has no file descriptor left.
    pub fn new(target: &str, options: ChannelOptions) -> Result<Channel, Status> {
        Inner::new(target, options).map(|inner| Channel { inner: Arc::new(inner) })
    }

    /// The server's address as it was given.
    pub fn target(&self) -> &str {
        self.inner.target()
    }

    /// A call with one message in each direction.
    ///
    /// # Errors
    /// The server's status; `UNAVAILABLE` when it cannot be reached, `DEADLINE_EXCEEDED` when time
    /// runs out, `INTERNAL` when it answers with another number of messages than one.
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

    /// Begins a call of any shape.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the server cannot be reached, `DEADLINE_EXCEEDED` when time runs out
    /// before the call could begin.
    pub fn start(&self, path: &str, options: &CallOptions) -> Result<ClientCall, Status> {
        ClientCall::start(&self.inner, path, options)
    }
}
