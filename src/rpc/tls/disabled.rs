//! Placeholders for TLS in a build without it. These types have no values.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::time::Instant;

use super::{IdentityFiles, TlsError};
use crate::call::Identity;
use crate::rpc::reactor::Stream;
use crate::session::{Compat, Protocol};

/// The server side of TLS.
#[derive(Clone, Debug)]
pub struct ServerTls(Infallible);

impl ServerTls {
    /// Says that there is no TLS.
    ///
    /// # Errors
    /// Always [`TlsError::Disabled`].
    pub fn load(_: IdentityFiles<'_>, _: Option<&Path>, _: bool) -> Result<ServerTls, TlsError> {
        Err(TlsError::Disabled)
    }

    pub(in crate::rpc) fn with_compat(self, _: Compat) -> ServerTls {
        self
    }

    pub(in crate::rpc) fn refuses_cleartext(&self) -> bool {
        match self.0 {}
    }
}

/// The client side of TLS.
#[derive(Clone, Debug)]
pub struct ClientTls(Infallible);

impl ClientTls {
    /// Says that there is no TLS.
    ///
    /// # Errors
    /// Always [`TlsError::Disabled`].
    pub fn load(
        _: &Path,
        _: Option<&str>,
        _: Option<IdentityFiles<'_>>,
    ) -> Result<ClientTls, TlsError> {
        Err(TlsError::Disabled)
    }

    pub(in crate::rpc) fn authority<'a>(&'a self, _: &'a str) -> Cow<'a, str> {
        match self.0 {}
    }
}

/// The result of a read.
pub(in crate::rpc) struct Plaintext {
    pub(in crate::rpc) bytes: Option<usize>,
    pub(in crate::rpc) empty: bool,
}

/// One connection's TLS.
pub(in crate::rpc) struct Tls(Infallible);

impl Tls {
    pub(in crate::rpc) fn accept(server: &ServerTls) -> io::Result<Tls> {
        match server.0 {}
    }

    pub(in crate::rpc) fn client(client: &ClientTls, _: &str, _: Protocol) -> io::Result<Tls> {
        match client.0 {}
    }

    pub(in crate::rpc) fn connect(
        client: &ClientTls,
        _: &str,
        _: Protocol,
        _: &mut TcpStream,
        _: Instant,
    ) -> io::Result<Tls> {
        match client.0 {}
    }

    pub(in crate::rpc) fn peer_identity(&self) -> io::Result<Option<Identity>> {
        match self.0 {}
    }

    pub(in crate::rpc) fn take_negotiated(&mut self) -> Option<Protocol> {
        match self.0 {}
    }

    pub(in crate::rpc) fn read(&mut self, _: &mut Stream, _: &mut [u8]) -> io::Result<Plaintext> {
        match self.0 {}
    }

    pub(in crate::rpc) fn begin(&mut self, _: &mut Stream, _: &mut [u8]) -> io::Result<()> {
        match self.0 {}
    }

    pub(in crate::rpc) fn write(&mut self, _: &mut Stream, _: &[u8]) -> io::Result<usize> {
        match self.0 {}
    }

    pub(in crate::rpc) fn flush(&mut self, _: &mut Stream) -> io::Result<()> {
        match self.0 {}
    }

    pub(in crate::rpc) fn close(&mut self, _: &mut Stream) {
        match self.0 {}
    }
}
