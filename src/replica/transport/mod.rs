//! Connections between the nodes of a group, over the RPC layer, on the thread of the server.
//!
//! Every node keeps a peer stream to every other node ([`crate::rpc::PeerStreams`]): a long-lived
//! call of `agora.raft.v1.RaftService/Exchange`. Both sides send a hello first. A node of another
//! group, or with another id than expected, is refused with a status that says so.
//!
//! ```text
//!   node 1                                         node 2
//!     |-- its stream: hello, AppendEntries ... -->   |
//!     |   <-- hello, AppendEntriesReply ...          |
//!     |                                              |
//!     |   <-- its stream: hello, RequestVote ... --  |
//!     |-- hello, RequestVoteReply ... -->            |
//! ```
//!
//! A reply is sent on the call on which the request came. The kernel then acknowledges the request
//! together with the reply, which saves a third of the cost of a round trip. A heartbeat that asks
//! nothing of the log is sent on the peer's own call as well, because large messages go on the peer
//! stream: on its own connection, a heartbeat is not delayed by a megabyte before it. A node whose
//! own stream is down sends everything on the other's call, if there is one. So one connection
//! between two nodes, in either direction, is enough.
//!
//! Messages may be lost: messages beyond a bound are dropped if a peer does not read. Raft repeats
//! itself.

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

/// The path of the call that carries all messages.
pub const EXCHANGE: &str = "/agora.raft.v1.RaftService/Exchange";
/// Connections that the server reserves for each peer: the one in use, and replaced ones that are
/// not known to be closed yet.
const CONNECTIONS_PER_PEER: usize = 4;
/// The flow-control window of a peer. Over a round trip of 50 ms it allows 160 MB/s; the default
/// window would allow 5 MB/s.
const WINDOW_BYTES: u32 = 8 * 1024 * 1024;

/// The identity of a node, and the addresses of its peers.
#[derive(Clone, Debug)]
pub struct TransportOptions {
    /// The name of the group.
    pub group: String,
    /// The id of this node.
    pub node: NodeId,
    /// The other nodes of the group and their addresses (`host:port`).
    pub peers: BTreeMap<NodeId, String>,
    /// The address of this node, sent to its peers.
    pub address: String,
    /// TLS for connections to peers; plaintext if `None`.
    pub tls: Option<ClientTls>,
    /// The maximum number of bytes queued for a peer that does not read.
    pub max_queued_bytes: usize,
}

impl TransportOptions {
    /// Plaintext, with a queue of as many bytes as a leader sends ahead.
    pub fn new(group: &str, node: NodeId, peers: BTreeMap<NodeId, String>) -> TransportOptions {
        let max_queued_bytes = 16 * 1024 * 1024;
        let (group, address) = (group.to_owned(), String::new());
        TransportOptions { group, node, peers, address, tls: None, max_queued_bytes }
    }
}

/// Input from a peer.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// The introduction of the peer.
    Introduction(Introduction),
    /// A message, and the process of the peer that sent it, see [`Introduction::incarnation`].
    Message(u64, Message),
}

/// The part of a hello that is the same for all peers.
struct LocalNode {
    group: String,
    node: NodeId,
    /// All nodes of the group, in the order of their ids.
    members: Vec<(NodeId, String)>,
}

impl LocalNode {
    fn hello(&self, peer: NodeId, introduction: Introduction) -> Hello {
        let members = self.members.clone();
        Hello { members, ..Hello::new(&self.group, self.node, peer, introduction) }
    }

    /// Whether a hello comes from the expected peer.
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

/// Members in the format of the `--peers` flag, shortened for large groups.
fn format_members(members: &[(NodeId, String)]) -> String {
    /// The maximum length of the text, in characters.
    const SHOWN_CHARS: usize = 512;
    let members: Vec<_> = members.iter().map(|(id, at)| format!("{id}={at}")).collect();
    members.join(",").chars().take(SHOWN_CHARS).collect()
}

/// A change of the connection to a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerEvent {
    /// The stream to the peer is up.
    Up(NodeId),
    /// The stream is down, or still down for another reason than before.
    Down(NodeId, String),
}

/// The connections to the other nodes. Part of the node's event-loop task.
pub struct Transport {
    options: TransportOptions,
    local: Arc<LocalNode>,
    outbound: BTreeMap<NodeId, OutboundPeer>,
    registry: Arc<Mutex<PeerRegistry>>,
    encoder: Encoder,
    drained: Vec<(NodeId, Incoming)>,
    events: VecDeque<PeerEvent>,
}

/// The outgoing stream to a peer.
#[derive(Default)]
struct OutboundPeer {
    stream: Option<PeerStreamId>,
    /// The incarnation of the peer, once a valid hello has arrived.
    incarnation: Option<u64>,
    /// The reason of the last failure that was reported.
    failure: Option<String>,
}

/// The state that the handlers of inbound calls share with the transport. All run on one thread, so
/// the lock is never contended.
#[derive(Default)]
struct PeerRegistry {
    incoming: Vec<(NodeId, Incoming)>,
    /// The introduction that is sent to peers that connect.
    introduction: Option<Introduction>,
    /// The newest inbound call of each peer, and the number of that call.
    callers: BTreeMap<NodeId, (u64, Responder)>,
    next_call: u64,
    /// Peers that have connected since the last poll.
    newly_connected: Vec<NodeId>,
    /// Limits log lines about refused calls.
    refusals: LogLimit,
}

impl Transport {
    /// Registers the call in `services`, for inbound calls.
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

    /// Sets the introduction that is sent on new calls in both directions.
    pub fn update_introduction(&mut self, streams: &mut PeerStreams, introduction: &Introduction) {
        for (peer, peer_stream) in &self.outbound {
            if let Some(stream) = peer_stream.stream {
                let hello = self.local.hello(*peer, introduction.clone());
                streams.set_first_message(stream, encode_hello(&hello));
            }
        }
        self.set_introduction(introduction.clone());
    }

    /// Sets the introduction before the server runs. Without it no peer is called or accepted.
    pub fn set_introduction(&mut self, introduction: Introduction) {
        lock(&self.registry).introduction = Some(introduction);
    }

    /// Sends an introduction to a connected peer.
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

    /// To be called first in each poll of the node: opens streams, and reconnects at once to peers
    /// that have just connected.
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

    /// Handles the event of [`crate::rpc::EventLoopTask::handle_stream_event`].
    pub fn handle_stream_event(&mut self, id: PeerStreamId, event: PeerStreamEvent<'_>) {
        let found =
            self.outbound.iter_mut().find(|(_, peer_stream)| peer_stream.stream == Some(id));
        let Some((&peer, peer_stream)) = found else { return };
        match event {
            // The stream counts as up when the peer's hello has arrived.
            PeerStreamEvent::Up { .. } => (),
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
                Ok(_) => {
                    log::warn!("node {peer}: an unexpected message, or a hello of another node")
                }
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

    /// Queues a message for a peer; it is sent together with all others of this poll.
    ///
    /// # Errors
    /// The message was not queued: there is no connection to the peer, or its queue is full.
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

    /// Input from peers since the last call, in order of arrival.
    pub fn take_incoming(&mut self) -> impl Iterator<Item = (NodeId, Incoming)> {
        mem::swap(&mut lock(&self.registry).incoming, &mut self.drained);
        self.drained.drain(..)
    }

    /// Connection events since the last call.
    pub fn take_events(&mut self) -> impl Iterator<Item = PeerEvent> {
        self.events.drain(..)
    }

    /// Bytes that are queued on the stream to a peer.
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

    /// Ends inbound calls, because this node shuts down. The server ends the outgoing streams.
    pub fn close(&mut self) {
        for (_, responder) in mem::take(&mut lock(&self.registry).callers).into_values() {
            responder.finish(Status::new(Code::Unavailable, "the node is shutting down"));
        }
    }
}

/// Whether a message is sent on the peer's own call, if there is one.
fn uses_inbound_call(message: &Message) -> bool {
    message.body.is_reply() || message.body.is_pure_heartbeat()
}

/// A panic under the lock leaves the registry consistent.
fn lock(registry: &Mutex<PeerRegistry>) -> MutexGuard<'_, PeerRegistry> {
    registry.lock().unwrap_or_else(PoisonError::into_inner)
}
