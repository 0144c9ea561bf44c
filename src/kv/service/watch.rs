//! Watches: changes of the keys with a prefix, as they are applied.
//!
//! A client that does not read falls out of the history in the end: then its watch ends with the
//! oldest revision after which all changes are known.

use super::KvService;
use super::wire;
use crate::call::{Code, Status};
use crate::kv::contract::OLDEST_REVISION;
use crate::kv::state::{Change, Compacted, Kv};
use crate::replica::node::Shared;
use crate::replica::service::{Watch, WatchHub, WatchService, with_metadata};
use crate::rpc::Responder;

/// The most watches of a node: each of them examines every change.
pub const MAX_WATCHES: usize = 1024;
/// Changes in one response, and their bytes.
const MAX_BATCH: usize = 256;
const MAX_BATCH_BYTES: usize = 256 * 1024;
/// A watch without changes gets an empty response after so many revisions: it can be resumed there.
const PROGRESS_INTERVAL: u64 = 10_000;

/// All watches of a node.
pub(super) type Watches = WatchHub<(), Cursor>;

/// How far a watch is.
pub(super) struct Cursor {
    prefix: Vec<u8>,
    /// All changes up to this revision were examined.
    seen: u64,
    /// The last revision that the client was sent.
    reported: u64,
}

/// Sends all watches what is new.
pub(super) fn notify(watches: &mut Watches, machine: &Kv, applied: u64) {
    watches.update((), |watch| send_new(watch, machine, applied));
}

/// Ends all watches, and refuses new ones.
pub(super) fn shut_down(watches: &mut Watches) {
    watches.shut_down(&shutting_down());
}

impl WatchService for KvService {
    fn open_watch(
        node: &mut Shared<KvService>,
        message: &[u8],
        responder: &Responder,
    ) -> Result<u64, Status> {
        let (prefix, after) = wire::parse_watch(message)?;
        let (service, state) = node.service_and_state();
        let watches = &mut service.watches;
        if watches.is_shut_down() {
            return Err(shutting_down());
        }
        if watches.count(&()) >= MAX_WATCHES {
            let message = format!("{MAX_WATCHES} watches of this node are open");
            return Err(Status::new(Code::ResourceExhausted, message));
        }
        let seen = after.unwrap_or(state.applied_index());
        state.machine().history().after(seen).map(drop).map_err(compacted_status)?;
        let number = watches.reserve();
        let cursor = Cursor { prefix, seen, reported: seen };
        watches.begin(number, (), responder.clone(), cursor, |watch| {
            // The first response has the revision after which changes follow.
            watch.send([wire::watch_response(&[], seen)]);
            true
        });
        Ok(number)
    }

    fn watch_drained(node: &mut Shared<KvService>, number: u64) {
        let (service, state) = node.service_and_state();
        let (machine, applied) = (state.machine(), state.applied_index());
        service.watches.drained(number, |(), watch| send_new(watch, machine, applied));
    }

    fn close_watch(&mut self, number: u64) {
        self.watches.remove(number);
    }
}

/// Sends a batch of what is new. False: the watch has ended.
fn send_new(watch: &mut Watch<Cursor>, machine: &Kv, applied: u64) -> bool {
    let Cursor { prefix, seen, reported } = &mut watch.cursor;
    if applied <= *seen {
        return true;
    }
    let changes = match machine.history().after(*seen) {
        Ok(changes) => changes,
        Err(compacted) => {
            watch.finish(compacted_status(compacted));
            return false;
        }
    };
    let mut batch: Vec<&Change> = Vec::new();
    let (mut bytes, mut up_to) = (0, applied);
    for change in changes.filter(|change| change.key().starts_with(prefix)) {
        if batch.len() == MAX_BATCH || bytes > MAX_BATCH_BYTES {
            // The response is complete up to the last change in it.
            up_to = batch.last().map_or(*seen, |last| last.revision);
            break;
        }
        bytes += change.key().len() + change.value().map_or(0, <[u8]>::len);
        batch.push(change);
    }
    *seen = up_to;
    if !batch.is_empty() || up_to >= *reported + PROGRESS_INTERVAL {
        *reported = up_to;
        watch.send([wire::watch_response(&batch, up_to)]);
    }
    true
}

fn compacted_status(compacted: Compacted) -> Status {
    let status = Status::new(Code::OutOfRange, compacted.to_string());
    with_metadata(status, OLDEST_REVISION, &compacted.oldest.to_string())
}

fn shutting_down() -> Status {
    Status::new(Code::Unavailable, "the node shuts down: watch another one")
}
