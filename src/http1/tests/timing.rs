//! Deadlines against slow senders, in virtual time.

use super::*;

const LIMITS: &Limits = &Limits::DEFAULT;

/// RFC 9110 section 15.5.9: 408, and the connection ends.
#[test]
fn a_head_must_arrive_in_time() {
    let mut peer = Peer::new(LIMITS);
    assert_eq!(peer.connection.next_timeout(), None);
    peer.send(b"GE");
    let due = START + LIMITS.request_head_timeout;
    assert_eq!(peer.connection.next_timeout(), Some(due));
    // More bytes do not prolong it.
    peer.send_at(due - S, b"T /a HTTP/1.1\r\nhost: x\r\n");
    peer.connection.handle_timeout(due - S, &mut peer.app);
    assert!(!peer.connection.is_closed());
    peer.connection.handle_timeout(due, &mut peer.app);
    assert_eq!((peer.take_statuses(), peer.connection.is_closed()), (vec![408], true));
    assert_eq!(peer.events(), [""; 0]);
    assert!(!peer.connection.is_established());
}

#[test]
fn a_connection_without_a_request_has_no_deadline_here() {
    let mut peer = Peer::new(LIMITS);
    peer.send(&get_with(""));
    assert_eq!(peer.connection.next_timeout(), None);
    // The time of the next head counts from its first byte.
    peer.send_at(START + 100 * S, b"G");
    assert_eq!(peer.connection.next_timeout(), Some(START + 100 * S + LIMITS.request_head_timeout));
}

#[test]
fn a_request_that_waits_for_the_one_before_it_is_not_slow() {
    let mut peer = Peer::new(LIMITS);
    peer.answers = false;
    peer.send(&[&get_with("")[..], b"GET /"].concat());
    assert_eq!(peer.connection.next_timeout(), None);
}

#[test]
fn a_body_must_make_progress() {
    let mut peer = Peer::new(LIMITS);
    peer.answers = false;
    peer.send(&get_with("content-length: 60000\r\n"));
    let period = LIMITS.request_body_timeout;
    let mut now = START;
    for _ in 0..10 {
        assert_eq!(peer.connection.next_timeout(), Some(now + period));
        now += period;
        peer.send_at(now, &vec![b'x'; LIMITS.min_body_progress_bytes]);
        peer.connection.handle_timeout(now, &mut peer.app);
        assert!(!peer.connection.is_closed());
    }
    now += period;
    peer.send_at(now, &vec![b'x'; LIMITS.min_body_progress_bytes - 1]);
    peer.connection.handle_timeout(now, &mut peer.app);
    assert_eq!((peer.take_statuses(), peer.connection.is_closed()), (vec![408], true));
    assert_eq!(peer.events(), ["/a", "cancelled CANCELLED"]);
}

/// A response is not followed by another one for the same request.
#[test]
fn a_body_that_is_dropped_must_make_progress_as_well() {
    let mut peer = Peer::new(LIMITS);
    peer.send(&get_with("content-length: 60000\r\n"));
    assert_eq!(peer.take_statuses(), [200]);
    let due = START + LIMITS.request_body_timeout;
    assert_eq!(peer.connection.next_timeout(), Some(due));
    peer.connection.handle_timeout(due, &mut peer.app);
    assert_eq!((peer.take_statuses(), peer.connection.is_closed()), (vec![], true));
}

/// The same for a request that was refused by its head: its connection would stay open for the time of
/// an idle one.
#[test]
fn a_body_of_a_refused_request_must_make_progress_as_well() {
    for length in ["content-length: 60000", "transfer-encoding: chunked"] {
        let mut peer = Peer::new(LIMITS);
        peer.send(format!("POST /a HTTP/1.1\r\nhost: x\r\n{length}\r\n\r\n").as_bytes());
        assert_eq!((peer.take_statuses(), peer.connection.is_closed()), (vec![415], false));
        let due = START + LIMITS.request_body_timeout;
        assert_eq!(peer.connection.next_timeout(), Some(due), "{length}");
        peer.connection.handle_timeout(due, &mut peer.app);
        assert_eq!((peer.take_statuses(), peer.connection.is_closed()), (vec![], true));
    }
}

/// A client that reads a long response slowly has sent its next request in time.
#[test]
fn a_request_that_waits_for_a_response_to_be_read_is_not_slow() {
    let limits = Limits { send_high_water_bytes: 1000, ..Limits::DEFAULT };
    let mut peer = Peer::new(&limits);
    peer.answers = false;
    peer.send(&[get_with(""), get_with("")].concat());
    let call = peer.app.open.pop().unwrap();
    peer.connection.respond(call, &ResourceResponse::text(200, "x".repeat(2000))).unwrap();
    peer.send(b"");
    assert_eq!(peer.connection.next_timeout(), None);
    // It is answered even if the server leaves meanwhile.
    peer.connection.go_away();
    assert!(!peer.connection.is_closed());
    peer.take_output();
    peer.answers = true;
    peer.send(b"");
    assert_eq!((peer.take_statuses(), peer.connection.is_closed()), (vec![200], true));
}

/// A message that arrives in small parts makes progress by its bytes, in either framing, and so does one
/// whose end alone is missing.
#[test]
fn a_slow_sender_of_a_call_ends_in_time() {
    const ECHO: &str = "/agora.bench.v1.EchoService/EchoStream";
    let kind = "content-type: application/connect+proto";
    for (length, chunk) in
        [("content-length: 60000", ""), ("transfer-encoding: chunked", "fff\r\n")]
    {
        for last in ["", "\0\0\0\0\x02"] {
            let mut peer = Peer::new(LIMITS);
            peer.answers = false;
            let head = format!("POST {ECHO} HTTP/1.1\r\nhost: x\r\n{kind}\r\n{length}\r\n\r\n");
            peer.send(format!("{head}{chunk}").as_bytes());
            let mut now = START;
            let part = vec![0; LIMITS.min_body_progress_bytes];
            for _ in 0..3 {
                now += LIMITS.request_body_timeout;
                peer.send_at(now, &part);
                for call in peer.app.open.clone() {
                    peer.connection.message_taken(call, usize::MAX);
                }
                peer.connection.handle_timeout(now, &mut peer.app);
                assert!(!peer.connection.is_closed(), "{length}");
            }
            now += LIMITS.request_body_timeout;
            peer.send_at(now, last.as_bytes());
            peer.connection.handle_timeout(now, &mut peer.app);
            assert_eq!((peer.take_statuses(), peer.connection.is_closed()), (vec![408], true));
            assert_eq!(peer.events().last().unwrap(), "cancelled CANCELLED");
        }
    }
}

/// The deadline ends with the request: what the server streams may last.
#[test]
fn a_long_response_is_not_cut() {
    const STREAM: &str = "/grpc.testing.TestService/StreamingOutputCall";
    let head =
        format!("POST {STREAM} HTTP/1.1\r\nhost: x\r\ncontent-type: application/connect+proto\r\n");
    for body in [
        "content-length: 5\r\n\r\n\0\0\0\0\0",
        "transfer-encoding: chunked\r\n\r\n5\r\n\0\0\0\0\0\r\n0\r\n\r\n",
    ] {
        let mut peer = Peer::new(LIMITS);
        peer.answers = false;
        peer.send(format!("{head}{body}").as_bytes());
        let call = peer.app.open[0];
        for n in 1..100 {
            let now = START + n * LIMITS.request_body_timeout;
            assert_eq!(peer.connection.next_timeout(), None);
            peer.connection.handle_timeout(now, &mut peer.app);
            peer.connection.send_message(call, b"").unwrap();
        }
        peer.connection.finish(call, &Status::OK).unwrap();
        assert!(!peer.connection.is_closed() && peer.take_statuses() == [200]);
    }
}
