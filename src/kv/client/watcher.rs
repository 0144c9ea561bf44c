//! Follows changes from node to node.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::kv_client::KvClient;
use super::record::Change;
use super::wire;
use crate::call::{Code, Status};
use crate::rpc::{ClientCall, Received};

/// How often a watcher that waits looks whether it is to stop.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(100);
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Keys that begin alike, being watched.
pub struct Watcher {
    client: Arc<KvClient>,
    prefix: Vec<u8>,
    stream: Option<ClientCall>,
    /// All changes up to here were handed over.
    seen: Option<u64>,
    /// Nodes that were given up.
    attempts: usize,
    stop: Arc<AtomicBool>,
}

/// What a watcher has to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// Changes, in their order.
    Changes(Vec<Change>),
    /// The nodes have forgotten some changes. What a scan finds from now on is as good: the watch
    /// goes on behind the revision that it is [given](Watcher::resume_after).
    Missed,
}

impl Watcher {
    /// Watches the keys that begin so, behind a revision or from now on. Setting `stop` from
    /// another thread ends [`next`](Self::next).
    pub fn new(
        client: Arc<KvClient>,
        prefix: &[u8],
        after: Option<u64>,
        stop: Arc<AtomicBool>,
    ) -> Watcher {
        let prefix = prefix.to_vec();
        Watcher { client, prefix, stream: None, seen: after, attempts: 0, stop }
    }

    /// The revision up to which all changes were handed over, once that is known.
    pub fn seen(&self) -> Option<u64> {
        self.seen
    }

    /// The next changes are those behind this revision.
    pub fn resume_after(&mut self, revision: u64) {
        self.stream = None;
        self.seen = Some(revision);
    }

    /// Waits for the next changes; `None` when `until` or the stop came first. Goes on at another
    /// node as often as it takes.
    ///
    /// # Errors
    /// A node's status when it refuses.
    pub fn next(&mut self, until: Option<Instant>) -> Result<Option<WatchEvent>, Status> {
        let mut pause = MIN_PAUSE;
        loop {
            if self.stop.load(Ordering::Relaxed)
                || until.is_some_and(|until| Instant::now() >= until)
            {
                return Ok(None);
            }
            let next_check = Instant::now() + STOP_CHECK_INTERVAL;
            let status = match self.receive(until.map_or(next_check, |until| until.min(next_check)))
            {
                Ok(Some(changes)) if !changes.is_empty() => {
                    return Ok(Some(WatchEvent::Changes(changes)));
                }
                Ok(_) => continue,
                Err(status) => status,
            };
            self.stream = None;
            match status.code {
                Code::OutOfRange => return Ok(Some(WatchEvent::Missed)),
                // Too slow: what was missed is in the history, or else that is said next.
                Code::Unavailable | Code::Cancelled | Code::ResourceExhausted => (),
                // No node of the store, or one that has gone wrong: there are others.
                Code::Internal | Code::Unimplemented => (),
                _ => return Err(status),
            }
            log::debug!("watching: {status}");
            self.attempts += 1;
            self.pause(pause, until);
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// What the stream has until `until`, opened if need be.
    fn receive(&mut self, until: Instant) -> Result<Option<Vec<Change>>, Status> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = self.client.watch(self.attempts, &self.prefix, self.seen)?;
                self.stream.insert(stream)
            }
        };
        match stream.receive_until(Some(until))? {
            Received::Message(message) => {
                let (changes, revision) = wire::parse_watch(&message)?;
                self.seen = Some(revision);
                Ok(Some(changes))
            }
            Received::NotYet => Ok(None),
            Received::End => Err(Status::new(Code::Unavailable, "the node ended the stream")),
        }
    }

    fn pause(&self, pause: Duration, until: Option<Instant>) {
        let end = Instant::now() + pause;
        let end = until.map_or(end, |until| until.min(end));
        while Instant::now() < end && !self.stop.load(Ordering::Relaxed) {
            thread::sleep(STOP_CHECK_INTERVAL.min(end.saturating_duration_since(Instant::now())));
        }
    }
}
