//! A node that is compromised or damaged: messages in its name with values that no working node sends.
//! None of them may have an effect.

use std::sync::Arc;
use std::time::Duration;

use agora::raft::{
    AppendOutcome, Body, Index, MAX_NUMBER, MAX_TERM_STEP, Message, NodeId, SnapshotMark, Term,
};
use agora::replica::wire::{Encoder, MAX_LEASE};

use crate::workload::Workload;
use crate::world::{Event, MS, World};

impl<W: Workload> World<W> {
    /// Sends messages of the last node, if it runs, that it has not made, to every other node. It is
    /// always the same node: a majority that agrees about a term is believed.
    pub fn forge(&mut self) {
        let from = self.nodes.len() - 1;
        let Some(process) = &self.nodes[from].process else { return };
        let raft = process.engine.raft();
        let (process_number, lease) = (process.id, raft.config().lease);
        let (term, last_index) = (raft.current_term(), raft.last_index());
        let last_term = raft.term_at(last_index).unwrap_or_default();
        let last = SnapshotMark { index: last_index, term: last_term };
        // Far enough for every node of the group, however far its own term lags.
        let far = *self.seed.pick(&[term + 2 * MAX_TERM_STEP, 1 << 40, MAX_NUMBER]);
        let mut forged = with_term(far, last, lease);
        // Ten leases are accepted, and the encoding holds a day.
        let long = (lease * (11 + self.seed.below(200_000) as u32)).min(MAX_LEASE);
        forged.extend(with_lease(term.max(1), last, long));
        let mut encoder = Encoder::default();
        for to in (0..self.nodes.len()).filter(|to| *to != from) {
            let delay = MS * self.seed.below(20) as u32;
            let message = self.seed.pick(&forged).clone();
            self.record(|| format!("node {from} is made to send {message:?} to {to}"));
            let (from, to) = (from as NodeId, to as NodeId);
            let bytes = encoder.encode(&message).to_vec();
            self.schedule(delay, Event::Arrive { from, process_number, to, bytes });
        }
    }
}

/// Messages of a term that no election could have reached.
fn with_term(term: Term, last: SnapshotMark, lease: Duration) -> Vec<Message> {
    let SnapshotMark { index: last_log_index, term: last_log_term } = last;
    let (sent_at, read_round) = (Duration::ZERO, 0);
    let bodies = [
        Body::PreVote { last_log_index, last_log_term },
        Body::PreVoteReply { granted: true },
        Body::PreVoteReply { granted: false },
        Body::RequestVote { last_log_index, last_log_term, lease, released: None },
        Body::RequestVote { last_log_index, last_log_term, lease, released: Some(0) },
        Body::RequestVoteReply { granted: true, remaining: Vec::new() },
        append(last, lease),
        Body::AppendEntriesReply { outcome: AppendOutcome::Stale, sent_at, read_round },
        install(last.index + 1000, term, lease),
        Body::InstallSnapshotReply {
            snapshot: SnapshotMark { index: last.index + 1, term },
            next_offset: 0,
            is_installed: true,
            sent_at,
        },
        Body::TimeoutNow,
    ];
    bodies.into_iter().map(|body| Message { term, body }).collect()
}

/// Messages that ask for a promise which is far too long, or report one.
fn with_lease(term: Term, last: SnapshotMark, lease: Duration) -> Vec<Message> {
    let SnapshotMark { index: last_log_index, term: last_log_term } = last;
    let remaining = vec![(0, lease), (1, lease), (2, lease)];
    let next = term + 1;
    [
        (term, append(last, lease)),
        (next, append(last, lease)),
        (next, Body::RequestVote { last_log_index, last_log_term, lease, released: None }),
        (term, Body::RequestVoteReply { granted: true, remaining }),
        (next, install(last.index + 1000, term, lease)),
    ]
    .map(|(term, body)| Message { term, body })
    .into()
}

fn append(last: SnapshotMark, lease: Duration) -> Body {
    Body::AppendEntries {
        prev_log_index: last.index,
        prev_log_term: last.term,
        entries: Arc::default(),
        leader_commit: last.index + 1000,
        sent_at: Duration::ZERO,
        lease,
        read_round: 0,
    }
}

fn install(index: Index, term: Term, lease: Duration) -> Body {
    Body::InstallSnapshot {
        snapshot: SnapshotMark { index, term },
        offset: 0,
        data: b"forged".as_slice().into(),
        is_last: true,
        sent_at: Duration::ZERO,
        lease,
    }
}
