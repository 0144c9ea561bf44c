//! Messages that are begun and do not get on.

use super::raw::message;
use super::server_rules::Stage;
use super::trace::ServerTrace;
use crate::call::{CallId, Limits};

const WINDOW: usize = Limits::DEFAULT.call_window_bytes as usize;
const FRAME: usize = 16_000;
const SHORT: &str = "RESOURCE_EXHAUSTED: nothing has come of the rest of the message for long, and \
                     memory is short";

impl Stage {
    /// So many bytes of the message of a call.
    fn part(&mut self, stream: u32, part: &[u8]) {
        part.chunks(FRAME).for_each(|piece| self.client.data(stream, piece, false));
        self.run();
    }

    /// The calls that end by a look at unfinished messages.
    fn look(&mut self) -> Vec<u32> {
        self.server.look_at_unfinished(&mut ServerTrace(&mut self.trace));
        let told = self.trace.take();
        let ended = told.iter().map(|line| {
            let (call, why) = line["server: ".len()..].split_once(" cancelled, ").unwrap();
            assert_eq!(why, SHORT);
            call.parse().unwrap()
        });
        ended.collect()
    }
}

#[test]
fn a_message_that_stands_still_is_given_up_when_memory_is_short() {
    let mut stage = Stage::new();
    stage.request(1, &[], false);
    stage.request(3, &[], false);
    let large = message(&[7; 300_000]);
    stage.part(1, &large[..100_000]);
    // A prefix alone holds nothing.
    stage.part(3, &large[..5]);
    assert!(stage.server.has_unfinished());
    for _ in 0..3 {
        assert_eq!(stage.look(), [0; 0], "there is memory");
    }
    stage.server.set_scarce(true);
    assert_eq!(stage.look(), [1]);
    assert!(!stage.server.has_unfinished());
    assert_eq!(stage.server.received_bytes(), 0);
    let output = stage.output();
    assert!(output.iter().any(|line| line.contains("grpc-status=8")), "{output:?}");
    // What was under way is of no use, and no offence.
    stage.part(1, &large[100_000..]);
    assert_eq!((stage.look(), stage.server.is_closed()), (vec![], false));
}

#[test]
fn a_message_that_grows_is_not_given_up() {
    let mut stage = Stage::new();
    stage.server.set_scarce(true);
    stage.request(1, &[], false);
    let large = message(&[7; 300_000]);
    stage.part(1, &large[..100_000]);
    for sent in 100_000..100_010 {
        assert_eq!(stage.look(), [0; 0]);
        stage.part(1, &large[sent..=sent]);
    }
    // As long as the last one was at the last look, and another.
    assert_eq!(stage.look(), [0; 0]);
    stage.part(1, &large[100_010..]);
    stage.server.message_taken(CallId(1), 300_000);
    stage.part(1, &large[..100_010]);
    assert_eq!(stage.look(), [0; 0]);
    assert_eq!(stage.look(), [1]);
}

#[test]
fn a_message_that_waits_for_the_application_is_not_given_up() {
    let mut stage = Stage::new();
    stage.server.set_scarce(true);
    stage.request(1, &[], false);
    let whole = message(&[7; FRAME - 5]);
    let count = WINDOW / FRAME;
    (0..count).for_each(|_| stage.part(1, &whole));
    stage.part(1, &message(&[7; 300_000])[..WINDOW - count * FRAME]);
    for _ in 0..5 {
        assert_eq!(stage.look(), [0; 0], "the window is closed");
    }
    (0..count).for_each(|_| stage.server.message_taken(CallId(1), FRAME - 5));
    assert_eq!(stage.look(), [1]);
}

#[test]
fn messages_that_wait_for_others_are_given_up_when_none_gets_on() {
    let limits = Limits { max_partial_message_bytes: 400_000, ..Limits::DEFAULT };
    let large = message(&[7; 300_000]);
    let begun = || {
        let mut stage = Stage::with(&limits);
        stage.server.set_scarce(true);
        for stream in [1, 3, 5, 7] {
            stage.request(stream, &[], false);
            stage.part(stream, &large[..WINDOW]);
        }
        assert_eq!(stage.look(), [0; 0]);
        assert_eq!(stage.look(), [1]);
        stage
    };
    // The next in line has its turn, and does not use it.
    let mut stage = begun();
    assert_eq!(stage.look(), [3, 7]);
    assert_eq!(stage.look(), [5]);
    // Or it does, and nobody behind it suffers.
    let mut stage = begun();
    stage.part(3, &large[WINDOW..WINDOW + 1]);
    assert_eq!(stage.look(), [0; 0]);
    stage.part(3, &large[WINDOW + 1..]);
    assert_eq!(stage.look(), [0; 0]);
    stage.part(5, &large[WINDOW..]);
    stage.part(7, &large[WINDOW..]);
    assert_eq!(stage.look(), [0; 0]);
    assert!(!stage.server.has_unfinished());
}
