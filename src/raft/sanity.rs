//! Values that no working node sends. A message with one is dropped and reported, even if its sender
//! is known: a node can be compromised, damaged, or started with other options.
//!
//! | value | bound |
//! |---|---|
//! | a lease, or the rest of one | ten times the own lease |
//! | a term | 2^32 beyond the term that a majority of the group has reached |
//! | a term, an index | [`MAX_NUMBER`], which is also the last that a node makes itself |
//!
//! The bound of a term keeps one node from using up the terms of the group: without it a single
//! message of term 2^62 would leave no term for another election. Elections alone raise a term by
//! one each, so working nodes are never so far apart. A majority may be: if an older version let the
//! terms of a group be raised, a node that was down meanwhile has to follow. So a term counts that
//! enough other nodes are known to have reached.
//!
//! A group that has reached the last term keeps its leader; when that is gone, its nodes
//! [stop](UsedUp), since none of them can be elected any more.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::core::Raft;
use super::entry::{Index, NodeId, Term};
use super::message::{Body, Message};
use super::node::NodeState;
use super::trace::Trace;

/// The last term and the last index, so that additions cannot overflow.
pub const MAX_NUMBER: u64 = 1 << 62;

/// How far a term may be beyond that of the group.
pub const MAX_TERM_STEP: Term = 1 << 32;

/// The time between two reports of one kind about a node.
const REPORT_INTERVAL: Duration = Duration::from_secs(10);

/// This node needs a new term or a new entry, and there is no further number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedUp {
    /// The current term.
    pub term: Term,
    /// The last index of the log.
    pub last_index: Index,
}

impl fmt::Display for UsedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let UsedUp { term, last_index } = self;
        match *term >= MAX_NUMBER {
            true => write!(
                f,
                "no leader is known, and none can be elected: term {term} is the last, the terms \
                 end at 2^62"
            ),
            false => write!(
                f,
                "no entry can be added behind index {last_index}: it is the last, the indices end \
                 at 2^62"
            ),
        }
    }
}

/// What is known for the bounds, and what was reported.
#[derive(Clone, Debug, Default)]
pub(super) struct Sanity {
    /// The highest term beyond the own one that each other node has shown.
    known_terms: BTreeMap<NodeId, Term>,
    /// When the next report of a kind about a node may be made.
    reports: BTreeMap<(NodeId, Kind), Duration>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Lease,
    Term,
    Behind,
}

impl Raft {
    /// Whether a message has sane values. One that has not is reported, and must have no effect.
    pub fn admits(&mut self, now: Duration, from: NodeId, message: &Message) -> bool {
        self.node.advance_clock(now);
        let term = message.term;
        if term > self.node.term() {
            self.node.note_term(from, term);
            if !self.node.is_sane_term(term) {
                self.node.report_insane(from, Kind::Term, Trace::TermRefused { by: from, term });
                return false;
            }
        } else if self.node.term() - term > MAX_TERM_STEP && term > 0 {
            self.node.report_insane(from, Kind::Behind, Trace::PeerFarBehind { peer: from, term });
        }
        match message.body.longest_promise() {
            Some(lease) if !self.node.is_sane_promise(lease) => {
                self.node.report_insane(from, Kind::Lease, Trace::LeaseRefused { by: from, lease });
                false
            }
            _ => message.body.last_index() <= MAX_NUMBER,
        }
    }

    /// Another node says that it has reached a term.
    pub fn peer_has_reached(&mut self, peer: NodeId, term: Term) {
        if term > self.node.term() {
            self.node.note_term(peer, term);
        }
    }
}

impl Body {
    /// The longest promise that it asks for, or reports.
    fn longest_promise(&self) -> Option<Duration> {
        match self {
            Body::RequestVote { lease, .. }
            | Body::AppendEntries { lease, .. }
            | Body::InstallSnapshot { lease, .. } => Some(*lease),
            Body::RequestVoteReply { remaining, .. } => {
                remaining.iter().map(|(_, left)| *left).max()
            }
            Body::PreVote { .. }
            | Body::PreVoteReply { .. }
            | Body::AppendEntriesReply { .. }
            | Body::InstallSnapshotReply { .. }
            | Body::TimeoutNow => None,
        }
    }

    /// The last index that it would add to a log.
    fn last_index(&self) -> Index {
        match self {
            Body::AppendEntries { prev_log_index, entries, .. } => {
                prev_log_index.saturating_add(entries.len() as Index)
            }
            Body::InstallSnapshot { snapshot, .. } => snapshot.index,
            _ => 0,
        }
    }
}

impl NodeState {
    fn note_term(&mut self, peer: NodeId, term: Term) {
        let known = self.sanity.known_terms.entry(peer).or_default();
        *known = (*known).max(term);
    }

    /// The highest term of a message that is handled.
    pub(super) fn highest_sane_term(&self) -> Term {
        let known = |peer: &NodeId| match self.is_voting_peer(*peer) {
            true => self.sanity.known_terms.get(peer).copied().unwrap_or_default(),
            false => 0,
        };
        let terms = self.others.iter().map(known).chain([self.term()]);
        let reached = self.quorum.reached(terms.collect()).unwrap_or_default();
        reached.max(self.term()).saturating_add(MAX_TERM_STEP).min(MAX_NUMBER)
    }

    fn report_insane(&mut self, peer: NodeId, kind: Kind, trace: Trace) {
        let next = self.sanity.reports.entry((peer, kind)).or_default();
        if self.now >= *next {
            *next = self.now.saturating_add(REPORT_INTERVAL);
            self.pending_ready.trace.push(trace);
        }
    }

    /// Whether the numbers are used up that another election needs; then the next `Ready` says so.
    pub(super) fn is_used_up(&mut self) -> bool {
        let (term, last_index) = (self.term(), self.log.last_index());
        let is_used_up = term >= MAX_NUMBER || last_index >= MAX_NUMBER;
        if is_used_up {
            self.pending_ready.used_up = Some(UsedUp { term, last_index });
        }
        is_used_up
    }
}
