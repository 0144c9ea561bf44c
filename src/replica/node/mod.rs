//! A node of a replicated group: engine, files and peers on the thread of an RPC server.
//!
//! [`Opened::open`] reads the files, [`Opened::node`] is what the handlers of its calls use, and
//! [`Opened::attach`] puts it on its server, where it lives until the server shuts down:
//!
//! | file | |
//! |---|---|
//! | `service` | what the state machine's own calls have to do with it |
//! | `refusal` | what a node says that cannot do what it is asked |
//! | `shared` | what handlers and resident share |
//! | `resident` | the node's turn, after all calls of a moment |
//! | `alone` | a group of one leads at once |
//! | `ending` | why it ended that nobody has asked to |
//! | `disk` | the threads that wait for the disk |
//! | `health` | whether its services would answer |
//! | `journal` | what it says of itself in the log |
//!
//! Three things end a node (see [`Opened::ending`]). Its server is shut down: it hands its leadership
//! over, if it has any, and closes its files. Its disk fails: then nothing is certain but what is on
//! disk, and the process must end. Or another node says what cannot be true if its own log is
//! ([`crate::raft::Contradiction`]): it closes its files, and a person has to look. A disk that is
//! full ends nothing: commands are refused until there is room, and a leader hands over to a node that
//! may have some.

mod single_node;
mod apply_guard;
mod disk;
mod shutdown_reason;
mod health;
mod event_logger;
mod refusal;
mod task;
mod service;
mod shared;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use disk::DiskThread;
use event_logger::EventLogger;
use health::HealthReport;
pub use refusal::{not_leader, refusal};
pub use service::Service;
pub use shared::{Node, Shared};
pub use shutdown_reason::{NodeError, ShutdownReason};
use task::{DiskSpace, NodeTask, Stage};

use crate::raft::{Config, NodeId};
use crate::replica::clock::{Clock, wall_ms};
use crate::replica::dump::{Dump, DumpOptions, Event, Level};
use crate::replica::engine::{Applied, Engine, Output, SnapshotPolicy};
use crate::replica::recovery::{membership, recovered};
use crate::replica::state::Replicated;
use crate::replica::storage::{
    Commands, Corruption, Directory, Disk, Identity, Memory, Storage, StorageError,
};
use crate::replica::transport::Transport;
use crate::rpc::{Health, Server, random_number};

/// How a node is set up.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// Where its files are; without a place they are in memory, and gone with the process.
    pub directory: Option<PathBuf>,
    /// The name of its group: nodes of other groups are not spoken to, and files of others not used.
    pub group: String,
    /// The name of what is replicated.
    pub machine: String,
    /// Every node of the group with its address (`host:port`), this one among them.
    pub peers: Vec<(NodeId, String)>,
    /// Timing, and the node's own number.
    pub config: Config,
    /// When snapshots are taken.
    pub snapshots: SnapshotPolicy,
    /// What `dump.txt` tells.
    pub dump: DumpOptions,
}

/// A node whose files were read.
pub struct Opened<S: Service> {
    node: Node<S>,
    storage: Storage,
    directory: Arc<dyn Disk>,
    options: NodeOptions,
    shutdown_reason: ShutdownReason,
    early_outputs: Vec<Output<S::Ticket>>,
    health: Option<HealthReport>,
    /// What was applied at the start, if it is to be told.
    replayed: Vec<Applied>,
}

impl<S: Service> Opened<S> {
    /// Reads the files of a node, or makes them.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub fn open(options: NodeOptions, service: S) -> Result<Opened<S>, StorageError> {
        let directory: Arc<dyn Disk> = match &options.directory {
            Some(directory) => Arc::new(Directory::open(directory)?),
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
        event_logger::log_start(&options, engine.raft());
        let is_telling_all = options.dump.level == Level::All;
        if is_telling_all {
            engine.report_applied();
        }
        // What is known to be committed is applied before anybody is told that the node is there:
        // later it would hold up calls, and peers.
        let mut replayed = Vec::new();
        apply_guard::replay(&mut engine, &mut |applied| replayed.extend(applied));
        engine.take_part(clock.now());
        let early_outputs = match options.config.voters.len() {
            1 => single_node::become_leader(&mut engine, &mut storage, &clock)?,
            _ => Vec::new(),
        };
        apply_guard::replay(&mut engine, &mut |applied| replayed.extend(applied));
        let node = Node::new(Shared {
            engine,
            service,
            clock,
            peers: options.peers.clone(),
            scratch: Vec::new(),
            requests: is_telling_all.then(Vec::new),
            full: None,
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
        })
    }

    /// The node, for the handlers of its calls.
    pub fn node(&self) -> Node<S> {
        self.node.clone()
    }

    /// Has a server's health follow the node's.
    pub fn report_health(&mut self, health: Health) {
        let last_index = self.node.lock().raft().last_index();
        self.health = Some(HealthReport::new(health, S::NAMES, last_index));
    }

    /// Why the node has ended, once its server has; nothing if it was asked to.
    pub fn shutdown_reason(&self) -> ShutdownReason {
        self.shutdown_reason.clone()
    }

    /// Moves onto a server that is not running yet. `transport` was made with the server's services.
    ///
    /// # Errors
    /// There can be no further thread.
    pub fn attach(self, server: &mut Server, mut transport: Transport) -> io::Result<()> {
        transport.set_introduction(self.node.lock().engine.introduction());
        let disk = DiskThread::start(self.storage, server.task_waker())?;
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
            has_written: false,
            disk_space: DiskSpace::default(),
            event_logger: EventLogger::default(),
            health: self.health,
        });
        Ok(())
    }
}
