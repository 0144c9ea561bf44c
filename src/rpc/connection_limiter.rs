//! Who may stay when as many connections are open as may be.
//!
//! A server that its clients fill must still be reached by its peers. So places beyond the limit
//! are kept for those that call a *reserved* method ([`super::Services::reserve`]):
//!
//! ```text
//!   accepted ---- below the limit ----> Client ----+
//!       |                                          | calls a reserved method, one of their
//!       |                                          | places is free
//!       +-- full, a reserved place is free         v
//!       |              \--------> Waiting ----> Reserved
//!       |                            |
//!       |                            +-- calls another method, or none in time --> closed
//!       +-- full --> closed
//! ```

use std::cell::Cell;
use std::time::Duration;

/// How long a connection beyond the limit may take to say whether it is a peer's.
const WAIT: Duration = Duration::from_secs(1);

/// What a connection counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionSlot {
    Client,
    Waiting { until: Duration },
    Reserved,
}

/// The places of a server.
#[derive(Debug)]
pub(super) struct ConnectionLimiter {
    max_clients: usize,
    max_reserved: usize,
    clients: Cell<usize>,
    /// Those that wait, and those that have what they waited for.
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

    /// A place for a connection that is accepted now, if there is any.
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

    /// A connection calls a method, reserved or not. False if it must not.
    pub(super) fn admit_call(&self, slot: &mut ConnectionSlot, is_reserved: bool) -> bool {
        match slot {
            ConnectionSlot::Client if is_reserved && self.reserved.get() < self.max_reserved => {
                self.release(*slot);
                self.reserved.update(|count| count + 1);
                *slot = ConnectionSlot::Reserved;
            }
            ConnectionSlot::Waiting { .. } if is_reserved => *slot = ConnectionSlot::Reserved,
            ConnectionSlot::Waiting { .. } => return false,
            ConnectionSlot::Client | ConnectionSlot::Reserved => (),
        }
        true
    }

    /// A connection is gone.
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
        assert!(limiter.admit_call(&mut clients[0], false));
        assert!(!limiter.admit_call(&mut peer, false), "it is a client after all");
        assert!(limiter.admit_call(&mut peer, true));
        assert_eq!(peer, ConnectionSlot::Reserved);
        assert!(limiter.admit_call(&mut peer, false), "it may call what it likes");
        // All reserved places are taken: a client that calls a reserved method stays one.
        assert!(limiter.admit_call(&mut clients[0], true));
        assert_eq!(clients[0], ConnectionSlot::Client);
        limiter.release(peer);
        assert!(limiter.admit_call(&mut clients[0], true));
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
