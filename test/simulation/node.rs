//! A node of the simulated group: the engine and the storage that also real nodes have, on a disk
//! that forgets. Between any two of its steps it may stand still, or be gone.

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

/// Something for a node to do.
pub enum Input<W: Workload> {
    /// What a process of another node said of itself, and what else it said.
    Introduction(NodeId, Introduction),
    Message(NodeId, u64, Message),
    Request(Ticket<W>, Request<W>),
    Transfer(NodeId),
    /// It is to hand over to whoever is there.
    HandOver,
    Persisted(u64),
    Snapshot(SnapshotMark, u64),
    SnapshotFailed,
    Installed(SnapshotMark, Option<Box<Replicated<W::Machine>>>),
    HardStatePersisted(u64),
    /// Writes wait for room from now on, or no longer.
    Full(bool),
    SnapshotLost,
    /// Writes still wait: it does what may help.
    MakeSpace,
}

/// What came of writing.
pub enum Written {
    /// All of it is durable.
    All(Option<u64>),
    /// There is no room for all of it, up to this one; whether the hard states are durable.
    Waits(u64, bool),
}

/// What came of a leader's snapshot.
pub enum Installed<W: Workload> {
    Nothing,
    Done(SnapshotMark, Option<Box<Replicated<W::Machine>>>),
    NoSpace,
}

/// A process that runs.
pub struct Process<W: Workload> {
    /// Names the process.
    pub id: u64,
    pub engine: Engine<W::Machine, Ticket<W>>,
    pub storage: Storage,
    /// What was asked to be written.
    jobs: VecDeque<WriteJob>,
    /// The last of those that are staged.
    unreported: Option<u64>,
    pub is_waiting_for_space: bool,
    /// There was no room for a leader's snapshot.
    pub is_snapshot_lost: bool,
    pub is_writing: bool,
    pub is_taking_snapshot: bool,
    pub snapshot: Option<SnapshotJob>,
    pub received: Option<ReceivedSnapshot>,
    /// Something that the node does not crash_on_error.
    pub failure: Option<StorageError>,
    /// What followers may still be getting.
    sent: VecDeque<Arc<SnapshotFile>>,
}

/// A node, running or not.
pub struct SimNode<W: Workload> {
    pub id: NodeId,
    pub config: Config,
    pub policy: SnapshotPolicy,
    pub disk: SimDisk,
    pub process: Option<Process<W>>,
    /// How many processes it was.
    pub process_count: u64,
    /// How fast its clock runs, and what it said at the beginning of time.
    pub rate: f64,
    pub clock_offset: Duration,
    /// What its wall clock is wrong by, in milliseconds.
    pub wall_offset_ms: i64,
    /// It stands still until then.
    pub paused_until: Duration,
    pub inputs: VecDeque<Input<W>>,
    /// A clock that was looked at before the node stood still, and how many inputs had come by then:
    /// its next step goes by it.
    pub stale_clock: Option<(Duration, usize)>,
    /// How long its disk takes at most.
    pub slowest_write: Duration,
    /// It was a voter, and knew it.
    pub has_joined: bool,
    /// It came back with another disk, or an older one.
    pub is_lost: bool,
    /// What its disk held at some moment, and how many processes each node was then.
    pub image: Option<(SimDisk, Vec<u64>)>,
}

impl<W: Workload> SimNode<W> {
    /// What its clock says.
    pub fn clock(&self, time: Duration) -> Duration {
        self.clock_offset + time.mul_f64(self.rate)
    }

    /// When its clock will say so.
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

    /// The process is gone.
    pub fn stop(&mut self) {
        self.process = None;
        self.inputs.clear();
        self.stale_clock = None;
    }
}

impl<W: Workload> Process<W> {
    /// Takes one input, and answers it if that can be done at once.
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

    /// Takes from a turn what is the disk's.
    pub fn keep(&mut self, output: &mut Output<Ticket<W>>) {
        self.jobs.extend(output.write.take());
        if let Some((mark, frozen)) = output.snapshot.take() {
            self.snapshot = Some(self.storage.begin_snapshot(mark, frozen));
        }
    }

    pub fn has_jobs(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// Does all jobs that wait, with one sync where that is possible.
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
                    // It was handed out before the core has heard that those before it are lost.
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

    /// Drops entries from the log, if there is room for the copy.
    fn compact(&mut self, first: Index) {
        self.failure = self.storage.compact(first).err().filter(|error| !error.is_temporary());
    }

    /// Has the log cut as far as a snapshot goes, and a new one taken.
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

    /// Writes the snapshot that is being taken. Without room for it there is none.
    pub fn finish_snapshot(&mut self) -> Result<Option<(SnapshotMark, u64)>, StorageError> {
        let Some(mut job) = self.snapshot.take() else { return Ok(None) };
        match job.run().and_then(|()| self.storage.finish_snapshot(job)) {
            Err(error) if error.is_temporary() => return Ok(None),
            written => written?,
        };
        let file = self.storage.snapshot().expect("there is one now");
        Ok(Some((file.mark(), file.size_bytes())))
    }

    /// Puts a leader's snapshot in place.
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
