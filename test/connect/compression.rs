//! "Content-Encoding", "Connect-Content-Encoding", and what a client accepts.
#![cfg(feature = "gzip")]

use agora::gzip;

use super::*;

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    gzip::compress(bytes, &mut out).unwrap();
    out
}

fn expanded(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    gzip::expand(bytes, 1 << 24, &mut out).unwrap();
    out
}

/// An echo of many bytes.
fn large() -> Vec<u8> {
    [&b"\x0a\x80\x20"[..], &[b'a'; 4096]].concat()
}

#[test]
fn a_unary_message_may_be_compressed_both_ways() {
    let request = Request::post(ECHO, "application/proto", &compressed(&large()));
    let request = request.with("content-encoding", "gzip").with("accept-encoding", "br, gzip");
    let (seen, response) = request.echo();
    assert_eq!(seen.messages, [large()]);
    assert_eq!(response.field("content-encoding"), Some("gzip"));
    assert!(response.body.len() < 200);
    assert_eq!(expanded(&response.body), large());
}

#[test]
fn a_response_is_compressed_only_if_asked_for_and_worth_it() {
    let plain =
        Request::post(ECHO, "application/proto", &large()).with("content-encoding", "identity");
    let (_, response) = plain.echo();
    assert_eq!((response.field("content-encoding"), &response.body), (None, &large()));
    let small = Request::post(ECHO, "application/proto", HI).with("accept-encoding", "gzip");
    let (_, response) = small.echo();
    assert_eq!((response.field("content-encoding"), &response.body[..]), (None, HI));
}

#[test]
fn messages_of_a_stream_say_whether_they_are_compressed() {
    let body = [envelope(1, &compressed(&large())), envelope(0, HI)].concat();
    let request = Request::post(ECHO_STREAM, "application/connect+proto", &body);
    let request = request.with("connect-content-encoding", "gzip");
    let (seen, response) = request.with("connect-accept-encoding", "gzip").echo();
    assert_eq!(seen.messages, [large(), HI.to_vec()]);
    assert_eq!(response.field("connect-content-encoding"), Some("gzip"));
    assert_eq!(response.field("content-encoding"), None);
    let envelopes = response.envelopes();
    assert_eq!(envelopes.iter().map(|(flags, _)| *flags).collect::<Vec<_>>(), [1, 0, 2]);
    assert_eq!(expanded(&envelopes[0].1), large());
}

#[test]
fn the_message_of_a_get_may_be_compressed() {
    let text: String = compressed(HI).iter().map(|byte| format!("%{byte:02x}")).collect();
    let query = format!("encoding=proto&compression=gzip&message={text}");
    assert_eq!(Request::get(ECHO, &query).echo().0.messages, [HI]);
}

/// "Error Codes": UNIMPLEMENTED, with the encodings that there are.
#[test]
fn an_unknown_encoding_is_refused_with_those_that_are_known() {
    let request = Request::post(ECHO, "application/proto", HI);
    let response = request.with("content-encoding", "zstd").refused();
    assert_eq!((response.status, response.field("accept-encoding")), (501, Some("gzip, identity")));
    let words = r#"{"code":"unimplemented","message":"the encoding \"zstd\" is unknown; supported: gzip, identity"}"#;
    assert_eq!(response.text(), words);
    let request = Request::post(ECHO_STREAM, "application/connect+proto", &envelope(0, HI));
    let response = request.with("connect-content-encoding", "zstd").refused();
    assert_eq!(response.field("connect-accept-encoding"), Some("gzip, identity"));
    assert!(response.end().contains("unimplemented"));
}

#[test]
fn a_bomb_is_refused_at_the_limit() {
    let limits = Limits { max_message_bytes: 100_000, ..Limits::DEFAULT };
    for bomb in [compressed(&vec![0; 100_001]), compressed(&vec![0; 10_000_000])] {
        let request =
            Request::post(ECHO, "application/proto", &bomb).with("content-encoding", "gzip");
        let (_, response) =
            request.within(&limits, usize::MAX, |_| panic!("the method was called"));
        assert_eq!(response.status, 429);
        assert!(
            response.text().contains("expands to more than 100000 bytes"),
            "{}",
            response.text()
        );
    }
}

#[test]
fn damaged_compression_is_an_invalid_argument() {
    let mut body = compressed(&large());
    body.pop();
    let request = Request::post(ECHO, "application/proto", &body).with("content-encoding", "gzip");
    let response = request.refused();
    assert_eq!(response.status, 400);
}
