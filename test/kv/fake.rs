//! Nodes that say what a test has them say.

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

/// What a node says.
pub enum Say {
    Answer(Vec<u8>),
    Refuse(Status),
    Nothing,
}

/// A call that a node got: its method and its message.
pub type Asked = (&'static str, Vec<u8>);

const METHODS: [&str; 4] = ["Get", "Set", "OpenSession", "Status"];

pub struct Fake {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

impl Fake {
    /// A node whose answers `say` makes, from the method, the message and how often this method was
    /// called before.
    pub fn new(say: impl Fn(&str, &[u8], usize) -> Say + Send + Sync + 'static) -> Fake {
        let (say, asked) = (Arc::new(say), Arc::new(Mutex::new(Vec::<Asked>::new())));
        let unanswered: Arc<Mutex<Vec<Reply>>> = Arc::default();
        let mut services = Services::new();
        for method in METHODS {
            let path = format!("/{SERVICE}/{method}");
            let (say, asked) = (Arc::clone(&say), Arc::clone(&asked));
            let unanswered = Arc::clone(&unanswered);
            services.deferred(&path, move |_, message, reply| {
                let mut asked = asked.lock().unwrap();
                let before = asked.iter().filter(|(name, _)| *name == method).count();
                asked.push((method, message.to_vec()));
                match say(method, message, before) {
                    Say::Answer(answer) => reply.send(Ok(answer)),
                    Say::Refuse(status) => reply.send(Err(status)),
                    Say::Nothing => unanswered.lock().unwrap().push(reply),
                }
            });
        }
        let options = ServerOptions { shutdown_grace: Duration::ZERO, ..ServerOptions::default() };
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = Server::bind(address, services, options).unwrap();
        let (address, handle) = (server.local_addr(), server.handle());
        let thread = Some(std::thread::spawn(move || server.run().unwrap()));
        Fake { address, asked, handle, thread }
    }

    /// A node that says the same to everything.
    pub fn always(say: impl Fn() -> Say + Send + Sync + 'static) -> Fake {
        Fake::new(move |_, _, _| say())
    }

    /// The node that leads: it opens session 70, 71, ... and takes every write.
    pub fn leader() -> Fake {
        Fake::new(|method, _, before| lead(method, before))
    }

    /// The calls that it got.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The origins of the writes that it got.
    pub fn origins(&self) -> Vec<(u64, u64, u64)> {
        let sets = self.asked().into_iter().filter(|(method, _)| *method == "Set");
        let origin = |(_, message): Asked| {
            let request: pb::SetRequest<'_> = decode(&message).unwrap();
            let origin = request.origin.unwrap();
            (origin.session, origin.sequence, origin.acknowledged)
        };
        sets.map(origin).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.handle.shut_down();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// A web server. Its thread ends with the test's process.
pub struct Web {
    pub address: SocketAddr,
}

impl Web {
    pub fn new() -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 1024]);
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi");
            }
        });
        Web { address }
    }
}

/// What a leader says.
pub fn lead(method: &str, before: usize) -> Say {
    Say::Answer(match method {
        "OpenSession" => encode(&pb::OpenSessionResponse { session: 70 + before as u64 }),
        "Set" => encode(&pb::SetResponse { revision: 100 + before as u64 }),
        "Get" => encode(&pb::GetResponse {
            pair: Some(pb::Pair { value: b"value".into(), ..Default::default() }),
        }),
        _ => Vec::new(),
    })
}

/// What a node says that does not lead.
pub fn elsewhere(node: u64, leader: Option<u64>) -> Say {
    refuse(Code::Unavailable, node, leader)
}

/// What a node says that follows a leader at this address.
pub fn follow(node: u64, leader: u64, at: SocketAddr) -> Say {
    match refuse(Code::Unavailable, node, Some(leader)) {
        Say::Refuse(mut status) => {
            status.metadata.insert(LEADER, at.to_string().as_bytes()).unwrap();
            Say::Refuse(status)
        }
        other => other,
    }
}

/// A refusal of a node.
pub fn refuse(code: Code, node: u64, leader: Option<u64>) -> Say {
    let mut metadata = Metadata::new();
    metadata.insert(NODE_ID, node.to_string().as_bytes()).unwrap();
    if let Some(leader) = leader {
        metadata.insert(LEADER_ID, leader.to_string().as_bytes()).unwrap();
    }
    Say::Refuse(Status { code, message: "as the test wishes".into(), metadata })
}

/// An address where nobody listens.
pub fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A client of nodes 1, 2, ... at these addresses.
pub fn client(addresses: &[SocketAddr], timeout: Duration) -> KvClient {
    let nodes: Vec<_> = (1..).zip(addresses.iter().map(SocketAddr::to_string)).collect();
    KvClient::new(&nodes, &ClientOptions { timeout, ..ClientOptions::default() }).unwrap()
}
