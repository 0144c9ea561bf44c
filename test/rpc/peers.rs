//! Servers whose residents talk to one another over uplinks, and what tests see of them.

use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use agora::call::{Code, Metadata, Status};
use agora::rpc::{
    CallHandler, NotSent, Reactor, Resident, ResidentWaker, Responder, Server, ServerHandle,
    ServerOptions, Services, Shape, UplinkEvent, UplinkId, UplinkOptions,
};

pub const TALK: &str = "/test.Peers/Talk";
/// As TALK, but takes no message ever.
pub const DEAF: &str = "/test.Peers/Deaf";
/// What clients call.
pub const ECHO: &str = "/test.Peers/Echo";
/// Connections that peers have for themselves.
pub const RESERVED: usize = 3;
/// What every peer of a group sends as metadata.
const GROUP: &str = "x-group";

/// What every peer says first; not noted.
const HELLO: &[u8] = b"hello";

/// What happened to a peer, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An uplink, by its number.
    Up(usize),
    Down {
        uplink: usize,
        was_up: bool,
        code: Code,
        reason: String,
    },
    /// An answer on an uplink.
    Answer(usize, Vec<u8>),
    /// A message of a peer's uplink.
    Message(Vec<u8>),
    /// A peer's uplink ended in order, or not.
    Ended,
    Lost,
    /// A message could not be sent.
    NotSent(usize, NotSent),
}

pub enum Command {
    Add(Box<UplinkOptions>),
    Remove(usize),
    /// Messages that are sent in one turn.
    Send(usize, Vec<Vec<u8>>),
}

#[derive(Default)]
pub struct Desk {
    pub events: Vec<(Instant, Event)>,
    commands: VecDeque<Command>,
    /// The calls of peers' uplinks.
    guests: Vec<Responder>,
    pub queued_bytes: Vec<usize>,
    pub dropped: Vec<u64>,
}

type Shared = Arc<Mutex<Desk>>;

pub struct Peer {
    pub address: SocketAddr,
    pub handle: ServerHandle,
    pub desk: Shared,
    waker: ResidentWaker,
    thread: Option<JoinHandle<()>>,
}

pub fn local() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// An uplink as a member of a group.
pub fn to(target: impl ToString, group: &str) -> UplinkOptions {
    let mut options = UplinkOptions::new(&target.to_string(), TALK);
    options.opening = HELLO.to_vec();
    options.metadata.insert(GROUP, group.as_bytes()).unwrap();
    options
}

impl Peer {
    pub fn new() -> Peer {
        Peer::at(local(), ServerOptions::default())
    }

    pub fn at(address: SocketAddr, options: ServerOptions) -> Peer {
        let desk = Shared::default();
        let mut server = Server::bind(address, services(&desk), options).unwrap();
        server.set_resident(Talker { desk: Arc::clone(&desk), uplinks: Vec::new() });
        let (address, handle) = (server.local_addr(), server.handle());
        let waker = server.resident_waker();
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Peer { address, handle, desk, waker, thread }
    }

    pub fn order(&self, command: Command) {
        self.desk.lock().unwrap().commands.push_back(command);
        self.waker.wake();
    }

    pub fn add(&self, options: UplinkOptions) {
        self.order(Command::Add(Box::new(options)));
    }

    pub fn send(&self, uplink: usize, messages: Vec<Vec<u8>>) {
        self.order(Command::Send(uplink, messages));
    }

    /// Whether all orders are carried out and less than this is queued for each uplink.
    pub fn has_room(&self, bytes: usize) -> bool {
        let desk = self.desk.lock().unwrap();
        desk.commands.is_empty() && desk.queued_bytes.iter().all(|queued| *queued < bytes)
    }

    pub fn events(&self) -> Vec<Event> {
        self.desk.lock().unwrap().events.iter().map(|(_, event)| event.clone()).collect()
    }

    pub fn has(&self, event: &Event) -> bool {
        self.desk.lock().unwrap().events.iter().any(|(_, seen)| seen == event)
    }

    pub fn count(&self, is_wanted: impl Fn(&Event) -> bool) -> usize {
        self.desk.lock().unwrap().events.iter().filter(|(_, event)| is_wanted(event)).count()
    }

    pub fn messages(&self) -> Vec<Vec<u8>> {
        let message =
            |event| if let Event::Message(message) = event { Some(message) } else { None };
        self.events().into_iter().filter_map(message).collect()
    }

    /// Ends the connections of all peers' uplinks.
    pub fn hang_up_on_all(&self, reason: &'static str) {
        let guests = mem::take(&mut self.desk.lock().unwrap().guests);
        guests.iter().for_each(|guest| guest.hang_up(Status::new(Code::Aborted, reason)));
    }

    /// Lets all peers' uplinks send further ahead.
    pub fn widen_all(&self, bytes: u32) {
        self.desk.lock().unwrap().guests.iter().for_each(|guest| guest.widen(bytes));
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

fn services(desk: &Shared) -> Services {
    let mut services = Services::new();
    for (path, is_deaf) in [(TALK, false), (DEAF, true)] {
        let desk = Arc::clone(desk);
        services.streaming(path, Shape::Bidirectional, move |context, responder| {
            if context.metadata.get(GROUP) != Some(b"ours") {
                return Err(Status::new(Code::FailedPrecondition, "this is group ours"));
            }
            responder.send_headers(Metadata::new());
            desk.lock().unwrap().guests.push(responder.clone());
            Ok(Box::new(Listener { desk: Arc::clone(&desk), responder, is_deaf }))
        });
    }
    services.keep_metadata(TALK);
    services.keep_metadata(DEAF);
    services.reserve(TALK, RESERVED);
    services.unary(ECHO, |_, message, response| {
        response.extend_from_slice(message);
        Ok(())
    });
    services
}

/// Notes what a peer says, and answers what begins with `?`.
struct Listener {
    desk: Shared,
    responder: Responder,
    is_deaf: bool,
}

impl Listener {
    fn note(&self, event: Event) {
        self.desk.lock().unwrap().events.push((Instant::now(), event));
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

/// Does what the test orders.
struct Talker {
    desk: Shared,
    uplinks: Vec<UplinkId>,
}

impl Talker {
    fn number(&self, id: UplinkId) -> usize {
        self.uplinks.iter().position(|uplink| *uplink == id).unwrap()
    }
}

impl Resident for Talker {
    fn turn(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant> {
        let mut desk = self.desk.lock().unwrap();
        while let Some(command) = desk.commands.pop_front() {
            match command {
                Command::Add(options) => self.uplinks.push(reactor.uplinks().add(*options)),
                Command::Remove(uplink) => reactor.uplinks().remove(self.uplinks[uplink]),
                Command::Send(uplink, messages) => {
                    for message in messages {
                        let sent = reactor.uplinks().send(self.uplinks[uplink], &message);
                        if let Err(error) = sent {
                            desk.events.push((reactor.now(), Event::NotSent(uplink, error)));
                        }
                    }
                }
            }
        }
        let uplinks = reactor.uplinks();
        desk.queued_bytes = self.uplinks.iter().map(|id| uplinks.queued_bytes(*id)).collect();
        desk.dropped = self.uplinks.iter().map(|id| uplinks.dropped(*id)).collect();
        None
    }

    fn shut_down(&mut self, _: &mut Reactor<'_>) {
        let leaving = Status::new(Code::Unavailable, "leaving");
        let guests = mem::take(&mut self.desk.lock().unwrap().guests);
        guests.iter().for_each(|guest| guest.finish(leaving.clone()));
    }

    fn uplink(&mut self, id: UplinkId, event: UplinkEvent<'_>) {
        let uplink = self.number(id);
        let event = match event {
            UplinkEvent::Up => Event::Up(uplink),
            UplinkEvent::Message(message) => Event::Answer(uplink, message.to_vec()),
            UplinkEvent::Down { status, was_up } => {
                let reason = status.message.to_string();
                Event::Down { uplink, was_up, code: status.code, reason }
            }
        };
        self.desk.lock().unwrap().events.push((Instant::now(), event));
    }
}
