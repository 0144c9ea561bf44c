//! Attempts at nodes that may be unreachable, each on a thread of its own.
//!
//! ```text
//!   Connecting --- connected ---> Begun: the request is sent, cancelled or not
//!       \--- cancelled ---------> Cancelled: nothing is sent
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::endpoint::Endpoint;
use crate::call::{Code, Status};

/// The answer of a node, or a status and whether the node may have received the request.
pub(super) type Answer = Result<Vec<u8>, (Status, bool)>;

const CONNECTING: u8 = 0;
const BEGUN: u8 = 1;
const CANCELLED: u8 = 2;

/// The state of an attempt.
#[derive(Default)]
pub(super) struct Attempt(AtomicU8);

impl Attempt {
    /// Called before the request is sent; returns false if the attempt was cancelled.
    pub(super) fn begin(&self) -> bool {
        self.step(BEGUN)
    }

    fn step(&self, to: u8) -> bool {
        let (success, failure) = (Ordering::SeqCst, Ordering::SeqCst);
        self.0.compare_exchange(CONNECTING, to, success, failure).is_ok()
    }

    fn has_begun(&self) -> bool {
        self.0.load(Ordering::SeqCst) == BEGUN
    }
}

/// The attempts of one call. Dropping them cancels those that are running.
#[derive(Default)]
pub(super) struct Attempts {
    running: BTreeMap<usize, Arc<Attempt>>,
    /// Created with the first attempt.
    answers: Option<Answers>,
}

type Answers = (Sender<(usize, Answer)>, Receiver<(usize, Answer)>);

impl Attempts {
    /// Starts a call to the node at `index`, which has no running attempt.
    pub(super) fn begin(
        &mut self,
        index: usize,
        node: Arc<Endpoint>,
        path: &str,
        request: Vec<u8>,
        timeout: Duration,
    ) {
        let (sender, _) = self.answers.get_or_insert_with(channel);
        let (sender, path) = (sender.clone(), path.to_owned());
        let attempt = Arc::<Attempt>::default();
        self.running.insert(index, Arc::clone(&attempt));
        let failed = sender.clone();
        let spawned = thread::Builder::new().name("attempt".into()).spawn(move || {
            let answer = node.ask(&path, &request, timeout, &attempt);
            // The receiver may be gone: the call has another answer already.
            let _ = sender.send((index, answer));
        });
        if let Err(error) = spawned {
            let status = Status::new(Code::Unavailable, format!("no thread: {error}"));
            // This side holds the receiver.
            let _ = failed.send((index, Err((status, false))));
        }
    }

    /// An answer that has arrived, if any.
    pub(super) fn take(&mut self) -> Option<(usize, Answer)> {
        self.wait(Duration::ZERO)
    }

    /// Waits for an answer.
    pub(super) fn wait(&mut self, timeout: Duration) -> Option<(usize, Answer)> {
        let (_, receiver) = self.answers.as_ref()?;
        let (index, answer) = match timeout {
            Duration::ZERO => receiver.try_recv().ok()?,
            timeout => receiver.recv_timeout(timeout).ok()?,
        };
        self.running.remove(&index);
        Some((index, answer))
    }

    /// Whether an attempt at the node is running.
    pub(super) fn has(&self, index: usize) -> bool {
        self.running.contains_key(&index)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.running.is_empty()
    }

    /// The nodes with a running attempt, and whether the request may have reached them.
    pub(super) fn running(&self) -> impl Iterator<Item = (usize, bool)> {
        self.running.iter().map(|(index, attempt)| (*index, attempt.has_begun()))
    }

    /// Cancels all attempts. Returns whether any request may have reached a node.
    pub(super) fn cancel(&mut self) -> bool {
        let mut any = false;
        for attempt in std::mem::take(&mut self.running).into_values() {
            any |= !attempt.step(CANCELLED);
        }
        any
    }
}

impl Drop for Attempts {
    fn drop(&mut self) {
        self.cancel();
    }
}
