//! The open calls of a connection.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Error;
use super::buffer::Envelopes;
use super::credit::Allowance;
use crate::call::CallEnded;

/// On an idle connection an empty table with a capacity above this many calls is released.
const KEEP_CALLS: usize = 28;

/// One open call, in either role. Each side is open until it has sent its last envelope:
///
/// ```text
///             our last envelope
///   Open ───────────────────────────► Finished   (client: END or HALF_CLOSE,
///    │                                   │         server: END or TRAILERS)
///    │ peer's last envelope              │ peer's last envelope
///    ▼                                   ▼
///   PeerFinished ───────────────────► ended
/// ```
///
/// A call is removed from the table when the server's side has ended (which ends the call), or by
/// CANCEL. On the server a `finished` call stays while its envelopes wait for credit; nothing more of
/// it is reported to the application.
pub(super) struct Call {
    /// Our credit: how much we may still send.
    pub(super) credit: i64,
    /// The peer's credit.
    pub(super) allowance: Allowance,
    /// The cost of received messages that were not consumed yet.
    pub(super) unconsumed: i64,
    /// Envelopes that wait for credit.
    pub(super) queue: Option<Box<Envelopes>>,
    /// A client: the position of the call's REQUEST in the output.
    pub(super) position: u64,
    /// We have sent our last envelope.
    pub(super) finished: bool,
    /// The peer has sent its last envelope.
    pub(super) peer_finished: bool,
    /// Initial metadata, or an envelope that implies it, was sent by the server.
    pub(super) headers_passed: bool,
    /// The call is in the connection's round-robin queue.
    pub(super) scheduled: bool,
    /// The queue was above the low-water mark; the application is notified when it has drained.
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

    /// Adds a received message of this cost; with `last` no message follows.
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

/// Calls by id. The order of the map is not observable.
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

    /// The call, if it is open and we have not finished it.
    pub(super) fn sending(&mut self, id: u32) -> Result<&mut Call, CallEnded> {
        self.get_mut(id).filter(|call| !call.finished).ok_or(CallEnded)
    }

    /// Adds a call, whose id is not in the table yet.
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

    /// Bytes queued on all calls together.
    pub(super) fn queued(&self) -> usize {
        // Usually no call is open: then the table is not read.
        if self.calls.is_empty() { 0 } else { self.calls.values().map(Call::queued).sum() }
    }

    /// The memory held, in bytes.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        let queues = self.calls.values().filter_map(|call| call.queue.as_ref());
        let slot = size_of::<(u32, Call)>() + 1;
        self.calls.capacity() * 8 / 7 * slot + queues.map(|queue| queue.capacity()).sum::<usize>()
    }

    /// Whether the table is empty and large.
    pub(super) fn is_spare(&self) -> bool {
        self.calls.is_empty() && self.calls.capacity() > KEEP_CALLS
    }

    /// Releases the memory of an empty table.
    pub(super) fn shrink(&mut self) {
        if self.calls.is_empty() {
            self.calls = HashMap::default();
        }
    }
}

/// Hashes ascending ids by one multiplication. A client that chooses colliding ids slows down only its
/// own connection, by at most the number of its open calls.
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
