//! A task on a server's event loop, beside its connections.
//!
//! Handlers answer calls. An [`EventLoopTask`] is the state that they answer from when that state
//! has timers, peers, or work on another thread to wait for. The event loop polls it after every
//! wake-up:
//!
//! ```text
//!   wait for readiness, a timer, a waker
//!     -> connections read, handlers run       (calls are answered, or a Reply is kept)
//!     -> peer streams read                       (the task is told)
//!     -> the task is polled                   (with all that came since the last poll)
//!     -> answers are delivered, output is written
//! ```
//!
//! Handlers and the task run on one thread. They share state through an `Arc<Mutex<_>>` that no
//! other thread locks, so that locking costs some nanoseconds. No handler runs while the task is
//! polled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::connections::Connections;
use super::outbound::Reply;
use super::peer_streams::{PeerStreamEvent, PeerStreamId, PeerStreams};
use super::reactor::Waker;
use crate::call::Status;

/// Something that lives on a server's thread; see [`super::Server::attach`]. Nothing in it may
/// block.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::time::Instant;
///
/// use agora::rpc::{Reactor, Reply, EventLoopTask, Server, ServerOptions, Services};
///
/// /// Answers every call with the number of calls that arrived together.
/// struct Counter {
///     waiting: Arc<Mutex<Vec<Reply>>>,
/// }
///
/// impl EventLoopTask for Counter {
///     fn poll(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant> {
///         let mut waiting = self.waiting.lock().unwrap();
///         let count = waiting.len().to_string();
///         for reply in waiting.drain(..) {
///             reactor.answer(reply, Ok(count.as_bytes()));
///         }
///         None
///     }
/// }
///
/// let waiting = Arc::<Mutex<Vec<Reply>>>::default();
/// let mut services = Services::new();
/// services.deferred("/example.Counter/Count", {
///     let waiting = Arc::clone(&waiting);
///     move |_, _, reply| waiting.lock().unwrap().push(reply)
/// });
/// let mut server = Server::bind("127.0.0.1:0".parse()?, services, ServerOptions::default())?;
/// server.attach(Counter { waiting });
/// // server.run()? serves until it is shut down.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait EventLoopTask: Send {
    /// Polls the task: after all connections that could run have run, and before output is written.
    /// It is called when anything has happened on the server, when the time that it returned last
    /// has come, and after a [`TaskWaker`] was used. So there may be nothing to do.
    ///
    /// Returns when to poll again if nothing else happens. That poll comes within a millisecond
    /// after that time, and not before it.
    fn poll(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant>;

    /// Something happened on one of the task's [peer streams](Reactor::peer_streams). A poll
    /// follows soon.
    fn handle_stream_event(&mut self, _: PeerStreamId, _: PeerStreamEvent<'_>) {}

    /// The server begins to shut down. The task is polled until [`is_finished`](Self::is_finished),
    /// or until the server's grace period is over.
    fn shut_down(&mut self, _: &mut Reactor<'_>) {}

    /// Whether a server that shuts down may end without waiting for this task.
    fn is_finished(&self) -> bool {
        true
    }
}

/// What a task can do while it is polled.
pub struct Reactor<'a> {
    pub(super) connections: &'a mut Connections,
    pub(super) peer_streams: &'a mut PeerStreams,
    pub(super) now: Instant,
}

impl Reactor<'_> {
    /// The current time: read after all input that the handlers have seen, and before any output of
    /// this turn is written.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Answers a call, as [`Reply::send`] does, but directly: the answer is copied once and no
    /// thread is woken.
    pub fn answer(&mut self, reply: Reply, answer: Result<&[u8], Status>) {
        self.connections.answer(reply, answer);
    }

    /// The calls that the task keeps open to other servers.
    pub fn peer_streams(&mut self) -> &mut PeerStreams {
        self.peer_streams
    }
}

/// Has a server's task polled soon, from any thread. While the server's thread is awake this costs
/// no system call. Clones wake the same task.
#[derive(Clone)]
pub struct TaskWaker {
    called: Arc<AtomicBool>,
    waker: Waker,
}

impl TaskWaker {
    pub(super) fn new(waker: Waker) -> TaskWaker {
        TaskWaker { called: Arc::default(), waker }
    }

    /// Has the task polled after this moment. Whatever the poll is to find must be in place before
    /// this call.
    pub fn wake(&self) {
        self.called.store(true, Ordering::SeqCst);
        self.waker.wake();
    }

    /// Whether [`wake`](Self::wake) was called since the last [`take`](Self::take).
    pub(super) fn is_called(&self) -> bool {
        self.called.load(Ordering::SeqCst)
    }

    /// Forgets the calls so far: a poll begins.
    pub(super) fn take(&self) {
        self.called.store(false, Ordering::SeqCst);
    }
}
