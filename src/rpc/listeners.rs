//! The listeners of a server. Some may be for peers alone, so that a firewall can keep everybody
//! else away from them ([`super::ServerOptions::peer_addresses`]).

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use super::reactor::{Listener, Poller};

/// Who calls at a listener, and so which methods are served there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Port {
    /// Clients and peers: the server has no listener for peers alone.
    Shared,
    /// Clients alone.
    Clients,
    /// Peers alone.
    Peers,
}

/// See the [module documentation](self).
pub(super) struct Listeners {
    /// Empty after the shutdown has started.
    open: Vec<(Listener, Port)>,
    local_addrs: Vec<SocketAddr>,
    peer_addrs: Vec<SocketAddr>,
}

/// The key of the first listener; those of the others are below it.
const FIRST_KEY: u64 = u64::MAX - 1;
/// The most listeners of each kind.
const MAX_LISTENERS: usize = 64;

impl Listeners {
    /// Listens on all of `addresses`, and of `peer_addresses`, that are of this machine.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn bind(
        addresses: &[SocketAddr],
        peer_addresses: &[SocketAddr],
        poller: &Poller,
    ) -> io::Result<Listeners> {
        let (listeners, local_addrs) = listen(addresses)?;
        let mut peer_addrs = Vec::new();
        let port = if peer_addresses.is_empty() { Port::Shared } else { Port::Clients };
        let mut open: Vec<_> = listeners.into_iter().map(|listener| (listener, port)).collect();
        if !peer_addresses.is_empty() {
            let listeners;
            (listeners, peer_addrs) = listen(peer_addresses)?;
            open.extend(listeners.into_iter().map(|listener| (listener, Port::Peers)));
        }
        for (key, (listener, _)) in (0..).zip(&mut open) {
            poller.add_listener(listener, FIRST_KEY - key)?;
        }
        Ok(Listeners { open, local_addrs, peer_addrs })
    }

    /// The index of the listener with this key, if the key is one of listeners.
    pub(super) fn index(key: u64) -> Option<usize> {
        let index = usize::try_from(FIRST_KEY.checked_sub(key)?).ok()?;
        (index < 2 * MAX_LISTENERS).then_some(index)
    }

    pub(super) fn get(&self, index: usize) -> Option<(&Listener, Port)> {
        self.open.get(index).map(|(listener, port)| (listener, *port))
    }

    pub(super) fn count(&self) -> usize {
        self.open.len()
    }

    pub(super) fn local_addrs(&self) -> &[SocketAddr] {
        &self.local_addrs
    }

    pub(super) fn peer_addrs(&self) -> &[SocketAddr] {
        &self.peer_addrs
    }

    pub(super) fn close(&mut self) {
        self.open.clear();
    }
}

/// Listens on all of `addresses` that are of this machine.
fn listen(addresses: &[SocketAddr]) -> io::Result<(Vec<Listener>, Vec<SocketAddr>)> {
    let (mut listeners, mut local): (Vec<Listener>, Vec<SocketAddr>) = Default::default();
    let mut failure = io::Error::new(ErrorKind::InvalidInput, "no address to listen on");
    for address in addresses.iter().take(MAX_LISTENERS) {
        let mut address = *address;
        if address.port() == 0 {
            address.set_port(local.first().map_or(0, SocketAddr::port));
        }
        let bound = Listener::bind(address).and_then(|listener| {
            let local = listener.local_addr()?;
            Ok((listener, local))
        });
        match bound {
            Ok((listener, at)) => {
                listeners.push(listener);
                local.push(at);
            }
            // A listener on all IPv6 addresses includes IPv4.
            Err(error) if error.kind() == ErrorKind::AddrInUse && is_covered(address, &local) => (),
            Err(error) if error.kind() != ErrorKind::AddrInUse && addresses.len() > 1 => {
                log::warn!("cannot listen on {address}: {error}");
                failure = error;
            }
            Err(error) => return Err(error),
        }
    }
    if listeners.is_empty() { Err(failure) } else { Ok((listeners, local)) }
}

fn is_covered(address: SocketAddr, local: &[SocketAddr]) -> bool {
    let covers =
        |at: &SocketAddr| at.is_ipv6() && at.ip().is_unspecified() && at.port() == address.port();
    address.is_ipv4() && local.iter().any(covers)
}
