//! Unfinished messages that make no progress.

use super::raw::message;
use super::server_rules::Harness;
use super::trace::ServerTrace;
use crate::call::{CallId, Limits};

const WINDOW: usize = Limits::DEFAULT.call_window_bytes as usize;
const FRAME: usize = 16_000;
const SHORT: &str = "RESOURCE_EXHAUSTED: nothing has come of the rest of the message for long, and \
                     memory is short";

impl Harness {
    /// Passes a part of a message of a call to the server.
    fn receive_part(&mut self, stream: u32, part: &[u8]) {
        part.chunks(FRAME).for_each(|piece| self.client.data(stream, piece, false));
        self.run();
    }

    /// The calls that end by a check_unfinished at unfinished messages.
    fn check_unfinished(&mut self) -> Vec<u32> {
        self.server.check_unfinished(&mut ServerTrace(&mut self.trace));
        let events = self.trace.take();
        let ended = events.iter().map(|line| {
            let (call, why) = line["server: ".len()..].split_once(" cancelled, ").unwrap();
            assert_eq!(why, SHORT);
            call.parse().unwrap()
        });
        ended.collect()
    }
}

#[test]
fn a_stalled_message_is_cancelled_under_memory_pressure() {
    let mut harness = Harness::new();
    harness.request(1, &[], false);
    harness.request(3, &[], false);
    let large = message(&[7; 300_000]);
    harness.receive_part(1, &large[..100_000]);
    // A prefix alone holds nothing.
    harness.receive_part(3, &large[..5]);
    assert!(harness.server.has_unfinished());
    for _ in 0..3 {
        assert_eq!(harness.check_unfinished(), [0; 0], "there is memory");
    }
    harness.server.set_memory_pressure(true);
    assert_eq!(harness.check_unfinished(), [1]);
    assert!(!harness.server.has_unfinished());
    assert_eq!(harness.server.received_bytes(), 0);
    let output = harness.output();
    assert!(output.iter().any(|line| line.contains("grpc-status=8")), "{output:?}");
    // Frames that were in flight are ignored.
    harness.receive_part(1, &large[100_000..]);
    assert_eq!((harness.check_unfinished(), harness.server.is_closed()), (vec![], false));
}

#[test]
fn a_message_that_grows_is_not_cancelled() {
    let mut harness = Harness::new();
    harness.server.set_memory_pressure(true);
    harness.request(1, &[], false);
    let large = message(&[7; 300_000]);
    harness.receive_part(1, &large[..100_000]);
    for sent in 100_000..100_010 {
        assert_eq!(harness.check_unfinished(), [0; 0]);
        harness.receive_part(1, &large[sent..=sent]);
    }
    // As long as the last one was at the last check_unfinished, and another.
    assert_eq!(harness.check_unfinished(), [0; 0]);
    harness.receive_part(1, &large[100_010..]);
    harness.server.message_taken(CallId(1), 300_000);
    harness.receive_part(1, &large[..100_010]);
    assert_eq!(harness.check_unfinished(), [0; 0]);
    assert_eq!(harness.check_unfinished(), [1]);
}

#[test]
fn a_message_behind_a_closed_window_is_not_cancelled() {
    let mut harness = Harness::new();
    harness.server.set_memory_pressure(true);
    harness.request(1, &[], false);
    let whole = message(&[7; FRAME - 5]);
    let count = WINDOW / FRAME;
    (0..count).for_each(|_| harness.receive_part(1, &whole));
    harness.receive_part(1, &message(&[7; 300_000])[..WINDOW - count * FRAME]);
    for _ in 0..5 {
        assert_eq!(harness.check_unfinished(), [0; 0], "the window is closed");
    }
    (0..count).for_each(|_| harness.server.message_taken(CallId(1), FRAME - 5));
    assert_eq!(harness.check_unfinished(), [1]);
}

#[test]
fn waiting_messages_are_cancelled_when_none_makes_progress() {
    let limits = Limits { max_partial_message_bytes: 400_000, ..Limits::DEFAULT };
    let large = message(&[7; 300_000]);
    let begun = || {
        let mut harness = Harness::with(&limits);
        harness.server.set_memory_pressure(true);
        for stream in [1, 3, 5, 7] {
            harness.request(stream, &[], false);
            harness.receive_part(stream, &large[..WINDOW]);
        }
        assert_eq!(harness.check_unfinished(), [0; 0]);
        assert_eq!(harness.check_unfinished(), [1]);
        harness
    };
    // The next waiting call is granted its reservation, and sends nothing.
    let mut harness = begun();
    assert_eq!(harness.check_unfinished(), [3, 7]);
    assert_eq!(harness.check_unfinished(), [5]);
    // Or it sends, and the calls behind it are not cancelled.
    let mut harness = begun();
    harness.receive_part(3, &large[WINDOW..WINDOW + 1]);
    assert_eq!(harness.check_unfinished(), [0; 0]);
    harness.receive_part(3, &large[WINDOW + 1..]);
    assert_eq!(harness.check_unfinished(), [0; 0]);
    harness.receive_part(5, &large[WINDOW..]);
    harness.receive_part(7, &large[WINDOW..]);
    assert_eq!(harness.check_unfinished(), [0; 0]);
    assert!(!harness.server.has_unfinished());
}
