//! An address for a server that is started later.

use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// A free port on a loopback address of its own, so that no other connection can take the port
/// meanwhile.
pub fn free_address() -> SocketAddr {
    static COUNT: AtomicU16 = AtomicU16::new(0);
    let [high, low] = COUNT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let of_process = 1 + (std::process::id() % 250) as u8;
    let listener = TcpListener::bind(SocketAddr::from(([127, of_process, high, low], 0)));
    listener.unwrap().local_addr().unwrap()
}
