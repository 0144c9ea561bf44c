//! Log lines about refused calls and messages of peers, at a limited rate: one line for each node of
//! the group, and one for all other callers, then counts.
//!
//! What is written is for the operator of this node. The caller learns the reason only if it has
//! proved to belong to the group; otherwise [`REFUSED`].

use std::collections::BTreeMap;
use std::time::Instant;

use crate::raft::NodeId;
use crate::rpc::LogLimit;

/// All that an unknown caller learns.
pub const REFUSED: &str = "the hello is refused; the log of the called node has the reason";

/// The limits by the node that a caller claims to be; `None`: no node of this group.
#[derive(Default)]
pub(super) struct Refusals {
    limits: BTreeMap<Option<NodeId>, LogLimit>,
}

impl Refusals {
    /// A call or message was refused. `claimed` must be a node of the group.
    pub(super) fn note(&mut self, claimed: Option<NodeId>, reason: &str) {
        if self.limits.entry(claimed).or_default().admit(Instant::now()) {
            log::warn!("{reason}");
        }
    }

    /// Writes the counts that are due.
    pub(super) fn write_counts(&mut self, now: Instant) {
        for (claimed, limit) in &mut self.limits {
            match (limit.take_count(now), claimed) {
                (Some(count), Some(node)) => {
                    log::warn!("{count} more calls or messages of node {node} were refused");
                }
                (Some(count), None) => log::warn!("{count} more calls of peers were refused"),
                (None, _) => (),
            }
        }
    }

    /// When [`write_counts`](Self::write_counts) is due.
    pub(super) fn next_timeout(&self) -> Option<Instant> {
        self.limits.values().filter_map(LogLimit::next_timeout).min()
    }
}
