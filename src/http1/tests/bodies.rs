//! Bodies of requests, and the tricks to smuggle one request inside another (RFC 9112 sections 6, 7,
//! 11.2).

use super::*;

fn chunked(body: &str) -> Vec<u8> {
    [&get_with("transfer-encoding: chunked\r\n"), body.as_bytes()].concat()
}

/// Section 6.3, rules 6 and 7: a body has the length that is said, and none without one.
#[test]
fn a_body_by_length() {
    assert_served(&[&get_with("content-length: 5\r\n")[..], b"12345"].concat());
    assert_served(&get_with("content-length: 0\r\n"));
    assert_served(&[&get_with("content-length: 00005\r\n")[..], b"GET /"].concat());
}

/// Section 6.3, rule 5: a length that is not one number is an error that nobody can recover from.
#[test]
fn an_invalid_length_is_refused() {
    for value in [
        "",
        "-1",
        "+5",
        "0x5",
        "5 5",
        "5,5",
        "5, 5",
        "5;",
        "5.0",
        "\u{665}",
        "1_0",
        "18446744073709551616",
        "99999999999999999999999",
    ] {
        assert_refused(&get_with(&format!("content-length: {value}\r\n")), 400);
    }
}

/// Section 6.3, rule 5: two lengths, which another implementation may read in another order.
#[test]
fn two_lengths_are_refused() {
    for (one, other) in [("5", "5"), ("5", "6"), ("0", "44")] {
        let lines = format!("content-length: {one}\r\nContent-Length: {other}\r\n");
        assert_refused(&get_with(&lines), 400);
    }
}

/// Section 6.3, rule 3: a length and a coding ought to be handled as an error.
#[test]
fn a_length_beside_a_coding_is_refused() {
    for lines in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "transfer-encoding: identity\r\ncontent-length: 5\r\n",
        "transfer-encoding:\r\ncontent-length: 5\r\n",
    ] {
        assert_refused(&get_with(lines), 400);
    }
}

/// Section 6.1: `chunked` is the last coding and is there once; an unknown coding is not implemented.
#[test]
fn transfer_codings() {
    for (value, status) in [
        ("gzip, chunked", 501),
        ("gzip", 501),
        ("identity", 501),
        ("xchunked", 501),
        ("chunked;q=1", 501),
        ("\"chunked\"", 501),
        ("chunked, gzip", 400),
        ("chunked, chunked", 400),
        ("chunked, identity", 400),
        ("", 400),
    ] {
        assert_refused(&get_with(&format!("transfer-encoding: {value}\r\n")), status);
    }
    assert_refused(&get_with("transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n"), 400);
    assert_refused(&get_with("transfer-encoding: chunked\r\ntransfer-encoding: x\r\n"), 400);
    // Other names are other fields, whatever an implementation in front takes them for.
    for line in ["transfer_encoding: chunked", "xtransfer-encoding: chunked"] {
        assert_served(&get_with(&format!("{line}\r\n")));
    }
    assert_refused(&get_with("transfer-encoding : chunked\r\n"), 400);
    assert_refused(&get_with("transfer-encoding:\x0bchunked\r\n"), 400);
    // Names of codings are not case-sensitive (section 7).
    assert_served(&[&get_with("transfer-encoding: Chunked\r\n")[..], b"0\r\n\r\n"].concat());
}

/// Section 6.1: a coding in HTTP/1.0 means a faulty sender.
#[test]
fn a_coding_in_http_1_0_is_refused() {
    assert_refused(b"GET /a HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", 400);
}

/// Section 7.1.
#[test]
fn a_body_in_chunks() {
    for body in [
        "0\r\n\r\n",
        "5\r\n12345\r\n0\r\n\r\n",
        "a\r\n0123456789\r\n0000A\r\n0123456789\r\n000\r\n\r\n",
        "7\r\n\r\nGET /\r\n0\r\n\r\n",
    ] {
        assert_served(&chunked(body));
    }
}

/// Section 7.1: a size is hexadecimal digits, and chunks end in CR LF.
#[test]
fn malformed_chunks_are_refused() {
    for body in [
        "\r\n",
        "x\r\n",
        "-1\r\n",
        "+1\r\n",
        "0x1\r\n",
        " 1\r\n",
        "1 \r\n",
        "1_0\r\n",
        "1 1\r\n",
        "1\n1\n",
        "1\r1\r\n",
        "1\r\n12\r\n",
        "2\r\n1\r\n0\r\n",
        "1\r\n1\n0\r\n\r\n",
        "1\r\n1\r0",
        "10000000000000000\r\n",
        "fffffffffffffffff\r\n",
        "1;\0\r\n",
        "1;a=\x7f\r\n",
    ] {
        let mut peer = Peer::new(&Limits::DEFAULT);
        peer.answers = false;
        peer.send(&[chunked(body), get_with("")].concat());
        assert_eq!(peer.take_statuses(), [400], "{body:?}");
        assert_eq!(peer.events(), ["/a", "cancelled CANCELLED"], "{body:?}");
        assert!(peer.connection.is_closed());
    }
}

/// Section 7.1.1: extensions are ignored, and bounded.
#[test]
fn extensions_of_chunks_are_ignored_and_bounded() {
    let max = Limits::DEFAULT.max_chunk_line_bytes;
    let line = |len: usize| format!("1;{}\r\n1\r\n0\r\n\r\n", "a".repeat(len - 2));
    assert_served(&chunked("1 ; a=\"b\"\r\n1\r\n0;c\r\n\r\n"));
    assert_served(&chunked(&line(max)));
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.answers = false;
    peer.send(&chunked(&line(max + 1)));
    assert_eq!(peer.take_statuses(), [400]);
}

/// Section 7.1.2: trailers are dropped, must be fields, and are bounded like those of a head.
#[test]
fn trailers_are_checked_and_dropped() {
    assert_served(&chunked("0\r\nhost: y\r\ncontent-length: 7\r\n\r\n"));
    let limits = &Limits::DEFAULT;
    for (trailers, status) in [
        (" a: b\r\n".to_owned(), 400),
        ("a : b\r\n".to_owned(), 400),
        ("a: b\r\n".repeat(limits.max_header_fields + 1), 431),
        (format!("a: {}\r\n", "b".repeat(limits.max_header_list_bytes as usize)), 431),
    ] {
        let mut peer = Peer::new(limits);
        peer.answers = false;
        peer.send(&chunked(&format!("0\r\n{trailers}\r\n")));
        assert_eq!(peer.take_statuses(), [status]);
    }
}

/// A body that has no meaning is dropped up to a limit; beyond it the request is refused.
#[test]
fn a_long_body_of_a_request_that_needs_none_is_refused() {
    let max = Limits::DEFAULT.max_dropped_body_bytes;
    let body = |len: usize| {
        [&get_with(&format!("content-length: {len}\r\n")), &vec![b'x'; len][..]].concat()
    };
    assert_served(&body(max));
    assert_refused(&body(max + 1), 413);
    // In chunks the length is not known before: a request that is answered by then is no longer refused.
    let chunk = format!("{max:x}\r\n{}\r\n0\r\n\r\n", "x".repeat(max));
    for (answers, status) in [(true, 200), (false, 413)] {
        let mut peer = Peer::new(&Limits::DEFAULT);
        peer.answers = answers;
        peer.send(&chunked(""));
        peer.send(chunk.as_bytes());
        assert_eq!((peer.take_statuses(), peer.connection.is_closed()), (vec![status], true));
    }
}

/// The message of a call by GET is in its target: its body is one that has no meaning, too.
#[test]
fn a_long_body_of_a_call_by_get_is_refused() {
    let max = Limits::DEFAULT.max_dropped_body_bytes;
    let head = |lines: &str| {
        let target = "/agora.bench.v1.EchoService/Echo?encoding=proto&message=%0a%01a&connect=v1";
        format!("GET {target} HTTP/1.1\r\nhost: x\r\n{lines}\r\n").into_bytes()
    };
    let begun = ["call /agora.bench.v1.EchoService/Echo", "message \\n\\x01a true"];
    let refused = [&begun[..], &["cancelled CANCELLED"]].concat();
    for (body, is_served) in [
        ([&head(&format!("content-length: {max}\r\n"))[..], &vec![b'x'; max]].concat(), true),
        (head(&format!("content-length: {}\r\n", max + 1)), false),
        (
            [&head("transfer-encoding: chunked\r\n")[..], b"fffff\r\n", &vec![b'x'; max]].concat(),
            false,
        ),
    ] {
        let mut peer = Peer::new(&Limits::DEFAULT);
        peer.answers = false;
        peer.send(&body);
        assert_eq!(peer.events(), if is_served { &begun[..] } else { &refused[..] });
        assert_eq!(peer.take_statuses(), if is_served { vec![] } else { vec![413] });
        assert_eq!(peer.connection.is_closed(), !is_served);
    }
}

/// RFC 9110 section 10.1.1: a client that waits for 100 gets it, unless its body has begun or the
/// request is refused.
#[test]
fn a_client_that_waits_may_send_its_body() {
    let head = get_with("content-length: 5\r\nexpect: 100-continue\r\n");
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.answers = false;
    peer.send(&head);
    assert_eq!(peer.take_output(), "HTTP/1.1 100 Continue\r\n\r\n");
    peer.answers = true;
    peer.send(b"12345");
    assert_eq!(peer.take_statuses(), [200]);
    peer.send(&[&head[..], b"12345"].concat());
    assert_eq!(peer.take_statuses(), [200]);

    let post = "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nexpect: 100-Continue\r\n\r\n";
    peer.send(post.as_bytes());
    assert_eq!(peer.take_statuses(), [415]);
    // The client may send its body or leave it out, so that nothing behind can be understood.
    assert!(peer.connection.is_closed());
    // HTTP/1.0 does not know it.
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.answers = false;
    peer.send(b"GET /a HTTP/1.0\r\ncontent-length: 5\r\nexpect: 100-continue\r\n\r\n");
    assert_eq!(peer.take_output(), "");
}
