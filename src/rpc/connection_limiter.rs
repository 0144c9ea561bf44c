//! Limits the number of open connections, and keeps slots free for peers.
//!
//! Clients that use all connections of a server must not shut out its peers. So some slots beyond
//! the limit are reserved for callers of a *reserved* method ([`super::Services::reserve`]) that its
//! handler has accepted as peers:
//!
//! ```text
//!   accepted ---- below the limit ----> Client ----+
//!       |                                          | accepted as a peer, a reserved slot is free
//!       +-- full, a reserved slot is free          v
//!       |              \--------> Waiting ----> Reserved
//!       |                            |
//!       |                            +-- calls another method, is not accepted in time, or gives
//!       |                                way to a newer one --> closed
//!       +-- full --> Leaving, to learn the reason --> closed
//! ```
//!
//! A flood of connections must not keep a peer out of a full server by waiting itself. So a new
//! connection always gets to wait: beyond the limit of waiting connections, one of them gives way
//! that has shown no certificate, chosen at random. Beside 1,100 new connections a second a
//! connection waits for 58 ms on average, and a peer needs one to four round trips. If it is
//! unlucky it calls again; were the oldest chosen, a peer behind a slow link would never be lucky.
//!
//! Full means that the server has as many client connections as it may have, or the client's
//! address has. In the first case the server closes an idle connection, if there is one, which
//! becomes `Leaving`. A few connections more than the limit may be `Leaving`, and only for a second;
//! beyond that a refused connection is closed without a reason.

use std::cell::Cell;
use std::time::Duration;

use super::refusals::Refusal;
use super::usage::Usage;

/// How long a connection beyond the limit may take until it is accepted as a peer.
const WAIT: Duration = Duration::from_secs(1);
/// How long a connection that is refused or closed may take to receive the reason.
const LEAVE: Duration = Duration::from_secs(1);
/// Connections that may be `Waiting` at once.
pub(super) const MAX_WAITING: usize = 64;
/// Connections that may be `Leaving` at once.
const MAX_LEAVING: usize = 32;

/// Which slot a connection uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionSlot {
    Client,
    Waiting {
        until: Duration,
    },
    Reserved,
    /// It is over, and receives the reason.
    Leaving {
        until: Duration,
    },
}

/// The slots of a server.
#[derive(Debug)]
pub(super) struct ConnectionLimiter {
    max_clients: usize,
    max_reserved: usize,
    clients: Cell<usize>,
    reserved: Cell<usize>,
    waiting: Cell<usize>,
    leaving: Cell<usize>,
}

impl ConnectionLimiter {
    pub(super) fn new(max_clients: usize, max_reserved: usize) -> ConnectionLimiter {
        ConnectionLimiter {
            max_clients,
            max_reserved,
            clients: Cell::new(0),
            reserved: Cell::new(0),
            waiting: Cell::new(0),
            leaving: Cell::new(0),
        }
    }

    /// Whether all slots of clients are in use.
    pub(super) fn is_full(&self) -> bool {
        self.clients.get() >= self.max_clients
    }

    /// A client's slot for a connection that was just accepted from an address.
    ///
    /// # Errors
    /// Why there is none.
    pub(super) fn acquire(&self, address: &Usage) -> Result<ConnectionSlot, Refusal> {
        if self.is_full() {
            return Err(Refusal::Full);
        }
        if !address.add_connection() {
            return Err(Refusal::AddressFull);
        }
        self.clients.update(|count| count + 1);
        Ok(ConnectionSlot::Client)
    }

    /// The most connections at once beside those of clients.
    pub(super) fn max_beside_clients(max_reserved: usize) -> usize {
        if max_reserved == 0 { 0 } else { max_reserved + MAX_WAITING }
    }

    /// Whether a reserved slot is free.
    pub(super) fn has_reserved(&self) -> bool {
        self.reserved.get() < self.max_reserved
    }

    /// A slot for a connection beyond the limit that may call a reserved method, if one is free.
    pub(super) fn acquire_waiting(&self, now: Duration) -> Option<ConnectionSlot> {
        (self.has_reserved() && self.waiting.get() < MAX_WAITING).then(|| {
            self.waiting.update(|count| count + 1);
            ConnectionSlot::Waiting { until: now + WAIT }
        })
    }

    /// A slot for a connection that is told why it is over, if one is free.
    pub(super) fn acquire_leaving(&self, now: Duration) -> Option<ConnectionSlot> {
        (self.leaving.get() < MAX_LEAVING).then(|| {
            self.leaving.update(|count| count + 1);
            ConnectionSlot::Leaving { until: now + LEAVE }
        })
    }

    /// Moves a client's connection to a slot for leaving, if one is free. Returns whether it was.
    pub(super) fn leave(&self, slot: &mut ConnectionSlot, address: &Usage, now: Duration) -> bool {
        let leaving = self.acquire_leaving(now);
        if let Some(leaving) = leaving {
            self.release(*slot, address);
            *slot = leaving;
        }
        leaving.is_some()
    }

    /// Whether a connection in this slot may call a method.
    pub(super) fn admits_call(slot: ConnectionSlot, is_reserved: bool) -> bool {
        is_reserved || !matches!(slot, ConnectionSlot::Waiting { .. })
    }

    /// The caller on a connection in this slot is a peer: moves it to a reserved slot, if one is free.
    pub(super) fn reserve(&self, slot: &mut ConnectionSlot, address: &Usage) {
        match slot {
            ConnectionSlot::Client | ConnectionSlot::Waiting { .. } if self.has_reserved() => {
                self.release(*slot, address);
                self.reserved.update(|count| count + 1);
                *slot = ConnectionSlot::Reserved;
            }
            _ => (),
        }
    }

    /// Frees the slot of a closed connection.
    pub(super) fn release(&self, slot: ConnectionSlot, address: &Usage) {
        let count = match slot {
            ConnectionSlot::Client => {
                address.remove_connection();
                &self.clients
            }
            ConnectionSlot::Waiting { .. } => &self.waiting,
            ConnectionSlot::Reserved => &self.reserved,
            ConnectionSlot::Leaving { .. } => &self.leaving,
        };
        count.update(|count| count - 1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::addresses::Addresses;
    use super::super::usage::UsageBounds;
    use super::*;

    fn address(max_connections: usize) -> Arc<Usage> {
        let bounds = UsageBounds { max_connections: Some(max_connections), max_calls: None };
        Addresses::new(bounds).usage([10, 0, 0, 1].into())
    }

    #[test]
    fn a_peer_gets_in_when_clients_fill_the_server_and_no_client_does() {
        let (limiter, from) = (ConnectionLimiter::new(2, 1), &*address(100));
        let now = Duration::from_secs(7);
        let mut clients = [(); 2].map(|()| limiter.acquire(from).unwrap());
        assert_eq!(clients, [ConnectionSlot::Client; 2]);
        assert_eq!(limiter.acquire(from), Err(Refusal::Full));
        let mut peer = limiter.acquire_waiting(now).unwrap();
        assert_eq!(peer, ConnectionSlot::Waiting { until: now + WAIT });
        let waiting: Vec<_> = std::iter::from_fn(|| limiter.acquire_waiting(now)).collect();
        assert_eq!(waiting.len(), MAX_WAITING - 1);
        let may_call = |slot, is_reserved| ConnectionLimiter::admits_call(slot, is_reserved);
        assert!(!may_call(peer, false), "a waiting connection may call reserved methods only");
        assert!(may_call(peer, true) && may_call(clients[0], false));
        assert_eq!(peer, ConnectionSlot::Waiting { until: now + WAIT }, "a call is no proof");
        limiter.reserve(&mut peer, from);
        assert_eq!(peer, ConnectionSlot::Reserved);
        assert!(may_call(peer, false), "a reserved connection may call every method");
        let mut second = waiting[0];
        limiter.reserve(&mut second, from);
        assert_eq!(second, waiting[0], "all reserved slots are in use: it goes on waiting");
        assert_eq!(limiter.acquire_waiting(now), None, "there is nothing to wait for");
        // The same for a peer that has the slot of a client.
        limiter.reserve(&mut clients[0], from);
        assert_eq!(clients[0], ConnectionSlot::Client);
        limiter.release(peer, from);
        assert!(limiter.acquire_waiting(now).is_some(), "the peer waits no longer");
        limiter.reserve(&mut clients[0], from);
        assert_eq!(clients[0], ConnectionSlot::Reserved);
        assert_eq!(limiter.acquire(from), Ok(ConnectionSlot::Client), "its slot is free");
        assert_eq!(limiter.acquire(from), Err(Refusal::Full));
    }

    #[test]
    fn without_reserved_methods_the_limit_is_the_limit() {
        let (limiter, from) = (ConnectionLimiter::new(1, 0), &*address(100));
        assert!(limiter.acquire(from).is_ok());
        assert_eq!(limiter.acquire(from), Err(Refusal::Full));
        assert_eq!(limiter.acquire_waiting(Duration::ZERO), None);
        limiter.release(ConnectionSlot::Client, from);
        assert!(limiter.acquire(from).is_ok());
    }

    #[test]
    fn an_address_has_its_own_limit() {
        let (limiter, from) = (ConnectionLimiter::new(10, 0), &*address(1));
        let mut slot = limiter.acquire(from).unwrap();
        assert_eq!(limiter.acquire(from), Err(Refusal::AddressFull));
        assert!(limiter.acquire(&address(1)).is_ok(), "another address");
        assert!(limiter.leave(&mut slot, from, Duration::ZERO));
        assert!(limiter.acquire(from).is_ok());
        limiter.release(slot, from);
        assert_eq!(limiter.acquire(from), Err(Refusal::AddressFull));
    }

    #[test]
    fn few_connections_are_told_why_they_are_over() {
        let limiter = ConnectionLimiter::new(1, 0);
        let leaving = std::iter::from_fn(|| limiter.acquire_leaving(Duration::ZERO));
        assert_eq!(leaving.take(1000).count(), MAX_LEAVING);
    }
}
