//! A group, its network, its disks and its clients in one thread. Time is a number, and all
//! randomness comes from one seed.

use std::collections::BTreeMap;
use std::time::Duration;

use agora::raft::{Config, NodeId, Trace};
use agora::replica::engine::SnapshotPolicy;
use agora::replica::membership::{Notice, Standing};
use agora::replica::storage::StorageError;
use agora::replica::wire::{self, Encoder, Hello, Received, encode_hello};

use crate::clients::{Client, Next, Request, Response, Ticket};
use crate::event_log::EventLog;
use crate::invariants::Invariants;
use crate::network::Network;
use crate::node::{Input, SimNode};
use crate::seed::Seed;
use crate::sim_disk::SimDisk;
use crate::workload::{History, Workload};

pub const MS: Duration = Duration::from_millis(1);

/// A scheduled event.
pub enum Event<W: Workload> {
    Arrive {
        from: NodeId,
        /// The process that sent it.
        process_number: u64,
        to: NodeId,
        bytes: Vec<u8>,
    },
    Request {
        to: NodeId,
        ticket: Ticket<W>,
        request: Request<W>,
    },
    Response {
        ticket: Ticket<W>,
        response: Response<W>,
    },
    /// The timer of a client.
    ClientTimer {
        client: usize,
        timer: u64,
    },
    /// The timer of a node, or the end of its pause.
    Wake {
        node: usize,
    },
    /// A disk has finished a write of a process.
    Written {
        node: usize,
        process_number: u64,
    },
    SnapshotWritten {
        node: usize,
        process_number: u64,
    },
    Install {
        node: usize,
        process_number: u64,
    },
    Restart {
        node: usize,
    },
    /// A fault is injected.
    Fault,
}

/// The settings of a run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rate error of clocks, as a fraction.
    pub drift: f64,
    /// How long faults are injected.
    pub span: Duration,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { drift: 0.001, span: 8000 * MS }
    }
}

/// The result of a run.
#[derive(Debug, Default)]
pub struct Report {
    pub events: u64,
    pub entries: usize,
    pub operations: usize,
    pub answered: usize,
    pub crashes: u64,
    pub elections: u64,
    /// Disks that were lost, or replaced by an older copy.
    pub losses: u64,
}

pub struct World<W: Workload> {
    pub seed: Seed,
    pub settings: Settings,
    pub time: Duration,
    pub nodes: Vec<SimNode<W>>,
    pub network: Network,
    clients: Vec<Client<W>>,
    workload: W,
    history: History<W>,
    invariants: Invariants,
    events: BTreeMap<(Duration, u64), Event<W>>,
    scheduled: u64,
    moment: u64,
    /// No more faults, and no new operations.
    pub is_ending: bool,
    /// Nodes may lose their disks.
    pub loses_disks: bool,
    crashes: u64,
    encoder: Encoder,
    event_log: EventLog,
}

impl<W: Workload> World<W> {
    pub fn new(mut seed: Seed, settings: Settings) -> World<W> {
        let n = *seed.pick(&[1, 3, 3, 3, 5, 5]);
        let lease = 300 * MS;
        let network = Network::new(&mut seed, lease * 2);
        let workload = W::new(&mut seed);
        let config = config(&mut seed, n, lease);
        let loses_disks = seed.one_in(2);
        let policy = SnapshotPolicy { entries: *seed.pick(&[7, 40, 1_000_000]), bytes: u64::MAX };
        let nodes = (0..n).map(|id| {
            let drift = *seed.pick(&[-1.0, 1.0, -1.0, 1.0, 0.0, 0.3]) * settings.drift;
            SimNode {
                id,
                config: Config { id, ..config.clone() },
                policy,
                disk: SimDisk::new(),
                process: None,
                process_count: seed.next_u64(),
                rate: 1.0 + drift,
                clock_offset: Duration::from_secs(seed.below(100_000) as u64),
                wall_offset_ms: seed.below(2000) as i64 - 1000,
                paused_until: Duration::ZERO,
                inputs: Default::default(),
                stale_clock: None,
                slowest_write: 2 * MS,
                has_joined: false,
                is_lost: false,
                image: None,
            }
        });
        let nodes = nodes.collect();
        let clients = (0..5).map(|id| Client::new(id, n, !W::IS_NUMBERED && id % 3 != 2)).collect();
        World {
            seed,
            settings,
            time: Duration::ZERO,
            nodes,
            network,
            clients,
            workload,
            history: History::<W>::new(),
            invariants: Invariants::default(),
            events: BTreeMap::new(),
            scheduled: 0,
            moment: 0,
            is_ending: false,
            loses_disks,
            crashes: 0,
            encoder: Encoder::default(),
            event_log: EventLog::new(),
        }
    }

    /// Records an event, to be printed on failure.
    pub fn record(&mut self, what: impl FnOnce() -> String) {
        let at = (self.moment, self.time);
        self.event_log.record(at, what);
    }

    /// Runs all events with faults, then heals everything, and checks the history. Panics at the
    /// first error.
    pub fn run(mut self) -> Report {
        for node in 0..self.nodes.len() {
            self.schedule(Duration::ZERO, Event::Restart { node });
        }
        for client in 0..self.clients.len() {
            self.schedule(MS, Event::ClientTimer { client, timer: 0 });
        }
        self.schedule(100 * MS, Event::Fault);
        let until = self.settings.span;
        while self.time < until && self.step() {}
        self.heal();
        // Enough for the longest delay and pause, two elections, and a snapshot.
        let until = self.time + 15_000 * MS;
        while !self.is_settled() {
            assert!(self.time < until, "the group does not settle: {}", self.describe());
            assert!(self.step(), "no event is left: {}", self.describe());
        }
        self.compare_states();
        let leader = self.leader().expect("a node leads");
        W::check_history(&self.history, leader.state().machine());
        Report {
            events: self.moment,
            entries: self.invariants.applied_len(),
            operations: self.history.len(),
            answered: self.history.iter().filter(|record| record.returned.is_some()).count(),
            crashes: self.crashes,
            elections: self.invariants.elections(),
            losses: self.nodes.iter().filter(|node| node.is_lost).count() as u64,
        }
    }

    pub fn schedule(&mut self, after: Duration, event: Event<W>) {
        self.scheduled += 1;
        self.events.insert((self.time + after, self.scheduled), event);
    }

    /// Runs the next event.
    fn step(&mut self) -> bool {
        let Some(((time, _), event)) = self.events.pop_first() else { return false };
        (self.time, self.moment) = (time, self.moment + 1);
        match event {
            Event::Arrive { from, process_number, to, bytes } => {
                let input = match wire::decode(&bytes) {
                    Ok(Received::Message(message)) => Input::Message(from, process_number, message),
                    Ok(Received::Hello(hello)) => Input::Introduction(from, hello.introduction),
                    other => panic!("node {from} sent an invalid message: {other:?}"),
                };
                self.give(to as usize, input);
            }
            Event::Request { to, ticket, request } => {
                self.give(to as usize, Input::Request(ticket, request));
            }
            Event::Response { ticket, response } => self.respond(ticket, response),
            Event::ClientTimer { client, timer } => self.client_timer(client, timer),
            Event::Wake { node } => self.run_node(node),
            Event::Written { node, process_number }
                if self.is_current_process(node, process_number) =>
            {
                self.write(node)
            }
            Event::SnapshotWritten { node, process_number }
                if self.is_current_process(node, process_number) =>
            {
                self.finish_snapshot(node);
            }
            Event::Install { node, process_number }
                if self.is_current_process(node, process_number) =>
            {
                self.install(node)
            }
            Event::Restart { node } => self.restart(node),
            Event::Fault if !self.is_ending => self.inject_fault(),
            _ => (),
        }
        true
    }

    pub fn invariants_mut(&mut self) -> &mut Invariants {
        &mut self.invariants
    }

    fn is_current_process(&self, node: usize, process_number: u64) -> bool {
        self.nodes[node].process.is_some() && self.nodes[node].process_count == process_number
    }

    /// Gives an input to a running node.
    pub fn give(&mut self, node: usize, input: Input<W>) {
        if self.nodes[node].process.is_some() {
            self.nodes[node].inputs.push_back(input);
            self.run_node(node);
        }
    }

    /// A node does all its work, unless it is paused.
    fn run_node(&mut self, place: usize) {
        let time = self.time;
        let node = &mut self.nodes[place];
        if node.process.is_none() || time < node.paused_until {
            return;
        }
        // Inputs after the clock reading wait for the next one.
        let read = node.stale_clock.take();
        let (now, count) = read.unwrap_or_else(|| (node.clock(time), node.inputs.len()));
        if !self.is_ending && self.seed.one_in(400) {
            // It has read the clock, and is paused.
            let pause = MS * self.seed.below(500) as u32;
            node.stale_clock = Some((now, count));
            node.paused_until = time + pause;
            self.schedule(pause, Event::Wake { node: place });
            return;
        }
        let wall_ms = node.wall_ms(time);
        let Some(process) = &mut node.process else { return };
        let mut responses = Vec::new();
        for input in node.inputs.drain(..count) {
            responses.extend(process.take(input, now, wall_ms));
        }
        process.engine.set_wall_clock(wall_ms);
        let mut turn = process.engine.advance(now);
        if let Some(contradiction) = turn.contradiction {
            panic!("node {place} stops: {contradiction}");
        }
        for (ticket, answer) in turn.answers.drain(..) {
            let response = ticket.response(answer, &process.engine);
            responses.push((ticket, response));
        }
        let mut lines: Vec<String> = turn
            .trace
            .iter()
            .filter(|t| {
                !matches!(
                    t,
                    Trace::HeartbeatSent
                        | Trace::AppendAccepted { .. }
                        | Trace::AppendRejected { .. }
                )
            })
            .map(|trace| format!("node {place}: {trace:?}"))
            .collect();
        let is_ahead = |trace: &&Trace| matches!(trace, Trace::FollowerAhead { .. });
        let ahead = turn.trace.iter().find(is_ahead);
        assert_eq!(ahead, None, "node {place} has fewer entries than it says are committed");
        if let Some(write) = &turn.write {
            self.invariants.appended(&write.entries, &process.engine);
        }
        self.invariants.applied(node.id, &turn.applied);
        if !turn.applied.is_empty() {
            W::audit(process.engine.state().machine());
        }
        process.keep(&mut turn);
        let reads = std::mem::take(&mut turn.snapshot_reads);
        for read in &reads {
            if let Err(error) = process.read_piece(now, *read) {
                process.failure = Some(error);
            }
        }
        record_notices(place, &turn.notices, &mut lines);
        if process.engine.raft().is_leader() {
            // No other node knows what a leader has just written.
            node.image = None;
        }
        node.has_joined |= process.engine.membership().standing() == Standing::Voter;
        let (failure, process_number) = (process.failure.take(), process.id);
        let next = node.time_of(turn.next).saturating_sub(time).max(Duration::from_nanos(1));
        let is_done = reads.is_empty() && node.inputs.is_empty();
        let next = if is_done { next } else { Duration::ZERO };
        lines.into_iter().for_each(|line| self.record(|| line));
        self.check_invariants(place);
        if let Some(error) = failure {
            self.crash_on_error::<()>(place, Err(error));
            return;
        }
        if !self.is_ending && self.seed.one_in(20_000) {
            // A crash before its messages are sent.
            self.crash(place);
            return;
        }
        let id = place as NodeId;
        for (to, introduction) in turn.introductions {
            let hello = Hello::new("simulated", id, to, introduction);
            for delay in self.network.deliver(&mut self.seed, id, to) {
                let bytes = encode_hello(&hello);
                self.schedule(delay, Event::Arrive { from: id, process_number, to, bytes });
            }
        }
        for (to, message) in turn.messages {
            for delay in self.network.deliver(&mut self.seed, id, to) {
                let bytes = self.encoder.encode(&message).to_vec();
                self.schedule(delay, Event::Arrive { from: id, process_number, to, bytes });
            }
        }
        for (ticket, response) in responses {
            self.answer(id, ticket, response);
        }
        self.schedule(next, Event::Wake { node: place });
        self.begin_disk_work(place);
    }

    fn check_invariants(&mut self, place: usize) {
        let Some(process) = &self.nodes[place].process else { return };
        let time = self.time;
        let others = self.nodes.iter().filter(|node| node.id != place as NodeId);
        let others = others
            .filter_map(|node| Some((node.id, &node.process.as_ref()?.engine, node.clock(time))));
        self.invariants.check(place as NodeId, &process.engine, others);
    }

    /// A client is next to the node of the same number: the same cuts apply.
    fn answer(&mut self, from: NodeId, ticket: Ticket<W>, response: Response<W>) {
        if ticket.client == u64::MAX {
            return;
        }
        let delays = self.network.deliver(&mut self.seed, from, 100 + ticket.client);
        let client = ticket.client;
        self.record(|| format!("node {from} answers client {client} with {response:?}"));
        if let Some(delay) = delays.first() {
            self.schedule(*delay, Event::Response { ticket, response });
        }
    }

    fn respond(&mut self, ticket: Ticket<W>, response: Response<W>) {
        let client = ticket.client as usize;
        self.record(|| format!("client {client} hears {response:?}"));
        let (history, moment) = (&mut self.history, self.moment);
        let next = self.clients[client].respond(&ticket, response, history, moment, &mut self.seed);
        if let Some(next) = next {
            self.follow(client, next);
        }
    }

    fn client_timer(&mut self, client: usize, timer: u64) {
        let it = &mut self.clients[client];
        if timer != it.timer {
            return;
        }
        let next = match it.is_idle() {
            true if self.is_ending => return,
            true => it.begin(&mut self.workload, &mut self.history, self.moment, &mut self.seed),
            false => it.time_out(&mut self.seed),
        };
        self.follow(client, next);
    }

    fn follow(&mut self, client: usize, next: Next<W>) {
        let after = match next {
            Next::Wait(span) => {
                self.clients[client].timer += 1;
                span
            }
            Next::Send(to, ticket, request, timeout) => {
                let mut delays = self.network.deliver(&mut self.seed, 100 + client as u64, to);
                if matches!(request, Request::Write(None, _)) && !self.clients[client].is_numbered()
                {
                    // Connections duplicate nothing; only the client sends again.
                    delays.truncate(1);
                }
                for delay in delays {
                    let (ticket, request) = (ticket.clone(), request.clone());
                    self.schedule(delay, Event::Request { to, ticket, request });
                }
                timeout
            }
        };
        let timer = self.clients[client].timer;
        self.schedule(after, Event::ClientTimer { client, timer });
    }

    fn is_settled(&self) -> bool {
        let mut engines =
            self.nodes.iter().map(|node| node.process.as_ref().map(|process| &process.engine));
        let leader = self.leader();
        let last = leader.map(|engine| engine.raft().last_index());
        self.clients.iter().all(Client::is_idle)
            && leader.is_some()
            && engines.all(|engine| engine.map(|engine| engine.state().applied_index()) == last)
    }

    fn leader(&self) -> Option<&agora::replica::engine::Engine<W::Machine, Ticket<W>>> {
        let engines = self.nodes.iter().filter_map(|node| Some(&node.process.as_ref()?.engine));
        engines.filter(|engine| engine.raft().is_leader()).max_by_key(|e| e.raft().current_term())
    }

    /// The nodes in the role of a leader, newest term first.
    pub fn leaders(&self) -> Vec<usize> {
        let mut leaders: Vec<_> = (0..self.nodes.len())
            .filter_map(|place| {
                let raft = self.nodes[place].process.as_ref()?.engine.raft();
                raft.is_leader().then_some((raft.current_term(), place))
            })
            .collect();
        leaders.sort_unstable();
        leaders.into_iter().rev().map(|(_, place)| place).collect()
    }

    fn describe(&self) -> String {
        let nodes = self.nodes.iter().map(|node| match &node.process {
            None => format!("{} is down", node.id),
            Some(process) => {
                let raft = process.engine.raft();
                format!(
                    "{} {:?} {:?} term {} last {} commit {} applied {} snapshot {}",
                    node.id,
                    process.engine.membership().standing(),
                    raft.role(),
                    raft.current_term(),
                    raft.last_index(),
                    raft.commit_index(),
                    process.engine.state().applied_index(),
                    raft.snapshot().index,
                )
            }
        });
        let idle = self.clients.iter().filter(|client| client.is_idle()).count();
        format!(
            "{}; {idle} of {} clients idle",
            nodes.collect::<Vec<_>>().join("; "),
            self.clients.len()
        )
    }

    /// State machine equality, to the byte.
    fn compare_states(&self) {
        let lines = |node: &SimNode<W>| {
            let mut frozen = node.process.as_ref().expect("all run").engine.state().freeze();
            let mut lines: Vec<Vec<Vec<u8>>> = vec![Vec::new()];
            while frozen.next_line(&mut |word| lines.last_mut().unwrap().push(word.to_vec())) {
                lines.push(Vec::new());
            }
            lines
        };
        let mut all = self.nodes.iter().map(lines);
        let first = all.next();
        assert!(all.all(|other| Some(&other) == first.as_ref()), "state machine equality");
    }
}

fn record_notices(place: usize, notices: &[Notice], lines: &mut Vec<String>) {
    for notice in notices {
        assert!(!matches!(notice, Notice::DuplicateNode { .. }), "node {place}: {notice}");
        lines.push(format!("node {place}: {notice}"));
    }
}

/// A configuration that provokes errors: small limits, and timeouts below the lease.
fn config(seed: &mut Seed, n: u64, lease: Duration) -> Config {
    let election_timeout = *seed.pick(&[60 * MS, 100 * MS, 200 * MS, 300 * MS]);
    Config {
        heartbeat_interval: 20 * MS,
        election_timeout,
        election_spread: election_timeout / *seed.pick(&[1, 2]),
        lease,
        // No margin: it could hide an error.
        lease_guard: Duration::ZERO,
        max_append_bytes: *seed.pick(&[1, 300, 1_000_000]),
        max_write_bytes: *seed.pick(&[1, 300, 1_000_000]),
        max_inflight_appends: *seed.pick(&[1, 4, 64]),
        batch_pause: *seed.pick(&[Duration::ZERO, MS, MS * 5]),
        max_uncommitted_bytes: *seed.pick(&[500, 64_000]),
        max_snapshot_piece_bytes: *seed.pick(&[50, 5000]),
        trailing_log_bytes: *seed.pick(&[0, 500, 1_000_000]),
        max_retained_log_bytes: *seed.pick(&[0, 10_000]),
        ..Config::lan(0, (0..n).collect())
    }
}

/// Errors after which a node ends and restarts; any other error is a bug. A full disk is not one of
/// them.
pub fn is_injected_fault(error: &StorageError) -> bool {
    matches!(error, StorageError::Sync { .. } | StorageError::Io { .. } | StorageError::Failed)
}

impl<W: Workload> World<W> {
    /// A process crashes, with or without its machine.
    pub fn crash(&mut self, place: usize) {
        let node = &mut self.nodes[place];
        if node.process.is_none() {
            return;
        }
        node.stop();
        self.crashes += 1;
        let loses_power = self.seed.one_in(2);
        if loses_power {
            node.disk.lose_power(&mut self.seed);
        } else {
            node.disk.kill();
        }
        self.record(|| {
            format!("node {place} is gone{}", if loses_power { ", and its power" } else { "" })
        });
        self.invariants.crashed(place as NodeId);
        let after = match self.is_ending {
            true => MS,
            false => MS * (1 + *self.seed.pick(&[5, 50, 400, 2000])) as u32,
        };
        self.schedule(after, Event::Restart { node: place });
    }
}
