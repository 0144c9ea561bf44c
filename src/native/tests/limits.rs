//! Section 9 of the schema, and our own limits: every limit is exceeded.

use std::time::Duration;

use super::one_side::*;
use super::pair::Pair;
use super::{metadata, tight};
use crate::call::{CallId, Code, Limits, Metadata, Status};

#[test]
fn a_message_too_large_ends_its_call_and_is_skipped() {
    // Rule L1.
    let limits = Limits { max_message_bytes: 100, ..Limits::DEFAULT };
    let status = "RESOURCE_EXHAUSTED \"a message of 101 bytes, 100 are allowed\"";
    let status_text = "RESOURCE_EXHAUSTED: a message of 101 bytes, 100 are allowed";
    let mut server = ServerHarness::connected(&limits);
    let (sent, events) = server.receive(&unary(1, &[0; 101]));
    assert_eq!((sent, events), (vec![format!("TRAILERS 1 {status}")], vec![]));
    let (_, events) = server.receive(&unary(2, &[0; 100]));
    assert_eq!(events, ["call 2 /p", "message 2 last <100 bytes>"]);
    let (sent, events) = server.receive(&[request(3), envelope(MESSAGE, 3, &[0; 101])].concat());
    assert_eq!(sent, [format!("TRAILERS 3 {status}")]);
    assert_eq!(events, ["call 3 /p".to_owned(), format!("cancelled 3 {status_text}")]);
    assert!(server.connection.send_message(CallId(3), b"").is_err());

    let mut client = ClientHarness::connected(&limits);
    for kind in [MESSAGE, MESSAGE | END] {
        let call = client.start();
        let (sent, events) = client.receive(&envelope(kind, call.0, &[0; 101]));
        let cancel = if kind == MESSAGE { vec![format!("CANCEL {}", call.0)] } else { vec![] };
        assert_eq!((sent, events), (cancel, vec![format!("finished {} {status_text}", call.0)]));
    }
    assert!(!client.connection.is_closed());
}

#[test]
fn a_message_of_4_mib_passes_and_one_byte_more_does_not() {
    // Rule L1.
    let mut pair = Pair::connected(&Limits::DEFAULT);
    for (len, end) in [(4 << 20, "OK"), ((4 << 20) + 1, "RESOURCE_EXHAUSTED")] {
        let call = pair.start();
        pair.client.send_message(call, &vec![5; len], true).unwrap();
        pair.deliver_to_server();
        if pair.server.send_message(call, b"").is_ok() {
            pair.server.finish(call, &Status::OK).unwrap();
        }
        let bytes = pair.server.output().to_vec();
        pair.server.consume_output(bytes.len());
        pair.client.receive(pair.now, &bytes, &mut pair.client_events);
        let events = pair.client_events.take();
        assert!(events.last().unwrap().contains(end), "{events:?}");
    }
}

#[test]
fn credit_of_a_skipped_message_is_returned() {
    // Rule L1, F4.
    let limits = Limits { max_message_bytes: 100, ..Limits::DEFAULT };
    let mut server = ServerHarness::connected(&limits);
    let (sent, _) = server.receive(&unary(1, &[0; 1 << 20]));
    assert_eq!(sent[0], "CREDIT 1048608");
    server.receive(&request(2));
    let (sent, _) = server.receive(&envelope(MESSAGE, 2, &[0; 1 << 20]));
    assert_eq!(sent[0], "CREDIT 1048608");
}

#[test]
fn a_broken_length_costs_no_memory() {
    // Rule L1.
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    server.receive(&request(1));
    let header = [0x7f, 0xff, 0xff, 0xff, MESSAGE, 0, 0, 0, 1];
    let (sent, _) = server.receive(&header);
    assert!(sent[0].starts_with("CREDIT") && sent[1].starts_with("TRAILERS 1 RESOURCE_EXHAUSTED"));
    for _ in 0..10 {
        server.receive(&[0; 100_000]);
        assert!(server.left.is_empty());
    }
}

#[test]
fn too_much_metadata_ends_its_call() {
    // Rule L2.
    let limits = Limits { max_header_list_bytes: 1000, max_header_fields: 3, ..Limits::DEFAULT };
    let long = |n: usize| metadata(&[("name", &vec![b'v'; n])]);
    let many = |n: usize| metadata(&vec![("n", &b"v"[..]); n]);
    let end = "RESOURCE_EXHAUSTED: more metadata than is allowed";
    for (list, passes) in [
        (long(1000 - 36), true),
        (long(1000 - 35), false),
        (long(5000), false),
        (many(3), true),
        (many(4), false),
    ] {
        let mut pair = Pair::connected(&limits);
        let calls: Vec<CallId> = (0..3)
            .map(|n| {
                let list = if n == 0 { list.clone() } else { Metadata::new() };
                pair.client.start("/p", &list, None).unwrap()
            })
            .collect();
        pair.deliver_to_server();
        assert_eq!(pair.server.finish(calls[0], &Status::OK).is_ok(), passes);
        pair.server.send_headers(calls[1], &list).unwrap();
        let status = Status { code: Code::Ok, message: String::new(), metadata: list.clone() };
        pair.server.finish(calls[2], &status).unwrap();
        let bytes = pair.server.output().to_vec();
        pair.client.receive(pair.now, &bytes, &mut pair.client_events);
        let events = pair.client_events.take();
        assert_eq!(
            events.iter().filter(|line| line.ends_with(end)).count(),
            if passes { 0 } else { 3 }
        );
        assert!(!pair.client.is_closed() && !pair.server.is_closed());
    }
}

#[test]
fn a_status_message_counts_as_metadata() {
    // Rule L2.
    let limits = Limits { max_header_list_bytes: 100, ..Limits::DEFAULT };
    for (len, end) in [(100, "ABORTED"), (101, "RESOURCE_EXHAUSTED"), (9999, "RESOURCE_EXHAUSTED")]
    {
        let mut pair = Pair::connected(&limits);
        let call = pair.start();
        pair.deliver_to_server();
        pair.server.finish(call, &Status::new(Code::Aborted, "m".repeat(len))).unwrap();
        let bytes = pair.server.output().to_vec();
        pair.client.receive(pair.now, &bytes, &mut pair.client_events);
        let events = pair.client_events.take();
        assert!(events[0].starts_with(&format!("finished 1 {end}")), "{events:?}");
    }
}

#[test]
fn a_peer_that_does_not_read_is_not_read() {
    // Rule L3.
    let limits = super::without_ping_limit(&Limits::DEFAULT);
    let ping = envelope(PING, 0, &[0; 8]);
    let mut server = ServerHarness::connected(&limits);
    let bytes = ping.repeat(250);
    let mut rest = &bytes[..];
    for expected in [100, 100, 50] {
        let consumed = server.connection.receive(server.now, rest, &mut server.events);
        assert_eq!(consumed, expected * ping.len());
        rest = &rest[consumed..];
        assert_eq!(server.connection.wants_input(), rest.is_empty());
        assert_eq!(server.connection.receive(server.now, rest, &mut server.events), 0);
        // A part written is not enough.
        server.connection.consume_output(17);
        assert_eq!(server.connection.wants_input(), rest.is_empty());
        assert_eq!(server.take_output().0.len(), expected - 1);
        assert!(server.connection.wants_input());
    }
    let mut client = ClientHarness::connected(&limits);
    let consumed = client.connection.receive(client.now, &bytes, &mut client.events);
    assert_eq!(consumed, 100 * ping.len());
}

#[test]
fn refusals_count_as_replies() {
    // Rule L3.
    let limits = Limits { max_concurrent_calls: 1, ..Limits::DEFAULT };
    let mut server = ServerHarness::connected(&limits);
    let bytes: Vec<u8> = (1..=300).flat_map(|id| unary(id, b"")).collect();
    let consumed = server.connection.receive(server.now, &bytes, &mut server.events);
    assert_eq!(consumed, 101 * unary(1, b"").len());
    assert_eq!(server.events.take().len(), 2);
}

#[test]
fn a_rapid_reset_ends_the_connection() {
    // Rule L4.
    let reset = |id| [request(id), envelope(CANCEL, id, b"")].concat();
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    for id in 1..=200 {
        let (_, events) = server.receive(&reset(id));
        assert_eq!(events.len(), 2);
    }
    server.now += Duration::from_secs(1);
    for id in 201..=233 {
        server.receive(&reset(id));
        assert!(!server.connection.is_closed());
    }
    let reason = "too many calls cancelled or broken in a short time";
    server.expect_error(&reset(234), "RESOURCE_EXHAUSTED", reason);
}

#[test]
fn resets_that_the_peer_provokes_count() {
    // Rule L4.
    let limits = Limits { max_message_bytes: 10, ..Limits::DEFAULT };
    let reason = "too many calls cancelled or broken in a short time";
    let broken: [fn(u32) -> Vec<u8>; 4] = [
        |id| unary(id, &[0; 11]),
        |id| [request(id), envelope(MESSAGE, id, &[0; 11])].concat(),
        |id| envelope(REQUEST, id, b"\0\0\0\x01\x0b"),
        |id| envelope(REQUEST, id, &[&[0, 1, 0, 0], &[0; 65_536][..]].concat()),
    ];
    for broken in broken {
        let mut server = ServerHarness::connected(&limits);
        for id in 1..=200 {
            server.receive(&broken(id));
        }
        server.expect_error(&broken(201), "RESOURCE_EXHAUSTED", reason);
    }
}

#[test]
fn cancels_of_calls_that_have_ended_cost_nothing() {
    // Rule L4.
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    for id in 1..=1000 {
        server.receive(&request(id));
        server.connection.finish(CallId(id), &Status::OK).unwrap();
        server.receive(&envelope(CANCEL, id, b""));
    }
    assert!(!server.connection.is_closed());
}

#[test]
fn envelopes_that_change_nothing_end_the_connection() {
    // Rule L5.
    let reason = "too many envelopes in a row that change nothing";
    let idle = [
        envelope(PATH, 1, b"/again"),
        envelope(CREDIT, 1, b"\0\0\0\x01"),
        envelope(CANCEL, 1, b""),
        envelope(HALF_CLOSE, 1, b""),
    ];
    for idle in idle {
        let mut server = ServerHarness::connected(&Limits::DEFAULT);
        server.receive(&unary(1, b""));
        server.connection.finish(CallId(1), &Status::OK).unwrap();
        server.receive(&idle.repeat(200));
        assert!(!server.connection.is_closed());
        server.receive(&unary(2, b""));
        server.receive(&idle.repeat(200));
        server.expect_error(&idle, "RESOURCE_EXHAUSTED", reason);
    }
    let idle =
        [envelope(HEADERS, 1, b""), envelope(TRAILERS, 1, b""), envelope(CREDIT, 1, b"\0\0\0\x01")];
    for idle in idle {
        let mut client = ClientHarness::connected(&Limits::DEFAULT);
        let call = client.start();
        client.connection.cancel(call);
        client.take_output();
        client.receive(&idle.repeat(200));
        client.expect_error(&idle, "RESOURCE_EXHAUSTED", reason);
    }
}

/// A peer may announce windows as large as it likes; what waits is bounded all the same, and the
/// application is told to pause.
#[test]
fn a_peer_that_does_not_read_cannot_fill_our_memory() {
    let limits = Limits { max_queued_output_bytes: 100_000, ..tight() };
    let mut server = ServerHarness::new(&limits);
    let hello = b"\x08\x80\x80\x80\x80\x04\x10\x80\x80\x80\x80\x04"; // 2^30 both
    server
        .receive(&[b"AGR1".to_vec(), envelope(HELLO, 0, hello), envelope(PATH, 1, b"/p")].concat());
    server.receive(&request(1));
    let call = CallId(1);
    let mut messages = 0;
    while server.connection.queued(call) < limits.send_high_water_bytes {
        server.connection.send_message(call, &[0; 1000]).unwrap();
        messages += 1;
    }
    let credit = envelope(CREDIT, 1, b"\0\0\0\xff").repeat(3);
    server.connection.receive(server.now, &credit, &mut server.events);
    assert!(server.connection.output().len() < 102_000, "more credit does not make more room");
    assert!(server.connection.wants_input(), "what we send does not stop us from reading");
    // Writing makes room.
    server.connection.consume_output(49 * 1009);
    assert_eq!(server.connection.queued(call), 0);
    assert!(server.connection.has_events());
    let (sent, events) = server.receive(b"");
    assert_eq!(events, ["writable 1"]);
    assert_eq!(sent.len(), messages - 49);
    assert!(!server.connection.has_events());
}

#[test]
fn an_idle_connection_holds_little_memory() {
    let limits = Limits { max_concurrent_calls: 1000, ..Limits::DEFAULT };
    let mut pair = Pair::connected(&limits);
    let calls: Vec<CallId> = (0..1000).map(|_| pair.start()).collect();
    for call in &calls {
        pair.client.send_message(*call, &[0; 1000], true).unwrap();
    }
    pair.settle();
    pair.skip();
    for call in &calls {
        pair.server.send_message(*call, &[0; 500]).unwrap();
        pair.server.finish(*call, &Status::OK).unwrap();
    }
    pair.settle();
    pair.skip();
    let call = pair.start();
    pair.client.send_message(call, &[0; 100_000], true).unwrap();
    pair.settle();
    pair.server.finish(call, &Status::OK).unwrap();
    pair.settle();
    let held = |pair: &Pair| (pair.client.link.memory(), pair.server.link.memory());
    let (client, server) = held(&pair);
    assert!(client > 100_000 && server > 100_000, "no quiet yet: {client} and {server} bytes");
    let quiet = pair.now + Duration::from_secs(1);
    assert_eq!(pair.client.next_timeout(), Some(quiet));
    assert_eq!(pair.server.next_timeout(), Some(quiet));
    pair.client.handle_timeout(quiet, &mut pair.client_events);
    pair.server.handle_timeout(quiet, &mut pair.server_events);
    let (client, server) = held(&pair);
    assert!(client < 8 * 1024 && server < 8 * 1024, "{client} and {server} bytes");
    assert_eq!((pair.client.next_timeout(), pair.server.next_timeout()), (None, None));
}

#[test]
fn a_stalled_message_is_cancelled_under_memory_pressure() {
    // Rule L6.
    let why = "nothing has come of the rest of the message for long, and memory is short";
    let whole = unary(1, &[7; 100_000]);
    for (before, envelope, status_text) in [
        (vec![], whole, vec![]),
        (
            request(1),
            envelope(MESSAGE, 1, &[7; 100_000]),
            vec![format!("cancelled 1 RESOURCE_EXHAUSTED: {why}")],
        ),
    ] {
        let mut server = ServerHarness::connected(&Limits::DEFAULT);
        server.receive(&before);
        let check_unfinished = |server: &mut ServerHarness, memory_pressure| {
            let ServerHarness { connection, events, now, .. } = server;
            connection.check_unfinished(*now, memory_pressure, events);
            server.take_output()
        };
        let nothing = (vec![], vec![]);
        server.receive(&envelope[..50_000]);
        for _ in 0..3 {
            assert_eq!(check_unfinished(&mut server, false), nothing, "there is memory");
        }
        for byte in 50_000..50_003 {
            server.receive(&envelope[byte..=byte]);
            assert_eq!(check_unfinished(&mut server, true), nothing, "it grows");
        }
        assert!(server.connection.has_unfinished());
        let (sent, events) = check_unfinished(&mut server, true);
        assert_eq!(sent, [format!("TRAILERS 1 RESOURCE_EXHAUSTED \"{why}\"")]);
        assert_eq!(events, status_text);
        assert_eq!(
            (server.connection.has_unfinished(), server.connection.received_bytes()),
            (false, 0)
        );
        // The rest is skipped.
        let (_, events) = server.receive(&[&envelope[50_003..], &unary(2, b"next")].concat());
        assert_eq!(events, ["call 2 /p", "message 2 last \"next\""]);
    }
}
