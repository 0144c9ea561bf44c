//! A peer's call.
//!
//! ```text
//!   Expected --- a hello that is good ---> Known --- the call ends, or a newer one comes ---> Over
//!       \------- anything else --------------------------------------------------------------^
//! ```

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::{Heard, Lobby, Us, WINDOW_BYTES, listed, lock, numbers};
use crate::call::{Code, Status};
use crate::raft::NodeId;
use crate::replica::wire::{Hello, Received, VERSION, decode, encode_hello};
use crate::rpc::{CallHandler, Responder};

/// How much of a name that is not ours a refusal repeats.
const SHOWN_CHARS: usize = 64;

pub(super) struct Guest {
    us: Arc<Us>,
    lobby: Arc<Mutex<Lobby>>,
    responder: Responder,
    state: State,
}

#[derive(Clone, Copy)]
enum State {
    Expected,
    Known {
        peer: NodeId,
        /// Its process.
        life: u64,
        /// This call among all.
        call: u64,
    },
    Over,
}

impl Guest {
    pub(super) fn new(us: Arc<Us>, lobby: Arc<Mutex<Lobby>>, responder: Responder) -> Guest {
        Guest { us, lobby, responder, state: State::Expected }
    }

    /// Lets a peer in that has said who it is. An older call of its is over: the peer has lost it.
    fn welcome(&mut self, hello: Hello) -> Result<(), Status> {
        self.check(&hello)?;
        let (peer, life) = (hello.node, hello.introduction.life);
        let mut lobby = lock(&self.lobby);
        let Some(introduction) = lobby.introduction.clone() else {
            return Err(Status::new(Code::Unavailable, "the node is starting"));
        };
        self.responder.send(encode_hello(&self.us.hello(peer, introduction)));
        self.responder.widen(WINDOW_BYTES);
        let call = lobby.next_call;
        lobby.next_call += 1;
        lobby.arrived.push(peer);
        lobby.heard.push((peer, Heard::Introduction(hello.introduction)));
        if let Some((_, older)) = lobby.callers.insert(peer, (call, self.responder.clone())) {
            let newer = format!("node {peer} has called again");
            older.close_connection(Status::new(Code::Aborted, newer));
        }
        self.state = State::Known { peer, life, call };
        Ok(())
    }

    fn check(&self, hello: &Hello) -> Result<(), Status> {
        let Us { group, node, members } = &*self.us;
        let reason = if !hello.is_understood() {
            let Hello { version, oldest_version, .. } = hello;
            format!("node {node} speaks version {VERSION}, you speak {oldest_version} to {version}")
        } else if hello.group != *group {
            let theirs: String = hello.group.chars().take(SHOWN_CHARS).collect();
            format!("node {node} is of group {group:?}, you are of group {theirs:?}")
        } else if hello.peer != *node {
            format!("this is node {node}, you look for node {}", hello.peer)
        } else if numbers(&hello.members) != numbers(members) {
            format!(
                "node {node} was started with --peers {}, and node {} with --peers {}: all nodes of \
                 a group are started with the same ones",
                listed(members),
                hello.node,
                listed(&hello.members)
            )
        } else if hello.node == *node || !members.iter().any(|(id, _)| *id == hello.node) {
            format!("node {node} knows no node {} beside it in its group", hello.node)
        } else {
            return Ok(());
        };
        Err(Status::new(Code::FailedPrecondition, reason))
    }

    /// Takes what the peer says.
    fn take(&mut self, message: &[u8]) -> Result<(), Status> {
        let senseless = |what: String| Status::new(Code::InvalidArgument, what);
        let received = decode(message).map_err(|error| senseless(error.to_string()))?;
        match (self.state, received) {
            (State::Over, _) => Ok(()),
            (State::Expected, Received::Hello(hello)) => self.welcome(*hello),
            (State::Known { peer, life, .. }, Received::Message(message)) => {
                lock(&self.lobby).heard.push((peer, Heard::Message(life, message)));
                Ok(())
            }
            (State::Known { peer, life, .. }, Received::Hello(hello)) => {
                self.check(&hello)?;
                if (hello.node, hello.introduction.life) != (peer, life) {
                    return Err(senseless("a hello of somebody else".into()));
                }
                lock(&self.lobby).heard.push((peer, Heard::Introduction(hello.introduction)));
                Ok(())
            }
            (State::Expected, _) => Err(senseless("a message before a hello".into())),
        }
    }

    /// The peer is gone, or has to go.
    fn leave(&mut self) {
        if let State::Known { peer, call, .. } = self.state {
            let callers = &mut lock(&self.lobby).callers;
            if callers.get(&peer).is_some_and(|(newest, _)| *newest == call) {
                callers.remove(&peer);
            }
        }
        self.state = State::Over;
    }
}

impl CallHandler for Guest {
    fn message(&mut self, message: &[u8]) {
        if let State::Over = self.state {
            return;
        }
        if let Err(status) = self.take(message) {
            if lock(&self.lobby).refusals.admit(Instant::now()) {
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
