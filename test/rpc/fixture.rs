//! A server on a free port with a method of every kind, and helpers for tests.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::wait::poll_until;
use agora::call::{Code, Metadata, Status};
use agora::rpc::{
    CallHandler, CallOptions, Channel, ChannelOptions, Responder, Server, ServerHandle,
    ServerOptions, Services, Shape,
};
use agora::session::Protocol;

pub const ECHO: &str = "/test.Echo/Unary";
/// Answers every request with a mebibyte.
pub const BIG: &str = "/test.Echo/Big";
pub const LATER: &str = "/test.Echo/Later";
/// Answers `now` at once, `later` from another thread, refuses `refuse`, and drops other requests
/// unanswered.
pub const EITHER: &str = "/test.Echo/Either";
pub const NEVER: &str = "/test.Echo/Never";
pub const COUNT: &str = "/test.Echo/Count";
pub const SUM: &str = "/test.Echo/Sum";
pub const CHAT: &str = "/test.Echo/Chat";
pub const FLOOD: &str = "/test.Echo/Flood";
pub const FAIL: &str = "/test.Echo/Fail";
pub const PANIC: &str = "/test.Echo/Panic";
/// Answers with the id of the handler's thread.
pub const WHERE: &str = "/test.Echo/Where";
/// As [`WHERE`]. The requests `brief` and `panic` are short; `panic` panics.
pub const MAYBE_SHORT: &str = "/test.Echo/MaybeBrief";
pub const STUBBORN: &str = "/test.Echo/Stubborn";
pub const METADATA: &str = "/test.Echo/Metadata";

/// How long a test waits before it fails.
pub const LONG: Duration = Duration::from_secs(20);

/// What the handlers have recorded.
#[derive(Default)]
pub struct Seen {
    /// Lets the handlers of STUBBORN end.
    pub released: AtomicBool,
    /// The thread that ran the work after a call of MAYBE_SHORT.
    pub afterwards: Mutex<Vec<u8>>,
    /// Calls of NEVER that have started.
    pub begun: AtomicUsize,
    /// Calls whose handler was notified of their end.
    pub cancelled: AtomicUsize,
    /// The most bytes that were queued for a client of FLOOD.
    pub most_queued: AtomicUsize,
}

pub struct Fixture {
    pub address: SocketAddr,
    pub handle: ServerHandle,
    pub seen: Arc<Seen>,
    thread: Option<JoinHandle<()>>,
}

impl Fixture {
    pub fn new() -> Fixture {
        Fixture::with(ServerOptions::default())
    }

    pub fn with(options: ServerOptions) -> Fixture {
        Fixture::at(SocketAddr::from(([127, 0, 0, 1], 0)), options)
    }

    pub fn at(address: SocketAddr, options: ServerOptions) -> Fixture {
        let seen = Arc::new(Seen::default());
        let server = Server::bind(address, services(&seen), options).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Fixture { address, handle, seen, thread }
    }

    pub fn channel(&self, protocol: Protocol) -> Channel {
        let options = ChannelOptions { protocol, ..ChannelOptions::default() };
        Channel::new(&self.address.to_string(), options).unwrap()
    }

    /// Shuts down and waits until the server has ended.
    pub fn stop(&mut self) {
        self.handle.shut_down();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.handle.shut_down();
    }
}

/// Runs a test over both protocols.
pub fn both(story: impl Fn(Protocol)) {
    for protocol in [Protocol::Native, Protocol::Grpc] {
        eprintln!("over {protocol:?}");
        story(protocol);
    }
}

pub fn within(timeout: Duration) -> CallOptions {
    CallOptions { timeout: Some(timeout), ..CallOptions::default() }
}

/// Polls until `condition` holds; fails the test when it does not in time.
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    poll_until(what, LONG, condition);
}

/// The calling thread's folder in `/proc`.
pub fn thread_folder() -> PathBuf {
    Path::new("/proc").join(std::fs::read_link("/proc/thread-self").unwrap())
}

/// Whether the thread with this [`thread_folder`] sleeps (proc(5): state S).
pub fn is_asleep(thread: &Path) -> bool {
    let stat = std::fs::read_to_string(thread.join("stat")).unwrap();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('S'))
}

fn services(seen: &Arc<Seen>) -> Services {
    let mut services = Services::new();
    services.unary(ECHO, |_, message, response| {
        response.extend_from_slice(message);
        Ok(())
    });
    services.unary(BIG, |_, _, response| {
        response.resize(response.len() + 1024 * 1024, 7);
        Ok(())
    });
    services.unary(FAIL, |_, message, response| {
        response.extend_from_slice(b"never sent");
        let mut status = Status::new(Code::Aborted, String::from_utf8_lossy(message));
        status.metadata.insert("grpc-status-details-bin", b"\x00rich\xff").unwrap();
        Err(status)
    });
    services.deferred(LATER, |_, message, reply| {
        let message = message.to_vec();
        std::thread::spawn(move || reply.send(Ok(message)));
    });
    services.deferrable(EITHER, |_, message, answer| match message {
        b"now" => Ok(answer.now(|response| response.extend_from_slice(message))),
        b"refuse" => Err(Status::new(Code::Aborted, "as asked")),
        b"later" => {
            let (message, (reply, answered)) = (message.to_vec(), answer.later()?);
            std::thread::spawn(move || reply.send(Ok(message)));
            Ok(answered)
        }
        _ => answer.later().map(|(_, answered)| answered),
    });
    services.streaming(NEVER, Shape::Unary, {
        let seen = Arc::clone(seen);
        move |_, _| {
            seen.begun.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(Silent { seen: Arc::clone(&seen) }))
        }
    });
    services.blocking(COUNT, Shape::ServerStreaming, |call| {
        let up_to = call.receive()?.map_or(0, |message| message.len());
        for n in 1..=up_to {
            call.send(vec![b'.'; n])?;
        }
        Ok(())
    });
    services.blocking(SUM, Shape::ClientStreaming, |call| {
        let mut sum = 0;
        while let Some(message) = call.receive()? {
            sum += message.len();
        }
        call.send(sum.to_string().into_bytes())
    });
    services.streaming(CHAT, Shape::Bidirectional, |_, responder| Ok(Box::new(Chat { responder })));
    services.blocking(FLOOD, Shape::ServerStreaming, {
        let seen = Arc::clone(seen);
        move |call| {
            for n in 0..1024_u32 {
                let mut message = vec![0; 64 * 1024];
                message[..4].copy_from_slice(&n.to_be_bytes());
                call.send(message)?;
                seen.most_queued.fetch_max(call.queued(), Ordering::Relaxed);
            }
            Ok(())
        }
    });
    services.blocking(STUBBORN, Shape::Unary, {
        let seen = Arc::clone(seen);
        move |_| {
            eventually("it is released", || seen.released.load(Ordering::Relaxed));
            Ok(())
        }
    });
    services.blocking(PANIC, Shape::Unary, |_| panic!("on purpose"));
    let thread = || format!("{:?}", std::thread::current().id()).into_bytes();
    services.unary(WHERE, move |_, _, response| {
        response.extend_from_slice(&thread());
        Ok(())
    });
    let is_short = |request: &[u8]| [&b"brief"[..], b"panic"].contains(&request);
    let seen = Arc::clone(seen);
    services.blocking_unless_short(MAYBE_SHORT, is_short, move |call| {
        assert_ne!(call.receive()?.as_deref(), Some(&b"panic"[..]), "on purpose");
        let seen = Arc::clone(&seen);
        call.after_finish(move || *seen.afterwards.lock().unwrap() = thread());
        call.send(thread())
    });
    services.blocking(METADATA, Shape::Unary, |call| {
        let mut echoed = Metadata::new();
        for (name, value) in call.context().metadata.iter() {
            let name = std::str::from_utf8(name).unwrap();
            if name.starts_with("x-") {
                echoed.insert(name, value).unwrap();
            }
        }
        call.send_headers(echoed.clone());
        call.set_trailers(echoed);
        call.send(Vec::new())
    });
    services.keep_metadata(METADATA);
    services
}

/// Answers every message with itself, and ends when the client does.
struct Chat {
    responder: Responder,
}

impl CallHandler for Chat {
    fn message(&mut self, message: &[u8]) {
        self.responder.send(message.to_vec());
    }

    fn half_close(&mut self) {
        self.responder.finish(Status::OK);
    }

    fn cancelled(&mut self, _: &Status) {}
}

/// Never answers, and counts the cancelled calls.
struct Silent {
    seen: Arc<Seen>,
}

impl CallHandler for Silent {
    fn message(&mut self, _: &[u8]) {}

    fn cancelled(&mut self, _: &Status) {
        self.seen.cancelled.fetch_add(1, Ordering::Relaxed);
    }
}
