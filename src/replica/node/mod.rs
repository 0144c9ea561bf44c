//! A node of a replicated group: engine, files and peers on the thread of an RPC server. It is the
//! imperative shell around the pure [`engine`](crate::replica::engine).
//!
//! [`Opened::open`] reads the files, call handlers use [`Opened::node`], and [`Opened::attach`]
//! attaches the node to its server, where it runs until the server shuts down:
//!
//! | file | |
//! |---|---|
//! | `service` | the interface to the state machine's own service |
//! | `refusal` | the status of a call that the node cannot serve |
//! | `shared` | the state that handlers and the event-loop task share |
//! | `task` | the event-loop task: polled after all calls that are ready |
//! | `single_node` | the election in a group of one |
//! | `shutdown_reason` | why a node stopped by itself |
//! | `disk` | the threads that write and sync |
//! | `health` | the health status of its services |
//! | `metrics` | what a scrape tells of it |
//! | `event_logger` | its log lines, from the events of the core and of the connections |
//! | `events` | writing them, and keeping the last ones |
//!
//! Three causes end a node (see [`Opened::shutdown_reason`]). First, its server shuts down: a
//! leader hands over its leadership and closes its files. Second, its disk fails: only what is
//! durable is certain then, so the process must exit. Third, another node contradicts its log
//! ([`crate::raft::Contradiction`]): it closes its files, and an operator has to decide. A full
//! disk does not end a node: it refuses commands until there is space, and a leader hands over to a
//! node that may have some.

mod single_node;
mod apply_guard;
mod disk;
mod shutdown_reason;
mod health;
mod event_logger;
mod metrics;
mod events;
mod refusal;
mod task;
mod service;
mod shared;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use disk::DiskThread;
use event_logger::EventLogger;
pub use events::{EventLine, Events};
use health::HealthReport;
use metrics::NodeMetrics;
pub use refusal::{not_leader, refusal};
pub use service::Service;
pub use shared::{Node, Shared};
pub use shutdown_reason::{NodeError, ShutdownReason};
use task::{DiskSpace, NodeTask, Stage};

use crate::metrics::Registry;
use crate::raft::{Config, NodeId};
use crate::replica::clock::{Clock, wall_ms};
use crate::replica::dump::{Dump, DumpOptions, Event, Level};
use crate::replica::engine::{Applied, Engine, Output, SnapshotPolicy};
use crate::replica::recovery::{membership, recovered};
use crate::replica::state::Replicated;
use crate::replica::storage::{
    Commands, Corruption, Directory, Disk, Identity, MeasuredDisk, Memory, Storage, StorageError,
};
use crate::replica::transport::Transport;
use crate::replica::view::View;
use crate::rpc::{Health, Server, random_number};

/// The configuration of a node.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// The directory of its files. `None`: files are kept in memory and lost with the process.
    pub directory: Option<PathBuf>,
    /// The name of its group. Connections and files of other groups are refused.
    pub group: String,
    /// The name of the state machine, for example `kv`.
    pub machine: String,
    /// Every node of the group with its address (`host:port`), this one included.
    pub peers: Vec<(NodeId, String)>,
    /// Timeouts, and the id of this node.
    pub config: Config,
    /// When snapshots are taken.
    pub snapshots: SnapshotPolicy,
    /// The largest size of the state, see [`crate::replica::engine::QuotaUse`]; 0: no limit.
    pub quota_bytes: u64,
    /// What is written to `dump.txt`.
    pub dump: DumpOptions,
}

/// A node whose files have been read.
pub struct Opened<S: Service> {
    node: Node<S>,
    storage: Storage,
    directory: Arc<dyn Disk>,
    options: NodeOptions,
    shutdown_reason: ShutdownReason,
    early_outputs: Vec<Output<S::Ticket>>,
    health: Option<HealthReport>,
    metrics: Arc<NodeMetrics>,
    /// The entries that were applied at the start, if `dump.txt` records them.
    replayed: Vec<Applied>,
    event_logger: EventLogger,
}

impl<S: Service> Opened<S> {
    /// Reads the files of a node, or creates them.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub fn open(options: NodeOptions, service: S) -> Result<Opened<S>, StorageError> {
        let metrics = Arc::new(NodeMetrics::default());
        let started = Instant::now();
        let directory: Arc<dyn Disk> = match &options.directory {
            Some(directory) => {
                let directory = Arc::new(Directory::open(directory)?);
                Arc::new(MeasuredDisk::new(directory, Arc::clone(&metrics.disk)))
            }
            None => Arc::new(Memory::default()),
        };
        let mut members = options.peers.clone();
        members.sort_unstable();
        let identity = Identity {
            node: options.config.id,
            group: options.group.clone(),
            machine: options.machine.clone(),
            members,
        };
        let (instance, incarnation) = (random_number(), random_number());
        let mut state = Replicated::of(service.machine());
        let commands = Commands::of::<S::Machine>();
        let (mut storage, found) =
            Storage::open(Arc::clone(&directory), &identity, instance, commands, &mut |words| {
                state.restore(words)
            })?;
        let record = found.record.clone();
        let recovered = recovered(found);
        if recovered.snapshot.index > 0 {
            state.restored(recovered.snapshot.index).map_err(|what| {
                let file = "snapshot.txt".to_owned();
                StorageError::Corrupt(Corruption { file, line: 1, byte: 0, what })
            })?;
        }
        let clock = Clock::new();
        let config = options.config.clone();
        let (snapshots, now) = (options.snapshots, clock.now());
        let membership = membership(&config, &recovered, record, incarnation, now);
        let mut engine = Engine::new(config, recovered, state, snapshots, membership, now);
        engine.set_quota(options.quota_bytes);
        let event_logger = EventLogger::start(&options, engine.raft(), started.elapsed());
        let is_telling_all = options.dump.level == Level::All;
        if is_telling_all {
            engine.report_applied();
        }
        // Known committed entries are applied before the server accepts calls: later they would
        // delay calls and messages of peers.
        let mut replayed = Vec::new();
        apply_guard::replay(&mut engine, &mut |applied| replayed.extend(applied));
        engine.take_part(clock.now());
        let early_outputs = match options.config.voters.len() {
            1 => single_node::become_leader(&mut engine, &mut storage, &clock)?,
            _ => Vec::new(),
        };
        apply_guard::replay(&mut engine, &mut |applied| replayed.extend(applied));
        let id = options.config.id;
        let others = options.peers.iter().map(|(peer, _)| *peer).filter(|peer| *peer != id);
        let view = View::new(&options.group, &options.machine, clock.now(), others);
        let node = Node::new(Shared {
            engine,
            service,
            clock,
            peers: options.peers.clone(),
            scratch: Vec::new(),
            requests: is_telling_all.then(Vec::new),
            full: None,
            events: event_logger.events().clone(),
            view,
        });
        let shutdown_reason = ShutdownReason::default();
        let health = None;
        Ok(Opened {
            node,
            storage,
            directory,
            options,
            shutdown_reason,
            early_outputs,
            replayed,
            health,
            metrics,
            event_logger,
        })
    }

    /// The shared state, for call handlers.
    pub fn node(&self) -> Node<S> {
        self.node.clone()
    }

    /// Makes the health of a server follow the health of the node.
    pub fn report_health(&mut self, health: Health) {
        let last_index = self.node.lock().raft().last_index();
        self.health = Some(HealthReport::new(health, S::NAMES, last_index));
    }

    /// Registers the metrics of the node and of its service.
    pub fn register_metrics(&self, registry: &Registry) {
        let directory = self.options.directory.as_deref();
        metrics::register(registry, self.node(), Arc::clone(&self.metrics), directory);
    }

    /// Why the node stopped, once its server has ended; empty after a requested shutdown.
    pub fn shutdown_reason(&self) -> ShutdownReason {
        self.shutdown_reason.clone()
    }

    /// Attaches the node to a server that is not running yet. `transport` was created with the
    /// server's services.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn attach(self, server: &mut Server, mut transport: Transport) -> io::Result<()> {
        transport.set_introduction(self.node.lock().engine.introduction());
        let disk = DiskThread::start(
            self.storage,
            server.task_waker(),
            self.event_logger.events().clone(),
        )?;
        let commands = Commands::of::<S::Machine>();
        let id = self.options.config.id;
        let mut dump = Dump::open(self.directory, id, commands, self.options.dump)?;
        for Applied { entry, is_leader } in &self.replayed {
            dump.record(wall_ms(), Event::Applied { entry, is_leader: *is_leader });
        }
        server.attach(NodeTask {
            node: self.node,
            transport,
            disk,
            dump,
            dump_due: Duration::ZERO,
            server: server.handle(),
            shutdown_reason: self.shutdown_reason,
            directory: self.options.directory,
            completions: Vec::new(),
            was_leader: false,
            noted_commit: 0,
            early_outputs: self.early_outputs,
            stage: Stage::Running,
            transport_due: None,
            has_written: false,
            disk_space: DiskSpace::default(),
            event_logger: self.event_logger,
            health: self.health,
            metrics: self.metrics,
            snapshot_began: None,
        });
        Ok(())
    }
}
