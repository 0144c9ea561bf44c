//! Calls to the nodes of a group, of which one is the leader.
//!
//! ```text
//!            +-- a node that was hinted at and not tried in this round
//!   a round: +-- the presumed leader
//!            +-- the other nodes, those first that answered recently
//!                 |
//!                 +-- answers --------------> done
//!                 +-- is not the leader ----> the next node, the hinted one first
//!                 +-- is unreachable -------> the next node
//!                 +-- is incompatible ------> the next node
//!                 +-- times out ------------> the next node
//!                 +-- refuses the call -----> the refusal is the answer
//!   after all nodes: a pause, then the next round, until the deadline of the call
//! ```
//!
//! A node that answered the last time is called on the caller's thread. Any other node is called on
//! a thread of its own, and the next node in parallel after [`STAGGER`], so an unreachable node
//! (gone, cut off, paused, unknown name) delays a call by that much at most. A hint may name a node
//! that was not configured; it is added to the nodes.

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

/// The pause after the first round; each further pause is half as long again.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const MAX_PAUSE: Duration = Duration::from_millis(50);
/// The timeout of a node in the first round. It doubles in each further round, since the whole
/// group may be slow, unless other nodes answer and none of them names this node as leader.
const FIRST_TIMEOUT: Duration = Duration::from_millis(500);
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
/// How long an unconfirmed node is waited for before the next node is tried in parallel.
const STAGGER: Duration = Duration::from_millis(100);
/// The maximum number of nodes learned from hints.
const MAX_LEARNED: usize = 16;
/// When all nodes are called: how long the others are waited for after the first answer, in
/// addition to four times the duration of that answer.
const OTHERS_TIMEOUT: Duration = Duration::from_millis(250);
/// The keepalive interval, and the keepalive timeout, of connections that carry a long call such as
/// a watch. They are short because there are other nodes.
const KEEPALIVE: Duration = Duration::from_secs(2);
/// The timeout of a connection attempt: far more than a round trip around the world.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(300);

/// Which nodes may answer a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallTarget {
    /// Only the leader.
    Leader,
    /// Any node.
    AnyNode,
}

/// Why a call failed.
#[derive(Debug)]
pub struct Failure {
    /// The status for the caller.
    pub status: Status,
    /// Whether a node may have executed the request.
    pub may_be_done: bool,
}

/// The nodes of a group, and the presumed leader.
pub struct ClusterClient {
    /// The configured nodes, then the learned ones. An index never changes its node.
    nodes: RwLock<Vec<Arc<Endpoint>>>,
    given: usize,
    options: Arc<ChannelOptions>,
    presumed_leader: AtomicUsize,
    exhausted: Exhausted,
}

/// The meaning of `RESOURCE_EXHAUSTED` when it does not come from the node itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exhausted {
    /// The server accepts no more calls now: the call is retried.
    Busy,
    /// With this trailing metadata the service has reached a limit, and the status is the answer.
    /// Without it the server is busy.
    RefusedIf(&'static str),
}

impl ClusterClient {
    /// Creates a client for these nodes, with their ids where known. Nothing is connected yet.
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
    /// The refusal of a node, or `UNAVAILABLE` when no node answered before the deadline.
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
                match call.take(index, answer, &mut round, until) {
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

    /// Calls all configured nodes with known ids in parallel. After the first answer the others are
    /// not waited for much longer.
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

    /// Starts an endless stream at a node: the `attempt`-th after the presumed leader.
    ///
    /// # Errors
    /// `UNAVAILABLE`: the node cannot be reached.
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

    /// Handles the status that ended a stream. Returns true if it named a leader, which is used
    /// next.
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

    /// A panic under the lock leaves the list consistent.
    fn nodes(&self) -> Vec<Arc<Endpoint>> {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn node(&self, index: usize) -> Option<Arc<Endpoint>> {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner).get(index).cloned()
    }

    /// The index of a leader among the known nodes. A client may know a configured node by another
    /// address than the group does.
    fn index(&self, leader: &Leader) -> Option<usize> {
        index(&self.nodes.read().unwrap_or_else(PoisonError::into_inner), leader)
    }

    /// Like [`index`](Self::index), but adds a leader that is not known yet, by its address.
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
        // Another thread may have added it meanwhile.
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

/// The state of one call.
struct Call<'a> {
    cluster: &'a ClusterClient,
    target: CallTarget,
    /// The last failure of each node that was called.
    seen: BTreeMap<usize, NodeFailure>,
    may_be_done: bool,
}

/// The next step after an answer.
enum Step {
    Answer(Vec<u8>),
    Refusal(Status),
    AskNext,
}

impl Call<'_> {
    /// Handles the answer of a node.
    fn take(
        &mut self,
        index: usize,
        answer: Result<Vec<u8>, (Status, bool)>,
        round: &mut Round,
        until: Instant,
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
            // The connection may be broken without a notification.
            NodeFailure::TimedOut => {
                node.reconnect();
                node.back_off();
            }
            NodeFailure::Unreachable(_) | NodeFailure::Incompatible => node.back_off(),
            _ => node.note_answer(),
        }
        if Instant::now() < until {
            self.seen.insert(index, seen);
        } else {
            // An attempt that ended with the call's time says less than the one before it.
            self.seen.entry(index).or_insert(seen);
        }
        Step::AskNext
    }

    /// Whether a node that timed out may be the leader, by the answers of the others: one of them
    /// names it, or none has answered.
    fn may_lead(&self, index: usize) -> bool {
        let mut has_answers = false;
        for (_, seen) in self.seen.iter().filter(|(other, _)| **other != index) {
            match seen {
                NodeFailure::NamesLeader(named) if self.cluster.index(named) == Some(index) => {
                    return true;
                }
                NodeFailure::NamesLeader(_) | NodeFailure::NoLeader | NodeFailure::Busy(_) => {
                    has_answers = true;
                }
                NodeFailure::Unreachable(_) | NodeFailure::Incompatible | NodeFailure::TimedOut => {
                }
            }
        }
        !has_answers
    }

    /// The failure of a call that no node answered in time.
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
