//! The open calls of a connection.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Error;
use super::buffer::Envelopes;
use super::credit::Allowance;
use crate::call::CallEnded;

/// On a quiet connection an empty table with room for more calls than this is given back.
const KEEP_CALLS: usize = 28;

/// One open call, as either role keeps it. Each side is open until it has said its last:
///
/// ```text
///            our last goes out            our last goes out
///   Open ───────────────────────► Sent    (client: END or HALF_CLOSE,
///    │                              │       server: END or TRAILERS)
///    │ peer's last                  │ peer's last
///    ▼                              ▼
///   Heard ──────────────────────► over
/// ```
///
/// A call leaves the table when the server's side is done (the server has the last word), or by
/// CANCEL. On the server a call in `Sent` stays while envelopes wait for credit; it is `finished`
/// then, and the application hears no more of it.
pub(super) struct Call {
    /// What we may still send.
    pub(super) credit: i64,
    /// What the peer may still send.
    pub(super) allowance: Allowance,
    /// What messages cost that arrived and were not taken yet.
    pub(super) unconsumed: i64,
    /// Envelopes that wait for credit.
    pub(super) queue: Option<Box<Envelopes>>,
    /// Where the call's REQUEST stands in all that a client ever put out.
    pub(super) position: u64,
    /// We have said our last.
    pub(super) finished: bool,
    /// The peer has said its last.
    pub(super) peer_finished: bool,
    /// Initial metadata, or what implies it, has passed from the server to the client.
    pub(super) headers_passed: bool,
    /// The call stands in the connection's line of those that wait.
    pub(super) scheduled: bool,
    /// More than the low-water mark was queued since the application was last told otherwise.
    pub(super) above_low_water: bool,
}

impl Call {
    /// A call that begins with these windows.
    pub(super) fn new(our_credit: i64, peers_credit: i64, position: u64) -> Call {
        Call {
            credit: our_credit,
            allowance: Allowance::new(peers_credit),
            unconsumed: 0,
            queue: None,
            position,
            finished: false,
            peer_finished: false,
            headers_passed: false,
            scheduled: false,
            above_low_water: false,
        }
    }

    /// Whether envelopes wait for credit.
    pub(super) fn is_waiting(&self) -> bool {
        self.queue.as_ref().is_some_and(|queue| !queue.is_empty())
    }

    /// Bytes of envelopes that wait for credit.
    pub(super) fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.len())
    }

    /// A message of this cost arrived; with `last` nothing follows.
    pub(super) fn arrive(&mut self, cost: i64, last: bool) -> Result<(), Error> {
        if self.peer_finished {
            return Err(Error::HalfClosed);
        }
        self.allowance.charge(cost)?;
        self.unconsumed += cost;
        self.peer_finished = last;
        Ok(())
    }
}

/// Calls by id. The map's own order is never seen.
#[derive(Default)]
pub(super) struct CallTable {
    calls: HashMap<u32, Call, BuildHasherDefault<IdHasher>>,
}

impl CallTable {
    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn get(&self, id: u32) -> Option<&Call> {
        self.calls.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Call> {
        self.calls.get_mut(&id)
    }

    /// The call, if it is open and we have not said our last.
    pub(super) fn sending(&mut self, id: u32) -> Result<&mut Call, CallEnded> {
        self.get_mut(id).filter(|call| !call.finished).ok_or(CallEnded)
    }

    /// Puts a call in; its id is not in the table yet.
    pub(super) fn insert(&mut self, id: u32, call: Call) -> &mut Call {
        self.calls.entry(id).insert_entry(call).into_mut()
    }

    pub(super) fn remove(&mut self, id: u32) -> Option<Call> {
        self.calls.remove(&id)
    }

    /// The ids above `last`, ascending.
    pub(super) fn ids_above(&self, last: u32) -> Vec<u32> {
        let mut ids: Vec<u32> = self.calls.keys().copied().filter(|&id| id > last).collect();
        ids.sort_unstable();
        ids
    }

    /// Bytes that wait on all calls together.
    pub(super) fn queued(&self) -> usize {
        // Between two calls, the usual case, the table is not even looked at.
        if self.calls.is_empty() { 0 } else { self.calls.values().map(Call::queued).sum() }
    }

    /// The memory held, in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let queues = self.calls.values().filter_map(|call| call.queue.as_ref());
        let slot = size_of::<(u32, Call)>() + 1;
        self.calls.capacity() * 8 / 7 * slot + queues.map(|queue| queue.capacity()).sum::<usize>()
    }

    /// Whether the table is empty and larger than it needs to be.
    pub(super) fn is_spare(&self) -> bool {
        self.calls.is_empty() && self.calls.capacity() > KEEP_CALLS
    }

    /// Gives the memory of an empty table back.
    pub(super) fn shrink(&mut self) {
        if self.calls.is_empty() {
            self.calls = HashMap::default();
        }
    }
}

/// Spreads ascending ids by one multiplication. A client that picks ids which collide slows down
/// its own connection only, by as many calls as it may have open.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte) ^ self.0 as u32);
        }
    }

    fn write_u32(&mut self, id: u32) {
        self.0 = u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
