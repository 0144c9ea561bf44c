//! A store or a market of three nodes, each on its own thread, and what an attack must not change.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use agora::call::{Access, Status};
use agora::kv::service::KvService;
use agora::market::service::{AsyncLineWriter, MarketService};
use agora::market::state::Limits;
use agora::pb::{agora_kv_v1, agora_market_v1};
use agora::protobuf::encode;
use agora::raft::{Config, Index, NodeId, Raft, Term};
use agora::replica::dump::DumpOptions;
use agora::replica::engine::SnapshotPolicy;
use agora::replica::node::{Node, NodeOptions, Opened, Service, ShutdownReason};
use agora::replica::transport::{EXCHANGE, Transport, TransportOptions};
use agora::rpc::{
    CallOptions, Channel, ChannelOptions, ClientCall, Server, ServerHandle, ServerOptions,
    Services, ServingStatus, add_standard_services,
};
use agora::session::Protocol;

use crate::authority::{Authority, client_tls, server_tls};
use crate::free_address::free_address;
use crate::wait::poll_until;

pub const LONG: Duration = Duration::from_secs(30);
pub const GROUP: &str = "agora";
const SET: &str = "/agora.kv.v1.KvService/Set";
pub const HEALTH: &str = "/grpc.health.v1.Health/Check";
const WATCH_HEALTH: &str = "/grpc.health.v1.Health/Watch";
const REGISTER: &str = "/agora.market.v1.MarketService/RegisterSeller";

#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    poll_until(what, LONG, condition);
}

/// The replicated service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Store,
    Market,
}

/// What the nodes show each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certificates {
    /// Nothing: the group is in the clear.
    None,
    /// Certificates with the roles of the nodes.
    Roles,
    /// Certificates without roles, each for the host of its node.
    Hosts,
}

/// What is visible of a node from inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeView {
    pub term: Term,
    pub leader: Option<NodeId>,
    pub commit_index: Index,
    pub last_index: Index,
    pub last_term: Term,
    /// The lines of its state.
    pub state: Vec<Vec<u8>>,
}

type View = Box<dyn Fn() -> NodeView + Send>;

struct Running {
    view: View,
    handle: ServerHandle,
    thread: JoinHandle<()>,
    reason: ShutdownReason,
}

pub struct Group {
    kind: Kind,
    certificates: Certificates,
    pub authority: Authority,
    home: PathBuf,
    /// Where the nodes call each other.
    pub addresses: Vec<(NodeId, String)>,
    /// Where clients call the nodes.
    pub for_clients: Vec<(NodeId, String)>,
    max_connections: usize,
    running: BTreeMap<NodeId, Running>,
}

impl Group {
    /// Three running nodes with a leader.
    pub fn start(kind: Kind, certificates: Certificates) -> Group {
        Group::start_with_room(kind, certificates, ServerOptions::default().max_connections)
    }

    /// As [`start`](Self::start), with room for so many clients at each node.
    pub fn start_with_room(kind: Kind, certificates: Certificates, room: usize) -> Group {
        let addresses: Vec<_> = (0..3).map(|id| (id, free_address().to_string())).collect();
        Group::start_at(kind, certificates, addresses.clone(), addresses, room)
    }

    /// As [`start`](Self::start); the nodes call each other at ports of their own.
    pub fn start_with_peer_ports(kind: Kind, certificates: Certificates) -> Group {
        let [for_clients, addresses] =
            [(); 2].map(|()| (0..3).map(|id| (id, free_address().to_string())).collect());
        let room = ServerOptions::default().max_connections;
        Group::start_at(kind, certificates, for_clients, addresses, room)
    }

    fn start_at(
        kind: Kind,
        certificates: Certificates,
        for_clients: Vec<(NodeId, String)>,
        addresses: Vec<(NodeId, String)>,
        max_connections: usize,
    ) -> Group {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-security-peers-{}-{number}", std::process::id());
        let home = std::env::temp_dir().join(name);
        fs::create_dir(&home).unwrap();
        let authority = Authority::new();
        let running = BTreeMap::new();
        let mut group = Group {
            kind,
            certificates,
            authority,
            home,
            addresses,
            for_clients,
            max_connections,
            running,
        };
        (0..3).for_each(|id| group.run(id));
        group.leader();
        group.commit();
        group
    }

    fn run(&mut self, id: NodeId) {
        match self.kind {
            Kind::Store => {
                self.run_service(id, "kv", KvService::default(), agora::kv::service::register);
            }
            Kind::Market => {
                let service = MarketService::new(Limits::DEFAULT, AsyncLineWriter::disabled());
                self.run_service(id, "market", service, agora::market::service::register);
            }
        }
    }

    fn run_service<S: Service>(
        &mut self,
        id: NodeId,
        machine: &str,
        service: S,
        register: impl FnOnce(&mut Services, &Node<S>),
    ) {
        let options = NodeOptions {
            directory: Some(self.directory(id)),
            group: GROUP.into(),
            machine: machine.into(),
            peers: self.for_clients.clone(),
            config: config(id),
            snapshots: SnapshotPolicy::default(),
            dump: DumpOptions::default(),
            quota_bytes: 0,
        };
        let opened = Opened::open(options, service).unwrap();
        let mut services = Services::new();
        register(&mut services, &opened.node());
        let others = self.addresses.iter().filter(|(peer, _)| *peer != id).cloned().collect();
        let mut transport = TransportOptions::new(GROUP, id, others);
        transport.address.clone_from(&self.addresses[id as usize].1);
        let folder = self.node_folder(id);
        transport.tls = folder.as_deref().map(client_tls);
        let transport = Transport::new(transport, &mut services);
        add_standard_services(&mut services).set_all(ServingStatus::Serving);
        services.set_access(&[
            (EXCHANGE, Access::Client),
            (SET, Access::Client),
            (REGISTER, Access::Anyone),
            (HEALTH, Access::Anyone),
            (WATCH_HEALTH, Access::Anyone),
        ]);
        let options = ServerOptions {
            tls: folder.as_deref().map(server_tls),
            enforce_roles: folder.is_some(),
            max_connections: self.max_connections,
            peer_addresses: match self.addresses == self.for_clients {
                true => Vec::new(),
                false => vec![self.addresses[id as usize].1.parse().unwrap()],
            },
            ..ServerOptions::default()
        };
        let address = self.for_clients[id as usize].1.parse().unwrap();
        let mut server = Server::bind(address, services, options).unwrap();
        let (node, reason) = (opened.node(), opened.shutdown_reason());
        opened.attach(&mut server, transport).unwrap();
        let handle = server.handle();
        let thread = std::thread::spawn(move || server.run().unwrap());
        let view: View = Box::new(move || look(&node));
        self.running.insert(id, Running { view, handle, thread, reason });
    }

    /// The certificates of a node, if it has any.
    pub fn node_folder(&self, id: NodeId) -> Option<PathBuf> {
        let host = |all: &[(NodeId, String)]| {
            let (_, address) = &all[id as usize];
            address.rsplit_once(':').unwrap().0.to_owned()
        };
        let hosts = [host(&self.addresses), host(&self.for_clients)];
        let hosts = hosts.each_ref().map(String::as_str);
        let role = format!("agora:node/{GROUP}/{id}");
        match self.certificates {
            Certificates::None => None,
            Certificates::Roles => {
                Some(self.authority.issue(&format!("node-{id}"), &hosts, &[&role]))
            }
            Certificates::Hosts => Some(self.authority.issue(&format!("node-{id}"), &hosts, &[])),
        }
    }

    pub fn directory(&self, id: NodeId) -> PathBuf {
        self.home.join(format!("node_{id}"))
    }

    pub fn view(&self, id: NodeId) -> NodeView {
        (self.running[&id].view)()
    }

    pub fn ids(&self) -> Vec<NodeId> {
        self.running.keys().copied().collect()
    }

    /// Waits for a leader that all running nodes know.
    #[track_caller]
    pub fn leader(&self) -> NodeId {
        let mut leader = None;
        eventually("a leader", || {
            let known: Vec<_> = self.ids().iter().map(|id| self.view(*id).leader).collect();
            leader = known[0];
            leader.is_some() && known.iter().all(|other| *other == leader)
        });
        leader.unwrap()
    }

    /// The group goes on: a client's write is confirmed, and applied by all running nodes.
    #[track_caller]
    pub fn commit(&self) {
        eventually("a write is confirmed", || {
            self.ids().iter().any(|id| self.write(*id, Protocol::Native).is_ok())
        });
        eventually("the nodes agree", || {
            let mut views = self.ids().into_iter().map(|id| self.view(id));
            let first = views.next().unwrap();
            let is_equal = views
                .all(|view| (view.commit_index, &view.state) == (first.commit_index, &first.state));
            let is_written = |log: &String| log.lines().count() as Index >= first.commit_index;
            is_equal && self.logs().iter().all(is_written)
        });
    }

    /// A client's write at one node.
    fn write(&self, id: NodeId, protocol: Protocol) -> Result<Vec<u8>, Status> {
        let (path, request) = self.write_request();
        self.call(&self.for_clients[id as usize].1, protocol, path, &request)
    }

    /// A write that was not requested before.
    pub fn write_request(&self) -> (&'static str, Vec<u8>) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        match self.kind {
            Kind::Store => {
                let (key, value) = (b"key"[..].into(), number.to_string().into_bytes().into());
                (SET, encode(&agora_kv_v1::SetRequest { key, value, origin: None }))
            }
            Kind::Market => {
                let uuid = format!("{number:08x}-a6e5-41ed-906b-76aef1e817c5").into();
                let address = format!("seller {number}").into();
                let request_id = 1;
                let request = agora_market_v1::RegisterSellerRequest { uuid, address, request_id };
                (REGISTER, encode(&request))
            }
        }
    }

    /// A client's call at an address.
    pub fn call(
        &self,
        address: &str,
        protocol: Protocol,
        path: &str,
        request: &[u8],
    ) -> Result<Vec<u8>, Status> {
        let channel = self.channel(address, protocol)?;
        let timeout = Some(Duration::from_secs(2));
        channel.unary(path, request, &CallOptions { timeout, ..CallOptions::default() })
    }

    /// A client's connection to a node, with a call that stays open.
    pub fn watch(&self, id: NodeId) -> Result<(Channel, ClientCall), Status> {
        let channel = self.channel(&self.for_clients[id as usize].1, Protocol::Native)?;
        let call = CallOptions { timeout: Some(LONG), ..CallOptions::default() };
        let mut call = channel.start(WATCH_HEALTH, &call)?;
        call.send(&[])?;
        call.receive()?.ok_or(Status::OK)?;
        Ok((channel, call))
    }

    /// A client's connection to an address.
    fn channel(&self, address: &str, protocol: Protocol) -> Result<Channel, Status> {
        let client = self.authority.issue("client", &[], &["agora:client/alice"]);
        let tls = (self.certificates != Certificates::None).then(|| client_tls(&client));
        Channel::new(address, ChannelOptions { protocol, tls, ..ChannelOptions::default() })
    }

    /// The entries in the log files, of all running nodes.
    pub fn logs(&self) -> Vec<String> {
        let log = |id: NodeId| fs::read_to_string(self.directory(id).join("logs.txt")).unwrap();
        self.ids().into_iter().map(log).collect()
    }

    pub fn stop(&mut self, id: NodeId) {
        let running = self.running.remove(&id).unwrap();
        running.handle.shut_down();
        running.thread.join().unwrap();
        assert!(running.reason.take().is_none());
    }

    pub fn start_again(&mut self, id: NodeId) {
        self.run(id);
    }

    /// Waits until a node stops by itself, and returns why.
    #[track_caller]
    pub fn await_stop(&mut self, id: NodeId) -> String {
        eventually("the node stops", || self.running[&id].thread.is_finished());
        let running = self.running.remove(&id).unwrap();
        running.thread.join().unwrap();
        running.reason.take().expect("it was not asked to stop").to_string()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        for (_, running) in std::mem::take(&mut self.running) {
            running.handle.shut_down();
            let _ = running.thread.join();
        }
        remove(&self.home);
    }
}

fn remove(folder: &Path) {
    let _ = fs::remove_dir_all(folder);
}

/// A busy machine must not change the leader.
pub fn config(id: NodeId) -> Config {
    let ms = Duration::from_millis;
    Config {
        heartbeat_interval: ms(100),
        election_timeout: ms(2000),
        election_spread: ms(1000),
        lease: ms(2000),
        seed: id + 1,
        ..Config::lan(id, vec![0, 1, 2])
    }
}

fn look<S: Service>(node: &Node<S>) -> NodeView {
    let node = node.lock();
    let raft: &Raft = node.raft();
    let mut frozen = node.state().freeze();
    let mut state = Vec::new();
    loop {
        let mut line = Vec::new();
        let has_line = frozen.next_line(&mut |word| {
            line.extend_from_slice(word);
            line.push(b' ');
        });
        if !has_line {
            break;
        }
        state.push(line);
    }
    NodeView {
        term: raft.current_term(),
        leader: raft.leader(),
        commit_index: raft.commit_index(),
        last_index: raft.last_index(),
        last_term: raft.term_at(raft.last_index()).unwrap_or_default(),
        state,
    }
}
