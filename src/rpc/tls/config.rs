//! The configurations of servers and clients, made of certificate files.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::ServerName;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{
    ClientConfig, ConfigBuilder, ConfigSide, Error, InconsistentKeys, ServerConfig, WantsVerifier,
    WantsVersions,
};

use super::files::{self, Identity, in_file};
use super::parts::Parts;
use super::reload::{Loaded, Reloadable};
use super::words::{self, Side};
use super::{Certificates, IdentityFiles, TlsError};
use crate::rpc::reactor::Waker;
use crate::session::{Compat, Protocol, Sniffed};

/// The ALPN names of the protocols of a server (RFC 7301). `h2` is registered for HTTP/2 over TLS,
/// `http/1.1` for HTTP/1.1, `agr1` is Agora's own.
pub(super) const ALL: [(&[u8], Sniffed); 3] =
    [(b"h2", Sniffed::Grpc), (b"http/1.1", Sniffed::Http1), (b"agr1", Sniffed::Native)];

/// The ALPN name of a client's protocol.
pub(super) const fn alpn(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::Grpc => b"h2",
        Protocol::Native => b"agr1",
    }
}

pub(super) struct ServerCertificates {
    config: Arc<ServerConfig>,
    parts: Arc<Parts>,
}

pub(super) struct ClientCertificates {
    config: Arc<ClientConfig>,
    parts: Arc<Parts>,
}

impl Loaded for ServerCertificates {
    fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }
}

impl Loaded for ClientCertificates {
    fn parts(&self) -> &Arc<Parts> {
        &self.parts
    }
}

/// What a new connection begins with.
pub(super) struct Current<Config> {
    pub(super) config: Arc<Config>,
    pub(super) parts: Arc<Parts>,
    pub(super) generation: u64,
}

/// Whether clients need a certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ClientCertificate {
    Optional,
    Required,
}

/// The server side of TLS: its certificate, and its requirements for clients.
#[derive(Clone)]
pub struct ServerTls {
    certificates: Arc<Reloadable<ServerCertificates>>,
    compat: Compat,
    only: bool,
    /// Client certificates are checked.
    has_authorities: bool,
}

impl ServerTls {
    /// Reads a server's certificate and key. With `client_authorities` (certificates, PEM) only
    /// clients with a certificate of one of them are accepted. With `only` cleartext is refused.
    ///
    /// # Errors
    /// A file that cannot be used, by name.
    pub fn load(
        identity: IdentityFiles<'_>,
        client_authorities: Option<&Path>,
        only: bool,
    ) -> Result<ServerTls, TlsError> {
        let authorities =
            client_authorities.map(|file| (file.to_owned(), ClientCertificate::Required));
        ServerTls::with(identity.into(), authorities, only)
    }

    /// Reads a certificate folder: `cert.pem`, `key.pem` and `ca.pem`. Cleartext is refused. A
    /// client needs no certificate; one that it shows must be of an authority in `ca.pem`.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_folder(folder: &Path) -> Result<ServerTls, TlsError> {
        let authorities = (files::authorities_of_folder(folder), ClientCertificate::Optional);
        ServerTls::with(Identity::of_folder(folder), Some(authorities), true)
    }

    fn with(
        identity: Identity,
        authorities: Option<(PathBuf, ClientCertificate)>,
        only: bool,
    ) -> Result<ServerTls, TlsError> {
        let has_authorities = authorities.is_some();
        let ca = authorities.iter().map(|(file, _)| file.clone());
        let files = [identity.certificates.clone(), identity.key.clone()].into_iter().chain(ca);
        let certificates = Reloadable::new(files.collect(), move || {
            let authorities = authorities.as_ref().map(|(file, need)| (file.as_path(), *need));
            server_certificates(&identity, authorities)
        })?;
        let certificates = Arc::new(certificates);
        Ok(ServerTls { certificates, compat: Compat::Both, only, has_authorities })
    }

    /// Restricts ALPN to the protocols that the server accepts.
    pub(in crate::rpc) fn with_compat(self, compat: Compat) -> ServerTls {
        ServerTls { compat, ..self }
    }

    /// Whether cleartext is refused.
    pub fn refuses_cleartext(&self) -> bool {
        self.only
    }

    /// Whether the certificates of clients are checked, so that roles can be enforced.
    pub fn checks_clients(&self) -> bool {
        self.has_authorities
    }

    /// The certificates, which may be read again.
    pub fn certificates(&self) -> Certificates {
        Certificates(Arc::clone(&self.certificates) as _)
    }

    /// Changes when the certificates were read again and are others.
    pub(in crate::rpc) fn generation(&self) -> u64 {
        self.certificates.generation()
    }

    /// Wakes an event loop when [`generation`](Self::generation) changes.
    pub(in crate::rpc) fn wake_on_change(&self, waker: Waker) {
        self.certificates.wake_on_change(waker);
    }

    /// The configuration for a new connection.
    pub(super) fn current(&self) -> Current<ServerConfig> {
        let (current, generation) = self.certificates.current();
        let parts = Arc::clone(&current.parts);
        let mut config = Arc::clone(&current.config);
        if self.compat != Compat::Both {
            Arc::make_mut(&mut config).alpn_protocols = protocols(self.compat);
        }
        Current { config, parts, generation }
    }
}

/// The names of the protocols that a server accepts, the one that it prefers first.
fn protocols(compat: Compat) -> Vec<Vec<u8>> {
    ALL.into_iter()
        .filter(|&(_, protocol)| compat.accepts(protocol))
        .map(|(name, _)| name.to_vec())
        .collect()
}

fn server_certificates(
    identity: &Identity,
    authorities: Option<(&Path, ClientCertificate)>,
) -> Result<ServerCertificates, TlsError> {
    let builder = builder(ServerConfig::builder_with_provider(provider()), &identity.certificates)?;
    let (builder, authorities) = match authorities {
        None => (builder.with_no_client_auth(), None),
        Some((file, need)) => {
            let authorities = files::certificates(file)?;
            let roots = Arc::new(files::trust(file, &authorities)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            let verifier = match need {
                ClientCertificate::Optional => verifier.allow_unauthenticated(),
                ClientCertificate::Required => verifier,
            };
            let verifier = verifier.build().map_err(in_file(file))?;
            (builder.with_client_cert_verifier(verifier), Some((file.to_owned(), authorities)))
        }
    };
    let (chain, key) = identity.read()?;
    let config = builder.with_single_cert(chain.clone(), key);
    let mut config = config.map_err(|error| mismatch(identity, error))?;
    config.alpn_protocols = protocols(Compat::Both);
    if authorities.is_some() {
        // A resumed session would skip the check of the client's certificate.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    let own = Some((identity.certificates.clone(), chain));
    let parts = Arc::new(Parts { side: Side::Server, own, authorities });
    Ok(ServerCertificates { config: Arc::new(config), parts })
}

/// The client side of TLS: the authorities that it trusts, and its own certificate.
#[derive(Clone)]
pub struct ClientTls {
    certificates: Arc<Reloadable<ClientCertificates>>,
    server_name: Option<ServerName<'static>>,
}

impl ClientTls {
    /// Trusts servers whose certificate leads to one of `authorities` (certificates, PEM). The
    /// certificate must be valid for `server_name`, or else for the host that is connected to. With
    /// `identity` the client presents a certificate of its own.
    ///
    /// # Errors
    /// A file that cannot be used, by name, or a name that is none.
    pub fn load(
        authorities: &Path,
        server_name: Option<&str>,
        identity: Option<IdentityFiles<'_>>,
    ) -> Result<ClientTls, TlsError> {
        ClientTls::with(authorities, server_name, identity.map(Identity::from))
    }

    /// Reads a certificate folder: `ca.pem`, and `cert.pem` with `key.pem` unless both are missing,
    /// for a client without a certificate.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn from_folder(folder: &Path, server_name: Option<&str>) -> Result<ClientTls, TlsError> {
        let identity = Identity::of_folder(folder);
        let is_there = identity.certificates.exists() || identity.key.exists();
        let authorities = files::authorities_of_folder(folder);
        ClientTls::with(&authorities, server_name, is_there.then_some(identity))
    }

    fn with(
        authorities: &Path,
        server_name: Option<&str>,
        identity: Option<Identity>,
    ) -> Result<ClientTls, TlsError> {
        let server_name = server_name.map(parse_name).transpose()?;
        let own = identity.iter().flat_map(|own| [own.certificates.clone(), own.key.clone()]);
        let files = own.chain([authorities.to_owned()]).collect();
        let authorities = authorities.to_owned();
        let certificates =
            Reloadable::new(files, move || client_certificates(&authorities, identity.as_ref()))?;
        Ok(ClientTls { certificates: Arc::new(certificates), server_name })
    }

    /// The certificates, which may be read again.
    pub fn certificates(&self) -> Certificates {
        Certificates(Arc::clone(&self.certificates) as _)
    }

    /// Changes when the certificates were read again and are others.
    pub(in crate::rpc) fn generation(&self) -> u64 {
        self.certificates.generation()
    }

    /// The name that the certificate of the server at `target` (`host:port`) must be valid for.
    pub(super) fn server_name(&self, target: &str) -> Result<ServerName<'static>, TlsError> {
        match &self.server_name {
            Some(name) => Ok(name.clone()),
            None => {
                let host = target.rsplit_once(':').map_or(target, |(host, _)| host);
                parse_name(host.trim_start_matches('[').trim_end_matches(']'))
            }
        }
    }

    /// The value of gRPC's `:authority`: the configured server name, else the target.
    pub(in crate::rpc) fn authority<'a>(&'a self, target: &'a str) -> Cow<'a, str> {
        match &self.server_name {
            Some(name) => name.to_str(),
            None => target.into(),
        }
    }

    /// The configuration for a new connection.
    pub(super) fn current(&self) -> Current<ClientConfig> {
        let (current, generation) = self.certificates.current();
        let (config, parts) = (Arc::clone(&current.config), Arc::clone(&current.parts));
        Current { config, parts, generation }
    }
}

fn client_certificates(
    authorities_file: &Path,
    identity: Option<&Identity>,
) -> Result<ClientCertificates, TlsError> {
    let builder = builder(ClientConfig::builder_with_provider(provider()), authorities_file)?;
    let authorities = files::certificates(authorities_file)?;
    let builder = builder.with_root_certificates(files::trust(authorities_file, &authorities)?);
    let (config, own) = match identity {
        None => (builder.with_no_client_auth(), None),
        Some(identity) => {
            let (chain, key) = identity.read()?;
            let config = builder.with_client_auth_cert(chain.clone(), key);
            let config = config.map_err(|error| mismatch(identity, error))?;
            (config, Some((identity.certificates.clone(), chain)))
        }
    };
    let authorities = Some((authorities_file.to_owned(), authorities));
    let parts = Arc::new(Parts { side: Side::Client, own, authorities });
    Ok(ClientCertificates { config: Arc::new(config), parts })
}

/// Leaves the keys out: this may be logged.
impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").field("only", &self.only).finish_non_exhaustive()
    }
}

/// Leaves the keys out: this may be logged.
impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

/// Passed explicitly, so that none has to be installed for the whole process.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn builder<Side: ConfigSide>(
    builder: ConfigBuilder<Side, WantsVersions>,
    file: &Path,
) -> Result<ConfigBuilder<Side, WantsVerifier>, TlsError> {
    builder.with_safe_default_protocol_versions().map_err(in_file(file))
}

fn parse_name(name: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(name.to_owned()).map_err(|_| TlsError::Name(name.to_owned()))
}

/// Attributes an error of rustls to one of the two files.
fn mismatch(identity: &Identity, error: Error) -> TlsError {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => in_file(&identity.key)(format!(
            "not the private key of the certificate in {}",
            identity.certificates.display()
        )),
        Error::InvalidCertificate(problem) => {
            in_file(&identity.certificates)(words::certificate(&problem))
        }
        error => in_file(&identity.key)(error),
    }
}
