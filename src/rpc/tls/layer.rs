//! TLS over a non-blocking socket: converts records to plaintext and back.

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use rustls::{ClientConnection, Connection, ServerConnection};

use super::config::{ALL, Current, alpn};
use super::parts::Parts;
use super::words::Side;
use super::{Certificate, ClientTls, ServerTls, words};
use crate::call::Identity;
use crate::rpc::reactor::Stream;
use crate::session::{Negotiated, Protocol};

/// The longest record: header, plaintext, and what TLS 1.2 allows for its protection (RFC 5246
/// section 6.2.3; TLS 1.3 allows less).
const LONGEST_RECORD: usize = 5 + 16 * 1024 + 2048;
/// The most bytes that one write encrypts, and so the most that wait encrypted while the socket
/// accepts nothing.
const WRITE_BYTES: usize = 64 * 1024;

/// One connection's TLS, below its session.
pub(in crate::rpc) struct Tls {
    connection: Connection,
    /// Length of the current write, until the socket has accepted all its records.
    unwritten: usize,
    /// The handshake is over.
    established: bool,
    /// What was negotiated by ALPN, until it is taken.
    negotiated: Option<Negotiated>,
    /// The peer has sent `close_notify`.
    closed: bool,
    /// The certificates of this side, and their generation.
    parts: Arc<Parts>,
    generation: u64,
}

/// The result of a read.
pub(in crate::rpc) struct Plaintext {
    /// The number of bytes; `None` when there is no plaintext yet, `Some(0)` after the peer's
    /// `close_notify`.
    pub(in crate::rpc) bytes: Option<usize>,
    /// The socket and rustls hold nothing more.
    pub(in crate::rpc) empty: bool,
}

impl Tls {
    /// The server side of a connection that begins with a ClientHello.
    ///
    /// # Errors
    /// rustls's, which should not occur with a loaded configuration.
    pub(in crate::rpc) fn accept(server: &ServerTls) -> io::Result<Tls> {
        let Current { config, parts, generation } = server.current();
        let connection = ServerConnection::new(config).map_err(invalid)?;
        Ok(Tls::new(Connection::Server(connection), parts, generation))
    }

    /// The client side of a connection to `target`. The handshake proceeds with reads and writes;
    /// bytes written before it is complete wait, up to [`WRITE_BYTES`].
    ///
    /// # Errors
    /// No certificate can be valid for the target's name.
    pub(in crate::rpc) fn client(
        client: &ClientTls,
        target: &str,
        protocol: Protocol,
    ) -> io::Result<Tls> {
        let name = client.server_name(target).map_err(invalid)?;
        let names = vec![alpn(protocol).to_vec()];
        let Current { config, parts, generation } = client.current();
        let connection = ClientConnection::new_with_alpn(config, name, names).map_err(invalid)?;
        Ok(Tls::new(Connection::Client(connection), parts, generation))
    }

    /// The client side: makes the whole handshake with the server at `target`, on a blocking
    /// socket.
    ///
    /// # Errors
    /// The server is not trusted, does not support the protocol or TLS at all, or the handshake is
    /// not complete by `until`.
    pub(in crate::rpc) fn connect(
        client: &ClientTls,
        target: &str,
        protocol: Protocol,
        stream: &mut TcpStream,
        until: Instant,
    ) -> io::Result<Tls> {
        let mut tls = Tls::client(client, target, protocol)?;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            stream.set_read_timeout(Some(left))?;
            stream.set_write_timeout(Some(left))?;
            match tls.handshake_step(stream) {
                Ok(true) => return Ok(tls),
                Ok(false) => (),
                Err(error) if is_transient(&error) => (),
                Err(error) => {
                    // Sends the alert, if the server still reads.
                    let _ = tls.connection.write_tls(stream);
                    return Err(error);
                }
            }
        }
    }

    fn new(mut connection: Connection, parts: Arc<Parts>, generation: u64) -> Tls {
        connection.set_buffer_limit(Some(WRITE_BYTES));
        let (unwritten, established, negotiated, closed) = (0, false, None, false);
        Tls { connection, unwritten, established, negotiated, closed, parts, generation }
    }

    /// The generation of the certificates that this connection was made with.
    pub(in crate::rpc) fn generation(&self) -> u64 {
        self.generation
    }

    /// Makes one step of the handshake. Returns whether it was the last.
    fn handshake_step(&mut self, stream: &mut TcpStream) -> io::Result<bool> {
        if self.connection.wants_write() {
            self.connection.write_tls(stream)?;
        } else if !self.established {
            if self.connection.read_tls(stream)? == 0 {
                return Err(truncated());
            }
            self.process()?;
        }
        Ok(self.established && !self.connection.wants_write())
    }

    /// The names of the peer's certificate, which TLS has verified; `None` before the end of the
    /// handshake, or if the peer has shown none.
    ///
    /// # Errors
    /// `InvalidData`: the names cannot be read.
    pub(in crate::rpc) fn peer_identity(&self) -> io::Result<Option<Identity>> {
        match self.connection.peer_certificates() {
            Some([certificate, ..]) if self.established => Certificate::parse(certificate)
                .map(|parsed| Some(parsed.identity()))
                .map_err(invalid),
            _ => Ok(None),
        }
    }

    /// What was negotiated by ALPN; returned once, after the handshake.
    pub(in crate::rpc) fn take_negotiated(&mut self) -> Option<Negotiated> {
        self.negotiated.take()
    }

    /// Reads plaintext. It reads the socket at most once.
    ///
    /// # Errors
    /// The socket's; `UnexpectedEof` when it ends without `close_notify`; `InvalidData` when the
    /// peer violates TLS, after the alert was sent.
    pub(in crate::rpc) fn read(
        &mut self,
        stream: &mut Stream,
        buffer: &mut [u8],
    ) -> io::Result<Plaintext> {
        match self.connection.reader().read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => (),
            result => return result.map(|n| Plaintext { bytes: Some(n), empty: false }),
        }
        // Records are read into the back of the buffer and decrypted into its front. Plaintext is
        // shorter than its records, so with a record's length between them (the beginning of one
        // may have come earlier) it never reaches what is not yet decrypted.
        let front = LONGEST_RECORD.min(buffer.len() / 2);
        let space = buffer.len() - front;
        let n = match stream.read(&mut buffer[front..])? {
            0 => return Err(truncated()),
            n => n,
        };
        let filled = self.decrypt(buffer, front, front + n);
        let filled = filled.inspect_err(|_| drop(self.flush(stream)))?;
        let bytes = (filled > 0 || self.closed).then_some(filled);
        Ok(Plaintext { bytes, empty: n < space && !self.closed })
    }

    /// Processes the first records of a connection, which were read as cleartext. They contain no
    /// plaintext: a client has to wait for the server's answer first.
    ///
    /// # Errors
    /// `InvalidData`: it is not TLS, or not a supported version.
    pub(in crate::rpc) fn begin(
        &mut self,
        stream: &mut Stream,
        first: &mut [u8],
    ) -> io::Result<()> {
        let end = first.len();
        self.decrypt(first, 0, end).map(drop).inspect_err(|_| drop(self.flush(stream)))
    }

    /// Decrypts the records in `buffer[from..end]` into the front of the buffer.
    fn decrypt(&mut self, buffer: &mut [u8], mut from: usize, end: usize) -> io::Result<usize> {
        let mut filled = 0;
        while from < end {
            let used = self.connection.read_tls(&mut &buffer[from..end])?;
            if used == 0 {
                // Everything after `close_notify` is ignored (RFC 8446 section 6.1).
                return Ok(filled);
            }
            from += used;
            self.process()?;
            match self.connection.reader().read(&mut buffer[filled..from]) {
                Ok(n) => filled += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => (),
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    /// Lets rustls process its input, and records the end of the handshake.
    fn process(&mut self) -> io::Result<()> {
        let state = self.connection.process_new_packets().map_err(|error| {
            invalid(words::connection(&error, self.parts.side, self.parts.own().as_ref()))
        })?;
        self.closed = state.peer_has_closed();
        if self.established || self.connection.is_handshaking() {
            return Ok(());
        }
        self.established = true;
        let name = self.connection.alpn_protocol();
        let known = ALL.into_iter().find(|(known, _)| name == Some(known));
        self.negotiated = match (known, name, self.parts.side) {
            (Some((_, protocol)), ..) => Some(Negotiated::Only(protocol)),
            (None, None, Side::Server) => Some(Negotiated::Nothing),
            _ => None,
        };
        if self.negotiated.is_none() {
            self.connection.send_close_notify();
            return Err(invalid("the peer supports no protocol of ours (ALPN)"));
        }
        Ok(())
    }

    /// Encrypts and writes some of `bytes`, and returns how many, once the socket has accepted all
    /// their records. After `WouldBlock` the same bytes must be passed again, which is so because
    /// they stay in the session's output.
    ///
    /// # Errors
    /// The socket's.
    pub(in crate::rpc) fn write(&mut self, stream: &mut Stream, bytes: &[u8]) -> io::Result<usize> {
        self.flush(stream)?;
        if self.unwritten == 0 {
            let some = &bytes[..bytes.len().min(WRITE_BYTES)];
            self.unwritten = self.connection.writer().write(some)?;
            self.flush(stream)?;
        }
        Ok(mem::take(&mut self.unwritten).min(bytes.len()))
    }

    /// Writes pending records, including those of TLS itself.
    ///
    /// # Errors
    /// The socket's.
    pub(in crate::rpc) fn flush(&mut self, stream: &mut Stream) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(stream) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => (),
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends `close_notify`, if the socket accepts it at once: a peer that does not read misses
    /// only this alert.
    pub(in crate::rpc) fn close(&mut self, stream: &mut Stream) {
        self.connection.send_close_notify();
        let _ = self.flush(stream);
    }
}

/// The peer violates TLS, or is not trusted.
fn invalid(error: impl ToString) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, format!("TLS: {}", error.to_string()))
}

/// The socket has ended without `close_notify`.
fn truncated() -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, "TLS: the connection ended without close_notify")
}

/// A socket's timeout is reported as `WouldBlock` or `TimedOut`; the caller checks the time itself.
fn is_transient(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
