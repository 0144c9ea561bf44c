//! The binary in the roots of other distributions, whose C libraries and name modules are not those
//! it was built with, and in a root that has nothing but it.
//!
//! `test/names/make-roots` makes the roots; `AGORA_ROOTS` says where they are.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::look_ups::LONG;
use crate::name_server::{NameServer, Query, Say, a};

/// Where nodes listen and what names lead to; and where name servers do, whose port is fixed.
const NODE: [u8; 4] = [127, 77, 53, 1];
const SERVER: [u8; 4] = [127, 77, 53, 53];

/// How `nsswitch.conf` may have names looked up.
const SWITCHES: [&str; 4] =
    ["files dns", "files resolve dns", "resolve [!UNAVAIL=return] files", "files dns myhostname"];

struct Root {
    at: PathBuf,
    /// Taken away at the end.
    is_ours: bool,
}

impl Root {
    fn new(at: PathBuf, is_ours: bool) -> Root {
        fs::create_dir_all(at.join("etc")).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_agora"), at.join("agora")).unwrap();
        Root { at, is_ours }
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.at.join("etc").join(name);
        // It may be a link that leads out of the root.
        let _ = fs::remove_file(&file);
        fs::write(file, text).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("chroot");
        command.arg(&self.at).arg("/agora").args(arguments).stdin(Stdio::null());
        command
    }

    fn kv(&self, peers: &str, words: &[&str]) -> Output {
        let flags = ["kv", "--timeout", "2", "--peers", peers];
        self.command(&[&flags, words].concat()).output().unwrap()
    }

    /// A node that says that it listens, by its own entry unless `more` flags say otherwise.
    fn node(&self, peers: &str, more: &[&str]) -> Node {
        let logs = self.at.join("logs");
        let _ = fs::remove_dir_all(&logs);
        let said = self.at.join("said");
        let flags = ["node", "--id", "1", "--logs", "/logs", "--peers", peers];
        let mut command = self.command(&[&flags, more].concat());
        let child = command.stdout(fs::File::create(&said).unwrap()).spawn().unwrap();
        let mut node = Node { child, logs };
        eventually("it listens", || {
            node.assert_alive();
            fs::read_to_string(&said).unwrap().contains("listening on ")
        });
        node
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.at.join("agora"));
        let _ = fs::remove_file(self.at.join("said"));
        if self.is_ours {
            let _ = fs::remove_dir_all(&self.at);
        }
    }
}

struct Node {
    child: Child,
    logs: PathBuf,
}

impl Node {
    fn assert_alive(&mut self) {
        let ended = self.child.try_wait().unwrap();
        assert!(ended.is_none(), "the node has ended: {ended:?}");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.logs);
    }
}

#[track_caller]
fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + LONG;
    while !is_so() {
        assert!(Instant::now() < until, "not so in time: {what}");
        std::thread::yield_now();
    }
}

#[track_caller]
fn assert_done(output: &Output) {
    assert!(output.status.success(), "{output:?}");
}

/// It has failed with these words, and not of a signal.
#[track_caller]
fn assert_refused(output: &Output, words: &str) {
    assert_eq!((output.status.code(), output.status.signal()), (Some(1), None), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(words), "{words:?} is not in {said:?}");
}

/// `vm1.example` is where nodes listen; no other name is there.
fn say(query: &Query) -> Say {
    match (&*query.name, query.kind) {
        ("vm1.example", 1) => a(NODE),
        ("vm1.example", _) => Say::Records(Vec::new()),
        _ => Say::Code(3),
    }
}

fn free_port() -> u16 {
    TcpListener::bind(SocketAddr::from((NODE, 0))).unwrap().local_addr().unwrap().port()
}

/// All ways to look a name up, in one root.
fn try_all(root: &Root) {
    let port = free_port();
    let [vm1, nobody] = ["vm1", "nobody"].map(|name| format!("1={name}:{port}"));
    let server_at = std::net::Ipv4Addr::from(SERVER);
    root.write("resolv.conf", &format!("nameserver {server_at}\nsearch example\n"));
    let server = NameServer::at(&format!("{server_at}:53"), say);

    root.write("hosts", &format!("{} vm1\n", std::net::Ipv4Addr::from(NODE)));
    let node = root.node(&vm1, &[]);
    assert_done(&root.kv(&vm1, &["set", "x", "5"]));
    assert_eq!(server.asked(), [], "the hosts file was enough");
    drop(node);

    root.write("hosts", "");
    let mut node = root.node(&vm1, &[]);
    assert_done(&root.kv(&vm1, &["set", "x", "5"]));
    assert_eq!(root.kv(&vm1, &["get", "x"]).stdout, b"5\n");
    assert_refused(&root.kv(&nobody, &["get", "x"]), "no such name");
    let both = format!("{nobody},2=vm1:{port}");
    assert_eq!(root.kv(&both, &["get", "x"]).stdout, b"5\n", "one bad name of two");
    node.assert_alive();
    drop(node);

    // A node goes on looking for a peer whose name is not there.
    let peers = format!("{vm1},2=nobody:{port},3=nobody.example:{port}");
    let refused =
        root.command(&["node", "--id", "1", "--logs", "/logs", "--peers", &peers]).output();
    assert_refused(&refused.unwrap(), "where node 2 cannot reach it");
    let listen = format!("vm1:{port}");
    let mut node = root.node(&peers, &["--listen", &listen]);
    let looked_up = |name: &str| server.asked().iter().filter(|query| query.name == name).count();
    let before = looked_up("nobody.example");
    eventually("peers are looked up", || looked_up("nobody.example") >= before + 4);
    assert_refused(&root.kv(&vm1, &["get", "x"]), "no leader");
    node.assert_alive();

    drop(server);
    assert_refused(&root.kv(&vm1, &["get", "x"]), "no name server answers");
    node.assert_alive();
    let silent = NameServer::at(&format!("{server_at}:53"), |_| Say::Nothing);
    let began = Instant::now();
    assert_refused(&root.kv(&vm1, &["get", "x"]), "still being looked up");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    node.assert_alive();
    drop(silent);
}

/// A worker tells its process apart, and a buyer makes itself an identity, without any device.
#[test]
#[ignore = "needs root: scripts/test roots"]
fn numbers_that_nobody_guesses_need_no_device() {
    let name = format!("agora-root-without-dev-{}", std::process::id());
    let root = Root::new(std::env::temp_dir().join(name), true);
    for role in ["mapper", "reducer"] {
        let flags = ["--listen", "127.0.0.1:0", "--data", "/data", "--until-stdin-ends"];
        assert_done(&root.command(&[&[role][..], &flags].concat()).output().unwrap());
    }
    let nowhere = format!("127.77.53.1:{}", free_port());
    let flags = ["buyer", "--as", "asha", "--market", &nowhere, "--timeout", "0.2", "orders"];
    let refused = root.command(&flags).env("AGORA_HOME", "/home").output().unwrap();
    assert_refused(&refused, "Connection refused");
    let identity = fs::read_to_string(root.at.join("home/asha.uuid")).unwrap();
    assert_eq!(identity.len(), 37, "{identity}");
}

/// One after the other: there is one address with port 53 for all.
#[test]
#[ignore = "needs root: scripts/test roots"]
fn names_do_no_harm_in_any_root() {
    let name = format!("agora-root-{}", std::process::id());
    let empty = Root::new(std::env::temp_dir().join(name), true);
    try_all(&empty);
    println!("root: nothing but the binary");
    drop(empty);
    let Some(roots) = std::env::var_os("AGORA_ROOTS") else { return };
    let mut roots: Vec<PathBuf> =
        fs::read_dir(Path::new(&roots)).unwrap().map(|entry| entry.unwrap().path()).collect();
    roots.sort();
    for at in roots.into_iter().filter(|at| at.join("etc").is_dir()) {
        let root = Root::new(at, false);
        for switch in SWITCHES {
            root.write("nsswitch.conf", &format!("hosts: {switch}\n"));
            try_all(&root);
        }
        println!("root: {}", root.at.display());
    }
}
