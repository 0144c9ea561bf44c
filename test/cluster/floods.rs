//! Too many connections, and connections of foreign peers: a node stays up, and logs little.

use std::fs;
use std::net::TcpStream;
use std::time::Duration;

use agora::call::Code;
use agora::kv::client::KvClient;
use agora::replica::transport::EXCHANGE;
use agora::rpc::{CallOptions, Channel, ChannelOptions};

use crate::free_address::free_address;
use crate::process::{AGORA, LONG, Process, TestDirectory, bound, client_of, eventually};

/// A node of a group of one.
struct Alone {
    process: Process,
    address: String,
    client: KvClient,
    home: TestDirectory,
}

impl Alone {
    /// Starts it from a shell that runs `before` first.
    fn start(before: &str, flags: &str) -> Alone {
        let home = TestDirectory::new();
        let address = free_address().to_string();
        let logs = home.0.join("logs");
        let (logs, peers) = (logs.display(), format!("0={address}"));
        let line =
            format!("{before} exec {AGORA} node --id 0 --peers {peers} --logs {logs} {flags}");
        let mut command = bound("sh");
        command.args(["-c", &line]);
        let mut process = Process::start(command, &home.0.join("node"));
        process.await_listening();
        let client = client_of(&[(0, address.clone())], LONG);
        client.set(b"first", b"1").unwrap();
        Alone { process, address, client, home }
    }

    /// Opens idle connections; the node closes those beyond its limit.
    fn connect(&self, count: usize) -> Vec<TcpStream> {
        (0..count).map(|_| TcpStream::connect(&self.address).unwrap()).collect()
    }

    /// Sets keys until there is another snapshot, which needs a new file.
    fn takes_snapshots(&mut self) {
        let file = self.home.0.join("logs/node_0/snapshot.txt");
        let when = || fs::metadata(&file).and_then(|file| file.modified()).ok();
        let before = when();
        let mut count = 0_u32;
        eventually("it takes a snapshot", || {
            count += 1;
            self.client.set(b"key", &count.to_be_bytes()).unwrap();
            when() != before
        });
        assert_eq!(self.process.ended(), None, "{}", self.process.stderr());
    }

    #[track_caller]
    fn says_little_but(&self, words: &str) {
        let output = self.process.stderr();
        assert!(output.lines().count() < 20, "{output}");
        assert_eq!(output.matches(words).count(), 1, "{output}");
    }
}

#[test]
fn a_node_raises_its_descriptor_limit_and_reserves_some_for_files() {
    let limits = "ulimit -S -n 100; ulimit -H -n 512;";
    let mut node = Alone::start(limits, "--snapshot-entries 10");
    let pid = node.process.id();
    let of_process = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = of_process.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let limits: Vec<&str> = line.split_whitespace().skip(3).take(2).collect();
    assert_eq!(limits, ["512", "512"], "the soft limit was 100");
    let connections = node.connect(700);
    node.takes_snapshots();
    node.says_little_but("at most 384 connections are accepted at once, not 1024");
    node.says_little_but("a connection is refused: the limit of open connections is reached");
    drop(connections);
    eventually("others are taken again", || {
        let another = client_of(&[(0, node.address.clone())], Duration::from_secs(1));
        another.set(b"other", b"1").is_ok()
    });
}

#[test]
fn refused_connections_and_hellos_are_logged_once_and_then_counted() {
    let mut node = Alone::start("", "--max-connections 4");
    let channel = Channel::new(&node.address, ChannelOptions::default()).unwrap();
    let timeout = Some(LONG);
    for _ in 0..300 {
        let options = CallOptions { timeout, ..CallOptions::default() };
        let mut call = channel.start(EXCHANGE, &options).unwrap();
        // The call may be over already.
        let _ = call.send(b"\xff\xff this is no hello");
        // A group of one has no peers.
        assert_eq!(call.receive().unwrap_err().code, Code::PermissionDenied);
    }
    let connections = node.connect(300);
    node.says_little_but("is refused: an unchecked caller is no node");
    eventually("the refusal is logged", || {
        node.process.stderr().contains("a connection is refused")
    });
    node.says_little_but("a connection is refused");
    node.client.set(b"key", b"value").unwrap();
    assert_eq!(node.process.ended(), None);
    drop(connections);
}
