//! A node of the simulated group: the real engine and storage on a simulated disk. It may pause or
//! crash between any two steps.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use agora::raft::{Config, Index, Message, NodeId, SnapshotMark, SnapshotRead};
use agora::replica::engine::{Engine, Output, SnapshotPolicy, WriteJob};
use agora::replica::membership::Introduction;
use agora::replica::recovery::{membership, recovered};
use agora::replica::state::Replicated;
use agora::replica::storage::{
    Commands, Identity, Receipt, ReceivedSnapshot, SnapshotFile, SnapshotJob, Storage, StorageError,
};

use crate::clients::{Request, Response, Ticket};
use crate::sim_disk::SimDisk;
use crate::workload::Workload;

/// An input of a node.
pub enum Input<W: Workload> {
    /// What a process of another node said of itself, and what else it said.
    Introduction(NodeId, Introduction),
    Message(NodeId, u64, Message),
    Request(Ticket<W>, Request<W>),
    Transfer(NodeId),
    /// Transfer the leadership to any node.
    HandOver,
    Persisted(u64),
    Snapshot(SnapshotMark, u64),
    SnapshotFailed,
    Installed(SnapshotMark, Option<Box<Replicated<W::Machine>>>),
    HardStatePersisted(u64),
    /// Whether writes wait for disk space.
    Full(bool),
    SnapshotLost,
    /// Writes still wait: try to free disk space.
    MakeSpace,
}

/// The result of a write.
pub enum Written {
    /// All of it is durable.
    All(Option<u64>),
    /// The disk has no space up to this write; whether the hard states are durable.
    Waits(u64, bool),
}

/// The result of installing a leader's snapshot.
pub enum Installed<W: Workload> {
    Nothing,
    Done(SnapshotMark, Option<Box<Replicated<W::Machine>>>),
    NoSpace,
}

/// A running process.
pub struct Process<W: Workload> {
    /// The number of the process.
    pub id: u64,
    pub engine: Engine<W::Machine, Ticket<W>>,
    pub storage: Storage,
    /// Writes that were requested.
    jobs: VecDeque<WriteJob>,
    /// The last staged write.
    unreported: Option<u64>,
    pub is_waiting_for_space: bool,
    /// The disk had no space for a leader's snapshot.
    pub is_snapshot_lost: bool,
    pub is_writing: bool,
    pub is_taking_snapshot: bool,
    pub snapshot: Option<SnapshotJob>,
    pub received: Option<ReceivedSnapshot>,
    /// An error that ends the process.
    pub failure: Option<StorageError>,
    /// Snapshots that followers may still receive.
    sent: VecDeque<Arc<SnapshotFile>>,
}

/// A node, running or not.
pub struct SimNode<W: Workload> {
    pub id: NodeId,
    pub config: Config,
    pub policy: SnapshotPolicy,
    pub disk: SimDisk,
    pub process: Option<Process<W>>,
    /// How many times it was started.
    pub process_count: u64,
    /// The rate of its clock, and its offset.
    pub rate: f64,
    pub clock_offset: Duration,
    /// The error of its wall clock, in milliseconds.
    pub wall_offset_ms: i64,
    /// It is paused until then.
    pub paused_until: Duration,
    pub inputs: VecDeque<Input<W>>,
    /// A clock reading from before a pause, and the number of inputs at that time, for its next
    /// step.
    pub stale_clock: Option<(Duration, usize)>,
    /// The longest time of a write.
    pub slowest_write: Duration,
    /// It has been a voter.
    pub has_joined: bool,
    /// Its disk was lost or replaced by an older copy.
    pub is_lost: bool,
    /// A copy of its disk, and the process counts of all nodes at that time.
    pub image: Option<(SimDisk, Vec<u64>)>,
}

impl<W: Workload> SimNode<W> {
    /// The time of its clock.
    pub fn clock(&self, time: Duration) -> Duration {
        self.clock_offset + time.mul_f64(self.rate)
    }

    /// The true time of a clock time.
    pub fn time_of(&self, clock: Duration) -> Duration {
        let clock = clock.min(Duration::from_secs(1_000_000));
        // Rounded up: not before that.
        clock.saturating_sub(self.clock_offset).div_f64(self.rate) + Duration::from_nanos(2)
    }

    pub fn wall_ms(&self, time: Duration) -> u64 {
        let true_ms = 1_700_000_000_000 + time.as_millis() as i64;
        (true_ms + self.wall_offset_ms).max(0) as u64
    }

    /// Starts a process with what the disk holds.
    pub fn start(&mut self, time: Duration) -> Result<(), StorageError> {
        let members = self.config.voters.iter().map(|id| (*id, format!("host{id}:1"))).collect();
        let (group, machine) = ("simulated".into(), "simulated".into());
        let identity = Identity { node: self.id, group, machine, members };
        let instance = (self.process_count.rotate_left(8) ^ self.id).max(1);
        let mut state = Replicated::<W::Machine>::default();
        let (storage, found) = Storage::open(
            self.disk.disk(),
            &identity,
            instance,
            Commands::of::<W::Machine>(),
            &mut |words| state.restore(words),
        )?;
        let record = found.record.clone();
        let recovered = recovered(found);
        if recovered.snapshot.index > 0 {
            state.restored(recovered.snapshot.index).expect("a snapshot has all of the state");
        }
        // Every process may have been set up with another lease.
        let lease = match self.process_count % 4 {
            0 => self.config.lease / 2,
            1 => self.config.lease * 2,
            _ => self.config.lease,
        };
        let config = Config { seed: self.process_count, lease, ..self.config.clone() };
        let now = self.clock(time);
        self.process_count += 1;
        let process = self.process_count.max(1);
        let membership = membership(&config, &recovered, record, process, now);
        let mut engine = Engine::new(config, recovered, state, self.policy, membership, now);
        engine.report_applied();
        self.process = Some(Process {
            id: process,
            engine,
            storage,
            jobs: VecDeque::new(),
            unreported: None,
            is_waiting_for_space: false,
            is_snapshot_lost: false,
            is_writing: false,
            is_taking_snapshot: false,
            snapshot: None,
            received: None,
            failure: None,
            sent: VecDeque::new(),
        });
        Ok(())
    }

    /// Stops the process.
    pub fn stop(&mut self) {
        self.process = None;
        self.inputs.clear();
        self.stale_clock = None;
    }
}

impl<W: Workload> Process<W> {
    /// Handles one input. Returns a response if there is one at once.
    pub fn take(
        &mut self,
        input: Input<W>,
        now: Duration,
        wall_ms: u64,
    ) -> Option<(Ticket<W>, Response<W>)> {
        let engine = &mut self.engine;
        match input {
            Input::Introduction(from, introduction) => {
                engine.receive_introduction(from, introduction)
            }
            Input::Message(from, process_number, message) => {
                engine.deliver(now, from, process_number, message)
            }
            Input::Persisted(write) => engine.persisted(now, write),
            Input::HandOver => {
                engine.hand_over(now);
            }
            Input::Transfer(to) => {
                engine.transfer(now, to, Duration::from_secs(1), Ticket::unanswered());
            }
            Input::Snapshot(mark, bytes) => {
                let first = engine.snapshot_taken(mark, bytes).first;
                self.compact(first);
            }
            Input::SnapshotFailed => engine.snapshot_failed(),
            Input::Installed(mark, state) => {
                engine.snapshot_installed(now, mark, state.map(|state| *state));
            }
            Input::HardStatePersisted(write) => engine.hard_state_persisted(now, write),
            Input::Full(is_full) => {
                engine.set_full(now, is_full);
                if is_full && engine.raft().is_leader() {
                    engine.hand_over(now);
                }
            }
            Input::SnapshotLost => engine.snapshot_lost(now),
            Input::MakeSpace => self.make_space(now),
            Input::Request(ticket, request) => return request.make(engine, now, wall_ms, ticket),
        }
        None
    }

    /// Takes the disk work of an output.
    pub fn keep(&mut self, output: &mut Output<Ticket<W>>) {
        self.jobs.extend(output.write.take());
        if let Some((mark, frozen)) = output.snapshot.take() {
            self.snapshot = Some(self.storage.begin_snapshot(mark, frozen));
        }
    }

    pub fn has_jobs(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// Does all waiting jobs, with one sync if possible.
    pub fn write(&mut self) -> Result<Written, StorageError> {
        for job in self.jobs.drain(..) {
            self.unreported = Some(job.id);
            if let Some(record) = job.record {
                self.storage.stage_record(*record);
            }
            if let Some(hard_state) = job.hard_state {
                self.storage.stage_hard_state(hard_state);
            }
            self.storage.stage(&job.entries)?;
            self.storage.note_commit(job.commit_index);
            for piece in &job.pieces {
                match self.storage.receive(piece) {
                    Ok(Receipt::Whole(received)) => self.received = Some(received),
                    Ok(Receipt::More) => (),
                    // It was handed out before the core knew that the earlier pieces are lost.
                    Ok(Receipt::OutOfOrder) => self.is_snapshot_lost = true,
                    Err(error) if error.is_temporary() => {
                        self.is_snapshot_lost = true;
                        break;
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        match (self.storage.sync(), self.unreported) {
            (Ok(()), write) => {
                self.unreported = None;
                Ok(Written::All(write))
            }
            (Err(error), Some(write)) if error.is_temporary() => {
                Ok(Written::Waits(write, self.storage.is_hard_state_durable()))
            }
            (Err(error), _) => Err(error),
        }
    }

    /// Drops entries from the log, if the disk has space for the copy.
    fn compact(&mut self, first: Index) {
        self.failure = self.storage.compact(first).err().filter(|error| !error.is_temporary());
    }

    /// Cuts the log up to the snapshot, and takes a new snapshot.
    fn make_space(&mut self, now: Duration) {
        if self.storage.has_snapshotted_entries() {
            let end = self.storage.snapshot().map_or(0, |snapshot| snapshot.mark().index);
            self.compact(end + 1);
        }
        if self.snapshot.is_none()
            && let Some((mark, frozen)) = self.engine.snapshot_now(now)
        {
            self.snapshot = Some(self.storage.begin_snapshot(mark, frozen));
        }
    }

    /// Writes the snapshot that is being taken; none if the disk has no space.
    pub fn finish_snapshot(&mut self) -> Result<Option<(SnapshotMark, u64)>, StorageError> {
        let Some(mut job) = self.snapshot.take() else { return Ok(None) };
        match job.run().and_then(|()| self.storage.finish_snapshot(job)) {
            Err(error) if error.is_temporary() => return Ok(None),
            written => written?,
        };
        let file = self.storage.snapshot().expect("there is one now");
        Ok(Some((file.mark(), file.size_bytes())))
    }

    /// Installs a leader's snapshot.
    pub fn install(&mut self) -> Result<Installed<W>, StorageError> {
        let Some(received) = self.received.take() else { return Ok(Installed::Nothing) };
        let mark = received.mark();
        let mut state = Box::new(Replicated::<W::Machine>::default());
        let verified = received.verify(&mut |words| state.restore(words))?;
        let Ok(verified) = verified else { return Ok(Installed::Done(mark, None)) };
        state.restored(mark.index).expect("a snapshot has all of the state");
        match self.storage.install(verified) {
            Ok(is_in_place) => Ok(Installed::Done(mark, is_in_place.then_some(state))),
            Err(error) if error.is_temporary() => Ok(Installed::NoSpace),
            Err(error) => Err(error),
        }
    }

    /// Reads a piece of a snapshot for a follower.
    pub fn read_piece(&mut self, now: Duration, read: SnapshotRead) -> Result<(), StorageError> {
        let newest = self.storage.snapshot().expect("what was compacted is in a snapshot");
        if self.sent.back().is_none_or(|known| known.mark() != newest.mark()) {
            self.sent.push_back(Arc::clone(&newest));
            if self.sent.len() > 2 {
                self.sent.pop_front();
            }
        }
        let known = self.sent.iter().find(|file| file.mark() == read.snapshot);
        let piece = match known {
            Some(file) => file.piece(read.offset, read.max_bytes)?,
            None => newest.piece(0, read.max_bytes)?,
        };
        self.engine.snapshot_piece(now, read.to, piece);
        Ok(())
    }
}
