//! Invalid flags, ports in use, and foreign peers.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::night::json_line;
use crate::process::{Process, TestDirectory, agora, bound, eventually};

#[test]
fn wrong_usage_is_exit_status_2_and_touches_nothing() {
    let home = TestDirectory::new();
    let logs = home.0.join("logs");
    let logs = logs.to_str().unwrap();
    for (flags, words) in [
        ("", "--id"),
        ("--id 1", "--peers"),
        ("--id 1 --peers 0=127.0.0.1:1", "--peers has no node 1"),
        ("--id 0 --peers 0=127.0.0.1", "no HOST:PORT"),
        ("--id 0 --peers 0=127.0.0.1:1,0=127.0.0.1:2", "twice"),
        ("--id x --peers 0=127.0.0.1:1", "--id"),
        ("--id 0 --peers 0=127.0.0.1:1 --lease 0.01", "lease"),
        (
            "--id 0 --peers 0=127.0.0.1:1 --lease 100000",
            "lease 100000s: too long for an election timeout of 300ms",
        ),
        ("--id 0 --peers 0=127.0.0.1:1 --heartbeat 9", "heartbeat"),
        ("--id 0 --peers 0=127.0.0.1:1 --dump some", "--dump"),
        ("--id 0 --peers 0=127.0.0.1:1 --log-format yaml", "--log-format"),
        ("--id 0 --peers 0=127.0.0.1:1 --snapshot-bytes 5", "--snapshot-bytes"),
        ("--id 0 --peers 0=127.0.0.1:1 --peer-tls-name x", "--peer-tls-ca"),
        ("--id 0 --peers 0=127.0.0.1:1 --no-such-flag", "no-such-flag"),
        ("--id 0 --peers 0=127.0.0.1:1 superfluous", "superfluous"),
        ("--id 0 --peers 0=127.0.0.1:1 --listen nowhere", "--listen"),
    ] {
        let mut arguments = vec!["node", "--logs", logs];
        arguments.extend(flags.split_whitespace());
        let output = agora(&arguments);
        assert_eq!((output.code, &*output.stdout), (2, ""), "{flags}: {output:?}");
        assert!(output.stderr.contains(words), "{flags}: {output:?}");
    }
    assert!(!home.0.join("logs").exists(), "nothing was made");
}

#[test]
fn a_port_that_is_taken_is_exit_status_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    let home = TestDirectory::new();
    let logs = home.0.join("logs");
    let peers = format!("0={at}");
    let output = agora(&["node", "--id", "0", "--peers", &peers, "--logs", logs.to_str().unwrap()]);
    assert_eq!((output.code, &*output.stdout), (1, ""), "{output:?}");
    assert!(output.stderr.contains(&format!("cannot listen on {at}: ")), "{output:?}");
}

/// A collector reads nothing but JSON: notices and the error that ends a server are events as well.
#[test]
fn with_json_whatever_is_on_stderr_is_an_event() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap().to_string();
    let wrong = ["node", "--id", "0", "--log-format", "json"];
    let not_bound = ["market", "--listen", &at, "--log-format=json", "--quiet"];
    for (arguments, code, words) in
        [(&wrong[..], 2, "--peers"), (&not_bound[..], 1, "cannot listen on ")]
    {
        let output = agora(arguments);
        assert_eq!(output.code, code, "{output:?}");
        let events: Vec<_> = output.stderr.lines().map(json_line).collect();
        assert!(events.last().unwrap().message.contains(words), "{output:?}");
    }
    let home = TestDirectory::new();
    let mut market = bound(env!("CARGO_BIN_EXE_agora"));
    market.args(["market", "--listen", "0.0.0.0:0", "--insecure", "--log-format", "json"]);
    let mut market = Process::start(market, &home.0.join("market"));
    market.await_listening();
    let events: Vec<_> = market.stderr().lines().map(json_line).collect();
    for notice in ["insecure: everyone", "without --data nothing"] {
        assert!(events.iter().any(|event| event.message.contains(notice)), "{notice}: {events:?}");
    }
}

/// The exit status tells a script whether writes are accepted; a paused node delays it by a
/// fraction of a second.
#[test]
fn status_says_whether_there_is_a_leader_with_a_quorum() {
    let mut cluster = Cluster::start(3, STABLE_TIMING);
    let leader = cluster.leader();
    let others = cluster.others(leader);
    let output = cluster.kv(&["status"]);
    assert_eq!(output.code, 0, "{output:?}");
    cluster.process(others[0]).signal("STOP");
    let began = std::time::Instant::now();
    let output = cluster.kv(&["status"]);
    assert_eq!(output.code, 0, "{output:?}");
    assert!(output.stdout.contains("does not answer"), "{output:?}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    cluster.process(others[0]).signal("CONT");
    cluster.kill(&others);
    eventually("the leader has no quorum", || {
        let output = cluster.kv(&["status"]);
        output.code == 1 && output.stderr.contains("FAIL: no leader with a quorum")
    });
    cluster.kill(&[leader]);
    let output = cluster.kv(&["--timeout", "1", "status"]);
    assert_eq!((output.code, output.stderr.trim_end()), (1, "FAIL: no node answers"), "{output:?}");
}

/// A peer's address where a web server listens: the rest of the group works.
#[test]
fn a_web_server_in_place_of_a_peer_is_an_unreachable_peer() {
    let mut cluster = Cluster::new(3, STABLE_TIMING);
    let listener = TcpListener::bind(&cluster.nodes[2].1).unwrap();
    let asked = Arc::new(AtomicBool::new(false));
    let was_asked = Arc::clone(&asked);
    // Ends with the test process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
            was_asked.store(true, Ordering::Relaxed);
        }
    });
    cluster.launch(&[0, 1]);
    let client = cluster.client();
    client.set(b"x", b"5").unwrap();
    eventually("it was asked", || asked.load(Ordering::Relaxed));
    client.set(b"x", b"6").unwrap();
    let output = cluster.kv(&["get", "x"]);
    assert_eq!(output.stdout.trim_end(), "6", "{output:?}");
    eventually("it is printed", || {
        cluster.dumps_have("Error occurred while sending RPC to Node 2.")
    });
    cluster.end(&[0, 1]);
}

/// A node of another group is refused: it neither follows nor leads.
#[test]
fn a_node_of_another_group_stays_alone() {
    let mut cluster = Cluster::new(3, STABLE_TIMING);
    cluster.launch(&[0, 1]);
    cluster.client().set(b"x", b"5").unwrap();
    let mut stranger = cluster.run_with(2, &["--group", "towns"]);
    stranger.await_listening();
    let leader = cluster.leader();
    eventually("it looks for a majority", || {
        cluster.file(2, "dump.txt").contains("Node 2 election timer timed out, Starting election.")
    });
    let alone = cluster.status(2).unwrap();
    assert_eq!((alone.term, alone.leader, alone.keys), (0, None, 0));
    assert_eq!(cluster.leader(), leader, "the others are not disturbed");
    let output = cluster.client_at(2, Duration::from_millis(300)).set(b"x", b"6").unwrap_err();
    assert!(output.message.contains("1 of 1 node knows no leader"), "{output}");
    cluster.client().set(b"x", b"7").unwrap();
    stranger.signal("TERM");
    assert_eq!(stranger.wait().code(), Some(0));
}
