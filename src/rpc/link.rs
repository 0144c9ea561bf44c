//! A client's connection: a socket and its session.

use std::borrow::Cow;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::channel::ChannelOptions;
use super::dial::dial;
use super::reactor::Stream;
use super::socket::Socket;
use super::tls::{ClientTls, Tls};
use crate::call::{ClientSink, Principal};
use crate::session::{ClientSession, is_cleartext_refusal};

/// Connects to `target` (`host:port`), with the TLS handshake if the options ask for TLS.
///
/// # Errors
/// The server cannot be reached, or the handshake does not succeed, within `timeout`.
pub(super) fn connect(
    target: &str,
    options: &ChannelOptions,
    timeout: Duration,
) -> io::Result<Socket> {
    let until = Instant::now() + timeout;
    let mut addresses = options.resolver.resolve(target, until)?;
    if let Some(is_allowed) = options.address_filter {
        addresses.retain(|address| is_allowed(address.ip()));
        if addresses.is_empty() {
            return Err(refused("none of its addresses may be dialed"));
        }
    }
    let mut stream = dial(&addresses, until).inspect_err(|_| options.resolver.forget(target))?;
    let tls = options.tls.as_ref();
    let tls = tls.map(|tls| Tls::connect(tls, target, options.protocol, &mut stream, until));
    let socket = Socket::connected(stream, tls.transpose()?)?;
    match (&options.server_role, socket.peer_identity()?) {
        (Some(role), Some(server)) if server.is_for_agora && !server.roles.contains(role) => {
            Err(refused(&format!("its certificate lacks the role {role}")))
        }
        _ => Ok(socket),
    }
}

fn refused(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, reason)
}

/// Reads in one turn, so that deadlines are checked while a busy server streams.
const READS_PER_TURN: usize = 16;

/// One connection to a server.
pub(super) struct Link {
    socket: Socket,
    pub(super) session: ClientSession,
    readable: bool,
    /// The connection is lost; the session has ended its calls.
    pub(super) lost: bool,
    /// The server, known before anything that it sends is reported.
    pub(super) server: Arc<OnceLock<Principal>>,
    /// The error of the socket, if it failed.
    pub(super) failure: Option<io::Error>,
}

impl Link {
    /// Starts a session on a socket that was connected with the same `target` and `options`.
    pub(super) fn new(
        socket: Socket,
        target: &str,
        options: &ChannelOptions,
        now: Duration,
    ) -> Link {
        let ChannelOptions { protocol, limits, tls, .. } = options;
        let authority = tls.as_ref().map_or(Cow::Borrowed(target), |tls| tls.authority(target));
        let session = ClientSession::new(*protocol, &authority, tls.is_some(), limits, now);
        let server = Arc::default();
        Link { socket, session, readable: true, lost: false, server, failure: None }
    }

    /// Whether it was made with certificates that were renewed since.
    pub(super) fn is_outdated(&self, tls: Option<&ClientTls>) -> bool {
        tls.is_some_and(|tls| self.socket.tls_generation() != Some(tls.generation()))
    }

    /// The stream, to register with a poller.
    pub(super) fn stream(&mut self) -> &mut Stream {
        self.socket.stream()
    }

    /// The socket became readable. `ended`: the peer has closed its side, or the socket failed.
    pub(super) fn set_readable(&mut self, ended: bool) {
        self.readable = true;
        if ended {
            self.socket.set_ended();
        }
    }

    /// Whether [`poll`](Self::poll) would read something.
    pub(super) fn is_runnable(&self) -> bool {
        !self.lost && (self.session.has_more() || (self.readable && self.session.wants_input()))
    }

    /// Reads input, handles timeouts, and writes output.
    pub(super) fn poll(&mut self, now: Duration, buffer: &mut [u8], sink: &mut impl ClientSink) {
        if !self.lost && self.session.has_more() {
            self.session.resume(now, sink);
        }
        for _ in 0..READS_PER_TURN {
            if self.lost || !self.readable || !self.session.wants_input() {
                break;
            }
            match self.socket.read(buffer) {
                Ok(0) => self.handle_connection_lost(sink),
                Ok(n) => {
                    self.readable = !self.socket.is_empty();
                    if let Err(error) = self.identify_server(&buffer[..n]) {
                        self.fail(error, sink);
                        break;
                    }
                    self.session.receive(now, &buffer[..n], sink);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => {
                    log::debug!("reading from the server: {error}");
                    self.fail(error, sink);
                }
            }
        }
        if !self.lost && now >= self.session.next_timeout() {
            self.session.handle_timeout(now, sink);
        }
        self.flush(now, sink);
    }

    /// Writes the session's output, as far as the socket accepts it.
    pub(super) fn flush(&mut self, now: Duration, sink: &mut impl ClientSink) {
        if self.lost {
            return;
        }
        if let Err(error) = self.write(now) {
            log::debug!("writing to the server: {error}");
            self.fail(error, sink);
        } else if self.session.is_closed() && self.session.output().is_empty() {
            self.handle_connection_lost(sink);
        }
    }

    /// Writes what the socket accepts at once, then shuts the sending side down.
    pub(super) fn close(mut self, now: Duration) {
        if !self.lost && self.write(now).is_ok() {
            self.socket.shutdown_write();
        }
    }

    fn write(&mut self, now: Duration) -> io::Result<()> {
        while !self.session.output().is_empty() {
            match self.socket.write(self.session.output()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => self.session.consume_output(n),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.session.write_blocked(now);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        match self.socket.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Notes who the server is, once, by its certificate and its `first` bytes.
    fn identify_server(&mut self, first: &[u8]) -> io::Result<()> {
        if self.server.get().is_some() {
            return Ok(());
        }
        if is_cleartext_refusal(first) {
            let reason = "the server refuses cleartext: connect with TLS, for example --certs DIR";
            return Err(io::Error::new(ErrorKind::InvalidData, reason));
        }
        let server = match self.socket.peer_identity()? {
            Some(identity) => Principal::Certificate(identity),
            None => Principal::Unchecked,
        };
        // Nobody else sets it.
        let _ = self.server.set(server);
        Ok(())
    }

    /// Ends the calls. What TLS says is their cause: the server tells by an alert that it refuses
    /// the certificate, after the handshake is over for the client (RFC 8446 section 4.4.2.4).
    fn fail(&mut self, error: io::Error, sink: &mut impl ClientSink) {
        self.lost = true;
        match error.kind() {
            ErrorKind::InvalidData => self.session.connection_failed(&error.to_string(), sink),
            _ => self.session.connection_lost(sink),
        }
        self.failure = Some(error);
    }

    fn handle_connection_lost(&mut self, sink: &mut impl ClientSink) {
        self.lost = true;
        self.session.connection_lost(sink);
    }
}
