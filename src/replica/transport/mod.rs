//! How a node reaches the others of its group, over our RPC layer, on the thread of its server.
//!
//! Every node keeps an uplink to every other one ([`crate::rpc::Uplinks`]): a call of
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
//! with its answer, which saves a third of what a round trip costs. A node whose own uplink is down
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
use crate::rpc::{
    ClientTls, LogLimit, NotSent, Responder, Services, Shape, UplinkEvent, UplinkId, UplinkOptions,
    Uplinks,
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
    /// With what TLS is spoken to them; without it in the clear.
    pub tls: Option<ClientTls>,
    /// What may wait for a peer that does not read.
    pub max_queued_bytes: usize,
}

impl TransportOptions {
    /// In the clear, with as much waiting for a peer as a leader sends ahead.
    pub fn new(group: &str, node: NodeId, peers: BTreeMap<NodeId, String>) -> TransportOptions {
        let max_queued_bytes = 16 * 1024 * 1024;
        TransportOptions { group: group.to_owned(), node, peers, tls: None, max_queued_bytes }
    }
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
    routes: BTreeMap<NodeId, Route>,
    lobby: Arc<Mutex<Lobby>>,
    encoder: Encoder,
    drained: Vec<(NodeId, Message)>,
    events: VecDeque<PeerEvent>,
}

/// Our own uplink to a peer.
#[derive(Default)]
struct Route {
    uplink: Option<UplinkId>,
    /// The peer has said who it is, and it is who we want.
    is_up: bool,
    /// Why it is down, as far as was told.
    failure: Option<String>,
}

/// What the handlers of peers' calls share with the transport. All of them run on one thread: the
/// lock is never waited for.
#[derive(Default)]
struct Lobby {
    messages: Vec<(NodeId, Message)>,
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
        let (group, node) = (options.group.clone(), options.node);
        let peers: Arc<[NodeId]> = options.peers.keys().copied().collect();
        services.streaming(EXCHANGE, Shape::Bidirectional, {
            let lobby = Arc::clone(&lobby);
            move |_, responder| {
                let (group, peers) = (group.clone(), Arc::clone(&peers));
                Ok(Box::new(Guest::new(group, node, peers, Arc::clone(&lobby), responder)))
            }
        });
        services.reserve(EXCHANGE, CONNECTIONS_PER_PEER * options.peers.len());
        let routes = options.peers.keys().map(|peer| (*peer, Route::default())).collect();
        Transport {
            options,
            routes,
            lobby,
            encoder: Encoder::default(),
            drained: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// To be called at the beginning of each of the node's turns: makes the uplinks, and tries those
    /// to peers at once that have just called.
    pub fn turn(&mut self, uplinks: &mut Uplinks) {
        let mut lobby = lock(&self.lobby);
        if lobby.refusals.next_timeout().is_some()
            && let Some(count) = lobby.refusals.take_count(Instant::now())
        {
            log::warn!("{count} more calls of peers were refused");
        }
        let arrived = mem::take(&mut lobby.arrived);
        drop(lobby);
        for peer in arrived {
            if let Some(uplink) = self.routes.get(&peer).and_then(|route| route.uplink) {
                uplinks.hurry(uplink);
            }
        }
        let options = &self.options;
        for (peer, route) in self.routes.iter_mut().filter(|(_, route)| route.uplink.is_none()) {
            let Some(target) = options.peers.get(peer) else { continue };
            let mut wanted = UplinkOptions::new(target, EXCHANGE);
            wanted.opening = encode_hello(&Hello::new(&options.group, options.node, *peer));
            wanted.channel.tls = options.tls.clone();
            wanted.max_queued_bytes = options.max_queued_bytes;
            route.uplink = Some(uplinks.add(wanted));
        }
    }

    /// Takes what [`crate::rpc::Resident::uplink`] is told.
    pub fn uplink(&mut self, id: UplinkId, event: UplinkEvent<'_>) {
        let found = self.routes.iter_mut().find(|(_, route)| route.uplink == Some(id));
        let Some((&peer, route)) = found else { return };
        match event {
            // It counts once the peer has said who it is.
            UplinkEvent::Up => (),
            UplinkEvent::Message(bytes) => match decode(bytes) {
                Ok(Received::Message(message)) if route.is_up => {
                    lock(&self.lobby).messages.push((peer, message));
                }
                Ok(Received::Hello(hello)) if !route.is_up && self.options.is(&hello, peer) => {
                    route.is_up = true;
                    route.failure = None;
                    self.events.push_back(PeerEvent::Up(peer));
                }
                Ok(_) => log::warn!("node {peer}: an answer of somebody else, or out of place"),
                Err(error) => log::warn!("node {peer}: {error}"),
            },
            UplinkEvent::Down { status, .. } => {
                let reason = status.to_string();
                if route.is_up || route.failure.as_ref() != Some(&reason) {
                    self.events.push_back(PeerEvent::Down(peer, reason.clone()));
                }
                *route = Route { uplink: Some(id), is_up: false, failure: Some(reason) };
            }
        }
    }

    /// Sends a message to a peer, together with all others of this turn.
    ///
    /// # Errors
    /// It was not sent: there is no way to the peer now, or too much waits for it.
    pub fn send(
        &mut self,
        uplinks: &mut Uplinks,
        to: NodeId,
        message: &Message,
    ) -> Result<(), NotSent> {
        let route = self.routes.get(&to).ok_or(NotSent::Down)?;
        let own = route.uplink.filter(|_| route.is_up);
        let lobby = lock(&self.lobby);
        let caller = lobby.callers.get(&to).map(|(_, responder)| responder);
        let bytes = self.encoder.encode(message);
        match (own, caller) {
            (Some(uplink), None) => uplinks.send(uplink, bytes),
            (Some(uplink), _) if !message.body.is_answer() => uplinks.send(uplink, bytes),
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

    /// The messages that have come since the last time, in the order in which they came.
    pub fn drain(&mut self) -> impl Iterator<Item = (NodeId, Message)> {
        mem::swap(&mut lock(&self.lobby).messages, &mut self.drained);
        self.drained.drain(..)
    }

    /// What has become of the ways to peers since the last time.
    pub fn events(&mut self) -> impl Iterator<Item = PeerEvent> {
        self.events.drain(..)
    }

    /// Bytes that wait for a peer on our uplink.
    pub fn queued_bytes(&self, uplinks: &Uplinks, peer: NodeId) -> usize {
        let uplink = self.routes.get(&peer).and_then(|route| route.uplink);
        uplink.map_or(0, |uplink| uplinks.queued_bytes(uplink))
    }

    /// Whether messages can be sent to a peer.
    pub fn is_up(&self, peer: NodeId) -> bool {
        let is_up = self.routes.get(&peer).is_some_and(|route| route.is_up);
        is_up || lock(&self.lobby).callers.contains_key(&peer)
    }

    /// Ends the calls of peers: this node is leaving. The server ends the uplinks when it ends.
    pub fn close(&mut self) {
        for (_, responder) in mem::take(&mut lock(&self.lobby).callers).into_values() {
            responder.finish(Status::new(Code::Unavailable, "the node is leaving"));
        }
    }
}

impl TransportOptions {
    /// Whether a hello is of the peer that we look for.
    fn is(&self, hello: &Hello, peer: NodeId) -> bool {
        hello.is_understood()
            && hello.group == self.group
            && hello.node == peer
            && hello.peer == self.node
    }
}

/// Every change under the lock is whole.
fn lock(lobby: &Mutex<Lobby>) -> MutexGuard<'_, Lobby> {
    lobby.lock().unwrap_or_else(PoisonError::into_inner)
}
