//! RFC 9113 section 8: well-formed and malformed requests and responses.

use crate::peer::{Peer, REQUEST, RESPONSE};
use crate::wire::{END_STREAM, data, rst_stream};

/// Ordinary request fields with these behind them.
fn request_with(extra: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    REQUEST.iter().chain(extra).copied().collect()
}

#[track_caller]
fn expect_malformed_request(fields: &[(&str, &str)]) {
    let mut peer = Peer::of_server();
    let request = peer.headers(1, fields, END_STREAM);
    peer.expect_stream_error(&request, 1, "PROTOCOL_ERROR");
}

#[track_caller]
fn expect_request(fields: &[(&str, &str)]) {
    let mut peer = Peer::of_server();
    let request = peer.headers(1, fields, 0);
    let events = peer.send(&request);
    assert!(events.len() == 1 && events[0].starts_with("headers 1"), "{fields:?}: {events:?}");
}

#[track_caller]
fn expect_malformed_response(fields: &[(&str, &str)], flags: u8) {
    let mut peer = Peer::of_open_response();
    let response = peer.headers(1, fields, flags);
    peer.expect_stream_error(&response, 1, "PROTOCOL_ERROR");
    assert_eq!(peer.connection.open_streams(), 0);
}

#[test]
fn section_8_1_a_message_is_headers_data_and_trailers() {
    let mut peer = Peer::of_server();
    let frames = [
        peer.headers(1, &REQUEST, 0),
        data(1, b"con", 0),
        data(1, b"tent", 0),
        peer.headers(1, &[("checksum", "7")], END_STREAM),
    ];
    let expected = [
        "headers 1 :method=POST :scheme=http :path=/echo :authority=here",
        r#"data 1 "con""#,
        r#"data 1 "tent""#,
        "trailers 1 checksum=7",
    ];
    assert_eq!(peer.send(&frames.concat()), expected);
}

#[test]
fn section_8_1_a_second_block_without_end_stream_is_malformed() {
    let mut peer = Peer::of_open_request();
    let second = peer.headers(1, &[("x", "y")], 0);
    peer.expect_stream_error(&second, 1, "PROTOCOL_ERROR");
    let mut peer = Peer::of_open_response();
    let response = peer.headers(1, &RESPONSE, 0);
    peer.send(&response);
    let second = peer.headers(1, &RESPONSE, 0);
    peer.expect_stream_error(&second, 1, "PROTOCOL_ERROR");
}

#[test]
fn section_8_1_a_response_does_not_begin_with_data() {
    let mut peer = Peer::of_open_response();
    peer.expect_stream_error(&data(1, b"x", 0), 1, "PROTOCOL_ERROR");
}

#[test]
fn section_8_1_informational_responses_come_before_the_final_one() {
    let mut peer = Peer::of_open_response();
    let early =
        [peer.headers(1, &[(":status", "100")], 0), peer.headers(1, &[(":status", "103")], 0)];
    assert_eq!(peer.send(&early.concat()), [""; 0]);
    let response = peer.headers(1, &RESPONSE, 0);
    assert_eq!(peer.send(&response), ["headers 1 :status=200"]);
    let late = peer.headers(1, &[(":status", "100")], 0);
    peer.expect_stream_error(&late, 1, "PROTOCOL_ERROR");
}

#[test]
fn section_8_1_an_informational_response_with_end_stream_is_malformed() {
    expect_malformed_response(&[(":status", "100")], END_STREAM);
}

#[test]
fn section_8_1_a_server_may_answer_before_the_request_is_whole() {
    let mut peer = Peer::of_client();
    let stream = peer.open(&REQUEST, false);
    let answer = [peer.headers(1, &RESPONSE, END_STREAM), rst_stream(1, 0)];
    let events = peer.send(&answer.concat());
    assert_eq!(events, ["headers 1 :status=200 end", "reset 1 NO_ERROR by peer"]);
    assert!(peer.connection.send_data(stream, &[b"x"], true).is_err());
}

#[test]
fn section_8_1_1_content_length_is_the_content() {
    let length = [("content-length", "5")];
    for (content, flags, is_right) in [
        ("12345", END_STREAM, true),
        ("1234", END_STREAM, false),
        ("123456", 0, false),
        ("", END_STREAM, false),
    ] {
        let mut peer = Peer::of_server();
        let request = peer.headers(1, &request_with(&length), 0);
        peer.send(&request);
        let content = data(1, content.as_bytes(), flags);
        if is_right {
            assert_eq!(peer.send(&content), [r#"data 1 "12345" end"#]);
        } else {
            peer.expect_stream_error(&content, 1, "PROTOCOL_ERROR");
        }
    }
}

#[test]
fn section_8_1_1_trailers_end_the_content_too() {
    for (content, is_right) in [("12345", true), ("1234", false)] {
        let mut peer = Peer::of_server();
        let request = peer.headers(1, &request_with(&[("content-length", "5")]), 0);
        peer.send(&request);
        peer.send(&data(1, content.as_bytes(), 0));
        let trailers = peer.headers(1, &[("x", "y")], END_STREAM);
        if is_right {
            assert_eq!(peer.send(&trailers), ["trailers 1 x=y"]);
        } else {
            peer.expect_stream_error(&trailers, 1, "PROTOCOL_ERROR");
        }
    }
}

#[test]
fn section_8_1_1_a_length_without_content_is_malformed() {
    expect_malformed_request(&request_with(&[("content-length", "1")]));
    expect_malformed_response(&[(":status", "200"), ("content-length", "1")], END_STREAM);
}

#[test]
fn section_8_1_1_content_length_is_one_number() {
    for bad in ["", "-1", "+1", "1a", "0x1", "1,1", "18446744073709551616"] {
        expect_malformed_request(&[REQUEST.as_slice(), &[("content-length", bad)]].concat());
    }
    expect_malformed_request(&request_with(&[("content-length", "1"), ("content-length", "2")]));
    expect_request(&request_with(&[("content-length", "1"), ("content-length", "1")]));
}

#[test]
fn section_8_1_1_some_responses_have_a_length_but_no_content() {
    for (status, method) in [("204", "POST"), ("304", "POST"), ("200", "HEAD")] {
        let mut peer = Peer::of_client();
        let mut request = REQUEST;
        request[0].1 = method;
        peer.open(&request, true);
        let response =
            peer.headers(1, &[(":status", status), ("content-length", "99")], END_STREAM);
        assert_eq!(peer.send(&response).len(), 1, "{status} to {method}");

        peer.open(&request, true);
        let response = peer.headers(3, &[(":status", status)], 0);
        peer.send(&response);
        peer.expect_stream_error(&data(3, b"content", 0), 3, "PROTOCOL_ERROR");
    }
}

#[test]
fn section_8_2_names_in_capitals_are_malformed() {
    expect_malformed_request(&request_with(&[("X-Capital", "v")]));
    expect_malformed_request(&request_with(&[("x-capitaL", "v")]));
    expect_malformed_response(&[(":status", "200"), ("Server", "v")], 0);
}

#[test]
fn section_8_2_1_names_with_forbidden_characters_are_malformed() {
    for byte in (0..=0x20u8).chain([b':', b'"', b'(', b',', b'/', b'@', b'[', b'{', 0x7f]) {
        let name = format!("x{}y", char::from(byte));
        expect_malformed_request(&[REQUEST.as_slice(), &[(&name, "v")]].concat());
    }
    expect_malformed_request(&request_with(&[("caf\u{e9}", "v")]));
    expect_malformed_request(&request_with(&[("", "v")]));
    expect_request(&request_with(&[("!#$%&'*+-.^_`|~09az", "v")]));
}

#[test]
fn section_8_2_1_values_with_control_characters_are_malformed() {
    for byte in (0..0x20u8).filter(|&byte| byte != b'\t').chain([0x7f]) {
        for value in [format!("a{}b", char::from(byte)), char::from(byte).to_string()] {
            expect_malformed_request(&[REQUEST.as_slice(), &[("x", &value)]].concat());
        }
    }
    expect_request(&request_with(&[("x", "tab\tand \u{fc}ber"), ("y", "")]));
}

#[test]
fn section_8_2_1_values_with_white_space_around_are_malformed() {
    for value in [" a", "a ", "\ta", "a\t", " ", "\t"] {
        expect_malformed_request(&[REQUEST.as_slice(), &[("x", value)]].concat());
    }
}

#[test]
fn section_8_2_2_connection_specific_fields_are_malformed() {
    for name in ["connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade"] {
        expect_malformed_request(&[REQUEST.as_slice(), &[(name, "x")]].concat());
        expect_malformed_response(&[(":status", "200"), (name, "x")], 0);
    }
}

#[test]
fn section_8_2_2_te_is_trailers_or_absent() {
    expect_request(&request_with(&[("te", "trailers")]));
    for value in ["gzip", "trailers, gzip", "trailers;q=0.5", ""] {
        expect_malformed_request(&[REQUEST.as_slice(), &[("te", value)]].concat());
    }
}

#[test]
fn section_8_3_pseudo_header_fields_come_first() {
    let [method, scheme, path, authority] = REQUEST;
    expect_malformed_request(&[method, scheme, ("x", "y"), path, authority]);
    expect_malformed_response(&[("x", "y"), (":status", "200")], 0);
}

#[test]
fn section_8_3_pseudo_header_fields_come_once() {
    for field in REQUEST {
        expect_malformed_request(&[REQUEST.as_slice(), &[field]].concat());
    }
    expect_malformed_response(&[(":status", "200"), (":status", "200")], 0);
}

#[test]
fn section_8_3_only_defined_pseudo_header_fields_are_taken() {
    for name in [":status", ":protocol", ":unknown", ":", ":Method"] {
        expect_malformed_request(&[REQUEST.as_slice(), &[(name, "200")]].concat());
    }
    for name in [":method", ":path", ":unknown"] {
        expect_malformed_response(&[(":status", "200"), (name, "x")], 0);
    }
}

#[test]
fn section_8_3_trailers_have_no_pseudo_header_fields() {
    let mut peer = Peer::of_open_request();
    let trailers = peer.headers(1, &[(":path", "/other")], END_STREAM);
    peer.expect_stream_error(&trailers, 1, "PROTOCOL_ERROR");
    let mut peer = Peer::of_open_response();
    let response = [peer.headers(1, &RESPONSE, 0), peer.headers(1, &RESPONSE, END_STREAM)];
    peer.expect_stream_error(&response.concat(), 1, "PROTOCOL_ERROR");
}

#[test]
fn section_8_3_1_method_scheme_and_path_are_mandatory() {
    for missing in 0..3 {
        let mut fields = REQUEST.to_vec();
        fields.remove(missing);
        expect_malformed_request(&fields);
    }
    expect_request(&REQUEST[..3]);
    expect_malformed_request(&[]);
}

#[test]
fn section_8_3_1_an_empty_path_is_malformed() {
    expect_malformed_request(&[(":method", "GET"), (":scheme", "http"), (":path", "")]);
    expect_malformed_request(&[(":method", "GET"), (":scheme", "https"), (":path", "")]);
    expect_malformed_request(&[(":method", ""), (":scheme", "http"), (":path", "/")]);
    expect_request(&[(":method", "OPTIONS"), (":scheme", "http"), (":path", "*")]);
    expect_request(&[(":method", "GET"), (":scheme", "urn"), (":path", "")]);
}

#[test]
fn section_8_3_1_host_equals_authority() {
    expect_malformed_request(&request_with(&[("host", "elsewhere")]));
    expect_malformed_request(&request_with(&[("host", "here"), ("host", "here")]));
    expect_request(&request_with(&[("host", "HERE")]));
    let [method, scheme, path, _] = REQUEST;
    expect_request(&[method, scheme, path, ("host", "elsewhere")]);
    let with_user = (":authority", "me:secret@here");
    expect_malformed_request(&[method, scheme, path, with_user]);
    expect_malformed_request(&[method, (":scheme", "https"), path, with_user]);
    expect_request(&[method, (":scheme", "ftp"), path, with_user]);
}

#[test]
fn section_8_3_2_a_response_has_one_status_of_three_digits() {
    expect_malformed_response(&[("x", "y")], 0);
    for status in ["", "20", "2000", "2x0", "099", " 200", "+20"] {
        expect_malformed_response(&[(":status", status)], 0);
    }
}

#[test]
fn section_8_5_connect_has_an_authority_only() {
    let connect = (":method", "CONNECT");
    expect_request(&[connect, (":authority", "there:80")]);
    expect_malformed_request(&[connect]);
    expect_malformed_request(&[connect, (":authority", "there:80"), (":path", "/")]);
    expect_malformed_request(&[connect, (":authority", "there:80"), (":scheme", "http")]);
}

#[test]
fn section_8_6_status_101_does_not_exist() {
    expect_malformed_response(&[(":status", "101")], 0);
}

#[test]
fn a_malformed_request_opens_no_stream() {
    let mut peer = Peer::of_server();
    let bad = peer.headers(1, &[("x", "y")], 0);
    assert_eq!(peer.send(&bad), [""; 0]);
    assert_eq!(peer.connection.open_streams(), 0);
    assert_eq!(peer.send(&data(1, b"under way", END_STREAM)), [""; 0]);
}
