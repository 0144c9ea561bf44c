//! Long-lived calls to other servers: how an event-loop task sends messages to its peers.
//!
//! An *peer stream* is one call on a connection of its own. It starts when the stream is added, and
//! starts again whenever it is lost, until the stream is removed. Messages go both ways. Each is
//! sent at most once, and nothing is sent while the stream is down: this suits protocols that
//! repeat their messages, such as Raft. Everything runs on the server's thread and its poller, so
//! that a message to a peer wakes no thread, and all messages to one peer in one turn leave in one
//! write.
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
//! A peer that restarts refuses connections until it listens again. Such an attempt is cheap, and
//! is repeated after some ten milliseconds. A silent peer is sent a ping after
//! [`Limits::keepalive_interval`](crate::call::Limits::keepalive_interval), and its connection is
//! replaced when no answer comes: TCP itself would wait for seconds after a network cut has healed.
//!
//! Names are looked up on other threads ([`crate::rpc::Resolver`]). The addresses of a name are
//! tried one shortly after the other, and the first connection that is established is used.

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
use crate::call::{Principal, Status};

/// One peer stream among those of a server; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerStreamId(pub(super) u32);

/// What happens on a peer stream.
#[derive(Debug)]
pub enum PeerStreamEvent<'a> {
    /// The server has accepted the call (its headers or its first message have arrived): messages
    /// can be sent from now on.
    Up {
        /// The server: the identity of its certificate, or unchecked in the clear.
        server: &'a Principal,
    },
    /// The server sent a message.
    Message(&'a [u8]),
    /// The peer stream is down: lost, or not even made this time. It reconnects by itself.
    Down {
        /// The status of the call, or `UNAVAILABLE` with the cause.
        status: &'a Status,
        /// Whether it was up before: then messages that were sent may be lost.
        was_up: bool,
    },
}

/// Why a message was not sent. The message is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotSent {
    /// The peer stream is down.
    Down,
    /// The peer does not read: [`PeerStreamOptions::max_queued_bytes`] are waiting for it.
    Full,
}

/// The peer streams of one server. There are few: each turn looks at all of them.
pub struct PeerStreams {
    /// By id; `None` where a stream was removed.
    streams: Vec<Option<PeerStream>>,
    registrar: Registrar,
    look_ups: LookUps,
    waker: TaskWaker,
    buffer: Vec<u8>,
}

const READ_BUFFER_BYTES: usize = 64 * 1024;
/// The upper half of the poller keys of peer streams; no connection has such a key.
const KEYS: u64 = 0xffff_ffff << 32;

impl PeerStreams {
    pub(super) fn new(registrar: Registrar, resolver: Resolver, waker: TaskWaker) -> PeerStreams {
        let look_ups = LookUps::new(resolver, waker.clone());
        let buffer = vec![0; READ_BUFFER_BYTES];
        PeerStreams { streams: Vec::new(), registrar, look_ups, waker, buffer }
    }

    /// Adds a stream, which begins to connect at once.
    pub fn add(&mut self, options: PeerStreamOptions) -> PeerStreamId {
        // More than 2^32 entries do not fit into memory, even if all but one are removed.
        let id = PeerStreamId(self.streams.len() as u32);
        self.streams.push(Some(PeerStream::new(id, options)));
        id
    }

    /// Ends a stream without notice to its peer. No more events are reported for it.
    pub fn remove(&mut self, id: PeerStreamId) {
        if let Some(place) = self.streams.get_mut(id.0 as usize) {
            *place = None;
        }
    }

    /// Sets the first message of the next call.
    pub fn set_first_message(&mut self, id: PeerStreamId, first_message: Vec<u8>) {
        if let Some(stream) = self.get_mut(id) {
            stream.set_first_message(first_message);
        }
    }

    /// Sends a message: it is written after the task was polled, together with others.
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

    /// Messages dropped because too much was queued, since the peer stream was added.
    pub fn dropped(&self, id: PeerStreamId) -> u64 {
        self.get(id).map_or(0, |stream| stream.dropped)
    }

    /// The peer is known to be reachable: a peer stream that rests between two attempts tries now.
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

    /// Whether this poller key belongs to a peer stream.
    pub(super) fn owns(key: u64) -> bool {
        key & KEYS == KEYS
    }

    /// A socket became ready.
    pub(super) fn note(&mut self, ready: Readiness) {
        if let Some(stream) = self.get_mut(PeerStreamId(ready.key as u32)) {
            stream.note(ready);
        }
    }

    /// When [`poll`](Self::poll) is due if no socket becomes ready.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.streams.iter().flatten().map(PeerStream::next_timeout).min()
    }

    /// Polls the streams that are ready or whose timeout has passed.
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

    /// Writes the messages of this turn.
    pub(super) fn flush(&mut self, now: Duration, task: &mut dyn EventLoopTask) {
        for stream in self.streams.iter_mut().flatten() {
            if stream.flush(now, task) {
                self.waker.wake();
            }
        }
    }

    /// Half-closes all calls, as far as the sockets take it at once.
    pub(super) fn close(&mut self, now: Duration) {
        for stream in self.streams.drain(..).flatten() {
            stream.close(now);
        }
    }
}
