//! Servers whose event-loop tasks exchange messages over peer streams, and what tests observe of
//! them.

use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use agora::call::{Code, Metadata, Status};
use agora::rpc::{
    CallHandler, EventLoopTask, NotSent, PeerStreamEvent, PeerStreamId, PeerStreamOptions, Reactor,
    Responder, Server, ServerHandle, ServerOptions, Services, Shape, TaskWaker,
};

pub const TALK: &str = "/test.Peers/Talk";
/// As TALK, but never consumes a message.
pub const DEAF: &str = "/test.Peers/Deaf";
/// The method for clients.
pub const ECHO: &str = "/test.Peers/Echo";
/// Sends one message and stays open.
pub const OPEN: &str = "/test.Peers/Open";
/// Connection slots that are reserved for peers.
pub const RESERVED: usize = 3;
/// The metadata key with a peer's group.
const GROUP: &str = "x-group";

/// The first message of every peer; it is not recorded.
const HELLO: &[u8] = b"hello";

/// The events of a peer, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A peer stream, by its number.
    Up(usize),
    Down {
        stream: usize,
        was_up: bool,
        code: Code,
        reason: String,
    },
    /// An answer on a peer stream.
    Answer(usize, Vec<u8>),
    /// A message on a stream from a peer.
    Message(Vec<u8>),
    /// A stream from a peer ended, orderly or not.
    Ended,
    Lost,
    /// A message could not be sent.
    NotSent(usize, NotSent),
}

pub enum Command {
    Add(Box<PeerStreamOptions>),
    Remove(usize),
    /// Messages that are sent in one turn.
    Send(usize, Vec<Vec<u8>>),
}

#[derive(Default)]
pub struct PeerState {
    pub events: Vec<(Instant, Event)>,
    commands: VecDeque<Command>,
    /// The streams from peers.
    inbound: Vec<Responder>,
    pub queued_bytes: Vec<usize>,
    pub dropped: Vec<u64>,
}

type Shared = Arc<Mutex<PeerState>>;

pub struct Peer {
    pub address: SocketAddr,
    pub handle: ServerHandle,
    pub shared: Shared,
    waker: TaskWaker,
    thread: Option<JoinHandle<()>>,
}

pub fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// A peer stream as a member of a group.
pub fn to(target: impl ToString, group: &str) -> PeerStreamOptions {
    let mut options = PeerStreamOptions::new(&target.to_string(), TALK);
    options.first_message = HELLO.to_vec();
    options.metadata.insert(GROUP, group.as_bytes()).unwrap();
    options
}

impl Peer {
    pub fn new() -> Peer {
        Peer::at(local(), ServerOptions::default())
    }

    pub fn at(address: SocketAddr, options: ServerOptions) -> Peer {
        let shared = Shared::default();
        let mut server = Server::bind(address, services(&shared), options).unwrap();
        server.attach(PeerTask { shared: Arc::clone(&shared), streams: Vec::new() });
        let (address, handle) = (server.local_addr(), server.handle());
        let waker = server.task_waker();
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Peer { address, handle, shared, waker, thread }
    }

    pub fn order(&self, command: Command) {
        self.shared.lock().unwrap().commands.push_back(command);
        self.waker.wake();
    }

    pub fn add(&self, options: PeerStreamOptions) {
        self.order(Command::Add(Box::new(options)));
    }

    pub fn send(&self, stream: usize, messages: Vec<Vec<u8>>) {
        self.order(Command::Send(stream, messages));
    }

    /// Whether all commands were executed and less than this is queued on each stream.
    pub fn has_room(&self, bytes: usize) -> bool {
        let shared = self.shared.lock().unwrap();
        shared.commands.is_empty() && shared.queued_bytes.iter().all(|queued| *queued < bytes)
    }

    pub fn events(&self) -> Vec<Event> {
        self.shared.lock().unwrap().events.iter().map(|(_, event)| event.clone()).collect()
    }

    pub fn has(&self, event: &Event) -> bool {
        self.shared.lock().unwrap().events.iter().any(|(_, seen)| seen == event)
    }

    pub fn count(&self, is_wanted: impl Fn(&Event) -> bool) -> usize {
        self.shared.lock().unwrap().events.iter().filter(|(_, event)| is_wanted(event)).count()
    }

    pub fn messages(&self) -> Vec<Vec<u8>> {
        let message =
            |event| if let Event::Message(message) = event { Some(message) } else { None };
        self.events().into_iter().filter_map(message).collect()
    }

    /// Closes the connections of all streams from peers.
    pub fn hang_up_on_all(&self, reason: &'static str) {
        let inbound = mem::take(&mut self.shared.lock().unwrap().inbound);
        inbound
            .iter()
            .for_each(|stream| stream.close_connection(Status::new(Code::Aborted, reason)));
    }

    /// Widens the windows of all streams from peers.
    pub fn widen_all(&self, bytes: u32) {
        self.shared.lock().unwrap().inbound.iter().for_each(|stream| stream.extend_window(bytes));
    }

    pub fn stop(&mut self) {
        self.handle.shut_down();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.handle.shut_down();
    }
}

fn services(shared: &Shared) -> Services {
    let mut services = Services::new();
    for (path, is_deaf) in [(TALK, false), (DEAF, true)] {
        let shared = Arc::clone(shared);
        services.streaming(path, Shape::Bidirectional, move |context, responder| {
            if context.metadata.get(GROUP) != Some(b"ours") {
                return Err(Status::new(Code::FailedPrecondition, "this is group ours"));
            }
            // First: without a free slot the connection ends, and the peer must not count as up.
            responder.accept_peer();
            responder.send_headers(Metadata::new());
            shared.lock().unwrap().inbound.push(responder.clone());
            Ok(Box::new(Listener { shared: Arc::clone(&shared), responder, is_deaf }))
        });
    }
    services.keep_metadata(TALK);
    services.keep_metadata(DEAF);
    services.reserve(TALK, RESERVED);
    services.streaming(OPEN, Shape::Bidirectional, |_, responder| {
        responder.send(b"open".to_vec());
        Ok(Box::new(Open { _responder: responder }))
    });
    services.unary(ECHO, |_, message, response| {
        response.extend_from_slice(message);
        Ok(())
    });
    services
}

/// Keeps a call open.
struct Open {
    _responder: Responder,
}

impl CallHandler for Open {
    fn message(&mut self, _: &[u8]) {}

    fn cancelled(&mut self, _: &Status) {}
}

/// Records the messages of a peer, and answers those that begin with `?`.
struct Listener {
    shared: Shared,
    responder: Responder,
    is_deaf: bool,
}

impl Listener {
    fn note(&self, event: Event) {
        self.shared.lock().unwrap().events.push((Instant::now(), event));
    }
}

impl CallHandler for Listener {
    fn message(&mut self, message: &[u8]) {
        if message == HELLO {
            return;
        }
        if message.starts_with(b"?") {
            self.responder.send(message[1..].to_vec());
        }
        self.note(Event::Message(message.to_vec()));
    }

    fn half_close(&mut self) {
        self.note(Event::Ended);
        self.responder.finish(Status::OK);
    }

    fn cancelled(&mut self, _: &Status) {
        self.note(Event::Lost);
    }

    fn takes_later(&self) -> bool {
        self.is_deaf
    }
}

/// Executes the commands of the test.
struct PeerTask {
    shared: Shared,
    streams: Vec<PeerStreamId>,
}

impl PeerTask {
    fn number(&self, id: PeerStreamId) -> usize {
        self.streams.iter().position(|stream| *stream == id).unwrap()
    }
}

impl EventLoopTask for PeerTask {
    fn poll(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant> {
        let mut shared = self.shared.lock().unwrap();
        while let Some(command) = shared.commands.pop_front() {
            match command {
                Command::Add(options) => self.streams.push(reactor.peer_streams().add(*options)),
                Command::Remove(stream) => reactor.peer_streams().remove(self.streams[stream]),
                Command::Send(stream, messages) => {
                    for message in messages {
                        let sent = reactor.peer_streams().send(self.streams[stream], &message);
                        if let Err(error) = sent {
                            shared.events.push((reactor.now(), Event::NotSent(stream, error)));
                        }
                    }
                }
            }
        }
        let streams = reactor.peer_streams();
        shared.queued_bytes = self.streams.iter().map(|id| streams.queued_bytes(*id)).collect();
        shared.dropped = self.streams.iter().map(|id| streams.dropped(*id)).collect();
        None
    }

    fn shut_down(&mut self, _: &mut Reactor<'_>) {
        let leaving = Status::new(Code::Unavailable, "leaving");
        let inbound = mem::take(&mut self.shared.lock().unwrap().inbound);
        inbound.iter().for_each(|stream| stream.finish(leaving.clone()));
    }

    fn handle_stream_event(&mut self, id: PeerStreamId, event: PeerStreamEvent<'_>) {
        let stream = self.number(id);
        let event = match event {
            PeerStreamEvent::Up { .. } => Event::Up(stream),
            PeerStreamEvent::Message(message) => Event::Answer(stream, message.to_vec()),
            PeerStreamEvent::Down { status, was_up } => {
                let reason = status.message.to_string();
                Event::Down { stream, was_up, code: status.code, reason }
            }
        };
        self.shared.lock().unwrap().events.push((Instant::now(), event));
    }
}
