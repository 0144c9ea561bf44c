//! One client certificate that is used from many addresses.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use agora::call::{Code, Limits, Metadata, Status};
use agora::rpc::{Server, ServerOptions, Services};
use agora::session::{ClientSession, Protocol};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::attacker::Answers;
use super::node::{LONG, eventually};
use crate::authority::{Authority, server_tls};
use crate::connect_from::connect_from;

const METHOD: &str = "/t.T/Method";
const NOW: Duration = Duration::ZERO;

/// A connection with a certificate, from an address of the test's choice.
type Connection = StreamOwned<ClientConnection, TcpStream>;

fn connect(server: SocketAddr, from: u8, folder: &Path, protocol: Protocol) -> Connection {
    let read = |name| CertificateDer::from_pem_file(folder.join(name)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(read("ca.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.unwrap().with_root_certificates(roots);
    let mut config = builder.with_client_auth_cert(vec![read("cert.pem")], key).unwrap();
    let alpn: &[u8] = if protocol == Protocol::Grpc { b"h2" } else { b"agr1" };
    config.alpn_protocols = vec![alpn.to_vec()];
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let tls = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = connect_from(Ipv4Addr::new(127, 66, 20, from), server);
    socket.set_read_timeout(Some(LONG)).unwrap();
    StreamOwned::new(tls, socket)
}

/// Makes the first call of a connection.
fn call(connection: &mut Connection, protocol: Protocol) -> Result<(), Status> {
    let mut session = ClientSession::new(protocol, "test", true, &Limits::DEFAULT, NOW);
    let call = session.start(NOW, METHOD, &Metadata::new(), None).unwrap();
    session.send_message(call, b"", true).unwrap();
    let (mut answers, mut buffer) = (Answers::default(), [0; 4096]);
    while answers.ends.is_empty() {
        let output = session.output().to_vec();
        session.consume_output(output.len());
        let _ = connection.write_all(&output);
        match connection.read(&mut buffer) {
            Ok(count @ 1..) => session.receive(NOW, &buffer[..count], &mut answers),
            other => panic!("the call has no end: {other:?}"),
        }
    }
    match answers.ends.remove(0) {
        status if status.code == Code::Ok => Ok(()),
        status => Err(status),
    }
}

#[test]
fn connections_with_one_certificate_are_limited_wherever_they_come_from() {
    let authority = Authority::new();
    let folder = authority.issue("server", &["127.0.0.1"], &["agora:node/agora/0"]);
    let options = ServerOptions {
        tls: Some(server_tls(&folder)),
        enforce_roles: true,
        max_connections_per_address: Some(3),
        ..ServerOptions::default()
    };
    let mut services = Services::new();
    services.unary(METHOD, |_, _, _| Ok(()));
    services.set_access(&[(METHOD, agora::call::Access::Client)]);
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), services, options).unwrap();
    let (address, handle) = (server.local_addr(), server.handle());
    let thread = std::thread::spawn(move || server.run().unwrap());
    for (number, protocol) in [Protocol::Native, Protocol::Grpc].into_iter().enumerate() {
        let issue = |name: &str, role| authority.issue(&format!("{name}-{number}"), &[], &[role]);
        let (alice, bob) = (issue("alice", "agora:client/a"), issue("bob", "agora:client/a"));
        let node = issue("node", "agora:node/agora/1");
        let from = |n: u8| 100 * number as u8 + n;
        let open = |n, folder: &Path| {
            let mut connection = connect(address, from(n), folder, protocol);
            call(&mut connection, protocol).map(|()| connection)
        };
        let mut held: Vec<_> = (1..4).map(|n| open(n, &alice).unwrap()).collect();
        let refused = open(4, &alice).map(drop).unwrap_err();
        assert!(
            refused.message.contains("too many connections with this certificate"),
            "{refused}"
        );
        let _others: Vec<_> = (5..8).map(|n| open(n, &bob).unwrap()).collect();
        let _nodes: Vec<_> = (10..20).map(|n| open(n, &node).unwrap()).collect();
        held.pop();
        let mut next = 30;
        eventually("a closed connection makes room", || {
            next += 1;
            open(next, &alice).is_ok()
        });
    }
    handle.shut_down();
    thread.join().unwrap();
}
