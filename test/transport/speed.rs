//! The cost of encoding an entry, and of a round of AppendEntries over sockets: `cargo test
//! --release --test transport speed -- --ignored --nocapture --test-threads=1`.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use agora::raft::{AppendOutcome, Body, Entry, Message, NodeId, Origin, Payload, SnapshotMark};
use agora::replica::transport::Transport;
use agora::replica::wire::{Encoder, decode};
use agora::rpc::{
    EventLoopTask, PeerStreamEvent, PeerStreamId, Reactor, Server, ServerOptions, Services,
};

use super::node::{eventually, free_address, introduction, message, options};
use crate::wait::pace;

/// The best of several runs, in nanoseconds per unit.
fn best(units: usize, mut run: impl FnMut()) -> f64 {
    let once = |run: &mut dyn FnMut()| {
        let started = Instant::now();
        run();
        started.elapsed()
    };
    let fastest = (0..50).map(|_| once(&mut run)).min().unwrap_or(Duration::ZERO);
    fastest.as_nanos() as f64 / units as f64
}

fn append(count: u64, bytes: usize) -> Message {
    let entry = |index| Entry {
        term: 3,
        index,
        at_ms: 1_700_000_000_000,
        payload: Payload::Command {
            origin: Some(Origin { session: 70_000, sequence: index, acknowledged: index - 1 }),
            command: vec![7; bytes].into(),
        },
    };
    Message {
        term: 3,
        body: Body::AppendEntries {
            prev_log_index: 100_000,
            prev_log_term: 3,
            entries: (100_001..=100_000 + count).map(entry).collect(),
            leader_commit: 100_000,
            sent_at: Duration::from_secs(1000),
            lease: Duration::from_millis(300),
            read_round: 9,
        },
    }
}

#[test]
#[ignore = "a measurement"]
fn cost_of_an_entry() {
    println!(
        "{:>8}{:>8}{:>12}{:>12}{:>12}{:>12}",
        "entries", "bytes", "copy", "encode", "again", "decode"
    );
    for (count, bytes) in [(1, 300), (64, 300), (1000, 300), (1000, 30), (200, 5000)] {
        let message = append(count, bytes);
        let Body::AppendEntries { entries, .. } = &message.body else { return };
        let rounds = 100_000 / count as usize;
        let units = rounds * count as usize;
        let mut out = Vec::new();
        let copy = best(units, || {
            for _ in 0..rounds {
                out.clear();
                for entry in entries.iter() {
                    if let Payload::Command { command, .. } = &entry.payload {
                        out.extend_from_slice(command);
                    }
                }
                black_box(&out);
            }
        });
        let mut encoder = Encoder::default();
        // Other entries in between, so that the encoder has none cached.
        let fresh: Vec<Message> = (0..2)
            .map(|_| {
                let mut message = message.clone();
                if let Body::AppendEntries { entries, .. } = &mut message.body {
                    *entries = Arc::from(entries.to_vec());
                }
                message
            })
            .collect();
        let encode = best(units, || {
            for round in 0..rounds {
                black_box(encoder.encode(&fresh[round % 2]));
            }
        });
        let again = best(units, || {
            for _ in 0..rounds {
                black_box(encoder.encode(&message));
            }
        });
        let encoded = encoder.encode(&message).to_vec();
        let decoded = best(units, || {
            for _ in 0..rounds {
                black_box(decode(&encoded)).unwrap();
            }
        });
        println!(
            "{count:>8}{bytes:>8}{copy:>9.1} ns{encode:>9.1} ns{again:>9.1} ns{decoded:>9.1} ns"
        );
    }
}

/// Sends entries to all others, after a piece of a snapshot if it has one, and again when all have
/// answered.
struct Leader {
    transport: Transport,
    peers: Vec<NodeId>,
    piece: Option<Message>,
    message: Message,
    missing: usize,
    rounds: Arc<AtomicU64>,
}

/// Sends replies.
struct Follower {
    transport: Transport,
}

impl EventLoopTask for Leader {
    fn poll(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant> {
        self.transport.poll(reactor.peer_streams());
        self.missing -= self.transport.take_incoming().filter_map(message).count();
        let are_up = self.peers.iter().all(|peer| self.transport.is_up(*peer));
        if self.missing == 0 && are_up {
            self.rounds.fetch_add(1, Ordering::Relaxed);
            for peer in &self.peers {
                for message in self.piece.iter().chain([&self.message]) {
                    // At the end peers disconnect one after another.
                    let _ = self.transport.send(reactor.peer_streams(), *peer, message);
                }
                self.missing += 1;
            }
            // Other entries each time, as in production.
            if let Body::AppendEntries { entries, .. } = &mut self.message.body {
                *entries = Arc::from(entries.to_vec());
            }
        }
        None
    }

    fn handle_stream_event(&mut self, id: PeerStreamId, event: PeerStreamEvent<'_>) {
        self.transport.handle_stream_event(id, event);
    }
}

impl EventLoopTask for Follower {
    fn poll(&mut self, reactor: &mut Reactor<'_>) -> Option<Instant> {
        self.transport.poll(reactor.peer_streams());
        let questions: Vec<_> = self.transport.take_incoming().filter_map(message).collect();
        for (from, Message { term, body }) in questions {
            let Body::AppendEntries { entries, sent_at, read_round, .. } = body else { continue };
            let match_index = entries.last().map_or(0, |entry| entry.index);
            let outcome = AppendOutcome::Matched { match_index };
            let body = Body::AppendEntriesReply { outcome, sent_at, read_round };
            let _ = self.transport.send(reactor.peer_streams(), from, &Message { term, body });
        }
        None
    }

    fn handle_stream_event(&mut self, id: PeerStreamId, event: PeerStreamEvent<'_>) {
        self.transport.handle_stream_event(id, event);
    }
}

/// CPU time of this process.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after = stat.rsplit_once(')').unwrap().1;
    let ticks = after.split_whitespace().skip(11).take(2).map(|n| n.parse::<u64>().unwrap());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

/// Rounds of a group: microseconds and CPU microseconds per round.
fn rounds(followers: u64, entries: u64, piece_bytes: Option<usize>) -> (f64, f64) {
    let places: Vec<_> = (1..=followers + 1).map(|id| (id, free_address())).collect();
    let rounds = Arc::<AtomicU64>::default();
    let serve = |id: NodeId| {
        let mut services = Services::new();
        let mut transport = Transport::new(options(id, &places), &mut services);
        transport.set_introduction(introduction(id));
        let at = places[id as usize - 1].1;
        let mut server = Server::bind(at, services, ServerOptions::default()).unwrap();
        if id == 1 {
            let (peers, rounds) = ((2..=followers + 1).collect(), Arc::clone(&rounds));
            let (piece, message) = (piece_bytes.map(piece), append(entries, 300));
            let leader = Leader { transport, peers, piece, message, missing: 0, rounds };
            server.attach(leader);
        } else {
            server.attach(Follower { transport });
        }
        let handle = server.handle();
        (handle, std::thread::spawn(move || server.run().unwrap()))
    };
    let servers: Vec<_> = (1..=followers + 1).map(serve).collect();
    eventually("rounds", || rounds.load(Ordering::Relaxed) > 10);
    let (started, used, before) = (Instant::now(), cpu(), rounds.load(Ordering::Relaxed));
    pace(Duration::from_secs(2));
    let done = (rounds.load(Ordering::Relaxed) - before) as f64;
    let (took, used) = (started.elapsed().as_secs_f64(), (cpu() - used).as_secs_f64());
    servers.iter().for_each(|(handle, _)| handle.shut_down());
    (took * 1e6 / done, used * 1e6 / done)
}

fn piece(bytes: usize) -> Message {
    let body = Body::InstallSnapshot {
        snapshot: SnapshotMark { index: 9, term: 3 },
        offset: 0,
        data: vec![7; bytes].into(),
        is_last: false,
        sent_at: Duration::ZERO,
        lease: Duration::from_millis(300),
    };
    Message { term: 3, body }
}

#[test]
#[ignore = "a measurement"]
fn cost_of_a_round() {
    println!("{:>10}{:>8}{:>14}{:>14}", "followers", "entries", "us a round", "CPU us");
    for (followers, entries) in [(1, 1), (2, 1), (2, 64), (4, 1), (4, 64)] {
        let (took, used) = rounds(followers, entries, None);
        println!("{followers:>10}{entries:>8}{took:>14.1}{used:>14.1}");
    }
}

/// On a network of 1 Gbit/s, as root: `unshare --net sh -c 'ip link set lo up; tc qdisc add dev lo
/// root tbf rate 1gbit burst 128kb latency 100ms; cargo test ...'`.
#[test]
#[ignore = "a measurement"]
fn heartbeat_latency_behind_a_snapshot_piece() {
    for bytes in [None, Some(512 * 1024)] {
        let (took, _) = rounds(1, 0, bytes);
        println!("behind {:>8} bytes: answered after {took:.1} us", bytes.unwrap_or_default());
    }
}
