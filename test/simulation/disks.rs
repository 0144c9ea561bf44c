//! The work of the disks of a world, with delays and failures.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use agora::replica::storage::StorageError;

use crate::node::{Input, Installed, Written};
use crate::workload::Workload;
use crate::world::{Event, MS, World, is_injected_fault};

impl<W: Workload> World<W> {
    /// Starts a process from its disk. An error other than an injected fault fails the run.
    pub fn restart(&mut self, place: usize) {
        let time = self.time;
        let node = &mut self.nodes[place];
        if node.process.is_some() {
            return;
        }
        match node.start(time) {
            Ok(()) => {
                self.record(|| format!("node {place} starts"));
                self.schedule(Duration::ZERO, Event::Wake { node: place });
            }
            Err(error) => {
                let is_injected_fault = is_injected_fault(&error) || error.is_temporary();
                assert!(is_injected_fault, "node {place} does not start again: {error}");
                node.disk.kill();
                self.schedule(50 * MS, Event::Restart { node: place });
            }
        }
    }

    /// Starts the waiting work of a disk.
    pub fn begin_disk_work(&mut self, place: usize) {
        let slowest = self.nodes[place].slowest_write;
        let delay = slowest.mul_f64(self.seed.below(1000) as f64 / 1000.0);
        let node = &mut self.nodes[place];
        let process_number = node.process_count;
        let Some(process) = &mut node.process else { return };
        let begins = process.has_jobs() && !process.is_writing;
        process.is_writing |= begins;
        let has_snapshot = process.snapshot.is_some() && !process.is_taking_snapshot;
        process.is_taking_snapshot |= has_snapshot;
        if begins {
            self.schedule(delay, Event::Written { node: place, process_number });
        }
        if has_snapshot {
            self.schedule(delay * 3, Event::SnapshotWritten { node: place, process_number });
        }
    }

    /// May stop the machine in the middle of the next disk operation.
    fn maybe_stop_machine(&mut self, place: usize) {
        if !self.is_ending && self.seed.one_in(150) {
            let changes = self.seed.below(6) as u64;
            self.nodes[place].disk.stop_after(changes);
        }
    }

    pub fn write(&mut self, place: usize) {
        self.maybe_stop_machine(place);
        let Some(process) = &mut self.nodes[place].process else { return };
        process.is_writing = false;
        let written = process.write();
        let is_received = process.received.is_some();
        let is_lost = std::mem::take(&mut process.is_snapshot_lost);
        let is_short = process.storage.is_low_on_space();
        process.engine.set_low_on_space(is_short);
        let Some(written) = self.crash_on_error(place, written) else { return };
        if is_lost {
            self.give(place, Input::SnapshotLost);
        }
        if is_received {
            let delay = MS * self.seed.below(300) as u32;
            let process_number = self.nodes[place].process_count;
            self.schedule(delay, Event::Install { node: place, process_number });
        }
        match written {
            Written::All(write) => {
                if let Some(write) = write {
                    self.give(place, Input::Persisted(write));
                }
                self.set_has_space(place, true);
            }
            Written::Waits(write, is_hard_state_durable) => {
                self.wait_for_space(place, write, is_hard_state_durable);
            }
        }
    }

    fn set_has_space(&mut self, place: usize, has_space: bool) {
        let Some(process) = &mut self.nodes[place].process else { return };
        if std::mem::replace(&mut process.is_waiting_for_space, !has_space) == has_space {
            self.record(|| format!("node {place} has room: {has_space}"));
            self.give(place, Input::Full(!has_space));
        }
    }

    /// Retries a write without space. Hard states are durable, unless there was no space for them
    /// either.
    fn wait_for_space(&mut self, place: usize, write: u64, is_hard_state_durable: bool) {
        if let Some(process) = &mut self.nodes[place].process {
            process.is_writing = true;
        }
        let process_number = self.nodes[place].process_count;
        let delay = MS * (1 + self.seed.below(50)) as u32;
        self.schedule(delay, Event::Written { node: place, process_number });
        if is_hard_state_durable {
            self.give(place, Input::HardStatePersisted(write));
        }
        self.set_has_space(place, false);
        self.give(place, Input::MakeSpace);
    }

    pub fn finish_snapshot(&mut self, place: usize) {
        let process_number = self.nodes[place].process_count;
        let Some(process) = &self.nodes[place].process else { return };
        if process.is_writing && !process.is_waiting_for_space {
            // In order: the entries of the snapshot are written first.
            return self.schedule(MS, Event::SnapshotWritten { node: place, process_number });
        }
        self.maybe_stop_machine(place);
        let Some(process) = &mut self.nodes[place].process else { return };
        process.is_taking_snapshot = false;
        let written = process.finish_snapshot();
        let Some(written) = self.crash_on_error(place, written) else { return };
        let Some((mark, bytes)) = written else {
            return self.give(place, Input::SnapshotFailed);
        };
        let text = self.nodes[place].disk.get("snapshot.txt").unwrap_or_default();
        let mut digest = DefaultHasher::new();
        text.hash(&mut digest);
        self.invariants_mut().snapshot(mark, digest.finish());
        self.give(place, Input::Snapshot(mark, bytes));
    }

    pub fn install(&mut self, place: usize) {
        self.maybe_stop_machine(place);
        let Some(process) = &mut self.nodes[place].process else { return };
        let installed = process.install();
        match self.crash_on_error(place, installed) {
            None | Some(Installed::Nothing) => (),
            Some(Installed::Done(mark, state)) => self.give(place, Input::Installed(mark, state)),
            Some(Installed::NoSpace) => self.give(place, Input::SnapshotLost),
        }
    }

    /// A node whose disk fails ends, as a real one does.
    pub fn crash_on_error<T>(
        &mut self,
        place: usize,
        result: Result<T, StorageError>,
    ) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(error) => {
                assert!(is_injected_fault(&error), "node {place}: {error}");
                self.record(|| format!("node {place}: {error}"));
                self.crash(place);
                None
            }
        }
    }
}
