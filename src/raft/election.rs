//! Elections (section 5.2 of the paper), with pre-vote and with the promise that a vote is.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use std::time::Duration;

use super::batches::Batches;
use super::core::Raft;
use super::entry::{Entry, NodeId, Payload, Term};
use super::lease::{Acks, OldLeases};
use super::message::{Body, Message, SnapshotMark};
use super::progress::Progress;
use super::reads::Reads;
use super::role::{CandidateState, LeaderState, Role};
use super::trace::Trace;

impl Raft {
    /// The election timer expired.
    pub(super) fn start_election(&mut self) {
        let node = &mut self.node;
        node.restart_election_timer();
        if !node.may_vote() {
            return;
        }
        if node.installing.is_some() {
            // The log is older than the snapshot that is being installed: this node must not lead.
            return;
        }
        if node.is_used_up() {
            return;
        }
        node.pending_ready.trace.push(Trace::ElectionStarted);
        if node.others.is_empty() {
            self.become_candidate(None);
            return;
        }
        if matches!(self.role, Role::Candidate(_)) {
            node.pending_ready.trace.push(Trace::SteppedDown);
        }
        node.leader = None;
        self.role = Role::PreCandidate(self_vote(node.config.id));
        let last = node.log.last();
        let body = Body::PreVote { last_log_index: last.index, last_log_term: last.term };
        let term = node.term() + 1;
        for to in &node.others {
            node.round_trips.request_sent(node.now, *to);
            node.pending_ready.messages.push((*to, Message { term, body: body.clone() }));
        }
    }

    /// Answers whether this node would vote for the sender. No state changes.
    pub(super) fn handle_pre_vote(
        &mut self,
        from: NodeId,
        term: Term,
        last_log_index: u64,
        last_log_term: Term,
    ) {
        let has_active_leader = self.has_active_leader();
        let node = &mut self.node;
        let granted = node.may_vote()
            && term > node.term()
            && !has_active_leader
            && node.log.is_not_newer_than(last_log_index, last_log_term);
        let term = if granted { term } else { node.term() };
        let body = Body::PreVoteReply { granted };
        node.pending_ready.messages.push((from, Message { term, body }));
    }

    pub(super) fn handle_pre_vote_reply(&mut self, from: NodeId, term: Term, granted: bool) {
        let node = &mut self.node;
        node.round_trips.reply_received(node.now, from);
        let Role::PreCandidate(votes) = &mut self.role else { return };
        if granted && term == node.term() + 1 {
            votes.insert(from);
            if node.quorum.is_reached_by(votes.len()) {
                self.become_candidate(None);
            }
        }
    }

    /// A leader asks this node to stand for election at once. It has given up its lease before
    /// (rule 9). No other node may ask.
    pub(super) fn handle_timeout_now(&mut self, from: NodeId) {
        let node = &mut self.node;
        let is_free = matches!(self.role, Role::Follower | Role::PreCandidate(_));
        let may_stand = node.may_vote() && node.installing.is_none() && !node.is_full;
        if is_free && node.may_release(from) && may_stand && !node.is_used_up() {
            node.pending_ready.trace.push(Trace::ElectionStarted);
            self.become_candidate(Some(from));
        }
    }

    /// Stands for election in the next term. `released` is the leader that asked for it: promises to
    /// it no longer count in this one election.
    fn become_candidate(&mut self, released: Option<NodeId>) {
        let node = &mut self.node;
        node.hard_state.current_term += 1;
        node.hard_state.voted_for = Some(node.config.id);
        node.is_hard_state_new = true;
        node.leader = None;
        node.restart_election_timer();
        let mut old_leases = OldLeases::default();
        old_leases.add_own_promises(node.now, &node.own_promises(released));
        self.role = Role::Candidate(CandidateState {
            requested_at: node.now,
            votes: self_vote(node.config.id),
            acks: Acks::default(),
            old_leases,
        });
        let last = node.log.last();
        let body = Body::RequestVote {
            last_log_index: last.index,
            last_log_term: last.term,
            lease: node.config.lease,
            released,
        };
        for to in node.others.clone() {
            // After this node's own vote is durable: else, after a crash, it might vote for another
            // node in this term.
            node.send_after(to, body.clone());
        }
    }

    /// Grants one vote in a term, to a candidate whose log is not older than the own one (section
    /// 5.4.1). The vote is a promise, and the reply reports the voter's other promises (rules 1 and 3).
    pub(super) fn handle_request_vote(
        &mut self,
        from: NodeId,
        term: Term,
        last: SnapshotMark,
        lease: Duration,
        released: Option<NodeId>,
    ) {
        let node = &mut self.node;
        let granted = node.may_vote()
            && term == node.term()
            && node.hard_state.voted_for.is_none_or(|voted_for| voted_for == from)
            && node.log.is_not_newer_than(last.index, last.term);
        let mut remaining = Vec::new();
        if granted {
            if node.hard_state.voted_for.is_none() {
                node.hard_state.voted_for = Some(from);
                node.is_hard_state_new = true;
            }
            self.become_follower(term, None);
            let node = &mut self.node;
            node.restart_election_timer();
            remaining = node.promises_to_report(from, released);
            node.promise(from, lease, node.vote_promise_end(lease));
            node.pending_ready.trace.push(Trace::VoteGranted { candidate: from, term });
        } else {
            node.pending_ready.trace.push(Trace::VoteDenied { candidate: from, term });
        }
        self.node.send_after(from, Body::RequestVoteReply { granted, remaining });
    }

    pub(super) fn handle_vote_reply(
        &mut self,
        from: NodeId,
        granted: bool,
        remaining: &[(NodeId, Duration)],
    ) {
        let node = &self.node;
        match &mut self.role {
            Role::Leader(leader) if node.clears_old_lease(from) => leader.old_leases.clear(from),
            Role::Candidate(candidate) => {
                if node.clears_old_lease(from) {
                    candidate.old_leases.clear(from);
                }
                if granted {
                    let is_other = |(holder, _): &(NodeId, Duration)| node.others.contains(holder);
                    let others: Vec<_> = remaining.iter().copied().filter(is_other).collect();
                    candidate.old_leases.report(node.now, &others);
                    candidate.acks.renew(from, candidate.requested_at);
                    candidate.votes.insert(from);
                    self.count_votes();
                }
            }
            _ => (),
        }
    }

    /// Leads once a majority has voted for this node. Its own vote counts when it is durable.
    pub(super) fn count_votes(&mut self) {
        if let Role::Candidate(candidate) = &self.role
            && self.node.quorum.is_reached_by(candidate.votes.len())
            && self.node.is_hard_state_durable()
        {
            self.become_leader();
        }
    }

    /// A majority has voted for this node. The term begins with a no-op: entries of older terms are
    /// committed with it (sections 5.4.2 and 8).
    fn become_leader(&mut self) {
        let node = &mut self.node;
        let (acks, old_leases) = match mem::replace(&mut self.role, Role::Follower) {
            Role::Candidate(candidate) => (candidate.acks, candidate.old_leases),
            _ => Default::default(),
        };
        let last = node.log.last_index();
        let term = node.term();
        node.pending_ready.trace.push(Trace::BecameLeader { term });
        if old_leases.may_last(node.now) {
            node.pending_ready.trace.push(Trace::WaitingForOldLease);
        }
        node.leader = Some(node.config.id);
        node.last_reported_leader = Some((node.config.id, term));
        let progress = |to: &NodeId| (*to, Progress::new(last + 1));
        let limbo = node.log.range(node.commit_index + 1, last).map(Entry::size_bytes);
        let mut leader = Box::new(LeaderState {
            elected_at: node.now,
            progress: node.others.iter().map(progress).collect::<BTreeMap<_, _>>(),
            acks,
            old_leases,
            is_revoked: false,
            last_index_at_election: last,
            noop_index: last + 1,
            heartbeat_due: node.now.saturating_add(node.config.heartbeat_interval),
            batches: Batches::new(last, node.commit_index),
            reads: Reads::default(),
            transfer: None,
            uncommitted_bytes: limbo.sum(),
        });
        let wall_ms = node.wall_ms;
        leader.append(node, wall_ms, Payload::NoOp);
        self.role = Role::Leader(leader);
    }
}

/// A candidate votes for itself.
fn self_vote(id: NodeId) -> BTreeSet<NodeId> {
    BTreeSet::from([id])
}
