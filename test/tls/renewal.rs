//! Certificates that are renewed while servers and clients run.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use agora::call::Code;
use agora::rpc::{CallOptions, Channel, ChannelOptions, ClientTls, ServerOptions, ServerTls};
use agora::session::Protocol;

use crate::certificates::{Authority, Issued};
use crate::fixture::*;
use crate::peers::{Event, Peer, local, to};
use crate::secure::{NAME, Secure, Wishes, server_options};
use crate::wire::RawClient;

const HOSTS: &[&str] = &["127.0.0.1", NAME];

/// The server's own certificate, and a handle for it.
fn serve(authority: &Arc<Authority>, grace: Duration) -> (Secure, ServerTls) {
    let issued = authority.issue("server", HOSTS);
    let tls = ServerTls::load(issued.files(), None, false).unwrap();
    let options =
        ServerOptions { tls: Some(tls.clone()), renewal_grace: grace, ..ServerOptions::default() };
    let server = Fixture::with(options);
    (Secure { authority: Arc::clone(authority), server }, tls)
}

/// The certificate that the server shows.
fn shown(secure: &Secure) -> Vec<u8> {
    let mut client = RawClient::new(secure, &[b"h2"]);
    client.shake_hands().unwrap();
    client.connection.peer_certificates().unwrap()[0].to_vec()
}

#[test]
fn a_renewed_certificate_is_served_without_a_failed_call() {
    both(|protocol| {
        let authority = Arc::new(Authority::new());
        let (secure, tls) = serve(&authority, Duration::from_secs(60));
        let before = shown(&secure);
        let channel = secure.channel(protocol);
        let mut chat = channel.start(CHAT, &within(LONG)).unwrap();
        chat.send(b"old").unwrap();
        assert_eq!(chat.receive().unwrap().unwrap(), b"old");
        let (stop, calls) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for channel in [channel.clone(), secure.channel(protocol)] {
                let (stop, calls) = (&stop, &calls);
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        channel.unary(ECHO, b"x", &within(LONG)).unwrap();
                        calls.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
            for renewal in 1..=3 {
                authority.issue("server", HOSTS);
                assert!(tls.certificates().reload().unwrap(), "renewal {renewal}");
                let at = calls.load(Ordering::Relaxed);
                eventually("calls go on", || calls.load(Ordering::Relaxed) > at + 50);
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert_ne!(shown(&secure), before);
        assert!(!tls.certificates().reload().unwrap(), "the same files are no renewal");
        // The open call was not harmed.
        chat.send(b"still").unwrap();
        assert_eq!(chat.receive().unwrap().unwrap(), b"still");
    });
}

#[test]
fn calls_on_old_connections_end_after_the_grace_period() {
    both(|protocol| {
        let authority = Arc::new(Authority::new());
        let (secure, tls) = serve(&authority, Duration::from_millis(300));
        let channel = secure.channel(protocol);
        let mut chat = channel.start(CHAT, &within(LONG)).unwrap();
        chat.send(b"old").unwrap();
        assert!(chat.receive().unwrap().is_some());
        authority.issue("server", HOSTS);
        assert!(tls.certificates().reload().unwrap());
        let status = chat.receive().unwrap_err();
        assert_eq!(status.code, Code::Unavailable, "{status}");
        // A client of gRPC keeps the text of the first GOAWAY.
        let words = match protocol {
            Protocol::Native => "the certificates were renewed",
            Protocol::Grpc => "the server has gone away",
        };
        assert!(status.message.contains(words), "{status}");
        assert!(channel.unary(ECHO, b"", &within(LONG)).is_ok());
    });
}

#[test]
fn half_a_pair_changes_nothing_and_is_tried_again() {
    let authority = Arc::new(Authority::new());
    let (secure, tls) = serve(&authority, LONG);
    let (before, certificates) = (shown(&secure), tls.certificates());
    let next = authority.issue("next", HOSTS);
    let own = authority.folder().join("server");
    fs::copy(&next.certificates, own.with_extension("pem")).unwrap();
    assert!(!certificates.reload_if_changed().unwrap(), "the files are not quiet yet");
    for _ in 0..2 {
        let error = certificates.reload_if_changed().unwrap_err().to_string();
        assert!(error.contains("server.key: not the private key of"), "{error}");
    }
    assert_eq!(shown(&secure), before);
    fs::remove_file(own.with_extension("key")).unwrap();
    let _ = certificates.reload_if_changed();
    assert!(certificates.reload_if_changed().unwrap_err().to_string().contains("No such file"));
    fs::copy(&next.key, own.with_extension("key")).unwrap();
    assert!(!certificates.reload_if_changed().unwrap());
    assert!(certificates.reload_if_changed().unwrap(), "both files are there");
    assert_eq!(shown(&secure), der(&next.certificates));
    assert!(!certificates.reload_if_changed().unwrap());
}

fn der(pem: &Path) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject;
    rustls::pki_types::CertificateDer::from_pem_file(pem).unwrap().to_vec()
}

fn client(secure: &Secure, tls: &ClientTls, protocol: Protocol) -> Channel {
    let options = ChannelOptions { protocol, tls: Some(tls.clone()), ..ChannelOptions::default() };
    Channel::new(&secure.address(), options).unwrap()
}

#[test]
fn a_client_uses_its_renewed_certificate_at_the_next_call() {
    both(|protocol| {
        let secure = Secure::with(Wishes { client_certificates: true, ..Wishes::default() });
        let stranger = Authority::new();
        // It begins with a certificate that the server accepts, and continues with one that it
        // does not, and back.
        let own = secure.authority.issue("client", &["client"]);
        let tls = ClientTls::load(&secure.authority.ca(), None, Some(own.files())).unwrap();
        let channel = client(&secure, &tls, protocol);
        assert!(channel.unary(ECHO, b"", &within(LONG)).is_ok());
        let replace = |by: &Issued| {
            fs::copy(&by.certificates, &own.certificates).unwrap();
            fs::copy(&by.key, &own.key).unwrap();
            assert!(tls.certificates().reload().unwrap());
        };
        replace(&stranger.issue("other", &["client"]));
        let status = channel.unary(ECHO, b"", &within(LONG)).unwrap_err();
        assert!(status.message.contains("its authority is unknown there"), "{status}");
        replace(&secure.authority.issue("renewed", &["client"]));
        assert!(channel.unary(ECHO, b"", &within(LONG)).is_ok());
    });
}

#[test]
fn an_authority_that_was_removed_is_no_longer_accepted() {
    both(|protocol| {
        let (ours, theirs) = (Arc::new(Authority::new()), Authority::new());
        let issued = ours.issue("server", HOSTS);
        let both_pem =
            fs::read_to_string(ours.ca()).unwrap() + &fs::read_to_string(theirs.ca()).unwrap();
        let accepted = ours.write("accepted.pem", &both_pem);
        let tls = ServerTls::load(issued.files(), Some(&accepted), true).unwrap();
        let server = Fixture::with(ServerOptions {
            tls: Some(tls.clone()),
            renewal_grace: Duration::from_millis(300),
            ..ServerOptions::default()
        });
        let secure = Secure { authority: Arc::clone(&ours), server };
        let own = theirs.issue("client", &["client"]);
        let client_tls = ClientTls::load(&ours.ca(), None, Some(own.files())).unwrap();
        let channel = client(&secure, &client_tls, protocol);
        let options = CallOptions { timeout: None, ..CallOptions::default() };
        let mut open = channel.start(CHAT, &options).unwrap();
        open.send(b"x").unwrap();
        assert!(open.receive().unwrap().is_some());
        ours.write("accepted.pem", &fs::read_to_string(ours.ca()).unwrap());
        assert!(tls.certificates().reload().unwrap());
        assert_eq!(open.receive().unwrap_err().code, Code::Unavailable);
        let status = channel.unary(ECHO, b"", &within(LONG)).unwrap_err();
        assert!(status.message.contains("its authority is unknown there"), "{status}");
        let still = ours.issue("still", &["client"]);
        let client_tls = ClientTls::load(&ours.ca(), None, Some(still.files())).unwrap();
        let channel = client(&secure, &client_tls, protocol);
        assert!(channel.unary(ECHO, b"", &within(LONG)).is_ok());
    });
}

#[test]
fn a_peer_stream_reconnects_with_the_renewed_certificate() {
    let authority = Authority::new();
    let wishes = Wishes { only: true, client_certificates: true, ..Wishes::default() };
    let (a, b) = (Peer::new(), Peer::at(local(), server_options(&authority, wishes)));
    let own = authority.issue("peer", &["peer"]);
    let tls = ClientTls::load(&authority.ca(), None, Some(own.files())).unwrap();
    let mut options = to(b.address, "ours");
    options.channel.tls = Some(tls.clone());
    a.add(options);
    eventually("up", || a.has(&Event::Up(0)));
    a.send(0, vec![b"first".to_vec()]);
    eventually("it arrives", || b.messages().contains(&b"first".to_vec()));
    authority.issue("peer", &["peer"]);
    assert!(tls.certificates().reload().unwrap());
    let reason = || {
        a.events().into_iter().find_map(|event| match event {
            Event::Down { was_up: true, reason, .. } => Some(reason),
            _ => None,
        })
    };
    eventually("it is replaced", || reason().is_some());
    let reason = reason().unwrap();
    assert!(reason.contains("the certificates were renewed"), "{reason}");
    let ups = || a.events().iter().filter(|event| **event == Event::Up(0)).count();
    eventually("up again", || ups() == 2);
    a.send(0, vec![b"second".to_vec()]);
    eventually("it arrives", || b.messages().contains(&b"second".to_vec()));
}
