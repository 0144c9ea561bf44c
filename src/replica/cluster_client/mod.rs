//! Which node of a group a client asks.
//!
//! ```text
//!            +-- the one that was hinted at, not asked in this round yet
//!   a round: +-- the one that is presumed_leader to lead
//!            +-- the others, those first that answered lately
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
//! A node that answered the last time is asked on the caller's thread. One that did not, or was never
//! asked, is asked on a thread of its own, and the next one beside it after [`STAGGER`]: so a node
//! that is gone, cut off or stopped, or whose name nobody knows, costs that and no more. A hint may
//! name a node that was not given: it becomes one of the nodes.

mod attempt;
mod endpoint;
mod outcome;
mod report;
mod round;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use attempt::{Attempt, Attempts};
use endpoint::Endpoint;
use outcome::{Leader, NodeFailure, Outcome};
use round::Round;

use crate::call::{Code, Status};
use crate::dns::Target;
use crate::raft::NodeId;
use crate::rpc::{CallOptions, ChannelOptions, ClientCall};

/// Between two rounds, at first; each further pause is half as long again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const MAX_PAUSE: Duration = Duration::from_millis(50);
/// How long a node may be silent in the first round; twice as long in each further one, for it may
/// be the group that is slow. But no longer if others answer, and none of them names this one.
const FIRST_TIMEOUT: Duration = Duration::from_millis(500);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a node that may not be there is waited for before another one is asked beside it.
const STAGGER: Duration = Duration::from_millis(100);
/// Nodes beside those that were given.
const MAX_LEARNED: usize = 16;
/// When all nodes are asked: how long others are waited for once one has answered, beside four times
/// what that one took.
const OTHERS_TIMEOUT: Duration = Duration::from_millis(250);
/// A connection that carries a call, a watch for example, is asked for a sign of life after so long,
/// and given up after as long again: there are other nodes.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// How long an attempt to connect may take: far more than a round trip around the world.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// Who may answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallTarget {
    /// The leader alone.
    Leader,
    /// Any node.
    AnyNode,
}

/// Why a call was not answered.
#[derive(Debug)]
pub struct Failure {
    /// What to say of it.
    pub status: Status,
    /// A node may have begun to do what was asked.
    pub may_be_done: bool,
}

/// The nodes, and which of them is presumed_leader to lead.
pub struct ClusterClient {
    /// Those that were given, then those that were learned. Places never change.
    nodes: RwLock<Vec<Arc<Endpoint>>>,
    given: usize,
    options: Arc<ChannelOptions>,
    presumed_leader: AtomicUsize,
    exhausted: Exhausted,
}

/// What `RESOURCE_EXHAUSTED` means when it does not come from the node itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// The server takes no more calls now: it is worth another try.
    Busy,
    /// With this trailing metadata the service has a bound that is reached: that is the answer. Without
    /// it the server is busy.
    RefusedIf(&'static str),
}

impl ClusterClient {
    /// To these nodes, by their numbers as far as they are known. Nothing is connected yet.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` without a node, `UNAVAILABLE` when the process is out of file
    /// descriptors.
    pub fn new(
        nodes: impl Iterator<Item = (Option<NodeId>, String)>,
        options: &ChannelOptions,
        exhausted: Exhausted,
    ) -> Result<ClusterClient, Status> {
        let mut options = options.clone();
        options.connect_timeout = options.connect_timeout.min(CONNECT_TIMEOUT);
        let limits = &mut options.limits;
        limits.keepalive_interval = limits.keepalive_interval.min(KEEPALIVE);
        limits.keepalive_timeout = limits.keepalive_timeout.min(KEEPALIVE);
        let options = Arc::new(options);
        let node = |(id, target): (_, String)| Endpoint::new(id, &target, &options).map(Arc::new);
        let nodes = nodes.map(node).collect::<Result<Vec<Arc<Endpoint>>, Status>>()?;
        if nodes.is_empty() {
            return Err(Status::new(Code::InvalidArgument, "no node to call"));
        }
        let (given, nodes) = (nodes.len(), RwLock::new(nodes));
        Ok(ClusterClient { nodes, given, options, presumed_leader: AtomicUsize::new(0), exhausted })
    }

    /// Asks one node after another until one answers. The request is made anew for each of them.
    ///
    /// # Errors
    /// A node's refusal, or that nobody answered in time.
    pub fn call(
        &self,
        target: CallTarget,
        path: &str,
        request: impl Fn() -> Vec<u8>,
        until: Instant,
    ) -> Result<Vec<u8>, Failure> {
        let mut call = Call { cluster: self, target, seen: BTreeMap::new(), may_be_done: false };
        let mut attempts = Attempts::default();
        let (mut pause, mut timeout) = (FIRST_PAUSE, FIRST_TIMEOUT);
        loop {
            let mut round =
                Round::new(&self.nodes(), self.presumed_leader(), |index| attempts.has(index));
            loop {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(call.no_answer(&mut attempts));
                }
                let (index, answer) = if let Some(answered) = attempts.take() {
                    answered
                } else if let Some(index) = round.next() {
                    let Some(node) = self.node(index) else { continue };
                    let wait = if call.may_lead(index) { timeout } else { FIRST_TIMEOUT };
                    let timeout = left.min(wait);
                    if node.answered_last() {
                        (index, node.ask(path, &request(), timeout, &Attempt::default()))
                    } else {
                        attempts.begin(index, node, path, request(), timeout);
                        match attempts.wait(STAGGER.min(left)) {
                            Some(answered) => answered,
                            None => continue,
                        }
                    }
                } else if attempts.is_empty() {
                    break;
                } else if let Some(answered) = attempts.wait(left) {
                    answered
                } else {
                    continue;
                };
                match call.take(index, answer, &mut round) {
                    Step::Answer(answer) => return Ok(answer),
                    Step::Refusal(status) => {
                        let may_be_done = call.may_be_done | attempts.cancel();
                        return Err(Failure { status, may_be_done });
                    }
                    Step::AskNext => (),
                }
            }
            if Instant::now() + pause >= until {
                return Err(call.no_answer(&mut attempts));
            }
            thread::sleep(pause);
            pause = (pause * 3 / 2).min(MAX_PAUSE);
            timeout = (timeout * 2).min(MAX_TIMEOUT);
        }
    }

    /// Asks all nodes that were given by their numbers at the same time. Once one has answered the
    /// others are not waited for much longer.
    pub fn call_all(
        &self,
        path: &str,
        request: &[u8],
        timeout: Duration,
    ) -> Vec<(NodeId, Result<Vec<u8>, Status>)> {
        let began = Instant::now();
        let mut until = began + timeout;
        let mut attempts = Attempts::default();
        let nodes: Vec<(usize, Arc<Endpoint>)> =
            self.nodes().into_iter().take(self.given).enumerate().collect();
        for (index, node) in nodes.iter().filter(|(_, node)| node.id().is_some()) {
            attempts.begin(*index, Arc::clone(node), path, request.to_vec(), timeout);
        }
        let mut answers = BTreeMap::new();
        while !attempts.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            let Some((index, answer)) = attempts.wait(left) else { break };
            if answer.is_ok() {
                let timeout = 4 * began.elapsed() + OTHERS_TIMEOUT;
                until = until.min(began + timeout);
            }
            answers.insert(index, answer.map_err(|(status, _)| status));
        }
        attempts.cancel();
        let answer = |(index, node): (usize, Arc<Endpoint>)| {
            let silent = || {
                let message = format!("{} does not answer", node.target());
                Err(Status::new(Code::DeadlineExceeded, message))
            };
            Some((node.id()?, answers.remove(&index).unwrap_or_else(silent)))
        };
        nodes.into_iter().filter_map(answer).collect()
    }

    /// Begins a stream that has no end, at a node that is up: the `attempt`-th that is.
    ///
    /// # Errors
    /// `UNAVAILABLE`: it cannot be reached.
    pub fn stream(&self, attempt: usize, path: &str, request: &[u8]) -> Result<ClientCall, Status> {
        let nodes = self.nodes();
        let index = self.presumed_leader() + attempt;
        let Some(node) = nodes.get(index % nodes.len().max(1)) else {
            return Err(Status::new(Code::Unavailable, "no node to call"));
        };
        let options = CallOptions { timeout: None, ..CallOptions::default() };
        let mut call = node.start(path, &options)?;
        call.send_last(request)?;
        Ok(call)
    }

    /// A stream has ended so. Whether it said which node leads: that is the next one then.
    pub fn follow_hint(&self, status: &Status) -> bool {
        let leader = Leader::of(status).and_then(|leader| self.index_or_learn(&leader));
        if let Some(index) = leader {
            self.presumed_leader.store(index, Ordering::Relaxed);
        }
        leader.is_some()
    }

    fn presumed_leader(&self) -> usize {
        self.presumed_leader.load(Ordering::Relaxed)
    }

    /// A list that panicked threads left behind is whole.
    fn nodes(&self) -> Vec<Arc<Endpoint>> {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn node(&self, index: usize) -> Option<Arc<Endpoint>> {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
    }

    /// Where a leader is among the nodes that are known. A client may know one that was given by
    /// another address than the group.
    fn index(&self, leader: &Leader) -> Option<usize> {
        index(&self.nodes.read().unwrap_or_else(PoisonError::into_inner), leader)
    }

    /// As [`index`](Self::index); a leader that is not known yet becomes known by its address.
    fn index_or_learn(&self, leader: &Leader) -> Option<usize> {
        let known = self.index(leader);
        let node = known.and_then(|index| self.node(index));
        let has_moved = |node: Arc<Endpoint>| node.target() != leader.address;
        let is_right =
            known.is_some_and(|index| index < self.given || !node.is_some_and(has_moved));
        if is_right || Target::parse(&leader.address).is_err() {
            return known;
        }
        let learned = Endpoint::new(Some(leader.id), &leader.address, &self.options).ok()?;
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been here meanwhile.
        match index(&nodes, leader) {
            Some(index) => {
                if index >= self.given
                    && let Some(node) = nodes.get_mut(index)
                {
                    *node = Arc::new(learned);
                }
                Some(index)
            }
            None if nodes.len() < self.given + MAX_LEARNED => {
                nodes.push(Arc::new(learned));
                Some(nodes.len() - 1)
            }
            None => None,
        }
    }
}

fn index(nodes: &[Arc<Endpoint>], leader: &Leader) -> Option<usize> {
    let is_it = |node: &Arc<Endpoint>| match node.id() {
        Some(id) => id == leader.id,
        None => node.target() == leader.address,
    };
    nodes.iter().position(is_it)
}

/// One call on its way through the nodes.
struct Call<'a> {
    cluster: &'a ClusterClient,
    target: CallTarget,
    /// What is known of each node that was asked.
    seen: BTreeMap<usize, NodeFailure>,
    may_be_done: bool,
}

/// What a node's answer comes to.
enum Step {
    Answer(Vec<u8>),
    Refusal(Status),
    /// The next node is asked.
    AskNext,
}

impl Call<'_> {
    /// Takes a node's answer.
    fn take(
        &mut self,
        index: usize,
        answer: Result<Vec<u8>, (Status, bool)>,
        round: &mut Round,
    ) -> Step {
        let Some(node) = self.cluster.node(index) else { return Step::AskNext };
        let (status, has_begun) = match answer {
            Ok(answer) => {
                node.note_answer();
                if self.target == CallTarget::Leader {
                    self.cluster.presumed_leader.store(index, Ordering::Relaxed);
                }
                return Step::Answer(answer);
            }
            Err(failed) => failed,
        };
        let outcome = Outcome::of(&status, self.cluster.exhausted);
        self.may_be_done |= has_begun && outcome.may_be_done();
        let seen = match outcome {
            Outcome::Unreachable => NodeFailure::Unreachable(status.message),
            Outcome::Incompatible => NodeFailure::Incompatible,
            Outcome::TimedOut => NodeFailure::TimedOut,
            Outcome::NotLeader(Some(leader)) => {
                round.hint(self.cluster.index_or_learn(&leader));
                NodeFailure::NamesLeader(leader)
            }
            Outcome::NotLeader(None) | Outcome::LostLeadership => NodeFailure::NoLeader,
            Outcome::Busy => NodeFailure::Busy(status.message),
            Outcome::Refused => {
                node.note_answer();
                return Step::Refusal(status);
            }
        };
        match seen {
            // The connection may be dead and nobody has said so.
            NodeFailure::TimedOut => {
                node.reconnect();
                node.back_off();
            }
            NodeFailure::Unreachable(_) | NodeFailure::Incompatible => node.back_off(),
            _ => node.note_answer(),
        }
        self.seen.insert(index, seen);
        Step::AskNext
    }

    /// Whether a node that is silent may be the leader, by what others have said: one of them names
    /// it, or none has said anything.
    fn may_lead(&self, index: usize) -> bool {
        let mut has_answers = false;
        for (_, seen) in self.seen.iter().filter(|(other, _)| **other != index) {
            match seen {
                NodeFailure::NamesLeader(named) if self.cluster.index(named) == Some(index) => {
                    return true;
                }
                NodeFailure::NamesLeader(_) | NodeFailure::NoLeader | NodeFailure::Busy(_) => {
                    has_answers = true
                }
                NodeFailure::Unreachable(_) | NodeFailure::Incompatible | NodeFailure::TimedOut => {
                    ()
                }
            }
        }
        !has_answers
    }

    /// Nobody has answered in time.
    fn no_answer(&mut self, attempts: &mut Attempts) -> Failure {
        for (index, has_begun) in attempts.running() {
            let seen = match has_begun {
                true => NodeFailure::TimedOut,
                false => NodeFailure::Unreachable("no connection in time".into()),
            };
            self.seen.entry(index).or_insert(seen);
        }
        self.may_be_done |= attempts.cancel();
        let message = report::no_answer(self.cluster, self.target, &self.seen);
        Failure { status: Status::new(Code::Unavailable, message), may_be_done: self.may_be_done }
    }
}
