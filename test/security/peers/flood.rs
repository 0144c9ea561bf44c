//! A flood of connections to a node that is full of clients must not keep its peers out.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::BOTH;
use super::forger::{Forger, guess};
use super::group::{Certificates, Group, Kind, eventually};
use crate::connect_from::try_connect_from;

/// Clients for whom a node has room.
const ROOM: usize = 20;
/// The time between two connections of the flood.
const INTERVAL: Duration = Duration::from_micros(909);
/// Connections of the flood that stay open, unless the node closes them.
const HELD: usize = 4000;
const ATTEMPTS: usize = 30;

/// Opens connections from many addresses until the sender is dropped. Returns how many a second.
fn flood(node: SocketAddr, stop: &mpsc::Receiver<()>) -> f64 {
    let (started, mut count) = (Instant::now(), 0_u32);
    let mut held = VecDeque::new();
    loop {
        let due = started + INTERVAL * count;
        let wait = due.saturating_duration_since(Instant::now());
        if stop.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
            return f64::from(count) / started.elapsed().as_secs_f64();
        }
        let [.., high, low] = (count % 1000).to_be_bytes();
        held.extend(try_connect_from(Ipv4Addr::new(127, 67, high, low), node).ok());
        count += 1;
        if held.len() > HELD {
            held.pop_front();
        }
    }
}

fn call_during_a_flood(certificates: Certificates) {
    let mut group = Group::start_with_room(Kind::Store, certificates, ROOM);
    group.stop(2);
    group.leader();
    let node: SocketAddr = group.addresses[0].1.parse().unwrap();
    // Clients with open calls: none of them gives way.
    let mut clients = Vec::new();
    eventually("the node is full of clients", || {
        clients.extend(group.watch(0).ok());
        clients.len() >= ROOM
    });
    let (running, stop) = mpsc::channel();
    let thread = thread::spawn(move || flood(node, &stop));
    eventually("no more clients get in", || group.watch(0).is_err());
    let folder = group.node_folder(2);
    for protocol in BOTH {
        // A node is not believed at once, but it is heard: its hello is answered.
        let call = |_: &usize| {
            Forger::call(&group, folder.as_deref(), protocol, (2, 0), guess(), &[]).is_ok()
        };
        let accepted = (0..ATTEMPTS).filter(call).count();
        println!("{certificates:?} {protocol:?}: {accepted} of {ATTEMPTS} calls are accepted");
        assert!(accepted >= ATTEMPTS / 10, "{accepted} of {ATTEMPTS}");
    }
    drop(running);
    let rate = thread.join().unwrap();
    println!("{rate:.0} connections a second flooded the node");
    assert!(rate > 500.0, "{rate} connections a second");
    // The clients were served all the time.
    drop(clients);
    group.start_again(2);
    group.commit();
}

#[test]
fn a_peer_reaches_a_full_node_through_a_flood_in_the_clear() {
    call_during_a_flood(Certificates::None);
}

#[test]
fn a_peer_reaches_a_full_node_through_a_flood_with_certificates() {
    call_during_a_flood(Certificates::Roles);
}
