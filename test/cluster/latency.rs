//! Nodes with a one-way latency of 40 and 75 ms, with default timing; and slow links.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use agora::raft::NodeId;

use crate::clients::Clients;
use crate::cluster::{Cluster, STABLE_TIMING};
use crate::free_address::free_address;
use crate::process::{eventually, peers_flag};
use crate::wait::{pace, pace_until};

/// The properties of a simulated link.
#[derive(Clone, Copy)]
struct Link {
    /// The added latency.
    delay: Duration,
    /// The bandwidth in each direction.
    bytes_per_s: u32,
}

fn distant(delay: Duration) -> Link {
    Link { delay, bytes_per_s: u32::MAX }
}

/// Forwards connections to another address. Its threads end with the connections, the last one with
/// the test process.
fn through(target: String, link: Link) -> SocketAddr {
    let listener = TcpListener::bind(free_address()).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let target = target.clone();
            thread::spawn(move || {
                let Ok(far) = TcpStream::connect(&target) else { return };
                let _ = (near.set_nodelay(true), far.set_nodelay(true));
                let (Ok(near_again), Ok(far_again)) = (near.try_clone(), far.try_clone()) else {
                    return;
                };
                thread::spawn(move || carry(near, &far, link));
                carry(far_again, &near_again, link);
            });
        }
    });
    address
}

/// Forwards bytes in one direction.
fn carry(mut from: TcpStream, to: &TcpStream, link: Link) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    let mut out = to.try_clone().unwrap();
    let writer = thread::spawn(move || {
        for (due, bytes) in receiver {
            pace_until(due);
            pace(Duration::from_secs(bytes.len() as u64) / link.bytes_per_s);
            if out.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = out.shutdown(Shutdown::Both);
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if sender.send((Instant::now() + link.delay, buffer[..read].to_vec())).is_err() {
            break;
        }
    }
    drop(sender);
    let _ = writer.join();
}

/// Starts all nodes; every node reaches its peers through links of its own.
fn launch_behind(cluster: &mut Cluster, link: Link) {
    for id in cluster.ids() {
        let seen = |(peer, at): &(NodeId, String)| match *peer == id {
            true => (*peer, at.clone()),
            false => (*peer, through(at.clone(), link).to_string()),
        };
        let peers = peers_flag(&cluster.nodes.iter().map(seen).collect::<Vec<_>>());
        cluster.launch_with(id, &peers);
    }
}

/// With a round trip of 150 ms no leader lasts long with default timing, but nodes log a warning;
/// with the timeouts that it recommends the group works.
#[test]
fn nodes_on_slow_links_log_the_timeouts_that_they_need() {
    let delay = Duration::from_millis(75);
    let mut cluster = Cluster::new(3, &[]);
    launch_behind(&mut cluster, distant(delay));
    let mut advice = String::new();
    eventually("a warning is logged", || {
        let output: String = cluster.ids().map(|id| cluster.process(id).stderr()).collect();
        let flags = output.lines().find_map(|line| line.split_once("Start every node with "));
        advice = flags.map_or(String::new(), |(_, flags)| flags.to_owned());
        !advice.is_empty()
    });
    let flags: Vec<&str> = advice.split_whitespace().collect();
    assert_eq!((flags[0], flags[2], flags[4]), ("--heartbeat", "--election-timeout", "--lease"));
    let timeout: f64 = flags[3].parse().unwrap();
    assert!((1.5..5.0).contains(&timeout), "{advice}");
    drop(cluster);

    let mut cluster = Cluster::new(3, &flags);
    launch_behind(&mut cluster, distant(delay));
    let leader = cluster.leader();
    let client = cluster.client();
    for round in 0..10 {
        client.set(b"x", format!("{round}").as_bytes()).unwrap();
    }
    assert_eq!(cluster.leader(), leader);
    for id in cluster.ids() {
        let output = cluster.process(id).stderr();
        assert!(!output.contains("Start every node with"), "{output}");
    }
}

#[test]
fn distant_nodes_elect_a_leader_once_and_keep_it() {
    let mut cluster = Cluster::new(3, &[]);
    let delay = Duration::from_millis(40);
    launch_behind(&mut cluster, distant(delay));
    let leader = cluster.leader();
    let client = cluster.client();
    client.set(b"x", b"first").unwrap();
    let began = Instant::now();
    client.set(b"x", b"second").unwrap();
    assert!(began.elapsed() >= 2 * delay, "{:?}: there and back", began.elapsed());
    let clients = Clients::start(3, &cluster.nodes, Duration::from_secs(30), 41);
    clients.await_progress(100);
    cluster.kill(&[leader]);
    clients.await_progress(50);
    let next = cluster.leader();
    assert_ne!(next, leader);
    let tally = clients.judge(&client);
    assert_eq!(tally.unknown, 0, "{tally}");
    eventually("both have the same", || {
        let left = cluster.others(leader);
        cluster.operations(left[0]) == cluster.operations(left[1])
    });
}

/// A value takes longer on the link than a lease lasts. Heartbeats have connections of their own.
#[test]
fn large_values_on_slow_links_do_not_end_the_lease() {
    let mut cluster = Cluster::new(3, STABLE_TIMING);
    launch_behind(&mut cluster, Link { delay: Duration::ZERO, bytes_per_s: 400_000 });
    let leader = cluster.leader();
    let term = cluster.status(leader).unwrap().term;
    let began = Instant::now();
    thread::scope(|scope| {
        for key in ["x", "y"] {
            let client = cluster.client();
            scope.spawn(move || client.set(key.as_bytes(), &[b'v'; 1 << 20]).unwrap());
        }
    });
    assert!(began.elapsed() > Duration::from_secs(3), "{:?}: the links are slow", began.elapsed());
    assert_eq!(cluster.status(leader).unwrap().term, term, "{}", cluster.output());
}
