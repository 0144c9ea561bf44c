//! A connection's byte stream, cleartext or TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use super::reactor::Stream;
use super::tls::{ServerTls, Tls};
use crate::call::Identity;
use crate::session::Negotiated;

/// A non-blocking byte stream. Dropping it sends `close_notify` to a TLS peer.
pub(super) struct Socket {
    stream: Stream,
    /// Boxed, so that a cleartext connection carries only a pointer.
    tls: Option<Box<Tls>>,
    /// The last read emptied the socket.
    empty: bool,
    /// The peer has closed its side.
    ended: bool,
}

impl Socket {
    /// A cleartext connection.
    pub(super) fn new(stream: Stream) -> Socket {
        Socket::over(stream, None)
    }

    fn over(stream: Stream, tls: Option<Box<Tls>>) -> Socket {
        Socket { stream, tls, empty: false, ended: false }
    }

    /// A client's connection, with TLS if there is any.
    pub(super) fn client(stream: Stream, tls: Option<Tls>) -> Socket {
        Socket::over(stream, tls.map(Box::new))
    }

    /// A client's connection that was established by blocking calls, with TLS after its handshake.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn connected(stream: TcpStream, tls: Option<Tls>) -> io::Result<Socket> {
        Ok(Socket::client(Stream::from_std(stream)?, tls))
    }

    /// Switches to TLS as a server. `first` holds the first bytes of the connection, which were
    /// read already; its content is undefined afterwards.
    ///
    /// # Errors
    /// As [`Tls::begin`].
    pub(super) fn accept_tls(&mut self, server: &ServerTls, first: &mut [u8]) -> io::Result<()> {
        let tls = self.tls.insert(Box::new(Tls::accept(server)?));
        tls.begin(&mut self.stream, first)
    }

    /// What was negotiated by ALPN; returned once, after the handshake.
    pub(super) fn take_negotiated(&mut self) -> Option<Negotiated> {
        self.tls.as_mut().and_then(|tls| tls.take_negotiated())
    }

    /// The names of the peer's certificate, once the TLS handshake is complete; `None` in the clear,
    /// or if it has shown no certificate.
    ///
    /// # Errors
    /// `InvalidData`: TLS accepts the certificate, but its names cannot be read.
    pub(super) fn peer_identity(&self) -> io::Result<Option<Identity>> {
        self.tls.as_ref().map_or(Ok(None), |tls| tls.peer_identity())
    }

    /// The generation of the certificates that it was made with; `None` in cleartext.
    pub(super) fn tls_generation(&self) -> Option<u64> {
        self.tls.as_ref().map(|tls| tls.generation())
    }

    /// The stream, to register with a poller.
    pub(super) fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// The peer has closed its side: an end of file follows the remaining bytes.
    pub(super) fn set_ended(&mut self) {
        self.ended = true;
    }

    /// Whether the last read emptied the socket, so that the next one has to wait for an event. A
    /// short read means so, unless the peer has closed its side: no further event announces the
    /// end.
    pub(super) fn is_empty(&self) -> bool {
        self.empty && !self.ended
    }

    /// How much of a buffer to read into, to read about `wanted` bytes. TLS needs the whole buffer.
    pub(super) fn read_space(&self, buffer_bytes: usize, wanted: usize) -> usize {
        if self.tls.is_some() { buffer_bytes } else { wanted.min(buffer_bytes) }
    }

    /// Reads and discards raw bytes, TLS or not.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn discard(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    /// Shuts the sending side down.
    pub(super) fn shutdown_write(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.close(&mut self.stream);
        }
        // An error does not matter: the connection is finished.
        let _ = self.stream.shutdown_write();
    }
}

impl Read for Socket {
    /// Returns `Interrupted` when bytes were read that gave no plaintext, and there may be more.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.empty = false;
        let Some(tls) = &mut self.tls else {
            let n = self.stream.read(buffer)?;
            self.empty = n < buffer.len();
            return Ok(n);
        };
        let plaintext = tls.read(&mut self.stream, buffer)?;
        self.empty = plaintext.empty;
        match plaintext.bytes {
            Some(n) => Ok(n),
            None if self.is_empty() => Err(ErrorKind::WouldBlock.into()),
            None => Err(ErrorKind::Interrupted.into()),
        }
    }
}

impl Write for Socket {
    /// After `WouldBlock` the same bytes must be passed again: some of them may be encrypted
    /// already.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.tls {
            Some(tls) => tls.write(&mut self.stream, bytes),
            None => self.stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(tls) => tls.flush(&mut self.stream),
            None => self.stream.flush(),
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.close(&mut self.stream);
        }
    }
}
