//! RFC 9113 section 3: the preface and the first SETTINGS.

use agora::call::Limits;
use agora::http2::PREFACE;

use crate::peer::{Peer, REQUEST, START};
use crate::wire::{self, settings, settings_ack};

#[test]
fn section_3_4_a_server_sends_settings_at_once() {
    let mut peer = Peer::of_new_server(&Limits::DEFAULT);
    assert_eq!(peer.written(), ["SETTINGS 3=100 4=262144 6=16384", "WINDOW_UPDATE +983041"]);
}

#[test]
fn section_3_4_a_client_sends_preface_and_settings_at_once() {
    let mut peer = Peer::of_new_client(&Limits::DEFAULT);
    let expected = ["preface", "SETTINGS 2=0 4=262144 6=16384", "WINDOW_UPDATE +983041"];
    assert_eq!(peer.written(), expected);
}

#[test]
fn section_3_4_a_client_may_send_requests_without_waiting() {
    let mut peer = Peer::of_new_client(&Limits::DEFAULT);
    peer.written();
    peer.open(&REQUEST, true);
    let expected = "HEADERS 1 :method=POST :scheme=http :path=/echo :authority=here end";
    assert_eq!(peer.written(), [expected]);
}

#[test]
fn section_3_4_any_other_preface_is_a_connection_error() {
    for at in 0..PREFACE.len() {
        let mut preface = *PREFACE;
        preface[at] ^= 0x20;
        let mut peer = Peer::of_new_server(&Limits::DEFAULT);
        // Known wrong with the first wrong byte: nothing more needs to come.
        peer.expect_connection_error(&preface[..=at], "PROTOCOL_ERROR");
    }
}

#[test]
fn section_3_4_the_preface_may_come_byte_by_byte() {
    let mut peer = Peer::of_new_server(&Limits::DEFAULT);
    peer.written();
    let preface = [&PREFACE[..], &settings(&[])].concat();
    let mut waiting = Vec::new();
    for byte in &preface {
        waiting.push(*byte);
        let mut input = &waiting[..];
        assert!(peer.connection.next_event(START, &mut input).is_none());
        waiting = input.to_vec();
    }
    assert_eq!(peer.written(), ["SETTINGS ack"]);
}

#[test]
fn section_3_4_the_first_frame_must_be_settings() {
    let unknown = wire::frame(0xbe, 0, 0, b"");
    for first in [wire::ping(b"12345678"), settings_ack(), wire::window_update(0, 1), unknown] {
        let mut server = Peer::of_new_server(&Limits::DEFAULT);
        server.expect_connection_error(&[&PREFACE[..], &first].concat(), "PROTOCOL_ERROR");
        let mut client = Peer::of_new_client(&Limits::DEFAULT);
        client.expect_connection_error(&first, "PROTOCOL_ERROR");
    }
}

#[test]
fn section_6_5_3_preface_settings_and_acknowledgement_have_ten_seconds() {
    let deadline = START + Limits::DEFAULT.preface_timeout;
    for preface in [vec![], PREFACE.to_vec(), [&PREFACE[..], &settings(&[])].concat()] {
        let mut peer = Peer::of_new_server(&Limits::DEFAULT);
        peer.send(&preface);
        peer.written();
        assert_eq!(peer.connection.next_timeout(), Some(deadline));
        peer.connection.handle_timeout(deadline - std::time::Duration::from_nanos(1));
        assert!(!peer.connection.is_closed());
        peer.connection.handle_timeout(deadline);
        peer.expect_connection_error(&[], "SETTINGS_TIMEOUT");
        assert_eq!(peer.connection.next_timeout(), None);
    }
    assert_eq!(Peer::of_server().connection.next_timeout(), None);
    assert_eq!(Peer::of_client().connection.next_timeout(), None);
}
