//! The state that call handlers and the event-loop task share. Both run on the server's thread, so
//! the lock is never contended.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::events::Events;
use super::service::Service;
use crate::raft::{NodeId, Origin};
use crate::replica::clock::{Clock, wall_ms};
use crate::replica::engine::{Engine, PendingRead, QuotaUse, ReadAccess};
use crate::replica::membership::{Loss, Standing};
use crate::replica::state::Replicated;
use crate::replica::view::View;

/// A handle for call handlers. Clones share the same node.
pub struct Node<S: Service>(Arc<Mutex<Shared<S>>>);

impl<S: Service> Clone for Node<S> {
    fn clone(&self) -> Node<S> {
        Node(Arc::clone(&self.0))
    }
}

/// The state under the lock.
pub struct Shared<S: Service> {
    pub(super) engine: Engine<S::Machine, S::Ticket>,
    pub(super) service: S,
    pub(in crate::replica) clock: Clock,
    /// Every node of the group with its address, this one included.
    pub(super) peers: Vec<(NodeId, String)>,
    /// A reusable buffer for encoding commands.
    pub(super) scratch: Vec<u8>,
    /// Requests that a leader received, for `dump.txt`; `None` if they are not recorded.
    pub(super) requests: Option<Vec<Request>>,
    /// Why the node accepts no writes at present.
    pub(super) full: Option<String>,
    pub(super) events: Events,
    /// What it shows of itself.
    pub(in crate::replica) view: View,
}

/// A request that a leader received.
pub(super) enum Request {
    /// A write: the encoded command.
    Write(Arc<[u8]>),
    /// A read, as words.
    Read(Vec<Vec<u8>>),
}

impl<S: Service> Node<S> {
    pub(super) fn new(shared: Shared<S>) -> Node<S> {
        Node(Arc::new(Mutex::new(shared)))
    }

    /// Locks the node. A handler that panicked left the state as it was between two of its own
    /// steps.
    pub fn lock(&self) -> MutexGuard<'_, Shared<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Service> Shared<S> {
    /// Proposes a command.
    pub fn write(&mut self, origin: Option<Origin>, command: Arc<[u8]>, ticket: S::Ticket) {
        if self.engine.raft().is_leader()
            && let Some(requests) = &mut self.requests
        {
            requests.push(Request::Write(Arc::clone(&command)));
        }
        self.engine.write(self.clock.now(), wall_ms(), origin, command, ticket);
    }

    /// A reusable buffer for encoding a command; its content is undefined.
    pub fn scratch(&mut self) -> &mut Vec<u8> {
        self.scratch.clear();
        &mut self.scratch
    }

    /// Opens a session.
    pub fn open_session(&mut self, ticket: S::Ticket) {
        self.engine.open_session(self.clock.now(), wall_ms(), ticket);
    }

    /// Asks for a linearizable read, see [`Engine::read`]. `words` describes the read in
    /// `dump.txt`.
    pub fn read(
        &mut self,
        conflicts: impl FnMut(&[u8]) -> bool,
        words: impl FnOnce() -> Vec<Vec<u8>>,
    ) -> ReadAccess {
        if self.engine.raft().is_leader()
            && let Some(requests) = &mut self.requests
        {
            requests.push(Request::Read(words()));
        }
        self.engine.read(self.clock.now(), conflicts)
    }

    /// Answers a read later, when it may proceed.
    pub fn queue_read(&mut self, waiting: PendingRead, ticket: S::Ticket) {
        self.engine.queue_read(waiting, ticket);
    }

    /// Transfers leadership to another node.
    pub fn transfer(&mut self, to: NodeId, timeout: Duration, ticket: S::Ticket) {
        self.engine.transfer(self.clock.now(), to, timeout, ticket);
    }

    /// The replicated state, read-only.
    pub fn state(&self) -> &Replicated<S::Machine> {
        self.engine.state()
    }

    /// How much of its quota the state uses.
    pub fn quota_use(&self) -> QuotaUse {
        self.engine.quota_use()
    }

    /// Why this node accepts no writes at present (its disk is full), if that is so.
    pub fn full(&self) -> Option<&str> {
        self.full.as_deref()
    }

    /// Whether the state is the latest and no command is in flight that could change it. A refusal
    /// that is computed now is then final.
    pub fn is_up_to_date(&mut self) -> bool {
        let last = self.raft().last_index();
        let now = self.clock.now();
        self.state().applied_index() == last && self.engine.read(now, |_| true) == ReadAccess::Now
    }

    /// Why this node is refused as a voter, if it is.
    pub fn refused(&self) -> Option<Loss> {
        match self.engine.membership().standing() {
            Standing::Refused(loss) => Some(loss),
            _ => None,
        }
    }

    /// Which of the needed voters are refused, as text; `None` if none is.
    pub fn quorum_missing(&self) -> Option<String> {
        let membership = self.engine.membership();
        if let Some(loss) = self.refused() {
            return Some(loss.describe());
        }
        let lost: Vec<_> = self.peers.iter().map(|(id, _)| *id).collect();
        let lost: Vec<_> =
            lost.into_iter().filter(|id| membership.loss_of(*id).is_some()).collect();
        let first = lost.first()?;
        let what = match lost.len() {
            1 => format!("node {first} has lost its directory and is"),
            _ => format!("nodes {lost:?} have lost their directories and are"),
        };
        Some(format!("{what} refused as a voter, so more of the others are needed"))
    }

    /// The Raft core, read-only.
    pub fn raft(&self) -> &crate::raft::Raft {
        self.engine.raft()
    }

    /// How long the lease of this node lasts if it is not renewed.
    pub fn lease_remaining(&self) -> Duration {
        self.engine.raft().lease_remaining(self.clock.now())
    }

    /// The time since `moment` of the node's clock.
    pub fn elapsed_since(&self, moment: Duration) -> Duration {
        self.clock.now().saturating_sub(moment)
    }

    /// Its last log lines.
    pub fn events(&self) -> &Events {
        &self.events
    }

    /// Every node of the group with its address.
    pub fn peers(&self) -> &[(NodeId, String)] {
        &self.peers
    }

    /// The service of the state machine.
    pub fn service_mut(&mut self) -> &mut S {
        &mut self.service
    }

    /// The service, with the state beside it.
    pub fn service_and_state(&mut self) -> (&mut S, &Replicated<S::Machine>) {
        (&mut self.service, self.engine.state())
    }
}
