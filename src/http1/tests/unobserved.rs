//! Clients that cannot be observed: they have ended their side, or have sent more than may wait.

use super::*;
use crate::call::Code;

const LIMITS: &Limits = &Limits::DEFAULT;
const UNARY: &str = "/grpc.testing.TestService/EmptyCall";
const STREAM: &str = "/grpc.testing.TestService/StreamingOutputCall";

/// A client with an open call that was sent completely.
fn in_a_call(path: &str) -> Peer {
    let (kind, body) = match path {
        STREAM => ("connect+proto", "\0\0\0\0\0"),
        _ => ("proto", ""),
    };
    let mut peer = Peer::new(LIMITS);
    peer.answers = false;
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n");
    peer.send(format!("{head}content-type: application/{kind}\r\n\r\n{body}").as_bytes());
    assert_eq!(peer.events().len(), 2);
    peer
}

/// More would not be read, and so not the end of the client either.
#[test]
fn a_stream_ends_when_too_much_waits_behind_it() {
    for has_begun in [false, true] {
        let mut peer = in_a_call(STREAM);
        if has_begun {
            peer.connection.send_message(peer.app.open[0], b"").unwrap();
            assert_eq!(peer.take_statuses(), [200]);
        }
        peer.send(&vec![b'x'; LIMITS.max_pipelined_bytes - 1]);
        assert_eq!((peer.take_output(), peer.events()), (String::new(), vec![]));
        peer.send(b"x");
        let output = peer.take_output();
        assert_eq!(statuses(&output), if has_begun { vec![] } else { vec![200] });
        assert!(
            output.contains("resource_exhausted") && output.contains("wait behind"),
            "{output}"
        );
        let end = if has_begun { "}}\r\n0\r\n\r\n" } else { "}}" };
        assert!(output.ends_with(end), "the response is complete: {output}");
        assert_eq!(peer.events(), ["cancelled RESOURCE_EXHAUSTED"]);
        assert!(peer.connection.is_closed());
    }
}

/// One response will come: the client waits for it, but not for ever.
#[test]
fn a_unary_call_goes_on_for_a_while_when_too_much_waits_behind_it() {
    let mut peer = in_a_call(UNARY);
    peer.send(&vec![b'x'; LIMITS.max_pipelined_bytes]);
    assert!(!peer.connection.wants_input());
    let due = START + LIMITS.unobserved_timeout;
    assert_eq!(peer.connection.next_timeout(), Some(due));
    peer.connection.handle_timeout(due - S, &mut peer.app);
    assert_eq!(peer.events(), [""; 0]);
    peer.connection.handle_timeout(due, &mut peer.app);
    let output = peer.take_output();
    assert!(output.starts_with("HTTP/1.1 429 ") && output.contains("wait behind"), "{output}");
    assert!(output.contains("\r\nconnection: close\r\n"));
    assert_eq!(peer.events(), ["cancelled RESOURCE_EXHAUSTED"]);
    assert!(peer.connection.is_closed() && peer.connection.next_timeout().is_none());
}

/// The time is that of one request.
#[test]
fn pipelined_requests_that_are_answered_in_time_may_be_many() {
    let mut peer = Peer::new(LIMITS);
    peer.answers = false;
    let requests = get_with("").repeat(2 * LIMITS.max_pipelined_bytes / get_with("").len());
    let mut rest = &requests[..];
    let (mut now, mut answered) = (START, 0);
    while !rest.is_empty() || !peer.app.open.is_empty() {
        let (part, behind) = rest.split_at(rest.len().min(1000));
        if peer.connection.wants_input() {
            peer.send_at(now, part);
            rest = behind;
        }
        now += LIMITS.unobserved_timeout - S;
        peer.connection.handle_timeout(now, &mut peer.app);
        answered += peer.app.open.len();
        peer.answer_all();
        peer.send_at(now, b"");
    }
    assert_eq!(
        (answered, peer.connection.is_closed()),
        (requests.len() / get_with("").len(), false)
    );
}

/// RFC 9112 section 9.6 knows a side that is shut down behind the last response; a client does the same
/// behind its last request. Each complete request is answered.
#[test]
fn complete_requests_are_answered_after_the_end_of_the_client() {
    let mut peer = in_a_call(UNARY);
    let refused = b"PUT / HTTP/1.1\r\nhost: x\r\n\r\n";
    peer.send(&[refused, &get_with("")[..], refused, b"GET /not-complete HT"].concat());
    assert!(peer.connection.end_of_input(START));
    assert!(peer.connection.end_of_input(START), "it may be reported again");
    let call = peer.app.open.pop().unwrap();
    peer.connection.send_message(call, b"").unwrap();
    peer.connection.finish(call, &Status::OK).unwrap();
    peer.answers = true;
    peer.send(b"");
    assert_eq!(peer.take_statuses(), [200, 405, 200, 405]);
    assert_eq!((peer.events(), peer.connection.is_closed()), (vec!["/a".to_owned()], true));
}

/// What a client has sent ahead may be a request that is not complete, or a stream.
#[test]
fn a_request_behind_that_cannot_be_answered_ends_with_its_client() {
    let kind = |kind, length| {
        format!("content-type: application/{kind}\r\ncontent-length: {length}\r\n\r\n")
    };
    for (path, head, body, end) in [
        (UNARY, kind("proto", 5), "12", "cancelled UNAVAILABLE"),
        (STREAM, kind("connect+proto", 5), "\0\0\0\0\0", "cancelled CANCELLED"),
    ] {
        let mut peer = in_a_call(UNARY);
        peer.send(format!("POST {path} HTTP/1.1\r\nhost: x\r\n{head}{body}").as_bytes());
        assert!(peer.connection.end_of_input(START));
        peer.connection.finish(peer.app.open[0], &Status::new(Code::Aborted, "")).unwrap();
        peer.app.open.clear();
        peer.send(b"");
        let events = peer.events();
        assert_eq!(events.first(), Some(&format!("call {path}")));
        assert_eq!(events.last().map(String::as_str), Some(end));
        assert!(peer.connection.is_closed());
    }
}

#[test]
fn the_last_response_to_a_client_that_has_ended_says_close() {
    let mut peer = Peer::new(LIMITS);
    peer.answers = false;
    peer.send(&get_with(""));
    assert!(peer.connection.end_of_input(START));
    peer.answer_all();
    assert!(peer.take_output().contains("\r\nconnection: close\r\n"));
    assert!(peer.connection.is_closed());
}

#[test]
fn a_client_that_has_ended_does_not_wait_for_ever() {
    let mut peer = in_a_call(UNARY);
    assert!(peer.connection.end_of_input(START + S));
    let due = START + S + LIMITS.unobserved_timeout;
    assert_eq!(peer.connection.next_timeout(), Some(due));
    peer.connection.handle_timeout(due, &mut peer.app);
    assert_eq!(
        (peer.take_statuses(), peer.events()),
        (vec![499], vec!["cancelled CANCELLED".to_owned()])
    );
    assert!(peer.connection.is_closed());
}

/// There is nothing to wait for, or it may never come: the connection is lost.
#[test]
fn the_end_of_a_client_without_a_complete_request_is_the_end() {
    let mut idle = Peer::new(LIMITS);
    assert!(!idle.connection.end_of_input(START));
    let mut served = Peer::new(LIMITS);
    served.send(&get_with(""));
    served.take_output();
    assert!(!served.connection.end_of_input(START));
    let mut begun = Peer::new(LIMITS);
    begun.send(b"GET /a HTTP/1.1\r\nhost");
    assert!(!begun.connection.end_of_input(START));
    let mut streaming = in_a_call(STREAM);
    assert!(!streaming.connection.end_of_input(START));
    let mut sending = Peer::new(LIMITS);
    sending.answers = false;
    sending.send(&get_with("content-length: 5\r\n"));
    assert!(!sending.connection.end_of_input(START));
    for mut peer in [idle, served, begun, streaming, sending] {
        peer.events();
        let open = peer.app.open.len();
        peer.connection.connection_lost(&mut peer.app);
        assert_eq!((peer.events().len(), peer.connection.is_closed()), (open, true));
    }
}

/// What was answered is sent, whatever the client has begun behind it.
#[test]
fn a_response_that_waits_for_the_socket_is_sent_after_the_end_of_the_client() {
    for behind in
        ["", "GET /not-complete HT", "POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n"]
    {
        let mut peer = Peer::new(LIMITS);
        peer.send(&[&get_with("")[..], behind.as_bytes()].concat());
        assert!(peer.connection.end_of_input(START));
        assert!(peer.connection.is_closed() && peer.take_statuses()[0] == 200);
    }
}
