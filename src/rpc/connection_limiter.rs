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
//!       |                            +-- calls another method, or not accepted in time --> closed
//!       +-- full --> closed
//! ```

use std::cell::Cell;
use std::time::Duration;

/// How long a connection beyond the limit may take until it is accepted as a peer.
const WAIT: Duration = Duration::from_secs(1);

/// Which slot a connection uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionSlot {
    Client,
    Waiting { until: Duration },
    Reserved,
}

/// The slots of a server.
#[derive(Debug)]
pub(super) struct ConnectionLimiter {
    max_clients: usize,
    max_reserved: usize,
    clients: Cell<usize>,
    /// Connections in state `Waiting` or `Reserved`.
    reserved: Cell<usize>,
}

impl ConnectionLimiter {
    pub(super) fn new(max_clients: usize, max_reserved: usize) -> ConnectionLimiter {
        ConnectionLimiter {
            max_clients,
            max_reserved,
            clients: Cell::new(0),
            reserved: Cell::new(0),
        }
    }

    /// A slot for a connection that was just accepted, if one is free.
    pub(super) fn acquire(&self, now: Duration) -> Option<ConnectionSlot> {
        if self.clients.get() < self.max_clients {
            self.clients.update(|count| count + 1);
            return Some(ConnectionSlot::Client);
        }
        (self.reserved.get() < self.max_reserved).then(|| {
            self.reserved.update(|count| count + 1);
            ConnectionSlot::Waiting { until: now + WAIT }
        })
    }

    /// Whether a connection in this slot may call a method.
    pub(super) fn admits_call(slot: ConnectionSlot, is_reserved: bool) -> bool {
        is_reserved || !matches!(slot, ConnectionSlot::Waiting { .. })
    }

    /// The caller on a connection in this slot is a peer: moves it to a reserved slot, if one is free.
    pub(super) fn reserve(&self, slot: &mut ConnectionSlot) {
        match slot {
            ConnectionSlot::Client if self.reserved.get() < self.max_reserved => {
                self.release(*slot);
                self.reserved.update(|count| count + 1);
                *slot = ConnectionSlot::Reserved;
            }
            ConnectionSlot::Waiting { .. } => *slot = ConnectionSlot::Reserved,
            ConnectionSlot::Client | ConnectionSlot::Reserved => (),
        }
    }

    /// Frees the slot of a closed connection.
    pub(super) fn release(&self, slot: ConnectionSlot) {
        let count = match slot {
            ConnectionSlot::Client => &self.clients,
            ConnectionSlot::Waiting { .. } | ConnectionSlot::Reserved => &self.reserved,
        };
        count.update(|count| count - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_gets_in_when_clients_fill_the_server_and_no_client_does() {
        let limiter = ConnectionLimiter::new(2, 1);
        let now = Duration::from_secs(7);
        let mut clients = [(); 2].map(|()| limiter.acquire(now).unwrap());
        assert_eq!(clients, [ConnectionSlot::Client; 2]);
        let mut peer = limiter.acquire(now).unwrap();
        assert_eq!(peer, ConnectionSlot::Waiting { until: now + WAIT });
        assert_eq!(limiter.acquire(now), None);
        let may_call = |slot, is_reserved| ConnectionLimiter::admits_call(slot, is_reserved);
        assert!(!may_call(peer, false), "a waiting connection may call reserved methods only");
        assert!(may_call(peer, true) && may_call(clients[0], false));
        assert_eq!(peer, ConnectionSlot::Waiting { until: now + WAIT }, "a call is no proof");
        limiter.reserve(&mut peer);
        assert_eq!(peer, ConnectionSlot::Reserved);
        assert!(may_call(peer, false), "a reserved connection may call every method");
        // All reserved slots are in use: the peer keeps the slot of a client.
        limiter.reserve(&mut clients[0]);
        assert_eq!(clients[0], ConnectionSlot::Client);
        limiter.release(peer);
        limiter.reserve(&mut clients[0]);
        assert_eq!(clients[0], ConnectionSlot::Reserved);
        assert_eq!(limiter.acquire(now), Some(ConnectionSlot::Client), "its slot is free");
        assert_eq!(limiter.acquire(now), None);
    }

    #[test]
    fn without_reserved_methods_the_limit_is_the_limit() {
        let limiter = ConnectionLimiter::new(1, 0);
        assert!(limiter.acquire(Duration::ZERO).is_some());
        assert_eq!(limiter.acquire(Duration::ZERO), None);
        limiter.release(ConnectionSlot::Client);
        assert!(limiter.acquire(Duration::ZERO).is_some());
    }
}
