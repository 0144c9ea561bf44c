//! Messages and events as lines of a transcript: `0 > 1 RequestVote term=2 last=3@1`.

use crate::raft::{AppendOutcome, Body, Message, NodeId, Trace};

/// A message, as it is sent.
pub fn message(from: NodeId, to: NodeId, message: &Message) -> String {
    let body = match &message.body {
        Body::PreVote { last_log_index, last_log_term } => {
            format!("PreVote last={last_log_index}@{last_log_term}")
        }
        Body::PreVoteReply { granted } => format!("PreVoteReply {}", yes(*granted)),
        Body::RequestVote { last_log_index, last_log_term, released, .. } => {
            let released = released.map(|leader| format!(" released={leader}"));
            let released = released.unwrap_or_default();
            format!("RequestVote last={last_log_index}@{last_log_term}{released}")
        }
        Body::RequestVoteReply { granted, remaining } => {
            let left: Vec<_> =
                remaining.iter().map(|(x, left)| format!(" {x}:{}ms", left.as_millis())).collect();
            format!("RequestVoteReply {}{}", yes(*granted), left.concat())
        }
        Body::AppendEntries { prev_log_index, prev_log_term, entries, leader_commit, .. } => {
            let terms: Vec<_> = entries.iter().map(|entry| format!(" {}", entry.term)).collect();
            let terms = terms.concat();
            format!(
                "AppendEntries prev={prev_log_index}@{prev_log_term} commit={leader_commit} entries=[{}]",
                terms.trim()
            )
        }
        Body::AppendEntriesReply { outcome, .. } => match outcome {
            AppendOutcome::Matched { match_index } => {
                format!("AppendEntriesReply matched={match_index}")
            }
            AppendOutcome::Conflict { prev_log_index, conflict_term, conflict_index } => format!(
                "AppendEntriesReply refused={prev_log_index} conflict={conflict_index}@{conflict_term}"
            ),
            AppendOutcome::Stale => "AppendEntriesReply stale".into(),
        },
        Body::InstallSnapshot { snapshot, offset, is_last, .. } => {
            let last = if *is_last { " last" } else { "" };
            format!("InstallSnapshot {}@{} offset={offset}{last}", snapshot.index, snapshot.term)
        }
        Body::InstallSnapshotReply { next_offset, is_installed: false, .. } => {
            format!("InstallSnapshotReply next={next_offset}")
        }
        Body::InstallSnapshotReply { .. } => "InstallSnapshotReply installed".into(),
        Body::TimeoutNow => "TimeoutNow".into(),
    };
    let (kind, rest) = body.split_once(' ').unwrap_or((&body, ""));
    format!("{} > {to} {kind} term={} {rest}", from, message.term).trim_end().to_owned() + "\n"
}

fn yes(granted: bool) -> &'static str {
    if granted { "yes" } else { "no" }
}

/// An event of a node.
pub fn trace(id: NodeId, trace: &Trace) -> String {
    let what = match trace {
        Trace::HeartbeatSent => "heartbeat".into(),
        Trace::LeaseRenewalFailed => "lease renewal failed".into(),
        Trace::WaitingForOldLease => "waits for an old lease".into(),
        Trace::ElectionStarted => "stands for election".into(),
        Trace::BecameLeader { term } => format!("leads term {term}"),
        Trace::SteppedDown => "steps down".into(),
        Trace::LeaderKnown { leader, term } => format!("follows {leader} in term {term}"),
        Trace::VoteGranted { candidate, term } => format!("votes for {candidate} in term {term}"),
        Trace::VoteDenied { candidate, term } => {
            format!("denies {candidate} its vote in term {term}")
        }
        Trace::LeaseRefused { by, .. } => format!("refuses a promise to {by}"),
        Trace::TermRefused { by, term } => format!("refuses term {term} of {by}"),
        Trace::PeerFarBehind { peer, .. } => format!("is ignored by {peer}"),
        Trace::SnapshotInstalled { index, committed, .. } => {
            format!("installs a snapshot to {index} over {committed}")
        }
        Trace::Truncated { from } => format!("drops its log from {from} on"),
        Trace::FollowerAhead { follower, index } => {
            format!("detects that {follower} holds {index}")
        }
        Trace::TransferStarted { to } => format!("hands over to {to}"),
        Trace::TransferAborted => "goes on leading, without a lease".into(),
        // Every AppendEntries has one; its reply shows the same.
        Trace::AppendAccepted { .. } | Trace::AppendRejected { .. } => return String::new(),
    };
    format!("{id} : {what}\n")
}
