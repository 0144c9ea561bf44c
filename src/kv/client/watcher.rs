//! Receives changes, and resumes at another node when a node fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::kv_client::KvClient;
use super::record::Change;
use super::wire;
use crate::call::{Code, Status};
use crate::rpc::{ClientCall, Received};

/// How often a waiting watcher checks whether it is to stop.
const STOP_CHECK_INTERVAL: Duration = Duration::from_millis(100);
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// A watch of the keys with a prefix.
pub struct Watcher {
    client: Arc<KvClient>,
    prefix: Vec<u8>,
    stream: Option<ClientCall>,
    /// All changes up to this revision were returned.
    seen: Option<u64>,
    /// The number of nodes that failed.
    attempts: usize,
    stop: Arc<AtomicBool>,
}

/// An event of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEvent {
    /// Changes, in order.
    Changes(Vec<Change>),
    /// The node no longer has some of the changes. The caller scans the keys instead, and continues
    /// the watch with [`Watcher::resume_after`] the revision of the scan.
    Missed,
}

impl Watcher {
    /// Watches the keys with a prefix, after a revision or from now on. Setting `stop` from another
    /// thread ends [`next`](Self::next).
    pub fn new(
        client: Arc<KvClient>,
        prefix: &[u8],
        after: Option<u64>,
        stop: Arc<AtomicBool>,
    ) -> Watcher {
        let prefix = prefix.to_vec();
        Watcher { client, prefix, stream: None, seen: after, attempts: 0, stop }
    }

    /// The revision up to which all changes were returned, once it is known.
    pub fn seen(&self) -> Option<u64> {
        self.seen
    }

    /// Continues with the changes after this revision.
    pub fn resume_after(&mut self, revision: u64) {
        self.stream = None;
        self.seen = Some(revision);
    }

    /// Waits for the next changes; `None` when `until` has passed or the watcher is to stop.
    /// Resumes at another node as often as necessary.
    ///
    /// # Errors
    /// A node refuses the watch.
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
                // Too slow: the missed changes are in the history, or the next node reports a gap.
                Code::Unavailable | Code::Cancelled | Code::ResourceExhausted => (),
                // The server is no node of a store, or is faulty: try another one.
                Code::Internal | Code::Unimplemented => (),
                _ => return Err(status),
            }
            log::debug!("watching: {status}");
            self.attempts += 1;
            self.pause(pause, until);
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Receives a response until `until`; opens the stream if necessary.
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
