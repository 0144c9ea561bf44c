//! What a follower does with a leader's messages (section 5.3 of the paper).

use std::time::Duration;

use super::contradiction::Contradiction;
use super::core::Raft;
use super::entry::{Entry, Index, NodeId};
use super::lease::Rule;
use super::message::{AppendOutcome, Body, SnapshotMark};
use super::role::Role;
use super::trace::Trace;

impl Raft {
    /// A message of this term's leader came: follows it, and promises to help nobody else for a
    /// while. False if it cannot be the leader: there is one in a term (section 5.2).
    pub(super) fn accept_leader(&mut self, leader: NodeId, lease: Duration) -> bool {
        if let Some(known) = self.leader_of_term().filter(|known| *known != leader) {
            let term = self.term();
            self.report_contradiction(Contradiction::TwoLeaders { term, known, other: leader });
            return false;
        }
        if !matches!(self.role, Role::Follower) {
            self.become_follower(self.term(), Some(leader));
        }
        self.round_trips.forget_unanswered();
        let term = self.term();
        if self.last_reported_leader != Some((leader, term)) {
            self.last_reported_leader = Some((leader, term));
            self.pending_ready.trace.push(Trace::LeaderKnown { leader, term });
        }
        self.leader = Some(leader);
        self.leader_contact_at = Some(self.now);
        self.restart_election_timer();
        if self.keeps(Rule::AppendPromises) {
            self.promise(leader, lease);
        }
        true
    }

    /// Who leads, or has led, in the present term, if this process has heard of anybody.
    fn leader_of_term(&self) -> Option<NodeId> {
        self.last_reported_leader.filter(|(_, term)| *term == self.term()).map(|(leader, _)| leader)
    }

    /// Rule 1. The length of the promise is on disk before anybody can count on it (rule 10).
    pub(super) fn promise(&mut self, to: NodeId, lease: Duration) {
        #[cfg(test)]
        if !self.keeps(Rule::EveryHolder) {
            self.promises.forget_others(to);
        }
        let until = self.now.saturating_add(lease);
        self.promises.extend(to, until);
        self.open_leases.promise(lease, until);
        if lease > self.hard_state.longest_lease {
            self.hard_state.longest_lease = lease;
            self.is_hard_state_new = true;
        }
    }

    /// The longest lease comes down again when every promise of that length is over, so that what was
    /// once set far too long does not delay every restart for ever (rule 10). Not below our own.
    pub(super) fn lower_longest_lease(&mut self) {
        let needed = self.open_leases.longest(self.now).max(self.config.lease);
        if needed < self.hard_state.longest_lease {
            self.hard_state.longest_lease = needed;
            self.is_hard_state_new = true;
        }
    }

    /// Takes a leader's entries behind `prev`, if our log agrees there. Nothing is changed if they
    /// contradict what is committed here.
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
            // What is committed is in every later leader's log (section 5.4.3).
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
                // Only a conflict cuts the log: a message that came late has nothing new, and
                // what it lacks is no reason to forget.
                Some(_) => {
                    self.log.truncate(entry.index);
                    self.writes.truncate(entry.index);
                    self.pending_ready.trace.push(Trace::Truncated { from: entry.index });
                }
                None => (),
            }
            self.log.append(entry.clone());
        }
        // No further than what was compared: behind it our log may be of another leader.
        self.commit_index = self.commit_index.max(leader_commit.min(last));
        Ok(AppendOutcome::Matched { match_index: last })
    }

    /// Answers when what the answer says is durable. Nothing waits for entries that brings none: a
    /// heartbeat is answered at once with what is durable already, so that neither a lease nor a
    /// round of read-index depends on how long the disk takes (rule 2).
    pub(super) fn reply_to_append(
        &mut self,
        leader: NodeId,
        mut outcome: AppendOutcome,
        is_heartbeat: bool,
        sent_at: Duration,
        read_round: u64,
    ) {
        let durable_index = self.writes.durable_index();
        let is_known = self.is_hard_state_durable() || !self.keeps(Rule::DurablePromise);
        if let AppendOutcome::Matched { match_index } = &mut outcome
            && is_heartbeat
            && is_known
            && self.keeps(Rule::DurableMatch)
        {
            *match_index = (*match_index).min(durable_index);
        }
        let is_durable = match outcome {
            AppendOutcome::Matched { match_index } => is_heartbeat || match_index <= durable_index,
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
            true => self.send_answer(leader, body),
            false => self.send_after(leader, body),
        }
    }

    /// A leader of an older term speaks: it hears of the newer one.
    pub(super) fn reject_stale_leader(&mut self, from: NodeId, body: &Body) {
        self.pending_ready.trace.push(Trace::AppendRejected { leader: from });
        let reply = match *body {
            Body::AppendEntries { sent_at, read_round, .. } => {
                Body::AppendEntriesReply { outcome: AppendOutcome::Stale, sent_at, read_round }
            }
            _ => Body::AppendEntriesReply {
                outcome: AppendOutcome::Stale,
                sent_at: Duration::ZERO,
                read_round: 0,
            },
        };
        self.send(from, reply);
    }
}
