//! Calls to other servers that are to last: how a resident talks to its peers.
//!
//! An *uplink* is one call, on a connection of its own, that is begun when the uplink is added and
//! begun anew whenever it is lost, until the uplink is removed. Messages go both ways; each is sent
//! at most once, and nothing is sent while the uplink is down: it suits protocols that repeat
//! themselves. All of it runs on the server's thread and its poller, so that a message to a peer
//! costs no wake-up, and all that a resident sends to a peer in one turn leaves in one write.
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
mod uplink;

use std::time::Duration;

use look_up::LookUps;
pub use options::UplinkOptions;
use uplink::{Tools, Uplink};

use super::names::Resolver;
use super::reactor::{Readiness, Registrar};
use super::resident::{Resident, ResidentWaker};
use crate::call::Status;

/// One uplink among those of a server; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UplinkId(pub(super) u32);

/// What happens on an uplink.
#[derive(Debug)]
pub enum UplinkEvent<'a> {
    /// The server has taken the call (its headers or its first message are here): what is sent from
    /// now on goes there.
    Up,
    /// The server sent a message.
    Message(&'a [u8]),
    /// The uplink is down: lost, or not even made this time. It is tried again by itself.
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
    /// The uplink is down.
    Down,
    /// The peer does not read: [`UplinkOptions::max_queued_bytes`] are waiting for it.
    Full,
}

/// The uplinks of one server. There are few: each turn looks at all of them.
pub struct Uplinks {
    /// By id; removed ones leave their place empty.
    uplinks: Vec<Option<Uplink>>,
    registrar: Registrar,
    look_ups: LookUps,
    waker: ResidentWaker,
    buffer: Vec<u8>,
}

const READ_BUFFER_BYTES: usize = 64 * 1024;
/// Their keys with the poller have this above their number, as no connection's have.
const KEYS: u64 = 0xffff_ffff << 32;

impl Uplinks {
    pub(super) fn new(registrar: Registrar, resolver: Resolver, waker: ResidentWaker) -> Uplinks {
        let look_ups = LookUps::new(resolver, waker.clone());
        let buffer = vec![0; READ_BUFFER_BYTES];
        Uplinks { uplinks: Vec::new(), registrar, look_ups, waker, buffer }
    }

    /// Adds one, which begins to connect at once.
    pub fn add(&mut self, options: UplinkOptions) -> UplinkId {
        // More than 2^32 do not fit into memory, whatever becomes of the old ones.
        let id = UplinkId(self.uplinks.len() as u32);
        self.uplinks.push(Some(Uplink::new(id, options)));
        id
    }

    /// Ends one, without a word to its peer. Nothing more is reported of it.
    pub fn remove(&mut self, id: UplinkId) {
        if let Some(place) = self.uplinks.get_mut(id.0 as usize) {
            *place = None;
        }
    }

    /// What the next call begins with, whenever there is one.
    pub fn set_opening(&mut self, id: UplinkId, opening: Vec<u8>) {
        if let Some(uplink) = self.get_mut(id) {
            uplink.set_opening(opening);
        }
    }

    /// Sends a message: it is written when the resident's turn is over, together with others.
    ///
    /// # Errors
    /// See [`NotSent`].
    pub fn send(&mut self, id: UplinkId, message: &[u8]) -> Result<(), NotSent> {
        self.get_mut(id).ok_or(NotSent::Down)?.send(message)
    }

    /// Whether messages can be sent.
    pub fn is_up(&self, id: UplinkId) -> bool {
        self.get(id).is_some_and(Uplink::is_up)
    }

    /// Bytes sent that the socket has not taken yet.
    pub fn queued_bytes(&self, id: UplinkId) -> usize {
        self.get(id).map_or(0, Uplink::queued_bytes)
    }

    /// Messages that were not sent because too much was waiting, since the uplink was added.
    pub fn dropped(&self, id: UplinkId) -> u64 {
        self.get(id).map_or(0, |uplink| uplink.dropped)
    }

    /// The peer has just been heard of: an uplink that rests between two attempts tries now.
    pub fn hurry(&mut self, id: UplinkId) {
        if let Some(uplink) = self.get_mut(id) {
            uplink.hurry();
        }
    }

    fn get(&self, id: UplinkId) -> Option<&Uplink> {
        self.uplinks.get(id.0 as usize)?.as_ref()
    }

    fn get_mut(&mut self, id: UplinkId) -> Option<&mut Uplink> {
        self.uplinks.get_mut(id.0 as usize)?.as_mut()
    }

    /// Whether a key that became ready is one of theirs.
    pub(super) fn owns(key: u64) -> bool {
        key & KEYS == KEYS
    }

    /// A socket became ready.
    pub(super) fn note(&mut self, ready: Readiness) {
        if let Some(uplink) = self.get_mut(UplinkId(ready.key as u32)) {
            uplink.note(ready);
        }
    }

    /// When [`turn`](Self::turn) is due if nothing becomes ready.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.uplinks.iter().flatten().map(Uplink::next_timeout).min()
    }

    /// Gives those that are ready, or whose time has come, a turn.
    pub(super) fn turn(&mut self, now: Duration, resident: &mut dyn Resident) {
        let Uplinks { uplinks, registrar, look_ups, buffer, .. } = self;
        let found = look_ups.take_found();
        let mut tools = Tools { registrar, look_ups, buffer };
        for (id, addresses) in found {
            if let Some(Some(uplink)) = uplinks.get_mut(id.0 as usize) {
                uplink.looked_up(now, addresses, &mut tools, resident);
            }
        }
        for uplink in uplinks.iter_mut().flatten().filter(|uplink| uplink.next_timeout() <= now) {
            uplink.turn(now, &mut tools, resident);
        }
    }

    /// Writes what was sent in this turn.
    pub(super) fn flush(&mut self, now: Duration, resident: &mut dyn Resident) {
        for uplink in self.uplinks.iter_mut().flatten() {
            if uplink.flush(now, resident) {
                self.waker.wake();
            }
        }
    }

    /// Says goodbye to all peers, as far as their sockets take it.
    pub(super) fn close(&mut self, now: Duration) {
        for uplink in self.uplinks.drain(..).flatten() {
            uplink.close(now);
        }
    }
}
