//! A server's connection: a socket, its session, and the handlers of its calls.
//!
//! ```text
//!   Open --- session closed, output written ---> Lingering --- end of file, or timeout ---> Closed
//!    | \---- the peer violates TLS --------------^                                           ^
//!    \-------------- the socket failed, or the connection is lost ----------------------------/
//! ```
//!
//! Closing a socket with unread bytes sends a reset, and the peer may lose the last output (a
//! GOAWAY or a refusal). So a connection lingers: it shuts its sending side down, and reads and
//! discards input until the peer has closed its side.

mod actions;
mod leaving;

use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(super) use leaving::Idleness;

use super::batch::Batch;
use super::calls::Calls;
use super::connection_limiter::ConnectionSlot;
use super::dispatch::{Dispatch, Shared};
use super::metrics::ConnectionKind;
use super::outbound::ConnectionId;
use super::refusals::Refusal;
use super::socket::Socket;
use super::tls::ServerTls;
use crate::call::{Code, Principal};
use crate::session::{ServerSession, Sniffed, sniff};

/// How long a finished connection waits for the peer to close its side.
const LINGER: Duration = Duration::from_secs(2);
/// The same for a connection beyond the limit, whose slot others may need.
const SHORT_LINGER: Duration = Duration::from_millis(100);
/// Keepalive of a connection in a reserved slot: interval and timeout. The other peers of a group
/// need to notice a failure soon.
const PEER_INTERVAL: Duration = Duration::from_secs(1);
const PEER_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a connection may take for the rest of its handshake when certificates are renewed.
const HANDSHAKE: Duration = Duration::from_secs(2);
/// Reads in one turn, so that one busy connection does not starve the others.
const READS_PER_TURN: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    Lingering { until: Duration },
    Closed,
}

/// What a connection uses of the server during one turn of the event loop.
pub(super) struct TurnContext<'a> {
    pub(super) shared: &'a Shared,
    /// The configuration for connections that start with TLS.
    pub(super) tls: Option<&'a ServerTls>,
    /// The read buffer.
    pub(super) buffer: &'a mut [u8],
    /// How many bytes it may read.
    pub(super) read_bytes: usize,
    pub(super) batch: &'a mut Batch,
    /// Connections that were refused in this turn, with the details.
    pub(super) refused: &'a mut Vec<(Refusal, String)>,
    /// The current time, since the server's start. `instant` is the same moment, for handlers.
    pub(super) now: Duration,
    pub(super) instant: Instant,
}

/// One accepted connection.
pub(super) struct Connection {
    id: ConnectionId,
    peer: SocketAddr,
    principal: Arc<Principal>,
    socket: Socket,
    session: ServerSession,
    calls: Calls,
    stage: Stage,
    /// Nothing was read yet, so that it may turn out to be TLS.
    is_first_read: bool,
    /// The socket may have input.
    readable: bool,
    /// Whether it is on the server's lists of connections to run and to flush.
    pub(super) to_run: bool,
    pub(super) to_flush: bool,
    /// When the server's timer for it fires.
    pub(super) armed: Option<Duration>,
    /// Bytes counted for this connection in the server's budgets of unsent and of received bytes.
    unsent_counted: usize,
    received_counted: usize,
    /// The limit for bytes of unfinished messages that was last set.
    unfinished_limit: Option<usize>,
    /// What follows the renewal of the certificates that it was made with.
    retirement: Option<Retirement>,
    /// The kind that it is counted as; `None` while it is not among the server's connections.
    kind: Option<ConnectionKind>,
}

/// How a connection of renewed certificates ends.
#[derive(Clone, Copy, Debug)]
enum Retirement {
    /// Its handshake was not over. It accepts no new calls from this time on.
    GoAwayAt { due: Duration, end: Duration },
    /// It accepts no new calls; those that are still open end at this time.
    EndAt(Duration),
}

impl Connection {
    pub(super) fn new(
        id: ConnectionId,
        peer: SocketAddr,
        principal: Arc<Principal>,
        socket: Socket,
        session: ServerSession,
        calls: Calls,
    ) -> Connection {
        Connection {
            id,
            peer,
            principal,
            socket,
            session,
            calls,
            stage: Stage::Open,
            is_first_read: true,
            readable: true,
            to_run: false,
            to_flush: false,
            armed: None,
            unsent_counted: 0,
            received_counted: 0,
            unfinished_limit: None,
            retirement: None,
            kind: None,
        }
    }

    /// The socket became readable. `ended`: the peer has closed its side, or the socket failed.
    pub(super) fn set_readable(&mut self, ended: bool) {
        self.readable = true;
        if ended {
            self.socket.set_ended();
        }
    }

    /// Whether [`run`](Self::run) would find something to do.
    pub(super) fn is_runnable(&self) -> bool {
        match self.stage {
            Stage::Open => {
                (self.readable && self.session.wants_input())
                    || self.session.has_more()
                    || self.calls.any_postponed()
            }
            Stage::Lingering { .. } => self.readable,
            Stage::Closed => false,
        }
    }

    /// Whether the server can drop it.
    pub(super) fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// Whether all output was sent.
    pub(super) fn has_sent_all(&self) -> bool {
        self.stage != Stage::Open
    }

    /// Reads input, a limited number of times, and passes it to the session and the handlers.
    pub(super) fn run(&mut self, turn: &mut TurnContext<'_>) {
        if let Stage::Lingering { .. } = self.stage {
            return self.discard(turn.buffer);
        }
        if self.calls.any_postponed() {
            self.with_dispatch(turn, |_, _| ());
        }
        if self.session.has_more() {
            let now = turn.now;
            self.with_dispatch(turn, |session, dispatch| session.resume(now, dispatch));
        }
        let mut left = turn.read_bytes;
        for _ in 0..READS_PER_TURN {
            let may_read = self.readable && self.session.wants_input();
            if !may_read || left == 0 || self.stage != Stage::Open {
                return;
            }
            let space = self.socket.read_space(turn.buffer.len(), left);
            match self.socket.read(&mut turn.buffer[..space]) {
                Ok(0) if self.outlasts_input(turn.now) => return,
                Ok(0) => return self.handle_connection_lost(turn),
                Ok(n) => {
                    turn.shared.recorder.read(n);
                    left = left.saturating_sub(n);
                    self.readable = !self.socket.is_empty();
                    self.take(n, turn);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => self.fail(&error, turn),
            }
        }
    }

    /// Processes `n` bytes that were read. The first bytes of a connection tell whether it is TLS.
    fn take(&mut self, n: usize, turn: &mut TurnContext<'_>) {
        if mem::take(&mut self.is_first_read) {
            match (sniff(&turn.buffer[..n]), turn.tls) {
                (Sniffed::Tls, Some(tls)) if !self.is_leaving() => {
                    self.session.set_secure();
                    if let Err(error) = self.socket.accept_tls(tls, &mut turn.buffer[..n]) {
                        self.fail(&error, turn);
                    }
                    return;
                }
                (_, Some(tls)) if tls.refuses_cleartext() => {
                    self.session.refuse_cleartext();
                    turn.refused.push((Refusal::Protocol, self.peer.to_string()));
                }
                _ => (),
            }
        }
        if let Some(negotiated) = self.socket.take_negotiated() {
            self.session.set_negotiated(negotiated);
            // Where no roles are enforced, a certificate changes nothing.
            if *self.principal == Principal::Anonymous {
                match self.socket.peer_identity() {
                    Ok(None) => (),
                    Ok(Some(identity)) => self.set_identity(identity, turn),
                    Err(error) => return self.fail(&error, turn),
                }
            }
        }
        self.receive(n, turn);
    }

    fn receive(&mut self, n: usize, turn: &mut TurnContext<'_>) {
        let limit = turn.shared.received.current_limit();
        if self.unfinished_limit != limit {
            self.unfinished_limit = limit;
            self.session.limit_unfinished(limit);
        }
        self.session.set_memory_pressure(turn.shared.received.is_half_full());
        let is_first = !self.session.is_established();
        let buffer = mem::take(&mut turn.buffer);
        let now = turn.now;
        self.with_dispatch(turn, |session, dispatch| {
            session.receive(now, &buffer[..n], dispatch);
        });
        turn.buffer = buffer;
        if is_first && self.session.has_unknown_protocol() {
            turn.refused.push((Refusal::Protocol, self.peer.to_string()));
        }
        self.note_kind(turn.shared);
    }

    /// Lets the session report its events, then sends the answers that handlers gave at once.
    fn with_dispatch(
        &mut self,
        turn: &mut TurnContext<'_>,
        report: impl FnOnce(&mut ServerSession, &mut Dispatch<'_>),
    ) {
        let held = self.session.unsent_bytes() + self.calls.posted;
        let mut dispatch = Dispatch {
            shared: turn.shared,
            calls: &mut self.calls,
            batch: turn.batch,
            held,
            unsent_counted: self.unsent_counted,
            received_counted: self.received_counted,
            kept: 0,
            connection: self.id,
            peer: self.peer,
            principal: &self.principal,
            now: turn.instant,
        };
        report(&mut self.session, &mut dispatch);
        dispatch.resume();
        let (shared, caller) = (turn.shared, (self.peer, &self.principal));
        turn.batch.send(&mut self.session, |sent| shared.record(sent, caller));
        self.update_received_budget(turn.shared);
        if mem::take(&mut self.calls.is_over_client_limit) {
            self.session.go_away(turn.now);
        }
    }

    /// Writes the session's output, as far as the socket accepts it, and updates the budgets.
    pub(super) fn flush(&mut self, turn: &mut TurnContext<'_>) {
        self.calls.posted = 0;
        self.session.notice_end_of_calls(turn.now);
        if self.stage == Stage::Open {
            self.write_out(turn);
        }
        let held = if self.stage == Stage::Open { self.session.unsent_bytes() } else { 0 };
        turn.shared.unsent.set_held(&mut self.unsent_counted, held);
        self.update_received_budget(turn.shared);
    }

    /// Updates the budget of received bytes.
    fn update_received_budget(&mut self, shared: &Shared) {
        let waits = match self.stage {
            Stage::Open => self.session.received_bytes() + self.calls.metadata_bytes,
            Stage::Lingering { .. } | Stage::Closed => 0,
        };
        shared.received.set_held(&mut self.received_counted, waits);
    }

    fn write_out(&mut self, turn: &mut TurnContext<'_>) {
        let mut written = self.write(turn.now, turn.shared);
        let session = &self.session;
        self.calls.drained(|call| session.queued(call), turn.shared);
        let any_failed = self.finish_failed_calls(turn.shared);
        if (self.return_credit() || any_failed) && written.is_ok() {
            written = self.write(turn.now, turn.shared);
        }
        match written {
            Ok(()) if self.session.is_closed() && self.session.output().is_empty() => {
                self.session.connection_lost(&mut Dispatch {
                    shared: turn.shared,
                    calls: &mut self.calls,
                    batch: turn.batch,
                    held: 0,
                    unsent_counted: self.unsent_counted,
                    received_counted: self.received_counted,
                    kept: 0,
                    connection: self.id,
                    peer: self.peer,
                    principal: &self.principal,
                    now: turn.instant,
                });
                self.linger(turn.now);
            }
            Ok(()) => (),
            Err(error) => self.fail(&error, turn),
        }
    }

    fn write(&mut self, now: Duration, shared: &Shared) -> io::Result<()> {
        while !self.session.output().is_empty() {
            match self.socket.write(self.session.output()) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(n) => {
                    self.session.consume_output(n);
                    shared.recorder.wrote(n);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.session.write_blocked(now);
                    return Ok(());
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
        match self.socket.flush() {
            Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads and discards input until the peer has closed its side.
    fn discard(&mut self, buffer: &mut [u8]) {
        match self.socket.discard(buffer) {
            Ok(1..) => (),
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.readable = false,
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Ok(0) | Err(_) => self.stage = Stage::Closed,
        }
    }

    /// Handles a failure of the socket. After invalid TLS the connection lingers, so that the peer
    /// receives the alert.
    fn fail(&mut self, error: &io::Error, turn: &mut TurnContext<'_>) {
        log::debug!("{}: {error}", self.peer);
        if error.kind() == ErrorKind::InvalidData {
            turn.refused.push((Refusal::Tls, format!("{}: {error}", self.peer)));
        }
        self.handle_connection_lost(turn);
        if error.kind() == ErrorKind::InvalidData {
            self.linger(turn.now);
        }
    }

    fn linger(&mut self, now: Duration) {
        self.socket.shutdown_write();
        let linger = match self.calls.slot {
            ConnectionSlot::Waiting { .. } | ConnectionSlot::Leaving { .. } => SHORT_LINGER,
            ConnectionSlot::Client | ConnectionSlot::Reserved => LINGER,
        };
        self.stage = Stage::Lingering { until: now + linger };
        // The peer may have closed its side before: no event follows.
        self.readable = true;
    }

    /// Handles the loss of the connection: all its calls end.
    fn handle_connection_lost(&mut self, turn: &mut TurnContext<'_>) {
        self.stage = Stage::Closed;
        self.with_dispatch(turn, |session, dispatch| session.connection_lost(dispatch));
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(super) fn next_timeout(&self) -> Duration {
        let retirement = match self.retirement {
            None => Duration::MAX,
            Some(Retirement::GoAwayAt { due, .. } | Retirement::EndAt(due)) => due,
        };
        match self.stage {
            Stage::Open => match self.calls.slot {
                ConnectionSlot::Waiting { until } | ConnectionSlot::Leaving { until } => {
                    self.session.next_timeout().min(until)
                }
                ConnectionSlot::Client | ConnectionSlot::Reserved => self.session.next_timeout(),
            }
            .min(retirement),
            Stage::Lingering { until } => until,
            Stage::Closed => Duration::MAX,
        }
    }

    /// Handles everything that is due.
    pub(super) fn handle_timeout(&mut self, turn: &mut TurnContext<'_>) {
        match self.stage {
            Stage::Open => {
                let now = turn.now;
                self.session.set_memory_pressure(turn.shared.received.is_half_full());
                self.with_dispatch(turn, |session, dispatch| session.handle_timeout(now, dispatch));
                match self.calls.slot {
                    ConnectionSlot::Waiting { until } if now >= until => {
                        self.calls.slot = ConnectionSlot::Waiting { until: Duration::MAX };
                        self.end(Code::ResourceExhausted, Refusal::Full.for_client(), turn);
                    }
                    // Its time to read the reason is over.
                    ConnectionSlot::Leaving { until } if now >= until => {
                        self.calls.slot = ConnectionSlot::Leaving { until: Duration::MAX };
                        // A call that was on its way may have had an effect.
                        self.end(Code::Unavailable, Refusal::Full.for_client(), turn);
                        // What the socket does not accept at once is dropped.
                        let _ = self.write(now, turn.shared);
                        self.linger(now);
                    }
                    _ => (),
                }
                self.continue_retirement(turn);
            }
            Stage::Lingering { until } if turn.now >= until => self.stage = Stage::Closed,
            Stage::Lingering { .. } | Stage::Closed => (),
        }
    }

    /// Ends the connection if it was made with certificates before `generation`: it accepts no new
    /// calls, and open ones may go on for `grace`.
    pub(super) fn retire(&mut self, generation: u64, now: Duration, grace: Duration) {
        let is_old = self.socket.tls_generation().is_some_and(|made_with| made_with < generation);
        if !is_old || self.stage != Stage::Open || self.retirement.is_some() {
            return;
        }
        let end = now + grace;
        self.retirement = Some(if self.session.is_established() {
            self.session.go_away(now);
            Retirement::EndAt(end)
        } else {
            Retirement::GoAwayAt { due: now + HANDSHAKE, end }
        });
    }

    fn continue_retirement(&mut self, turn: &mut TurnContext<'_>) {
        match self.retirement {
            Some(Retirement::GoAwayAt { due, end }) if turn.now >= due => {
                self.session.go_away(turn.now);
                self.retirement = Some(Retirement::EndAt(end));
            }
            Some(Retirement::EndAt(end)) if turn.now >= end => {
                self.retirement = None;
                self.end(Code::Unavailable, "the certificates were renewed: connect again", turn);
            }
            _ => (),
        }
    }

    /// Accepts no new calls, and ends the connection after the open ones.
    pub(super) fn go_away(&mut self, now: Duration) {
        self.session.go_away(now);
    }

    /// Ends the open calls and notifies the client, as far as the socket accepts it at once.
    pub(super) fn close(&mut self, turn: &mut TurnContext<'_>) {
        self.end(Code::Unavailable, "the server has shut down", turn);
        self.flush(turn);
    }

    /// Ends the open calls, and the connection once the client was notified.
    fn end(&mut self, code: Code, reason: &str, turn: &mut TurnContext<'_>) {
        if self.stage == Stage::Open {
            self.with_dispatch(turn, |session, dispatch| session.close(code, reason, dispatch));
        }
    }
}
