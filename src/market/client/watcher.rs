//! Follows an account's mailbox.
//!
//! ```text
//!   Open --- the stream breaks ---> Waiting --- pause over ---> Open, behind the last one shown
//!     \--- refused (not ours to retry) ---> Ended             (pauses grow while it keeps failing)
//! ```
//!
//! The market sends a notification at least once until it is acknowledged. The watcher compares
//! ids, so its caller gets each exactly once. A market that was restarted without its data does not
//! know the account, or numbers its mailbox from 1 again: then the watcher starts again as well. It
//! cannot detect a new mailbox that has already as many notifications as the old one had.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::market_client::MarketClient;
use super::record::Notification;
use super::wire;
use crate::call::{Code, Status};
use crate::market::contract::FULL;
use crate::rpc::{ClientCall, Received};

/// How often a waiting watcher checks whether it is to stop.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A mailbox being watched.
pub struct Watcher {
    client: Arc<MarketClient>,
    stream: Option<ClientCall>,
    last_returned: u64,
    last_acknowledged: u64,
    /// Replicas that failed since the last one that answered.
    attempts: usize,
    stop: Arc<AtomicBool>,
}

impl Watcher {
    /// Watches the client's own mailbox, from the oldest notification that is not acknowledged.
    /// Setting `stop` from another thread ends [`next`](Self::next).
    pub fn new(client: Arc<MarketClient>, stop: Arc<AtomicBool>) -> Watcher {
        Watcher { client, stream: None, last_returned: 0, last_acknowledged: 0, attempts: 0, stop }
    }

    /// Waits for the next notification; `None` at `until` or when `stop` is set. Connects again
    /// after every failure. Each call acknowledges the notifications that earlier calls returned.
    ///
    /// # Errors
    /// The market's status when it refuses: wrong credentials, no account.
    pub fn next(&mut self, until: Option<Instant>) -> Result<Option<Notification>, Status> {
        self.acknowledge_returned();
        let mut pause = FIRST_PAUSE;
        loop {
            if self.stop.load(Ordering::Relaxed)
                || until.is_some_and(|until| Instant::now() >= until)
            {
                return Ok(None);
            }
            let look = Instant::now() + LOOK_INTERVAL;
            let status = match self.receive(until.map_or(look, |until| until.min(look))) {
                Ok(Some(notification)) if notification.id > self.last_returned => {
                    self.last_returned = notification.id;
                    return Ok(Some(notification));
                }
                Ok(_) => continue,
                Err(status) => status,
            };
            self.stream = None;
            let is_another = matches!(status.code, Code::OutOfRange | Code::Unauthenticated);
            if is_another && self.last_returned > 0 {
                (self.last_returned, self.last_acknowledged) = (0, 0);
                continue;
            }
            if !is_worth_another_try(&status) {
                return Err(status);
            }
            log::debug!("watching the mailbox: {status}");
            self.attempts = if self.client.follow(&status) { 0 } else { self.attempts + 1 };
            self.pause(pause, until);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The next message of the stream, which is opened if it is not open.
    fn receive(&mut self, until: Instant) -> Result<Option<Notification>, Status> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => self.stream.insert(self.client.watch(self.attempts, self.last_returned)?),
        };
        match stream.receive_until(Some(until))? {
            Received::Message(message) => wire::notification(&message).map(Some),
            Received::NotYet => Ok(None),
            Received::End => Err(Status::new(Code::Unavailable, "the market ended the stream")),
        }
    }

    /// Acknowledges the notifications that were returned. If that fails, the next acknowledgement
    /// includes them.
    pub fn acknowledge_returned(&mut self) {
        if self.last_returned > self.last_acknowledged {
            match self.client.acknowledge(self.last_returned) {
                Ok(()) => self.last_acknowledged = self.last_returned,
                Err(status) => log::debug!("acknowledging: {status}"),
            }
        }
    }

    fn pause(&self, pause: Duration, until: Option<Instant>) {
        let end = Instant::now() + pause;
        let end = until.map_or(end, |until| until.min(end));
        while Instant::now() < end && !self.stop.load(Ordering::Relaxed) {
            std::thread::sleep(LOOK_INTERVAL.min(end.saturating_duration_since(Instant::now())));
        }
    }
}

/// Whether a watch that ended with this status may be opened again, at this or another replica.
fn is_worth_another_try(status: &Status) -> bool {
    match status.code {
        Code::Unavailable | Code::Cancelled | Code::Internal | Code::Unimplemented => true,
        // The server is busy, unless a bound of the market is reached.
        Code::ResourceExhausted => status.metadata.get(FULL).is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_opened_again_unless_the_market_refuses_it() {
        let status = |code| Status::new(code, "why");
        for code in [Code::Unavailable, Code::Cancelled, Code::ResourceExhausted] {
            assert!(is_worth_another_try(&status(code)), "{code}");
        }
        let mut full = status(Code::ResourceExhausted);
        full.metadata.insert(FULL, b"1").unwrap();
        assert!(!is_worth_another_try(&full));
        assert!(!is_worth_another_try(&status(Code::Unauthenticated)));
    }
}
