//! The state that the handlers of inbound calls share with the transport. All run on one thread, so
//! the lock is never contended.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Incoming;
use super::refusals::Refusals;
use crate::call::{Code, Status};
use crate::raft::NodeId;
use crate::replica::membership::Introduction;
use crate::rpc::Responder;

/// How long a call may take to send its hello.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(2);

/// See the [module documentation](self).
#[derive(Default)]
pub(super) struct PeerRegistry {
    pub(super) incoming: Vec<(NodeId, Incoming)>,
    /// The introduction that is sent to peers that connect.
    pub(super) introduction: Option<Introduction>,
    /// The accepted inbound call of each peer, and the number of that call.
    callers: BTreeMap<NodeId, (u64, Responder)>,
    /// Calls that have sent no hello yet, by their numbers: the oldest first.
    waiting: BTreeMap<u64, (Instant, Responder)>,
    next_call: u64,
    /// Peers that have connected since the last poll.
    pub(super) newly_connected: Vec<NodeId>,
    pub(super) refusals: Refusals,
}

impl PeerRegistry {
    /// A call has started, whose hello is due. Returns its number.
    pub(super) fn expect_hello(&mut self, now: Instant, responder: Responder) -> u64 {
        let call = self.next_call;
        self.next_call += 1;
        self.waiting.insert(call, (now + HELLO_TIMEOUT, responder));
        call
    }

    /// The hello of a call has come, or the call has ended.
    pub(super) fn settle(&mut self, call: u64) {
        self.waiting.remove(&call);
    }

    /// Ends the calls whose hello has not come in time.
    pub(super) fn end_overdue(&mut self, now: Instant) {
        while let Some(first) = self.waiting.first_entry().filter(|first| first.get().0 <= now) {
            let (_, responder) = first.remove();
            responder.finish(Status::new(Code::DeadlineExceeded, "no hello came in time"));
            self.refusals.note(None, "a call of a peer is ended: no hello came within 2 s");
        }
    }

    /// When [`end_overdue`](Self::end_overdue) is due.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        let hello = self.waiting.first_key_value().map(|(_, (due, _))| *due);
        hello.into_iter().chain(self.refusals.next_timeout()).min()
    }

    /// Makes a call the one of its peer. A peer that has lost its older call makes another one. If the
    /// newer caller is authenticated, the older call is ended. If not, anybody may have made it: then
    /// an older call stays for as long as its connection lives, which is two seconds without input.
    pub(super) fn accept(
        &mut self,
        peer: NodeId,
        call: u64,
        responder: &Responder,
        is_authenticated: bool,
    ) -> Result<(), Status> {
        let known = self.callers.get(&peer).filter(|(_, known)| !known.is_over());
        if let Some((_, known)) = known {
            if !is_authenticated {
                let reason =
                    format!("node {peer} has a call already, on a connection that is alive");
                return Err(Status::new(Code::Unavailable, reason));
            }
            let newer = format!("node {peer} has called again");
            known.close_connection(Status::new(Code::Aborted, newer));
        }
        self.callers.insert(peer, (call, responder.clone()));
        Ok(())
    }

    /// A call of a peer has ended.
    pub(super) fn leave(&mut self, peer: NodeId, call: u64) {
        if self.callers.get(&peer).is_some_and(|(known, _)| *known == call) {
            self.callers.remove(&peer);
        }
    }

    /// The sending side of a peer's call, if there is one.
    pub(super) fn caller(&self, peer: NodeId) -> Option<&Responder> {
        self.callers.get(&peer).map(|(_, responder)| responder)
    }

    /// Ends all calls of peers.
    pub(super) fn end_all(&mut self, status: &Status) {
        for (_, responder) in std::mem::take(&mut self.callers).into_values() {
            responder.finish(status.clone());
        }
    }
}

/// A panic under the lock leaves the registry consistent.
pub(super) fn lock(registry: &Mutex<PeerRegistry>) -> MutexGuard<'_, PeerRegistry> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}
