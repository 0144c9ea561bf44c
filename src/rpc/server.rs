//! The server: one thread that owns a listener and all its connections.
//!
//! A turn of its loop: wait for readiness; accept; let every connection that can run have its turn
//! (read, handle, collect answers); do what handles asked for; write; look after timers. Nothing in
//! it blocks but the wait.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::backlog::Backlog;
use super::connection::{Connection, Turn};
use super::dispatch::{Batch, Shared};
use super::outbox::{ConnectionId, Letter, Outbox};
use super::reactor::{Listener, Poller, Readiness, Waker};
use super::service::Services;
use super::slots::Slots;
use super::socket::Socket;
use super::tls::ServerTls;
use super::workers::Workers;
use crate::call::Limits;
use crate::session::{Compat, ServerSession};

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// What a peer may make us spend.
    pub limits: Limits,
    /// Which protocols are spoken.
    pub compat: Compat,
    /// With what connections go on that begin as TLS; without it they are refused.
    pub tls: Option<ServerTls>,
    /// Connections at once; one more is accepted and closed.
    pub max_connections: usize,
    /// Threads for blocking handlers, made as needed.
    pub max_worker_threads: usize,
    /// Calls of blocking handlers that may wait for a thread; one more is RESOURCE_EXHAUSTED.
    pub max_waiting_jobs: usize,
    /// Bytes of answers that clients have not read, over all connections: beyond it, a client that
    /// leaves much unread gets RESOURCE_EXHAUSTED.
    pub max_unread_bytes: usize,
    /// How long a shutdown waits for open calls.
    pub shutdown_grace: Duration,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            limits: Limits::DEFAULT,
            compat: Compat::Both,
            tls: None,
            max_connections: 1024,
            max_worker_threads: 512,
            max_waiting_jobs: 1024,
            max_unread_bytes: 256 * 1024 * 1024,
            shutdown_grace: Duration::from_secs(10),
        }
    }
}

/// A server that is bound to its port. [`run`](Server::run) serves until it is shut down.
pub struct Server {
    options: ServerOptions,
    poller: Poller,
    listener: Option<Listener>,
    local_addr: SocketAddr,
    shared: Shared,
    stop: Arc<AtomicBool>,
    started: Instant,
    connections: Slots<Connection>,
    to_run: VecDeque<ConnectionId>,
    to_flush: Vec<ConnectionId>,
    timers: BinaryHeap<Reverse<(Duration, u64)>>,
    accept_again: Option<Duration>,
    drain_until: Option<Duration>,
    work: Workspace,
}

/// Memory that every turn uses anew.
struct Workspace {
    buffer: Vec<u8>,
    batch: Batch,
    letters: Vec<Letter>,
    readiness: Vec<Readiness>,
}

/// Stops a [`Server`] from any thread.
#[derive(Clone)]
pub struct ServerHandle {
    stop: Arc<AtomicBool>,
    waker: Waker,
}

impl ServerHandle {
    /// Shuts the server down gracefully: no new connections or calls, open calls go on to their
    /// end or until the grace is over, then [`Server::run`] returns.
    pub fn shut_down(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}

const LISTENER_KEY: u64 = u64::MAX - 1;
const READ_BUFFER_BYTES: usize = 64 * 1024;
/// How long accepting rests when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

impl Server {
    /// Binds `address` (port 0 picks a free one) and begins to listen.
    ///
    /// # Errors
    /// The operating system's: the address is in use, or not ours.
    pub fn bind(
        address: SocketAddr,
        services: Services,
        mut options: ServerOptions,
    ) -> io::Result<Server> {
        options.tls = options.tls.map(|tls| tls.speaking(options.compat));
        let poller = Poller::new()?;
        let mut listener = Listener::bind(address)?;
        poller.add_listener(&mut listener, LISTENER_KEY)?;
        let local_addr = listener.local_addr()?;
        let outbox = Arc::new(Outbox::new(poller.waker()));
        let shared = Shared {
            services,
            outbox,
            workers: Workers::new(options.max_worker_threads, options.max_waiting_jobs),
            backlog: Backlog::new(options.max_unread_bytes),
            max_running_handlers: options.limits.max_concurrent_calls as usize,
            send_high_water_bytes: options.limits.send_high_water_bytes,
            send_low_water_bytes: options.limits.send_low_water_bytes,
        };
        let work = Workspace {
            buffer: vec![0; READ_BUFFER_BYTES],
            batch: Batch::default(),
            letters: Vec::new(),
            readiness: Vec::new(),
        };
        Ok(Server {
            options,
            poller,
            listener: Some(listener),
            local_addr,
            shared,
            stop: Arc::default(),
            started: Instant::now(),
            connections: Slots::new(),
            to_run: VecDeque::new(),
            to_flush: Vec::new(),
            timers: BinaryHeap::new(),
            accept_again: None,
            drain_until: None,
            work,
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What stops it from another thread.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle { stop: Arc::clone(&self.stop), waker: self.poller.waker() }
    }

    /// Serves until a [`ServerHandle`] shuts it down and what was in flight has ended.
    ///
    /// # Errors
    /// The operating system's, when waiting for sockets fails.
    pub fn run(mut self) -> io::Result<()> {
        loop {
            let now = self.wait()?;
            if self.stop.load(Ordering::SeqCst) {
                self.begin_shutdown(now);
            }
            self.run_connections(now);
            self.deliver_letters();
            self.expire_timers(now);
            self.flush_connections(now);
            // Asked before the next wait: the last connection's end is not followed by an event.
            if self.drain_until.is_some_and(|until| now >= until || self.is_drained()) {
                self.close_connections(now);
                return Ok(());
            }
        }
    }

    /// Sleeps until there is something to do. Returns the time since the start.
    fn wait(&mut self) -> io::Result<Duration> {
        let timeout = if self.to_run.is_empty() {
            let next = self.timers.peek().map(|Reverse((due, _))| *due);
            let due = [next, self.accept_again, self.drain_until].into_iter().flatten().min();
            due.map(|due| due.saturating_sub(self.started.elapsed()))
        } else {
            Some(Duration::ZERO)
        };
        let Server { poller, shared, stop, drain_until, work, .. } = self;
        poller.wait(timeout, &mut work.readiness, || {
            !shared.outbox.is_empty() || (drain_until.is_none() && stop.load(Ordering::SeqCst))
        })?;
        let now = self.started.elapsed();
        let mut readiness = mem::take(&mut self.work.readiness);
        for ready in readiness.drain(..) {
            if ready.key == LISTENER_KEY {
                self.accept(now);
            } else {
                self.note(ready);
            }
        }
        self.work.readiness = readiness;
        if self.accept_again.is_some_and(|due| now >= due) {
            self.accept(now);
        }
        Ok(now)
    }

    fn note(&mut self, ready: Readiness) {
        let id = ConnectionId::from_key(ready.key);
        let Some(connection) = self.connections.get_mut(id) else { return };
        if ready.readable {
            connection.set_readable(ready.ended);
        }
        self.schedule(id, ready.writable);
    }

    /// Puts a connection on the lists that it belongs on.
    fn schedule(&mut self, id: ConnectionId, flush: bool) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        if !connection.to_run && connection.is_runnable() {
            connection.to_run = true;
            self.to_run.push_back(id);
        }
        if !connection.to_flush && flush {
            connection.to_flush = true;
            self.to_flush.push(id);
        }
    }

    /// Accepts every connection that waits.
    fn accept(&mut self, now: Duration) {
        self.accept_again = None;
        loop {
            let Some(listener) = &self.listener else { return };
            let (mut stream, peer) = match listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error)
                    if matches!(
                        error.kind(),
                        ErrorKind::Interrupted
                            | ErrorKind::ConnectionAborted
                            | ErrorKind::ConnectionReset
                            | ErrorKind::InvalidInput
                    ) =>
                {
                    continue;
                }
                Err(error) => {
                    log::warn!("accepting a connection: {error}");
                    self.accept_again = Some(now + ACCEPT_PAUSE);
                    return;
                }
            };
            if self.connections.len() >= self.options.max_connections {
                log::warn!("{peer}: refused, {} connections are open", self.connections.len());
                continue;
            }
            let id = self.connections.next_id();
            if let Err(error) = self.poller.add_stream(&mut stream, id.key()) {
                log::warn!("{peer}: {error}");
                continue;
            }
            let session = ServerSession::new(&self.options.limits, self.options.compat, now);
            self.connections.insert(Connection::new(id, peer, Socket::new(stream), session));
            // Its first bytes are often here already: no need to wait for their event.
            self.schedule(id, true);
        }
    }

    /// Gives every connection that can run one turn.
    fn run_connections(&mut self, now: Duration) {
        for _ in 0..self.to_run.len() {
            let Some(id) = self.to_run.pop_front() else { return };
            self.with_connection(id, now, |connection, turn| {
                connection.to_run = false;
                connection.run(turn);
            });
            self.schedule(id, true);
        }
    }

    /// Does what handles asked for since the last turn.
    fn deliver_letters(&mut self) {
        let mut letters = mem::take(&mut self.work.letters);
        self.shared.outbox.take(&mut letters);
        for Letter { connection: id, call, action } in letters.drain(..) {
            if let Some(connection) = self.connections.get_mut(id) {
                connection.act(call, action, &self.shared);
                self.schedule(id, true);
            }
        }
        self.work.letters = letters;
    }

    fn flush_connections(&mut self, now: Duration) {
        let mut to_flush = mem::take(&mut self.to_flush);
        for id in to_flush.drain(..) {
            self.with_connection(id, now, |connection, turn| {
                connection.to_flush = false;
                connection.flush(turn);
            });
            match self.connections.get_mut(id) {
                Some(connection) if connection.is_gone() => self.connections.remove(id),
                Some(_) => {
                    self.arm(id);
                    // Room in the output may let it read again.
                    self.schedule(id, false);
                }
                None => (),
            }
        }
        self.to_flush = to_flush;
    }

    /// Sets the server's timer for a connection, unless one that is early enough is set: most
    /// timeouts move later with every byte, and are looked at when the old time has come.
    fn arm(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let due = connection.next_timeout();
        if connection.armed.is_none_or(|armed| due < armed) {
            connection.armed = Some(due);
            self.timers.push(Reverse((due, id.key())));
        }
    }

    fn expire_timers(&mut self, now: Duration) {
        while let Some(&Reverse((due, key))) = self.timers.peek()
            && due <= now
        {
            self.timers.pop();
            let id = ConnectionId::from_key(key);
            self.with_connection(id, now, |connection, turn| {
                if connection.armed == Some(due) {
                    connection.armed = None;
                    connection.handle_timeout(turn);
                }
            });
            self.schedule(id, true);
        }
    }

    fn with_connection(
        &mut self,
        id: ConnectionId,
        now: Duration,
        act: impl FnOnce(&mut Connection, &mut Turn<'_>),
    ) {
        let Some(connection) = self.connections.get_mut(id) else { return };
        let mut turn = Turn {
            shared: &self.shared,
            tls: self.options.tls.as_ref(),
            buffer: &mut self.work.buffer,
            batch: &mut self.work.batch,
            now,
            instant: self.started + now,
        };
        act(connection, &mut turn);
    }

    /// Stops listening and tells every client, once.
    fn begin_shutdown(&mut self, now: Duration) {
        if self.drain_until.is_some() {
            return;
        }
        self.drain_until = Some(now + self.options.shutdown_grace);
        self.listener = None;
        self.shared.services.shutting_down();
        for id in self.connections.ids() {
            if let Some(connection) = self.connections.get_mut(id) {
                connection.go_away(now);
            }
            self.schedule(id, true);
        }
    }

    /// Whether no connection has anything left to say. Those that only wait for their peer to
    /// close as well do not hold the server up.
    fn is_drained(&mut self) -> bool {
        let ids = self.connections.ids();
        ids.into_iter().all(|id| self.connections.get_mut(id).is_none_or(|c| c.has_said_all()))
    }

    /// The grace is over: what is still open ends now.
    fn close_connections(&mut self, now: Duration) {
        for id in self.connections.ids() {
            self.with_connection(id, now, Connection::close);
        }
    }
}
