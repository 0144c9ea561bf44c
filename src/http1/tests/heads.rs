//! Request lines, targets, fields and hosts (RFC 9112 sections 2, 3, 5; RFC 9110 where it is named).

use super::*;

fn first_line(line: &str) -> Vec<u8> {
    format!("{line}\r\nhost: x\r\n\r\n").into_bytes()
}

/// Section 3: method, target and version with one space between each.
#[test]
fn a_request_line_has_three_parts() {
    assert_served(&first_line("GET /a HTTP/1.1"));
    for line in [
        "GET  /a HTTP/1.1",
        "GET /a  HTTP/1.1",
        " GET /a HTTP/1.1",
        "GET /a HTTP/1.1 ",
        "GET\t/a\tHTTP/1.1",
        "GET /a",
        "GET /a b HTTP/1.1",
        "G(T /a HTTP/1.1",
        "GET /a HTTP",
        "GET /a http/1.1",
        "GET /a HTTP/1.1.1",
        "GET /a HTTP/x.1",
        "GET /a HTTP/11",
        "GET /a HTTP/1.\u{661}",
    ] {
        assert_refused(&first_line(line), 400);
    }
}

/// Section 2.2: an empty line before a request is ignored, more than two are not.
#[test]
fn empty_lines_before_a_request_are_ignored_if_they_are_few() {
    assert_served(b"\r\nGET /a HTTP/1.1\r\nhost: x\r\n\r\n\r\n");
    assert_refused(b"\r\n\r\n\r\nGET /a HTTP/1.1\r\nhost: x\r\n\r\n", 400);
}

/// Section 2.2: a line ends in CR LF; a bare CR is refused, and so is a bare LF, which a recipient need
/// not accept.
#[test]
fn a_bare_cr_or_lf_is_refused() {
    for bytes in [
        &b"GET /a HTTP/1.1\nhost: x\n\n"[..],
        b"GET /a HTTP/1.1\r\nhost: x\n\r\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\n\n",
        b"GET /a HTTP/1.1\r\nhost: x\r\na: b\rc: d\r\n\r\n",
        b"GET /a\r HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET /a HTTP/1.1\r\r\nhost: x\r\n\r\n",
        b"GET /a HTTP/1.1\rhost: x\r\r",
    ] {
        assert_refused(bytes, 400);
    }
}

/// Section 2.3, RFC 9110 section 2.5: a higher minor version is the same protocol; another major
/// version is not.
#[test]
fn versions() {
    assert_served(&first_line("GET /a HTTP/1.9"));
    for line in ["GET /a HTTP/2.0", "GET /a HTTP/3.0", "GET /a HTTP/0.9", "PRI * HTTP/2.0"] {
        assert_refused(&first_line(line), 505);
    }
}

/// RFC 9110 section 9.1: an unknown method is not implemented, a known one that no path has is not
/// allowed, and `allow` names those that are. Methods are case-sensitive.
#[test]
fn methods() {
    for (method, status) in [
        ("PUT", 405),
        ("DELETE", 405),
        ("TRACE", 405),
        ("PATCH", 405),
        ("BREW", 501),
        ("get", 501),
        ("OPTIONS", 204),
    ] {
        let (statuses, events, closed) = outcome(&first_line(&format!("{method} /a HTTP/1.1")));
        assert_eq!((statuses, events.len(), closed), (vec![status], 0, false), "{method}");
    }
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.send(&first_line("PUT /a HTTP/1.1"));
    assert!(peer.take_output().contains("\r\nallow: GET, HEAD, POST, OPTIONS\r\n"));
}

/// Section 3.2.1: the origin form; the path and the query are reported as they are.
#[test]
fn a_target_is_a_path_and_a_query() {
    let (_, events, _) = outcome(
        b"GET /a%20b?c=d?e HTTP/1.1\r\nhost: x\r\naccept: text/html\r\nif-none-match: \"1\"\r\n\r\n",
    );
    assert_eq!(events, ["/a%20b c=d?e text/html \"1\""]);
    assert_eq!(outcome(&first_line("GET /? HTTP/1.1")).1, ["/"]);
    for target in ["a", "", "*", "/a#b", "/a\u{e9}", "/\u{1}", "//\u{7f}", "?a"] {
        assert_refused(&first_line(&format!("GET {target} HTTP/1.1")), 400);
    }
}

/// Section 3.2.2: a server accepts the absolute form, and its host replaces the field; RFC 9110 section
/// 4.2: no other scheme, no empty host, no user.
#[test]
fn a_target_in_absolute_form_is_accepted() {
    for (target, event) in [
        ("http://x/a?b", "/a b"),
        ("HTTP://y:80/a", "/a"),
        ("https://[::1]:443", "/"),
        ("http://x?b", "/ b"),
    ] {
        assert_eq!(outcome(&first_line(&format!("GET {target} HTTP/1.1"))).1, [event], "{target}");
    }
    for target in ["ftp://x/", "http:///a", "http://u@x/", "http://x:y/", "http:x", "http://x y/"] {
        assert_refused(&first_line(&format!("GET {target} HTTP/1.1")), 400);
    }
    // The field must be there all the same, and be one.
    assert_refused(b"GET http://x/a HTTP/1.1\r\n\r\n", 400);
    assert_refused(b"GET http://x/a HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n", 400);
    assert_refused(b"GET http://x/a HTTP/1.1\r\nhost: u@x\r\n\r\n", 400);
}

/// Section 3.2.3: the authority form is for CONNECT alone, which an origin server does not do; 3.2.4: the
/// asterisk form is for OPTIONS alone.
#[test]
fn the_forms_of_connect_and_options() {
    for (line, status) in [
        ("OPTIONS * HTTP/1.1", 204),
        ("OPTIONS http://x HTTP/1.1", 204),
        ("CONNECT x:443 HTTP/1.1", 405),
    ] {
        assert_eq!(outcome(&first_line(line)).0, [status], "{line}");
    }
    for line in ["CONNECT /a HTTP/1.1", "CONNECT x HTTP/1.1", "HEAD * HTTP/1.1", "GET x:1 HTTP/1.1"]
    {
        assert_refused(&first_line(line), 400);
    }
}

/// Section 3.2: a request of HTTP/1.1 has one valid host.
#[test]
fn a_request_has_one_host() {
    for host in ["x", "x:80", "127.0.0.1:8080", "[::1]", "[::1]:80", "", "a-b.c_d"] {
        assert_served(format!("GET /a HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes());
    }
    for fields in [
        "",
        "host: x\r\nhost: x\r\n",
        "host: x\r\nhost: y\r\n",
        "host: x, y\r\nHOST: x\r\n",
        "host: x/y\r\n",
        "host: u@x\r\n",
        "host: x:y\r\n",
        "host: [::1\r\n",
        "host: x y\r\n",
        "host: x:123456\r\n",
    ] {
        assert_refused(format!("GET /a HTTP/1.1\r\n{fields}\r\n").as_bytes(), 400);
    }
    // HTTP/1.0 knows no host.
    let old = outcome(b"GET /a HTTP/1.0\r\n\r\n");
    assert_eq!((old.0, old.2), (vec![200], true));
    assert_refused(b"GET /a HTTP/1.0\r\nhost: x\r\nhost: x\r\n\r\n", 400);
}

/// Section 5: names are not case-sensitive, and white space around a value does not belong to it.
#[test]
fn fields() {
    let (_, events, _) = outcome(&get_with("ACCEPT:\t text/plain \t\r\nx:\r\n"));
    assert_eq!(events, ["/a  text/plain"]);
    assert_served(&get_with("x: obs-text \u{e9}, a\tb\r\n"));
}

/// Section 5.1: no white space between a name and its colon; 5.2: no folded lines; RFC 9110 section 5.5:
/// no control characters in values; 5.1: a name is a token.
#[test]
fn malformed_fields_are_refused() {
    for line in [
        "a : b",
        "a\t: b",
        " a: b",
        "\ta: b",
        "a",
        ": b",
        "a b: c",
        "a: \0",
        "a: \u{1}",
        "a: \u{7f}",
        "a\0: b",
        "a\u{e9}: b",
        "a: b\r\n c",
        "a: b\r\n\tc",
        "a(b): c",
        "a\"b\": c",
    ] {
        assert_refused(&get_with(&format!("{line}\r\n")), 400);
    }
    // White space before the first field.
    assert_refused(b"GET /a HTTP/1.1\r\n host: x\r\nhost: x\r\n\r\n", 400);
}

/// Section 3: 414 for a target above the limit; section 5.4 of RFC 9110: 431 for fields above theirs.
#[test]
fn heads_above_the_limits_are_refused() {
    let limits = &Limits::DEFAULT;
    let path = |len: usize| format!("GET /{} HTTP/1.1", "a".repeat(len - "GET / HTTP/1.1".len()));
    assert_eq!(path(100).len(), 100);
    assert_served(&first_line(&path(limits.max_request_line_bytes)));
    assert_refused(&first_line(&path(limits.max_request_line_bytes + 1)), 414);

    let value = |len: usize| get_with(&format!("a: {}\r\n", "b".repeat(len)));
    // `host: x` and `a` take 5 and 1 bytes, and 32 more each.
    let most = limits.max_header_list_bytes as usize - 5 - 1 - 64;
    assert_served(&value(most));
    assert_refused(&value(most + 1), 431);
    assert_refused(&value(100_000), 431);

    let fields = |count: usize| get_with(&"a: b\r\n".repeat(count - 1));
    assert_served(&fields(limits.max_header_fields));
    assert_refused(&fields(limits.max_header_fields + 1), 431);
}

/// RFC 9110 section 7.8: a server may ignore `upgrade`; RFC 9113 section 3.1 has dropped `h2c`.
#[test]
fn an_upgrade_is_ignored() {
    assert_served(&get_with(
        "connection: upgrade, http2-settings\r\nupgrade: h2c\r\nhttp2-settings: AAAA\r\n",
    ));
}

/// RFC 9110 section 10.1.1.
#[test]
fn an_unknown_expectation_is_refused() {
    assert_refused(&get_with("expect: tea\r\n"), 417);
}

/// gRPC needs HTTP/2, and a POST that is no call is refused in words.
#[test]
fn posts_that_are_no_calls_are_refused_in_words() {
    for (kind, status, word) in [
        ("application/grpc", 505, "HTTP/2"),
        ("application/grpc+proto", 505, "HTTP/2"),
        ("text/xml", 415, "content-type"),
    ] {
        let mut peer = Peer::new(&Limits::DEFAULT);
        let head = format!("POST /a.B/C HTTP/1.1\r\nhost: x\r\ncontent-type: {kind}\r\n");
        peer.send(format!("{head}content-length: 5\r\n\r\n12345").as_bytes());
        let output = peer.take_output();
        assert_eq!(statuses(&output), [status]);
        assert!(output.contains(word), "{output}");
        // Its body was short: it is dropped, and the connection persists.
        assert!(!peer.connection.is_closed());
        peer.send(&get_with(""));
        assert_eq!(peer.take_statuses(), [200]);
    }
}
