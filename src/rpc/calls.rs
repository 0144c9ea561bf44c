//! The open calls of a connection.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::answer::RunningHandlers;
use super::catch_panic::catch_panic;
use super::connection_limiter::ConnectionSlot;
use super::dispatch::Shared;
use super::outbound::Flow;
use super::service::CallHandler;
use crate::call::{CallId, Metadata, Status};

/// A call that is not over.
pub(super) struct CallState {
    pub(super) id: CallId,
    pub(super) method: usize,
    pub(super) metadata: Metadata,
    /// What of it counts as kept.
    pub(super) metadata_bytes: usize,
    pub(super) deadline: Option<Instant>,
    /// The request of a one-request method, until it is handled.
    pub(super) held: Option<Vec<u8>>,
    pub(super) running: Option<Running>,
}

/// A streaming call whose handler has begun.
pub(super) struct Running {
    pub(super) handler: Box<dyn CallHandler>,
    pub(super) flow: Arc<Flow>,
    /// The handler is to be told once nothing of the call waits.
    pub(super) awaits_drained: bool,
    /// Messages, by length, that the handler has had while too much waited for its client: they
    /// count as taken once that has drained, so that a client that does not read cannot go on
    /// sending.
    pub(super) untaken: Vec<usize>,
}

/// The open calls of one connection.
pub(super) struct Calls {
    pub(super) open: Vec<CallState>,
    /// Metadata of calls that ended, kept for its memory.
    pub(super) spare: Option<Metadata>,
    pub(super) handlers: RunningHandlers,
    /// Requests that are here whole, and wait until what came with them is known, or because the
    /// answers before them fill the batch.
    pub(super) postponed: VecDeque<CallId>,
    /// Bytes of metadata that is kept for the open calls.
    pub(super) metadata_bytes: usize,
    /// Bytes that handlers have sent by their handles since the last flush, as they began.
    pub(super) posted: usize,
    /// Messages that count as taken now, by length.
    taken: Vec<(CallId, usize)>,
    /// Calls whose handlers have panicked outside of a [`super::dispatch::Dispatch`], and what their callers are told.
    failed: Vec<(CallId, Status)>,
    /// What the connection counts as.
    pub(super) slot: ConnectionSlot,
    /// It is a client's, for whom there is no room.
    pub(super) is_over_client_limit: bool,
    /// It has turned out to be a peer's.
    pub(super) is_newly_reserved: bool,
}

impl Calls {
    /// None yet, in this place; so many handlers may run elsewhere at once.
    pub(super) fn new(slot: ConnectionSlot, max_running_handlers: usize) -> Calls {
        Calls {
            open: Vec::new(),
            spare: None,
            handlers: RunningHandlers::new(max_running_handlers),
            postponed: VecDeque::new(),
            metadata_bytes: 0,
            posted: 0,
            taken: Vec::new(),
            failed: Vec::new(),
            slot,
            is_over_client_limit: false,
            is_newly_reserved: false,
        }
    }

    /// The newest calls are looked for most: they stand at the end.
    pub(super) fn position(&self, call: CallId) -> Option<usize> {
        self.open.iter().rposition(|state| state.id == call)
    }

    pub(super) fn remove(&mut self, call: CallId) -> Option<CallState> {
        self.position(call).map(|at| self.remove_at(at))
    }

    pub(super) fn remove_at(&mut self, at: usize) -> CallState {
        let state = self.open.swap_remove(at);
        self.metadata_bytes -= state.metadata_bytes;
        state
    }

    pub(super) fn running(&mut self, call: CallId) -> Option<&mut Running> {
        let at = self.position(call)?;
        self.open[at].running.as_mut()
    }

    /// Whether requests wait for [`super::dispatch::Dispatch::resume`].
    pub(super) fn any_postponed(&self) -> bool {
        !self.postponed.is_empty()
    }

    /// Forgets a call that we ended ourselves.
    pub(super) fn finished(&mut self, call: CallId) {
        if let Some(running) = self.remove(call).and_then(|state| state.running) {
            running.flow.over.store(true, Ordering::Relaxed);
        }
    }

    /// A counted message of `len` bytes went into the session, which now has `queued` bytes of the
    /// call waiting.
    pub(super) fn account(&mut self, call: CallId, len: usize, queued: usize, shared: &Shared) {
        let Some(at) = self.position(call) else { return };
        let CallState { method, running, .. } = &mut self.open[at];
        if let Some(running) = running {
            let outcome =
                running.account(len, queued, &shared.services.method(*method).path, shared);
            self.failed.extend(outcome.err().map(|status| (call, status)));
            self.taken
                .extend(running.now_taken(shared.send_high_water_bytes).map(|bytes| (call, bytes)));
        }
    }

    /// The calls whose handlers have panicked since the last look: the session ends them.
    pub(super) fn take_failed(&mut self) -> Vec<(CallId, Status)> {
        mem::take(&mut self.failed)
    }

    /// The messages that count as taken since the last look: the session gives the client room for
    /// more.
    pub(super) fn take_taken(&mut self) -> impl Iterator<Item = (CallId, usize)> {
        self.taken.drain(..)
    }

    /// The session may have got rid of what was waiting: looks at every call that had something.
    pub(super) fn drained(&mut self, queued: impl Fn(CallId) -> usize, shared: &Shared) {
        for CallState { id, method, running, .. } in &mut self.open {
            if let Some(running) = running
                && (running.awaits_drained || running.flow.in_session.load(Ordering::Relaxed) > 0)
            {
                let path = &shared.services.method(*method).path;
                let outcome = running.account(0, queued(*id), path, shared);
                self.failed.extend(outcome.err().map(|status| (*id, status)));
                self.taken.extend(
                    running.now_taken(shared.send_high_water_bytes).map(|bytes| (*id, bytes)),
                );
            }
        }
    }

    /// The handler asked to be told once what it has sent so far has drained: the next look at the
    /// queues tells it.
    pub(super) fn when_drained(&mut self, call: CallId) {
        if let Some(running) = self.running(call) {
            running.awaits_drained = true;
        }
    }
}

impl Running {
    fn account(
        &mut self,
        len: usize,
        queued: usize,
        path: &str,
        shared: &Shared,
    ) -> Result<(), Status> {
        let low_water = shared.send_low_water_bytes;
        let before = self.flow.queued();
        self.flow.posted.fetch_sub(len, Ordering::Relaxed);
        self.flow.in_session.store(queued, Ordering::Relaxed);
        let is_low = before >= low_water && self.flow.queued() < low_water;
        let is_drained = queued == 0 && mem::take(&mut self.awaits_drained);
        if is_low || is_drained {
            return catch_panic(path, || self.handler.writable());
        }
        Ok(())
    }

    /// The messages that count as taken after all, if little enough is queued.
    fn now_taken(&mut self, high_water: usize) -> impl Iterator<Item = usize> {
        let count = if self.flow.queued() < high_water { self.untaken.len() } else { 0 };
        self.untaken.drain(..count)
    }
}
