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

mod inbound_peer;

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
use inbound_peer::InboundPeer;

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
pub enum Incoming {
    /// Who it is.
    Introduction(Introduction),
    /// A message, and which process of the peer sent it, see [`Introduction::incarnation`].
    Message(u64, Message),
}

/// What each hello of ours says.
struct LocalNode {
    group: String,
    node: NodeId,
    /// All nodes of the group, in the order of their numbers.
    members: Vec<(NodeId, String)>,
}

impl LocalNode {
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
            && node_ids(&hello.members) == node_ids(&self.members)
    }
}

fn node_ids(members: &[(NodeId, String)]) -> Vec<NodeId> {
    members.iter().map(|(id, _)| *id).collect()
}

/// Nodes as flags give them; of very many the first.
fn format_members(members: &[(NodeId, String)]) -> String {
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
    local: Arc<LocalNode>,
    outbound: BTreeMap<NodeId, OutboundPeer>,
    registry: Arc<Mutex<PeerRegistry>>,
    encoder: Encoder,
    drained: Vec<(NodeId, Incoming)>,
    events: VecDeque<PeerEvent>,
}

/// Our own uplink to a peer.
#[derive(Default)]
struct OutboundPeer {
    stream: Option<PeerStreamId>,
    /// The peer has said who it is, and it is who we want: its process.
    incarnation: Option<u64>,
    /// Why it is down, as far as was told.
    failure: Option<String>,
}

/// What the handlers of peers' calls share with the transport. All of them run on one thread: the
/// lock is never waited for.
#[derive(Default)]
struct PeerRegistry {
    incoming: Vec<(NodeId, Incoming)>,
    /// What this node says of itself to whoever calls.
    introduction: Option<Introduction>,
    /// The peers that have called us: the newest call of each, by a number of its own.
    callers: BTreeMap<NodeId, (u64, Responder)>,
    next_call: u64,
    /// Those of them that have called since the last look.
    newly_connected: Vec<NodeId>,
    /// Lines about calls that are refused.
    refusals: LogLimit,
}

impl Transport {
    /// The ways of a node to others and, by `services`, of others to it.
    pub fn new(options: TransportOptions, services: &mut Services) -> Transport {
        let registry = Arc::<Mutex<PeerRegistry>>::default();
        let mut members = options.peers.clone();
        members.insert(options.node, options.address.clone());
        let members = members.into_iter().collect();
        let local =
            Arc::new(LocalNode { group: options.group.clone(), node: options.node, members });
        services.streaming(EXCHANGE, Shape::Bidirectional, {
            let (local, registry) = (Arc::clone(&local), Arc::clone(&registry));
            move |_, responder| {
                Ok(Box::new(InboundPeer::new(Arc::clone(&local), Arc::clone(&registry), responder)))
            }
        });
        services.reserve(EXCHANGE, CONNECTIONS_PER_PEER * options.peers.len());
        let outbound = options.peers.keys().map(|peer| (*peer, OutboundPeer::default())).collect();
        Transport {
            options,
            local,
            outbound,
            registry,
            encoder: Encoder::default(),
            drained: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// What this node says of itself from now on to whoever calls or is called.
    pub fn update_introduction(&mut self, streams: &mut PeerStreams, introduction: &Introduction) {
        for (peer, peer_stream) in &self.outbound {
            if let Some(stream) = peer_stream.stream {
                let hello = self.local.hello(*peer, introduction.clone());
                streams.set_first_message(stream, encode_hello(&hello));
            }
        }
        self.set_introduction(introduction.clone());
    }

    /// The same before the server runs. Without it nobody is called or let in.
    pub fn set_introduction(&mut self, introduction: Introduction) {
        lock(&self.registry).introduction = Some(introduction);
    }

    /// Says the same to a peer that can be reached.
    ///
    /// # Errors
    /// As for [`send`](Self::send).
    pub fn send_introduction(
        &mut self,
        streams: &mut PeerStreams,
        to: NodeId,
        introduction: &Introduction,
    ) -> Result<(), NotSent> {
        let bytes = encode_hello(&self.local.hello(to, introduction.clone()));
        let peer_stream = self.outbound.get(&to).ok_or(NotSent::Down)?;
        match (peer_stream.stream, lock(&self.registry).callers.get(&to)) {
            (Some(stream), _) if peer_stream.incarnation.is_some() => streams.send(stream, &bytes),
            (_, Some((_, caller))) => {
                caller.send(bytes);
                Ok(())
            }
            (_, None) => Err(NotSent::Down),
        }
    }

    /// To be called at the beginning of each of the node's turns: makes the uplinks, and tries those
    /// to peers at once that have just called.
    pub fn poll(&mut self, streams: &mut PeerStreams) {
        let mut registry = lock(&self.registry);
        if registry.refusals.next_timeout().is_some()
            && let Some(count) = registry.refusals.take_count(Instant::now())
        {
            log::warn!("{count} more calls of peers were refused");
        }
        let newly_connected = mem::take(&mut registry.newly_connected);
        drop(registry);
        for peer in newly_connected {
            if let Some(stream) =
                self.outbound.get(&peer).and_then(|peer_stream| peer_stream.stream)
            {
                streams.reconnect_now(stream);
            }
        }
        let options = &self.options;
        let Some(introduction) = lock(&self.registry).introduction.clone() else { return };
        for (peer, peer_stream) in
            self.outbound.iter_mut().filter(|(_, peer_stream)| peer_stream.stream.is_none())
        {
            let Some(target) = options.peers.get(peer) else { continue };
            let mut wanted = PeerStreamOptions::new(target, EXCHANGE);
            wanted.first_message = encode_hello(&self.local.hello(*peer, introduction.clone()));
            wanted.channel.tls = options.tls.clone();
            wanted.max_queued_bytes = options.max_queued_bytes;
            peer_stream.stream = Some(streams.add(wanted));
        }
    }

    /// Takes what [`crate::rpc::EventLoopTask::handle_stream_event`] is told.
    pub fn handle_stream_event(&mut self, id: PeerStreamId, event: PeerStreamEvent<'_>) {
        let found =
            self.outbound.iter_mut().find(|(_, peer_stream)| peer_stream.stream == Some(id));
        let Some((&peer, peer_stream)) = found else { return };
        match event {
            // It counts once the peer has said who it is.
            PeerStreamEvent::Up => (),
            PeerStreamEvent::Message(bytes) => match decode(bytes) {
                Ok(Received::Message(message)) if peer_stream.incarnation.is_some() => {
                    let incarnation = peer_stream.incarnation.unwrap_or_default();
                    lock(&self.registry)
                        .incoming
                        .push((peer, Incoming::Message(incarnation, message)));
                }
                Ok(Received::Hello(hello))
                    if peer_stream.incarnation.is_none_or(|incarnation| {
                        incarnation == hello.introduction.incarnation
                    }) && self.local.knows(&hello, peer) =>
                {
                    if peer_stream.incarnation.replace(hello.introduction.incarnation).is_none() {
                        peer_stream.failure = None;
                        self.events.push_back(PeerEvent::Up(peer));
                    }
                    let introduction = Incoming::Introduction(hello.introduction);
                    lock(&self.registry).incoming.push((peer, introduction));
                }
                Ok(_) => log::warn!("node {peer}: an answer of somebody else, or out of place"),
                Err(error) => log::warn!("node {peer}: {error}"),
            },
            PeerStreamEvent::Down { status, .. } => {
                let reason = status.to_string();
                if peer_stream.incarnation.is_some()
                    || peer_stream.failure.as_ref() != Some(&reason)
                {
                    self.events.push_back(PeerEvent::Down(peer, reason.clone()));
                }
                *peer_stream =
                    OutboundPeer { stream: Some(id), incarnation: None, failure: Some(reason) };
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
        let peer_stream = self.outbound.get(&to).ok_or(NotSent::Down)?;
        let own = peer_stream.stream.filter(|_| peer_stream.incarnation.is_some());
        let registry = lock(&self.registry);
        let caller = registry.callers.get(&to).map(|(_, responder)| responder);
        let bytes = self.encoder.encode(message);
        match (own, caller) {
            (Some(stream), None) => streams.send(stream, bytes),
            (Some(stream), _) if !uses_inbound_call(message) => streams.send(stream, bytes),
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
    pub fn take_incoming(&mut self) -> impl Iterator<Item = (NodeId, Incoming)> {
        mem::swap(&mut lock(&self.registry).incoming, &mut self.drained);
        self.drained.drain(..)
    }

    /// What has become of the ways to peers since the last time.
    pub fn take_events(&mut self) -> impl Iterator<Item = PeerEvent> {
        self.events.drain(..)
    }

    /// Bytes that wait for a peer on our uplink.
    pub fn queued_bytes(&self, streams: &PeerStreams, peer: NodeId) -> usize {
        let stream = self.outbound.get(&peer).and_then(|peer_stream| peer_stream.stream);
        stream.map_or(0, |stream| streams.queued_bytes(stream))
    }

    /// Whether messages can be sent to a peer.
    pub fn is_up(&self, peer: NodeId) -> bool {
        let is_up =
            self.outbound.get(&peer).is_some_and(|peer_stream| peer_stream.incarnation.is_some());
        is_up || lock(&self.registry).callers.contains_key(&peer)
    }

    /// Ends the calls of peers: this node is leaving. The server ends the uplinks when it ends.
    pub fn close(&mut self) {
        for (_, responder) in mem::take(&mut lock(&self.registry).callers).into_values() {
            responder.finish(Status::new(Code::Unavailable, "the node is leaving"));
        }
    }
}

/// Whether a message goes on the peer's own call to us, if there is one.
fn uses_inbound_call(message: &Message) -> bool {
    message.body.is_reply() || message.body.is_pure_heartbeat()
}

/// Every change under the lock is whole.
fn lock(registry: &Mutex<PeerRegistry>) -> MutexGuard<'_, PeerRegistry> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}
