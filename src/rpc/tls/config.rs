//! Loads certificates, keys and authorities from files.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ConfigBuilder, ConfigSide, Error, InconsistentKeys, RootCertStore, ServerConfig,
    WantsVerifier, WantsVersions,
};

use super::{IdentityFiles, TlsError};
use crate::session::{Compat, Protocol};

/// The ALPN names of the protocols (RFC 7301). `h2` is registered for HTTP/2 over TLS, `agr1` is
/// Agora's own.
pub(super) const fn alpn(protocol: Protocol) -> &'static [u8] {
    match protocol {
        Protocol::Grpc => b"h2",
        Protocol::Native => b"agr1",
    }
}

/// The server side of TLS: its certificate, and its requirements for clients.
#[derive(Clone)]
pub struct ServerTls {
    config: Arc<ServerConfig>,
    only: bool,
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
        let builder = builder(ServerConfig::builder_with_provider(provider()), identity.key)?;
        let builder = match client_authorities {
            None => builder.with_no_client_auth(),
            Some(file) => {
                let roots = Arc::new(authorities(file)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
                builder.with_client_cert_verifier(verifier.build().map_err(in_file(file))?)
            }
        };
        let (certificates, key) = read(identity)?;
        let config = builder.with_single_cert(certificates, key).map_err(mismatch(identity))?;
        Ok(ServerTls { config: Arc::new(config), only })
    }

    /// Restricts ALPN to the protocols that the server accepts.
    pub(in crate::rpc) fn with_compat(self, compat: Compat) -> ServerTls {
        let mut config = ServerConfig::clone(&self.config);
        config.alpn_protocols = [Protocol::Grpc, Protocol::Native]
            .into_iter()
            .filter(|&protocol| compat == Compat::Both || compat == Compat::from(protocol))
            .map(|protocol| alpn(protocol).to_vec())
            .collect();
        ServerTls { config: Arc::new(config), ..self }
    }

    /// Whether cleartext is refused.
    pub(in crate::rpc) fn refuses_cleartext(&self) -> bool {
        self.only
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// The client side of TLS: the authorities that it trusts, and its own certificate.
#[derive(Clone)]
pub struct ClientTls {
    config: Arc<ClientConfig>,
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
        authorities_file: &Path,
        server_name: Option<&str>,
        identity: Option<IdentityFiles<'_>>,
    ) -> Result<ClientTls, TlsError> {
        let server_name = server_name.map(parse_name).transpose()?;
        let builder = builder(ClientConfig::builder_with_provider(provider()), authorities_file)?;
        let builder = builder.with_root_certificates(authorities(authorities_file)?);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(files) => {
                let (certificates, key) = read(files)?;
                builder.with_client_auth_cert(certificates, key).map_err(mismatch(files))?
            }
        };
        Ok(ClientTls { config: Arc::new(config), server_name })
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
    pub(in crate::rpc) fn authority<'a>(&'a self, target: &'a str) -> std::borrow::Cow<'a, str> {
        match &self.server_name {
            Some(name) => name.to_str(),
            None => target.into(),
        }
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
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
fn provider() -> Arc<CryptoProvider> {
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

fn in_file<E: ToString>(file: &Path) -> impl Fn(E) -> TlsError {
    move |error| TlsError::File { file: file.to_owned(), reason: error.to_string() }
}

/// The certificates of a file, at least one.
fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = fs::read(file).map_err(in_file(file))?;
    let found = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, pem::Error>>();
    let found = found.map_err(|error| in_file(file)(reason(&error)))?;
    if found.is_empty() {
        return Err(in_file(file)("no certificate in PEM"));
    }
    Ok(found)
}

fn authorities(file: &Path) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(in_file(file))?;
    }
    Ok(roots)
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn read(files: IdentityFiles<'_>) -> Result<Identity, TlsError> {
    let certificates = certificates(files.certificates)?;
    let bytes = fs::read(files.key).map_err(in_file(files.key))?;
    let key = PrivateKeyDer::from_pem_slice(&bytes);
    Ok((certificates, key.map_err(|error| in_file(files.key)(reason(&error)))?))
}

fn reason(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::NoItemsFound => "no private key in PEM, or an encrypted one",
        pem::Error::MissingSectionEnd { .. } => "PEM without an end line",
        _ => "PEM that cannot be read",
    }
}

/// Attributes an error of rustls to one of the two files.
fn mismatch(files: IdentityFiles<'_>) -> impl Fn(Error) -> TlsError {
    move |error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => in_file(files.key)(format!(
            "not the private key of the certificate in {}",
            files.certificates.display()
        )),
        error @ Error::InvalidCertificate(_) => in_file(files.certificates)(error),
        error => in_file(files.key)(error),
    }
}
