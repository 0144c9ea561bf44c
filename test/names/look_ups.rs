//! The resolver with files and name servers made by the test.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use agora::rpc::{ResolveError, Resolver};

use crate::name_server::{NameServer, Query, Say, a};

pub const LONG: Duration = Duration::from_secs(30);

/// A folder with a hosts file and a `resolv.conf`, removed at the end.
pub struct Files(PathBuf);

impl Files {
    pub fn new(hosts: &str, resolv_conf: &str) -> Files {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-names-{}-{count}", std::process::id());
        let files = Files(std::env::temp_dir().join(name));
        fs::create_dir(&files.0).unwrap();
        files.write("hosts", hosts);
        files.write("resolv.conf", resolv_conf);
        files
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    pub fn resolver(&self, port: u16) -> Resolver {
        Resolver::with_files(&self.0.join("hosts"), &self.0.join("resolv.conf"), port)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn found(result: Result<Vec<SocketAddr>, ResolveError>) -> Vec<String> {
    result.unwrap().iter().map(SocketAddr::to_string).collect()
}

/// Looks `target` up with one name server.
fn ask(server: &NameServer, target: &str, options: &str) -> Result<Vec<SocketAddr>, ResolveError> {
    let ip = server.address.ip();
    let files = Files::new("", &format!("nameserver {ip}\n{options}\n"));
    files.resolver(server.address.port()).resolve(target, Instant::now() + LONG)
}

/// An A record for one name; no other name exists.
fn only(name: &'static str, address: [u8; 4]) -> impl Fn(&Query) -> Say + Send + Sync {
    move |query| match (query.name == name, query.kind) {
        (true, 1) => a(address),
        (true, _) => Say::Records(Vec::new()),
        (false, _) => Say::Code(3),
    }
}

#[test]
fn the_hosts_file_comes_first_and_is_read_again_each_time() {
    let server = NameServer::new(|_| a([10, 0, 0, 9]));
    let conf = format!("nameserver {}", server.address.ip());
    let files = Files::new("10.0.0.1 vm1\n::5 vm1\n", &conf);
    let resolver = files.resolver(server.address.port());
    let until = Instant::now() + LONG;
    assert_eq!(found(resolver.resolve("VM1:7", until)), ["10.0.0.1:7", "[::5]:7"]);
    assert_eq!(server.asked(), []);
    files.write("hosts", "10.0.0.2 vm2\n");
    assert_eq!(found(resolver.resolve("vm2:7", until)), ["10.0.0.2:7"]);
    while found(resolver.resolve("vm1:7", until)) != ["10.0.0.9:7"] {
        assert!(Instant::now() < until, "what was found is not kept for long");
        std::thread::yield_now();
    }
}

#[test]
fn localhost_needs_no_file_and_no_server() {
    let server = NameServer::new(|_| a([10, 0, 0, 9]));
    for name in ["localhost:7", "db.localhost:7", "LOCALHOST.:7"] {
        assert_eq!(found(ask(&server, name, "")), ["127.0.0.1:7", "[::1]:7"]);
    }
    assert_eq!(server.asked(), []);
}

#[test]
fn both_families_are_queried_and_alternate() {
    let server = NameServer::new(|query| match query.kind {
        1 => Say::Records(vec![(1, 60, vec![10, 0, 0, 1]), (1, 60, vec![10, 0, 0, 2])]),
        _ => Say::Records(vec![(28, 60, [vec![0; 15], vec![5]].concat())]),
    });
    let addresses = found(ask(&server, "vm1.example:7", ""));
    assert_eq!(addresses, ["[::5]:7", "10.0.0.1:7", "10.0.0.2:7"]);
    let mut kinds: Vec<u16> = server.asked().iter().map(|query| query.kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [1, 28]);
}

#[test]
fn an_alias_is_followed() {
    let server = NameServer::new(|query| match query.kind {
        1 => Say::Bytes(|reply| {
            let mut reply = reply.to_vec();
            reply[7] = 2;
            // www.example is an alias of b, and b has an address.
            reply.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x03\x01b\0");
            reply.extend(b"\x01b\0\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01");
            vec![reply]
        }),
        _ => Say::Records(Vec::new()),
    });
    assert_eq!(found(ask(&server, "www.example:7", "")), ["10.0.0.1:7"]);
}

#[test]
fn the_search_list_is_tried_in_order() {
    let server = NameServer::new(only("vm1.b.example", [10, 0, 0, 1]));
    assert_eq!(found(ask(&server, "vm1:7", "search a.example b.example")), ["10.0.0.1:7"]);
    assert_eq!(server.names(), ["vm1.a.example", "vm1.b.example"]);
    let result = ask(&server, "vm1.:7", "search a.example b.example");
    assert_eq!(result, Err(ResolveError::NoSuchName), "a dot says that the name is complete");
    let server = NameServer::new(only("x.y.a.example", [10, 0, 0, 2]));
    assert_eq!(found(ask(&server, "x.y:7", "search a.example")), ["10.0.0.2:7"]);
    assert_eq!(server.names(), ["x.y", "x.y.a.example"]);
    let server = NameServer::new(only("x.y.a.example", [10, 0, 0, 2]));
    found(ask(&server, "x.y:7", "search a.example\noptions ndots:2"));
    assert_eq!(server.names(), ["x.y.a.example"]);
}

#[test]
fn a_truncated_answer_is_requested_again_over_tcp() {
    let server = NameServer::new(|query| match (query.kind, query.by_tcp) {
        (1, false) => Say::CutOff,
        (1, true) => Say::Records((0..60).map(|n| (1, 60, vec![10, 0, 0, n])).collect()),
        _ => Say::Records(Vec::new()),
    });
    assert_eq!(ask(&server, "vm1:7", "").unwrap().len(), 32);
    let server = NameServer::new(only("vm1", [10, 0, 0, 1]));
    assert_eq!(found(ask(&server, "vm1:7", "options use-vc")), ["10.0.0.1:7"]);
    assert!(server.asked().iter().all(|query| query.by_tcp));
}

#[test]
fn no_name_no_address_and_a_failing_server_are_different_errors() {
    let result = |say: fn() -> Say| {
        let server = NameServer::new(move |_| say());
        (ask(&server, "vm1:7", "").unwrap_err(), server.address)
    };
    assert_eq!(result(|| Say::Code(3)).0, ResolveError::NoSuchName);
    assert_eq!(result(|| Say::Records(Vec::new())).0, ResolveError::NoAddress);
    for rcode in [2, 5] {
        let (error, server) = match rcode {
            2 => result(|| Say::Code(2)),
            _ => result(|| Say::Code(5)),
        };
        assert_eq!(error, ResolveError::Refused { server, rcode });
    }
    let (error, _) = result(|| Say::Bytes(|reply| vec![reply[..13].to_vec()]));
    assert!(matches!(error, ResolveError::NoServer { .. }), "{error}");
}

#[test]
fn a_failing_or_silent_server_is_skipped_and_the_good_one_is_remembered() {
    let [silent, failing, good] = NameServer::on_one_port([
        ("127.0.0.1", |_| Say::Nothing),
        ("127.0.0.2", |_| Say::Code(2)),
        ("127.0.0.3", |query| match query.kind {
            1 => a([10, 0, 0, 1]),
            _ => Say::Records(Vec::new()),
        }),
    ]);
    let port = good.address.port();
    let conf = "nameserver 127.0.0.1\nnameserver 127.0.0.2\nnameserver 127.0.0.3\n";
    let files = Files::new("", conf);
    let resolver = files.resolver(port);
    assert_eq!(found(resolver.resolve("vm1:7", Instant::now() + LONG)), ["10.0.0.1:7"]);
    let asked = silent.asked().len();
    assert!(asked > 0 && !failing.asked().is_empty());
    assert_eq!(found(resolver.resolve("vm2:7", Instant::now() + LONG)), ["10.0.0.1:7"]);
    assert_eq!(silent.asked().len(), asked, "it is not asked first again");
}

#[test]
fn forged_answers_are_ignored() {
    let server = NameServer::new(|query| match query.kind {
        1 => Say::Bytes(|reply| {
            let record = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x06\x06\x06\x06";
            let mut forged = reply.to_vec();
            forged[7] = 1;
            forged.extend(record);
            let mut good = forged.clone();
            good.truncate(good.len() - 4);
            good.extend([10, 0, 0, 1]);
            // Another id; another name; no answer at all.
            let mut replies = vec![forged.clone(), forged.clone(), forged];
            replies[0][1] ^= 1;
            replies[1][14] = b'w';
            replies[2][2] &= 0x7f;
            replies.push(good);
            replies
        }),
        _ => Say::Records(Vec::new()),
    });
    assert_eq!(found(ask(&server, "vm1:7", "")), ["10.0.0.1:7"]);
}

#[test]
fn one_family_without_an_answer_does_not_delay_the_other() {
    let server = NameServer::new(|query| match query.kind {
        1 => a([10, 0, 0, 1]),
        _ => Say::Nothing,
    });
    let began = Instant::now();
    assert_eq!(found(ask(&server, "vm1:7", "")), ["10.0.0.1:7"]);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
}

#[test]
fn an_unreachable_server_is_reported_within_the_callers_deadline() {
    // Nothing listens, which is known at once.
    let port = NameServer::new(|_| Say::Nothing).address.port();
    let files = Files::new("", "nameserver 127.0.0.1");
    let error = files.resolver(port).resolve("vm1:7", Instant::now() + LONG).unwrap_err();
    assert!(matches!(error, ResolveError::NoServer { .. }), "{error}");
    assert!(error.to_string().starts_with("no name server answers (127.0.0.1: "), "{error}");
    // A server that never answers.
    let server = NameServer::new(|_| Say::Nothing);
    let files = Files::new("", "nameserver 127.0.0.1");
    let resolver = files.resolver(server.address.port());
    let began = Instant::now();
    let result = resolver.resolve("vm1:7", began + Duration::from_millis(100));
    assert_eq!(result, Err(ResolveError::NotYet));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let result = ask(&server, "vm1:7", "options timeout:1 attempts:1").unwrap_err();
    assert!(matches!(result, ResolveError::NoServer { .. }), "{result}");
}
