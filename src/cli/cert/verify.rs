//! Whether a server, or a client, accepts a certificate: decided by what decides it there.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::{CertificateError, Error, RootCertStore};

use super::authority::Read;

/// Checks a certificate with its chain as the certificate of a client.
///
/// # Errors
/// Why a server refuses it.
pub(super) fn as_client(chain: &[Read], authorities: &[Read]) -> Result<(), String> {
    let (own, others) = split(chain)?;
    let provider = Arc::new(default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots(authorities)?, provider);
    let verifier = verifier.build().map_err(|error| error.to_string())?;
    verifier.verify_client_cert(own, &others, UnixTime::now()).map_err(words).map(drop)
}

/// Checks a certificate with its chain as the certificate of the server at this host.
///
/// # Errors
/// Why a client refuses it.
pub(super) fn as_server(chain: &[Read], authorities: &[Read], host: &str) -> Result<(), String> {
    let (own, others) = split(chain)?;
    let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
    let provider = Arc::new(default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots(authorities)?, provider);
    let verifier = verifier.build().map_err(|error| error.to_string())?;
    let verified = verifier.verify_server_cert(own, &others, &name, &[], UnixTime::now());
    verified.map_err(words).map(drop)
}

fn split(
    chain: &[Read],
) -> Result<(&CertificateDer<'static>, Vec<CertificateDer<'static>>), String> {
    let (own, others) = chain.split_first().ok_or("no certificate")?;
    Ok((&own.der, others.iter().map(|read| read.der.clone()).collect()))
}

fn roots(authorities: &[Read]) -> Result<Arc<RootCertStore>, String> {
    let mut roots = RootCertStore::empty();
    for authority in authorities {
        roots.add(authority.der.clone()).map_err(words)?;
    }
    Ok(Arc::new(roots))
}

fn words(error: Error) -> String {
    let Error::InvalidCertificate(error) = error else { return error.to_string() };
    match error {
        CertificateError::UnknownIssuer => "no authority in ca.pem has signed it".into(),
        CertificateError::BadSignature => {
            "its signature is not that of the authority in ca.pem".into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it, or an authority above it, has expired".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it, or an authority above it, is not valid yet".into()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "its extended key usage does not permit it".into()
        }
        error => error.to_string(),
    }
}
