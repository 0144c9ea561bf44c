//! A call from a peer.
//!
//! ```text
//!   Expected --- a hello that is good ---> Known --- the call ends, or a newer one comes ---> Over
//!       \------- anything else --------------------------------------------------------------^
//! ```

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::{Incoming, LocalNode, PeerRegistry, WINDOW_BYTES, format_members, lock, node_ids};
use crate::call::{Code, Status};
use crate::raft::NodeId;
use crate::replica::wire::{Hello, Received, VERSION, decode, encode_hello};
use crate::rpc::{CallHandler, Responder};

/// How many characters of a foreign name a refusal repeats.
const SHOWN_CHARS: usize = 64;

pub(super) struct InboundPeer {
    local: Arc<LocalNode>,
    registry: Arc<Mutex<PeerRegistry>>,
    responder: Responder,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Expected,
    Known {
        peer: NodeId,
        /// The incarnation of the peer's process.
        incarnation: u64,
        /// The number of this call among all inbound calls.
        call: u64,
    },
    Over,
}

impl InboundPeer {
    pub(super) fn new(
        local: Arc<LocalNode>,
        registry: Arc<Mutex<PeerRegistry>>,
        responder: Responder,
    ) -> InboundPeer {
        InboundPeer { local, registry, responder, state: State::Expected }
    }

    /// Accepts the hello of a peer. An older call of the same peer is ended: the peer has lost it.
    fn accept_hello(&mut self, hello: Hello) -> Result<(), Status> {
        self.check(&hello)?;
        let (peer, incarnation) = (hello.node, hello.introduction.incarnation);
        let mut registry = lock(&self.registry);
        let Some(introduction) = registry.introduction.clone() else {
            return Err(Status::new(Code::Unavailable, "the node is starting"));
        };
        self.responder.send(encode_hello(&self.local.hello(peer, introduction)));
        self.responder.extend_window(WINDOW_BYTES);
        let call = registry.next_call;
        registry.next_call += 1;
        registry.newly_connected.push(peer);
        registry.incoming.push((peer, Incoming::Introduction(hello.introduction)));
        if let Some((_, older)) = registry.callers.insert(peer, (call, self.responder.clone())) {
            let newer = format!("node {peer} has called again");
            older.close_connection(Status::new(Code::Aborted, newer));
        }
        self.state = State::Known { peer, incarnation, call };
        Ok(())
    }

    fn check(&self, hello: &Hello) -> Result<(), Status> {
        let LocalNode { group, node, members } = &*self.local;
        let reason = if !hello.is_understood() {
            let Hello { version, oldest_version, .. } = hello;
            format!("node {node} speaks version {VERSION}, you speak {oldest_version} to {version}")
        } else if hello.group != *group {
            let theirs: String = hello.group.chars().take(SHOWN_CHARS).collect();
            format!("node {node} is of group {group:?}, you are of group {theirs:?}")
        } else if hello.peer != *node {
            format!("this is node {node}, you look for node {}", hello.peer)
        } else if node_ids(&hello.members) != node_ids(members) {
            format!(
                "node {node} was started with --peers {}, and node {} with --peers {}: all nodes of \
                 a group are started with the same ones",
                format_members(members),
                hello.node,
                format_members(&hello.members)
            )
        } else if hello.node == *node || !members.iter().any(|(id, _)| *id == hello.node) {
            format!("node {node} knows no node {} beside it in its group", hello.node)
        } else {
            return Ok(());
        };
        Err(Status::new(Code::FailedPrecondition, reason))
    }

    /// Handles a message of the peer.
    fn take(&mut self, message: &[u8]) -> Result<(), Status> {
        let invalid = |what: String| Status::new(Code::InvalidArgument, what);
        let received = decode(message).map_err(|error| invalid(error.to_string()))?;
        match (self.state, received) {
            (State::Over, _) => Ok(()),
            (State::Expected, Received::Hello(hello)) => self.accept_hello(*hello),
            (State::Known { peer, incarnation, .. }, Received::Message(message)) => {
                lock(&self.registry).incoming.push((peer, Incoming::Message(incarnation, message)));
                Ok(())
            }
            (State::Known { peer, incarnation, .. }, Received::Hello(hello)) => {
                self.check(&hello)?;
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
        if let State::Known { peer, call, .. } = self.state {
            let callers = &mut lock(&self.registry).callers;
            if callers.get(&peer).is_some_and(|(newest, _)| *newest == call) {
                callers.remove(&peer);
            }
        }
        self.state = State::Over;
    }
}

impl CallHandler for InboundPeer {
    fn message(&mut self, message: &[u8]) {
        if let State::Over = self.state {
            return;
        }
        if let Err(status) = self.take(message) {
            if lock(&self.registry).refusals.admit(Instant::now()) {
                log::warn!("a call of a peer is refused: {status}");
            }
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
