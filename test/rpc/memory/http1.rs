//! Idle connections of HTTP/1.1.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::server::Process;

const IDLE: usize = 800;
const MAX_IDLE_KIB: usize = 16;

#[test]
fn an_idle_connection_costs_little() {
    let mut server = Process::start();
    // What the first request needs once.
    let first = answered(&server);
    let before = server.settled_mib();
    let idle: Vec<_> = (0..IDLE).map(|_| answered(&server)).collect();
    let grown_kib = (server.settled_mib().saturating_sub(before) + 1) * 1024;
    assert!(grown_kib < IDLE * MAX_IDLE_KIB, "{grown_kib} KiB for {IDLE} connections");
    drop((first, idle));
}

/// A connection whose request with large fields was answered.
fn answered(server: &Process) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let fields = format!("x: {}\r\n", "v".repeat(8_000));
    let request = format!("GET /none HTTP/1.1\r\nhost: x\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 404");
    stream
}
