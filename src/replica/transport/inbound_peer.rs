//! A call from a peer.
//!
//! ```text
//!   Expected --- a good hello within 2 s ---> Known --- the call ends, or a newer one comes ---> Over
//!       \------- anything else ------------------------------------------------------------------^
//! ```

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::refusals::REFUSED;
use super::{Incoming, LocalNode, PeerRegistry, WINDOW_BYTES, lock};
use crate::call::{Code, Principal, Status};
use crate::raft::NodeId;
use crate::replica::wire::{Hello, Received, decode, encode_hello};
use crate::rpc::{CallHandler, Context, Responder};

pub(super) struct InboundPeer {
    local: Arc<LocalNode>,
    registry: Arc<Mutex<PeerRegistry>>,
    responder: Responder,
    /// The remote address, for the log.
    address: SocketAddr,
    principal: Arc<Principal>,
    /// The number of this call among all inbound calls.
    call: u64,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Expected,
    Known {
        peer: NodeId,
        /// The incarnation of the peer's process.
        incarnation: u64,
    },
    Over,
}

/// Why a call is ended.
struct Refusal {
    /// For the caller.
    status: Status,
    /// For the log of this node.
    reason: String,
    /// The node that the caller claims to be, if the group has it.
    claimed: Option<NodeId>,
}

impl InboundPeer {
    /// Accepts a call, unless it is certain that its caller is no node of the group.
    pub(super) fn accept(
        local: Arc<LocalNode>,
        registry: Arc<Mutex<PeerRegistry>>,
        responder: Responder,
        context: &Context<'_>,
    ) -> Result<InboundPeer, Status> {
        let (address, principal) = (context.peer, Arc::clone(context.principal));
        if !local.may_be_a_peer(&principal) {
            let line = format!("a call of a peer at {address} is refused: {principal} is no node");
            lock(&registry).refusals.note(None, &line);
            return Err(Status::new(Code::PermissionDenied, REFUSED));
        }
        let call = lock(&registry).expect_hello(Instant::now(), responder.clone());
        let state = State::Expected;
        Ok(InboundPeer { local, registry, responder, address, principal, call, state })
    }

    /// Accepts the hello of a peer.
    fn accept_hello(&mut self, hello: Hello) -> Result<(), Refusal> {
        let claimed = Some(hello.node).filter(|node| self.local.is_member(*node));
        let refused = |code, reason: String| {
            // The caller has a certificate of a node of this group: it may know why.
            let is_known = matches!(*self.principal, Principal::Certificate(_));
            let told = if is_known { reason.clone() } else { REFUSED.into() };
            Refusal { status: Status::new(code, told), reason, claimed }
        };
        let checked = self.local.check(&hello);
        checked.map_err(|reason| refused(Code::FailedPrecondition, reason))?;
        let (peer, incarnation) = (hello.node, hello.introduction.incarnation);
        let is_authenticated = self.local.authenticate(&self.principal, peer);
        let is_authenticated =
            is_authenticated.map_err(|reason| refused(Code::PermissionDenied, reason))?;
        let unavailable =
            |status: Status| Refusal { reason: status.message.to_string(), status, claimed };
        let mut registry = lock(&self.registry);
        let Some(introduction) = registry.introduction.clone() else {
            let status = Status::new(Code::Unavailable, "the node is starting");
            return Err(unavailable(status));
        };
        registry.accept(peer, self.call, &self.responder, is_authenticated).map_err(unavailable)?;
        registry.settle(self.call);
        self.responder.accept_peer();
        self.responder.send(encode_hello(&self.local.hello(peer, introduction)));
        self.responder.extend_window(WINDOW_BYTES);
        registry.newly_connected.push(peer);
        registry.incoming.push((peer, Incoming::Introduction(hello.introduction)));
        self.state = State::Known { peer, incarnation };
        Ok(())
    }

    /// Handles a message of the peer.
    fn take(&mut self, message: &[u8]) -> Result<(), Refusal> {
        let claimed = match self.state {
            State::Known { peer, .. } => Some(peer),
            State::Expected | State::Over => None,
        };
        let invalid = |what: String| {
            // A stranger learns nothing about the messages either.
            let told = if claimed.is_some() { what.clone() } else { REFUSED.into() };
            Refusal { status: Status::new(Code::InvalidArgument, told), reason: what, claimed }
        };
        let received = decode(message).map_err(|error| invalid(error.to_string()))?;
        match (self.state, received) {
            (State::Over, _) => Ok(()),
            (State::Expected, Received::Hello(hello)) => self.accept_hello(*hello),
            (State::Known { peer, incarnation }, Received::Message(message)) => {
                lock(&self.registry).incoming.push((peer, Incoming::Message(incarnation, message)));
                Ok(())
            }
            (State::Known { peer, incarnation }, Received::Hello(hello)) => {
                self.local.check(&hello).map_err(invalid)?;
                if (hello.node, hello.introduction.incarnation) != (peer, incarnation) {
                    return Err(invalid("a hello of another process".into()));
                }
                lock(&self.registry)
                    .incoming
                    .push((peer, Incoming::Introduction(hello.introduction)));
                Ok(())
            }
            (State::Expected, _) => Err(invalid("a message before a hello".into())),
        }
    }

    /// The call has ended, or has to end.
    fn leave(&mut self) {
        let mut registry = lock(&self.registry);
        match self.state {
            State::Known { peer, .. } => registry.leave(peer, self.call),
            State::Expected => registry.settle(self.call),
            State::Over => (),
        }
        self.state = State::Over;
    }
}

impl CallHandler for InboundPeer {
    fn message(&mut self, message: &[u8]) {
        if let State::Over = self.state {
            return;
        }
        if let Err(Refusal { status, reason, claimed }) = self.take(message) {
            let line = format!("a call of a peer at {} is refused: {reason}", self.address);
            lock(&self.registry).refusals.note(claimed, &line);
            self.leave();
            self.responder.finish(status);
        }
    }

    fn half_close(&mut self) {
        self.leave();
        self.responder.finish(Status::OK);
    }

    fn cancelled(&mut self, _: &Status) {
        self.leave();
    }
}
