//! The page of a stranger in a browser that reaches the server, and the stranger does not: what it sends
//! and what the browser lets it read. `test/pages/origins.rs` does the same with a real browser.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use agora::call::Code;
use agora::rpc::{
    CallOptions, Channel, ChannelOptions, ClientTls, IdentityFiles, Resolver, Server,
    ServerOptions, ServerTls, Services,
};
use agora::session::Protocol;

use crate::authority::{Authority, client_tls};
use crate::free_address::free_address;
use crate::process::{AGORA, Process, TestDirectory, bound, eventually};

const SET: &str = "/agora.kv.v1.KvService/Set";
const GET: &str = "/agora.kv.v1.KvService/Get";
/// `Get` of the key `k` by GET.
const GET_QUERY: &str =
    "/agora.kv.v1.KvService/Get?encoding=json&message=%7B%22key%22%3A%22aw%3D%3D%22%7D";
const PAIR: &str = r#"{"key":"aw==","value":"dg=="}"#;
const JSON: (&str, &str) = ("content-type", "application/json");
/// What a browser adds to every request, whatever a page does.
const LANGUAGE: (&str, &str) = ("accept-language", "de");

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    /// The values of a field, with commas between them.
    fn field(&self, name: &str) -> String {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let values: Vec<&str> =
            lines.filter(|(known, _)| *known == name).map(|(_, value)| value).collect();
        values.join(", ")
    }

    /// The fields of the CORS protocol.
    fn cors(&self) -> Vec<String> {
        let lines = self.head.lines().filter(|line| line.starts_with("access-control-"));
        lines.map(str::to_owned).collect()
    }
}

/// A node that is a group of one.
struct Node {
    _process: Process,
    _directory: TestDirectory,
    address: SocketAddr,
}

impl Node {
    /// `name` is its own host in `--peers`.
    fn start(name: &str, flags: &[&str]) -> Node {
        let (directory, address) = (TestDirectory::new(), free_address());
        let mut command: Command = bound(AGORA);
        command.args(["node", "--id", "0", "--listen", &address.to_string()]);
        command.args(["--peers", &format!("0={name}:{}", address.port())]).args(flags);
        command.arg("--logs").arg(directory.0.join("logs"));
        let mut process = Process::start(command, &directory.0.join("node"));
        process.await_listening();
        let node = Node { _process: process, _directory: directory, address };
        eventually("it leads", || node.send("GET", "/readyz", "x", &[], "").status == 200);
        assert_eq!(node.send("POST", SET, "x", &[JSON], PAIR).status, 200);
        node
    }

    /// A request; a `host` without a port gets that of the node.
    fn send(
        &self,
        method: &str,
        target: &str,
        host: &str,
        fields: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut request = format!(
            "{method} {target} HTTP/1.1\r\nhost: {host}:{}\r\nconnection: close\r\n\
             content-length: {}\r\n",
            self.address.port(),
            body.len()
        );
        fields.iter().for_each(|(name, value)| request += &format!("{name}: {value}\r\n"));
        stream.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn has(&self, key: &str) -> bool {
        let answer = self.send("POST", GET, "x", &[JSON], &format!(r#"{{"key":"{key}"}}"#));
        assert_eq!(answer.status, 200);
        answer.body.contains("pair")
    }

    /// The origin of a page under this name at the node's port.
    fn origin(&self, name: &str) -> String {
        format!("http://{name}:{}", self.address.port())
    }
}

/// The name of the page points to the node now, so that all of it is of one origin for the browser: the
/// page sends what it likes and reads every response.
#[test]
fn a_page_whose_name_was_rebound_reads_and_writes_nothing() {
    let node = Node::start("127.0.0.1", &[]);
    let origin = node.origin("evil.example");
    let other = r#"{"key":"b3RoZXI=","value":"dg=="}"#;
    let rebound = |method, target, more: &[(&str, &str)], body| {
        let fields = [&[LANGUAGE][..], more].concat();
        let answer = node.send(method, target, "evil.example", &fields, body);
        let reason = format!("the host \\\"evil.example:{}\\\"", node.address.port());
        let plain = reason.replace('\\', "");
        assert_eq!(answer.status, 403, "{method} {target}: {}", answer.body);
        assert!(answer.body.contains(&reason) || answer.body.contains(&plain), "{}", answer.body);
        assert!(answer.body.contains(&format!("--allow-origin {origin}")), "{}", answer.body);
        assert_eq!(answer.cors(), [""; 0]);
    };
    for page in ["/", "/node.js", "/metrics", "/readyz", "/version", "/nothing", GET_QUERY] {
        // A `fetch` of a page says neither `origin` nor `sec-fetch-site` here. It may say another
        // `user-agent`, and no language.
        rebound("GET", page, &[], "");
        rebound("GET", page, &[("user-agent", "curl/8.5.0")], "");
    }
    rebound("POST", SET, &[JSON, ("origin", &origin)], other);
    rebound("POST", GET, &[JSON, ("origin", &origin)], r#"{"key":"aw=="}"#);
    rebound("OPTIONS", SET, &[("origin", &origin)], "");
    assert!(!node.has("b3RoZXI="));
    // Each sign alone, as of browsers that are set up to send less.
    for sign in [
        ("origin", &*origin),
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-mode", "cors"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0)"),
        LANGUAGE,
    ] {
        assert_eq!(
            node.send("GET", "/metrics", "evil.example", &[sign], "").status,
            403,
            "{sign:?}"
        );
    }
}

#[test]
fn the_same_browser_is_served_under_the_names_of_the_node() {
    let node =
        Node::start("localhost", &["--allow-origin", "https://kv.example,http://a.example:1"]);
    let own = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    for name in
        ["127.0.0.1", "[::1]", "localhost", "x.localhost", "KV.example", "a.example", own.trim()]
    {
        let origin = node.origin(&name.to_lowercase());
        let fields = [LANGUAGE, JSON, ("origin", &origin)];
        for (method, target, body) in [("GET", "/metrics", ""), ("POST", SET, PAIR)] {
            let answer = node.send(method, target, name, &fields, body);
            assert_eq!(answer.status, 200, "{name}: {}", answer.body);
        }
    }
    let answer = node.send("GET", "/metrics", "sub.kv.example", &[LANGUAGE], "");
    assert_eq!(answer.status, 403);
}

#[test]
fn clients_that_are_no_browsers_may_use_every_name() {
    let node = Node::start("127.0.0.1", &[]);
    for agent in ["curl/8.5.0", "Wget/1.21", "Prometheus/2.53", "Go-http-client/1.1"] {
        let fields = [JSON, ("user-agent", agent), ("accept", "*/*"), ("accept-encoding", "gzip")];
        for (method, target, body) in [("GET", "/metrics", ""), ("POST", SET, PAIR)] {
            let answer = node.send(method, target, "kv.prod.example", &fields, body);
            assert_eq!(answer.status, 200, "{agent}: {}", answer.body);
        }
    }
}

/// In gRPC, which a browser cannot send in the clear, but a proxy could pass on.
#[test]
fn a_call_in_grpc_from_a_browser_is_refused_under_an_unknown_name() {
    let node = Node::start("127.0.0.1", &[]);
    let at = node.address.ip();
    let resolver = Resolver::new(move |_| Ok(vec![at]));
    let call = |name: &str, origin: Option<String>| {
        let target = format!("{name}:{}", node.address.port());
        let resolver = resolver.clone();
        let options =
            ChannelOptions { protocol: Protocol::Grpc, resolver, ..ChannelOptions::default() };
        let mut call = CallOptions::default();
        if let Some(origin) = origin {
            call.metadata.insert("origin", origin.as_bytes()).unwrap();
        }
        Channel::new(&target, options).unwrap().unary("/grpc.health.v1.Health/Check", b"", &call)
    };
    let refused = call("evil.example", Some(node.origin("evil.example"))).unwrap_err();
    assert_eq!(refused.code, Code::PermissionDenied, "{refused:?}");
    assert!(refused.message.contains("--allow-origin http://evil.example"), "{refused:?}");
    let refused = call(&at.to_string(), Some("http://evil.example".to_owned())).unwrap_err();
    assert_eq!(refused.code, Code::PermissionDenied);
    call("evil.example", None).unwrap();
    call("localhost", Some(node.origin("localhost"))).unwrap();
}

/// A stranger has no certificate for the name. The origin is compared there too.
#[test]
fn inside_tls_a_browser_may_use_every_name_that_has_a_certificate() {
    let authority = Authority::new();
    let folder = authority.issue("server", &["kv.example"], &[]);
    let mut services = Services::new();
    services.unary("/t.T/Call", |_, _, _| Ok(()));
    // TLS beside cleartext, at one port.
    let (certificates, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let identity = IdentityFiles { certificates: &certificates, key: &key };
    let tls = Some(ServerTls::load(identity, None, false).unwrap());
    let options = ServerOptions { tls, ..ServerOptions::default() };
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), services, options).unwrap();
    let (port, handle) = (server.local_addr().port(), server.handle());
    let thread = std::thread::spawn(move || server.run().unwrap());
    let call = |tls: Option<ClientTls>, origin: &str| {
        let resolver = Resolver::new(|_| Ok(vec!["127.0.0.1".parse().unwrap()]));
        let protocol = Protocol::Grpc;
        let options = ChannelOptions { protocol, resolver, tls, ..ChannelOptions::default() };
        let mut call = CallOptions::default();
        call.metadata.insert("origin", origin.as_bytes()).unwrap();
        call.metadata.insert("accept-language", b"de").unwrap();
        let channel = Channel::new(&format!("kv.example:{port}"), options).unwrap();
        channel.unary("/t.T/Call", b"", &call).map_err(|status| status.message)
    };
    let tls = || Some(client_tls(&authority.trust_only("browser")));
    call(tls(), &format!("https://kv.example:{port}")).unwrap();
    let refused = call(tls(), "https://evil.example").unwrap_err();
    assert!(refused.contains("may not call this server"), "{refused}");
    let refused = call(None, &format!("http://kv.example:{port}")).unwrap_err();
    assert!(refused.contains("does not know the host"), "{refused}");
    handle.shut_down();
    thread.join().unwrap();
}

/// Without a preflight a browser sends what a form sends: no method takes that. What needs a preflight
/// is refused as well, whatever a browser does.
#[test]
fn a_page_of_another_origin_changes_nothing() {
    let node = Node::start("127.0.0.1", &[]);
    let other = r#"{"key":"b3RoZXI=","value":"dg=="}"#;
    let evil = [LANGUAGE, ("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    for kind in [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "text/plain; application/json",
        "",
    ] {
        let form = [("content-type", kind)];
        assert_eq!(node.send("POST", SET, "127.0.0.1", &form, other).status, 415, "{kind}");
        let form = [&evil[..], &form].concat();
        assert_eq!(node.send("POST", SET, "127.0.0.1", &form, other).status, 403, "{kind}");
    }
    for kind in ["application/json", "application/proto", "application/connect+json"] {
        let fields = [&evil[..], &[("content-type", kind)]].concat();
        let answer = node.send("POST", SET, "127.0.0.1", &fields, other);
        assert_eq!(answer.status, 403, "{kind}: {}", answer.body);
        assert!(answer.body.contains("--allow-origin https://evil.example"), "{}", answer.body);
    }
    // A method that changes something has no GET.
    let target = SET.to_owned() + "?encoding=json&message=%7B%22key%22%3A%22b3RoZXI%3D%22%7D";
    assert_eq!(node.send("GET", &target, "127.0.0.1", &evil, "").status, 405);
    assert!(!node.has("b3RoZXI="));
}

/// The Fetch standard, "CORS protocol": what a browser needs to see before a page may read a response.
#[test]
fn a_page_of_a_permitted_origin_calls_and_reads() {
    let shop = "https://shop.example";
    let flags = ["--allow-origin", "http://a.example:8080,https://shop.example"];
    let node = Node::start("127.0.0.1", &flags);
    let origin = ("origin", shop);
    let preflight = [
        LANGUAGE,
        origin,
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "connect-protocol-version,content-type,authorization"),
    ];
    let answer = node.send("OPTIONS", SET, "127.0.0.1", &preflight, "");
    assert_eq!(answer.status, 204, "{}", answer.head);
    assert_eq!(answer.field("access-control-allow-origin"), shop);
    assert!(answer.field("access-control-allow-methods").contains("POST"));
    let names = answer.field("access-control-allow-headers");
    assert_eq!(
        names, "connect-protocol-version,content-type,authorization",
        "`*` has not the last"
    );
    assert!(answer.field("vary").contains("origin"), "{}", answer.head);
    for (method, target, fields, body, status) in [
        ("POST", SET, [JSON, origin], PAIR, 200),
        // An error is read as well.
        ("POST", SET, [JSON, origin], "{", 400),
        ("POST", "/a.B/C", [JSON, origin], "{}", 404),
        ("GET", GET_QUERY, [LANGUAGE, origin], "", 200),
        ("GET", "/metrics", [LANGUAGE, origin], "", 200),
        ("GET", "/nothing", [LANGUAGE, origin], "", 404),
    ] {
        let answer = node.send(method, target, "127.0.0.1", &fields, body);
        assert_eq!(answer.status, status, "{target}: {}", answer.body);
        assert_eq!(answer.field("access-control-allow-origin"), shop, "{}", answer.head);
        // Statuses and metadata are in fields of many names; `*` has all where there are no
        // credentials, which no response permits.
        assert_eq!(answer.field("access-control-expose-headers"), "*");
        assert_eq!(answer.field("access-control-allow-credentials"), "");
        assert!(answer.field("vary").ends_with("origin"), "{}", answer.head);
    }
    for origin in
        ["https://shop.example:8443", "http://shop.example", "https://evil.example", "null"]
    {
        let ask = [preflight[2], preflight[3], ("origin", origin)];
        let answer = node.send("OPTIONS", SET, "127.0.0.1", &ask, "");
        assert_eq!((answer.status, answer.cors()), (204, vec![]), "{origin}");
        let answer = node.send("GET", "/metrics", "127.0.0.1", &[("origin", origin)], "");
        assert_eq!((answer.status, answer.cors()), (200, vec![]), "{origin}");
        assert_eq!(answer.field("vary"), "origin", "no cache gives one page's response to another");
        let answer = node.send("POST", SET, "127.0.0.1", &[JSON, ("origin", origin)], PAIR);
        assert_eq!((answer.status, answer.cors()), (403, vec![]), "{origin}");
    }
}

#[test]
fn with_a_star_every_page_calls_and_without_the_flag_none_reads() {
    let node = Node::start("127.0.0.1", &["--allow-origin", "*"]);
    for (host, origin) in [("127.0.0.1", "https://evil.example"), ("evil.example", "null")] {
        let fields = [LANGUAGE, JSON, ("origin", origin)];
        let answer = node.send("POST", SET, host, &fields, PAIR);
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.field("access-control-allow-origin"), "*");
        assert_eq!(answer.field("access-control-expose-headers"), "*");
        assert_eq!(answer.field("access-control-allow-credentials"), "");
    }
    let node = Node::start("127.0.0.1", &[]);
    let ask = [("origin", "https://shop.example"), ("access-control-request-method", "POST")];
    assert_eq!(node.send("OPTIONS", SET, "127.0.0.1", &ask, "").cors(), [""; 0]);
    assert_eq!(node.send("GET", "/metrics", "127.0.0.1", &ask, "").cors(), [""; 0]);
}

/// Whatever is stored: no browser takes a response for a page or a script.
#[test]
fn no_response_is_taken_for_another_type() {
    let node = Node::start("127.0.0.1", &[]);
    for target in ["/", "/metrics", "/readyz", "/version", "/livez", "/nothing", GET_QUERY] {
        let answer = node.send("GET", target, "127.0.0.1", &[LANGUAGE], "");
        assert_eq!(answer.field("x-content-type-options"), "nosniff", "{target}");
    }
}
