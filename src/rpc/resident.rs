//! What lives on a server's thread beside its connections.
//!
//! Handlers answer calls. A [`Resident`] is what they answer about when that has a life of its
//! own: timers, peers, another thread's work to wait for. The reactor gives it a turn whenever it
//! has been awake:
//!
//! ```text
//!   wait for readiness, a timer, a waker
//!     -> connections read, handlers run          (calls are answered, or leave a Reply behind)
//!     -> uplinks read                            (the resident is told)
//!     -> the resident's turn                     (all that came since its last one, at once)
//!     -> answers are delivered, output is written
//! ```
//!
//! Handlers and resident run on one thread. What they share stands behind an `Arc<Mutex<_>>` that
//! nobody else locks, so that taking it costs some nanoseconds; no handler runs during a
//! resident's turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use super::connections::Connections;
use super::outbox::Reply;
use super::reactor::Waker;
use super::uplinks::{UplinkEvent, UplinkId, Uplinks};
use crate::call::Status;

/// Something that lives on a server's thread; see [`super::Server::set_resident`]. Nothing in it
/// may block.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use std::time::Instant;
///
/// use agora::rpc::{Reactor, Reply, Resident, Server, ServerOptions, Services};
///
/// /// Tells everybody how many have asked together.
/// struct Counter {
///     waiting: Arc<Mutex<Vec<Reply>>>,
/// }
///
/// impl Resident for Counter {
///     fn turn(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant> {
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
/// server.set_resident(Counter { waiting });
/// // server.run()? serves until it is shut down.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Resident: Send {
    /// Its turn: after all connections that could run have run, and before what is to be written
    /// is written. It comes when anything has happened on the server, when the resident's own time
    /// has come, and after a [`ResidentWaker`] was used; so it may come with nothing to do.
    ///
    /// Returns when the next turn is due if nothing else happens. It comes within a millisecond
    /// after that time, and not before it.
    fn turn(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant>;

    /// Something happened on one of the resident's [uplinks](Reactor::uplinks). A turn follows soon.
    fn uplink(&mut self, _: UplinkId, _: UplinkEvent<'_>) {}

    /// The server begins to shut down. Turns go on until [`is_finished`](Self::is_finished), or
    /// until the server's grace is over.
    fn shut_down(&mut self, _: &mut Reactor<'_>) {}

    /// Whether a server that shuts down need not wait for it any longer.
    fn is_finished(&self) -> bool {
        true
    }
}

/// What a resident can do during its turn.
pub struct Reactor<'a> {
    pub(super) connections: &'a mut Connections,
    pub(super) uplinks: &'a mut Uplinks,
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

    /// The calls that the resident keeps up to other servers.
    pub fn uplinks(&mut self) -> &mut Uplinks {
        self.uplinks
    }
}

/// Gives a server's resident a turn soon, from any thread. While the server's thread is awake this
/// costs no system call. Clones wake the same resident.
#[derive(Clone)]
pub struct ResidentWaker {
    called: Arc<AtomicBool>,
    waker: Waker,
}

impl ResidentWaker {
    pub(super) fn new(waker: Waker) -> ResidentWaker {
        ResidentWaker { called: Arc::default(), waker }
    }

    /// Has a turn begin after this moment. What the resident is to find must be in place before.
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
