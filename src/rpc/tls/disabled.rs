//! Placeholders for TLS in a build without it. These types have no values.

use std::borrow::Cow;
use std::convert::Infallible;
use std::io;
use std::net::TcpStream;
use std::path::Path;
use std::time::{Instant, SystemTime};

use super::{IdentityFiles, TlsError};
use crate::call::Identity;
use crate::rpc::reactor::{Stream, Waker};
use crate::session::{Compat, Negotiated, Protocol};

/// The certificates of a server or a client while it runs.
#[derive(Clone, Debug)]
pub struct Certificates(Infallible);

impl Certificates {
    /// Reads the files again if they have changed.
    ///
    /// # Errors
    /// None: there is no value of this type.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        match self.0 {}
    }

    /// Reads the files again.
    ///
    /// # Errors
    /// None: there is no value of this type.
    pub fn reload(&self) -> Result<bool, TlsError> {
        match self.0 {}
    }

    /// What the operator should know.
    pub fn warnings(&self, _: SystemTime) -> Vec<String> {
        match self.0 {}
    }

    /// The names of the own certificate.
    pub fn identity(&self) -> Option<Identity> {
        match self.0 {}
    }

    /// When the first certificate expires.
    pub fn expiry(&self) -> Option<SystemTime> {
        match self.0 {}
    }
}

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

    /// Says that there is no TLS.
    ///
    /// # Errors
    /// Always [`TlsError::Disabled`].
    pub fn from_folder(_: &Path) -> Result<ServerTls, TlsError> {
        Err(TlsError::Disabled)
    }

    /// Whether the certificates of clients are checked.
    pub fn checks_clients(&self) -> bool {
        match self.0 {}
    }

    /// The certificates, which may be read again.
    pub fn certificates(&self) -> Certificates {
        match self.0 {}
    }

    pub(in crate::rpc) fn generation(&self) -> u64 {
        match self.0 {}
    }

    pub(in crate::rpc) fn wake_on_change(&self, _: Waker) {
        match self.0 {}
    }

    pub(in crate::rpc) fn with_compat(self, _: Compat) -> ServerTls {
        self
    }

    /// Whether cleartext is refused.
    pub fn refuses_cleartext(&self) -> bool {
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

    /// Says that there is no TLS.
    ///
    /// # Errors
    /// Always [`TlsError::Disabled`].
    pub fn from_folder(_: &Path, _: Option<&str>) -> Result<ClientTls, TlsError> {
        Err(TlsError::Disabled)
    }

    /// The certificates, which may be read again.
    pub fn certificates(&self) -> Certificates {
        match self.0 {}
    }

    pub(in crate::rpc) fn generation(&self) -> u64 {
        match self.0 {}
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

    pub(in crate::rpc) fn generation(&self) -> u64 {
        match self.0 {}
    }

    pub(in crate::rpc) fn peer_identity(&self) -> io::Result<Option<Identity>> {
        match self.0 {}
    }

    pub(in crate::rpc) fn take_negotiated(&mut self) -> Option<Negotiated> {
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
