//! The connections of a server, and which of them have to run, to write, or have a timeout.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::mem;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::connection::{Connection, Idleness, TurnContext};
use super::connection_limiter::MAX_WAITING;
use super::dispatch::Shared;
use super::outbound::{ConnectionId, OutboundAction, Reply};
use super::random::random_number;
use super::reactor::Readiness;
use super::refusals::Refusal;
use super::slab::Slab;
use super::tls::ServerTls;
use crate::call::Status;

/// All connections of one server, and their shared state.
pub(super) struct Connections {
    pub(super) shared: Shared,
    tls: Option<ServerTls>,
    started: Instant,
    slots: Slab<Connection>,
    to_run: VecDeque<ConnectionId>,
    /// Those that have run and had more input than they may read in one turn. The others come first,
    /// so that a connection with one small call does not wait for all that are busy.
    to_continue: VecDeque<ConnectionId>,
    to_flush: Vec<ConnectionId>,
    timers: BinaryHeap<Reverse<(Duration, u64)>>,
    /// Idle connections that were found by the last search, the first to close at the end.
    idle: Vec<(Idleness, ConnectionId)>,
    idle_search_due: Duration,
    /// Connections that were waiting for a reserved slot when they were accepted.
    waiting: Vec<ConnectionId>,
    /// Buffers that every turn reuses.
    buffer: Vec<u8>,
    batch: Batch,
    /// Connections that were refused since they were taken, with the details.
    pub(super) refused: Vec<(Refusal, String)>,
    /// What one connection may read in this turn.
    read_bytes: usize,
}

/// Idle connections that one search finds.
const MAX_IDLE_FOUND: usize = 64;
/// The pause after a search, for each connection that it has looked at, a hundred times as long as it takes.
const IDLE_SEARCH_PAUSE: Duration = Duration::from_micros(5);
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// What all connections together read in about one turn, so that a connection with one small call
/// does not wait for long behind many that are busy; and what one of them reads at least.
const READ_BYTES_PER_TURN: usize = 512 * 1024;
const MIN_READ_BYTES: usize = 8 * 1024;
/// How long connections run before the event-loop task, timers and answers are handled.
const LONGEST_RUN: Duration = Duration::from_millis(5);
/// How many run between two readings of the clock.
const RUNS_PER_LOOK: usize = 8;

impl Connections {
    /// No connections yet. Times count from `started`.
    pub(super) fn new(shared: Shared, tls: Option<ServerTls>, started: Instant) -> Connections {
        Connections {
            shared,
            tls,
            started,
            slots: Slab::new(),
            to_run: VecDeque::new(),
            to_continue: VecDeque::new(),
            to_flush: Vec::new(),
            timers: BinaryHeap::new(),
            idle: Vec::new(),
            idle_search_due: Duration::ZERO,
            waiting: Vec::new(),
            buffer: vec![0; READ_BUFFER_BYTES],
            batch: Batch::default(),
            refused: Vec::new(),
            read_bytes: READ_BYTES_PER_TURN,
        }
    }

    /// The id that the next connection will have.
    pub(super) fn next_id(&self) -> ConnectionId {
        self.slots.next_id()
    }

    /// Adds a connection that was made with [`next_id`](Self::next_id).
    pub(super) fn insert(&mut self, mut connection: Connection) {
        connection.note_kind(&self.shared);
        let id = self.slots.next_id();
        if connection.is_waiting() {
            if self.waiting.len() >= 2 * MAX_WAITING {
                self.forget_accepted();
            }
            self.waiting.push(id);
        }
        self.slots.insert(connection);
        // Its first bytes have often arrived already: there is no need to wait for an event.
        self.schedule(id, true);
    }

    /// Whether a connection can run without waiting for an event.
    pub(super) fn any_to_run(&self) -> bool {
        !self.to_run.is_empty() || !self.to_continue.is_empty()
    }

    /// When the first timer fires.
    pub(super) fn next_timeout(&self) -> Option<Duration> {
        self.timers.peek().map(|Reverse((due, _))| *due)
    }

    /// A socket became ready.
    pub(super) fn note(&mut self, ready: Readiness) {
        let id = ConnectionId::from_key(ready.key);
        let Some(connection) = self.slots.get_mut(id) else { return };
        if ready.readable {
            connection.set_readable(ready.ended);
        }
        self.schedule(id, ready.writable);
    }

    /// Puts a connection on the list to run, if it can, and on the list to flush, if asked.
    fn schedule(&mut self, id: ConnectionId, flush: bool) {
        let Some(connection) = self.slots.get_mut(id) else { return };
        if !connection.to_run && connection.is_runnable() {
            connection.to_run = true;
            self.to_run.push_back(id);
        }
        if !connection.to_flush && flush {
            connection.to_flush = true;
            self.to_flush.push(id);
        }
    }

    /// After output was written a connection may want input again that has waited meanwhile.
    fn resume(&mut self, id: ConnectionId) {
        if let Some(connection) = self.slots.get_mut(id)
            && !connection.to_run
            && connection.is_runnable()
        {
            connection.to_run = true;
            self.to_continue.push_back(id);
        }
    }

    /// Runs every connection that can run, until the time limit: the event-loop task must be polled
    /// in time whatever clients do. The others run in the next turn.
    pub(super) fn run(&mut self, now: Duration) {
        let runnable = self.to_run.len() + self.to_continue.len();
        self.read_bytes = (READ_BYTES_PER_TURN / runnable.max(1)).max(MIN_READ_BYTES);
        // One of the busy ones is first, so that they make progress in every turn.
        let mut next = self.to_continue.pop_front();
        for count in 1..=runnable {
            let first = next.take().or_else(|| self.to_run.pop_front());
            let Some(id) = first.or_else(|| self.to_continue.pop_front()) else { return };
            let mut has_more = false;
            self.with(id, now, |connection, turn| {
                connection.run(turn);
                has_more = connection.is_runnable();
                connection.to_run = has_more;
            });
            if has_more {
                self.to_continue.push_back(id);
            }
            self.schedule(id, true);
            if count % RUNS_PER_LOOK == 0 && self.started.elapsed() > now + LONGEST_RUN {
                return;
            }
        }
    }

    /// Carries out an action of a handle.
    pub(super) fn deliver(&mut self, action: OutboundAction, now: Duration) {
        self.shared.outbound.uncount(&action);
        let OutboundAction { connection: id, call, action } = action;
        self.with(id, now, |connection, turn| connection.act(call, action, turn));
        self.schedule(id, true);
    }

    /// Answers a call; directly, if it is one of this server.
    pub(super) fn answer(&mut self, reply: Reply, answer: Result<&[u8], Status>) {
        match reply.into_local_call(&self.shared.outbound) {
            Ok((id, call)) => {
                if let Some(connection) = self.slots.get_mut(id) {
                    connection.answer(call, answer, &self.shared);
                    self.schedule(id, true);
                }
            }
            Err(reply) => reply.send(answer.map(<[u8]>::to_vec)),
        }
    }

    /// Writes pending output.
    pub(super) fn flush(&mut self, now: Duration) {
        let mut to_flush = mem::take(&mut self.to_flush);
        for id in to_flush.drain(..) {
            self.with(id, now, |connection, turn| {
                connection.to_flush = false;
                connection.flush(turn);
            });
            match self.slots.get_mut(id) {
                Some(connection) if connection.is_closed() => {
                    connection.forget_kind(&self.shared);
                    connection.release_slot(&self.shared.limiter);
                    self.slots.remove(id);
                }
                Some(_) => {
                    self.arm(id);
                    self.resume(id);
                }
                None => (),
            }
        }
        self.to_flush = to_flush;
    }

    /// Sets the timer of a connection, unless one that fires early enough is set. Most timeouts
    /// move later with every byte; they are checked when the old timer fires.
    fn arm(&mut self, id: ConnectionId) {
        let Some(connection) = self.slots.get_mut(id) else { return };
        let due = connection.next_timeout();
        if connection.armed.is_none_or(|armed| due < armed) {
            connection.armed = Some(due);
            self.timers.push(Reverse((due, id.key())));
        }
    }

    /// Handles the timers that have fired.
    pub(super) fn expire(&mut self, now: Duration) {
        while let Some(&Reverse((due, key))) = self.timers.peek()
            && due <= now
        {
            self.timers.pop();
            let id = ConnectionId::from_key(key);
            self.with(id, now, |connection, turn| {
                if connection.armed == Some(due) {
                    connection.armed = None;
                    connection.handle_timeout(turn);
                }
            });
            self.schedule(id, true);
        }
    }

    fn with(
        &mut self,
        id: ConnectionId,
        now: Duration,
        act: impl FnOnce(&mut Connection, &mut TurnContext<'_>),
    ) {
        let Some(connection) = self.slots.get_mut(id) else { return };
        let mut turn = TurnContext {
            shared: &self.shared,
            tls: self.tls.as_ref(),
            buffer: &mut self.buffer,
            read_bytes: self.read_bytes,
            batch: &mut self.batch,
            refused: &mut self.refused,
            now,
            instant: self.started + now,
        };
        act(connection, &mut turn);
    }

    /// Closes a client's connection that has no open call, so that a new one has a slot. Returns
    /// whether there was one.
    ///
    /// One search serves several connections, so that a flood of connections does not cause a flood of
    /// searches.
    pub(super) fn make_room(&mut self, now: Duration) -> bool {
        if self.idle.is_empty() && now >= self.idle_search_due {
            let ids = self.slots.ids().into_iter();
            let mut idle: Vec<_> =
                ids.filter_map(|id| Some((self.slots.get_mut(id)?.idleness(now)?, id))).collect();
            self.idle_search_due = now + IDLE_SEARCH_PAUSE * self.slots.len() as u32;
            idle.sort_unstable_by_key(|&(idleness, _)| idleness);
            idle.truncate(MAX_IDLE_FOUND);
            // The last one is taken first.
            self.idle = idle.into_iter().rev().collect();
        }
        while let Some((idleness, id)) = self.idle.pop() {
            let mut gave_way = false;
            self.with(id, now, |connection, turn| {
                gave_way = connection.idleness(now).is_some_and(|now| now <= idleness)
                    && connection.give_way(turn);
            });
            if gave_way {
                self.schedule(id, true);
                return true;
            }
        }
        false
    }

    /// Closes a connection that waits for a reserved slot, so that a new one can wait: any of those
    /// without a certificate, if there is one. Returns whether one was closed: none is without a free
    /// reserved slot.
    pub(super) fn drop_waiting(&mut self, now: Duration) -> bool {
        if !self.shared.limiter.has_reserved() {
            return false;
        }
        self.forget_accepted();
        let (slots, count) = (&mut self.slots, self.waiting.len());
        let random = usize::try_from(random_number()).unwrap_or_default();
        let Some(first) = random.checked_rem(count) else { return false };
        let is_stranger = |at: &usize| {
            let found = self.waiting.get(*at).and_then(|id| slots.get_mut(*id));
            found.is_some_and(|connection| !connection.has_certificate())
        };
        let at = (first..count).chain(0..first).find(is_stranger).unwrap_or(first);
        let id = self.waiting.swap_remove(at);
        self.with(id, now, Connection::abandon);
        if let Some(connection) = self.slots.get_mut(id) {
            connection.forget_kind(&self.shared);
            connection.release_slot(&self.shared.limiter);
        }
        // At once: the next connections of this turn need its descriptor.
        self.slots.remove(id);
        true
    }

    /// Forgets connections that wait no longer.
    fn forget_accepted(&mut self) {
        let slots = &mut self.slots;
        self.waiting.retain(|id| slots.get_mut(*id).is_some_and(|found| found.is_waiting()));
    }

    /// Notifies every client that no new calls are accepted.
    pub(super) fn go_away(&mut self, now: Duration) {
        for id in self.slots.ids() {
            if let Some(connection) = self.slots.get_mut(id) {
                connection.go_away(now);
            }
            self.schedule(id, true);
        }
    }

    /// Ends the connections that were made with certificates before `generation`: at once those
    /// without an open call, the others within `grace`.
    pub(super) fn retire(&mut self, generation: u64, now: Duration, grace: Duration) {
        for id in self.slots.ids() {
            if let Some(connection) = self.slots.get_mut(id) {
                connection.retire(generation, now, grace);
            }
            self.schedule(id, true);
        }
    }

    /// Whether all connections have sent everything. Lingering connections do not count.
    pub(super) fn are_drained(&mut self) -> bool {
        let ids = self.slots.ids();
        ids.into_iter().all(|id| self.slots.get_mut(id).is_none_or(|c| c.has_sent_all()))
    }

    /// Ends the connections that are still open.
    pub(super) fn close(&mut self, now: Duration) {
        for id in self.slots.ids() {
            self.with(id, now, Connection::close);
        }
    }
}
