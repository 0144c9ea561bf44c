//! How tests wait, and how loads keep their pace: the one file in which a test sleeps.
//!
//! A test never waits for a fixed time and hopes. [`poll_until`] and [`pause`] look again until
//! something has happened, and fail at a deadline. [`pace`] and [`pace_until`] wait
//! for nothing: they are part of a load or of an emulated world (a client's think time, the latency of
//! a link, a slow handler, the time between two faults).

use std::thread;
use std::time::{Duration, Instant};

/// Between two checks of a condition.
const POLL_INTERVAL: Duration = Duration::from_millis(2);
/// Between two rounds of a loop that moves data.
const PAUSE: Duration = Duration::from_micros(200);

/// Polls until `condition` holds; fails the test when it does not hold within `timeout`.
#[track_caller]
pub fn poll_until(what: &str, timeout: Duration, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + timeout;
    while !condition() {
        assert!(Instant::now() < deadline, "timed out: {what}");
        thread::sleep(POLL_INTERVAL);
    }
}

/// Sleeps between two rounds of a loop that has a deadline of its own.
pub fn pause() {
    thread::sleep(PAUSE);
}

/// Lets time pass in a load or in an emulated world.
pub fn pace(time: Duration) {
    thread::sleep(time);
}

/// As [`pace`], until a moment; not at all if that has passed.
pub fn pace_until(moment: Instant) {
    pace(moment.saturating_duration_since(Instant::now()));
}
