//! Refused clients, untrusted servers, and their error messages.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use agora::call::{Code, Status};
use agora::rpc::{Channel, ChannelOptions, ClientTls, ServerTls, TlsError};
use agora::session::{Compat, Protocol};

use crate::certificates::Authority;
use crate::fixture::*;
use crate::secure::*;
use crate::wire::RawClient;

/// The error of a client with these options.
fn refused(target: &str, options: ChannelOptions) -> Status {
    let channel = Channel::new(target, options).unwrap();
    let status = channel.unary(ECHO, b"", &within(LONG)).unwrap_err();
    assert_eq!(status.code, Code::Unavailable, "{status}");
    status
}

fn believing(authority: &Authority, name: Option<&str>, protocol: Protocol) -> ChannelOptions {
    let tls = ClientTls::load(&authority.ca(), name, None).unwrap();
    ChannelOptions { protocol, tls: Some(tls), ..ChannelOptions::default() }
}

#[test]
fn a_server_of_an_unknown_authority_is_not_trusted() {
    both(|protocol| {
        let secure = Secure::new();
        let status = refused(&secure.address(), believing(&Authority::new(), None, protocol));
        assert!(
            status
                .message
                .contains("the server's certificate is not accepted: its authority is unknown"),
            "{status}"
        );
        assert!(secure.channel(protocol).unary(ECHO, b"", &within(LONG)).is_ok());
    });
}

#[test]
fn a_server_with_another_name_is_not_trusted() {
    both(|protocol| {
        let secure = Secure::new();
        let (address, port) = (secure.address(), secure.server.address.port());
        let options = |name| believing(&secure.authority, name, protocol);
        let status = refused(&address, options(Some("elsewhere.test")));
        assert!(
            status
                .message
                .contains("it is for 127.0.0.1, localhost, agora.test, not for elsewhere.test"),
            "{status}"
        );
        for (target, name) in [
            (address, Some(NAME)),
            (format!("localhost:{port}"), None),
            (format!("localhost:{port}"), Some("127.0.0.1")),
        ] {
            let channel = Channel::new(&target, options(name)).unwrap();
            assert_eq!(
                channel.unary(ECHO, b"x", &within(LONG)).unwrap(),
                b"x",
                "{target} {name:?}"
            );
        }
    });
}

#[test]
fn cleartext_is_refused_where_tls_is_required() {
    let secure = Secure::with(Wishes { only: true, ..Wishes::default() });
    both(|protocol| {
        assert!(secure.channel(protocol).unary(ECHO, b"", &within(LONG)).is_ok());
        assert!(secure.server.channel(protocol).unary(ECHO, b"", &within(LONG)).is_err());
    });
    let mut stream = TcpStream::connect(secure.server.address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("TLS only"), "{answer}");
}

#[test]
fn a_server_without_a_certificate_says_so_with_an_alert() {
    both(|protocol| {
        let server = Fixture::new();
        let options = believing(&Authority::new(), None, protocol);
        let status = refused(&server.address.to_string(), options);
        assert!(status.message.contains("the server has no TLS here"), "{status}");
        assert!(server.channel(protocol).unary(ECHO, b"", &within(LONG)).is_ok());
    });
}

#[test]
fn a_server_of_something_else_is_named_as_the_reason() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 mail.test ESMTP\r\n").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let status = refused(&address, believing(&Authority::new(), None, Protocol::Grpc));
    assert!(status.message.contains("TLS: "), "{status}");
    server.join().unwrap();
}

/// RFC 7301 section 3.2, RFC 9113 section 3.2.
#[test]
fn a_client_without_a_common_protocol_is_refused() {
    let secure = Secure::new();
    let mut client = RawClient::new(&secure, &[b"spdy/3"]);
    let error = client.shake_hands().unwrap_err().to_string();
    assert!(error.contains("NoApplicationProtocol"), "{error}");

    // The negotiated protocol is definitive, although the server speaks the other one as well. The refusal
    // is a response of HTTP/1.1: to a client of that it is one, and the others can show it.
    for (alpn, first) in [
        (&b"h2"[..], &b"AGR1"[..]),
        (b"h2", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
        (b"http/1.1", b"AGR1"),
        (b"http/1.1", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (b"agr1", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"),
    ] {
        let mut client = RawClient::new(&secure, &[alpn]);
        client.shake_hands().unwrap();
        client.send(first).unwrap();
        let answer = client.read_to_end().unwrap();
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 "), "{first:?} {answer:?}");
        assert!(answer.contains("is not the one that TLS negotiated (ALPN)"), "{answer}");
    }
}

/// RFC 7301 section 3.2: the server chooses. It prefers HTTP/2, whatever the order of the client, as
/// browsers and curl offer both.
#[test]
fn the_server_offers_what_it_speaks_and_prefers_http2() {
    let [h2, http1, agora] = [&b"h2"[..], b"http/1.1", b"agr1"];
    for (compat, offered, chosen) in [
        (Compat::Both, &[h2, http1][..], Some(h2)),
        (Compat::Both, &[http1, h2], Some(h2)),
        (Compat::Both, &[b"spdy/3", http1], Some(http1)),
        (Compat::Both, &[agora], Some(agora)),
        (Compat::Grpc, &[agora, http1], Some(http1)),
        (Compat::Grpc, &[agora], None),
        (Compat::Native, &[h2, agora], Some(agora)),
        (Compat::Native, &[h2, http1], None),
    ] {
        let mut wishes = Wishes::default();
        wishes.options.compat = compat;
        let secure = Secure::with(wishes);
        let mut client = RawClient::new(&secure, offered);
        assert_eq!(client.shake_hands().is_ok(), chosen.is_some(), "{compat:?} {offered:?}");
        if let Some(chosen) = chosen {
            assert_eq!(client.connection.alpn_protocol(), Some(chosen), "{compat:?} {offered:?}");
        }
    }
}

/// Without ALPN the first bytes tell the protocol, as in the clear.
#[test]
fn http1_is_spoken_with_alpn_and_without() {
    let secure = Secure::new();
    for alpn in [&[][..], &[&b"http/1.1"[..]], &[&b"http/1.1"[..], b"spdy/3"]] {
        let mut client = RawClient::new(&secure, alpn);
        client.shake_hands().unwrap();
        client.send(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
        let answer = client.read_to_end().unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 404 "), "{answer:?}");
    }
    let mut client = RawClient::new(&secure, &[]);
    client.shake_hands().unwrap();
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
    client.read_until(b"\0\0\0\x04\x01\0\0\0\0");
}

#[test]
fn tls_1_2_is_accepted() {
    let secure = Secure::new();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut client = RawClient::speaking(&secure, &[b"h2"], &[version]);
        client.shake_hands().unwrap();
        assert_eq!(client.connection.protocol_version(), Some(version.version));
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").unwrap();
        // The acknowledgement of the client's SETTINGS.
        client.read_until(b"\0\0\0\x04\x01\0\0\0\0");
    }
}

fn load(certificates: &Path, key: &Path) -> TlsError {
    ServerTls::load(agora::rpc::IdentityFiles { certificates, key }, None, false).unwrap_err()
}

#[test]
fn an_unusable_file_is_named_in_the_error() {
    let authority = Authority::new();
    let (one, other) = (authority.issue("one", &["one"]), authority.issue("other", &["other"]));
    let missing = authority.folder().join("missing.pem");
    let text = authority.write("text.pem", "this is no PEM\n");
    let torn = fs::read_to_string(&one.certificates).unwrap();
    let torn = authority.write("torn.pem", &torn[..torn.len() / 2]);
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let encrypted = authority.write("encrypted.key", encrypted);
    let garbage = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let garbage = authority.write("garbage.key", garbage);
    for (certificates, key, file, reason) in [
        (&missing, &one.key, "missing.pem", "No such file"),
        (&one.certificates, &missing, "missing.pem", "No such file"),
        (&text, &one.key, "text.pem", "no certificate"),
        (&torn, &one.key, "torn.pem", "without an end line"),
        (&one.certificates, &text, "text.pem", "no private key"),
        (&one.certificates, &encrypted, "encrypted.key", "encrypted"),
        (&one.certificates, &garbage, "garbage.key", "key"),
        (&one.certificates, &other.key, "other.key", "not the private key"),
    ] {
        let error = load(certificates, key).to_string();
        assert!(error.contains(file) && error.contains(reason), "{error}");
    }
    let error = ClientTls::load(&text, None, None).unwrap_err().to_string();
    assert!(error.contains("text.pem: no certificate"), "{error}");
    let error = ClientTls::load(&authority.ca(), Some("no name"), None).unwrap_err();
    assert!(matches!(error, TlsError::Name(_)), "{error}");
}
