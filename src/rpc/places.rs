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
pub(super) enum Place {
    Client,
    Waiting { until: Duration },
    Reserved,
}

/// The places of a server.
#[derive(Debug)]
pub(super) struct Places {
    max_clients: usize,
    max_reserved: usize,
    clients: Cell<usize>,
    /// Those that wait, and those that have what they waited for.
    reserved: Cell<usize>,
}

impl Places {
    pub(super) fn new(max_clients: usize, max_reserved: usize) -> Places {
        Places { max_clients, max_reserved, clients: Cell::new(0), reserved: Cell::new(0) }
    }

    /// A place for a connection that is accepted now, if there is any.
    pub(super) fn take(&self, now: Duration) -> Option<Place> {
        if self.clients.get() < self.max_clients {
            self.clients.update(|count| count + 1);
            return Some(Place::Client);
        }
        (self.reserved.get() < self.max_reserved).then(|| {
            self.reserved.update(|count| count + 1);
            Place::Waiting { until: now + WAIT }
        })
    }

    /// A connection calls a method, reserved or not. False if it must not.
    pub(super) fn call(&self, place: &mut Place, is_reserved: bool) -> bool {
        match place {
            Place::Client if is_reserved && self.reserved.get() < self.max_reserved => {
                self.leave(*place);
                self.reserved.update(|count| count + 1);
                *place = Place::Reserved;
            }
            Place::Waiting { .. } if is_reserved => *place = Place::Reserved,
            Place::Waiting { .. } => return false,
            Place::Client | Place::Reserved => (),
        }
        true
    }

    /// A connection is gone.
    pub(super) fn leave(&self, place: Place) {
        let count = match place {
            Place::Client => &self.clients,
            Place::Waiting { .. } | Place::Reserved => &self.reserved,
        };
        count.update(|count| count - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_gets_in_when_clients_fill_the_server_and_no_client_does() {
        let places = Places::new(2, 1);
        let now = Duration::from_secs(7);
        let mut clients = [(); 2].map(|()| places.take(now).unwrap());
        assert_eq!(clients, [Place::Client; 2]);
        let mut peer = places.take(now).unwrap();
        assert_eq!(peer, Place::Waiting { until: now + WAIT });
        assert_eq!(places.take(now), None);
        assert!(places.call(&mut clients[0], false));
        assert!(!places.call(&mut peer, false), "it is a client after all");
        assert!(places.call(&mut peer, true));
        assert_eq!(peer, Place::Reserved);
        assert!(places.call(&mut peer, false), "it may call what it likes");
        // All reserved places are taken: a client that calls a reserved method stays one.
        assert!(places.call(&mut clients[0], true));
        assert_eq!(clients[0], Place::Client);
        places.leave(peer);
        assert!(places.call(&mut clients[0], true));
        assert_eq!(clients[0], Place::Reserved);
        assert_eq!(places.take(now), Some(Place::Client), "its place is free");
        assert_eq!(places.take(now), None);
    }

    #[test]
    fn without_reserved_methods_the_limit_is_the_limit() {
        let places = Places::new(1, 0);
        assert!(places.take(Duration::ZERO).is_some());
        assert_eq!(places.take(Duration::ZERO), None);
        places.leave(Place::Client);
        assert!(places.take(Duration::ZERO).is_some());
    }
}
