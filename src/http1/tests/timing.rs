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
