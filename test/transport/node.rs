//! A node with a transport only: a server with an event-loop task that sends and receives messages.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::wait::poll_until;
use agora::raft::{Message, NodeId};
use agora::replica::membership::Introduction;
use agora::replica::transport::{Incoming, PeerEvent, Transport, TransportOptions};
use agora::rpc::{
    EventLoopTask, PeerStreamEvent, PeerStreamId, Reactor, Server, ServerHandle, ServerOptions,
    Services, TaskWaker,
};

pub use crate::free_address::free_address;

/// How long anything may take before a test calls it lost.
pub const LONG: Duration = Duration::from_secs(20);
pub const GROUP: &str = "cities";

/// Polls until `condition` holds; fails the test when it does not in time.
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    poll_until(what, LONG, condition);
}

#[derive(Default)]
pub struct Mailbox {
    pub received: Vec<(NodeId, Message)>,
    pub events: Vec<PeerEvent>,
    pub not_sent: usize,
    to_send: VecDeque<Vec<(NodeId, Message)>>,
    ends: bool,
}

pub struct Node {
    pub address: SocketAddr,
    pub mailbox: Arc<Mutex<Mailbox>>,
    waker: TaskWaker,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

pub fn options(node: NodeId, peers: &[(NodeId, SocketAddr)]) -> TransportOptions {
    let peers = peers.iter().filter(|(peer, _)| *peer != node);
    let peers: BTreeMap<_, _> = peers.map(|(peer, at)| (*peer, at.to_string())).collect();
    TransportOptions::new(GROUP, node, peers)
}

/// The introduction of a node.
pub fn introduction(node: NodeId) -> Introduction {
    Introduction { instance: node + 1, starts: 1, incarnation: node + 1, ..Introduction::default() }
}

/// The message in an input, if it is one.
pub fn message(incoming: (NodeId, Incoming)) -> Option<(NodeId, Message)> {
    match incoming {
        (from, Incoming::Message(incarnation, message)) => {
            assert_eq!(incarnation, from + 1);
            Some((from, message))
        }
        (_, Incoming::Introduction(_)) => None,
    }
}

impl Node {
    pub fn start(address: SocketAddr, options: TransportOptions) -> Node {
        Node::serve(address, options, ServerOptions::default())
    }

    pub fn serve(address: SocketAddr, options: TransportOptions, server: ServerOptions) -> Node {
        let mut services = Services::new();
        services.unary("/test.Node/Ping", |_, _, _| Ok(()));
        let id = options.node;
        let mut transport = Transport::new(options, &mut services);
        transport.set_introduction(introduction(id));
        let mut server = Server::bind(address, services, server).unwrap();
        let mailbox = Arc::<Mutex<Mailbox>>::default();
        server.attach(TransportTask { transport, mailbox: Arc::clone(&mailbox) });
        let (address, handle) = (server.local_addr(), server.handle());
        let waker = server.task_waker();
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Node { address, mailbox, waker, handle, thread }
    }

    /// Sends messages in one poll.
    pub fn send(&self, messages: Vec<(NodeId, Message)>) {
        self.mailbox.lock().unwrap().to_send.push_back(messages);
        self.waker.wake();
    }

    /// Whether everything was sent or has failed.
    pub fn has_sent_all(&self) -> bool {
        self.mailbox.lock().unwrap().to_send.is_empty()
    }

    pub fn is_up(&self, peer: NodeId) -> bool {
        let mailbox = self.mailbox.lock().unwrap();
        let last = mailbox.events.iter().rev().find(|event| match event {
            PeerEvent::Up(of) | PeerEvent::Down(of, _) => *of == peer,
        });
        matches!(last, Some(PeerEvent::Up(_)))
    }

    pub fn received(&self) -> Vec<(NodeId, Message)> {
        self.mailbox.lock().unwrap().received.clone()
    }

    /// Why its stream to a peer last failed.
    pub fn failure(&self, peer: NodeId) -> Option<String> {
        let mailbox = self.mailbox.lock().unwrap();
        mailbox.events.iter().rev().find_map(|event| match event {
            PeerEvent::Down(of, reason) if *of == peer => Some(reason.clone()),
            _ => None,
        })
    }

    pub fn stop(&mut self) {
        self.mailbox.lock().unwrap().ends = true;
        self.handle.shut_down();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.mailbox.lock().unwrap().ends = true;
        self.handle.shut_down();
    }
}

struct TransportTask {
    transport: Transport,
    mailbox: Arc<Mutex<Mailbox>>,
}

impl EventLoopTask for TransportTask {
    fn poll(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant> {
        let mut mailbox = self.mailbox.lock().unwrap();
        let next = self.transport.poll(reactor.peer_streams());
        mailbox.received.extend(self.transport.take_incoming().filter_map(message));
        mailbox.events.extend(self.transport.take_events());
        while let Some(messages) = mailbox.to_send.pop_front() {
            for (to, message) in messages {
                if self.transport.send(reactor.peer_streams(), to, &message).is_err() {
                    mailbox.not_sent += 1;
                }
            }
        }
        next
    }

    fn handle_stream_event(&mut self, id: PeerStreamId, event: PeerStreamEvent<'_>) {
        self.transport.handle_stream_event(id, event);
    }

    fn shut_down(&mut self, _: &mut Reactor<'_>) {
        self.transport.close();
    }
}
