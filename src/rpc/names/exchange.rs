//! Queries one name server for both address families of a name, over UDP, and over TCP when an
//! answer is truncated.
//!
//! Every exchange has a socket of its own, connected to the server, on a port that the kernel
//! picks, and unpredictable ids. So an attacker who does not see the query cannot forge an answer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use crate::dns::Name;
use crate::dns::message::{Answer, AnswerError, Family, encode_query, parse_answer};
use crate::rpc::random::random_bytes;

/// A server's answers for both families; `None` for one that did not arrive in time.
#[derive(Debug, Default)]
pub(super) struct Answers {
    pub(super) v4: Option<Answer>,
    pub(super) v6: Option<Answer>,
}

/// How long to wait for the other family's answer once there are addresses (RFC 8305, section 3).
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
const DATAGRAM_BYTES: usize = 4096;

/// A query, and its answer once it has arrived.
struct PendingQuery<'a> {
    id: u16,
    name: &'a Name,
    family: Family,
    query: Vec<u8>,
    answer: Option<Answer>,
}

impl<'a> PendingQuery<'a> {
    fn new(name: &'a Name, family: Family) -> PendingQuery<'a> {
        let id = u16::from_le_bytes(random_bytes());
        PendingQuery { id, name, family, query: encode_query(id, name, family), answer: None }
    }

    fn parse_answer(&self, message: &[u8]) -> Result<Answer, AnswerError> {
        parse_answer(message, self.id, self.name, self.family)
    }

    fn has_addresses(&self) -> bool {
        matches!(self.answer, Some(Answer::Addresses { .. }))
    }
}

/// Queries `server` for both families of `name`, until `until` at most.
///
/// # Errors
/// The operating system's when there was no answer: nothing listens there, no route, timeout.
/// `InvalidData` when the answer is malformed.
pub(super) fn query_server(
    server: SocketAddr,
    name: &Name,
    until: Instant,
    only_tcp: bool,
) -> io::Result<Answers> {
    let mut pending = [PendingQuery::new(name, Family::V6), PendingQuery::new(name, Family::V4)];
    let mut failure = None;
    if !only_tcp && let Err(error) = query_over_udp(server, &mut pending, until) {
        failure = Some(error);
    }
    for pending in &mut pending {
        let wants_tcp = match pending.answer {
            None => only_tcp,
            Some(ref answer) => *answer == Answer::Truncated,
        };
        if wants_tcp {
            pending.answer = None;
            match query_over_tcp(server, pending, until) {
                Ok(answer) => pending.answer = Some(answer),
                Err(error) => failure = Some(error),
            }
        }
    }
    let [v6, v4] = pending.map(|pending| pending.answer);
    match failure {
        Some(error) if v4.is_none() && v6.is_none() => Err(error),
        _ => Ok(Answers { v4, v6 }),
    }
}

/// Sends all queries, and receives their answers in any order.
fn query_over_udp(
    server: SocketAddr,
    pending: &mut [PendingQuery<'_>],
    mut until: Instant,
) -> io::Result<()> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(any, 0))?;
    socket.connect(server)?;
    for pending in pending.iter() {
        socket.send(&pending.query)?;
    }
    let mut buffer = vec![0; DATAGRAM_BYTES];
    while pending.iter().any(|pending| pending.answer.is_none()) {
        socket.set_read_timeout(Some(left(until)?))?;
        let received = match socket.recv(&mut buffer) {
            Ok(count) => buffer.get(..count).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        };
        for pending in pending.iter_mut().filter(|pending| pending.answer.is_none()) {
            match pending.parse_answer(received) {
                Ok(answer) => {
                    pending.answer = Some(answer);
                    if pending.has_addresses() {
                        until = until.min(Instant::now() + RESOLUTION_DELAY);
                    }
                    break;
                }
                Err(AnswerError::Unrelated) => (),
                Err(AnswerError::Malformed) => return Err(malformed_answer()),
            }
        }
    }
    Ok(())
}

/// Sends a query and receives its answer on a connection, each prefixed by its length (RFC 1035,
/// section 4.2.2).
fn query_over_tcp(
    server: SocketAddr,
    pending: &PendingQuery<'_>,
    until: Instant,
) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&server, left(until)?)?;
    let mut message = (pending.query.len() as u16).to_be_bytes().to_vec();
    message.extend(&pending.query);
    stream.set_write_timeout(Some(left(until)?))?;
    stream.write_all(&message)?;
    let mut length = [0; 2];
    read_exactly(&mut stream, &mut length, until)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    read_exactly(&mut stream, &mut message, until)?;
    match pending.parse_answer(&message) {
        Ok(Answer::Truncated) | Err(_) => Err(malformed_answer()),
        Ok(answer) => Ok(answer),
    }
}

fn read_exactly(stream: &mut TcpStream, buffer: &mut [u8], until: Instant) -> io::Result<()> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        stream.set_read_timeout(Some(left(until)?))?;
        match stream.read(rest) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err(ErrorKind::TimedOut.into());
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn malformed_answer() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "a malformed answer")
}

/// The time that is left, above zero as sockets require.
fn left(until: Instant) -> io::Result<Duration> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}
