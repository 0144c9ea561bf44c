//! A slab with generations, which holds a server's connections.

use super::outbound::ConnectionId;

impl ConnectionId {
    /// The id as a poller key.
    pub(super) fn key(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.slot)
    }

    /// The id of a key made by [`key`](Self::key).
    pub(super) fn from_key(key: u64) -> ConnectionId {
        ConnectionId { slot: key as u32, generation: (key >> 32) as u32 }
    }
}

/// Values by id. An id is never used twice, so that a late answer finds nothing instead of the next
/// connection in the same slot.
pub(super) struct Slab<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

struct Slot<T> {
    generation: u32,
    value: Option<Box<T>>,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Slab<T> {
        Slab { slots: Vec::new(), free: Vec::new() }
    }

    /// The id of the next inserted value.
    pub(super) fn next_id(&self) -> ConnectionId {
        match self.free.last() {
            Some(&slot) => ConnectionId { slot, generation: self.slots[slot as usize].generation },
            None => ConnectionId { slot: self.slots.len() as u32, generation: 0 },
        }
    }

    /// Inserts a value with the id [`next_id`](Self::next_id).
    pub(super) fn insert(&mut self, value: T) {
        let value = Some(Box::new(value));
        match self.free.pop() {
            Some(slot) => self.slots[slot as usize].value = value,
            None => self.slots.push(Slot { generation: 0, value }),
        }
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut T> {
        let slot = self.slots.get_mut(id.slot as usize)?;
        if slot.generation == id.generation { slot.value.as_deref_mut() } else { None }
    }

    /// Removes a value and retires its id.
    pub(super) fn remove(&mut self, id: ConnectionId) {
        if let Some(slot) = self.slots.get_mut(id.slot as usize)
            && slot.generation == id.generation
            && slot.value.take().is_some()
        {
            // The highest generation is skipped: its keys belong to listeners, peer streams and
            // wakers.
            slot.generation = (slot.generation + 1) % (u32::MAX - 1);
            self.free.push(id.slot);
        }
    }

    /// How many values there may be.
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// The ids of all values.
    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        let used = self.slots.iter().enumerate().filter(|(_, slot)| slot.value.is_some());
        used.map(|(at, slot)| ConnectionId { slot: at as u32, generation: slot.generation })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_id_does_not_find_the_next_value_in_its_slot() {
        let mut slots = Slab::new();
        let first = slots.next_id();
        slots.insert("first");
        slots.remove(first);
        slots.remove(first);
        let second = slots.next_id();
        slots.insert("second");
        assert_eq!(first.slot, second.slot);
        assert_eq!(slots.get_mut(first), None);
        assert_eq!(slots.get_mut(second), Some(&mut "second"));
        assert_eq!(slots.ids(), [second]);
    }

    #[test]
    fn keys_and_ids_are_inverse() {
        let id = ConnectionId { slot: 7, generation: 9 };
        assert_eq!(ConnectionId::from_key(id.key()), id);
    }
}
