//! Fake nodes whose responses a test chooses.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use agora::call::{Code, Metadata, Status};
use agora::kv::client::{ClientOptions, KvClient};
use agora::kv::contract::{LEADER, LEADER_ID, NODE_ID, SERVICE};
use agora::pb::agora_kv_v1 as pb;
use agora::protobuf::{decode, encode};
use agora::rpc::{Reply, Server, ServerHandle, ServerOptions, Services};

/// The response of a fake node.
pub enum Response {
    Answer(Vec<u8>),
    Refuse(Status),
    None,
}

/// A call that a node received: its method and its message.
pub type ReceivedCall = (&'static str, Vec<u8>);

const METHODS: [&str; 4] = ["Get", "Set", "OpenSession", "Status"];

pub struct FakeNode {
    pub address: SocketAddr,
    calls: Arc<Mutex<Vec<ReceivedCall>>>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl FakeNode {
    /// A node whose responses `respond` makes, from the method, the message and the number of
    /// earlier calls of the method.
    pub fn new(
        respond: impl Fn(&str, &[u8], usize) -> Response + Send + Sync + 'static,
    ) -> FakeNode {
        let (respond, calls) =
            (Arc::new(respond), Arc::new(Mutex::new(Vec::<ReceivedCall>::new())));
        let unanswered: Arc<Mutex<Vec<Reply>>> = Arc::default();
        let mut services = Services::new();
        for method in METHODS {
            let path = format!("/{SERVICE}/{method}");
            let (respond, calls) = (Arc::clone(&respond), Arc::clone(&calls));
            let unanswered = Arc::clone(&unanswered);
            services.deferred(&path, move |_, message, reply| {
                let mut calls = calls.lock().unwrap();
                let before = calls.iter().filter(|(name, _)| *name == method).count();
                calls.push((method, message.to_vec()));
                match respond(method, message, before) {
                    Response::Answer(answer) => reply.send(Ok(answer)),
                    Response::Refuse(status) => reply.send(Err(status)),
                    Response::None => unanswered.lock().unwrap().push(reply),
                }
            });
        }
        let options = ServerOptions { shutdown_grace: Duration::ZERO, ..ServerOptions::default() };
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(address, services, options).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        FakeNode { address, calls, handle, thread }
    }

    /// A node with the same response to every call.
    pub fn always(respond: impl Fn() -> Response + Send + Sync + 'static) -> FakeNode {
        FakeNode::new(move |_, _, _| respond())
    }

    /// A leader: it opens sessions 70, 71, ... and accepts every write.
    pub fn leader() -> FakeNode {
        FakeNode::new(|method, _, before| leader_response(method, before))
    }

    /// The calls that it received.
    pub fn calls(&self) -> Vec<ReceivedCall> {
        self.calls.lock().unwrap().clone()
    }

    /// The origins of the writes that it received.
    pub fn origins(&self) -> Vec<(u64, u64, u64)> {
        let sets = self.calls().into_iter().filter(|(method, _)| *method == "Set");
        let origin = |(_, message): ReceivedCall| {
            let request: pb::SetRequest<'_> = decode(&message).unwrap();
            let origin = request.origin.unwrap();
            (origin.session, origin.sequence, origin.acknowledged)
        };
        sets.map(origin).collect()
    }
}

impl Drop for FakeNode {
    fn drop(&mut self) {
        self.handle.shut_down();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A web server. Its thread ends with the test's process.
pub struct FakeWebServer {
    pub address: SocketAddr,
}

impl FakeWebServer {
    pub fn new() -> FakeWebServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
            }
        });
        FakeWebServer { address }
    }
}

/// The response of a leader.
pub fn leader_response(method: &str, before: usize) -> Response {
    Response::Answer(match method {
        "OpenSession" => encode(&pb::OpenSessionResponse { session: 70 + before as u64 }),
        "Set" => encode(&pb::SetResponse { revision: 100 + before as u64 }),
        "Get" => encode(&pb::GetResponse {
            pair: Some(pb::Pair { value: b"value".into(), ..Default::default() }),
        }),
        _ => Vec::new(),
    })
}

/// The response of a node that does not lead.
pub fn not_leader(node: u64, leader: Option<u64>) -> Response {
    refusal(Code::Unavailable, node, leader)
}

/// The response of a follower of a leader at this address.
pub fn follower_response(node: u64, leader: u64, at: SocketAddr) -> Response {
    match refusal(Code::Unavailable, node, Some(leader)) {
        Response::Refuse(mut status) => {
            status.metadata.insert(LEADER, at.to_string().as_bytes()).unwrap();
            Response::Refuse(status)
        }
        other => other,
    }
}

/// A refusal of a node.
pub fn refusal(code: Code, node: u64, leader: Option<u64>) -> Response {
    let mut metadata = Metadata::new();
    metadata.insert(NODE_ID, node.to_string().as_bytes()).unwrap();
    if let Some(leader) = leader {
        metadata.insert(LEADER_ID, leader.to_string().as_bytes()).unwrap();
    }
    Response::Refuse(Status { code, message: "as the test wishes".into(), metadata })
}

/// An address without a listener.
pub fn unused_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A client of nodes 1, 2, ... at these addresses.
pub fn client(addresses: &[SocketAddr], timeout: Duration) -> KvClient {
    let nodes: Vec<_> = (1..).zip(addresses.iter().map(SocketAddr::to_string)).collect();
    KvClient::new(&nodes, &ClientOptions { timeout, ..ClientOptions::default() }).unwrap()
}
