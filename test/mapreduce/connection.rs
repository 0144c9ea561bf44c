//! The master's connection to a worker in the simulated world. It accepts few calls at once, as a
//! real connection does when many tasks run on a worker, and refuses the others.

use std::collections::BTreeMap;

use agora::mapreduce::contract::{MapOutputAnnouncement, MapOutputLocation};
use agora::mapreduce::pending_calls::{PendingCalls, Started};
use agora::mapreduce::scheduler::{AttemptId, MapOutput, Start, WorkerId};

/// A call to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Task(AttemptId),
    Announcement(AttemptId),
    Ping,
}

/// What a worker receives. Announcements and pings are answered by number.
pub enum Arrival {
    Start(Start),
    Announcement(u64, MapOutputAnnouncement),
    Ping(u64),
}

/// A connection, and the calls that wait for it.
pub struct Connection {
    max_calls: usize,
    open: Vec<(u64, Call)>,
    last: u64,
    waiting: PendingCalls<Call>,
    starts: BTreeMap<AttemptId, Start>,
    announcement: BTreeMap<AttemptId, MapOutputAnnouncement>,
}

impl Connection {
    pub fn new(max_calls: usize) -> Connection {
        Connection {
            max_calls,
            open: Vec::new(),
            last: 0,
            waiting: PendingCalls::default(),
            starts: BTreeMap::new(),
            announcement: BTreeMap::new(),
        }
    }

    pub fn start(&mut self, start: Start) {
        self.waiting.push(Call::Task(start.attempt));
        self.starts.insert(start.attempt, start);
    }

    pub fn announce(&mut self, attempt: AttemptId, output: &MapOutput) {
        self.announcement_to(attempt).add(MapOutputLocation {
            task: output.map,
            attempt: output.attempt.0,
            address: output.worker.0.to_string(),
            epoch: 1,
            bytes: 1,
        });
    }

    pub fn withdraw(&mut self, attempt: AttemptId, map: u32, output: AttemptId) {
        self.announcement_to(attempt).withdraw(map, output.0);
    }

    fn announcement_to(&mut self, attempt: AttemptId) -> &mut MapOutputAnnouncement {
        self.waiting.push(Call::Announcement(attempt));
        self.announcement.entry(attempt).or_insert_with(|| MapOutputAnnouncement::new(attempt.0))
    }

    pub fn ping(&mut self) {
        self.waiting.push(Call::Ping);
    }

    /// The master cancels an attempt.
    pub fn cancel(&mut self, attempt: AttemptId) {
        self.starts.remove(&attempt);
        self.announcement.remove(&attempt);
        self.task_ended(attempt);
    }

    pub fn task_ended(&mut self, attempt: AttemptId) {
        self.open.retain(|(_, call)| *call != Call::Task(attempt));
    }

    pub fn answered(&mut self, number: u64) {
        self.open.retain(|(open, _)| *open != number);
    }

    /// The calls that the connection accepts, and whether it refuses one.
    pub fn send(&mut self) -> (Vec<Arrival>, bool) {
        let mut sent = Vec::new();
        while let Some(call) = self.waiting.first().copied() {
            let started = self.begin(call, &mut sent);
            if !self.waiting.started(started) {
                return (sent, true);
            }
        }
        (sent, false)
    }

    fn begin(&mut self, call: Call, sent: &mut Vec<Arrival>) -> Started {
        if self.open.len() >= self.max_calls {
            return Started::Refused;
        }
        self.last += 1;
        let arrival = match call {
            Call::Task(attempt) => self.starts.remove(&attempt).map(Arrival::Start),
            Call::Announcement(attempt) => self
                .announcement
                .remove(&attempt)
                .map(|announcement| Arrival::Announcement(self.last, announcement)),
            Call::Ping => {
                let is_open = self.open.iter().any(|(_, open)| *open == Call::Ping);
                (!is_open).then_some(Arrival::Ping(self.last))
            }
        };
        if let Some(arrival) = arrival {
            self.open.push((self.last, call));
            sent.push(arrival);
        }
        Started::Taken
    }
}

/// The output of an [`announce`](Connection::announce).
pub fn map_output_of(output: &MapOutputLocation) -> MapOutput {
    MapOutput {
        map: output.task,
        attempt: AttemptId(output.attempt),
        worker: WorkerId(output.address.parse().unwrap()),
        sizes: [1].into(),
    }
}
