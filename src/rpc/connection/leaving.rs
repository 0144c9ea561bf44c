//! Connections that are refused, or closed in favour of others.

use std::sync::Arc;
use std::time::Duration;

use super::{Connection, Stage, TurnContext};
use crate::call::{Identity, Principal};
use crate::rpc::connection_limiter::{ConnectionLimiter, ConnectionSlot};
use crate::rpc::dispatch::Shared;
use crate::rpc::holders::HolderConnection;
use crate::rpc::metrics::ConnectionKind;
use crate::rpc::refusals::Refusal;

/// A connection whose handshake takes longer is closed before others when a slot is needed.
const HANDSHAKE_TIME: Duration = Duration::from_secs(1);

/// See [`Connection::idleness`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::rpc) struct Idleness {
    is_in_time: bool,
    since: Duration,
}

impl Connection {
    /// Frees the slot of a closed connection.
    pub(in crate::rpc) fn release_slot(&self, limiter: &ConnectionLimiter) {
        limiter.release(self.calls.slot, &self.calls.address);
    }

    /// Counts the connection as one of its kind, from its first byte on.
    pub(in crate::rpc) fn note_kind(&mut self, shared: &Shared) {
        let protocol = self.session.spoken();
        let is_tls = self.socket.tls_generation().is_some();
        let kind = Some(ConnectionKind { protocol, is_tls });
        if self.kind != kind {
            shared.recorder.connection_changed(self.kind, kind);
            self.kind = kind;
        }
    }

    /// Counts the connection no longer.
    pub(in crate::rpc) fn forget_kind(&mut self, shared: &Shared) {
        shared.recorder.connection_changed(self.kind.take(), None);
    }

    /// Whether it waits for a reserved slot.
    pub(in crate::rpc) fn is_waiting(&self) -> bool {
        matches!(self.calls.slot, ConnectionSlot::Waiting { .. })
    }

    /// Whether the client has shown a certificate.
    pub(in crate::rpc) fn has_certificate(&self) -> bool {
        matches!(*self.principal, Principal::Certificate(_))
    }

    /// The client has ended its side. Returns whether it may wait for a response: then the connection
    /// ends behind that.
    pub(super) fn outlasts_input(&mut self, now: Duration) -> bool {
        let is_waited_for = self.session.end_of_input(now);
        // Until the socket fails there is nothing to read.
        self.readable &= !is_waited_for;
        is_waited_for
    }

    /// Ends all calls; the connection is to be dropped without a reason.
    pub(in crate::rpc) fn abandon(&mut self, turn: &mut TurnContext<'_>) {
        self.handle_connection_lost(turn);
        self.flush(turn);
    }

    pub(super) fn is_leaving(&self) -> bool {
        matches!(self.calls.slot, ConnectionSlot::Leaving { .. })
    }

    /// Refuses the client before its first byte, with a reason.
    pub(in crate::rpc) fn refuse(&mut self, reason: &'static str) {
        self.session.refuse(reason);
    }

    /// The client has shown its certificate: counts the connection for the holder, and refuses it if
    /// the holder has as many as it may have.
    pub(super) fn set_identity(&mut self, identity: Identity, turn: &mut TurnContext<'_>) {
        let usage = turn.shared.holders.borrow_mut().usage(&identity, self.peer.ip());
        self.principal = Arc::new(Principal::Certificate(identity));
        let Some(usage) = usage else { return };
        self.calls.holder = HolderConnection::new(usage);
        if self.calls.holder.is_none() {
            let detail = format!("{}: {}", self.peer, self.principal);
            turn.refused.push((Refusal::HolderFull, detail));
            self.session.refuse(Refusal::HolderFull.for_client());
            // It may keep its slot, if there is none for leaving.
            turn.shared.limiter.leave(&mut self.calls.slot, &self.calls.address, turn.now);
        }
    }

    /// How much a client's connection without an open call deserves to be closed in favour of a new
    /// one: first those whose handshake takes long, then those that are idle for the longest time.
    /// The least value comes first.
    pub(in crate::rpc) fn idleness(&self, now: Duration) -> Option<Idleness> {
        let since = match (self.stage, self.calls.slot) {
            (Stage::Open, ConnectionSlot::Client) => self.session.idle_since()?,
            _ => return None,
        };
        let is_late = !self.session.has_completed_handshake() && now >= since + HANDSHAKE_TIME;
        Some(Idleness { is_in_time: !is_late, since })
    }

    /// Closes an idle client's connection gracefully, in favour of a new one. Returns whether its slot
    /// is free now.
    pub(in crate::rpc) fn give_way(&mut self, turn: &mut TurnContext<'_>) -> bool {
        let limiter = &turn.shared.limiter;
        if !limiter.leave(&mut self.calls.slot, &self.calls.address, turn.now) {
            return false;
        }
        self.session.go_away_because(turn.now, "the server needs the connection for others");
        true
    }
}
