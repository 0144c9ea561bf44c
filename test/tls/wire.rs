//! A TLS client under the control of a test: it may stop halfway, cut the connection, or send any
//! bytes.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

use crate::fixture::LONG;
use crate::secure::Secure;

pub struct RawClient {
    pub connection: ClientConnection,
    pub stream: TcpStream,
}

impl RawClient {
    /// Connects without sending anything.
    pub fn new(secure: &Secure, alpn: &[&[u8]]) -> RawClient {
        RawClient::speaking(secure, alpn, rustls::ALL_VERSIONS)
    }

    pub fn speaking(
        secure: &Secure,
        alpn: &[&[u8]],
        versions: &[&'static SupportedProtocolVersion],
    ) -> RawClient {
        let mut roots = RootCertStore::empty();
        let ca = BufReader::new(File::open(secure.authority.ca()).unwrap());
        roots.add(CertificateDer::from_pem_reader(ca).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream = TcpStream::connect(secure.server.address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_nodelay(true).unwrap();
        RawClient { connection, stream }
    }

    /// Returns the bytes that rustls wants to send, without sending them.
    pub fn outgoing(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut bytes).unwrap();
        }
        bytes
    }

    /// The handshake.
    pub fn shake_hands(&mut self) -> io::Result<()> {
        while self.connection.is_handshaking() {
            self.connection.complete_io(&mut self.stream)?;
        }
        Ok(())
    }

    /// Encrypts and sends.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        rustls::Stream::new(&mut self.connection, &mut self.stream).write_all(bytes)
    }

    /// Reads plaintext until `wanted` is in it.
    pub fn read_until(&mut self, wanted: &[u8]) -> Vec<u8> {
        let (mut seen, mut buffer) = (Vec::new(), [0; 4096]);
        while !seen.windows(wanted.len()).any(|window| window == wanted) {
            let mut stream = rustls::Stream::new(&mut self.connection, &mut self.stream);
            let n = stream.read(&mut buffer).unwrap();
            assert_ne!(n, 0, "the server ended after {seen:?}");
            seen.extend_from_slice(&buffer[..n]);
        }
        seen
    }

    /// Reads plaintext until the server's orderly end; an error if it ends in another way.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut stream = rustls::Stream::new(&mut self.connection, &mut self.stream);
        stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}
