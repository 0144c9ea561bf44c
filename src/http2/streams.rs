//! All streams of a connection: the open ones by identifier, and a record of the recently closed.

use std::collections::VecDeque;
use std::ops::{Index, IndexMut};

use super::StreamId;
use super::flow::{ReceiveWindow, SendWindow};
use super::state::{CloseReason, State};
use super::stream::{Queue, Stream, Tail};

/// How many slots an idle connection keeps.
const IDLE_SLOTS: usize = 16;

/// The slot of an open stream. Valid until the stream is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

/// The open streams: a slab whose slots are reused, and a list of (identifier, slot) sorted by
/// identifier. Identifiers only ascend, so a new stream is appended, and a lookup is a binary search
/// over the open streams.
#[derive(Debug, Default)]
pub struct Streams {
    slots: Vec<Stream>,
    free: Vec<Slot>,
    by_id: VecDeque<(StreamId, Slot)>,
}

impl Index<Slot> for Streams {
    type Output = Stream;

    fn index(&self, slot: Slot) -> &Stream {
        &self.slots[slot.0 as usize]
    }
}

impl IndexMut<Slot> for Streams {
    fn index_mut(&mut self, slot: Slot) -> &mut Stream {
        &mut self.slots[slot.0 as usize]
    }
}

impl Streams {
    /// How many streams are open.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether no stream is open.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The slot of an open stream.
    pub fn find(&self, id: StreamId) -> Option<Slot> {
        // Most frames are for the newest stream, most responses for the oldest.
        match (self.by_id.back(), self.by_id.front()) {
            (Some(&(newest, slot)), _) if newest == id => Some(slot),
            (_, Some(&(oldest, slot))) if oldest == id => Some(slot),
            _ => {
                let index = self.by_id.binary_search_by_key(&id, |&(id, _)| id).ok()?;
                self.by_id.get(index).map(|&(_, slot)| slot)
            }
        }
    }

    /// Adds a stream with an identifier above all before it.
    pub fn insert(&mut self, id: StreamId, send: SendWindow, receive: ReceiveWindow) -> Slot {
        debug_assert!(self.by_id.back().is_none_or(|&(newest, _)| newest < id));
        let stream = Stream::new(id, send, receive);
        let slot = match self.free.pop() {
            Some(slot) => {
                self[slot] = stream;
                slot
            }
            None => {
                self.slots.push(stream);
                Slot((self.slots.len() - 1) as u32)
            }
        };
        self.by_id.push_back((id, slot));
        slot
    }

    /// Removes a stream, whose slot will be reused, and drops its queue.
    pub fn remove(&mut self, slot: Slot) {
        let stream = &mut self[slot];
        stream.queue = Queue::default();
        stream.tail = Tail::Open;
        let id = stream.id;
        if let Ok(index) = self.by_id.binary_search_by_key(&id, |&(id, _)| id) {
            self.by_id.remove(index);
            self.free.push(slot);
        }
    }

    /// The open streams, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (StreamId, Slot)> {
        self.by_id.iter().copied()
    }

    /// Releases the memory of a connection that was busy, if no stream is open.
    pub fn shrink(&mut self) {
        if self.is_empty() && self.slots.capacity() > IDLE_SLOTS {
            *self = Streams::default();
        }
    }

    /// The memory held, in bytes.
    #[cfg(test)]
    pub fn held_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Stream>()
            + self.slots.iter().map(|stream| stream.queue.held_bytes()).sum::<usize>()
            + self.free.capacity() * size_of::<Slot>()
            + self.by_id.capacity() * size_of::<(StreamId, Slot)>()
    }

    /// Removes all streams and releases their memory.
    pub fn clear(&mut self) {
        *self = Streams::default();
    }
}

/// How many finished streams are recorded: only to detect a peer that sends after its own end.
const KEPT_FINISHED: usize = 16;

/// How many reset streams are recorded. More than can be open at once, so that frames that were in
/// flight when all of them were reset are still recognized.
const KEPT_RESET: usize = 128;

/// Why the most recently closed streams were closed (section 5.1, "closed").
#[derive(Debug, Default)]
pub struct RecentlyClosed {
    finished: [StreamId; KEPT_FINISHED],
    next: usize,
    reset: VecDeque<(StreamId, CloseReason)>,
}

impl RecentlyClosed {
    /// Records a stream that has just been closed.
    pub fn record(&mut self, id: StreamId, reason: CloseReason) {
        match reason {
            CloseReason::Finished => {
                self.finished[self.next % KEPT_FINISHED] = id;
                self.next = self.next.wrapping_add(1);
            }
            CloseReason::ResetByUs | CloseReason::ResetByPeer => {
                if self.reset.len() == KEPT_RESET {
                    self.reset.pop_front();
                }
                self.reset.push_back((id, reason));
            }
            CloseReason::Forgotten => {}
        }
    }

    /// The state of a stream that is neither open nor idle.
    pub fn state(&self, id: StreamId) -> State {
        // Newest first: when the peer sends on a stream that it has reset, we reset it as well.
        let reset = self.reset.iter().rev().find(|&&(closed, _)| closed == id);
        State::Closed(match reset {
            Some(&(_, reason)) => reason,
            None if self.finished.contains(&id) => CloseReason::Finished,
            None => CloseReason::Forgotten,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(streams: &mut Streams, id: u32) -> Slot {
        streams.insert(StreamId(id), SendWindow::new(0), ReceiveWindow::new(0))
    }

    #[test]
    fn streams_are_found_by_identifier_after_others_have_ended() {
        let mut streams = Streams::default();
        for id in (1..200).step_by(2) {
            insert(&mut streams, id);
        }
        for id in (1..200).step_by(6) {
            let slot = streams.find(StreamId(id)).unwrap();
            streams.remove(slot);
        }
        for id in 0..210 {
            let found = streams.find(StreamId(id)).map(|slot| streams[slot].id);
            let live = id % 2 == 1 && id < 200 && id % 6 != 1;
            assert_eq!(found, live.then_some(StreamId(id)));
        }
    }

    #[test]
    fn slots_are_reused() {
        let mut streams = Streams::default();
        for id in (1..2_001).step_by(2) {
            let slot = insert(&mut streams, id);
            streams.remove(slot);
        }
        assert_eq!((streams.slots.len(), streams.len()), (1, 0));
    }

    #[test]
    fn recently_closed_streams_are_remembered() {
        let mut closed = RecentlyClosed::default();
        closed.record(StreamId(1), CloseReason::ResetByUs);
        closed.record(StreamId(3), CloseReason::Finished);
        closed.record(StreamId(5), CloseReason::ResetByPeer);
        assert_eq!(closed.state(StreamId(1)), State::Closed(CloseReason::ResetByUs));
        assert_eq!(closed.state(StreamId(3)), State::Closed(CloseReason::Finished));
        assert_eq!(closed.state(StreamId(5)), State::Closed(CloseReason::ResetByPeer));
        assert_eq!(closed.state(StreamId(7)), State::Closed(CloseReason::Forgotten));
    }

    #[test]
    fn the_memory_of_closed_streams_is_bounded() {
        let mut closed = RecentlyClosed::default();
        for id in (1..10_000).step_by(2) {
            closed.record(StreamId(id), CloseReason::ResetByUs);
            closed.record(StreamId(id + 20_000), CloseReason::Finished);
        }
        assert_eq!(closed.reset.len(), KEPT_RESET);
        assert_eq!(closed.state(StreamId(1)), State::Closed(CloseReason::Forgotten));
        assert_eq!(closed.state(StreamId(9_999)), State::Closed(CloseReason::ResetByUs));
    }
}
