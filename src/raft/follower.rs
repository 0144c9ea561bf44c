//! How a follower handles a leader's messages (section 5.3 of the paper).

use std::time::Duration;

use super::contradiction::Contradiction;
use super::core::Raft;
use super::entry::{Entry, Index, NodeId};
use super::message::{AppendOutcome, Body, SnapshotMark};
use super::node::NodeState;
use super::role::Role;
use super::trace::Trace;

impl Raft {
    /// An AppendEntries of the current term came; it is not checked yet that its sender leads.
    pub(super) fn handle_append_entries(&mut self, from: NodeId, message: Body) {
        let Body::AppendEntries {
            prev_log_index,
            prev_log_term,
            entries,
            leader_commit,
            sent_at,
            lease,
            read_round,
        } = message
        else {
            return;
        };
        if !is_contiguous(prev_log_index, &entries) || !self.accept_leader(from, lease) {
            return;
        }
        let node = &mut self.node;
        let prev = SnapshotMark { index: prev_log_index, term: prev_log_term };
        match node.append_from_leader(from, prev, &entries, leader_commit) {
            Ok(outcome) => {
                let is_heartbeat = entries.is_empty();
                node.reply_to_append(from, outcome, is_heartbeat, sent_at, read_round);
            }
            Err(contradiction) => node.report_contradiction(contradiction),
        }
    }

    /// A message of a leader of the current term came: follows it, and promises to help no other node
    /// to lead for a while. False if another node leads this term: there is one leader in a term
    /// (section 5.2).
    pub(super) fn accept_leader(&mut self, leader: NodeId, lease: Duration) -> bool {
        let term = self.node.term();
        if let Some(known) = self.node.leader_of_term().filter(|known| *known != leader) {
            self.node.report_contradiction(Contradiction::TwoLeaders {
                term,
                known,
                other: leader,
            });
            return false;
        }
        if !matches!(self.role, Role::Follower) {
            self.become_follower(term, Some(leader));
        }
        let node = &mut self.node;
        node.round_trips.forget_unanswered();
        if node.last_reported_leader != Some((leader, term)) {
            node.last_reported_leader = Some((leader, term));
            node.pending_ready.trace.push(Trace::LeaderKnown { leader, term });
        }
        node.leader = Some(leader);
        node.leader_contact_at = Some(node.now);
        node.restart_election_timer();
        node.promise(leader, lease, node.append_promise_end(lease));
        true
    }
}

impl NodeState {
    /// The node that leads or has led the current term, if this process knows of one.
    fn leader_of_term(&self) -> Option<NodeId> {
        self.last_reported_leader.filter(|(_, term)| *term == self.term()).map(|(leader, _)| leader)
    }

    /// Makes a promise of length `lease` that ends at `until` (rule 1). Its length is durable before
    /// a leader can count on it (rule 10).
    pub(super) fn promise(&mut self, to: NodeId, lease: Duration, until: Duration) {
        self.extend_promise(to, until);
        self.open_leases.promise(lease, until);
        if lease > self.hard_state.longest_lease {
            self.hard_state.longest_lease = lease;
            self.is_hard_state_new = true;
        }
    }

    /// Lowers the longest lease when every promise of that length is over, so that a lease that was
    /// once configured far too long does not delay every restart for ever (rule 10). Not below the own
    /// lease.
    pub(super) fn lower_longest_lease(&mut self) {
        let needed = self.open_leases.longest(self.now).max(self.config.lease);
        if needed < self.hard_state.longest_lease {
            self.hard_state.longest_lease = needed;
            self.is_hard_state_new = true;
        }
    }

    /// Appends a leader's entries behind `prev`, if the own log agrees there. Changes nothing if they
    /// contradict a committed entry.
    pub(super) fn append_from_leader(
        &mut self,
        leader: NodeId,
        prev: SnapshotMark,
        entries: &[Entry],
        leader_commit: Index,
    ) -> Result<AppendOutcome, Contradiction> {
        self.check_committed(leader, prev, entries)?;
        let last = prev.index + entries.len() as Index;
        if self.installing.is_some() || last <= self.commit_index {
            // Every later leader has the committed entries (section 5.4.3).
            return Ok(AppendOutcome::Matched { match_index: self.commit_index });
        }
        if prev.index > self.commit_index {
            match self.log.term_at(prev.index) {
                Some(term) if term == prev.term => (),
                Some(conflict_term) => {
                    let first = self.log.first_of_term_at(prev.index);
                    let conflict_index = first.max(self.commit_index + 1);
                    return Ok(AppendOutcome::Conflict {
                        prev_log_index: prev.index,
                        conflict_term,
                        conflict_index,
                    });
                }
                None => {
                    return Ok(AppendOutcome::Conflict {
                        prev_log_index: prev.index,
                        conflict_term: 0,
                        conflict_index: self.log.last_index() + 1,
                    });
                }
            }
        }
        for entry in entries.iter().filter(|entry| entry.index > self.commit_index) {
            match self.log.term_at(entry.index) {
                Some(term) if term == entry.term => continue,
                // Only a conflict cuts the log. A late message may have fewer entries than the log; that
                // is no reason to drop the others.
                Some(_) => {
                    self.log.truncate(entry.index);
                    self.writes.truncate(entry.index);
                    self.pending_ready.trace.push(Trace::Truncated { from: entry.index });
                }
                None => (),
            }
            self.log.append(entry.clone());
        }
        // Not beyond the entries that were compared: the log behind them may be of another leader.
        self.commit_index = self.commit_index.max(leader_commit.min(last));
        Ok(AppendOutcome::Matched { match_index: last })
    }

    /// Replies to an AppendEntries when the content of the reply is durable. A reply to a heartbeat does
    /// not wait for entries: it is sent at once with the match index that is durable already, so that
    /// neither a lease nor a read-index round depends on the speed of the disk (rule 2).
    pub(super) fn reply_to_append(
        &mut self,
        leader: NodeId,
        mut outcome: AppendOutcome,
        is_heartbeat: bool,
        sent_at: Duration,
        read_round: u64,
    ) {
        if let AppendOutcome::Matched { match_index } = &mut outcome
            && is_heartbeat
            && self.is_promise_durable()
        {
            *match_index = self.durable_match(*match_index);
        }
        let is_durable = match outcome {
            AppendOutcome::Matched { match_index } => {
                is_heartbeat || match_index <= self.writes.durable_index()
            }
            AppendOutcome::Conflict { .. } | AppendOutcome::Stale => true,
        };
        self.pending_ready.trace.push(match outcome {
            AppendOutcome::Matched { .. } => Trace::AppendAccepted { leader },
            AppendOutcome::Conflict { .. } | AppendOutcome::Stale => {
                Trace::AppendRejected { leader }
            }
        });
        let body = Body::AppendEntriesReply { outcome, sent_at, read_round };
        match is_durable {
            true => self.send_reply(leader, body),
            false => self.send_after(leader, body),
        }
    }

    /// A message of a leader of an older term came: the reply tells it the newer term.
    pub(super) fn reject_stale_leader(&mut self, from: NodeId, body: &Body) {
        self.pending_ready.trace.push(Trace::AppendRejected { leader: from });
        let (sent_at, read_round) = match *body {
            Body::AppendEntries { sent_at, read_round, .. } => (sent_at, read_round),
            _ => (Duration::ZERO, 0),
        };
        let outcome = AppendOutcome::Stale;
        self.send(from, Body::AppendEntriesReply { outcome, sent_at, read_round });
    }
}

/// Whether the entries have consecutive indices, the first right behind `before`.
fn is_contiguous(before: Index, entries: &[Entry]) -> bool {
    let mut index = before;
    entries.iter().all(|entry| {
        let is_next = Some(entry.index) == index.checked_add(1);
        index = entry.index;
        is_next
    })
}
