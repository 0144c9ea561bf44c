//! Reads certificates, authorities and private keys, in PEM.

use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{IdentityFiles, TlsError};
use crate::files::{effective_user, mode_of};

/// The longest file that is read: many authorities, or a mistake.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The files of an identity, and where it has them from.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) certificates: PathBuf,
    pub(super) key: PathBuf,
}

impl From<IdentityFiles<'_>> for Identity {
    fn from(files: IdentityFiles<'_>) -> Identity {
        Identity { certificates: files.certificates.to_owned(), key: files.key.to_owned() }
    }
}

impl Identity {
    /// The identity in a certificate folder.
    pub(super) fn of_folder(folder: &Path) -> Identity {
        Identity { certificates: folder.join("cert.pem"), key: folder.join("key.pem") }
    }

    /// Reads both files.
    pub(super) fn read(&self) -> Result<Chain, TlsError> {
        Ok((certificates(&self.certificates)?, private_key(&self.key)?))
    }
}

/// A certificate followed by those that lead to an authority, and its private key.
pub(super) type Chain = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The authorities in a certificate folder.
pub(super) fn authorities_of_folder(folder: &Path) -> PathBuf {
    folder.join("ca.pem")
}

pub(super) fn in_file<E: ToString>(file: &Path) -> impl Fn(E) -> TlsError {
    move |error| TlsError::File { file: file.to_owned(), reason: error.to_string() }
}

/// The certificates of a file, at least one.
pub(super) fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let opened = File::open(file).map_err(in_file(file))?;
    let bytes = read_bounded(opened, file)?;
    let found = CertificateDer::pem_slice_iter(&bytes).collect::<Result<Vec<_>, pem::Error>>();
    let found = found.map_err(|error| in_file(file)(reason(&error)))?;
    if found.is_empty() {
        return Err(in_file(file)("no certificate in PEM"));
    }
    Ok(found)
}

/// The certificates as authorities.
pub(super) fn trust(
    file: &Path,
    certificates: &[CertificateDer<'static>],
) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(in_file(file))?;
    }
    Ok(roots)
}

fn private_key(file: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let opened = File::open(file).map_err(in_file(file))?;
    // The open file is checked: another one cannot take its place in between.
    let metadata = opened.metadata().map_err(in_file(file))?;
    check_private(file, &metadata)?;
    let bytes = read_bounded(opened, file)?;
    let key = PrivateKeyDer::from_pem_slice(&bytes);
    key.map_err(|error| in_file(file)(reason(&error)))
}

/// Refuses a private key that is another user's, or that other users can read.
fn check_private(file: &Path, metadata: &Metadata) -> Result<(), TlsError> {
    let owner = metadata.uid();
    let own = effective_user();
    let own = own.ok_or_else(|| in_file(file)("the user of this process is unknown"))?;
    if owner != own {
        return Err(in_file(file)(format!(
            "this private key belongs to another user (uid {owner}, and this process is uid \
             {own}): `chown {own} {}`",
            file.display()
        )));
    }
    let mode = mode_of(metadata);
    if mode & 0o077 != 0 {
        return Err(in_file(file)(format!(
            "other users can read this private key (its mode is {mode:04o}): `chmod 600 {}`",
            file.display()
        )));
    }
    Ok(())
}

fn read_bounded(opened: File, file: &Path) -> Result<Vec<u8>, TlsError> {
    let mut bytes = Vec::new();
    opened.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(in_file(file))?;
    match bytes.len() as u64 > MAX_FILE_BYTES {
        true => Err(in_file(file)(format!("larger than {MAX_FILE_BYTES} bytes"))),
        false => Ok(bytes),
    }
}

fn reason(error: &pem::Error) -> &'static str {
    match error {
        pem::Error::NoItemsFound => "no private key in PEM, or an encrypted one",
        pem::Error::MissingSectionEnd { .. } => "PEM without an end line",
        _ => "PEM that cannot be read",
    }
}

/// What changes when a file is written or replaced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The stamp of a file; `None` while there is none.
pub(super) fn stamp(file: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(file).ok()?;
    Some(Stamp {
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.len(),
        modified: (metadata.mtime(), metadata.mtime_nsec()),
        changed: (metadata.ctime(), metadata.ctime_nsec()),
    })
}
