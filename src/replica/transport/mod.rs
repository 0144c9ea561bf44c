//! How a node reaches the others of its group, over our RPC layer, on the thread of its server.
//!
//! Every node keeps an uplink to every other one ([`crate::rpc::PeerStreams`]): a call of
//! `agora.raft.v1.RaftService/Exchange` that lasts. Each side says who it is first, and nodes of
//! another group, or other nodes than were looked for, are refused with a status that says so.
//!
//! ```text
//!   node 1                                         node 2
//!     |-- its uplink: hello, AppendEntries ... -->   |
//!     |   <-- hello, AppendEntriesReply ...          |
//!     |                                              |
//!     |   <-- its uplink: hello, RequestVote ... --  |
//!     |-- hello, RequestVoteReply ... -->            |
//! ```
//!
//! An answer goes back on the call that the question came on: so the kernel acknowledges a question
//! with its answer, which saves a third of what a round trip costs. A heartbeat that asks nothing of
//! the log goes on the peer's own call as well, for what is large goes on the uplink: on a connection
//! of its own a heartbeat is not late because a megabyte is before it. A node whose own uplink is down
//! says everything on the other's call, if there is one: it is enough when one of two can reach the
//! other.
//!
//! Messages may be lost: a peer that does not read makes us drop what is beyond a bound. Raft
//! repeats itself.

mod guest;

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::wire::{Encoder, Hello, Received, decode, encode_hello};
use crate::call::{Code, Status};
use crate::raft::{Message, NodeId};
use crate::replica::membership::Introduction;
use crate::rpc::{
    ClientTls, LogLimit, NotSent, PeerStreamEvent, PeerStreamId, PeerStreamOptions, PeerStreams,
    Responder, Services, Shape,
};
use guest::Guest;

/// The call that carries everything.
pub const EXCHANGE: &str = "/agora.raft.v1.RaftService/Exchange";
/// Connections that the server keeps room for, for each peer: the one in use, those that it has
/// replaced and that are not known to be dead yet.
const CONNECTIONS_PER_PEER: usize = 4;
/// How much further than other callers peers may send ahead: over a round trip of 50 ms it makes
/// 160 MB a second instead of 5.
const WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// Who a node is, and where the others are.
#[derive(Clone, Debug)]
pub struct TransportOptions {
    /// The group's name.
    pub group: String,
    /// This node.
    pub node: NodeId,
    /// The others of the group, and where they listen (`host:port`).
    pub peers: BTreeMap<NodeId, String>,
    /// Where this node listens, for the others to tell.
    pub address: String,
    /// With what TLS is spoken to them; without it in the clear.
    pub tls: Option<ClientTls>,
    /// What may wait for a peer that does not read.
    pub max_queued_bytes: usize,
}

impl TransportOptions {
    /// In the clear, with as much waiting for a peer as a leader sends ahead.
    pub fn new(group: &str, node: NodeId, peers: BTreeMap<NodeId, String>) -> TransportOptions {
        let max_queued_bytes = 16 * 1024 * 1024;
        let (group, address) = (group.to_owned(), String::new());
        TransportOptions { group, node, peers, address, tls: None, max_queued_bytes }
    }
}

/// What a peer has said.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// Who it is.
    Introduction(Introduction),
    /// A message, and which process of the peer sent it, see [`Introduction::life`].
    Message(u64, Message),
}

/// What each hello of ours says.
struct Us {
    group: String,
    node: NodeId,
    /// All nodes of the group, in the order of their numbers.
    members: Vec<(NodeId, String)>,
}

impl Us {
    fn hello(&self, peer: NodeId, introduction: Introduction) -> Hello {
        let members = self.members.clone();
        Hello { members, ..Hello::new(&self.group, self.node, peer, introduction) }
    }

    /// Whether a hello is of the peer that we look for.
    fn knows(&self, hello: &Hello, peer: NodeId) -> bool {
        hello.is_understood()
            && hello.group == self.group
            && hello.node == peer
            && hello.peer == self.node
            && numbers(&hello.members) == numbers(&self.members)
    }
}

fn numbers(members: &[(NodeId, String)]) -> Vec<NodeId> {
    members.iter().map(|(id, _)| *id).collect()
}

/// Nodes as flags give them; of very many the first.
fn listed(members: &[(NodeId, String)]) -> String {
    /// What is repeated of it.
    const SHOWN_CHARS: usize = 512;
    let members: Vec<_> = members.iter().map(|(id, at)| format!("{id}={at}")).collect();
    members.join(",").chars().take(SHOWN_CHARS).collect()
}

/// What has become of the way to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerEvent {
    /// Our uplink to it is up.
    Up(NodeId),
    /// It is down, or still down for another reason than before.
    Down(NodeId, String),
}

/// The ways to the other nodes. Lives in the node, the server's resident.
pub struct Transport {
    options: TransportOptions,
    us: Arc<Us>,
    routes: BTreeMap<NodeId, Route>,
    lobby: Arc<Mutex<Lobby>>,
    encoder: Encoder,
    drained: Vec<(NodeId, Heard)>,
    events: VecDeque<PeerEvent>,
}

/// Our own uplink to a peer.
#[derive(Default)]
struct Route {
    stream: Option<PeerStreamId>,
    /// The peer has said who it is, and it is who we want: its process.
    life: Option<u64>,
    /// Why it is down, as far as was told.
    failure: Option<String>,
}

/// What the handlers of peers' calls share with the transport. All of them run on one thread: the
/// lock is never waited for.
#[derive(Default)]
struct Lobby {
    heard: Vec<(NodeId, Heard)>,
    /// What this node says of itself to whoever calls.
    introduction: Option<Introduction>,
    /// The peers that have called us: the newest call of each, by a number of its own.
    callers: BTreeMap<NodeId, (u64, Responder)>,
    next_call: u64,
    /// Those of them that have called since the last look.
    arrived: Vec<NodeId>,
    /// Lines about calls that are refused.
    refusals: LogLimit,
}

impl Transport {
    /// The ways of a node to others and, by `services`, of others to it.
    pub fn new(options: TransportOptions, services: &mut Services) -> Transport {
        let lobby = Arc::<Mutex<Lobby>>::default();
        let mut members = options.peers.clone();
        members.insert(options.node, options.address.clone());
        let members = members.into_iter().collect();
        let us = Arc::new(Us { group: options.group.clone(), node: options.node, members });
        services.streaming(EXCHANGE, Shape::Bidirectional, {
            let (us, lobby) = (Arc::clone(&us), Arc::clone(&lobby));
            move |_, responder| {
                Ok(Box::new(Guest::new(Arc::clone(&us), Arc::clone(&lobby), responder)))
            }
        });
        services.reserve(EXCHANGE, CONNECTIONS_PER_PEER * options.peers.len());
        let routes = options.peers.keys().map(|peer| (*peer, Route::default())).collect();
        Transport {
            options,
            us,
            routes,
            lobby,
            encoder: Encoder::default(),
            drained: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// What this node says of itself from now on to whoever calls or is called.
    pub fn introduce(&mut self, streams: &mut PeerStreams, introduction: &Introduction) {
        for (peer, route) in &self.routes {
            if let Some(stream) = route.stream {
                let hello = self.us.hello(*peer, introduction.clone());
                streams.set_first_message(stream, encode_hello(&hello));
            }
        }
        self.begin(introduction.clone());
    }

    /// The same before the server runs. Without it nobody is called or let in.
    pub fn begin(&mut self, introduction: Introduction) {
        lock(&self.lobby).introduction = Some(introduction);
    }

    /// Says the same to a peer that can be reached.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn tell(
        &mut self,
        streams: &mut PeerStreams,
        to: NodeId,
        introduction: &Introduction,
    ) -> Result<(), NotSent> {
        let bytes = encode_hello(&self.us.hello(to, introduction.clone()));
        let route = self.routes.get(&to).ok_or(NotSent::Down)?;
        match (route.stream, lock(&self.lobby).callers.get(&to)) {
            (Some(stream), _) if route.life.is_some() => streams.send(stream, &bytes),
            (_, Some((_, caller))) => {
                caller.send(bytes);
                Ok(())
            }
            (_, None) => Err(NotSent::Down),
        }
    }

    /// To be called at the beginning of each of the node's turns: makes the uplinks, and tries those
    /// to peers at once that have just called.
    pub fn turn(&mut self, streams: &mut PeerStreams) {
        let mut lobby = lock(&self.lobby);
        if lobby.refusals.next_timeout().is_some()
            && let Some(count) = lobby.refusals.take_count(Instant::now())
        {
            log::warn!("{count} more calls of peers were refused");
        }
        let arrived = mem::take(&mut lobby.arrived);
        drop(lobby);
        for peer in arrived {
            if let Some(stream) = self.routes.get(&peer).and_then(|route| route.stream) {
                streams.reconnect_now(stream);
            }
        }
        let options = &self.options;
        let Some(introduction) = lock(&self.lobby).introduction.clone() else { return };
        for (peer, route) in self.routes.iter_mut().filter(|(_, route)| route.stream.is_none()) {
            let Some(target) = options.peers.get(peer) else { continue };
            let mut wanted = PeerStreamOptions::new(target, EXCHANGE);
            wanted.first_message = encode_hello(&self.us.hello(*peer, introduction.clone()));
            wanted.channel.tls = options.tls.clone();
            wanted.max_queued_bytes = options.max_queued_bytes;
            route.stream = Some(streams.add(wanted));
        }
    }

    /// Takes what [`crate::rpc::EventLoopTask::handle_stream_event`] is told.
    pub fn handle_stream_event(&mut self, id: PeerStreamId, event: PeerStreamEvent<'_>) {
        let found = self.routes.iter_mut().find(|(_, route)| route.stream == Some(id));
        let Some((&peer, route)) = found else { return };
        match event {
            // It counts once the peer has said who it is.
            PeerStreamEvent::Up => (),
            PeerStreamEvent::Message(bytes) => match decode(bytes) {
                Ok(Received::Message(message)) if route.life.is_some() => {
                    let life = route.life.unwrap_or_default();
                    lock(&self.lobby).heard.push((peer, Heard::Message(life, message)));
                }
                Ok(Received::Hello(hello))
                    if route.life.is_none_or(|life| life == hello.introduction.life)
                        && self.us.knows(&hello, peer) =>
                {
                    if route.life.replace(hello.introduction.life).is_none() {
                        route.failure = None;
                        self.events.push_back(PeerEvent::Up(peer));
                    }
                    let introduction = Heard::Introduction(hello.introduction);
                    lock(&self.lobby).heard.push((peer, introduction));
                }
                Ok(_) => log::warn!("node {peer}: an answer of somebody else, or out of place"),
                Err(error) => log::warn!("node {peer}: {error}"),
            },
            PeerStreamEvent::Down { status, .. } => {
                let reason = status.to_string();
                if route.life.is_some() || route.failure.as_ref() != Some(&reason) {
                    self.events.push_back(PeerEvent::Down(peer, reason.clone()));
                }
                *route = Route { stream: Some(id), life: None, failure: Some(reason) };
            }
        }
    }

    /// Sends a message to a peer, together with all others of this turn.
    ///
    /// # Errors
    /// It was not sent: there is no way to the peer now, or too much waits for it.
    pub fn send(
        &mut self,
        streams: &mut PeerStreams,
        to: NodeId,
        message: &Message,
    ) -> Result<(), NotSent> {
        let route = self.routes.get(&to).ok_or(NotSent::Down)?;
        let own = route.stream.filter(|_| route.life.is_some());
        let lobby = lock(&self.lobby);
        let caller = lobby.callers.get(&to).map(|(_, responder)| responder);
        let bytes = self.encoder.encode(message);
        match (own, caller) {
            (Some(stream), None) => streams.send(stream, bytes),
            (Some(stream), _) if !goes_back(message) => streams.send(stream, bytes),
            (_, Some(caller)) if caller.queued() > self.options.max_queued_bytes => {
                Err(NotSent::Full)
            }
            (_, Some(caller)) => {
                caller.send(bytes.to_vec());
                Ok(())
            }
            (None, None) => Err(NotSent::Down),
        }
    }

    /// What peers have said since the last time, in the order in which they came.
    pub fn drain(&mut self) -> impl Iterator<Item = (NodeId, Heard)> {
        mem::swap(&mut lock(&self.lobby).heard, &mut self.drained);
        self.drained.drain(..)
    }

    /// What has become of the ways to peers since the last time.
    pub fn events(&mut self) -> impl Iterator<Item = PeerEvent> {
        self.events.drain(..)
    }

    /// Bytes that wait for a peer on our uplink.
    pub fn queued_bytes(&self, streams: &PeerStreams, peer: NodeId) -> usize {
        let stream = self.routes.get(&peer).and_then(|route| route.stream);
        stream.map_or(0, |stream| streams.queued_bytes(stream))
    }

    /// Whether messages can be sent to a peer.
    pub fn is_up(&self, peer: NodeId) -> bool {
        let is_up = self.routes.get(&peer).is_some_and(|route| route.life.is_some());
        is_up || lock(&self.lobby).callers.contains_key(&peer)
    }

    /// Ends the calls of peers: this node is leaving. The server ends the uplinks when it ends.
    pub fn close(&mut self) {
        for (_, responder) in mem::take(&mut lock(&self.lobby).callers).into_values() {
            responder.finish(Status::new(Code::Unavailable, "the node is leaving"));
        }
    }
}

/// Whether a message goes on the peer's own call to us, if there is one.
fn goes_back(message: &Message) -> bool {
    message.body.is_reply() || message.body.is_pure_heartbeat()
}

/// Every change under the lock is whole.
fn lock(lobby: &Mutex<Lobby>) -> MutexGuard<'_, Lobby> {
    lobby.lock().unwrap_or_else(PoisonError::into_inner)
}
