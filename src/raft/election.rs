//! Elections (section 5.2 of the paper), with pre-vote and with what a vote means for leases.

use std::collections::BTreeMap;
use std::mem;
use std::time::Duration;

use super::batches::Batches;
use super::core::Raft;
use super::entry::{Entry, NodeId, Payload, Term};
use super::lease::{Acks, OldLeases, Rule};
use super::message::{Body, Message, SnapshotMark};
use super::progress::Progress;
use super::reads::Reads;
use super::role::{CandidateState, LeaderState, Role};
use super::trace::Trace;

impl Raft {
    /// The election timer ran out.
    pub(super) fn start_election(&mut self) {
        self.restart_election_timer();
        if !self.may_vote() {
            return;
        }
        if self.installing.is_some() {
            // The log says less than what is being installed: this is no time to lead.
            return;
        }
        self.pending_ready.trace.push(Trace::ElectionStarted);
        if self.others.is_empty() {
            self.become_candidate(None);
            return;
        }
        if matches!(self.role, Role::Candidate(_)) {
            self.pending_ready.trace.push(Trace::SteppedDown);
        }
        self.leader = None;
        self.role = Role::PreCandidate(self.self_vote());
        let last = self.log.last();
        let body = Body::PreVote { last_log_index: last.index, last_log_term: last.term };
        let term = self.term() + 1;
        for to in self.others.clone() {
            self.round_trips.request_sent(self.now, to);
            self.pending_ready.messages.push((to, Message { term, body: body.clone() }));
        }
    }

    /// Would we vote for it? Nothing changes, whatever we say.
    pub(super) fn handle_pre_vote(
        &mut self,
        from: NodeId,
        term: Term,
        last_log_index: u64,
        last_log_term: Term,
    ) {
        let granted = self.may_vote()
            && term > self.term()
            && !self.has_active_leader()
            && self.log.is_not_newer_than(last_log_index, last_log_term);
        let term = if granted { term } else { self.term() };
        self.pending_ready
            .messages
            .push((from, Message { term, body: Body::PreVoteReply { granted } }));
    }

    pub(super) fn handle_pre_vote_reply(&mut self, from: NodeId, term: Term, granted: bool) {
        self.round_trips.reply_received(self.now, from);
        let asked = self.term() + 1;
        let Role::PreCandidate(votes) = &mut self.role else { return };
        if granted && term == asked {
            votes.insert(from);
            if self.quorum.is_reached_by(votes.len()) {
                self.become_candidate(None);
            }
        }
    }

    /// A leader asks this node to stand at once, and has given up its lease before (rule 9).
    pub(super) fn handle_timeout_now(&mut self, from: NodeId) {
        let is_free = matches!(self.role, Role::Follower | Role::PreCandidate(_));
        let may_stand = self.may_vote() && self.installing.is_none() && !self.is_full;
        if is_free && may_stand {
            self.pending_ready.trace.push(Trace::ElectionStarted);
            self.become_candidate(Some(from));
        }
    }

    /// Stands for election in the next term. `released` is the leader that asked for it: what was
    /// promised to it no longer counts, in this one election.
    fn become_candidate(&mut self, released: Option<NodeId>) {
        self.hard_state.current_term += 1;
        self.hard_state.voted_for = Some(self.config.id);
        self.is_hard_state_new = true;
        self.leader = None;
        self.restart_election_timer();
        let mut old_leases = OldLeases::default();
        if self.keeps(Rule::OwnPromises) {
            let own = self.promises.remaining(self.now, self.config.id, released);
            old_leases.add_own_promises(self.now, &own);
        }
        self.role = Role::Candidate(CandidateState {
            requested_at: self.now,
            votes: self.self_vote(),
            acks: Acks::default(),
            old_leases,
        });
        let last = self.log.last();
        for to in self.others.clone() {
            // Behind our own vote: should we forget it we might vote for another in this term.
            self.send_after(
                to,
                Body::RequestVote {
                    last_log_index: last.index,
                    last_log_term: last.term,
                    lease: self.config.lease,
                    released,
                },
            );
        }
    }

    /// One vote in a term, for a log that is not behind ours (section 5.4.1). With the vote goes a
    /// promise, and word of all other promises (rule 1).
    pub(super) fn handle_request_vote(
        &mut self,
        from: NodeId,
        term: Term,
        last: SnapshotMark,
        lease: Duration,
        released: Option<NodeId>,
    ) {
        let granted = self.may_vote()
            && term == self.term()
            && self.hard_state.voted_for.is_none_or(|voted_for| voted_for == from)
            && self.log.is_not_newer_than(last.index, last.term);
        let mut remaining = Vec::new();
        if granted {
            if self.hard_state.voted_for.is_none() {
                self.hard_state.voted_for = Some(from);
                self.is_hard_state_new = true;
            }
            self.become_follower(term, None);
            self.restart_election_timer();
            if self.keeps(Rule::Remaining) {
                remaining = self.promises.remaining(self.now, from, released);
            }
            if self.keeps(Rule::VotePromises) {
                self.promise(from, lease);
            }
            self.pending_ready.trace.push(Trace::VoteGranted { candidate: from, term });
        } else {
            self.pending_ready.trace.push(Trace::VoteDenied { candidate: from, term });
        }
        self.send_after(from, Body::RequestVoteReply { granted, remaining });
    }

    pub(super) fn handle_vote_reply(
        &mut self,
        from: NodeId,
        granted: bool,
        remaining: &[(NodeId, Duration)],
    ) {
        let (id, now) = (self.config.id, self.now);
        let clears = self.keeps(Rule::Clear);
        match &mut self.role {
            Role::Leader(leadership) if clears => leadership.old_leases.clear(from),
            Role::Candidate(candidate) => {
                if clears {
                    candidate.old_leases.clear(from);
                }
                if granted {
                    let others: Vec<_> =
                        remaining.iter().copied().filter(|(x, _)| *x != id).collect();
                    candidate.old_leases.report(now, &others);
                    candidate.acks.renew(from, candidate.requested_at);
                    candidate.votes.insert(from);
                    self.count_votes();
                }
            }
            _ => (),
        }
    }

    /// Leads once a majority has voted for us. Our own vote counts when it is on disk.
    pub(super) fn count_votes(&mut self) {
        if let Role::Candidate(candidate) = &self.role
            && self.quorum.is_reached_by(candidate.votes.len())
            && self.is_hard_state_durable()
        {
            self.become_leader();
        }
    }

    /// A majority voted for us. The term begins with a no-op: entries of older terms are committed
    /// with it (sections 5.4.2 and 8).
    fn become_leader(&mut self) {
        let (acks, old_leases) = match mem::replace(&mut self.role, Role::Follower) {
            Role::Candidate(candidate) => (candidate.acks, candidate.old_leases),
            _ => Default::default(),
        };
        let last = self.log.last_index();
        let term = self.term();
        self.pending_ready.trace.push(Trace::BecameLeader { term });
        if old_leases.end().is_some_and(|end| end >= self.now) {
            self.pending_ready.trace.push(Trace::WaitingForOldLease);
        }
        self.leader = Some(self.config.id);
        self.last_reported_leader = Some((self.config.id, term));
        let progress = |to: &NodeId| (*to, Progress::new(last + 1));
        let limbo = self.log.range(self.commit_index + 1, last).map(Entry::size_bytes);
        self.role = Role::Leader(Box::new(LeaderState {
            elected_at: self.now,
            progress: self.others.iter().map(progress).collect::<BTreeMap<_, _>>(),
            acks,
            old_leases,
            is_revoked: false,
            last_index_at_election: last,
            noop_index: last + 1,
            heartbeat_due: self.now.saturating_add(self.config.heartbeat_interval),
            batches: Batches::new(last, self.commit_index),
            reads: Reads::default(),
            transfer: None,
            uncommitted_bytes: limbo.sum(),
        }));
        self.append(self.wall_ms, Payload::NoOp);
    }
}
