//! The open calls of a connection.

use crate::call::CallId;

/// How many slots an idle connection keeps for its next calls.
const KEPT_SLOTS: usize = 16;

/// The open calls, sorted by id. Slots of ended calls are reused with the memory that they hold.
///
/// Ids ascend, so a new call is appended, and a lookup is a binary search over at most
/// [`max_concurrent_calls`](crate::call::Limits) entries.
#[derive(Debug)]
pub(super) struct Calls<T> {
    /// Id and slot of each open call, by ascending id.
    open: Vec<(CallId, u32)>,
    slots: Vec<T>,
    /// Slots without an open call.
    free: Vec<u32>,
}

impl<T> Calls<T> {
    pub(super) const fn new() -> Calls<T> {
        Calls { open: Vec::new(), slots: Vec::new(), free: Vec::new() }
    }

    fn find(&self, call: CallId) -> Option<usize> {
        // Most frames are for the newest call, most responses for the oldest.
        match self.open[..] {
            [.., (newest, _)] if newest == call => Some(self.open.len() - 1),
            [(oldest, _), ..] if oldest == call => Some(0),
            _ => self.open.binary_search_by_key(&call, |(id, _)| *id).ok(),
        }
    }

    pub(super) fn get_mut(&mut self, call: CallId) -> Option<&mut T> {
        let at = self.find(call)?;
        self.slots.get_mut(self.open[at].1 as usize)
    }

    /// Adds a call with an id above all before it. Its slot is new or as the last call left it.
    pub(super) fn insert(&mut self, call: CallId, new: impl FnOnce() -> T) -> &mut T {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(new());
            // There are as many slots as concurrent calls: far below u32::MAX.
            (self.slots.len() - 1) as u32
        });
        debug_assert!(self.open.last().is_none_or(|(newest, _)| *newest < call));
        self.open.push((call, slot));
        &mut self.slots[slot as usize]
    }

    /// Removes a call. The caller has reset the slot before.
    pub(super) fn remove(&mut self, call: CallId) {
        let Some(at) = self.find(call) else { return };
        let (_, slot) = self.open.remove(at);
        self.free.push(slot);
        if self.open.is_empty() && self.slots.len() > KEPT_SLOTS {
            *self = Calls::new();
        }
    }

    /// The ids of all open calls, the oldest first.
    pub(super) fn ids(&self) -> Vec<CallId> {
        self.open.iter().map(|(id, _)| *id).collect()
    }

    /// The oldest open call.
    pub(super) fn first(&self) -> Option<CallId> {
        self.open.first().map(|(id, _)| *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_by_id_and_listed_in_order() {
        let mut calls = Calls::new();
        for id in [1, 3, 5] {
            *calls.insert(CallId(id), || 0) = id * 10;
        }
        calls.remove(CallId(3));
        assert_eq!(calls.get_mut(CallId(5)), Some(&mut 50));
        assert_eq!(calls.get_mut(CallId(3)), None);
        assert_eq!(calls.first(), Some(CallId(1)));
        assert_eq!(calls.ids(), [CallId(1), CallId(5)]);
        calls.remove(CallId(1));
        assert_eq!(calls.first(), Some(CallId(5)));
    }

    #[test]
    fn a_slot_is_reused_with_its_memory() {
        let mut calls = Calls::new();
        calls.insert(CallId(1), Vec::<u8>::new).reserve(100);
        calls.remove(CallId(1));
        assert!(calls.insert(CallId(3), Vec::new).capacity() >= 100);
    }

    #[test]
    fn a_burst_of_calls_leaves_no_memory_behind() {
        let mut calls = Calls::new();
        for id in 0..100 {
            calls.insert(CallId(id), || [0u8; 64]);
        }
        for id in 0..100 {
            calls.remove(CallId(id));
        }
        assert_eq!(calls.slots.capacity(), 0);
    }
}
