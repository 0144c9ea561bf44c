//! Responses, persistence, pipelining and shutdown (RFC 9112 sections 4, 6, 9).

use super::*;
use crate::call::Code;

/// Sections 4 and 6.2; RFC 9110 section 6.6.1: a server with a clock sends the date.
#[test]
fn a_response() {
    let site = Arc::new(Site::default());
    site.set_time(784_111_777);
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.connection = ServerConnection::new(&Limits::DEFAULT, &site);
    peer.send(&get_with(""));
    assert_eq!(
        peer.take_output(),
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\n\
         x-content-type-options: nosniff\r\n\
         date: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-length: 2\r\n\r\nhi"
    );
}

/// Section 6.3, rule 1; RFC 9110 section 9.3.2: the fields of HEAD are those of GET.
#[test]
fn head_has_no_content() {
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.send(b"HEAD /a HTTP/1.1\r\nhost: x\r\n\r\n");
    let output = peer.take_output();
    assert!(output.ends_with("content-length: 2\r\n\r\n"), "{output}");
    // A refusal of a HEAD has none either.
    peer.send(b"HEAD /a HTTP/1.1\r\nhost: x\r\nhost: x\r\n\r\n");
    assert!(peer.take_output().ends_with("\r\n\r\n"));
}

/// Section 6.1 and RFC 9110 sections 15.3.5, 15.4.5: 204 and 304 have no content.
#[test]
fn some_statuses_have_no_content() {
    for status in [204, 304] {
        let mut peer = Peer::new(&Limits::DEFAULT);
        peer.answers = false;
        peer.send(&get_with(""));
        let call = peer.app.open[0];
        peer.connection.respond(call, &ResourceResponse::text(status, "hidden")).unwrap();
        let output = peer.take_output();
        assert!(!output.contains("hidden") && !output.contains("content-length"), "{output}");
        assert!(!peer.connection.is_closed());
    }
}

/// No value of a field begins another one.
#[test]
fn a_field_of_a_response_stays_one() {
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.answers = false;
    peer.send(&get_with(""));
    let mut response = ResourceResponse::text(200, "hi");
    response.fields.push(("etag", "a\r\nset-cookie: b".into()));
    peer.connection.respond(peer.app.open[0], &response).unwrap();
    assert!(peer.take_output().contains("\r\netag: aset-cookie: b\r\n"));
}

/// Section 9.3: HTTP/1.1 persists unless either side says `close`; HTTP/1.0 if it asks for it.
#[test]
fn persistence() {
    for (version, connection, persists, told) in [
        ("1.1", "", true, ""),
        ("1.1", "connection: keep-alive\r\n", true, ""),
        ("1.1", "connection: close\r\n", false, "connection: close\r\n"),
        ("1.1", "connection: TE, Close\r\n", false, "connection: close\r\n"),
        ("1.1", "connection: a\r\nconnection: close\r\n", false, "connection: close\r\n"),
        ("1.1", "connection: close, keep-alive\r\n", false, "connection: close\r\n"),
        ("1.0", "", false, "connection: close\r\n"),
        ("1.0", "connection: Keep-Alive\r\n", true, "connection: keep-alive\r\n"),
        ("1.0", "connection: keep-alive, close\r\n", false, "connection: close\r\n"),
    ] {
        let mut peer = Peer::new(&Limits::DEFAULT);
        let request = format!("GET /a HTTP/{version}\r\nhost: x\r\n{connection}\r\n");
        peer.send(request.as_bytes());
        let output = peer.take_output();
        assert_eq!(peer.connection.is_closed(), !persists, "{request}");
        assert_eq!(output.contains("connection: "), !told.is_empty(), "{output}");
        assert!(output.contains(told), "{output}");
        // Section 9.6: nothing behind the last request is handled.
        peer.send(&get_with(""));
        assert_eq!(peer.take_statuses().len(), usize::from(persists));
    }
}

/// Section 9.3.2: responses have the order of their requests, however late they are.
#[test]
fn pipelined_requests_are_answered_in_order() {
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.answers = false;
    let requests: String =
        (0..3).map(|n| format!("GET /{n} HTTP/1.1\r\nhost: x\r\n\r\n")).collect();
    peer.send(requests.as_bytes());
    for n in 0..3 {
        assert_eq!(peer.events(), [format!("/{n}")]);
        assert_eq!(peer.connection.open_calls(), 1);
        let call = peer.app.open.pop().unwrap();
        assert!(!peer.connection.has_events());
        peer.connection.respond(call, &ResourceResponse::text(200, format!("{n}"))).unwrap();
        assert!(peer.take_output().ends_with(&format!("{n}")));
        assert_eq!(peer.connection.has_events(), n < 2);
        peer.send(b"");
    }
    assert_eq!(peer.connection.open_calls(), 0);
}

/// What waits behind a request is bounded: beyond it nothing more is read.
#[test]
fn pipelined_bytes_are_bounded() {
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.answers = false;
    peer.send(&get_with(""));
    let max = Limits::DEFAULT.max_pipelined_bytes;
    peer.send(&vec![b'x'; max - 1]);
    assert!(peer.connection.wants_input());
    peer.send(b"x");
    assert!(!peer.connection.wants_input());
    assert!(!peer.connection.has_events());
}

/// Output that the client does not read is bounded: the next request waits.
#[test]
fn a_client_that_does_not_read_is_not_read() {
    let limits = Limits { send_high_water_bytes: 1000, ..Limits::DEFAULT };
    let mut peer = Peer::new(&limits);
    peer.answers = false;
    peer.send(&[get_with(""), get_with("")].concat());
    let call = peer.app.open.pop().unwrap();
    peer.connection.respond(call, &ResourceResponse::text(200, "x".repeat(2000))).unwrap();
    peer.send(b"");
    assert_eq!(peer.events().len(), 1);
    peer.connection.consume_output(1500);
    assert!(peer.connection.has_events());
    peer.send(b"");
    assert_eq!(peer.events().len(), 1);

    let limits = Limits { max_queued_output_bytes: 1000, ..Limits::DEFAULT };
    let mut peer = Peer::new(&limits);
    peer.answers = false;
    peer.send(&get_with(""));
    peer.connection
        .respond(peer.app.open[0], &ResourceResponse::text(200, "x".repeat(2000)))
        .unwrap();
    assert!(!peer.connection.wants_input());
    peer.connection.consume_output(1500);
    assert!(peer.connection.wants_input());
}

/// Section 9.6: a server that leaves says so in its last response.
#[test]
fn a_server_that_leaves() {
    let mut idle = Peer::new(&Limits::DEFAULT);
    idle.connection.go_away();
    assert!(idle.connection.is_closed() && idle.connection.output().is_empty());

    let mut busy = Peer::new(&Limits::DEFAULT);
    busy.answers = false;
    busy.send(&[get_with(""), get_with("")].concat());
    busy.connection.go_away();
    assert!(!busy.connection.is_closed());
    busy.answer_all();
    assert!(busy.take_output().contains("\r\nconnection: close\r\n"));
    assert!(busy.connection.is_closed());

    // A request that has begun to arrive is still answered.
    let mut begun = Peer::new(&Limits::DEFAULT);
    begun.send(b"GET /a HT");
    begun.connection.go_away();
    assert!(!begun.connection.is_closed());
    begun.send(b"TP/1.1\r\nhost: x\r\n\r\n");
    assert_eq!((begun.take_statuses(), begun.connection.is_closed()), (vec![200], true));
}

#[test]
fn a_connection_that_is_closed_answers_what_was_begun() {
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.answers = false;
    peer.send(&get_with(""));
    peer.connection.close(Code::Unavailable, "the server has shut down", &mut peer.app);
    let output = peer.take_output();
    assert!(output.starts_with("HTTP/1.1 503 ") && output.ends_with("the server has shut down\n"));
    assert!(
        output.contains("\r\nconnection: close\r\n") && output.contains("\r\nretry-after: 1\r\n")
    );
    assert_eq!(peer.events(), ["/a", "cancelled UNAVAILABLE"]);
    assert!(peer.connection.is_closed());

    let mut idle = Peer::new(&Limits::DEFAULT);
    idle.send(&get_with(""));
    idle.take_output();
    idle.connection.close(Code::Unavailable, "bye", &mut idle.app);
    assert!(idle.connection.is_closed() && idle.take_output().is_empty());
}

#[test]
fn a_lost_connection_cancels_its_request() {
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.answers = false;
    peer.send(&get_with(""));
    let call = peer.app.open[0];
    peer.connection.connection_lost(&mut peer.app);
    assert_eq!(peer.events(), ["/a", "cancelled UNAVAILABLE"]);
    assert!(peer.connection.respond(call, &ResourceResponse::text(200, "")).is_err());
}

#[test]
fn an_idle_connection_holds_little_memory() {
    let mut peer = Peer::new(&Limits::DEFAULT);
    peer.send(&get_with(&format!("a: {}\r\n", "b".repeat(10_000))));
    peer.take_output();
    peer.send(&get_with(""));
    peer.take_output();
    assert!(peer.connection.memory() < 4096, "{}", peer.connection.memory());
}
