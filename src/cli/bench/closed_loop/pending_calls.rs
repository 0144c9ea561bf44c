//! Calls in flight, and calls to send again.

use std::collections::{HashMap, VecDeque};
use std::mem;
use std::time::Instant;

use crate::call::CallId;

/// A call.
pub(super) struct PendingCall {
    pub(super) path: &'static str,
    pub(super) request: Vec<u8>,
    /// When it was sent first.
    pub(super) began: Instant,
    connection: usize,
    /// Calls of a connection stay in order.
    number: u64,
}

/// The calls of all connections.
pub(super) struct PendingCalls {
    in_flight: HashMap<(usize, CallId), PendingCall>,
    /// The link of the first connection; the others follow it.
    first_link: usize,
    /// Free call slots, by connection. If the server limits the calls in flight, a slot stays here
    /// until a call ends.
    wanted: Vec<usize>,
    /// The calls to send again, for each connection.
    retries: Vec<VecDeque<PendingCall>>,
    /// A call that waits for a connection with capacity.
    next: Option<PendingCall>,
    last: u64,
    has_ended: bool,
    buffer: Vec<u8>,
}

impl PendingCalls {
    /// No calls yet; at most `at_once` in flight on each connection.
    pub(super) fn new(connections: usize, at_once: usize) -> PendingCalls {
        let wanted = (0..at_once).flat_map(|_| 0..connections).collect();
        PendingCalls {
            in_flight: HashMap::new(),
            first_link: 0,
            wanted,
            retries: (0..connections).map(|_| VecDeque::new()).collect(),
            next: None,
            last: 0,
            has_ended: false,
            buffer: Vec::new(),
        }
    }

    /// Sets the link of the first connection.
    pub(super) fn connected(&mut self, first_link: usize) {
        self.first_link = first_link;
    }

    /// The link of a connection.
    pub(super) fn link(&self, connection: usize) -> usize {
        self.first_link + connection
    }

    /// Whether no call is in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Whether there are no more calls to send.
    pub(super) fn is_over(&self) -> bool {
        self.has_ended && self.next.is_none() && self.retries.iter().all(VecDeque::is_empty)
    }

    /// Starts as many calls as possible: first those to send again, then those of `next`. `start`
    /// returns `None` if the connection takes no call now.
    pub(super) fn begin(
        &mut self,
        next: &mut impl FnMut(usize, &mut Vec<u8>) -> Option<&'static str>,
        mut start: impl FnMut(usize, &PendingCall) -> Option<CallId>,
    ) {
        let mut refused = Vec::new();
        let mut idle = Vec::new();
        while let Some(connection) = self.wanted.pop() {
            let retry = self.retries.get_mut(connection).and_then(VecDeque::pop_front);
            let is_retry = retry.is_some();
            let Some(call) = retry.or_else(|| self.next_call(connection, next)) else {
                idle.push(connection);
                continue;
            };
            let link = self.link(connection);
            match start(link, &call) {
                Some(id) => drop(self.in_flight.insert((link, id), call)),
                None => {
                    refused.push(connection);
                    match self.retries.get_mut(connection) {
                        Some(retries) if is_retry => retries.push_front(call),
                        _ => self.next = Some(call),
                    }
                }
            }
        }
        self.wanted.append(&mut idle);
        self.wanted.append(&mut refused);
    }

    fn next_call(
        &mut self,
        connection: usize,
        next: &mut impl FnMut(usize, &mut Vec<u8>) -> Option<&'static str>,
    ) -> Option<PendingCall> {
        if let Some(call) = self.next.take() {
            return Some(PendingCall { connection, ..call });
        }
        if self.has_ended {
            return None;
        }
        let mut request = mem::take(&mut self.buffer);
        request.clear();
        let Some(path) = next(connection, &mut request) else {
            self.has_ended = true;
            return None;
        };
        self.last += 1;
        Some(PendingCall { path, request, began: Instant::now(), connection, number: self.last })
    }

    /// A call has ended: its slot is free again.
    pub(super) fn ended(&mut self, link: usize, call: CallId) -> Option<PendingCall> {
        let call = self.in_flight.remove(&(link, call))?;
        self.wanted.push(link - self.first_link);
        Some(call)
    }

    /// Keeps the buffer of an answered call for the next one.
    pub(super) fn reuse_buffer(&mut self, call: PendingCall) {
        self.buffer = call.request;
    }

    /// Queues a call to be sent again.
    pub(super) fn requeue(&mut self, call: PendingCall) {
        if let Some(retries) = self.retries.get_mut(call.connection) {
            retries.push_back(call);
        }
    }

    /// Queues all calls in flight to be sent again. Returns the number of all queued calls.
    pub(super) fn requeue_all(&mut self) -> u64 {
        let pending: Vec<PendingCall> = mem::take(&mut self.in_flight).into_values().collect();
        for call in pending {
            self.wanted.push(call.connection);
            self.requeue(call);
        }
        let mut count = 0;
        for retries in &mut self.retries {
            retries.make_contiguous().sort_unstable_by_key(|call| call.number);
            count += retries.len() as u64;
        }
        count
    }
}
