//! What the handlers of a node's calls and its resident share. All of them run on the server's
//! thread: the lock is never waited for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::service::Service;
use crate::raft::{NodeId, Origin};
use crate::replica::clock::{Clock, wall_ms};
use crate::replica::engine::{Engine, PendingRead, ReadAccess};
use crate::replica::membership::{Loss, Standing};
use crate::replica::state::Replicated;

/// A node, to be asked by the handlers of its calls. Clones are the same node.
pub struct Node<S: Service>(Arc<Mutex<Shared<S>>>);

impl<S: Service> Clone for Node<S> {
    fn clone(&self) -> Node<S> {
        Node(Arc::clone(&self.0))
    }
}

/// What is behind the lock.
pub struct Shared<S: Service> {
    pub(super) engine: Engine<S::Machine, S::Ticket>,
    pub(super) service: S,
    pub(super) clock: Clock,
    /// Every node of the group, with its address, this one among them.
    pub(super) peers: Vec<(NodeId, String)>,
    /// Memory in which commands are put together.
    pub(super) scratch: Vec<u8>,
    /// What was asked of a leader, for `dump.txt`; nobody writes it down unless it is wanted.
    pub(super) requests: Option<Vec<Request>>,
    /// Why it takes no writes at present.
    pub(super) full: Option<String>,
}

/// A request that came to a node that leads.
pub(super) enum Request {
    /// A write: the command.
    Write(Arc<[u8]>),
    /// A read, in words.
    Read(Vec<Vec<u8>>),
}

impl<S: Service> Node<S> {
    pub(super) fn new(shared: Shared<S>) -> Node<S> {
        Node(Arc::new(Mutex::new(shared)))
    }

    /// The node, until the guard is dropped. A handler that panicked left it as it was between two
    /// steps of its own.
    pub fn lock(&self) -> MutexGuard<'_, Shared<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Service> Shared<S> {
    /// Takes a command.
    pub fn write(&mut self, origin: Option<Origin>, command: Arc<[u8]>, ticket: S::Ticket) {
        if self.engine.raft().is_leader()
            && let Some(requests) = &mut self.requests
        {
            requests.push(Request::Write(Arc::clone(&command)));
        }
        self.engine.write(self.clock.now(), wall_ms(), origin, command, ticket);
    }

    /// Memory in which a command may be put together; what is in it is not looked at.
    pub fn scratch(&mut self) -> &mut Vec<u8> {
        self.scratch.clear();
        &mut self.scratch
    }

    /// Opens a session.
    pub fn open_session(&mut self, ticket: S::Ticket) {
        self.engine.open_session(self.clock.now(), wall_ms(), ticket);
    }

    /// Asks for a linearizable read; see [`Engine::read`]. `words` names it for people.
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

    /// Has a read that must wait answered later.
    pub fn queue_read(&mut self, waiting: PendingRead, ticket: S::Ticket) {
        self.engine.queue_read(waiting, ticket);
    }

    /// Has another node lead.
    pub fn transfer(&mut self, to: NodeId, timeout: Duration, ticket: S::Ticket) {
        self.engine.transfer(self.clock.now(), to, timeout, ticket);
    }

    /// The state, to look at.
    pub fn state(&self) -> &Replicated<S::Machine> {
        self.engine.state()
    }

    /// Why this node takes no writes at present, if it does not: it waits for room on its disk.
    pub fn full(&self) -> Option<&str> {
        self.full.as_deref()
    }

    /// Whether the state is the latest there is, and no command is on its way here that could change
    /// it: what is refused now is refused.
    pub fn is_up_to_date(&mut self) -> bool {
        let last = self.raft().last_index();
        let now = self.clock.now();
        self.state().applied_index() == last && self.engine.read(now, |_| true) == ReadAccess::Now
    }

    /// Why this node is refused as a voter, if it is: what it lacks, and what to do.
    pub fn refused(&self) -> Option<Loss> {
        match self.engine.membership().standing() {
            Standing::Refused(loss) => Some(loss),
            _ => None,
        }
    }

    /// Which of the voters that would be needed are refused, in words; nothing while none is.
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

    /// The core, to look at.
    pub fn raft(&self) -> &crate::raft::Raft {
        self.engine.raft()
    }

    /// How long this node's lease lasts if nobody renews it.
    pub fn lease_remaining(&self) -> Duration {
        self.engine.raft().lease_remaining(self.clock.now())
    }

    /// How long ago something was.
    pub fn elapsed_since(&self, moment: Duration) -> Duration {
        self.clock.now().saturating_sub(moment)
    }

    /// Every node of the group, with its address.
    pub fn peers(&self) -> &[(NodeId, String)] {
        &self.peers
    }

    /// The service.
    pub fn service_mut(&mut self) -> &mut S {
        &mut self.service
    }

    /// The service, and the state beside it.
    pub fn service_and_state(&mut self) -> (&mut S, &Replicated<S::Machine>) {
        (&mut self.service, self.engine.state())
    }
}
