//! The open calls of a connection.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::answer::RunningHandlers;
use super::catch_panic::PanicGuard;
use super::connection_limiter::ConnectionSlot;
use super::dispatch::Shared;
use super::holders::HolderConnection;
use super::listeners::Port;
use super::metrics::Tally;
use super::outbound::Flow;
use super::service::CallHandler;
use super::usage::{CallPermits, Usage};
use crate::call::{CallId, Metadata, Status};

/// A call that is not over.
pub(super) struct CallState {
    pub(super) id: CallId,
    pub(super) method: usize,
    pub(super) metadata: Metadata,
    /// Bytes of `metadata` that count in the budget of received bytes.
    pub(super) metadata_bytes: usize,
    pub(super) deadline: Option<Instant>,
    /// The request of a method with one request, until it is handled.
    pub(super) held: Option<Vec<u8>>,
    /// The next message was compressed, which its handler does not know yet.
    pub(super) compressed: bool,
    pub(super) running: Option<Running>,
    pub(super) tally: Tally,
}

/// A unary call whose handler answers later.
pub(super) struct DeferredCall {
    pub(super) id: CallId,
    pub(super) method: usize,
    pub(super) tally: Tally,
}

/// A streaming call whose handler has started.
pub(super) struct Running {
    pub(super) handler: Box<dyn CallHandler>,
    pub(super) flow: Arc<Flow>,
    /// Count a call whose handler runs on the server's thread.
    pub(super) _permits: CallPermits,
    /// The handler is to be notified once nothing of the call is queued.
    pub(super) awaits_drained: bool,
    /// Lengths of the messages that the handler received while the client's queue was above the
    /// high-water mark. They are reported as consumed once the queue has drained, so that a client
    /// that does not read cannot go on sending.
    pub(super) untaken: Vec<usize>,
}

/// The open calls of one connection.
pub(super) struct Calls {
    pub(super) open: Vec<CallState>,
    /// Calls whose handlers answer later, in the order of their arrival.
    deferred: VecDeque<DeferredCall>,
    /// Metadata of a finished call, kept to reuse its memory.
    pub(super) spare: Option<Metadata>,
    pub(super) handlers: RunningHandlers,
    /// Calls whose complete request waits: for the rest of the bytes that were read with it, or
    /// because the batch of answers is full.
    pub(super) postponed: VecDeque<CallId>,
    /// Bytes of metadata that is kept for the open calls.
    pub(super) metadata_bytes: usize,
    /// Bytes that handlers queued while they started, since the last flush.
    pub(super) posted: usize,
    /// Lengths of the messages to report as consumed.
    taken: Vec<(CallId, usize)>,
    /// Calls whose handlers panicked outside of a [`super::dispatch::Dispatch`], with their status.
    failed: Vec<(CallId, Status)>,
    /// The connection's slot, and the usage of its address.
    pub(super) slot: ConnectionSlot,
    pub(super) address: Arc<Usage>,
    /// Counts the connection for the holder of the client's certificate.
    pub(super) holder: Option<HolderConnection>,
    /// Where the connection was accepted.
    pub(super) port: Port,
    /// A client's connection beyond the limit.
    pub(super) is_over_client_limit: bool,
}

impl Calls {
    /// No calls yet. `max_running_handlers` limits handlers that run outside of the event loop.
    pub(super) fn new(
        slot: ConnectionSlot,
        address: Arc<Usage>,
        port: Port,
        max_running_handlers: usize,
    ) -> Calls {
        Calls {
            open: Vec::new(),
            deferred: VecDeque::new(),
            spare: None,
            handlers: RunningHandlers::new(max_running_handlers),
            postponed: VecDeque::new(),
            metadata_bytes: 0,
            posted: 0,
            taken: Vec::new(),
            failed: Vec::new(),
            slot,
            address,
            holder: None,
            port,
            is_over_client_limit: false,
        }
    }

    /// Searches from the end, since most searches are for new calls.
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

    /// Removes a call that the server has ended. Returns its method and what is known of it.
    pub(super) fn finished(&mut self, call: CallId) -> Option<(usize, Tally)> {
        let Some(state) = self.remove(call) else { return self.take_deferred(call) };
        if let Some(running) = state.running {
            running.flow.over.store(true, Ordering::Relaxed);
        }
        Some((state.method, state.tally))
    }

    /// Keeps what is known of a call whose handler answers later.
    pub(super) fn defer(&mut self, call: DeferredCall) {
        self.deferred.push_back(call);
    }

    /// Removes a call whose handler answers later. Most are answered in the order of their arrival.
    pub(super) fn take_deferred(&mut self, call: CallId) -> Option<(usize, Tally)> {
        let at = self.deferred.iter().position(|deferred| deferred.id == call)?;
        self.deferred.remove(at).map(|deferred| (deferred.method, deferred.tally))
    }

    /// A message of a deferred or a running call was sent.
    pub(super) fn sent(&mut self, call: CallId, bytes: usize, shared: &Shared) {
        let open = self.open.iter_mut().rev().find(|state| state.id == call);
        let found = match open {
            Some(state) => Some((state.method, &mut state.tally)),
            None => {
                let deferred = self.deferred.iter_mut().find(|deferred| deferred.id == call);
                deferred.map(|deferred| (deferred.method, &mut deferred.tally))
            }
        };
        if let Some((method, tally)) = found {
            shared.recorder.sent(method, tally, bytes);
        }
    }

    /// Moves a message of `len` bytes from the outbound queue to the session, which now has
    /// `queued` bytes of the call.
    pub(super) fn account(&mut self, call: CallId, len: usize, queued: usize, shared: &Shared) {
        let Some(at) = self.position(call) else { return };
        let CallState { method, running, .. } = &mut self.open[at];
        if let Some(running) = running {
            let outcome =
                running.account(len, queued, &shared.services.method(*method).guard, shared);
            self.failed.extend(outcome.err().map(|status| (call, status)));
            self.taken
                .extend(running.now_taken(shared.send_high_water_bytes).map(|bytes| (call, bytes)));
        }
    }

    /// Takes the calls whose handlers have panicked. The session has to end them.
    pub(super) fn take_failed(&mut self) -> Vec<(CallId, Status)> {
        mem::take(&mut self.failed)
    }

    /// Takes the consumed messages. The session has to return their bytes to the client's window.
    pub(super) fn take_taken(&mut self) -> impl Iterator<Item = (CallId, usize)> {
        self.taken.drain(..)
    }

    /// Updates the counters of every call that had something queued, after the session has written.
    pub(super) fn drained(&mut self, queued: impl Fn(CallId) -> usize, shared: &Shared) {
        for CallState { id, method, running, .. } in &mut self.open {
            if let Some(running) = running
                && (running.awaits_drained || running.flow.in_session.load(Ordering::Relaxed) > 0)
            {
                let guard = &shared.services.method(*method).guard;
                let outcome = running.account(0, queued(*id), guard, shared);
                self.failed.extend(outcome.err().map(|status| (*id, status)));
                self.taken.extend(
                    running.now_taken(shared.send_high_water_bytes).map(|bytes| (*id, bytes)),
                );
            }
        }
    }

    /// The handler wants a notification once everything sent so far has drained.
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
        guard: &PanicGuard,
        shared: &Shared,
    ) -> Result<(), Status> {
        let low_water = shared.send_low_water_bytes;
        let before = self.flow.queued();
        self.flow.posted.fetch_sub(len, Ordering::Relaxed);
        self.flow.in_session.store(queued, Ordering::Relaxed);
        let is_low = before >= low_water && self.flow.queued() < low_water;
        let is_drained = queued == 0 && mem::take(&mut self.awaits_drained);
        if is_low || is_drained {
            return guard.catch(|| self.handler.writable());
        }
        Ok(())
    }

    /// The postponed messages that now count as consumed, if the queue is below the high-water
    /// mark.
    fn now_taken(&mut self, high_water: usize) -> impl Iterator<Item = usize> {
        let count = if self.flow.queued() < high_water { self.untaken.len() } else { 0 };
        self.untaken.drain(..count)
    }
}
