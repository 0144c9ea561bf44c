//! Connections between the nodes of a group, over the RPC layer, on the thread of the server.
//!
//! Every node keeps a peer stream to every other node ([`crate::rpc::PeerStreams`]): a long-lived
//! call of `agora.raft.v1.RaftService/Exchange`. Both sides send a hello first, the caller within two
//! seconds. A node of another group, or with another id than expected, is refused. The reason goes to
//! the log of the called node; the caller learns it only if it has proved to belong to the group.
//! Where the server enforces roles, the certificates of both sides must be those of the nodes
//! (`authentication`).
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

mod authentication;
mod inbound_peer;
mod local_node;
mod refusals;
mod registry;

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::wire::{Encoder, Received, decode, encode_hello};
use crate::call::{Code, Status};
use crate::raft::{Message, NodeId};
use crate::replica::membership::Introduction;
use crate::rpc::{
    ClientTls, NotSent, Notices, PeerStreamEvent, PeerStreamId, PeerStreamOptions, PeerStreams,
    Services, Shape,
};
use inbound_peer::InboundPeer;
use local_node::LocalNode;
pub use refusals::REFUSED;
pub use registry::HELLO_TIMEOUT;
use registry::{PeerRegistry, lock};

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
    /// The name in the certificates of all nodes, if it is not the host of each.
    pub certificate_name: Option<String>,
    /// The maximum number of bytes queued for a peer that does not read.
    pub max_queued_bytes: usize,
    /// Where lines about refused peers are shown beside the log.
    pub notices: Notices,
}

impl TransportOptions {
    /// Plaintext, with a queue of as many bytes as a leader sends ahead.
    pub fn new(group: &str, node: NodeId, peers: BTreeMap<NodeId, String>) -> TransportOptions {
        let max_queued_bytes = 16 * 1024 * 1024;
        let (group, address) = (group.to_owned(), String::new());
        let (tls, certificate_name) = (None, None);
        let notices = Notices::default();
        TransportOptions {
            group,
            node,
            peers,
            address,
            tls,
            certificate_name,
            max_queued_bytes,
            notices,
        }
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
    /// The server at its other end is the peer, as far as its certificate shows.
    is_trusted: bool,
    /// The incarnation of the peer, once a valid hello has arrived.
    incarnation: Option<u64>,
    /// The reason of the last failure that was reported.
    failure: Option<String>,
}

impl Transport {
    /// Registers the call in `services`, for inbound calls.
    pub fn new(options: TransportOptions, services: &mut Services) -> Transport {
        let registry = Arc::<Mutex<PeerRegistry>>::default();
        lock(&registry).refusals.show_on(options.notices.clone());
        let mut members = options.peers.clone();
        members.insert(options.node, options.address.clone());
        let members = members.into_iter().collect();
        let local = Arc::new(LocalNode {
            group: options.group.clone(),
            node: options.node,
            members,
            certificate_name: options.certificate_name.clone(),
        });
        services.streaming(EXCHANGE, Shape::Bidirectional, {
            let (local, registry) = (Arc::clone(&local), Arc::clone(&registry));
            move |context, responder| {
                let (local, registry) = (Arc::clone(&local), Arc::clone(&registry));
                let peer = InboundPeer::accept(local, registry, responder, context)?;
                Ok(Box::new(peer))
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
        match (peer_stream.stream, lock(&self.registry).caller(to)) {
            (Some(stream), _) if peer_stream.incarnation.is_some() => streams.send(stream, &bytes),
            (_, Some(caller)) => {
                caller.send(bytes);
                Ok(())
            }
            (_, None) => Err(NotSent::Down),
        }
    }

    /// To be called first in each poll of the node: opens streams, reconnects at once to peers that
    /// have just connected, and ends calls without a hello. Returns when it has to be called again.
    pub fn poll(&mut self, streams: &mut PeerStreams) -> Option<Instant> {
        let mut registry = lock(&self.registry);
        if registry.next_timeout().is_some() {
            let now = Instant::now();
            registry.end_overdue(now);
            registry.refusals.write_counts(now);
        }
        let next = registry.next_timeout();
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
        let Some(introduction) = lock(&self.registry).introduction.clone() else { return next };
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
        next
    }

    /// Handles the event of [`crate::rpc::EventLoopTask::handle_stream_event`].
    pub fn handle_stream_event(&mut self, id: PeerStreamId, event: PeerStreamEvent<'_>) {
        let found =
            self.outbound.iter_mut().find(|(_, peer_stream)| peer_stream.stream == Some(id));
        let Some((&peer, peer_stream)) = found else { return };
        match event {
            // The stream counts as up when the peer's hello has arrived.
            PeerStreamEvent::Up { server } => {
                peer_stream.is_trusted = self.local.is_server_of(server, peer);
                if !peer_stream.is_trusted {
                    let reason = format!("the server is not node {peer}: {server}");
                    peer_stream.failure = Some(reason.clone());
                    self.events.push_back(PeerEvent::Down(peer, reason));
                }
            }
            PeerStreamEvent::Message(_) if !peer_stream.is_trusted => (),
            PeerStreamEvent::Message(bytes) => {
                let known = peer_stream.incarnation;
                match self.take_reply(peer, known, bytes) {
                    Ok(incarnation) => self.note_up(peer, incarnation),
                    Err(reason) => {
                        let reason = format!("node {peer} sent what it must not: {reason}");
                        lock(&self.registry).refusals.note(Some(peer), &reason);
                    }
                }
            }
            PeerStreamEvent::Down { status, .. } => {
                let reason = status.to_string();
                if peer_stream.incarnation.is_some()
                    || peer_stream.failure.as_ref() != Some(&reason)
                {
                    self.events.push_back(PeerEvent::Down(peer, reason.clone()));
                }
                *peer_stream = OutboundPeer {
                    stream: Some(id),
                    failure: Some(reason),
                    ..OutboundPeer::default()
                };
            }
        }
    }

    /// Handles a message on the stream to a peer; `known` is the peer's incarnation, once its hello has
    /// come. Returns the incarnation.
    fn take_reply(&self, peer: NodeId, known: Option<u64>, bytes: &[u8]) -> Result<u64, String> {
        let (incarnation, incoming) = match decode(bytes).map_err(|error| error.to_string())? {
            Received::Message(message) => {
                let incarnation = known.ok_or("a message before a hello")?;
                (incarnation, Incoming::Message(incarnation, message))
            }
            Received::Hello(hello) => {
                self.local.check(&hello)?;
                let incarnation = hello.introduction.incarnation;
                if hello.node != peer || known.is_some_and(|known| known != incarnation) {
                    return Err(format!("a hello of another process, of node {}", hello.node));
                }
                (incarnation, Incoming::Introduction(hello.introduction))
            }
        };
        lock(&self.registry).incoming.push((peer, incoming));
        Ok(incarnation)
    }

    /// The peer at the end of a stream is known.
    fn note_up(&mut self, peer: NodeId, incarnation: u64) {
        let Some(peer_stream) = self.outbound.get_mut(&peer) else { return };
        if peer_stream.incarnation.replace(incarnation).is_none() {
            peer_stream.failure = None;
            self.events.push_back(PeerEvent::Up(peer));
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
        let caller = registry.caller(to);
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
        is_up || lock(&self.registry).caller(peer).is_some()
    }

    /// Ends inbound calls, because this node shuts down. The server ends the outgoing streams.
    pub fn close(&mut self) {
        let status = Status::new(Code::Unavailable, "the node is shutting down");
        lock(&self.registry).end_all(&status);
    }
}

/// Whether a message is sent on the peer's own call, if there is one.
fn uses_inbound_call(message: &Message) -> bool {
    message.body.is_reply() || message.body.is_pure_heartbeat()
}
