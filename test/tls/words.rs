//! A certificate that is not accepted is named as the cause, on both sides and for every kind of
//! call.

use std::sync::Arc;
use std::time::SystemTime;

use agora::call::{Code, Status};
use agora::rpc::{Channel, ChannelOptions, ClientTls, IdentityFiles, ServerOptions, ServerTls};
use agora::session::Protocol;
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, date_time_ymd};

use crate::certificates::{Authority, Issued};
use crate::fixture::*;
use crate::peers::{Event, Peer, local, to};
use crate::secure::{Secure, Wishes, server_options};

type Change = fn(&mut CertificateParams);

/// What is wrong with a certificate, and its description by who shows it and by who refuses it.
const WRONG: [(&str, Change, &str, &str); 4] = [
    (
        "expired",
        |params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 2, 3);
        },
        "it has expired on 2021-02-03 00:00:00 UTC",
        "it has expired on 2021-02-03 00:00:00 UTC",
    ),
    (
        "early",
        |params| {
            params.not_before = date_time_ymd(2199, 1, 1);
            params.not_after = date_time_ymd(2199, 2, 3);
        },
        "it is not valid before 2199-01-01 00:00:00 UTC",
        "it is not valid before 2199-01-01 00:00:00 UTC",
    ),
    (
        "purpose",
        |params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning],
        "its extendedKeyUsage does not allow this use",
        "its extendedKeyUsage does not allow this use",
    ),
    (
        "authority",
        |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        "it is an authority's certificate (CA:TRUE)",
        "it is an authority's certificate (CA:TRUE)",
    ),
];

fn requiring() -> Secure {
    Secure::with(Wishes { only: true, client_certificates: true, ..Wishes::default() })
}

fn channel(secure: &Secure, own: Option<&Issued>, protocol: Protocol) -> Channel {
    let own = own.map(Issued::files);
    let tls = ClientTls::load(&secure.authority.ca(), None, own).unwrap();
    let options = ChannelOptions { protocol, tls: Some(tls), ..ChannelOptions::default() };
    Channel::new(&secure.address(), options).unwrap()
}

/// The errors of a unary call and of a stream.
fn refused(channel: &Channel) -> [Status; 2] {
    let unary = channel.unary(ECHO, b"", &within(LONG)).unwrap_err();
    let stream = match channel.start(CHAT, &within(LONG)) {
        Err(status) => status,
        Ok(mut call) => {
            // The first message may or may not be written before the alert arrives.
            let _ = call.send(b"x");
            call.receive().unwrap_err()
        }
    };
    [unary, stream]
}

#[test]
fn a_client_learns_why_its_certificate_is_refused() {
    let secure = requiring();
    both(|protocol| {
        for (name, change, words, _) in WRONG {
            let own = secure.authority.issue_with(name, &["x"], change);
            for status in refused(&channel(&secure, Some(&own), protocol)) {
                let expected =
                    format!("the server does not accept this client's certificate: {words}");
                assert!(status.message.contains(&expected), "{name}: {status}");
                assert_eq!(status.code, Code::Unavailable, "{status}");
            }
        }
        let others = Authority::new();
        let stranger = others.issue("stranger", &["x"]);
        for status in refused(&channel(&secure, Some(&stranger), protocol)) {
            assert!(status.message.contains("its authority is unknown there"), "{status}");
        }
        for status in refused(&channel(&secure, None, protocol)) {
            assert!(status.message.contains("the server requires a certificate"), "{status}");
        }
        let own = secure.authority.issue("right", &["x"]);
        let right = channel(&secure, Some(&own), protocol);
        assert!(right.unary(ECHO, b"", &within(LONG)).is_ok());
    });
}

#[test]
fn a_client_says_why_it_refuses_the_certificate_of_a_server() {
    both(|protocol| {
        for (name, change, _, words) in WRONG {
            let authority = Authority::new();
            let issued = authority.issue_with(name, &["127.0.0.1"], change);
            let tls = ServerTls::load(issued.files(), None, false).unwrap();
            let options = ServerOptions { tls: Some(tls), ..ServerOptions::default() };
            let secure = Secure { authority: Arc::new(authority), server: Fixture::with(options) };
            for status in refused(&channel(&secure, None, protocol)) {
                let expected = format!("the server's certificate is not accepted: {words}");
                assert!(status.message.contains(&expected), "{name}: {status}");
            }
        }
    });
}

#[test]
fn a_peer_stream_reports_why_its_certificate_is_refused() {
    let authority = Authority::new();
    let wishes = Wishes { only: true, client_certificates: true, ..Wishes::default() };
    let (a, b) = (Peer::new(), Peer::at(local(), server_options(&authority, wishes)));
    for (name, change, _, _) in WRONG {
        let own = authority.issue_with(name, &["peer"], change);
        let mut options = to(b.address, "ours");
        let tls = ClientTls::load(&authority.ca(), None, Some(own.files())).unwrap();
        options.channel.tls = Some(tls);
        a.add(options);
    }
    let reasons = |number| {
        let events = a.events().into_iter();
        let reasons = events.filter_map(move |event| match event {
            Event::Down { stream, reason, .. } if stream == number => Some(reason),
            _ => None,
        });
        reasons.collect::<Vec<String>>()
    };
    for (number, (name, _, words, _)) in WRONG.into_iter().enumerate() {
        eventually("it is refused more than once", || reasons(number).len() > 1);
        for reason in reasons(number) {
            assert!(reason.contains(words), "{name}: {reason}");
        }
    }
}

#[test]
fn a_private_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    let authority = Authority::new();
    let own = authority.issue("own", &["127.0.0.1"]);
    for mode in [0o640, 0o604, 0o644, 0o620] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&own.key, permissions).unwrap();
        let server = ServerTls::load(own.files(), None, false).unwrap_err().to_string();
        let client = ClientTls::load(&authority.ca(), None, Some(own.files())).unwrap_err();
        for error in [server, client.to_string()] {
            let expected = format!("`chmod 600 {}`", own.key.display());
            assert!(error.contains("can read") && error.contains(&expected), "{error}");
        }
    }
    for mode in [0o600, 0o400] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&own.key, permissions).unwrap();
        assert!(ServerTls::load(own.files(), None, false).is_ok());
    }
}

#[test]
fn the_last_days_of_a_certificate_are_warned_of() {
    let authority = Authority::new();
    let soon = authority.issue_with("soon", &["127.0.0.1"], |params| {
        params.not_after = (SystemTime::now() + std::time::Duration::from_secs(900_000)).into();
    });
    let IdentityFiles { certificates, key } = soon.files();
    let tls = ServerTls::load(IdentityFiles { certificates, key }, None, false).unwrap();
    let warnings = tls.certificates().warnings(SystemTime::now());
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("soon.pem: it expires in 10 days, on 20"), "{warnings:?}");
    let left = tls.certificates().expiry().unwrap().duration_since(SystemTime::now()).unwrap();
    assert!(left.as_secs().abs_diff(900_000) < 100, "{left:?}");
    let fresh = ServerTls::load(authority.issue("fresh", &["127.0.0.1"]).files(), None, false);
    assert_eq!(fresh.unwrap().certificates().warnings(SystemTime::now()), [""; 0]);
}
