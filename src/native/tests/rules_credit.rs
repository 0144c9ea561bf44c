//! Section 6 of the schema: credit.

use super::one_side::*;
use super::pair::Pair;
use super::tight;
use crate::call::{CallId, Limits, Metadata, Status};

fn credit(id: u32, amount: u32) -> Vec<u8> {
    envelope(CREDIT, id, &amount.to_be_bytes())
}

#[test]
fn a_message_costs_its_length_and_32() {
    // Rule F1.
    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    let call = client.start();
    // 65,536 - 2,047 * 32 leaves 32: one more empty message takes it to 0.
    for _ in 0..2048 {
        client.connection.send_message(call, b"", false).unwrap();
    }
    assert_eq!(client.connection.queued(call), 0);
    client.connection.send_message(call, b"", false).unwrap();
    assert_eq!(client.connection.queued(call), 9);
    client.take_output();
    let (sent, _) = client.receive(&[credit(1, 1), credit(0, 1)].concat());
    assert_eq!(sent, ["MESSAGE 1 \"\""], "credit of 1 is enough");
}

#[test]
fn one_message_may_take_the_credit_far_below_zero() {
    // Rule F1.
    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    let call = client.start();
    client.connection.send_message(call, &vec![0; 4 << 20], false).unwrap();
    client.connection.send_message(call, b"next", false).unwrap();
    client.take_output();
    let debt = (4 << 20) + 32 - 65_536;
    let (sent, _) = client.receive(&[credit(0, 1 << 30), credit(1, debt)].concat());
    assert_eq!(sent, [""; 0]);
    assert_eq!(client.receive(&credit(1, 1)).0, ["MESSAGE 1 \"next\""]);
}

#[test]
fn only_messages_cost_credit() {
    // Rule F1.
    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    let one = client.start();
    client.connection.send_message(one, &[0; 65_536], true).unwrap();
    let two = client.connection.start("/p", &Metadata::new(), None).unwrap();
    client.connection.half_close(two).unwrap();
    client.connection.cancel(one);
    client.connection.ping();
    let (sent, _) = client.take_output();
    assert_eq!(sent[1..], ["REQUEST 2 END path_id=1", "CANCEL 1", "PING 1"]);
}

#[test]
fn windows_are_those_of_hello() {
    // Rule F2.
    let hello = b"\x08\x80\x80\x08\x10\x80\x80\x0c\x18\x64"; // 131,072 and 196,608
    let mut client = ClientHarness::new(&Limits::DEFAULT);
    client.receive(&[&b"AGR1"[..], &envelope(HELLO, 0, hello)].concat());
    let (one, two) = (client.start(), client.start());
    for call in [one, one, two, two, two] {
        client.connection.send_message(call, &[0; 65_536 - 32], false).unwrap();
    }
    assert_eq!(client.connection.queued(one), 0);
    assert_eq!(client.connection.queued(two), 2 * (65_536 - 32 + 9), "the connection's is used up");
    client.receive(&credit(0, 1 << 20));
    assert_eq!(client.connection.queued(two), 65_536 - 32 + 9, "and now the call's");
}

#[test]
fn credit_of_zero_or_beyond_2_to_the_30_is_an_error() {
    // Rule F3.
    let reason = "credit of zero or above 2^30";
    for amount in [0, (1 << 30) - 65_536 + 1, u32::MAX] {
        for id in [0, 1] {
            let mut server = ServerHarness::connected(&Limits::DEFAULT);
            server.receive(&request(1));
            server.expect_error(&credit(id, amount), "INTERNAL", reason);
            let mut client = ClientHarness::connected(&Limits::DEFAULT);
            client.start();
            client.expect_error(&credit(id, amount), "INTERNAL", reason);
        }
    }
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    let most = (1 << 30) - 65_536;
    server.receive(&[request(1), credit(0, most), credit(1, most)].concat());
    assert!(!server.connection.is_closed());
}

#[test]
fn credit_is_returned_in_halves_of_a_window() {
    // Rule F4.
    let mut server = ServerHarness::connected(&tight());
    server.receive(&request(1));
    let call = CallId(1);
    for _ in 0..3 {
        server.receive(&envelope(MESSAGE, 1, &[0; 16_384 - 32]));
    }
    server.connection.message_taken(call, 16_384 - 32);
    assert_eq!(server.take_output().0, [""; 0]);
    server.connection.message_taken(call, 16_384 - 32);
    assert_eq!(server.take_output().0, ["CREDIT 1 32768"]);
    server.connection.message_taken(call, 16_384 - 32);
    server.connection.message_taken(call, 1 << 40);
    assert_eq!(server.take_output().0, [""; 0], "no more than there was");
    server.receive(&envelope(MESSAGE | END, 1, &[0; 16_384 - 32]));
    server.connection.message_taken(call, 16_384 - 32);
    assert_eq!(server.take_output().0, ["CREDIT 65536"], "nothing more for a half-closed call");
}

#[test]
fn credit_of_unconsumed_messages_is_returned_when_their_call_ends() {
    // Rule F4.
    let mut server = ServerHarness::connected(&tight());
    server.receive(&[request(1), request(2)].concat());
    server.receive(&envelope(MESSAGE, 1, &[0; 65_536]));
    server.connection.finish(CallId(1), &Status::OK).unwrap();
    assert_eq!(server.take_output().0, ["TRAILERS 1", "CREDIT 65568"]);
    server.receive(&envelope(MESSAGE, 2, &[0; 65_536]));
    assert_eq!(server.receive(&envelope(CANCEL, 2, b"")).0, ["CREDIT 65568"]);
    server.connection.message_taken(CallId(1), 65_536);
    server.connection.message_taken(CallId(2), 65_536);
    assert_eq!(server.take_output().0, [""; 0], "once and not twice");
}

#[test]
fn credit_of_a_late_message_is_returned_once() {
    // Rule F4, C8.
    let mut server = ServerHarness::connected(&tight());
    server.receive(&request(1));
    let call = CallId(1);
    server.connection.send_message(call, &[0; 65_536]).unwrap();
    server.connection.send_message(call, b"waits").unwrap();
    server.connection.finish(call, &Status::OK).unwrap();
    server.take_output();
    let late = envelope(MESSAGE, 1, &[0; 65_536]);
    assert_eq!(server.receive(&late).0, ["CREDIT 65568"], "finished, though still open");
    let (sent, _) = server.receive(&[credit(1, 100), credit(0, 100)].concat());
    assert_eq!(sent, ["MESSAGE 1 END \"waits\""]);
    assert_eq!(server.connection.open_calls(), 0);
    server.receive(&request(2));
    assert_eq!(server.receive(&envelope(MESSAGE, 2, &[0; 32_768])).0, [""; 0]);
}

#[test]
fn a_message_without_credit_is_an_error() {
    // Rule F5.
    let reason = "a message sent without credit";
    let full = envelope(MESSAGE, 1, &[0; 65_536]);
    let mut server = ServerHarness::connected(&tight());
    server.receive(&[&request(1)[..], &full].concat());
    server.expect_error(&envelope(MESSAGE, 1, b""), "INTERNAL", reason);

    let mut server = ServerHarness::connected(&tight());
    let second = envelope(MESSAGE, 2, &[0; 65_536]);
    server.receive(&[request(1), request(2), full.clone(), second].concat());
    server.expect_error(&unary(3, b""), "INTERNAL", reason);

    let mut client = ClientHarness::connected(&tight());
    client.start();
    client.receive(&full);
    client.expect_error(&envelope(MESSAGE | END, 1, b""), "INTERNAL", reason);
}

#[test]
fn returned_credit_can_be_used() {
    // Rule F5.
    let mut server = ServerHarness::connected(&tight());
    server.receive(&request(1));
    for _ in 0..100 {
        server.receive(&envelope(MESSAGE, 1, &[0; 60_000]));
        server.connection.message_taken(CallId(1), 60_000);
    }
    assert!(!server.connection.is_closed());
}

#[test]
fn calls_share_the_connections_credit_round_robin() {
    // Rule F6.
    let mut pair = Pair::connected(&Limits { connection_window_bytes: 65_536, ..Limits::DEFAULT });
    let calls = [pair.start(), pair.start(), pair.start()];
    for call in calls {
        pair.client.half_close(call).unwrap();
    }
    pair.settle();
    pair.server.send_message(calls[0], &[0; 65_536]).unwrap();
    for text in [b"1", b"2"] {
        for call in calls {
            pair.server.send_message(call, text).unwrap();
        }
    }
    for call in calls {
        pair.server.finish(call, &Status::OK).unwrap();
    }
    pair.settle();
    pair.skip();
    assert_eq!(pair.server.open_calls(), 3, "finished, and waiting for credit");
    pair.client.message_taken(calls[0], 65_536);
    pair.settle();
    pair.expect(
        r#"
        client > CREDIT 65568
        server > MESSAGE 1 "1"
        server > MESSAGE 2 "1"
        server > MESSAGE 3 "1"
        server > MESSAGE 1 END "2"
        server > MESSAGE 2 END "2"
        server > MESSAGE 3 END "2"
        client : message 1 "1"
        client : message 2 "1"
        client : message 3 "1"
        client : message 1 "2"
        client : finished 1 OK
        client : message 2 "2"
        client : finished 2 OK
        client : message 3 "2"
        client : finished 3 OK
        "#,
    );
}

#[test]
fn trailers_and_half_closes_wait_behind_messages() {
    // Rule F6.
    let mut server = ServerHarness::connected(&Limits::DEFAULT);
    server.receive(&request(1));
    let call = CallId(1);
    server.connection.send_message(call, &[0; 65_536]).unwrap();
    server.connection.send_message(call, b"last").unwrap();
    server.connection.finish(call, &Status::new(crate::call::Code::DataLoss, "")).unwrap();
    assert_eq!(server.take_output().0, ["MESSAGE 1 <65536 bytes>"]);
    assert_eq!(server.receive(&envelope(MESSAGE, 1, b"late")), (vec![], vec![]), "nobody hears it");
    let (sent, events) = server.receive(&[credit(1, 100), credit(0, 100)].concat());
    assert_eq!(sent, ["MESSAGE 1 \"last\"", "TRAILERS 1 DATA_LOSS"]);
    assert_eq!(events, [""; 0], "a finished call is not reported as writable");
    assert_eq!(server.connection.open_calls(), 0);

    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    let call = client.start();
    client.connection.send_message(call, &[0; 65_536], false).unwrap();
    client.connection.send_message(call, b"last", false).unwrap();
    client.connection.half_close(call).unwrap();
    assert_eq!(client.take_output().0, ["MESSAGE 1 <65536 bytes>"]);
    let (sent, _) = client.receive(&[credit(1, 100), credit(0, 100)].concat());
    assert_eq!(sent, ["MESSAGE 1 END \"last\""]);
}

#[test]
fn a_cancelled_call_is_no_longer_scheduled() {
    // Rule F6, C7.
    let mut client = ClientHarness::connected(&Limits::DEFAULT);
    let calls = [client.start(), client.start(), client.start()];
    client.connection.send_message(calls[0], &[0; 65_536], true).unwrap();
    client.connection.send_message(calls[1], b"never", true).unwrap();
    client.connection.send_message(calls[2], b"now", true).unwrap();
    client.connection.cancel(calls[1]);
    client.take_output();
    client.take_output();
    let before = client.connection.link.memory();
    for _ in 0..10_000 {
        let call = client.start();
        client.connection.send_message(call, b"never", true).unwrap();
        client.connection.cancel(call);
    }
    client.take_output();
    let after = client.connection.link.memory();
    assert!(after < before + 1000, "nothing is left of those that gave up");
    assert_eq!(client.receive(&credit(0, 65_536)).0, ["MESSAGE 3 END \"now\""]);
}

#[test]
fn a_receiver_may_return_more_credit_than_was_used() {
    // Rule F3.
    let mut pair = Pair::connected(&tight());
    let call = pair.client.start("/p", &Metadata::new(), None).unwrap();
    pair.settle();
    let message = vec![0; 1 << 16];
    for _ in 0..4 {
        pair.client.send_message(call, &message, false).unwrap();
    }
    pair.settle();
    assert!(pair.client.queued(call) > 0, "the windows are full");
    pair.server.extend_window(call, 1 << 20);
    pair.settle();
    assert_eq!(pair.client.queued(call), 0);
    // What was used is given back as ever, and no credit goes beyond the maximum.
    for _ in 0..3 {
        pair.server.extend_window(call, u32::MAX);
        pair.settle();
    }
    for _ in 0..4 {
        pair.server.message_taken(call, message.len());
        pair.settle();
    }
    for _ in 0..100 {
        pair.client.send_message(call, &message, false).unwrap();
        pair.settle();
        pair.server.message_taken(call, message.len());
        pair.settle();
    }
    assert_eq!(pair.client.queued(call), 0);
    assert!(!pair.client.is_closed() && !pair.server.is_closed());
}
