//! Messages and control frames that cost the server more than the client.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use agora::session::Protocol;

use super::attacker::{Attacker, drive, is_closed};
use super::node::{Node, eventually};
use super::{ATTACKER, BOUNDS};
use crate::connect_from::connect_from;

const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";

#[test]
fn pings_and_settings_without_traffic_end_the_connection() {
    let node = Node::start(&BOUNDS);
    let preface = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], SETTINGS].concat();
    let hello = b"AGR1\0\0\0\x0a\x01\0\0\0\0\x08\x80\x80\x10\x10\x80\x80\x40\x18\x00".to_vec();
    let floods = [
        (&preface, b"\0\0\x08\x06\0\0\0\0\0pingping".repeat(4)),
        (&preface, SETTINGS.repeat(250)),
        (&hello, b"\0\0\0\x08\x0a\0\0\0\0pingping".repeat(4)),
    ];
    for (beginning, flood) in floods {
        let mut socket = connect_from(ATTACKER, node.address);
        socket.write_all(beginning).unwrap();
        eventually("the flood ends the connection", || {
            // One flood after the other, since more than a hundred unread replies stop the reader.
            socket.set_nonblocking(false).unwrap();
            socket.write_all(&flood).is_err() || is_closed(&mut socket)
        });
    }
    node.serves_soon();
}

/// PATH 1, and then requests without end.
fn flood_of_calls() -> Vec<u8> {
    let mut bytes = b"AGR1\0\0\0\x0a\x01\0\0\0\0\x08\x80\x80\x10\x10\x80\x80\x40\x18\x00".to_vec();
    let path = b"/grpc.health.v1.Health/Check";
    bytes.extend_from_slice(&[0, 0, 0, path.len() as u8, 2, 0, 0, 0, 1]);
    bytes.extend_from_slice(path);
    for id in 1..200_000_u32 {
        bytes.extend_from_slice(&[0, 0, 0, 6, 0xc3]);
        bytes.extend_from_slice(&id.to_be_bytes());
        bytes.extend_from_slice(b"\0\0\0\x02\x08\x01");
    }
    bytes
}

/// Stops the flood, also when the test fails.
struct StopAtEnd<'a>(&'a AtomicBool);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_flood_of_calls_of_one_address_does_not_delay_others() {
    let node = Node::start(&BOUNDS);
    let bytes = flood_of_calls();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let mut sockets: Vec<_> =
                (0..100).map(|_| (connect_from(ATTACKER, node.address), 0)).collect();
            let mut buffer = vec![0; 256 * 1024];
            let mut answered = 0;
            while !stop.load(Ordering::Relaxed) {
                for (socket, written) in &mut sockets {
                    socket.set_nonblocking(true).unwrap();
                    if let Ok(count) = socket.write(&bytes[*written..]) {
                        *written += count;
                    }
                    answered += socket.read(&mut buffer).unwrap_or(0);
                }
            }
            answered
        });
        let served = {
            let _stop = StopAtEnd(&stop);
            node.answers_soon()
        };
        let answered = flood.join().unwrap();
        println!("{answered} bytes of answers for the flood, others wait {served:?}");
        assert!(answered > 100_000);
    });
}

#[test]
fn a_call_is_answered_without_waiting_for_the_end_of_its_stream() {
    let node = Node::start(&BOUNDS);
    for protocol in [Protocol::Native, Protocol::Grpc] {
        let mut attackers = [Attacker::new(ATTACKER, node.address, protocol)];
        for _ in 0..90 {
            assert!(attackers[0].start("/grpc.health.v1.Health/Check", Some(b""), false));
        }
        drive(&mut attackers);
        assert_eq!(attackers[0].answers.messages, 90, "{:?}", attackers[0].answers.ends);
    }
}
