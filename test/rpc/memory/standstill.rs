//! Unfinished messages without progress: their memory is freed when others need it.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use agora::call::{Limits, Metadata};
use agora::rpc::ServerOptions;
use agora::session::Protocol;

use super::received::Client;
use super::server::MEBIBYTE;
use crate::fixture::{ECHO, Fixture, both, eventually, within};
use crate::wait::pace;

const TIMEOUT: Duration = Duration::from_secs(1);
/// So many bytes of each message are not sent.
const REST_BYTES: usize = 100_000;

fn server(max_received_bytes: usize) -> Fixture {
    let limits = Limits { unfinished_message_timeout: TIMEOUT, ..Limits::DEFAULT };
    Fixture::with(ServerOptions { limits, max_received_bytes, ..ServerOptions::default() })
}

/// Clients that have sent 3.9 MiB each, and wait.
fn begin(server: SocketAddr, protocol: Protocol, count: usize) -> Vec<Client> {
    let message = vec![7; 4 * MEBIBYTE];
    let begin = |_| {
        let mut client = Client::new(server, protocol);
        client.start(ECHO, &Metadata::new(), Some(&message));
        client.budget = message.len() - REST_BYTES;
        client
    };
    (0..count).map(begin).collect()
}

#[test]
fn memory_of_clients_that_stop_sending_is_freed() {
    both(|protocol| {
        let server = server(16 * MEBIBYTE);
        let mut idle = begin(server.address, protocol, 4);
        eventually("the memory is full", || {
            idle.iter_mut().for_each(|client| {
                client.turn();
            });
            idle.iter().all(|client| client.budget == 0 || client.ends.exhausted == 1)
        });
        let channel = server.channel(protocol);
        let message = vec![7; MEBIBYTE];
        eventually("there is room again", || {
            idle.iter_mut().for_each(|client| {
                client.turn();
            });
            let answer = channel.unary(ECHO, &message, &within(Duration::from_secs(10)));
            answer.is_ok() && idle.iter().any(|client| client.ends.exhausted == 1)
        });
        // Their connections still work, and the remaining clients finish their messages.
        for client in &mut idle {
            client.budget = usize::MAX;
            client.start(ECHO, &Metadata::new(), Some(b"next"));
        }
        eventually("they are served", || {
            idle.iter_mut().for_each(|client| {
                client.turn();
            });
            idle.iter().all(|client| client.ends.ok + client.ends.exhausted == 2)
        });
    });
}

#[test]
fn a_slow_sender_is_kept_when_memory_is_short_and_an_idle_one_when_it_is_not() {
    both(|protocol| {
        let server = server(64 * MEBIBYTE);
        let mut first = begin(server.address, protocol, 1);
        let mut slow = Client::new(server.address, protocol);
        slow.start(ECHO, &Metadata::new(), Some(&[7; 3 * MEBIBYTE]));
        slow.budget = 0;
        let goes_on = |slow: &mut Client| {
            slow.budget += 2_000;
            slow.turn();
            pace(Duration::from_millis(18));
        };
        let began = Instant::now();
        eventually("time has passed", || {
            first[0].turn();
            goes_on(&mut slow);
            began.elapsed() > 3 * TIMEOUT
        });
        assert_eq!(first[0].ends.exhausted, 0, "there is memory");
        let mut others = begin(server.address, protocol, 8);
        eventually("idle senders are given up", || {
            goes_on(&mut slow);
            first.iter_mut().chain(&mut others).for_each(|client| {
                client.turn();
            });
            first.iter().chain(&others).any(|client| client.ends.exhausted == 1)
        });
        assert_eq!(slow.ends.exhausted, 0);
        slow.budget = usize::MAX;
        eventually("the slow one is served", || {
            slow.turn();
            slow.ends.ok == 1
        });
    });
}
