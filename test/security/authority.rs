//! Certificate authorities that live as long as one test, and folders for `--certs`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use agora::rpc::{ClientTls, IdentityFiles, ServerTls};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    SanType,
};

/// An authority, and the folders that it has issued.
pub struct Authority {
    folder: PathBuf,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority that nothing trusts yet.
    pub fn new() -> Authority {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-security-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        fs::create_dir_all(&folder).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Authority { folder, issuer }
    }

    /// A folder for `--certs` with `ca.pem`, `cert.pem` and `key.pem`: a certificate with these
    /// hosts and these URIs (roles).
    pub fn issue(&self, name: &str, hosts: &[&str], uris: &[&str]) -> PathBuf {
        self.issue_with(name, hosts, uris, |_| ())
    }

    /// The same, after `change`, for example of the validity.
    pub fn issue_with(
        &self,
        name: &str,
        hosts: &[&str],
        uris: &[&str],
        change: impl FnOnce(&mut CertificateParams),
    ) -> PathBuf {
        let hosts: Vec<String> = hosts.iter().map(|&host| host.to_owned()).collect();
        let mut params = CertificateParams::new(hosts).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let uris = uris.iter().map(|&uri| SanType::URI(uri.try_into().unwrap()));
        params.subject_alt_names.extend(uris);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        write(&folder.join("ca.pem"), 0o644, &self.issuer.pem());
        write(&folder.join("cert.pem"), 0o644, &certificate.pem());
        write(&folder.join("key.pem"), 0o600, &key.serialize_pem());
        folder
    }

    /// A folder with `ca.pem` alone: a client without a certificate.
    pub fn trust_only(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        write(&folder.join("ca.pem"), 0o644, &self.issuer.pem());
        folder
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Replaces a file, as `agora cert` does: a reader sees the old or the new one.
fn write(path: &Path, mode: u32, text: &str) {
    let pending = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file =
        options.write(true).create(true).truncate(true).mode(mode).open(&pending).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    fs::rename(&pending, path).unwrap();
}

/// The server side of a folder; client certificates are required.
pub fn server_tls(folder: &Path) -> ServerTls {
    let (certificates, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let identity = IdentityFiles { certificates: &certificates, key: &key };
    ServerTls::load(identity, Some(&folder.join("ca.pem")), true).unwrap()
}

/// The client side of a folder, with its certificate if there is one.
pub fn client_tls(folder: &Path) -> ClientTls {
    let (certificates, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let identity = IdentityFiles { certificates: &certificates, key: &key };
    let identity = certificates.exists().then_some(identity);
    ClientTls::load(&folder.join("ca.pem"), None, identity).unwrap()
}
