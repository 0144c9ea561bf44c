//! All open watches of a node, and flow control for each.
//!
//! ```text
//!                 new: send up to a batch
//!     Idle --------------------------------------> Sending --+
//!      ^                                             |   ^    | new: nothing, the
//!      |  drained, and nothing new                   |   +----+ state holds it
//!      +---------------------------------------------+
//!                     drained: send the next batch
//! ```
//!
//! A watch holds no changes. It has a *cursor*, the last change that was sent, and reads the next
//! ones from the state. So a client that reads slowly costs one batch of memory, however much
//! happens, and delays neither commands nor other watches.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use crate::call::{Metadata, Status};
use crate::rpc::Responder;

/// The watches of a node, by what they watch: a key `K`.
pub struct WatchHub<K, C> {
    by_key: BTreeMap<K, Vec<Watch<C>>>,
    /// What each watch that has begun is filed under.
    keys: BTreeMap<u64, K>,
    /// Numbers of watches that have not begun.
    reserved: BTreeSet<u64>,
    /// The last number that was given.
    last_number: u64,
    is_shut_down: bool,
}

/// One watch.
pub struct Watch<C> {
    number: u64,
    responder: Responder,
    /// The client has not taken yet what was sent.
    is_sending: bool,
    /// What was sent last.
    pub cursor: C,
}

impl<C> Watch<C> {
    /// Sends responses. The watch is updated again once the client has taken all of them.
    pub fn send(&mut self, responses: impl IntoIterator<Item = Vec<u8>>) {
        for response in responses {
            self.responder.send(response);
            self.is_sending = true;
        }
        if self.is_sending {
            self.responder.when_drained();
        }
    }

    /// Sends the headers of the response, so that the client knows that the watch is open.
    pub fn send_headers(&self) {
        self.responder.send_headers(Metadata::new());
    }

    /// Ends the call.
    pub fn finish(&self, status: Status) {
        self.responder.finish(status);
    }
}

impl<K, C> Default for WatchHub<K, C> {
    fn default() -> WatchHub<K, C> {
        WatchHub {
            by_key: BTreeMap::new(),
            keys: BTreeMap::new(),
            reserved: BTreeSet::new(),
            last_number: 0,
            is_shut_down: false,
        }
    }
}

impl<K: Copy + Ord, C> WatchHub<K, C> {
    /// Reserves the number of a watch that will begin.
    pub fn reserve(&mut self) -> u64 {
        self.last_number += 1;
        self.reserved.insert(self.last_number);
        self.last_number
    }

    /// Whether a watch is still to begin: false once its call is over.
    pub fn is_reserved(&self, number: u64) -> bool {
        self.reserved.contains(&number)
    }

    /// Whether no watch may begin any more.
    pub fn is_shut_down(&self) -> bool {
        self.is_shut_down
    }

    /// Begins a reserved watch. `update` sends what is new; false ends the watch.
    pub fn begin(
        &mut self,
        number: u64,
        key: K,
        responder: Responder,
        cursor: C,
        update: impl FnOnce(&mut Watch<C>) -> bool,
    ) {
        self.reserved.remove(&number);
        let mut watch = Watch { number, responder, is_sending: false, cursor };
        if update(&mut watch) {
            self.keys.insert(number, key);
            self.by_key.entry(key).or_default().push(watch);
        }
    }

    /// The number of watches that have begun.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no watch.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// The number of watches with this key.
    pub fn count(&self, key: &K) -> usize {
        self.by_key.get(key).map_or(0, Vec::len)
    }

    /// Updates all watches with a key that are not sending. `update` sends what is new; false ends
    /// the watch.
    pub fn update(&mut self, key: K, mut update: impl FnMut(&mut Watch<C>) -> bool) {
        let Some(watches) = self.by_key.get_mut(&key) else { return };
        watches.retain_mut(|watch| watch.is_sending || update(watch));
        if watches.is_empty() {
            self.by_key.remove(&key);
        }
    }

    /// Updates all watches that are not sending.
    pub fn update_all(&mut self, mut update: impl FnMut(K, &mut Watch<C>) -> bool) {
        self.by_key.retain(|&key, watches| {
            watches.retain_mut(|watch| watch.is_sending || update(key, watch));
            !watches.is_empty()
        });
    }

    /// The client of a watch has taken all that was sent: updates that watch.
    pub fn drained(&mut self, number: u64, update: impl FnOnce(K, &mut Watch<C>) -> bool) {
        let Some(&key) = self.keys.get(&number) else { return };
        let Some(watches) = self.by_key.get_mut(&key) else { return };
        let Some(index) = watches.iter().position(|watch| watch.number == number) else { return };
        let Some(watch) = watches.get_mut(index) else { return };
        watch.is_sending = false;
        if !update(key, watch) {
            self.remove(number);
        }
    }

    /// Forgets a watch.
    pub fn remove(&mut self, number: u64) {
        self.reserved.remove(&number);
        let Some(key) = self.keys.remove(&number) else { return };
        let Some(watches) = self.by_key.get_mut(&key) else { return };
        watches.retain(|watch| watch.number != number);
        if watches.is_empty() {
            self.by_key.remove(&key);
        }
    }

    /// Ends all watches that have begun.
    pub fn end_all(&mut self, status: &Status) {
        for watch in mem::take(&mut self.by_key).into_values().flatten() {
            watch.finish(status.clone());
        }
        self.keys.clear();
    }

    /// Ends all watches and refuses those that have not begun.
    pub fn shut_down(&mut self, status: &Status) {
        self.is_shut_down = true;
        self.end_all(status);
    }
}
