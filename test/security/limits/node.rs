//! A node that is a group of one, and a client that measures how long it takes to be served.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use agora::kv::client::{ClientOptions, Consistency, KvClient};

use crate::free_address::free_address;
use crate::wait::poll_until;

/// How long a client may wait for its answer during an attack.
const SOON: Duration = Duration::from_millis(100);
pub const LONG: Duration = Duration::from_secs(60);

#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    poll_until(what, LONG, condition);
}

/// The process. It is killed and its directory removed when this is dropped.
pub struct Node {
    child: Child,
    pub address: SocketAddr,
    directory: PathBuf,
}

impl Node {
    pub fn start(flags: &[&str]) -> Node {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-limits-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        let address = free_address();
        let file = |name| File::create(directory.join(name)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_agora"));
        command.args(["node", "--id", "0", "--peers", &format!("0={address}"), "--logs"]);
        command.arg(directory.join("logs")).args(flags);
        command.stdin(Stdio::null()).stdout(file("out")).stderr(file("err"));
        let node = Node { child: command.spawn().unwrap(), address, directory };
        let client = node.client();
        eventually("the node serves", || client.set(b"key", b"value").is_ok());
        node
    }

    fn client(&self) -> KvClient {
        let options = ClientOptions { timeout: LONG, ..ClientOptions::default() };
        KvClient::new(&[(0, self.address.to_string())], &options).unwrap()
    }

    /// A client at another address than the attacker's opens a connection, writes, and reads. Returns
    /// the shortest time of several tries. The test fails if none of them is short.
    #[track_caller]
    pub fn serves_soon(&self) -> Duration {
        let attempt = || {
            let started = Instant::now();
            let client = self.client();
            client.set(b"key", b"value").unwrap();
            let pair = client.get(b"key", Consistency::Linearizable).unwrap().unwrap();
            assert_eq!(pair.value, b"value");
            started.elapsed()
        };
        let fastest = (0..15).map(|_| attempt()).min().unwrap();
        assert!(fastest < SOON, "another client is served after {fastest:?}");
        fastest
    }

    /// As [`serves_soon`](Self::serves_soon), of a client that has a connection, and reads.
    #[track_caller]
    pub fn answers_soon(&self) -> Duration {
        let client = self.client();
        let attempt = || {
            let started = Instant::now();
            client.get(b"key", Consistency::Linearizable).unwrap().unwrap();
            started.elapsed()
        };
        let fastest = (0..30).map(|_| attempt()).min().unwrap();
        assert!(fastest < SOON, "another client is answered after {fastest:?}");
        fastest
    }

    /// Its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.join("err")).unwrap()
    }

    /// The memory that it has now, in MiB.
    pub fn resident_mib(&self) -> usize {
        self.status("VmRSS:")
    }

    /// The most memory that it has had, in MiB.
    pub fn peak_mib(&self) -> usize {
        self.status("VmHWM:")
    }

    fn status(&self, name: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().next().unwrap().parse::<usize>().unwrap() / 1024
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
