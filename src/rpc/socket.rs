//! A connection's bytes, in the clear or through TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

use super::reactor::Stream;
use super::tls::{ServerTls, Tls};
use crate::session::Protocol;

/// A non-blocking byte stream. Dropped, it takes its leave of a TLS peer.
pub(super) struct Socket {
    stream: Stream,
    /// Apart, so that a connection in the clear carries a pointer and no more.
    tls: Option<Box<Tls>>,
    /// The last read left nothing behind.
    empty: bool,
    /// The peer has closed its side.
    ended: bool,
}

impl Socket {
    /// A connection in the clear.
    pub(super) fn new(stream: Stream) -> Socket {
        Socket::over(stream, None)
    }

    fn over(stream: Stream, tls: Option<Box<Tls>>) -> Socket {
        Socket { stream, tls, empty: false, ended: false }
    }

    /// A client's connection, inside TLS if there is to be any.
    pub(super) fn client(stream: Stream, tls: Option<Tls>) -> Socket {
        Socket::over(stream, tls.map(Box::new))
    }

    /// A client's connection that blocked until it was made, inside TLS if the handshake was made.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn connected(stream: TcpStream, tls: Option<Tls>) -> io::Result<Socket> {
        Ok(Socket::client(Stream::from_std(stream)?, tls))
    }

    /// Goes on inside TLS, as a server. `first` was read from the socket and is what the client
    /// began with; what its buffer holds afterwards has no meaning.
    ///
    /// # Errors
    /// As [`Tls::begin`].
    pub(super) fn accept_tls(&mut self, server: &ServerTls, first: &mut [u8]) -> io::Result<()> {
        let tls = self.tls.insert(Box::new(Tls::accept(server)?));
        tls.begin(&mut self.stream, first)
    }

    /// What was agreed on inside TLS, once, when the handshake is over.
    pub(super) fn take_negotiated(&mut self) -> Option<Protocol> {
        self.tls.as_mut().and_then(|tls| tls.take_negotiated())
    }

    /// What is registered with a poller.
    pub(super) fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// The peer has closed its side: there is an end to be read behind what is left.
    pub(super) fn set_ended(&mut self) {
        self.ended = true;
    }

    /// Whether the last read emptied the socket, so that the next one has to wait for an event.
    /// Less than was asked for means that there was no more, unless the end is near: no further
    /// event announces it.
    pub(super) fn is_empty(&self) -> bool {
        self.empty && !self.ended
    }

    /// Reads for nobody, TLS or not.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn discard(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.read(buffer)
    }

    /// Says that we write nothing more.
    pub(super) fn shutdown_write(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.close(&mut self.stream);
        }
        // The connection is over for us either way.
        let _ = self.stream.shutdown_write();
    }
}

impl Read for Socket {
    /// `Interrupted` when something was read but gave no plaintext, and there may be more.
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
    /// After `WouldBlock` the same bytes must be given again: some of them may be on their way.
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
