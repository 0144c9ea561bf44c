//! The private key of an authority, read by rustls, as rcgen signs with it.
//!
//! rcgen itself reads PKCS#8 alone; rustls reads SEC1 and PKCS#1 as well, which `openssl ecparam`
//! and older programs write.

use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};
use rustls::SignatureScheme;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::sign::Signer;

/// A key of one of the kinds that ring supports.
#[derive(Debug)]
pub(super) struct AuthorityKey {
    signer: Box<dyn Signer>,
    algorithm: &'static SignatureAlgorithm,
    /// With its algorithm, as certificates contain it.
    public_key: Vec<u8>,
    /// Without.
    public_bits: Vec<u8>,
}

impl AuthorityKey {
    /// Reads a private key in PEM.
    ///
    /// # Errors
    /// What is wrong with it, and which command mends it.
    pub(super) fn parse(pem: &str) -> Result<AuthorityKey, String> {
        let unsupported = || {
            "a private key of a kind that is not supported: expected ECDSA on P-256 or P-384, \
             Ed25519, or RSA with 2048 to 4096 bits"
                .to_owned()
        };
        let key = PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| no_key(pem))?;
        let key = any_supported_type(&key).map_err(|_| unsupported())?;
        let signer = key.choose_scheme(&[
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384,
            SignatureScheme::ED25519,
            SignatureScheme::RSA_PKCS1_SHA256,
        ]);
        let signer = signer.ok_or_else(unsupported)?;
        let algorithm = match signer.scheme() {
            SignatureScheme::ECDSA_NISTP256_SHA256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            SignatureScheme::ECDSA_NISTP384_SHA384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            SignatureScheme::ED25519 => &rcgen::PKCS_ED25519,
            _ => &rcgen::PKCS_RSA_SHA256,
        };
        let public_key = key.public_key().ok_or_else(unsupported)?.as_ref().to_vec();
        let public_bits = public_bits(&public_key).ok_or_else(unsupported)?;
        Ok(AuthorityKey { signer, algorithm, public_key, public_bits })
    }

    /// The public key with its algorithm, as DER.
    pub(super) fn public_key(&self) -> &[u8] {
        &self.public_key
    }
}

impl PublicKeyData for AuthorityKey {
    fn der_bytes(&self) -> &[u8] {
        &self.public_bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        self.algorithm
    }
}

impl SigningKey for AuthorityKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.signer.sign(message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}

/// `subjectPublicKey` of a `SubjectPublicKeyInfo` (RFC 5280 section 4.1).
fn public_bits(der: &[u8]) -> Option<Vec<u8>> {
    let bits = yasna::parse_der(der, |reader| {
        reader.read_sequence(|reader| {
            reader.next().read_der()?;
            reader.next().read_bitvec_bytes()
        })
    });
    bits.ok().map(|(bytes, _)| bytes)
}

/// Why a text contains no private key.
fn no_key(pem: &str) -> String {
    if pem.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || pem.contains("Proc-Type: 4,ENCRYPTED")
    {
        "an encrypted private key: openssl pkey -in FILE -out DECRYPTED writes it without a \
         passphrase"
            .into()
    } else if pem.contains("-----BEGIN") {
        "contains no private key that can be read".into()
    } else {
        "no private key in PEM (if it is DER: openssl pkey -inform der -in FILE -out FILE.pem)"
            .into()
    }
}
