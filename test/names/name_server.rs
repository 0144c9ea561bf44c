//! A small DNS server on loopback with the test's answers.

use crate::wait::pause;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// A query: the name in lower case, and the record type (1: A, 28: AAAA).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub name: String,
    pub kind: u16,
    pub by_tcp: bool,
}

/// The server's answer.
pub enum Say {
    /// Records behind the question: type, TTL and data of each.
    Records(Vec<(u16, u32, Vec<u8>)>),
    /// An RCODE.
    Code(u8),
    /// It does not fit into a datagram.
    CutOff,
    /// Other bytes, made from those of the query.
    Bytes(fn(&[u8]) -> Vec<Vec<u8>>),
    Nothing,
}

/// The function that answers queries.
pub type Answer = fn(&Query) -> Say;

/// The A record of an address.
pub fn a(address: [u8; 4]) -> Say {
    Say::Records(vec![(1, 60, address.to_vec())])
}

pub struct NameServer {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Query>>>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

const LOOK: Duration = Duration::from_millis(20);

impl NameServer {
    /// Listens on `address` (port 0: a free one), UDP and TCP, and answers as `say` says.
    pub fn at(address: &str, say: impl Fn(&Query) -> Say + Send + Sync + 'static) -> NameServer {
        NameServer::on(bind(address), say)
    }

    fn on(
        (socket, listener): (UdpSocket, TcpListener),
        say: impl Fn(&Query) -> Say + Send + Sync + 'static,
    ) -> NameServer {
        socket.set_read_timeout(Some(LOOK)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let (asked, stop) = (Arc::<Mutex<Vec<Query>>>::default(), Arc::<AtomicBool>::default());
        let say = Arc::new(say);
        let answer = {
            let asked = Arc::clone(&asked);
            move |query: &[u8], by_tcp: bool| {
                let read = read(query, by_tcp);
                asked.lock().unwrap().push(read.clone());
                replies(query, say(&read))
            }
        };
        let (of_udp, until) = (answer.clone(), Arc::clone(&stop));
        let udp = thread::spawn(move || {
            let mut buffer = [0; 512];
            while !until.load(Ordering::Relaxed) {
                let Ok((count, from)) = socket.recv_from(&mut buffer) else { continue };
                for reply in of_udp(&buffer[..count], false) {
                    let _ = socket.send_to(&reply, from);
                }
            }
        });
        let until = Arc::clone(&stop);
        let tcp = thread::spawn(move || {
            while !until.load(Ordering::Relaxed) {
                let Ok((mut stream, _)) = listener.accept() else {
                    pause();
                    continue;
                };
                stream.set_nonblocking(false).unwrap();
                let mut length = [0; 2];
                stream.read_exact(&mut length).unwrap();
                let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
                stream.read_exact(&mut query).unwrap();
                for reply in answer(&query, true) {
                    // In two pieces, as a network may deliver it.
                    let _ = stream.write_all(&(reply.len() as u16).to_be_bytes());
                    let _ = stream.write_all(&reply);
                }
            }
        });
        NameServer { address, asked, stop, threads: vec![udp, tcp] }
    }

    /// One on each address, all on one port, which is free on all of them: that is how a system
    /// configuration has them, as it names no ports.
    pub fn on_one_port<const N: usize>(servers: [(&str, Answer); N]) -> [NameServer; N] {
        let sockets = try_often(|| {
            let mut port = 0;
            let mut bound = Vec::new();
            for (address, _) in &servers {
                let pair = try_bind(&format!("{address}:{port}"))?;
                port = pair.0.local_addr().ok()?.port();
                bound.push(pair);
            }
            <[(UdpSocket, TcpListener); N]>::try_from(bound).ok()
        });
        let mut says = servers.into_iter().map(|(_, say)| say);
        sockets.map(|pair| NameServer::on(pair, says.next().unwrap()))
    }

    /// On a free port.
    pub fn new(say: impl Fn(&Query) -> Say + Send + Sync + 'static) -> NameServer {
        NameServer::at("127.0.0.1:0", say)
    }

    /// The queries that it received, in order.
    pub fn asked(&self) -> Vec<Query> {
        self.asked.lock().unwrap().clone()
    }

    /// The queried names, each once, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.asked().into_iter().map(|query| query.name).collect();
        names.dedup();
        names
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let joined = thread.join();
            assert!(joined.is_ok() || thread::panicking(), "the name server has panicked");
        }
    }
}

/// Both on one port, which must be free for both.
fn bind(address: &str) -> (UdpSocket, TcpListener) {
    try_often(|| try_bind(address))
}

fn try_bind(address: &str) -> Option<(UdpSocket, TcpListener)> {
    let socket = UdpSocket::bind(address).ok()?;
    let listener = TcpListener::bind(socket.local_addr().ok()?).ok()?;
    Some((socket, listener))
}

/// Retries, because other programs may take the port.
fn try_often<T>(bind: impl Fn() -> Option<T>) -> T {
    (0..100).find_map(|_| bind()).unwrap()
}

fn read(query: &[u8], by_tcp: bool) -> Query {
    let (mut labels, mut at) = (Vec::new(), 12);
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        labels.push(String::from_utf8(query[at + 1..end].to_vec()).unwrap());
        at = end;
    }
    let kind = u16::from_be_bytes([query[at + 1], query[at + 2]]);
    Query { name: labels.join(".").to_lowercase(), kind, by_tcp }
}

fn replies(query: &[u8], say: Say) -> Vec<Vec<u8>> {
    let mut reply = query.to_vec();
    // An answer, recursion available.
    reply[2] |= 0x80;
    reply[3] |= 0x80;
    match say {
        Say::Records(records) => {
            reply[6..8].copy_from_slice(&(records.len() as u16).to_be_bytes());
            for (kind, ttl_s, data) in records {
                reply.extend([0xc0, 12]);
                reply.extend(kind.to_be_bytes());
                reply.extend([0, 1]);
                reply.extend(ttl_s.to_be_bytes());
                reply.extend((data.len() as u16).to_be_bytes());
                reply.extend(data);
            }
        }
        Say::Code(code) => reply[3] |= code,
        Say::CutOff => reply[2] |= 0x02,
        Say::Bytes(make) => return make(&reply),
        Say::Nothing => return Vec::new(),
    }
    vec![reply]
}
