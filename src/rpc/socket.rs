//! A connection's bytes, in the clear or through TLS.

use std::io::{self, Read, Write};

use super::reactor::Stream;

/// A non-blocking byte stream.
pub(super) enum Socket {
    /// TCP as it is.
    Plain(Stream),
}

impl Socket {
    /// Whether a read that fills less than its buffer has emptied the socket: true of TCP, not of
    /// TLS, whose records end where they like.
    pub(super) fn short_read_means_empty(&self) -> bool {
        match self {
            Socket::Plain(_) => true,
        }
    }

    /// Says that we write nothing more.
    pub(super) fn shutdown_write(&mut self) {
        // The connection is over for us either way.
        let _ = match self {
            Socket::Plain(stream) => stream.shutdown_write(),
        };
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Plain(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Plain(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Socket::Plain(stream) => stream.flush(),
        }
    }
}
