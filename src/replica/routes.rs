//! Which node of a group a client asks.
//!
//! ```text
//!            +-- the one that was hinted at, not asked in this round yet
//!   a round: +-- the one that is believed to lead
//!            +-- the others, those first that could be reached lately
//!                 |
//!                 +-- answers --------------> done
//!                 +-- leads not ------------> the next one, its hint first
//!                 +-- cannot be reached ----> the next one
//!                 +-- is no node -----------> the next one
//!                 +-- is silent for long ---> the next one
//!                 +-- refuses --------------> the refusal is the answer
//!   all were asked: a pause, the next round, until the call's time is up
//! ```
//!
//! So a node that is gone, or cut off without a word, costs a fraction of the call's time.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::contract::{LEADER, LEADER_ID, NODE_ID};
use crate::call::{Code, Status};
use crate::raft::NodeId;
use crate::rpc::{CallOptions, Channel, ChannelOptions, ClientCall};

/// Between two rounds, at first; each further pause is half as long again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// How long a node may be silent in the first round; twice as long in each further one, for it may
/// be the group that is slow. But no longer if others answer, and none of them names this one.
const FIRST_PATIENCE: Duration = Duration::from_millis(500);
const LONGEST_PATIENCE: Duration = Duration::from_secs(60);
/// A node that could not be reached is left out for so long while there are others.
const REST: Duration = Duration::from_millis(500);
/// A connection that carries a call, a watch for example, is asked for a sign of life after so long,
/// and given up after as long again: there are other nodes.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// How long an attempt to connect may take: far more than a round trip around the world.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// Who may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// The leader alone.
    Leader,
    /// Any node.
    Anybody,
}

/// Why a call was not answered.
#[derive(Debug)]
pub struct Failure {
    /// What to say of it.
    pub status: Status,
    /// A node may have begun to do what was asked.
    pub may_be_done: bool,
}

/// The nodes, and which of them is believed to lead.
pub struct Routes {
    nodes: Vec<Node>,
    options: ChannelOptions,
    believed: AtomicUsize,
    exhausted: Exhausted,
}

/// What `RESOURCE_EXHAUSTED` means when it does not come from the node itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// The server takes no more calls now: it is worth another try.
    Busy,
    /// The service has a bound that is reached: that is the answer.
    Refused,
}

struct Node {
    /// If it is known.
    id: Option<NodeId>,
    target: String,
    line: Mutex<Line>,
}

/// The connection to a node.
struct Line {
    channel: Channel,
    rests_until: Option<Instant>,
}

/// What is known of a node at the end of a call that nobody answered.
enum Seen {
    Unreachable(String),
    Strange,
    Silent,
    Leaderless,
    Names(Leader),
    /// What it said.
    Busy(String),
}

/// Who leads, as a node says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Leader {
    id: NodeId,
    /// As the group knows it; a client may know it by another one.
    address: String,
}

impl Leader {
    fn of(status: &Status) -> Option<Leader> {
        let text = |name| status.metadata.get(name).and_then(|text| std::str::from_utf8(text).ok());
        let id = text(LEADER_ID)?.parse().ok()?;
        Some(Leader { id, address: text(LEADER).unwrap_or_default().to_owned() })
    }
}

impl Routes {
    /// To these nodes, by their numbers as far as they are known. Nothing is connected yet.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` without a node, `UNAVAILABLE` when the process is out of file
    /// descriptors.
    pub fn new(
        nodes: impl Iterator<Item = (Option<NodeId>, String)>,
        options: &ChannelOptions,
        exhausted: Exhausted,
    ) -> Result<Routes, Status> {
        let mut options = options.clone();
        options.connect_timeout = options.connect_timeout.min(CONNECT_TIMEOUT);
        let limits = &mut options.limits;
        limits.keepalive_interval = limits.keepalive_interval.min(KEEPALIVE);
        limits.keepalive_timeout = limits.keepalive_timeout.min(KEEPALIVE);
        let node = |(id, target): (Option<NodeId>, String)| {
            let line = Line { channel: Channel::new(&target, options.clone())?, rests_until: None };
            Ok(Node { id, target, line: Mutex::new(line) })
        };
        let nodes = nodes.map(node).collect::<Result<Vec<Node>, Status>>()?;
        if nodes.is_empty() {
            return Err(Status::new(Code::InvalidArgument, "no node to call"));
        }
        Ok(Routes { nodes, options, believed: AtomicUsize::new(0), exhausted })
    }

    /// The numbers of all nodes whose numbers are known.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> {
        self.nodes.iter().filter_map(|node| node.id)
    }

    /// Asks one node after another until one answers. The request is made anew for each of them.
    ///
    /// # Errors
    /// A node's refusal, or that nobody answered in time.
    pub fn call(
        &self,
        aim: Aim,
        path: &str,
        request: impl Fn() -> Vec<u8>,
        until: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let mut seen: Vec<Option<Seen>> = self.nodes.iter().map(|_| None).collect();
        let (mut pause, mut patience) = (FIRST_PAUSE, FIRST_PATIENCE);
        let mut may_be_done = false;
        loop {
            let mut round = Round::new(self);
            while let Some(place) = round.next() {
                let Some(node) = self.nodes.get(place) else { break };
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(self.nobody(aim, &seen, may_be_done));
                }
                let wait = if self.may_lead(place, &seen) { patience } else { FIRST_PATIENCE };
                let answer = node.ask(&self.options, path, &request(), left.min(wait));
                let (status, has_begun) = match answer {
                    Ok(answer) => {
                        if aim == Aim::Leader {
                            self.believed.store(place, Ordering::Relaxed);
                        }
                        return Ok(answer);
                    }
                    Err(failed) => failed,
                };
                let outcome = Outcome::of(&status, self.exhausted);
                may_be_done |= has_begun && outcome.may_be_done();
                let known = match outcome {
                    Outcome::Elsewhere(Some(leader)) => {
                        round.hint(self.place(&leader));
                        Seen::Names(leader)
                    }
                    Outcome::Elsewhere(None) => Seen::Leaderless,
                    Outcome::Unreachable => {
                        node.rest();
                        Seen::Unreachable(status.message)
                    }
                    Outcome::Strange => {
                        node.rest();
                        Seen::Strange
                    }
                    Outcome::Silent => {
                        // The connection may be dead and nobody has said so.
                        node.renew(&self.options);
                        node.rest();
                        Seen::Silent
                    }
                    Outcome::Busy => Seen::Busy(status.message),
                    Outcome::Lost => Seen::Leaderless,
                    Outcome::Refused => return Err(Failure { status, may_be_done }),
                };
                if let Some(place) = seen.get_mut(place) {
                    *place = Some(known);
                }
            }
            if Instant::now() + pause >= until {
                return Err(self.nobody(aim, &seen, may_be_done));
            }
            thread::sleep(pause);
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
            patience = (patience * 2).min(LONGEST_PATIENCE);
        }
    }

    /// Asks one node.
    ///
    /// # Errors
    /// Its status, or that it cannot be reached.
    pub fn call_one(
        &self,
        id: NodeId,
        path: &str,
        request: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, Status> {
        let node = self.nodes.iter().find(|node| node.id == Some(id));
        let node = node.ok_or_else(|| Status::new(Code::NotFound, format!("no node {id}")))?;
        node.ask(&self.options, path, request, timeout).map_err(|(status, _)| status)
    }

    /// Begins a stream that has no end, at a node that is up: the `attempt`-th that is.
    ///
    /// # Errors
    /// `UNAVAILABLE`: it cannot be reached.
    pub fn stream(&self, attempt: usize, path: &str, request: &[u8]) -> Result<ClientCall, Status> {
        let place = self.believed.load(Ordering::Relaxed) + attempt;
        let Some(node) = self.nodes.get(place % self.nodes.len()) else {
            return Err(Status::new(Code::Unavailable, "no node to call"));
        };
        let options = CallOptions { timeout: None, ..CallOptions::default() };
        let mut call = node.start(&self.options, path, &options)?;
        call.send_last(request)?;
        Ok(call)
    }

    /// A stream has ended so. Whether it said which node leads: that is the next one then.
    pub fn follow(&self, status: &Status) -> bool {
        let leader = Leader::of(status).and_then(|leader| self.place(&leader));
        if let Some(place) = leader {
            self.believed.store(place, Ordering::Relaxed);
        }
        leader.is_some()
    }

    fn place(&self, leader: &Leader) -> Option<usize> {
        let is_it = |node: &Node| match node.id {
            Some(id) => id == leader.id,
            None => node.target == leader.address,
        };
        self.nodes.iter().position(is_it)
    }

    /// Whether a node that is silent may be the leader, by what others have said: one of them names
    /// it, or none has said anything.
    fn may_lead(&self, place: usize, seen: &[Option<Seen>]) -> bool {
        let mut has_answers = false;
        for (_, seen) in seen.iter().enumerate().filter(|(other, _)| *other != place) {
            match seen {
                Some(Seen::Names(named)) if self.place(named) == Some(place) => return true,
                Some(Seen::Names(_) | Seen::Leaderless | Seen::Busy(_)) => has_answers = true,
                _ => (),
            }
        }
        !has_answers
    }

    /// Says why nobody answered.
    fn nobody(&self, aim: Aim, seen: &[Option<Seen>], may_be_done: bool) -> Failure {
        let count = |is: fn(&Seen) -> bool| seen.iter().flatten().filter(|seen| is(seen)).count();
        let unreachable = count(|seen| matches!(seen, Seen::Unreachable(_)));
        let mut parts = Vec::new();
        let mut part = |count: usize, one: &str, many: &str| {
            if count > 0 {
                let of =
                    if parts.is_empty() { format!(" of {}", seen.len()) } else { String::new() };
                let nodes = match (parts.is_empty(), seen.len()) {
                    (true, 1) => " node",
                    (true, _) => " nodes",
                    _ => "",
                };
                parts.push(format!("{count}{of}{nodes} {}", if count == 1 { one } else { many }));
            }
        };
        part(unreachable, "cannot be reached", "cannot be reached");
        part(
            count(|seen| matches!(seen, Seen::Strange)),
            "answers as no node does",
            "answer as no node does",
        );
        part(count(|seen| matches!(seen, Seen::Silent)), "is silent", "are silent");
        part(count(|seen| matches!(seen, Seen::Leaderless)), "knows no leader", "know no leader");
        part(count(|seen| matches!(seen, Seen::Busy(_))), "is busy", "are busy");
        let named = seen.iter().flatten().filter_map(|seen| match seen {
            Seen::Names(leader) => Some((leader.id, leader)),
            _ => None,
        });
        for (id, leader) in named.collect::<BTreeMap<_, _>>() {
            let names = |seen: &&Seen| matches!(seen, Seen::Names(named) if named.id == id);
            let count = seen.iter().flatten().filter(names).count();
            let who = match self.place(leader) {
                Some(_) => format!("node {id}"),
                None => format!("node {id} at {}, which was not given", leader.address),
            };
            part(count, &format!("names {who}"), &format!("name {who}"));
        }
        let is_known =
            |seen: &Seen| !matches!(seen, Seen::Unreachable(_) | Seen::Strange | Seen::Leaderless);
        let is_known = seen.iter().flatten().any(is_known);
        let mut message = String::from(match aim {
            Aim::Anybody => "no node answers",
            Aim::Leader if is_known => "no leader answers",
            Aim::Leader => "no leader",
        });
        if parts.is_empty() {
            message.push_str(": no time to ask anybody");
        }
        for (place, part) in parts.iter().enumerate() {
            // Writing to a String does not fail.
            let _ = write!(message, "{} {part}", if place == 0 { ":" } else { "," });
        }
        let reason = seen.iter().flatten().find_map(|seen| match seen {
            Seen::Unreachable(reason) => Some(reason),
            _ => None,
        });
        let busy = seen.iter().flatten().find_map(|seen| match seen {
            Seen::Busy(reason) => Some(reason),
            _ => None,
        });
        if let Some(reason) = busy.or(reason.filter(|_| unreachable == seen.len())) {
            let _ = write!(message, " ({reason})");
        }
        Failure { status: Status::new(Code::Unavailable, message), may_be_done }
    }
}

impl Node {
    /// One attempt; on failure also whether the node may have begun to work on it.
    fn ask(
        &self,
        options: &ChannelOptions,
        path: &str,
        request: &[u8],
        timeout: Duration,
    ) -> Result<Vec<u8>, (Status, bool)> {
        let call_options = CallOptions { timeout: Some(timeout), ..CallOptions::default() };
        let started = self.start(options, path, &call_options);
        let mut call = started.map_err(|status| (status, false))?;
        // A call that is over already says why when its answer is asked for.
        let _ = call.send_last(request);
        let answer = call.receive().map_err(|status| (status, true))?;
        answer.ok_or_else(|| {
            (Status::new(Code::Internal, "the node answered without a message"), true)
        })
    }

    fn start(
        &self,
        options: &ChannelOptions,
        path: &str,
        call_options: &CallOptions,
    ) -> Result<ClientCall, Status> {
        let channel = self.line().channel.clone();
        let started = channel.start(path, call_options);
        // The old channel waits longer and longer before it connects again; a node that comes back
        // is to be found at once.
        if started.is_err() {
            self.renew(options);
        }
        started
    }

    /// The next call is on a new connection; those that go on keep theirs.
    fn renew(&self, options: &ChannelOptions) {
        if let Ok(fresh) = Channel::new(&self.target, options.clone()) {
            self.line().channel = fresh;
        }
    }

    /// It is left out for a while if there are others.
    fn rest(&self) {
        self.line().rests_until = Some(Instant::now() + REST);
    }

    fn rests(&self) -> bool {
        self.line().rests_until.is_some_and(|until| Instant::now() < until)
    }

    /// A thread that panicked under the lock left a whole line behind.
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an attempt has come to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    /// The node does not lead; perhaps it knows who does.
    Elsewhere(Option<Leader>),
    /// There is no connection, or it broke.
    Unreachable,
    /// Somebody else listens there, or a node that has gone wrong.
    Strange,
    /// No answer came for long.
    Silent,
    /// The node took nothing more.
    Busy,
    /// The node lost its leadership in the middle of it.
    Lost,
    /// That is the answer.
    Refused,
}

impl Outcome {
    fn of(status: &Status, exhausted: Exhausted) -> Outcome {
        let of_node = status.metadata.get(NODE_ID).is_some();
        match status.code {
            Code::Unavailable if of_node => Outcome::Elsewhere(Leader::of(status)),
            Code::Unavailable => Outcome::Unreachable,
            Code::DeadlineExceeded => Outcome::Silent,
            Code::ResourceExhausted if of_node || exhausted == Exhausted::Busy => Outcome::Busy,
            Code::Unknown if of_node => Outcome::Lost,
            // A node says neither of a call that makes sense.
            Code::Internal | Code::Unimplemented => Outcome::Strange,
            _ => Outcome::Refused,
        }
    }

    /// Whether a node that began to work on it may have done it, or still may.
    fn may_be_done(&self) -> bool {
        matches!(self, Outcome::Unreachable | Outcome::Strange | Outcome::Silent | Outcome::Lost)
    }
}

/// One way through the nodes.
struct Round {
    /// Those to be asked, the next one last.
    places: Vec<usize>,
}

impl Round {
    fn new(routes: &Routes) -> Round {
        let count = routes.nodes.len();
        let believed = routes.believed.load(Ordering::Relaxed);
        let all = (0..count).map(|step| (believed + step) % count);
        let rests = |place: &usize| routes.nodes.get(*place).is_some_and(Node::rests);
        let (resting, mut places): (Vec<usize>, Vec<usize>) = all.partition(rests);
        if places.is_empty() {
            places = resting;
        }
        places.reverse();
        Round { places }
    }

    fn next(&mut self) -> Option<usize> {
        self.places.pop()
    }

    /// Somebody says that this one leads. It is asked next, unless it was asked or rests.
    fn hint(&mut self, place: Option<usize>) {
        if let Some(at) = self.places.iter().position(|waiting| Some(*waiting) == place) {
            let place = self.places.remove(at);
            self.places.push(place);
        }
    }
}
