//! Peer streams over TLS with certificates on both sides.

use agora::call::Code;
use agora::rpc::{ClientTls, PeerStreamOptions, ServerOptions};

use crate::certificates::{Authority, Issued};
use crate::fixture::eventually;
use crate::peers::{Event, Peer, local, to};
use crate::secure::{Wishes, server_options};

/// A peer that accepts only connections with a certificate of the authority.
fn peer(authority: &Authority) -> Peer {
    let wishes = Wishes { only: true, client_certificates: true, ..Wishes::default() };
    Peer::at(local(), server_options(authority, wishes))
}

fn secure(mut options: PeerStreamOptions, believes: &Authority, own: &Issued) -> PeerStreamOptions {
    let tls = ClientTls::load(&believes.ca(), None, Some(own.files())).unwrap();
    options.channel.tls = Some(tls);
    options
}

#[test]
fn peers_with_certificates_of_one_authority_exchange_messages() {
    let authority = Authority::new();
    let (a, b) = (peer(&authority), peer(&authority));
    let own = authority.issue("peer", &["peer"]);
    a.add(secure(to(b.address, "ours"), &authority, &own));
    eventually("up", || a.has(&Event::Up(0)));
    for round in 0..20_u8 {
        let large = [b"?".as_slice(), &vec![round; 300_000]].concat();
        a.send(0, vec![large.clone(), vec![round]]);
        eventually("the answer", || a.has(&Event::Answer(0, large[1..].to_vec())));
    }
    // The last message arrives after the last answer.
    eventually("the small ones, in order", || {
        let small = b.messages().into_iter().filter(|message| message.len() == 1);
        small.eq((0..20).map(|round| vec![round]))
    });
}

#[test]
fn untrusted_and_cleartext_peers_get_the_reason() {
    let (ours, others) = (Authority::new(), Authority::new());
    let (a, b) = (Peer::new(), peer(&ours));
    let own = ours.issue("peer", &["peer"]);
    let strange = others.issue("stranger", &["peer"]);
    // The server is not trusted; the client is not trusted; the server requires TLS; the server has
    // no TLS.
    a.add(secure(to(b.address, "ours"), &others, &own));
    a.add(secure(to(b.address, "ours"), &ours, &strange));
    a.add(to(b.address, "ours"));
    let clear = Peer::at(local(), ServerOptions::default());
    a.add(secure(to(clear.address, "ours"), &ours, &own));
    let reasons = || {
        let mut reasons = [None, None, None, None];
        for event in a.events() {
            let Event::Down { stream, was_up, code, reason } = event else { panic!("{event:?}") };
            assert_eq!((was_up, code), (false, Code::Unavailable), "{reason}");
            reasons[stream].get_or_insert(reason);
        }
        reasons
    };
    eventually("all are down", || reasons().iter().all(Option::is_some));
    let reasons = reasons().map(Option::unwrap);
    assert!(reasons[0].contains("certificate"), "{}", reasons[0]);
    assert!(reasons[2].contains("the server refuses cleartext"), "{}", reasons[2]);
    assert!(reasons[3].contains("TLS"), "{}", reasons[3]);
    assert_eq!(b.events(), []);
}
