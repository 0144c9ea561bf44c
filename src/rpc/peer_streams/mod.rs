//! Calls to other servers that are to last: how a task talks to its peers.
//!
//! An *peer stream* is one call, on a connection of its own, that is begun when the peer stream is added and
//! begun anew whenever it is lost, until the peer stream is removed. Messages go both ways; each is sent
//! at most once, and nothing is sent while the peer stream is down: it suits protocols that repeat
//! themselves. All of it runs on the server's thread and its poller, so that a message to a peer
//! costs no wake-up, and all that a task sends to a peer in one turn leaves in one write.
//!
//! ```text
//!              its time has come             the addresses are known
//!   Resting ---------------------> LookingUp -----------------------> Connecting <--+
//!      ^                               |                               |     |      | one more
//!      |                               | no such name       all failed |     +------+ address
//!      |                               v                               |     |
//!      +<------------------------------+<------------------------------+     | connected
//!      |                                                                     v
//!      +<---- refused, or no answer in time --------------------------- Connected
//!      |                                                                     | headers or a message
//!      |                                                                     v
//!      +<---- the connection is lost, or the call has ended --------------- Up
//! ```
//!
//! A peer that restarts refuses connections until it listens again: that is cheap, and tried again
//! after some ten milliseconds. A peer that is silent is asked for a sign of life after
//! [`Limits::keepalive_interval`](crate::call::Limits::keepalive_interval), and its connection given
//! up for a fresh one when there is none: TCP itself would wait for seconds after a cut has healed.
//!
//! Names are looked up on other threads ([`crate::rpc::Resolver`]). Several addresses of a name are
//! tried one shortly after the other, and the first connection that is made is the one.

mod look_up;
mod options;
mod stream;

use std::time::Duration;

use look_up::LookUps;
pub use options::PeerStreamOptions;
use stream::{PeerStream, Tools};

use super::event_loop_task::{EventLoopTask, TaskWaker};
use super::names::Resolver;
use super::reactor::{Readiness, Registrar};
use crate::call::Status;

/// One peer stream among those of a server; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerStreamId(pub(super) u32);

/// What happens on a peer stream.
#[derive(Debug)]
pub enum PeerStreamEvent<'a> {
    /// The server has taken the call (its headers or its first message are here): what is sent from
    /// now on goes there.
    Up,
    /// The server sent a message.
    Message(&'a [u8]),
    /// The peer stream is down: lost, or not even made this time. It is tried again by itself.
    Down {
        /// Why: what ended the call, or `UNAVAILABLE` with what went wrong.
        status: &'a Status,
        /// Whether it was up before: then messages may be lost that were sent.
        was_up: bool,
    },
}

/// Why a message was not sent. It is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// The peer stream is down.
    Down,
    /// The peer does not read: [`PeerStreamOptions::max_queued_bytes`] are waiting for it.
    Full,
}

/// The peer streams of one server. There are few: each turn looks at all of them.
pub struct PeerStreams {
    /// By id; removed ones leave their place empty.
    streams: Vec<Option<PeerStream>>,
    registrar: Registrar,
    look_ups: LookUps,
    waker: TaskWaker,
    buffer: Vec<u8>,
}

const READ_BUFFER_BYTES: usize = 64 * 1024;
/// Their keys with the poller have this above their number, as no connection's have.
const KEYS: u64 = 0xffff_ffff << 32;

impl PeerStreams {
    pub(super) fn new(registrar: Registrar, resolver: Resolver, waker: TaskWaker) -> PeerStreams {
        let look_ups = LookUps::new(resolver, waker.clone());
        let buffer = vec![0; READ_BUFFER_BYTES];
        PeerStreams { streams: Vec::new(), registrar, look_ups, waker, buffer }
    }

    /// Adds one, which begins to connect at once.
    pub fn add(&mut self, options: PeerStreamOptions) -> PeerStreamId {
        // More than 2^32 do not fit into memory, whatever becomes of the old ones.
        let id = PeerStreamId(self.streams.len() as u32);
        self.streams.push(Some(PeerStream::new(id, options)));
        id
    }

    /// Ends one, without a word to its peer. Nothing more is reported of it.
    pub fn remove(&mut self, id: PeerStreamId) {
        if let Some(place) = self.streams.get_mut(id.0 as usize) {
            *place = None;
        }
    }

    /// What the next call begins with, whenever there is one.
    pub fn set_first_message(&mut self, id: PeerStreamId, first_message: Vec<u8>) {
        if let Some(stream) = self.get_mut(id) {
            stream.set_first_message(first_message);
        }
    }

    /// Sends a message: it is written when the task's turn is over, together with others.
    ///
    /// # Errors
    /// See [`NotSent`].
    pub fn send(&mut self, id: PeerStreamId, message: &[u8]) -> Result<(), NotSent> {
        self.get_mut(id).ok_or(NotSent::Down)?.send(message)
    }

    /// Whether messages can be sent.
    pub fn is_up(&self, id: PeerStreamId) -> bool {
        self.get(id).is_some_and(PeerStream::is_up)
    }

    /// Bytes sent that the socket has not taken yet.
    pub fn queued_bytes(&self, id: PeerStreamId) -> usize {
        self.get(id).map_or(0, PeerStream::queued_bytes)
    }

    /// Messages that were not sent because too much was waiting, since the peer stream was added.
    pub fn dropped(&self, id: PeerStreamId) -> u64 {
        self.get(id).map_or(0, |stream| stream.dropped)
    }

    /// The peer has just been heard of: a peer stream that rests between two attempts tries now.
    pub fn reconnect_now(&mut self, id: PeerStreamId) {
        if let Some(stream) = self.get_mut(id) {
            stream.reconnect_now();
        }
    }

    fn get(&self, id: PeerStreamId) -> Option<&PeerStream> {
        self.streams.get(id.0 as usize)?.as_ref()
    }

    fn get_mut(&mut self, id: PeerStreamId) -> Option<&mut PeerStream> {
        self.streams.get_mut(id.0 as usize)?.as_mut()
    }

    /// Whether a key that became ready is one of theirs.
    pub(super) fn owns(key: u64) -> bool {
        key & KEYS == KEYS
    }

    /// A socket became ready.
    pub(super) fn note(&mut self, ready: Readiness) {
        if let Some(stream) = self.get_mut(PeerStreamId(ready.key as u32)) {
            stream.note(ready);
        }
    }

    /// When [`poll`](Self::poll) is due if nothing becomes ready.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.streams.iter().flatten().map(PeerStream::next_timeout).min()
    }

    /// Gives those that are ready, or whose time has come, a turn.
    pub(super) fn poll(&mut self, now: Duration, task: &mut dyn EventLoopTask) {
        let PeerStreams { streams, registrar, look_ups, buffer, .. } = self;
        let found = look_ups.take_found();
        let mut tools = Tools { registrar, look_ups, buffer };
        for (id, addresses) in found {
            if let Some(Some(stream)) = streams.get_mut(id.0 as usize) {
                stream.looked_up(now, addresses, &mut tools, task);
            }
        }
        for stream in streams.iter_mut().flatten().filter(|stream| stream.next_timeout() <= now) {
            stream.poll(now, &mut tools, task);
        }
    }

    /// Writes what was sent in this turn.
    pub(super) fn flush(&mut self, now: Duration, task: &mut dyn EventLoopTask) {
        for stream in self.streams.iter_mut().flatten() {
            if stream.flush(now, task) {
                self.waker.wake();
            }
        }
    }

    /// Says goodbye to all peers, as far as their sockets take it.
    pub(super) fn close(&mut self, now: Duration) {
        for stream in self.streams.drain(..).flatten() {
            stream.close(now);
        }
    }
}
