//! The server: one thread that owns a listener and all its connections.
//!
//! One turn of the event loop: wait for readiness; accept; run every connection that can run (read,
//! handle, collect answers); poll the event-loop task; carry out actions of handles; handle timers;
//! write; run the short handlers of the worker pool. Only the wait blocks.

use std::cell::RefCell;
use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::addresses::Addresses;
use super::byte_budget::ByteBudget;
use super::calls::Calls;
use super::connection::Connection;
use super::connection_limiter::{ConnectionLimiter, ConnectionSlot};
use super::connections::Connections;
use super::dispatch::Shared;
use super::event_loop_task::{EventLoopTask, Reactor, TaskWaker};
use super::holders::Holders;
use super::listeners::{Listeners, Port};
use super::metrics::{Recorder, ServerMetrics};
use super::names::Resolver;
use super::notices::Notices;
use super::outbound::{OutboundAction, OutboundQueue};
use super::peer_streams::PeerStreams;
use super::random::random_number;
use super::reactor::{Poller, Readiness, Stream, Waker};
use super::refusals::{Refusal, Refusals};
use super::service::Services;
use super::site_clock::SiteClock;
use super::socket::Socket;
use super::system::Descriptors;
use super::tls::ServerTls;
use super::usage::{Usage, UsageBounds};
use super::workers::Workers;
use crate::call::{Limits, Principal};
use crate::exchange::{Hosts, Origins, Site};
use crate::session::{Compat, ServerSession};

/// The configuration of a server.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Limits on what a client can make the server spend.
    pub limits: Limits,
    /// Which protocols are accepted.
    pub compat: Compat,
    /// The configuration for connections that start with TLS; without it they are refused.
    pub tls: Option<ServerTls>,
    /// Whether methods demand roles of their callers ([`Services::set_access`]). The roles come from
    /// client certificates. Without it every caller may call every method.
    pub enforce_roles: bool,
    /// Connections at once, beside [reserved](Services::reserve) ones. For a further one the server
    /// closes the connection that is idle for the longest time; if none is idle it refuses the new
    /// one. Fewer if the descriptor limit of the process is too low.
    pub max_connections: usize,
    /// Connections from one address (an IPv6 address counts as its /64), and with one client
    /// certificate from all addresses, unless it is a node's; a further one is refused. `None`: 256,
    /// and no bound for loopback.
    pub max_connections_per_address: Option<usize>,
    /// Calls of one address, and with one certificate, that occupy a worker thread or a stream; a
    /// further one ends with RESOURCE_EXHAUSTED. `None`: 256, and no bound for loopback.
    pub max_calls_per_address: Option<usize>,
    /// Addresses on which peers alone call: there the server serves nothing but
    /// [reserved](Services::reserve) methods and health, and reserved methods nowhere else. Empty: peers and
    /// clients call at the same addresses.
    pub peer_addresses: Vec<SocketAddr>,
    /// Threads for blocking handlers, started as needed.
    pub max_worker_threads: usize,
    /// Calls of blocking handlers that may wait for a thread; a further one ends with
    /// RESOURCE_EXHAUSTED.
    pub max_waiting_jobs: usize,
    /// Bytes of answers that clients have not read, over all connections. Beyond it, calls of
    /// clients with much unread data end with RESOURCE_EXHAUSTED.
    pub max_unread_bytes: usize,
    /// Received bytes that wait, over all connections: for the rest of their message, or for their
    /// handler, including metadata that is kept. Beyond it, calls of clients with much waiting data
    /// end with RESOURCE_EXHAUSTED. Beyond half of it, a message without progress ends its call
    /// after [`Limits::unfinished_message_timeout`].
    pub max_received_bytes: usize,
    /// How long a shutdown waits for open calls.
    pub shutdown_grace: Duration,
    /// How long calls may stay open on connections that were made before certificates were renewed.
    /// Such a connection accepts no new calls.
    pub renewal_grace: Duration,
    /// How the names of peer streams' targets are looked up.
    pub resolver: Resolver,
    /// Counts the calls and connections of this one server.
    pub metrics: Option<Arc<ServerMetrics>>,
    /// The origins whose pages browsers may let read responses.
    pub allowed_origins: Origins,
    /// The host names by which browsers may reach the server in the clear, beside those of
    /// `allowed_origins`, `localhost` and IP addresses.
    pub known_hosts: Hosts,
    /// Whether a line is logged for each call, with the target `agora::access`.
    pub access_log: bool,
    /// Where lines about refused connections are shown beside the log.
    pub notices: Notices,
}

impl Default for ServerOptions {
    fn default() -> ServerOptions {
        ServerOptions {
            limits: Limits::DEFAULT,
            compat: Compat::Both,
            tls: None,
            enforce_roles: false,
            max_connections: 1024,
            max_connections_per_address: None,
            max_calls_per_address: None,
            peer_addresses: Vec::new(),
            max_worker_threads: 512,
            max_waiting_jobs: 1024,
            max_unread_bytes: 256 * 1024 * 1024,
            max_received_bytes: 256 * 1024 * 1024,
            shutdown_grace: Duration::from_secs(10),
            renewal_grace: Duration::from_secs(60),
            resolver: Resolver::default(),
            metrics: None,
            allowed_origins: Origins::Own,
            known_hosts: Hosts::default(),
            access_log: false,
            notices: Notices::default(),
        }
    }
}

/// A server that is bound to its port. [`run`](Server::run) serves until the shutdown.
pub struct Server {
    options: ServerOptions,
    poller: Poller,
    listeners: Listeners,
    stop: Arc<AtomicBool>,
    started: Instant,
    clock: SiteClock,
    connections: Connections,
    task: Option<Box<dyn EventLoopTask>>,
    task_due: Option<Duration>,
    task_waker: TaskWaker,
    peer_streams: PeerStreams,
    descriptors: Descriptors,
    addresses: Addresses,
    refusals: Refusals,
    accept_again: Option<Duration>,
    drain_until: Option<Duration>,
    /// The generation of the certificates that the last turn has seen.
    tls_generation: u64,
    /// Buffers that every turn reuses.
    actions: Vec<OutboundAction>,
    readiness: Vec<Readiness>,
}

/// Stops a [`Server`] from any thread.
#[derive(Clone)]
pub struct ServerHandle {
    stop: Arc<AtomicBool>,
    waker: Waker,
}

impl ServerHandle {
    /// Shuts the server down gracefully: it accepts no new connections or calls, open calls go on
    /// until they end or the grace period is over, then [`Server::run`] returns.
    pub fn shut_down(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.waker.wake();
    }
}

/// What one connection may leave unread when the budget of unsent bytes is exhausted.
const UNREAD_SHARE_BYTES: usize = 1024 * 1024;
/// What may wait for one connection when the budget of received bytes is exhausted.
const RECEIVED_SHARE_BYTES: usize = 256 * 1024;
/// How long the server pauses accepting when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A limiter with as many slots as configured, or as there are descriptors for.
fn connection_limiter(
    options: &ServerOptions,
    services: &Services,
    descriptors: Descriptors,
) -> ConnectionLimiter {
    let reserved = services.reserved_connections();
    let beside = ConnectionLimiter::max_beside_clients(reserved);
    let available = descriptors.for_connections().saturating_sub(beside).max(1);
    if options.max_connections > available {
        log::warn!(
            "at most {available} connections are accepted at once, not {}: the descriptor limit is \
             too low (see `ulimit -n`), and files need some",
            options.max_connections
        );
    }
    ConnectionLimiter::new(options.max_connections.min(available), reserved)
}

impl Server {
    /// Binds `address` (port 0 picks a free one) and starts to listen.
    ///
    /// # Errors
    /// The operating system's: the address is in use, or not of this machine.
    pub fn bind(
        address: SocketAddr,
        services: Services,
        options: ServerOptions,
    ) -> io::Result<Server> {
        Server::bind_all(&[address], services, options)
    }

    /// As [`bind`](Self::bind), for several addresses, 64 at most. An address that this machine
    /// does not have is skipped with a warning, if there is another one. Port 0 picks one free port
    /// for all.
    ///
    /// # Errors
    /// The operating system's: no address is of this machine, or one of them is in use.
    pub fn bind_all(
        addresses: &[SocketAddr],
        services: Services,
        mut options: ServerOptions,
    ) -> io::Result<Server> {
        options.tls = options.tls.map(|tls| tls.with_compat(options.compat));
        let poller = Poller::new()?;
        if let Some(tls) = &options.tls {
            tls.wake_on_change(poller.waker());
        }
        let listeners = Listeners::bind(addresses, &options.peer_addresses, &poller)?;
        let outbound = Arc::new(OutboundQueue::new(poller.waker(), options.max_unread_bytes / 2));
        let descriptors = Descriptors::now();
        let limiter = connection_limiter(&options, &services, descriptors);
        let bounds = UsageBounds {
            max_connections: options.max_connections_per_address,
            max_calls: options.max_calls_per_address,
        };
        let recorder = Recorder::new(options.metrics.clone(), options.access_log, &services);
        let shared = Shared {
            services,
            recorder,
            refused_calls: RefCell::default(),
            outbound,
            workers: Workers::new(options.max_worker_threads, options.max_waiting_jobs),
            unsent: ByteBudget::new(options.max_unread_bytes, UNREAD_SHARE_BYTES),
            received: ByteBudget::new(options.max_received_bytes, RECEIVED_SHARE_BYTES),
            limiter,
            holders: RefCell::new(Holders::new(bounds)),
            send_high_water_bytes: options.limits.send_high_water_bytes,
            send_low_water_bytes: options.limits.send_low_water_bytes,
            default_principal: Arc::new(match options.enforce_roles {
                true => Principal::Anonymous,
                false => Principal::Unchecked,
            }),
        };
        let started = Instant::now();
        let site = Site::new(options.allowed_origins.clone(), options.known_hosts.clone());
        let task_waker = TaskWaker::new(poller.waker());
        let resolver = options.resolver.clone();
        Ok(Server {
            peer_streams: PeerStreams::new(poller.registrar()?, resolver, task_waker.clone()),
            connections: Connections::new(shared, options.tls.clone(), started),
            task: None,
            task_due: None,
            task_waker,
            tls_generation: options.tls.as_ref().map_or(0, ServerTls::generation),
            clock: SiteClock::new(site),
            refusals: Refusals::new(options.notices.clone()),
            options,
            poller,
            listeners,
            stop: Arc::default(),
            started,
            descriptors,
            addresses: Addresses::new(bounds),
            accept_again: None,
            drain_until: None,
            actions: Vec::new(),
            readiness: Vec::new(),
        })
    }

    /// The first address that it listens on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addrs().first().copied().unwrap_or(SocketAddr::from(([0; 4], 0)))
    }

    /// All addresses that it listens on, without those for peers alone.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        self.listeners.local_addrs()
    }

    /// The addresses on which peers alone call, see [`ServerOptions::peer_addresses`].
    pub fn peer_addrs(&self) -> &[SocketAddr] {
        self.listeners.peer_addrs()
    }

    /// Pings a client that was silent for `interval` while it has open calls; closes its connection
    /// after `timeout` without an answer. Applies to connections that are accepted later.
    pub fn set_keepalive(&mut self, interval: Duration, timeout: Duration) {
        self.options.limits.keepalive_interval = interval;
        self.options.limits.keepalive_timeout = timeout;
    }

    /// A handle that stops it from another thread.
    pub fn handle(&self) -> ServerHandle {
        ServerHandle { stop: Arc::clone(&self.stop), waker: self.poller.waker() }
    }

    /// Attaches a task to the event loop: it is polled from the first turn of [`run`](Self::run)
    /// until `run` returns. A server has at most one; a second replaces the first.
    pub fn attach(&mut self, task: impl EventLoopTask + 'static) {
        self.task = Some(Box::new(task));
    }

    /// A handle that wakes the task from another thread.
    pub fn task_waker(&self) -> TaskWaker {
        self.task_waker.clone()
    }

    /// Serves until a [`ServerHandle`] shuts it down and the open calls have ended.
    ///
    /// # Errors
    /// The operating system's, when waiting for sockets fails.
    pub fn run(mut self) -> io::Result<()> {
        self.task_waker.wake();
        loop {
            let now = self.wait()?;
            if self.stop.load(Ordering::SeqCst) {
                self.begin_shutdown(now);
            }
            self.retire_old_certificates(now);
            self.connections.run(now);
            self.poll_task(now);
            self.deliver_actions(now);
            self.connections.expire(now);
            self.connections.flush(now);
            self.connections.shared.recorder.end_turn(|| self.started.elapsed());
            let refused_calls = self.connections.shared.refused_calls.take();
            if !refused_calls.is_empty() {
                self.refusals.record_calls(self.started + now, &refused_calls);
            }
            for (refusal, detail) in mem::take(&mut self.connections.refused) {
                self.record_refusal(now, refusal, detail);
            }
            self.flush_peer_streams(now);
            // Checked before the next wait: no event follows the end of the last connection.
            if let Some(until) = self.drain_until
                && (now >= until || self.is_drained())
            {
                self.connections.close(now);
                self.connections.shared.recorder.end_turn(|| self.started.elapsed());
                self.peer_streams.close(now);
                return Ok(());
            }
            // Last in the turn: everything received before is answered already.
            self.connections.shared.workers.run_short();
        }
    }

    /// Begins to end the connections of old certificates, after a renewal.
    fn retire_old_certificates(&mut self, now: Duration) {
        let Some(tls) = &self.options.tls else { return };
        let generation = tls.generation();
        if generation != self.tls_generation {
            self.tls_generation = generation;
            self.connections.retire(generation, now, self.options.renewal_grace);
        }
    }

    /// Waits until there is something to do. Returns the time since the start.
    fn wait(&mut self) -> io::Result<Duration> {
        let timeout = if self.connections.any_to_run() {
            Some(Duration::ZERO)
        } else {
            let next = [self.connections.next_timeout(), self.peer_streams.next_timeout()];
            let refusals = self.refusals.next_timeout().map(|due| due - self.started);
            let own = [self.task_due, self.accept_again, self.drain_until, refusals];
            let due = next.into_iter().chain(own).flatten().min();
            due.map(|due| due.saturating_sub(self.started.elapsed()))
        };
        let Server { poller, connections, task_waker, stop, drain_until, readiness, .. } = self;
        let outbound = &connections.shared.outbound;
        poller.wait(timeout, readiness, || {
            !outbound.is_empty()
                || task_waker.is_called()
                || (drain_until.is_none() && stop.load(Ordering::SeqCst))
        })?;
        let now = self.started.elapsed();
        self.connections.shared.recorder.begin_turn(now);
        self.clock.update(now);
        let mut readiness = mem::take(&mut self.readiness);
        for ready in readiness.drain(..) {
            if let Some(listener) = Listeners::index(ready.key) {
                self.accept(listener, now);
            } else if PeerStreams::owns(ready.key) {
                self.peer_streams.note(ready);
            } else {
                self.connections.note(ready);
            }
        }
        self.readiness = readiness;
        if self.accept_again.is_some_and(|due| now >= due) {
            self.accept_again = None;
            (0..self.listeners.count()).for_each(|listener| self.accept(listener, now));
        }
        self.refusals.log_counts(self.started + now);
        Ok(now)
    }

    /// Accepts all waiting connections of a listener.
    fn accept(&mut self, listener: usize, now: Duration) {
        loop {
            let Some((listener, port)) = self.listeners.get(listener) else { return };
            let (stream, peer) = match listener.accept() {
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
                    self.record_refusal(now, Refusal::NotAccepted, error);
                    self.accept_again = Some(now + ACCEPT_PAUSE);
                    return;
                }
            };
            if !self.descriptors.allows_connection_at(stream.descriptor()) {
                self.record_refusal(now, Refusal::NoDescriptor, peer);
                continue;
            }
            self.admit(stream, peer, port, now);
        }
    }

    /// Gives an accepted connection a slot, or refuses it.
    fn admit(&mut self, mut stream: Stream, peer: SocketAddr, port: Port, now: Duration) {
        let address = self.addresses.usage(peer.ip());
        let (slot, refusal) = match self.acquire_slot(&address, peer, port, now) {
            Ok(slot) => (slot, None),
            Err(refusal) => {
                self.record_refusal(now, refusal, peer);
                let limiter = &self.connections.shared.limiter;
                let Some(slot) = limiter.acquire_leaving(now) else { return };
                (slot, Some(refusal))
            }
        };
        let id = self.connections.next_id();
        if let Err(error) = self.poller.add_stream(&mut stream, id.key()) {
            self.connections.shared.limiter.release(slot, &address);
            return self.record_refusal(now, Refusal::NotPolled, error);
        }
        let limits = &self.options.limits;
        let site = &self.clock.site;
        let mut session = ServerSession::new(limits, self.options.compat, site, now);
        if limits.max_connection_age < Duration::MAX {
            session.end_at(now.saturating_add(jittered(limits.max_connection_age)));
        }
        let calls = Calls::new(slot, address, port, limits.max_concurrent_calls as usize);
        let principal = Arc::clone(&self.connections.shared.default_principal);
        let socket = Socket::new(stream);
        let mut connection = Connection::new(id, peer, principal, socket, session, calls);
        if let Some(refusal) = refusal {
            connection.refuse(refusal.for_client());
        }
        self.connections.shared.recorder.accepted();
        self.connections.insert(connection);
    }

    fn record_refusal(&mut self, now: Duration, refusal: Refusal, detail: impl Display) {
        self.connections.shared.recorder.refused(refusal);
        self.refusals.record(self.started + now, refusal, detail);
    }

    /// A slot for a new connection. If there is none, an idle client's connection is closed first.
    fn acquire_slot(
        &mut self,
        address: &Usage,
        peer: SocketAddr,
        port: Port,
        now: Duration,
    ) -> Result<ConnectionSlot, Refusal> {
        let mut acquired = self.connections.shared.limiter.acquire(address);
        if acquired == Err(Refusal::Full) && self.connections.make_room(now) {
            acquired = self.connections.shared.limiter.acquire(address);
        }
        let Err(refusal) = acquired else { return acquired };
        if port == Port::Clients {
            // No peer calls there.
            return acquired;
        }
        let waiting = self.connections.shared.limiter.acquire_waiting(now);
        waiting.map_or_else(|| self.displace_waiting(refusal, peer, now), Ok)
    }

    /// A slot for a connection that may be a peer's, in place of another that waits.
    fn displace_waiting(
        &mut self,
        refusal: Refusal,
        peer: SocketAddr,
        now: Duration,
    ) -> Result<ConnectionSlot, Refusal> {
        if !self.connections.drop_waiting(now) {
            return Err(refusal);
        }
        self.record_refusal(now, refusal, peer);
        self.connections.shared.limiter.acquire_waiting(now).ok_or(refusal)
    }

    fn poll_task(&mut self, now: Duration) {
        if let Some(task) = self.task.as_deref_mut() {
            self.peer_streams.poll(now, task);
        }
        // Cleared first: a waker used from here on causes another poll.
        self.task_waker.take();
        let due = self.with_task(|task, reactor| task.poll(reactor));
        self.task_due = due.flatten().map(|due| due.saturating_duration_since(self.started));
    }

    fn with_task<T>(
        &mut self,
        act: impl FnOnce(&mut dyn EventLoopTask, &mut Reactor<'_>) -> T,
    ) -> Option<T> {
        let Server { task, connections, peer_streams, .. } = self;
        let task = task.as_deref_mut()?;
        Some(act(task, &mut Reactor { connections, peer_streams, now: Instant::now() }))
    }

    fn flush_peer_streams(&mut self, now: Duration) {
        if let Some(task) = self.task.as_deref_mut() {
            self.peer_streams.flush(now, task);
        }
    }

    /// Whether the task and all connections are finished.
    fn is_drained(&mut self) -> bool {
        let is_finished = self.task.as_ref().is_none_or(|task| task.is_finished());
        is_finished && self.connections.are_drained()
    }

    /// Carries out the actions of handles since the last turn.
    fn deliver_actions(&mut self, now: Duration) {
        self.connections.shared.outbound.take(&mut self.actions);
        for action in self.actions.drain(..) {
            self.connections.deliver(action, now);
        }
    }

    /// Stops listening and notifies every client, once.
    fn begin_shutdown(&mut self, now: Duration) {
        if self.drain_until.is_some() {
            return;
        }
        self.drain_until = Some(now + self.options.shutdown_grace);
        self.listeners.close();
        self.connections.shared.services.shutting_down();
        self.connections.go_away(now);
        self.with_task(|task, reactor| task.shut_down(reactor));
    }
}

/// This age, up to a tenth more or less, so that connections that were opened together do not come
/// back together.
fn jittered(age: Duration) -> Duration {
    let tenths = age / 10;
    let random = f64::from(random_number() as u32) / f64::from(u32::MAX);
    (age - tenths).saturating_add(tenths.mul_f64(2.0 * random))
}
