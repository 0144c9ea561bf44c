//! Connections from an address of the test's choice: every address in 127.0.0.0/8 is this host's.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use rustix::net::{AddressFamily, SocketType, bind, connect, socket};

/// A connection to `server` from a free port of `from`.
pub fn connect_from(from: Ipv4Addr, server: SocketAddr) -> TcpStream {
    try_connect_from(from, server).unwrap()
}

/// As [`connect_from`], for many connections: the ports of an address may all be in use for a while.
pub fn try_connect_from(from: Ipv4Addr, server: SocketAddr) -> io::Result<TcpStream> {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::from((from, 0)))?;
    connect(&socket, &server)?;
    Ok(TcpStream::from(socket))
}
