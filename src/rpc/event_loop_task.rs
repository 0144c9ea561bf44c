//! What lives on a server's thread beside its connections.
//!
//! Handlers answer calls. An [`EventLoopTask`] is what they answer about when that has a life of its
//! own: timers, peers, another thread's work to wait for. The reactor gives it a turn whenever it
//! has been awake:
//!
//! ```text
//!   wait for readiness, a timer, a waker
//!     -> connections read, handlers run          (calls are answered, or leave a Reply behind)
//!     -> peer streams read                            (the task is told)
//!     -> the task's turn                     (all that came since its last one, at once)
//!     -> answers are delivered, output is written
//! ```
//!
//! Handlers and task run on one thread. What they share stands behind an `Arc<Mutex<_>>` that
//! nobody else locks, so that taking it costs some nanoseconds; no handler runs during a
//! task's turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::connections::Connections;
use super::outbound::Reply;
use super::peer_streams::{PeerStreamEvent, PeerStreamId, PeerStreams};
use super::reactor::Waker;
use crate::call::Status;

/// Something that lives on a server's thread; see [`super::Server::attach`]. Nothing in it
/// may block.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::time::Instant;
///
/// use agora::rpc::{Reactor, Reply, EventLoopTask, Server, ServerOptions, Services};
///
/// /// Tells everybody how many have asked together.
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
    /// Its turn: after all connections that could run have run, and before what is to be written
    /// is written. It comes when anything has happened on the server, when the task's own time
    /// has come, and after a [`TaskWaker`] was used; so it may come with nothing to do.
    ///
    /// Returns when the next turn is due if nothing else happens. It comes within a millisecond
    /// after that time, and not before it.
    fn poll(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant>;

    /// Something happened on one of the task's [peer streams](Reactor::peer_streams). A turn follows soon.
    fn handle_stream_event(&mut self, _: PeerStreamId, _: PeerStreamEvent<'_>) {}

    /// The server begins to shut down. Turns go on until [`is_finished`](Self::is_finished), or
    /// until the server's grace is over.
    fn shut_down(&mut self, _: &mut Reactor<'_>) {}

    /// Whether a server that shuts down need not wait for it any longer.
    fn is_finished(&self) -> bool {
        true
    }
}

/// What a task can do during its turn.
pub struct Reactor<'a> {
    pub(super) connections: &'a mut Connections,
    pub(super) peer_streams: &'a mut PeerStreams,
    pub(super) now: Instant,
}

impl Reactor<'_> {
    /// The time, sampled after all that the handlers have seen was read, and before anything that
    /// is sent in this turn is written.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Answers a call, as [`Reply::send`] does, without a detour: nothing is copied but once, and
    /// nobody is woken.
    pub fn answer(&mut self, reply: Reply, answer: Result<&[u8], Status>) {
        self.connections.answer(reply, answer);
    }

    /// The calls that the task keeps up to other servers.
    pub fn peer_streams(&mut self) -> &mut PeerStreams {
        self.peer_streams
    }
}

/// Gives a server's task a turn soon, from any thread. While the server's thread is awake this
/// costs no system call. Clones wake the same task.
#[derive(Clone)]
pub struct TaskWaker {
    called: Arc<AtomicBool>,
    waker: Waker,
}

impl TaskWaker {
    pub(super) fn new(waker: Waker) -> TaskWaker {
        TaskWaker { called: Arc::default(), waker }
    }

    /// Has a turn begin after this moment. What the task is to find must be in place before.
    pub fn wake(&self) {
        self.called.store(true, Ordering::SeqCst);
        self.waker.wake();
    }

    /// Whether it was called since the last [`take`](Self::take).
    pub(super) fn is_called(&self) -> bool {
        self.called.load(Ordering::SeqCst)
    }

    /// A turn begins.
    pub(super) fn take(&self) {
        self.called.store(false, Ordering::SeqCst);
    }
}
