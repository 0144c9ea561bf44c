//! Watches: changes as they are applied.
//!
//! ```text
//!                 news: send up to a batch
//!     Idle --------------------------------------> Sending --+
//!      ^                                             |   ^    | news: nothing, they
//!      |  the client took all, nothing more waits    |   +----+ wait in the history
//!      +---------------------------------------------+
//!                     the client took all: send the next batch
//! ```
//!
//! A watch holds no changes: it knows the revision that it has sent up to, and what comes next is
//! read from the store's history. A client that does not read costs one batch, and falls out of
//! the history one day: then its watch ends, and it is told from where on changes are known.

use std::mem;

use super::KvService;
use super::wire;
use crate::call::{Code, Metadata, Status};
use crate::kv::contract::OLDEST_REVISION;
use crate::kv::state::{Change, Compacted, Kv};
use crate::replica::node::Node;
use crate::rpc::{CallHandler, Responder};

/// Watches of a node at once: each change is looked at by all of them.
pub const MAX_WATCHES: usize = 1024;
/// Changes in one response, and their bytes.
const MAX_BATCH: usize = 256;
const MAX_BATCH_BYTES: usize = 256 * 1024;
/// A watch that had nothing to send hears how far the node is after so many revisions: from there
/// it can be resumed later on.
const PROGRESS_INTERVAL: u64 = 10_000;

/// All watches of a node.
#[derive(Default)]
pub struct Watches {
    open: Vec<Watch>,
    /// Given out so far.
    last_number: u64,
    is_shut_down: bool,
}

/// One call of Watch.
struct Watch {
    number: u64,
    responder: Responder,
    prefix: Vec<u8>,
    /// All changes up to here were looked at.
    seen: u64,
    /// The client was told so up to here.
    reported: u64,
    /// The client has not taken what was sent.
    is_sending: bool,
}

impl Watches {
    /// Adds a watch behind a revision, or from now on.
    fn add(
        &mut self,
        machine: &Kv,
        applied: u64,
        prefix: Vec<u8>,
        after: Option<u64>,
        responder: Responder,
    ) -> Result<u64, Status> {
        if self.is_shut_down {
            return Err(shutting_down());
        }
        if self.open.len() >= MAX_WATCHES {
            let message = format!("{MAX_WATCHES} watches of this node are open");
            return Err(Status::new(Code::ResourceExhausted, message));
        }
        let seen = after.unwrap_or(applied);
        machine.history().after(seen).map(drop).map_err(compacted_status)?;
        self.last_number += 1;
        let number = self.last_number;
        // The first response says from where on, and that the watch stands.
        responder.send(wire::watch_response(&[], seen));
        let mut watch = Watch { number, responder, prefix, seen, reported: seen, is_sending: true };
        watch.responder.when_drained();
        watch.send_new(machine, applied);
        self.open.push(watch);
        Ok(number)
    }

    /// Tells all watches what is new.
    pub(super) fn send_new(&mut self, machine: &Kv, applied: u64) {
        self.open.retain_mut(|watch| watch.send_new(machine, applied));
    }

    fn drained(&mut self, number: u64, machine: &Kv, applied: u64) {
        self.open.retain_mut(|watch| {
            if watch.number != number {
                return true;
            }
            watch.is_sending = false;
            watch.send_new(machine, applied)
        });
    }

    fn remove(&mut self, number: u64) {
        self.open.retain(|watch| watch.number != number);
    }

    /// Ends all watches, those to come included.
    pub(super) fn end_all(&mut self) {
        self.is_shut_down = true;
        for watch in mem::take(&mut self.open) {
            watch.responder.finish(shutting_down());
        }
    }
}

impl Watch {
    /// Sends a batch of what is new, if the client has taken the last one. False: the watch is over.
    fn send_new(&mut self, machine: &Kv, applied: u64) -> bool {
        if self.is_sending || applied <= self.seen {
            return true;
        }
        let changes = match machine.history().after(self.seen) {
            Ok(changes) => changes,
            Err(compacted) => {
                self.responder.finish(compacted_status(compacted));
                return false;
            }
        };
        let mut batch: Vec<&Change> = Vec::new();
        let (mut bytes, mut upto) = (0, applied);
        for change in changes.filter(|change| change.key().starts_with(&self.prefix)) {
            if batch.len() == MAX_BATCH || bytes > MAX_BATCH_BYTES {
                // What is sent is all there is up to the last change in it.
                upto = batch.last().map_or(self.seen, |last| last.revision);
                break;
            }
            bytes += change.key().len() + change.value().map_or(0, <[u8]>::len);
            batch.push(change);
        }
        self.seen = upto;
        if !batch.is_empty() || upto >= self.reported + PROGRESS_INTERVAL {
            self.responder.send(wire::watch_response(&batch, upto));
            self.responder.when_drained();
            self.reported = upto;
            self.is_sending = true;
        }
        true
    }
}

fn compacted_status(compacted: Compacted) -> Status {
    let mut status = Status::new(Code::OutOfRange, compacted.to_string());
    if let Err(error) =
        status.metadata.insert(OLDEST_REVISION, compacted.oldest.to_string().as_bytes())
    {
        log::error!("{OLDEST_REVISION}: {error}");
        status.metadata = Metadata::new();
    }
    status
}

fn shutting_down() -> Status {
    Status::new(Code::Unavailable, "the node shuts down: watch another one")
}

/// A call of Watch as the server sees it.
pub(super) struct WatchCall {
    node: Node<KvService>,
    responder: Responder,
    /// Once the request was taken.
    number: Option<u64>,
}

impl WatchCall {
    pub(super) fn new(node: Node<KvService>, responder: Responder) -> WatchCall {
        WatchCall { node, responder, number: None }
    }

    fn begin(&mut self, message: &[u8]) -> Result<u64, Status> {
        let (prefix, after) = wire::parse_watch(message)?;
        let mut node = self.node.lock();
        let (service, state) = node.service_and_state();
        let (machine, applied) = (state.machine(), state.applied_index());
        service.watches.add(machine, applied, prefix, after, self.responder.clone())
    }
}

impl CallHandler for WatchCall {
    fn message(&mut self, message: &[u8]) {
        match self.begin(message) {
            Ok(number) => self.number = Some(number),
            Err(status) => self.responder.finish(status),
        }
    }

    fn cancelled(&mut self, _: &Status) {}

    fn writable(&mut self) {
        if let Some(number) = self.number {
            let mut node = self.node.lock();
            let (service, state) = node.service_and_state();
            service.watches.drained(number, state.machine(), state.applied_index());
        }
    }
}

impl Drop for WatchCall {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.node.lock().service_mut().watches.remove(number);
        }
    }
}
